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

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
)

// patience is how long a transaction waits in vain for a lock that another holds.
// A busy machine cannot make a lock fail by it: only a missing lock shows.
const patience = 100 * time.Millisecond

// meanwhile runs fn in a second transaction, while the caller is in a first, and
// gives up waiting after a while.
func meanwhile(t *testing.T, s store.Store, fn func(ctx context.Context, tx store.Tx) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return s.InTx(ctx, func(tx store.Tx) error { return fn(ctx, tx) })
}

func testLocksExclude(t *testing.T, s store.Store) {
	c := ask(customer(1), instance(1), 1)
	inTx(t, s, func(ctx context.Context, tx store.Tx) error { return tx.SavePin(ctx, setPIN(customer(1), 1), "pepper") })
	insert(t, s, c)
	type lock = func(ctx context.Context, tx store.Tx) error
	lockPin := func(ctx context.Context, tx store.Tx) error {
		_, err := tx.LockPin(ctx, customer(1))
		return err
	}
	lockNew := func(h pin.Holder) lock {
		return func(ctx context.Context, tx store.Tx) error {
			_, err := tx.LockNewPin(ctx, h)
			return err
		}
	}
	lockPolicy := func(ctx context.Context, tx store.Tx) error {
		_, err := tx.LockPolicy(ctx, tenant(1), instance(1))
		return err
	}
	lockConfirmation := func(ctx context.Context, tx store.Tx) error {
		_, err := tx.LockConfirmation(ctx, tenant(1), instance(1), c.ID)
		return err
	}
	lockOpen := func(ctx context.Context, tx store.Tx) error {
		_, err := tx.LockOpenConfirmations(ctx, customer(1), uuid.Nil)
		return err
	}
	for _, test := range []struct {
		name      string
		held, two lock
	}{
		{"pin", lockPin, lockPin},
		{"pin to be set", lockNew(customer(1)), lockPin},
		{"pin being looked at", lockPin, lockNew(customer(1))},
		{"first pin", lockNew(customer(2)), lockNew(customer(2))},
		{"policy never stored", lockPolicy, lockPolicy},
		{"confirmation", lockConfirmation, lockConfirmation},
		{"open confirmations", lockOpen, lockConfirmation},
		{"one of the open confirmations", lockConfirmation, lockOpen},
	} {
		inTx(t, s, func(ctx context.Context, tx store.Tx) error {
			if err := test.held(ctx, tx); err != nil {
				return err
			}
			if err := meanwhile(t, s, test.two); err == nil {
				t.Errorf("%s: two transactions hold the lock", test.name)
			} else if !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%s: waiting in vain gave %v, want ErrUnavailable", test.name, err)
			}
			return nil
		})
		// It was released with its transaction.
		inTx(t, s, test.two)
	}
}

// testNoLostUpdate counts guesses from many sides: each must be seen by the next.
func testNoLostUpdate(t *testing.T, s store.Store) {
	const guessers, each = 8, 10
	h := identity()
	inTx(t, s, func(ctx context.Context, tx store.Tx) error { return tx.SavePin(ctx, setPIN(h, 1), "pepper") })
	var group sync.WaitGroup
	for range guessers {
		group.Go(func() {
			for range each {
				if err := s.InTx(t.Context(), func(tx store.Tx) error {
					r, err := tx.LockPin(t.Context(), h)
					if err != nil {
						return err
					}
					r.Failures++
					return tx.SavePin(t.Context(), r, "pepper")
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
			if err := s.InTx(t.Context(), func(tx store.Tx) error {
				r, err := tx.LockNewPin(t.Context(), customer(1))
				if err != nil {
					return err
				}
				if r.ID == uuid.Nil {
					first.Add(1)
				}
				r = r.SetByAdmin(pin.Fresh{ID: id('p', n), Hash: "$argon2id$", At: after(n)})
				r.LockEpoch++
				return tx.SavePin(t.Context(), r, "pepper")
			}); err != nil {
				t.Errorf("set: %v", err)
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
			if err := s.InTx(t.Context(), func(tx store.Tx) error {
				got, err := tx.LockConfirmation(t.Context(), c.Holder.Tenant, c.Instance, c.ID)
				if err != nil || got.Status != confirmation.Approved {
					return err
				}
				redeemed.Add(1)
				return tx.SaveConfirmation(t.Context(), redeem(got))
			}); err != nil {
				t.Errorf("redeem: %v", err)
			}
		})
	}
	group.Wait()
	equal(t, "how often it was redeemed", redeemed.Load(), int32(1))
	equal(t, "Confirmation", read(t, s, c), redeem(c))
}

// testTimeAfterLock says that who waited for a lock sees no time from before it:
// else a lock on a PIN could be judged by an old clock.
func testTimeAfterLock(t *testing.T, s store.Store) {
	h := customer(1)
	inTx(t, s, func(ctx context.Context, tx store.Tx) error { return tx.SavePin(ctx, setPIN(h, 1), "pepper") })
	c := ask(h, instance(1), 1)
	insert(t, s, c)
	for _, test := range []struct {
		name string
		lock func(ctx context.Context, tx store.Tx) error
	}{
		{"pin", func(ctx context.Context, tx store.Tx) error {
			_, err := tx.LockPin(ctx, h)
			return err
		}},
		{"new pin", func(ctx context.Context, tx store.Tx) error {
			_, err := tx.LockNewPin(ctx, customer(2))
			return err
		}},
		{"policy", func(ctx context.Context, tx store.Tx) error {
			_, err := tx.LockPolicy(ctx, tenant(1), instance(1))
			return err
		}},
		{"confirmation", func(ctx context.Context, tx store.Tx) error {
			_, err := tx.LockConfirmation(ctx, c.Holder.Tenant, c.Instance, c.ID)
			return err
		}},
	} {
		var released, seen time.Time
		var waiter sync.WaitGroup
		inTx(t, s, func(ctx context.Context, tx store.Tx) (err error) {
			if err := test.lock(ctx, tx); err != nil {
				return err
			}
			began := make(chan struct{})
			waiter.Go(func() {
				close(began)
				if err := s.InTx(ctx, func(tx store.Tx) (err error) {
					if err = test.lock(ctx, tx); err == nil {
						seen, err = tx.Now(ctx)
					}
					return err
				}); err != nil {
					t.Errorf("%s: the waiter: %v", test.name, err)
				}
			})
			<-began
			// The lock is held until the database's clock has moved on, so that an
			// old reading would show. Now may stand still until the next lock.
			start := must(tx.Clock(ctx))(t)
			for released = start; released.Before(start.Add(50 * time.Millisecond)); {
				if released, err = tx.Clock(ctx); err != nil {
					return err
				}
			}
			return nil
		})
		waiter.Wait()
		if seen.Before(released) {
			t.Errorf("%s: held until %v, and who waited for it sees %v", test.name, released, seen)
		}
	}
}

func testSweepLock(t *testing.T, s store.Store) {
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		equal(t, "free lock", must(tx.TrySweepLock(ctx))(t), true)
		// A store may refuse the second or never let it begin.
		_ = meanwhile(t, s, func(ctx context.Context, tx store.Tx) error {
			if ok, err := tx.TrySweepLock(ctx); err == nil && ok {
				t.Error("two nodes sweep at once")
			}
			return nil
		})
		return nil
	})
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		equal(t, "lock, after its holder's end", must(tx.TrySweepLock(ctx))(t), true)
		return nil
	})
}

func testExpiredAndHeld(t *testing.T, s store.Store) {
	held, free := ask(customer(1), instance(1), 1), ask(customer(1), instance(1), 2)
	insert(t, s, held, free)
	ids := func(list confirmations) (ids []uuid.UUID) {
		for _, c := range list {
			ids = append(ids, c.ID)
		}
		return ids
	}
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		must(tx.LockConfirmation(ctx, tenant(1), instance(1), held.ID))(t)
		_ = meanwhile(t, s, func(ctx context.Context, tx store.Tx) error {
			list, err := tx.LockExpiredConfirmations(ctx, after(1000), 10)
			if err == nil && !slices.Equal(ids(list), []uuid.UUID{free.ID}) {
				t.Errorf("got %v, want the one that is not held", ids(list))
			}
			return err
		})
		return nil
	})
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		equal(t, "expired", len(must(tx.LockExpiredConfirmations(ctx, after(1000), 10))(t)), 2)
		return nil
	})
}
