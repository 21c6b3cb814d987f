package limit

import (
	"context"
	"errors"
	"sync"

	"github.com/google/uuid"
)

// Errors of [Slots].
var (
	// ErrTooManyWaiting means: as many of the tenant's calls wait as may. Nothing was begun.
	ErrTooManyWaiting = errors.New("limit: too many calls of the tenant are waiting")
	// ErrFull means: as many calls wait as the server takes. Nothing was begun.
	ErrFull = errors.New("limit: too many calls are waiting")
)

// Slots gives a number of slots to whoever asks, tenant by tenant, and within a tenant credential by
// credential. A tenant alone may use all but one, so that another finds one free. It is safe for
// concurrent use.
type Slots struct {
	size   int
	bounds Bounds

	mu sync.Mutex
	// using is who has a slot, waiting who waits for one. While somebody waits that may have a
	// slot, none is free.
	using   Ledger
	waiting Ledger
	turns   Turns[*waiter]
}

type waiter struct {
	caller Caller
	given  chan struct{}
}

// NewSlots returns slots, at least one, with bounds for how many may wait.
func NewSlots(size int, waiting Bounds) *Slots {
	return &Slots{size: max(1, size), bounds: waiting}
}

// Check returns [ErrTooManyWaiting] or [ErrFull] for a caller that could not wait now.
func (s *Slots) Check(c Caller) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.check(c)
}

func (s *Slots) check(c Caller) error {
	switch s.bounds.Admit(s.waiting.Held(c)) {
	case OverBound:
		return ErrTooManyWaiting
	case Full:
		return ErrFull
	case Admitted:
	}
	return nil
}

// Acquire waits for a slot, which must be released. Errors are [ErrTooManyWaiting], [ErrFull] and
// that of ctx.
func (s *Slots) Acquire(ctx context.Context, c Caller) (release func(), err error) {
	return s.acquire(ctx, c, s.check)
}

// Insist is Acquire for what must be finished: it waits whatever the bounds are. The only error is
// that of ctx.
func (s *Slots) Insist(ctx context.Context, c Caller) (release func(), err error) {
	return s.acquire(ctx, c, func(Caller) error { return nil })
}

func (s *Slots) acquire(ctx context.Context, c Caller, check func(Caller) error) (func(), error) {
	w, err := s.take(c, check)
	if err != nil {
		return nil, err
	}
	release := sync.OnceFunc(func() { s.release(c) })
	select {
	case <-w.given:
		return release, nil
	case <-ctx.Done():
	}
	if !s.withdraw(w) {
		release() // it was given in the same moment
	}
	return nil, ctx.Err()
}

// take gives the caller a slot, or a place among those who wait.
func (s *Slots) take(c Caller, check func(Caller) error) (*waiter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &waiter{caller: c, given: make(chan struct{})}
	if s.using.Total() < s.size && s.mayUse(c.Tenant) {
		s.give(w)
		return w, nil
	}
	if err := check(c); err != nil {
		return nil, err
	}
	s.waiting.Take(c)
	s.turns.Push(c, w)
	return w, nil
}

// mayUse says whether a tenant may have one more slot.
func (s *Slots) mayUse(tenant uuid.UUID) bool {
	return s.using.Held(Caller{Tenant: tenant}).Tenant < max(1, s.size-1)
}

func (s *Slots) give(w *waiter) {
	s.using.Take(w.caller)
	close(w.given)
}

// withdraw takes back a waiter that was given nothing, and says whether it did.
func (s *Slots) withdraw(w *waiter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.turns.Remove(w.caller, w) {
		return false
	}
	s.waiting.Give(w.caller)
	return true
}

func (s *Slots) release(c Caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.using.Give(c)
	for s.using.Total() < s.size {
		w, ok := s.turns.Pop(s.mayUse)
		if !ok {
			return
		}
		s.waiting.Give(w.caller)
		s.give(w)
	}
}

// Waiting returns how many wait now.
func (s *Slots) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting.Total()
}
