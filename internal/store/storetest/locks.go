package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// patience is how long a transaction waits for a lock that another one holds. A slow
// machine cannot make a test fail: only a missing lock can.
const patience = 100 * time.Millisecond

// meanwhile runs fn in a second transaction, while the caller is in a first, and
// gives up waiting after a while.
func meanwhile(t *testing.T, s store.Store, fn func(ctx context.Context, tx store.Tx) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return s.InTx(ctx, func(tx store.Tx) error { return fn(ctx, tx) })
}

// lockings are the ways to lock what furnish stored.
func lockings() map[string]func(tx store.Tx) {
	return map[string]func(tx store.Tx){
		"pin":               func(tx store.Tx) { tx.LockPIN(customer(1), new(pin.Record)) },
		"pin to be set":     func(tx store.Tx) { tx.LockNewPIN(customer(1), new(pin.Record)) },
		"first pin":         func(tx store.Tx) { tx.LockNewPIN(customer(2), new(pin.Record)) },
		"attempt":           func(tx store.Tx) { tx.LockAttempt(tenant(1), id('a', 1), new(pin.Attempt)) },
		"policy":            func(tx store.Tx) { tx.LockPolicy(on(1), new(policy.Policy)) },
		"policy, unstored":  func(tx store.Tx) { tx.LockPolicy(on(2), new(policy.Policy)) },
		"confirmation":      func(tx store.Tx) { tx.LockConfirmation(furnished().Ref(), new(confirmation.Confirmation)) },
		"open":              func(tx store.Tx) { tx.LockOpenConfirmations(customer(1), uuid.Nil, new(confirmations)) },
		"open, on instance": func(tx store.Tx) { tx.LockOpenConfirmations(customer(1), instance(1), new(confirmations)) },
		"api key":           func(tx store.Tx) { tx.LockAPIKey(key(tenant(1), 1).ID, new(auth.APIKey)) },
	}
}

func furnished() confirmation.Confirmation { return ask(customer(1), instance(1), 1) }

func furnish(t *testing.T, s store.Store) {
	t.Helper()
	p := policy.Default(tenant(1), instance(1))
	p.Version = 1
	inTx(t, s, func(tx store.Tx) {
		tx.SavePIN(setPIN(customer(1), 1))
		tx.InsertAttempt(attempt(customer(1), 1))
		tx.SavePolicy(p)
		tx.InsertConfirmation(furnished())
		tx.InsertAPIKey(key(tenant(1), 1))
	})
}

func testLocksExclude(t *testing.T, s store.Store) {
	furnish(t, s)
	locks := lockings()
	for _, test := range [][2]string{
		{"pin", "pin"},
		{"pin to be set", "pin"},
		{"pin", "pin to be set"},
		{"first pin", "first pin"},
		{"attempt", "attempt"},
		{"policy", "policy"},
		{"policy, unstored", "policy, unstored"},
		{"confirmation", "confirmation"},
		{"open", "confirmation"},
		{"confirmation", "open"},
		{"open, on instance", "open"},
		{"api key", "api key"},
	} {
		inTx(t, s, func(tx store.Tx) {
			locks[test[0]](tx)
			fetch(t, tx)
			if err := meanwhile(t, s, func(ctx context.Context, tx store.Tx) error {
				locks[test[1]](tx)
				return tx.Fetch(ctx)
			}); err == nil {
				t.Errorf("%v: two transactions hold the lock", test)
			} else if !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%v: waiting for the lock gave %v, want ErrUnavailable", test, err)
			}
		})
		// It was released with its transaction.
		inTx(t, s, func(tx store.Tx) {
			locks[test[1]](tx)
			fetch(t, tx)
		})
	}
}

// testNoLostUpdate counts guesses from many sides: each must be seen by the next.
func testNoLostUpdate(t *testing.T, s store.Store) {
	const guessers, each = 8, 10
	h := identity()
	inTx(t, s, func(tx store.Tx) { tx.SavePIN(setPIN(h, 1)) })
	var group sync.WaitGroup
	for range guessers {
		group.Go(func() {
			for range each {
				if err := s.InTx(t.Context(), func(tx store.Tx) error {
					var r pin.Record
					tx.LockPIN(h, &r)
					if err := tx.Fetch(t.Context()); err != nil {
						return err
					}
					r.Failures++
					tx.SavePIN(r)
					return nil
				}); err != nil {
					t.Errorf("guess: %v", err)
				}
			}
		})
	}
	group.Wait()
	equal(t, "guesses counted", pinOf(t, s, h).Failures, guessers*each)
}

// testFirstPinAtOnce lets many set the first PIN of a holder: one is first, and
// each of the others sees the one before it.
func testFirstPinAtOnce(t *testing.T, s store.Store) {
	const setters = 8
	var first atomic.Int32
	var group sync.WaitGroup
	for n := range setters {
		group.Go(func() {
			var r pin.Record
			if err := s.InTx(t.Context(), func(tx store.Tx) error {
				tx.LockNewPIN(customer(1), &r)
				if err := tx.Fetch(t.Context()); err != nil {
					return err
				}
				next := setPIN(customer(1), n)
				next.LockEpoch = r.LockEpoch + 1
				tx.SavePIN(next)
				return nil
			}); err != nil {
				t.Errorf("set: %v", err)
			}
			if r.ID == uuid.Nil {
				first.Add(1)
			}
		})
	}
	group.Wait()
	equal(t, "how many were first", first.Load(), int32(1))
	equal(t, "how many came one after the other", pinOf(t, s, customer(1)).LockEpoch, int64(setters))
}

// testRedeemAtOnce is the single use of an approval.
func testRedeemAtOnce(t *testing.T, s store.Store) {
	const redeemers = 8
	c := approve(ask(customer(1), instance(1), 1))
	insert(t, s, c)
	var redeemed atomic.Int32
	var group sync.WaitGroup
	for range redeemers {
		group.Go(func() {
			used := false
			if err := s.InTx(t.Context(), func(tx store.Tx) error {
				var got confirmation.Confirmation
				tx.LockConfirmation(c.Ref(), &got)
				if err := tx.Fetch(t.Context()); err != nil || got.Status != confirmation.Approved {
					return err
				}
				used = true
				tx.SaveConfirmations(redeem(got))
				return nil
			}); err != nil {
				t.Errorf("redeem: %v", err)
			}
			if used {
				redeemed.Add(1)
			}
		})
	}
	group.Wait()
	equal(t, "how often it was redeemed", redeemed.Load(), int32(1))
	equal(t, "Confirmation", read(t, s, c), redeem(c))
}

// behind takes a lock, lets a second transaction wait for it, runs do in the first and
// commits it; the second runs then.
func behind(t *testing.T, s store.Store, lock, do func(tx store.Tx), then func(tx store.Tx) error) {
	t.Helper()
	var waiter sync.WaitGroup
	inTx(t, s, func(tx store.Tx) {
		lock(tx)
		fetch(t, tx)
		began := make(chan struct{})
		waiter.Go(func() {
			close(began)
			if err := s.InTx(t.Context(), then); err != nil {
				t.Errorf("the waiter: %v", err)
			}
		})
		<-began
		do(tx)
	})
	waiter.Wait()
}

// holdOn returns once the database's clock has moved on, so that an old reading shows.
func holdOn(t *testing.T, tx store.Tx) (released time.Time) {
	t.Helper()
	start := clock(t, tx)
	for released = start; released.Before(start.Add(50 * time.Millisecond)); {
		released = clock(t, tx)
	}
	return released
}

// testTimeAfterLock says that who waited for a lock sees no time from before it:
// else a lock on a PIN could be judged by an old clock.
func testTimeAfterLock(t *testing.T, s store.Store) {
	furnish(t, s)
	for name, lock := range lockings() {
		var released, seen time.Time
		behind(t, s, lock, func(tx store.Tx) { released = holdOn(t, tx) }, func(tx store.Tx) error {
			lock(tx)
			err := tx.Fetch(t.Context())
			seen = tx.Now()
			return err
		})
		if seen.Before(released) {
			t.Errorf("%s: held until %v, and who waited for it sees %v", name, released, seen)
		}
	}
}

// testReadsAfterLock says that what is read behind a lock in the same Fetch is as it
// was left by whoever held the lock.
func testReadsAfterLock(t *testing.T, s store.Store) {
	furnish(t, s)
	changed := policy.Default(tenant(1), instance(1))
	changed.Version, changed.SessionTTLMinutes = 2, 7
	opened := session(customer(1), instance(1), 1)
	c := furnished()
	var (
		r      pin.Record
		p      policy.Policy
		open   sessions
		got    confirmation.Confirmation
		counts confirmation.OpenCounts
	)
	behind(t, s, func(tx store.Tx) { tx.LockPIN(customer(1), new(pin.Record)) }, func(tx store.Tx) {
		holdOn(t, tx)
		tx.SavePIN(setPIN(customer(1), 2))
		tx.SavePolicy(changed)
		tx.SaveSession(opened)
		tx.SaveConfirmations(decline(c))
	}, func(tx store.Tx) error {
		tx.LockPIN(customer(1), &r)
		tx.Policy(on(1), &p)
		tx.Sessions(customer(1), instance(1), &open)
		tx.Confirmation(c.Ref(), &got)
		tx.OpenCounts(customer(1), instance(1), &counts)
		return tx.Fetch(t.Context())
	})
	equal(t, "PIN", r, setPIN(customer(1), 2))
	equal(t, "policy", p, changed)
	equal(t, "sessions", open, sessions{opened})
	equal(t, "confirmation", got, decline(c))
	equal(t, "open counts", counts, confirmation.OpenCounts{})
}

func testSweepLock(t *testing.T, s store.Store) {
	inTx(t, s, func(tx store.Tx) {
		equal(t, "free lock", get(t, tx, tx.LockSweep), true)
		// A store may refuse the second or never let it begin.
		_ = meanwhile(t, s, func(ctx context.Context, tx store.Tx) error {
			got := true
			tx.LockSweep(&got)
			if err := tx.Fetch(ctx); err == nil && got {
				t.Error("two nodes sweep at once")
			}
			return nil
		})
	})
	inTx(t, s, func(tx store.Tx) {
		equal(t, "lock, after its holder's end", get(t, tx, tx.LockSweep), true)
	})
}

func testExpiredAndHeld(t *testing.T, s store.Store) {
	now := clock(t, s.Reads())
	held, free := expiring(customer(1), instance(1), 1, now), expiring(customer(1), instance(1), 2, now)
	insert(t, s, held, free)
	ids := func(list confirmations) (ids []uuid.UUID) {
		for _, c := range list {
			ids = append(ids, c.ID)
		}
		return ids
	}
	inTx(t, s, func(tx store.Tx) {
		tx.LockConfirmation(held.Ref(), new(confirmation.Confirmation))
		fetch(t, tx)
		_ = meanwhile(t, s, func(ctx context.Context, tx store.Tx) error {
			var list confirmations
			tx.LockExpired(10, &list)
			err := tx.Fetch(ctx)
			if err == nil && !slices.Equal(ids(list), []uuid.UUID{free.ID}) {
				t.Errorf("got %v, want the one that is not held", ids(list))
			}
			return err
		})
	})
	inTx(t, s, func(tx store.Tx) {
		equal(t, "expired", len(get(t, tx, func(into *confirmations) { tx.LockExpired(10, into) })), 2)
	})
}
