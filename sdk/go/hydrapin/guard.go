package hydrapin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/internal/client"
)

const (
	// withdrawTime bounds how long Guard tries to withdraw a question that nobody waits for any
	// more, and reportTime how long it tries to report an outcome.
	withdrawTime = 2 * time.Second
	reportTime   = 5 * time.Second
	// hookTime is how long OnPending may take to return after its context has ended.
	hookTime = 200 * time.Millisecond
	// defaultExpiry is the server's, and grace how late an honest answer may come.
	defaultExpiry = 5 * time.Minute
	grace         = time.Minute
)

// NoWait is a [Person.Wait] that reads the confirmation once.
const NoWait time.Duration = -1

// Approval is what allows a skill to run.
type Approval struct {
	// Confirmation is the redeemed confirmation, or one with the status not_required.
	Confirmation Confirmation
	// Params are the canonical bytes that the person confirmed; nil without an action. Use them
	// rather than a value that may have changed since.
	Params json.RawMessage
	// Receipt is the signed proof, for a skill that checks it. There is none if no PIN was needed.
	Receipt Receipt
}

// Person is a holder in a role, whom [Person.Guard] asks. Create one with [Runtime.For], and set
// its fields before the first use.
type Person struct {
	// OnPending, if set, is called once for a question that needs the PIN. It shows the person
	// c.ConfirmURL, or makes sure in another way that the PIN reaches [Runtime.Verify]. It runs
	// beside the wait, in a goroutine of its own, and its context ends with the wait. If it returns
	// an error before that, the function does not run.
	OnPending func(ctx context.Context, c Confirmation) error
	// Wait is how long Guard waits for the person. The default is until the question expires. When
	// the wait is over, the reason is [BecauseStillPending] and the question stays. [NoWait] reads
	// it once.
	Wait time.Duration
	// ExpiresIn is how long the person has to enter the PIN, in whole seconds up to a day. The
	// default is 5 minutes.
	ExpiresIn time.Duration
	// AllowNotRequired also runs the function if the policy needs no PIN for the skill. Without it,
	// a misspelt skill or an empty policy runs nothing.
	AllowNotRequired bool

	runtime *Runtime
	holder  Holder
	role    Role
	key     string
}

// For returns the holder in a role.
func (r *Runtime) For(h Holder, role Role) Person { return Person{runtime: r, holder: h, role: role} }

// WithKey returns the person for one question, which has the idempotency key: 1 to 64 visible ASCII
// characters, unique within the instance, such as the id of the tool call. Guarding the same skill
// and action with the same key again continues with the same question, also after a restart. A
// question with a key is never withdrawn, because somebody may continue with it.
func (p Person) WithKey(key string) Person {
	p.key = key
	return p
}

// Guard runs fn if the person confirms that the skill may run. It asks, waits for the PIN, redeems,
// and only then calls fn, once. Without an action (nil), a session that an earlier PIN opened can
// replace the PIN; an action is always confirmed by itself.
//
// In every other case Guard does not call fn and returns a [NotConfirmedError]. It then withdraws
// the question, unless the question has a key of the caller's or can still be answered. An error of
// fn is returned as it is. What became of fn is reported to the server.
func (p Person) Guard(ctx context.Context, skill string, action *Action, fn func(context.Context, Approval) error) error {
	if fn == nil {
		return &NotConfirmedError{Reason: BecauseInvalid, Err: fmt.Errorf("%w: nothing to run", ErrArgument)}
	}
	a, err := p.confirm(ctx, skill, action)
	if err != nil {
		return err
	}
	outcome := OutcomeUnknown // of a function that panics
	defer func() { p.runtime.report(ctx, a.Confirmation.ID, outcome) }()
	if err = fn(ctx, a); err != nil {
		outcome = OutcomeFailed
		return err
	}
	outcome = OutcomeExecuted
	return nil
}

// guarded is one question up to the decision. What the caller changes later changes nothing.
type guarded struct {
	Person

	q      Question
	params json.RawMessage // nil without an action
	digest string
	// last is the confirmation as it was last seen.
	last Confirmation
	// decided means that Guard knows what to do, or that the question is to stay as it is.
	decided bool
}

// confirm returns an approval that was redeemed, or that needs no redeem.
func (p Person) confirm(ctx context.Context, skill string, action *Action) (Approval, error) {
	g := &guarded{Person: p, q: Question{
		Holder: p.holder, Role: p.role, Skill: skill, ExpiresIn: p.ExpiresIn, IdempotencyKey: p.key,
	}}
	if p.key == "" {
		// Each question has a key of its own, so that only this call's question can be answered,
		// however often it is sent.
		g.q.IdempotencyKey = rand.Text()
	}
	// Also when OnPending panics.
	defer g.withdraw(ctx)
	a, err := g.approved(ctx, action)
	if err == nil {
		g.decided = true
		return a, nil
	}
	var no *NotConfirmedError
	if !errors.As(err, &no) {
		no = &NotConfirmedError{Reason: reasonOf(ctx, err), Err: err}
	}
	no.Confirmation, no.IdempotencyKey = g.last, g.q.IdempotencyKey
	if no.Reason == BecauseBlocked || no.Reason == BecauseDeclined {
		no.Detail = g.last.Reason
	}
	g.decided = no.Reason == BecauseStillPending
	return Approval{}, no
}

func because(reason NotConfirmedReason) error { return &NotConfirmedError{Reason: reason} }

func (g *guarded) approved(ctx context.Context, action *Action) (Approval, error) {
	if action != nil {
		var err error
		if g.params, err = CanonicalParams(action.Params); err != nil {
			return Approval{}, err
		}
		g.digest = canonical.Digest(g.params)
		g.q.Action = &Action{Summary: action.Summary, Params: g.params}
	}
	k, err := g.runtime.asking(g.q)
	if err != nil {
		return Approval{}, err
	}
	c, err := g.runtime.ask(ctx, k, g.q)
	if err := g.see(c, err); err != nil {
		return Approval{}, err
	}
	switch c.Status {
	case StatusNotRequired:
		return g.notRequired(ctx, c)
	case StatusBlocked:
		return Approval{}, because(BecauseBlocked)
	case StatusPending:
		if c, err = g.wait(ctx, c); err != nil {
			return Approval{}, err
		}
	default: // Already decided: see below.
	}
	if err := g.mustBeApproved(c); err != nil {
		return Approval{}, err
	}
	receipt := c.Receipt
	// Not the bytes themselves: without an action they would be a nil slice that is not nil here.
	var params any
	if g.params != nil {
		params = g.params
	}
	c, err = g.runtime.Redeem(ctx, c.ID, g.q.Skill, params)
	if err := g.see(c, err); err != nil {
		return Approval{}, err
	}
	if ctx.Err() != nil {
		return Approval{}, context.Cause(ctx)
	}
	return Approval{Confirmation: c, Params: g.params, Receipt: receipt}, nil
}

// see keeps a confirmation that is the answer to this very question.
func (g *guarded) see(c Confirmation, err error) error {
	if err != nil {
		return err
	}
	err = c.answers(g.q)
	// If nothing is stored, the answer is about the skill alone.
	if nothing := c.ID == uuid.Nil && c.ActionDigest == ""; err == nil && c.ActionDigest != g.digest && !nothing {
		err = errors.New("about other params")
	}
	if err != nil {
		return fmt.Errorf("hydrapin: %w: %w", ErrUnexpectedAnswer, err)
	}
	g.last = c
	return nil
}

func (g *guarded) notRequired(ctx context.Context, c Confirmation) (Approval, error) {
	if c.Reason != ReasonRoleExcluded && c.Reason != ReasonSkillNotListed {
		return Approval{}, fmt.Errorf("hydrapin: %w: no PIN is needed, for an unknown reason", ErrUnexpectedAnswer)
	}
	if !g.AllowNotRequired {
		return Approval{}, &NotConfirmedError{Reason: BecauseNotRequired, Err: fmt.Errorf(
			"the policy of instance %s requires no PIN for the skill %q: check its spelling and the policy, or set AllowNotRequired",
			g.runtime.instance, c.Skill)}
	}
	if ctx.Err() != nil {
		return Approval{}, context.Cause(ctx)
	}
	return Approval{Confirmation: c, Params: g.params}, nil
}

func (g *guarded) mustBeApproved(c Confirmation) error {
	switch c.Status {
	case StatusApproved:
	case StatusDeclined:
		return because(BecauseDeclined)
	case StatusExpired:
		return &NotConfirmedError{Reason: BecauseExpired, Err: ErrExpired}
	case StatusRedeemed:
		return &NotConfirmedError{Reason: BecauseRefused, Err: ErrAlreadyRedeemed}
	default:
		return fmt.Errorf("hydrapin: %w: its status cannot follow", ErrUnexpectedAnswer)
	}
	if c.Reason == ReasonPIN || c.Reason == ReasonSession && g.params == nil {
		return nil
	}
	return fmt.Errorf("hydrapin: %w: approved for an unknown reason, or by a session that covers no action", ErrUnexpectedAnswer)
}

// wait waits until a question is decided, or as long as the caller wants to wait.
func (g *guarded) wait(ctx context.Context, c Confirmation) (Confirmation, error) {
	longest := g.ExpiresIn
	if longest == 0 {
		longest = defaultExpiry
	}
	longest += grace
	if g.Wait != 0 {
		longest = min(longest, max(0, g.Wait))
	}
	end := time.Now().Add(longest)
	waiting, stop := context.WithCancelCause(ctx)
	h := g.show(waiting, stop, c)
	defer h.end(stop)
	for {
		began := time.Now()
		poll := min(max(0, end.Sub(began)), waitFor)
		answered, err := g.runtime.Confirmation(waiting, c.ID, (poll + time.Second - 1).Truncate(time.Second))
		if err != nil && ctx.Err() == nil && waiting.Err() != nil {
			<-h.done
			return c, h.err
		}
		if err := g.see(answered, err); err != nil {
			return c, err
		}
		if answered.Status != StatusPending {
			return answered, nil
		}
		now := time.Now()
		if !now.Before(end) {
			return c, because(BecauseStillPending)
		}
		// A server that is stopping answers at once, and so may a proxy.
		rest := min(max(0, pollPause-now.Sub(began)), end.Sub(now))
		if rest > 0 && !pause(waiting, rest) && waiting.Err() == nil {
			return c, &NotConfirmedError{Reason: BecauseCancelled, Err: context.DeadlineExceeded}
		}
	}
}

// hook is OnPending as it runs beside the wait.
type hook struct {
	done     chan struct{} // closed when it has returned
	err      error
	panicked any
}

// show starts OnPending. If it fails, it stops the wait.
func (g *guarded) show(ctx context.Context, stop context.CancelCauseFunc, c Confirmation) *hook {
	h := &hook{done: make(chan struct{})}
	if g.OnPending == nil {
		close(h.done)
		return h
	}
	go func() {
		defer close(h.done)
		defer func() {
			if h.panicked = recover(); h.panicked != nil {
				h.err = errors.New("hydrapin: OnPending panicked")
				stop(h.err)
			}
		}()
		if h.err = g.OnPending(ctx, c); h.err != nil {
			stop(h.err)
		}
	}()
	return h
}

// end ends the hook's context and gives it a moment to return. One that does not look at its context,
// such as one that reads a terminal, must not delay what the person has decided elsewhere. A panic
// goes on where Guard was called.
func (h *hook) end(stop context.CancelCauseFunc) {
	stop(context.Canceled)
	t := time.NewTimer(hookTime)
	defer t.Stop()
	select {
	case <-h.done:
		if h.panicked != nil {
			panic(h.panicked)
		}
	case <-t.C:
	}
}

// withdraw declines a question that nobody could continue with. Nothing depends on it: what is not
// withdrawn expires.
func (g *guarded) withdraw(ctx context.Context) {
	if g.decided || g.key != "" || g.last.Status != StatusPending && g.last.Status != StatusApproved {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawTime)
	defer cancel()
	_ = g.runtime.c.nothing(ctx, call{
		op: client.OpDeclineConfirmation, at: ids(g.runtime.instance, g.last.ID), once: true,
	})
}

// report reports what became of a confirmation. Nothing depends on it.
func (r *Runtime) report(ctx context.Context, id uuid.UUID, outcome Outcome) {
	if id == uuid.Nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reportTime)
	defer cancel()
	_, _ = r.ReportOutcome(ctx, id, outcome, "")
}
