package hydrapin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// giveUpTime bounds how long Guard tries to withdraw a question that nobody waits for any more.
const giveUpTime = 5 * time.Second

// ErrNotConfirmed matches every error of [Person.Guard] with [errors.Is] if the skill did not run.
var ErrNotConfirmed = errors.New("hydrapin: not confirmed")

// BlockedError means that the skill needs a PIN that cannot be used now: none is set, or it is
// locked, deactivated or in its cooling-off period. The skill did not run. It is an
// [ErrNotConfirmed].
type BlockedError struct{ Confirmation Confirmation }

// Error implements error.
func (e *BlockedError) Error() string {
	return fmt.Sprintf("%v: blocked: %s", ErrNotConfirmed, e.Confirmation.Reason)
}

// Is reports whether target is [ErrNotConfirmed].
func (e *BlockedError) Is(target error) bool { return target == ErrNotConfirmed }

// NotConfirmedError says why a skill did not run. It is an [ErrNotConfirmed].
type NotConfirmedError struct {
	// Confirmation is its last known state: declined with its reason, expired, or approved if the
	// redeem failed. It is the zero value if the question itself got no answer.
	Confirmation Confirmation
	// Err is what went wrong; nil if the status says everything. It is [ErrExpired] if the time was
	// over.
	Err error
}

// Error implements error.
func (e *NotConfirmedError) Error() string {
	s := ErrNotConfirmed.Error()
	if e.Confirmation.Status != "" {
		s += ": " + string(e.Confirmation.Status)
	}
	if e.Confirmation.Reason != "" {
		s += " (" + string(e.Confirmation.Reason) + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Is reports whether target is [ErrNotConfirmed].
func (e *NotConfirmedError) Is(target error) bool { return target == ErrNotConfirmed }

// Unwrap returns Err.
func (e *NotConfirmedError) Unwrap() error { return e.Err }

// Approval is what allows a skill to run.
type Approval struct {
	// Confirmation is the redeemed confirmation, or one with the status not_required.
	Confirmation Confirmation
	// Params are the bytes that the person confirmed; nil without an action. Use them rather than a
	// value that may have changed since.
	Params json.RawMessage
	// Receipt is the signed proof, for a skill that checks it. There is none if no PIN was needed.
	Receipt Receipt
}

// Person is a holder in a role, whom [Person.Guard] asks. Create one with [Runtime.For], and set
// its fields before the first use.
type Person struct {
	// OnPending, if set, is called once for a question that needs the PIN. It shows the person
	// c.ActionSummary or the skill, and makes sure that the PIN reaches [Runtime.Verify],
	// immediately or later from elsewhere. If it returns an error, the question is withdrawn. Its
	// context is that of Guard.
	OnPending func(ctx context.Context, c Confirmation) error
	// ExpiresIn is how long the person has to enter the PIN, in whole seconds up to an hour. The
	// default is 5 minutes.
	ExpiresIn time.Duration

	runtime *Runtime
	holder  Holder
	role    Role
}

// For returns the holder in a role.
func (r *Runtime) For(h Holder, role Role) Person { return Person{runtime: r, holder: h, role: role} }

// Guard runs fn if the person confirms that the skill may run. It asks, waits for the PIN, redeems,
// and only then calls fn, once. Without an action (nil), a session that an earlier PIN opened can
// replace the PIN; an action is always confirmed by itself. If the policy needs no PIN for the
// skill, fn is called at once.
//
// In every other case Guard returns an error that is an [ErrNotConfirmed] and does not call fn: a
// [BlockedError], or a [NotConfirmedError] if the person declined or did not answer in time, if the
// context ended, if an answer was lost or not recognised, or if something changed between the PIN
// and now. Guard then withdraws the question, unless the server cannot be reached within five
// seconds. An error of fn is returned as it is.
func (p Person) Guard(ctx context.Context, skill string, action *Action, fn func(context.Context, Approval) error) error {
	if fn == nil {
		return &NotConfirmedError{Err: errors.New("nothing to run")}
	}
	approval, err := p.confirm(ctx, skill, action)
	if err != nil {
		return err
	}
	return fn(ctx, approval)
}

// confirm returns an approval that was redeemed, or that needs no redeem.
func (p Person) confirm(ctx context.Context, skill string, action *Action) (a Approval, err error) {
	q := Question{
		Holder: p.holder, Role: p.role, Skill: skill, ExpiresIn: p.ExpiresIn,
		// Each question has a key of its own, so that only this call's question can be answered,
		// however often it is sent.
		IdempotencyKey: rand.Text(),
	}
	// Not the bytes themselves: without an action they would be a nil slice that is not nil here.
	var params any
	if action != nil {
		// Encoded once, into bytes that nobody else can change: what the person sees, confirms and
		// redeems is what runs.
		if a.Params, err = encode(action.Params); err != nil {
			return Approval{}, &NotConfirmedError{Err: err}
		}
		params = a.Params
		q.Action = &Action{Summary: action.Summary, Params: params}
	}
	c, err := p.runtime.Ask(ctx, q)
	if err != nil {
		return Approval{}, &NotConfirmedError{Err: err}
	}
	defer func() { p.giveUp(ctx, c) }()
	switch c.Status {
	case StatusNotRequired:
		a.Confirmation = c
		return a, nil
	case StatusBlocked:
		return Approval{}, &BlockedError{c}
	case StatusPending:
		if c, err = p.outcome(ctx, c); err != nil {
			return Approval{}, &NotConfirmedError{c, err}
		}
	default: // Already decided: see below.
	}
	switch c.Status {
	case StatusApproved:
	case StatusExpired:
		return Approval{}, &NotConfirmedError{c, ErrExpired}
	default:
		return Approval{}, &NotConfirmedError{c, nil}
	}
	a.Receipt = c.Receipt
	redeemed, err := p.runtime.Redeem(ctx, c.ID, skill, params)
	if err != nil {
		return Approval{}, &NotConfirmedError{c, err}
	}
	c = redeemed
	if ctx.Err() != nil {
		return Approval{}, &NotConfirmedError{c, context.Cause(ctx)}
	}
	a.Confirmation = c
	return a, nil
}

// outcome waits until a question is answered. On an error it returns the question as it was.
func (p Person) outcome(ctx context.Context, c Confirmation) (Confirmation, error) {
	if p.OnPending != nil {
		if err := p.OnPending(ctx, c); err != nil {
			return c, err
		}
	}
	answered, err := p.runtime.Wait(ctx, c.ID)
	if err != nil {
		return c, err
	}
	return answered, nil
}

// giveUp withdraws a question that could still be answered or redeemed. Nothing depends on it: a
// question that is not withdrawn expires.
func (p Person) giveUp(ctx context.Context, c Confirmation) {
	if c.Status != StatusPending && c.Status != StatusApproved {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveUpTime)
	defer cancel()
	_ = p.runtime.Decline(ctx, c.ID)
}
