package limit_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hydracore/hydrapin/internal/limit"
)

// acquired fails unless the caller gets a slot at once.
func acquired(t *testing.T, s *limit.Slots, c limit.Caller) (release func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	release, err := s.Acquire(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

func TestATenantAloneUsesAllSlotsButOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := limit.NewSlots(4, limit.Bounds{})
		var got atomic.Int64
		var calls sync.WaitGroup
		hold := make(chan struct{})
		for range 10 {
			calls.Go(func() {
				release, err := s.Acquire(t.Context(), who(1, 1))
				if err != nil {
					t.Error(err)
					return
				}
				got.Add(1)
				<-hold
				release()
				release() // no more than once
			})
		}
		synctest.Wait()
		if got.Load() != 3 || s.Waiting() != 7 {
			t.Errorf("%d have a slot, %d wait", got.Load(), s.Waiting())
		}
		release := acquired(t, s, who(2, 1))
		release()
		close(hold)
		calls.Wait()
		if s.Waiting() != 0 {
			t.Errorf("%d wait at the end", s.Waiting())
		}
		acquired(t, limit.NewSlots(1, limit.Bounds{}), who(1, 1))
	})
}

// Who waits is served tenant by tenant, and the tenant's credentials in turn.
func TestSlotsAreGivenInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := limit.NewSlots(1, limit.Bounds{})
		first := acquired(t, s, who(9, 9))
		var mu sync.Mutex
		var order []string
		var calls sync.WaitGroup
		wait := func(name string, c limit.Caller) {
			calls.Go(func() {
				release, err := s.Acquire(t.Context(), c)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
				release()
			})
			synctest.Wait()
		}
		wait("a1", who(1, 1))
		wait("a2", who(1, 1))
		wait("a3", who(1, 1))
		wait("a other", who(1, 2))
		wait("b1", who(2, 1))
		first()
		calls.Wait()
		for i, want := range []string{"a1", "b1", "a other", "a2", "a3"} {
			if order[i] != want {
				t.Fatalf("%q, want %s at %d", order, want, i)
			}
		}
	})
}

func TestWaitingForASlotIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := limit.NewSlots(1, limit.Bounds{Total: 5, Tenant: 4})
		first := acquired(t, s, who(9, 9))
		var calls sync.WaitGroup
		wait := func(c limit.Caller, acquire func(context.Context, limit.Caller) (func(), error)) {
			calls.Go(func() {
				release, err := acquire(t.Context(), c)
				if err != nil {
					t.Error(err)
					return
				}
				release()
			})
			synctest.Wait()
		}
		refused := func(c limit.Caller, want error) {
			t.Helper()
			if _, err := s.Acquire(t.Context(), c); !errors.Is(err, want) || !errors.Is(s.Check(c), want) {
				t.Errorf("got %v and %v, want %v", err, s.Check(c), want)
			}
		}
		for range 4 {
			wait(who(1, 1), s.Acquire)
		}
		refused(who(1, 1), limit.ErrTooManyWaiting)
		wait(who(1, 2), s.Acquire)
		refused(who(1, 2), limit.ErrTooManyWaiting)
		wait(who(2, 1), s.Acquire)
		refused(who(2, 1), limit.ErrFull)
		if err := s.Check(who(3, 1)); err != nil {
			t.Errorf("a tenant that has none waiting: %v", err)
		}
		// What must be finished waits all the same.
		wait(who(1, 1), s.Insist)
		first()
		calls.Wait()
	})
}

// Who leaves while it waits takes no slot with it.
func TestLeavingTakesNoSlot(t *testing.T) {
	t.Parallel()
	s := limit.NewSlots(3, limit.Bounds{Total: 50, Tenant: 20})
	var calls sync.WaitGroup
	var using, most atomic.Int64
	for i := range 40 {
		calls.Go(func() {
			for n := range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				if n%3 == 0 {
					go cancel()
				}
				release, err := s.Acquire(ctx, who(i%5, i%2))
				if err == nil {
					now := using.Add(1)
					for was := most.Load(); now > was && !most.CompareAndSwap(was, now); was = most.Load() {
					}
					using.Add(-1)
					release()
				}
				cancel()
			}
		})
	}
	calls.Wait()
	if most.Load() > 3 || s.Waiting() != 0 {
		t.Errorf("%d at once, %d wait", most.Load(), s.Waiting())
	}
	for i := range 3 {
		acquired(t, s, who(i, 1))
	}
}
