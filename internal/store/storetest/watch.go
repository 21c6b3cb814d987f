package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// watched is a running Watch.
type watched struct {
	woken  chan uuid.UUID
	cancel context.CancelFunc
	done   sync.WaitGroup
	err    error
}

// startWatch returns when what is woken arrives.
func startWatch(t *testing.T, s store.Store) *watched {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watched{woken: make(chan uuid.UUID, 1000), cancel: cancel}
	w.done.Go(func() { w.err = s.Watch(ctx, func(id uuid.UUID) { w.woken <- id }, func() {}) })
	t.Cleanup(func() { w.stop(t) })
	// Connecting takes a store its time, and what is woken before is lost.
	for probe := range 500 {
		wake(t, s, id('w', probe))
		select {
		case <-w.woken:
			return w
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Fatal("nothing that was woken arrived")
	return nil
}

func (w *watched) stop(t *testing.T) {
	t.Helper()
	w.cancel()
	w.done.Wait()
	if w.err != nil && !errors.Is(w.err, context.Canceled) {
		t.Errorf("Watch: %v", w.err)
	}
}

// next returns what is woken next, but for the probes.
func (w *watched) next(t *testing.T) uuid.UUID {
	t.Helper()
	for {
		select {
		case got := <-w.woken:
			if got[15] != 'w' {
				return got
			}
		case <-time.After(10 * time.Second):
			t.Fatal("nothing was woken")
		}
	}
}

func wake(t *testing.T, s store.Store, ids ...uuid.UUID) {
	t.Helper()
	inTx(t, s, func(tx store.Tx) { tx.Wake(ids...) })
}

func testWatch(t *testing.T, s store.Store) {
	one, two := startWatch(t, s), startWatch(t, s)
	c := ask(customer(1), instance(1), 1)
	insert(t, s, c)

	// What is rolled back wakes nobody: it would have come before the next.
	undone := errors.New("undone")
	if err := s.InTx(t.Context(), func(tx store.Tx) error {
		tx.Wake(id('q', 66))
		return undone
	}); !errors.Is(err, undone) {
		t.Fatal(err)
	}
	// Nor does what could not be committed.
	refused(t, s, store.ErrNotFound, func(tx store.Tx) {
		tx.Wake(id('q', 67))
		tx.DeleteAttempt(attempt(customer(1), 1).Ref())
	})
	inTx(t, s, func(tx store.Tx) {
		tx.Wake(c.ID)
		tx.SaveConfirmations(decline(c))
	})
	for _, w := range []*watched{one, two} {
		equal(t, "woken", w.next(t), c.ID)
	}
	// Who is woken finds what it was woken for.
	equal(t, "Confirmation", read(t, s, c), decline(c))

	wake(t, s, id('q', 1), id('q', 2))
	for _, w := range []*watched{one, two} {
		got := map[uuid.UUID]bool{w.next(t): true, w.next(t): true}
		equal(t, "woken together", got, map[uuid.UUID]bool{id('q', 1): true, id('q', 2): true})
	}
}

func testWatchEnds(t *testing.T, s store.Store) {
	gone, stays := startWatch(t, s), startWatch(t, s)
	gone.stop(t)
	for len(gone.woken) > 0 {
		<-gone.woken
	}
	wake(t, s, id('q', 1))
	equal(t, "woken", stays.next(t), id('q', 1))
	equal(t, "woken after the end", len(gone.woken), 0)
}

func testClock(t *testing.T, s store.Store) {
	last := clock(t, s.Reads())
	tick := func(what string, now time.Time) {
		t.Helper()
		if now.Before(last) {
			t.Errorf("%s: %v comes after %v", what, now, last)
		}
		last = now
	}
	if now := s.Reads().Now(); !now.IsZero() {
		t.Errorf("Now before a Fetch is %v", now)
	}
	for range 10 {
		tick("Fetch of nothing", clock(t, s.Reads()))
		inTx(t, s, func(tx store.Tx) {
			if now := tx.Now(); !now.IsZero() {
				t.Errorf("Now before a Fetch is %v", now)
			}
			tick("Fetch in a transaction", clock(t, tx))
			tx.PIN(customer(1), new(pin.Record))
			tick("Fetch of a PIN in a transaction", clock(t, tx))
		})
		r := s.Reads()
		r.PIN(customer(1), new(pin.Record))
		tick("Fetch of a PIN", clock(t, r))
		r.Policy(on(1), new(policy.Policy))
		tick("Fetch of a policy", clock(t, r))
	}
}

func testPing(t *testing.T, s store.Store) {
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
}

// testZonesAndPrecision saves times of a half-hour zone with nanoseconds.
func testZonesAndPrecision(t *testing.T, s store.Store) {
	zone := time.FixedZone("half", 5*3600+1800)
	at := time.Date(2030, time.December, 31, 23, 59, 59, 999_999_999, zone)
	want := time.Date(2030, time.December, 31, 18, 29, 59, 999_999_000, time.UTC)

	r := setPIN(customer(1), 1)
	r.CreatedAt, r.CountsFrom, r.LockedUntil, r.BucketEmptyAt = at, at, at, at
	one := session(customer(1), instance(1), 1)
	one.AuthTime = at
	c := approve(ask(customer(1), instance(1), 1))
	c.CreatedAt, c.ExpiresAt, c.Approval.At, c.Approval.AuthTime = at, at, at, at
	k := key(tenant(1), 1)
	k.CreatedAt, k.ExpiresAt, k.RevokedAt = at, at, at
	a := attempt(customer(1), 1)
	a.SpentAt = at
	inTx(t, s, func(tx store.Tx) {
		tx.InsertConfirmation(c)
		tx.SavePIN(r)
		tx.InsertAttempt(a)
		tx.SaveSession(one)
		tx.InsertAPIKey(k)
	})

	r = pinOf(t, s, customer(1))
	one = sessionsOf(t, s, customer(1), instance(1))[0]
	c = read(t, s, c)
	k = keyOf(t, s, k.ID)
	inTx(t, s, func(tx store.Tx) { a = get(t, tx, func(into *pin.Attempt) { tx.LockAttempt(tenant(1), a.ID, into) }) })
	for n, got := range []time.Time{
		r.CreatedAt, r.CountsFrom, r.LockedUntil, r.BucketEmptyAt, one.AuthTime, a.SpentAt,
		c.CreatedAt, c.ExpiresAt, c.Approval.At, c.Approval.AuthTime, k.CreatedAt, k.ExpiresAt, k.RevokedAt,
	} {
		if !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("time %d: got %v, want %v", n, got, want)
		}
	}
}
