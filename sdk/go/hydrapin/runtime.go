package hydrapin

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"mime"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/internal/client"
)

const (
	// maxWait is how long the server waits at most. It stays below the usual timeouts of proxies.
	maxWait = 30 * time.Second
	waitFor = 25 * time.Second
	// imageType is the media type of a QR code.
	imageType = "image/svg+xml"
	// pollPause is the pause between two polls if the server, or a proxy, does not wait.
	pollPause = time.Second
)

// Runtime is the client for the runtime of one agent instance. Most runtimes only need
// [Person.Guard]. Never offer one of its methods to a model as a tool: the runtime says who asks
// for what, and whoever can call Verify can guess PINs.
type Runtime struct {
	c        *connection
	instance uuid.UUID
}

// NewRuntime returns a Runtime for the server at baseURL (which may have a path prefix) with the
// runtime key of the instance. It returns [ErrConfig] if an argument is not valid. It sends no
// request.
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
	// Action is exactly what the skill is about to do, or nil. An action is always confirmed by
	// itself: no session covers it.
	Action *Action
	// ExpiresIn is how long the holder has to enter the PIN, in whole seconds up to a day. The
	// default is 5 minutes.
	ExpiresIn time.Duration
	// IdempotencyKey has 1 to 64 visible ASCII characters and is unique within the instance. Asking
	// again with it returns the same confirmation. Without a key, a question is not sent again if
	// its answer is lost.
	IdempotencyKey string
	// CallKey is like IdempotencyKey, for the id of a tool call. A question has at most one of them.
	CallKey string
}

// Action is exactly what the skill is about to do.
type Action struct {
	// Summary is the text that the person sees, 1 to 500 characters. Build it from the params with
	// a template. Never let the model write it.
	Summary string
	// Params are the exact parameters: a value that encoding/json encodes as an object, or the
	// object itself as [json.RawMessage], which is sent as it is.
	Params any
}

// Ask asks whether a skill may run now. If the key was already used for a different question, it
// returns [ErrIdempotencyConflict].
func (r *Runtime) Ask(ctx context.Context, q Question) (Confirmation, error) {
	k, err := r.asking(q)
	if err != nil {
		return Confirmation{}, err
	}
	c, err := r.ask(ctx, k, q)
	// No session covers an action: it would let one PIN confirm two transfers.
	if err == nil && q.Action != nil && c.Reason == ReasonSession {
		return Confirmation{}, unexpected(k, errors.New("a session for an action"))
	}
	return c, err
}

// asking returns the call that asks a question.
func (r *Runtime) asking(q Question) (call, error) {
	body, err := q.body()
	if err != nil {
		return call{}, err
	}
	return call{op: client.OpAskConfirmation, at: ids(r.instance), body: body, keyed: q.IdempotencyKey != "" || q.CallKey != ""}, nil
}

func (r *Runtime) ask(ctx context.Context, k call, q Question) (Confirmation, error) {
	return read(ctx, r.c, k, func(w client.Confirmation) (Confirmation, error) {
		c, err := fromConfirmation(w)
		if err == nil {
			err = c.answers(q)
		}
		return c, err
	})
}

// answers returns an error if a confirmation cannot be the answer to a question.
func (c Confirmation) answers(q Question) error {
	switch {
	case c.Skill != q.Skill:
		return errors.New("about another skill")
	case c.Role != q.Role:
		return errors.New("about another role")
	case c.Holder != q.Holder:
		return errors.New("about another holder")
	default:
		return nil
	}
}

func (q Question) body() ([]byte, error) {
	customer, identity, err := q.Holder.ids()
	if err != nil {
		return nil, err
	}
	if q.Skill == "" || q.Role == "" {
		return nil, fmt.Errorf("%w: a question has a skill and a role", ErrArgument)
	}
	ask := client.AskConfirmation{Skill: q.Skill, Role: client.Role(q.Role), CustomerId: customer, IdentityId: identity}
	if q.Action != nil {
		if !utf8.ValidString(q.Action.Summary) {
			return nil, fmt.Errorf("%w: the summary is not valid UTF-8", ErrArgument)
		}
		params, err := CanonicalParams(q.Action.Params)
		if err != nil {
			return nil, err
		}
		ask.Action = &client.Action{Summary: q.Action.Summary, Params: params}
	}
	if q.IdempotencyKey != "" {
		ask.IdempotencyKey = &q.IdempotencyKey
	}
	if q.CallKey != "" {
		ask.CallKey = &q.CallKey
	}
	if q.ExpiresIn != 0 {
		if q.ExpiresIn%time.Second != 0 {
			return nil, fmt.Errorf("%w: ExpiresIn must be in whole seconds", ErrArgument)
		}
		seconds := int(q.ExpiresIn / time.Second)
		ask.ExpiresInSeconds = &seconds
	}
	return encode(ask)
}

// Confirmation returns a confirmation as it is now. With a wait of up to 30 seconds (in whole
// seconds), it returns as soon as the confirmation is no longer pending, or when the time is over.
// An unknown confirmation is [ErrNotFound].
func (r *Runtime) Confirmation(ctx context.Context, id uuid.UUID, wait time.Duration) (Confirmation, error) {
	if wait < 0 || wait > maxWait || wait%time.Second != 0 {
		return Confirmation{}, fmt.Errorf("%w: a wait is 0 to 30 whole seconds", ErrArgument)
	}
	k := call{op: client.OpGetConfirmation, at: ids(r.instance, id), wait: wait}
	if wait > 0 {
		k.query = url.Values{"wait_seconds": {strconv.Itoa(int(wait / time.Second))}}
	}
	return r.confirmation(ctx, id, k)
}

// QR returns the ConfirmURL of a pending confirmation as a QR code, an SVG image, for a person who
// sits at a desktop and confirms on a phone. Once it is not pending, QR
// returns [ErrExpired].
func (r *Runtime) QR(ctx context.Context, id uuid.UUID) ([]byte, error) {
	k := call{op: client.OpGetConfirmationQr, at: ids(r.instance, id), accept: imageType}
	a, err := r.c.do(ctx, k)
	if err != nil {
		return nil, err
	}
	if kind, _, err := mime.ParseMediaType(a.header.Get("Content-Type")); err != nil || kind != imageType || len(a.body) == 0 {
		return nil, unexpected(k, errors.New("no SVG image"))
	}
	return a.body, nil
}

// Wait returns a confirmation once it is no longer pending, which can take until the confirmation
// expires, or the error of the context if the context ends first.
func (r *Runtime) Wait(ctx context.Context, id uuid.UUID) (Confirmation, error) {
	for {
		began := time.Now()
		c, err := r.Confirmation(ctx, id, waitFor)
		if err != nil || c.Status != StatusPending {
			return c, err
		}
		// A server that is stopping answers at once, and so may a proxy.
		if time.Since(began) < pollPause && !pause(ctx, pollPause+chance(pollPause)) {
			// This also ends a wait when the context has less time left than the pause.
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

// Verify checks the PIN that the holder entered, and returns the approved confirmation. It spends
// an attempt of the holder and is never retried: after [ErrNoAnswer], read the confirmation.
// Errors: [WrongPINError], [LockedError], [ErrNotPending], [ErrExpired].
func (r *Runtime) Verify(ctx context.Context, id uuid.UUID, pin PIN) (Confirmation, error) {
	body, err := encode(client.VerifyPin{Pin: pin.secret.value()})
	if err != nil {
		return Confirmation{}, err
	}
	return r.becomes(ctx, id, StatusApproved, call{op: client.OpVerifyConfirmation, at: ids(r.instance, id), body: body})
}

// Redeem uses an approval when the skill runs. Only if the error is nil may the skill run, once,
// with exactly these params (nil if there was no action). It is never retried: if the answer is
// lost, the skill must not run. Errors: [ErrNotApproved], [ErrAlreadyRedeemed],
// [ErrParamsMismatch], [ErrExpired], [ErrChangedSinceApproval].
func (r *Runtime) Redeem(ctx context.Context, id uuid.UUID, skill string, params any) (Confirmation, error) {
	redeem := client.RedeemConfirmation{Skill: &skill}
	if params != nil {
		raw, err := CanonicalParams(params)
		if err != nil {
			return Confirmation{}, err
		}
		redeem.Params = &raw
	}
	body, err := encode(redeem)
	if err != nil {
		return Confirmation{}, err
	}
	k := call{op: client.OpRedeemConfirmation, at: ids(r.instance, id), body: body}
	c, err := r.becomes(ctx, id, StatusRedeemed, k)
	if err == nil && c.Skill != skill {
		return Confirmation{}, unexpected(k, errors.New("of another skill"))
	}
	return c, err
}

// ReportOutcome reports what became of the skill of a redeemed confirmation, with a detail of up to
// 200 characters or "". The same outcome again succeeds; another is [ErrOutcomeAlreadySet].
// [Person.Guard] reports by itself.
func (r *Runtime) ReportOutcome(ctx context.Context, id uuid.UUID, outcome Outcome, detail string) (Confirmation, error) {
	report := client.ReportOutcome{Outcome: client.Outcome(outcome)}
	if detail != "" {
		report.Detail = &detail
	}
	body, err := encode(report)
	if err != nil {
		return Confirmation{}, err
	}
	return r.becomes(ctx, id, StatusRedeemed, call{op: client.OpReportOutcome, at: ids(r.instance, id), body: body})
}

// Decision says whether asking for a skill would need a PIN now. Nothing is stored. It holds for
// this moment only and must not be cached.
func (r *Runtime) Decision(ctx context.Context, skill string, role Role) (Decision, error) {
	query := url.Values{"skill": {skill}, "role": {string(role)}}
	return read(ctx, r.c, call{op: client.OpGetPinPolicyDecision, at: ids(r.instance), query: query}, fromDecision)
}

// Open says which confirmations [Runtime.Confirmations] returns. The zero value stands for all.
type Open struct {
	// Status is [StatusPending], [StatusApproved] or "".
	Status Status
	// Holder is whose they are, or the zero value.
	Holder Holder
}

// Confirmations returns the confirmations of the instance that are pending or approved now, the
// newest first: what a runtime finds again after a restart. It fetches a page at a time and ends
// with the first error.
func (r *Runtime) Confirmations(ctx context.Context, which Open) iter.Seq2[Confirmation, error] {
	query := url.Values{}
	if which.Status != "" {
		query.Set("status", string(which.Status))
	}
	if which.Holder != (Holder{}) {
		query.Set(string(which.Holder.Type)+"_id", which.Holder.ID.String())
	}
	return pages(query, func(query url.Values) (page[Confirmation], error) {
		k := call{op: client.OpListConfirmations, at: ids(r.instance), query: query}
		return read(ctx, r.c, k, func(w client.ConfirmationList) (page[Confirmation], error) {
			p := page[Confirmation]{next: w.Next}
			for i := range w.Confirmations {
				c, err := fromConfirmation(w.Confirmations[i])
				if err != nil {
					return p, err
				}
				p.items = append(p.items, c)
			}
			return p, nil
		})
	})
}

// Decline ends a pending or approved confirmation. Declining it again succeeds. A redeemed
// confirmation is [ErrAlreadyRedeemed], an expired one [ErrExpired].
func (r *Runtime) Decline(ctx context.Context, id uuid.UUID) error {
	return r.c.nothing(ctx, call{op: client.OpDeclineConfirmation, at: ids(r.instance, id)})
}

// EndSessions is "lock now": it ends the holder's sessions on this instance, and every approved
// confirmation that was not redeemed.
func (r *Runtime) EndSessions(ctx context.Context, h Holder) error {
	customer, identity, err := h.ids()
	if err != nil {
		return err
	}
	query := url.Values{}
	if customer != nil {
		query.Set("customer_id", customer.String())
	} else {
		query.Set("identity_id", identity.String())
	}
	return r.c.nothing(ctx, call{op: client.OpEndPinSessions, at: ids(r.instance), query: query})
}

// PIN returns the status of the PIN of a channel identity of this instance.
func (r *Runtime) PIN(ctx context.Context, identity uuid.UUID) (PINStatus, error) {
	return r.c.pinStatus(ctx, call{op: client.OpRuntimeGetPinStatus, at: ids(r.instance, identity)})
}

// SetPIN sets the first PIN of a channel identity. If there is already one, it returns a
// [ValidationError]; use [Runtime.ReplacePIN]. A PIN that the runtime sets after it removed one has
// a cooling-off period, 24 hours by default.
func (r *Runtime) SetPIN(ctx context.Context, identity uuid.UUID, pin PIN) (PINStatus, error) {
	return r.setPIN(ctx, identity, client.SetIdentityPin{Pin: pin.secret.value()})
}

// ReplacePIN replaces the PIN of a channel identity. Checking the current one costs an attempt:
// [WrongPINError], [LockedError].
func (r *Runtime) ReplacePIN(ctx context.Context, identity uuid.UUID, current, pin PIN) (PINStatus, error) {
	entered := current.secret.value()
	return r.setPIN(ctx, identity, client.SetIdentityPin{Pin: pin.secret.value(), CurrentPin: &entered})
}

func (r *Runtime) setPIN(ctx context.Context, identity uuid.UUID, set client.SetIdentityPin) (PINStatus, error) {
	body, err := encode(set)
	if err != nil {
		return PINStatus{}, err
	}
	return r.c.pinStatus(ctx, call{op: client.OpRuntimeSetPin, at: ids(r.instance, identity), body: body})
}

// RemovePIN removes the PIN of a channel identity. Its incorrect attempts are kept. It also
// succeeds if there is no PIN. A locked or deactivated PIN is not removed: [LockedError].
func (r *Runtime) RemovePIN(ctx context.Context, identity uuid.UUID) error {
	return r.c.nothing(ctx, call{op: client.OpRuntimeRemovePin, at: ids(r.instance, identity)})
}

// becomes sends a call that succeeds only with one status.
func (r *Runtime) becomes(ctx context.Context, id uuid.UUID, want Status, k call) (Confirmation, error) {
	c, err := r.confirmation(ctx, id, k)
	if err == nil && c.Status != want {
		return Confirmation{}, unexpected(k, errors.New("its status is not "+string(want)))
	}
	return c, err
}

// confirmation sends a call whose answer is the confirmation with that id.
func (r *Runtime) confirmation(ctx context.Context, id uuid.UUID, k call) (Confirmation, error) {
	return read(ctx, r.c, k, func(w client.Confirmation) (Confirmation, error) {
		c, err := fromConfirmation(w)
		if err == nil && c.ID != id {
			err = errors.New("about another confirmation")
		}
		return c, err
	})
}
