package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
)

const (
	// stepTimeout bounds what goes on although its caller has gone.
	stepTimeout = 30 * time.Second
	// slotWithin is how long a step waits for its slot. One that must be finished waits on.
	slotWithin = 5 * time.Second
	// maxWaitingSteps and maxTenantSteps bound how many steps wait for a slot, of all tenants
	// and of one.
	maxWaitingSteps = 1024
	maxTenantSteps  = 256
)

// step is one transaction of an operation: reads and locks first, then queued
// saves, events and wake-ups, which go out together with the commit. Its time is
// Now, the database's after the last lock.
type step struct {
	store.Tx
	caller Caller
	newID  func() uuid.UUID
	// repeated is true in the second run of an act that repeats: what the first run
	// queued may be stored.
	repeated bool

	events []audit.Event
	woken  []uuid.UUID
}

// about is what an event is about. A customer's is of the instance that asks, an
// identity's of its own.
type about struct {
	holder       pin.Holder
	instance     uuid.UUID
	confirmation uuid.UUID
}

// record adds an event of the caller.
func (st *step) record(a about, d audit.Details) { st.recordAs(st.caller, a, d) }

// recordAs adds an event of another caller.
func (st *step) recordAs(c Caller, a about, d audit.Details) {
	st.events = append(st.events, audit.Event{
		ID: st.newID(), Time: st.Now(), Tenant: c.Tenant,
		Actor:  audit.Actor{Kind: c.Kind, ID: c.ID},
		Holder: a.holder, Instance: a.instance, Confirmation: a.confirmation,
		RequestID: c.RequestID, Peer: c.Peer, Details: d,
	})
}

// wake wakes whoever waits for a confirmation, once the step has committed.
func (st *step) wake(id uuid.UUID) { st.woken = append(st.woken, id) }

// refusal is a decision of "no". It commits, as every decision does: an error would
// roll back, and a rolled back guess would be forgiven.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// refuse ends a step with a decision of "no", which commits what the step queued.
func refuse(err error) error { return refusal{err} }

// act is what a step is run for.
type act struct {
	op     Operation
	caller Caller
	// cancels is set where a caller that goes away while the step waits ends it.
	// Every other step goes on once begun.
	cancels bool
	// insists is set for what must be finished, as an attempt was spent: it waits for its slot
	// however many do.
	insists bool
	// repeats is set where a second run finds out what the first did: it is run once
	// more when the connection was lost during the commit.
	repeats bool
}

// run runs one step. decide returns its result and touches nothing outside itself:
// it may run again, for the database or for the act. What it returns with a
// [refuse] commits, and the caller gets the refusal; any other error rolls back.
// With [store.ErrOutcomeUnknown] the result is returned too.
func run[T any](ctx context.Context, s *Service, a act, decide func(context.Context, *step) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if !a.cancels {
		var cancel context.CancelFunc
		ctx, cancel = detached(ctx)
		defer cancel()
	}
	release, err := s.takeSlot(ctx, a)
	if err != nil {
		return none, err
	}
	defer release()
	got, err := once(ctx, s, a, false, decide)
	if a.repeats && errors.Is(err, store.ErrOutcomeUnknown) {
		return once(ctx, s, a, true, decide)
	}
	return got, err
}

// takeSlot waits for a slot among the transactions: so many may be under way, and tenants get them in
// turn. Its errors [ErrTooManyWaiting] and [ErrTooBusy] come before anything is read, so that a caller
// may repeat whatever it asked for.
func (s *Service) takeSlot(ctx context.Context, a act) (release func(), err error) {
	if a.insists {
		return s.slots.Insist(ctx, a.caller.shares())
	}
	waiting, cancel := context.WithTimeout(ctx, slotWithin)
	defer cancel()
	release, err = s.slots.Acquire(waiting, a.caller.shares())
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, fmt.Errorf("%w: none was free within %s", ErrTooBusy, slotWithin)
	}
	return release, err
}

// mayStep returns the error of a caller that would get no slot now. An operation that reads before its
// step asks first, so that this refusal comes before those that need a record.
func (s *Service) mayStep(c Caller) error { return s.slots.Check(c.shares()) }

func once[T any](ctx context.Context, s *Service, a act, repeated bool, decide func(context.Context, *step) (T, error)) (T, error) {
	began := time.Now()
	ctx, done := s.config.Observer.Step(ctx, a.op)
	var got T
	var refused refusal
	var events []audit.Event
	bound := bounded{of: s.refusals, by: a, now: s.config.Now}
	err := s.config.Store.InTx(ctx, func(tx store.Tx) error {
		st := &step{Tx: tx, caller: a.caller, newID: s.config.NewID, repeated: repeated}
		var err error
		got, err = decide(ctx, st)
		refused, events = refusal{}, st.events
		if err != nil && !errors.As(err, &refused) {
			return err
		}
		tx.Append(bound.events(st.events)...)
		tx.Wake(st.woken...)
		return nil
	})
	r := Report{Result: Committed, Took: time.Since(began), Events: events}
	switch {
	case errors.Is(err, store.ErrOutcomeUnknown):
		r.Result, r.Events = Unknown, nil
	case err != nil:
		var none T
		got, r.Result, r.Events = none, Failed, nil
	case refused.error != nil:
		r.Result, err = Refused, refused.error
	}
	done(r)
	return got, err
}

// bounded keeps a credential that is refused without pause from filling the trail: of a step that
// changed nothing the events may be left out, and counted. A step that insists follows a spent
// attempt, whose outcome must be in the trail. It decides once for each act, however often the step
// runs.
type bounded struct {
	of      *refusals
	by      act
	now     func() time.Time
	decided map[audit.Type]bool
}

func (b *bounded) events(all []audit.Event) []audit.Event {
	if b.by.op == OpDeny || b.by.insists || !onlyRefuses(all) {
		return all
	}
	if b.decided == nil {
		b.decided = map[audit.Type]bool{}
	}
	kept := make([]audit.Event, 0, len(all))
	for _, e := range all {
		of := e.Details.Type()
		keep, known := b.decided[of]
		if !known {
			keep = b.of.take(b.by.caller.Principal, of, b.now())
			b.decided[of] = keep
		}
		if keep {
			kept = append(kept, e)
		}
	}
	return kept
}

// detached is for what must be finished although the caller has gone.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
}
