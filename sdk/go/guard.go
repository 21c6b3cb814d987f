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

// ErrNotConfirmed is what every error of [Person.Guard] is, for [errors.Is], when the skill did not run.
var ErrNotConfirmed = errors.New("hydrapin: not confirmed")

// BlockedError says that a PIN is needed and cannot be used now: none is set, or it is locked, deactivated or too new.
// The skill did not run; it is [ErrNotConfirmed].
type BlockedError struct{ Confirmation Confirmation }

// Error implements error.
func (e *BlockedError) Error() string {
	return fmt.Sprintf("%v: blocked: %s", ErrNotConfirmed, e.Confirmation.Reason)
}

// Is reports whether target is [ErrNotConfirmed].
func (e *BlockedError) Is(target error) bool { return target == ErrNotConfirmed }

// NotConfirmedError says why a skill did not run. It is [ErrNotConfirmed].
type NotConfirmedError struct {
	// Confirmation is the last that is known of it: declined with its reason, expired, approved where the redeem
	// failed. The zero value when not even the question was answered.
	Confirmation Confirmation
	// Err is what went wrong; nil where the status says all. Where the time was over it is [ErrExpired].
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

// Approval is what lets a skill run.
type Approval struct {
	// Confirmation is the redeemed confirmation, or one that is not_required.
	Confirmation Confirmation
	// Params are the bytes that were confirmed; nil without an action. Run with these rather than with a value that
	// may have changed since.
	Params json.RawMessage
	// Receipt is the signed proof, for a skill that checks it; none where no PIN was required.
	Receipt Receipt
}

// Person is a holder in a role: the one whom [Person.Guard] asks. Make one with [Runtime.For], and set its fields
// before its first use.
type Person struct {
	// OnPending, when it is set, is called once for a question that has to be answered with a PIN: it shows the person
	// c.ActionSummary or the skill and sees to it that the PIN gets to [Runtime.Verify], there and then or later from
	// elsewhere. An error of it withdraws the question. Its context is Guard's.
	OnPending func(ctx context.Context, c Confirmation) error
	// ExpiresIn is how long the person can answer, in whole seconds up to an hour; 5 minutes when 0.
	ExpiresIn time.Duration

	runtime *Runtime
	holder  Holder
	role    Role
}

// For returns the holder in a role.
func (r *Runtime) For(h Holder, role Role) Person { return Person{runtime: r, holder: h, role: role} }

// Guard runs fn if the person confirms that the skill may run: it asks, waits for the PIN, redeems, and only then calls
// fn, once. Without an action (nil), a session that an earlier PIN opened stands for the PIN; an action is confirmed for
// itself. A skill for which the policy asks no PIN runs at once.
//
// Everything else is a no, with an error that is [ErrNotConfirmed]: a [BlockedError], or a [NotConfirmedError] when the
// person declined or did not answer in time, when the context ended, when an answer was lost or is not known, and when
// anything changed between the PIN and now. The question is withdrawn then, as far as the server can be reached in five
// seconds. An error of fn comes back as it is.
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

// confirm returns an approval that was redeemed, or that needs none.
func (p Person) confirm(ctx context.Context, skill string, action *Action) (a Approval, err error) {
	q := Question{
		Holder: p.holder, Role: p.role, Skill: skill, ExpiresIn: p.ExpiresIn,
		// Its own for each question: only what this call asked can be its answer, however often it is sent.
		IdempotencyKey: rand.Text(),
	}
	// Not the bytes themselves: without an action they would be a nil slice that is not nil here.
	var params any
	if action != nil {
		// Encoded once, into bytes that nobody else can change: what is shown, confirmed, redeemed and run is the same.
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
	default: // Decided already: seen below.
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

// outcome waits until a question is answered. With an error it returns the question as it was.
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

// giveUp withdraws a question that could still be answered or redeemed. Nothing depends on it: what cannot be withdrawn
// expires.
func (p Person) giveUp(ctx context.Context, c Confirmation) {
	if c.Status != StatusPending && c.Status != StatusApproved {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveUpTime)
	defer cancel()
	_ = p.runtime.Decline(ctx, c.ID)
}
