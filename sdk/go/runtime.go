package hydrapin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/gen/client"
)

const (
	// maxWait is how long the server waits at most; a little less passes under the usual limits of proxies.
	maxWait = 30 * time.Second
	waitFor = 25 * time.Second
	// pollPause is between two looks when the server, or something before it, does not wait.
	pollPause = time.Second
)

// Runtime is what the runtime of one agent instance calls. [Person.Guard] is what most need of it. None of its methods
// may be offered to a model as a tool: the runtime says who asks for what, and whoever can call Verify can guess.
type Runtime struct {
	c        *connection
	instance uuid.UUID
}

// NewRuntime returns a Runtime for the server at baseURL (which may have a path prefix) with the runtime key of the
// instance. It returns [ErrConfig] and calls nobody.
func NewRuntime(baseURL string, key Key, instance uuid.UUID, options ...Option) (*Runtime, error) {
	c, err := connect(baseURL, key, options)
	if err != nil {
		return nil, err
	}
	if instance == uuid.Nil {
		return nil, fmt.Errorf("%w: no instance", ErrConfig)
	}
	return &Runtime{c: c, instance: instance}, nil
}

// Question is what [Runtime.Ask] asks: may this skill run now?
type Question struct {
	Holder Holder
	Role   Role
	Skill  string
	// Action is what exactly is to be done, or nil. It is always confirmed for itself: no session covers it.
	Action *Action
	// ExpiresIn is how long the holder can answer, in whole seconds up to an hour; 5 minutes when 0.
	ExpiresIn time.Duration
	// IdempotencyKey, 1 to 64 visible characters unique within the instance, makes asking again give the same
	// confirmation. Without one a question is not repeated when its answer is lost.
	IdempotencyKey string
}

// Action is what exactly is to be done.
type Action struct {
	// Summary is what the person is shown, 1 to 500 characters, built from the params by a template and never by the
	// model.
	Summary string
	// Params are the exact parameters: whatever encoding/json makes an object of, or the object itself as
	// [json.RawMessage], which is sent as it is.
	Params any
}

// Ask asks whether a skill may run now. A 409 for a key that was used for another question is [ErrIdempotencyConflict].
func (r *Runtime) Ask(ctx context.Context, q Question) (Confirmation, error) {
	const operation = "askConfirmation"
	body, err := q.body()
	if err != nil {
		return Confirmation{}, err
	}
	a, err := r.c.do(ctx, call{
		operation: operation, repeatable: q.IdempotencyKey != "",
		want: []int{http.StatusOK, http.StatusCreated},
		send: func(ctx context.Context) (*http.Response, error) {
			return r.c.api.AskConfirmationWithBody(ctx, r.instance, mediaType, bytes.NewReader(body))
		},
	})
	if err != nil {
		return Confirmation{}, err
	}
	return read(operation, a, func(w client.Confirmation) (Confirmation, error) {
		c, err := fromConfirmation(w)
		if err == nil && !c.answers(q) {
			err = errors.New("answers another question")
		}
		return c, err
	})
}

// answers says whether a confirmation can be the answer to a question. That no session covers an action is looked at
// here too: it is what keeps one PIN from confirming two transfers.
func (c Confirmation) answers(q Question) bool {
	return strings.EqualFold(c.Skill, q.Skill) && c.Role == q.Role && c.Holder == q.Holder &&
		(q.Action == nil || c.Reason != ReasonSession)
}

func (q Question) body() ([]byte, error) {
	customer, identity, err := q.Holder.ids()
	if err != nil {
		return nil, err
	}
	ask := client.AskConfirmation{Skill: q.Skill, Role: client.Role(q.Role), CustomerId: customer, IdentityId: identity}
	if q.Action != nil {
		params, err := encode(q.Action.Params)
		if err != nil {
			return nil, err
		}
		ask.Action = &client.Action{Summary: q.Action.Summary, Params: params}
	}
	if q.IdempotencyKey != "" {
		ask.IdempotencyKey = &q.IdempotencyKey
	}
	if q.ExpiresIn != 0 {
		if q.ExpiresIn%time.Second != 0 {
			return nil, errors.New("hydrapin: ExpiresIn must be in whole seconds")
		}
		ask.ExpiresInSeconds = new(int(q.ExpiresIn / time.Second))
	}
	return encode(ask)
}

// Confirmation returns a confirmation as it is now. With a wait of up to 30 seconds (in whole seconds) the answer
// comes as soon as the confirmation leaves pending, or when the time is over. An unknown one is [ErrNotFound].
func (r *Runtime) Confirmation(ctx context.Context, id uuid.UUID, wait time.Duration) (Confirmation, error) {
	if wait < 0 || wait > maxWait || wait%time.Second != 0 {
		return Confirmation{}, errors.New("hydrapin: a wait is 0 to 30 whole seconds")
	}
	params := &client.GetConfirmationParams{}
	if wait > 0 {
		params.WaitSeconds = new(int(wait / time.Second))
	}
	return r.confirmation(ctx, id, call{
		operation: "getConfirmation", repeatable: true, wait: wait,
		send: func(ctx context.Context) (*http.Response, error) {
			return r.c.api.GetConfirmation(ctx, r.instance, id, params)
		},
	})
}

// Wait returns a confirmation once it is no longer pending, for which it may take until the confirmation expires, or
// the error of a context that ends before.
func (r *Runtime) Wait(ctx context.Context, id uuid.UUID) (Confirmation, error) {
	for {
		began := time.Now()
		c, err := r.Confirmation(ctx, id, waitFor)
		if err != nil || c.Status != StatusPending {
			return c, err
		}
		// A server that stops answers at once, and so may whatever stands before it.
		if time.Since(began) < pollPause && !pause(ctx, pollPause+chance(pollPause)) {
			// Also when the context has less time left than the pause: nothing new is to be had in it.
			return Confirmation{}, fmt.Errorf("hydrapin: still pending: %w", endOf(ctx))
		}
	}
}

// endOf returns why a context ended or is about to.
func endOf(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return context.DeadlineExceeded
}

// Verify compares what the holder entered, and returns the approved confirmation. It spends an attempt of the holder
// and is never repeated by itself: after [ErrNoAnswer], look at the confirmation. Errors: [WrongPINError],
// [LockedError], [ErrNotPending], [ErrExpired].
func (r *Runtime) Verify(ctx context.Context, id uuid.UUID, pin PIN) (Confirmation, error) {
	body, err := encode(client.VerifyPin{Pin: pin.secret.value()})
	if err != nil {
		return Confirmation{}, err
	}
	return r.becomes(ctx, id, StatusApproved, call{
		operation: "verifyConfirmation",
		send: func(ctx context.Context) (*http.Response, error) {
			return r.c.api.VerifyConfirmationWithBody(ctx, r.instance, id, mediaType, bytes.NewReader(body))
		},
	})
}

// Redeem uses an approval up, at the moment the skill runs: the decision that counts. Only when the error is nil may
// the skill run, once, with exactly these params (nil when there was no action). It is never repeated: when the answer
// is lost the skill does not run. Errors: [ErrNotApproved], [ErrAlreadyRedeemed], [ErrParamsMismatch], [ErrExpired],
// [ErrChangedSinceApproval].
func (r *Runtime) Redeem(ctx context.Context, id uuid.UUID, skill string, params any) (Confirmation, error) {
	redeem := client.RedeemConfirmation{Skill: &skill}
	if params != nil {
		raw, err := encode(params)
		if err != nil {
			return Confirmation{}, err
		}
		redeem.Params = new(json.RawMessage(raw))
	}
	body, err := encode(redeem)
	if err != nil {
		return Confirmation{}, err
	}
	const operation = "redeemConfirmation"
	c, err := r.becomes(ctx, id, StatusRedeemed, call{
		operation: operation,
		send: func(ctx context.Context) (*http.Response, error) {
			return r.c.api.RedeemConfirmationWithBody(ctx, r.instance, id, mediaType, bytes.NewReader(body))
		},
	})
	if err == nil && !strings.EqualFold(c.Skill, skill) {
		return Confirmation{}, fmt.Errorf("hydrapin: %s: %w: of another skill", operation, ErrUnexpectedAnswer)
	}
	return c, err
}

// Decline ends a pending or approved confirmation. Declining it again is no error; one that was redeemed is
// [ErrAlreadyRedeemed], an expired one [ErrExpired].
func (r *Runtime) Decline(ctx context.Context, id uuid.UUID) error {
	return r.c.nothing(ctx, call{
		operation: "declineConfirmation", repeatable: true,
		send: func(ctx context.Context) (*http.Response, error) {
			return r.c.api.DeclineConfirmation(ctx, r.instance, id)
		},
	})
}

// EndSessions is "lock now": it ends the holder's sessions on this instance and every approved confirmation that was
// not redeemed.
func (r *Runtime) EndSessions(ctx context.Context, h Holder) error {
	customer, identity, err := h.ids()
	if err != nil {
		return err
	}
	params := &client.EndPinSessionsParams{CustomerId: customer, IdentityId: identity}
	return r.c.nothing(ctx, call{
		operation: "endPinSessions", repeatable: true,
		send: func(ctx context.Context) (*http.Response, error) {
			return r.c.api.EndPinSessions(ctx, r.instance, params)
		},
	})
}

// PIN returns the status of the PIN of a channel identity of this instance.
func (r *Runtime) PIN(ctx context.Context, identity uuid.UUID) (PINStatus, error) {
	return r.c.pinStatus(ctx, call{
		operation: "runtimeGetPinStatus", repeatable: true,
		send: func(ctx context.Context) (*http.Response, error) {
			return r.c.api.RuntimeGetPinStatus(ctx, r.instance, identity)
		},
	})
}

// SetPIN sets the first PIN of a channel identity. Where there is one already it is a [ValidationError], and
// [Runtime.ReplacePIN] is the way. A PIN that is set after the runtime removed one counts only a day later.
func (r *Runtime) SetPIN(ctx context.Context, identity uuid.UUID, pin PIN) (PINStatus, error) {
	return r.setPIN(ctx, identity, client.SetIdentityPin{Pin: pin.secret.value()})
}

// ReplacePIN replaces the PIN of a channel identity. The current one costs an attempt like any guess: [WrongPINError],
// [LockedError].
func (r *Runtime) ReplacePIN(ctx context.Context, identity uuid.UUID, current, pin PIN) (PINStatus, error) {
	return r.setPIN(ctx, identity, client.SetIdentityPin{Pin: pin.secret.value(), CurrentPin: new(current.secret.value())})
}

func (r *Runtime) setPIN(ctx context.Context, identity uuid.UUID, set client.SetIdentityPin) (PINStatus, error) {
	body, err := encode(set)
	if err != nil {
		return PINStatus{}, err
	}
	return r.c.pinStatus(ctx, call{operation: "runtimeSetPin", send: func(ctx context.Context) (*http.Response, error) {
		return r.c.api.RuntimeSetPinWithBody(ctx, r.instance, identity, mediaType, bytes.NewReader(body))
	}})
}

// RemovePIN removes the PIN of a channel identity; what wrong guesses have cost outlives it. Removing what is not there
// is no error; a locked or deactivated PIN stays, with a [LockedError].
func (r *Runtime) RemovePIN(ctx context.Context, identity uuid.UUID) error {
	return r.c.nothing(ctx, call{operation: "runtimeRemovePin", send: func(ctx context.Context) (*http.Response, error) {
		return r.c.api.RuntimeRemovePin(ctx, r.instance, identity)
	}})
}

// becomes is for a call that succeeds only with one status.
func (r *Runtime) becomes(ctx context.Context, id uuid.UUID, want Status, k call) (Confirmation, error) {
	c, err := r.confirmation(ctx, id, k)
	if err == nil && c.Status != want {
		return Confirmation{}, fmt.Errorf("hydrapin: %s: %w: status %s", k.operation, ErrUnexpectedAnswer, c.Status)
	}
	return c, err
}

// confirmation sends a call that answers the confirmation with that id.
func (r *Runtime) confirmation(ctx context.Context, id uuid.UUID, k call) (Confirmation, error) {
	k.want = []int{http.StatusOK}
	a, err := r.c.do(ctx, k)
	if err != nil {
		return Confirmation{}, err
	}
	return read(k.operation, a, func(w client.Confirmation) (Confirmation, error) {
		c, err := fromConfirmation(w)
		if err == nil && c.ID != id {
			err = errors.New("another confirmation")
		}
		return c, err
	})
}
