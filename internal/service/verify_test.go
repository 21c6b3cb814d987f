package service_test

import (
	"context"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/service"
)

// noAttempt fails when anything was spent or hashed for the customer.
func (w *world) noAttempt() {
	w.t.Helper()
	equal(w.t, "failures", w.record(w.customer).Failures, 0)
	equal(w.t, "attempted", w.told(audit.TypePINAttempted), 0)
	equal(w.t, "held places", w.held(), 0)
}

func TestWhatIsNoLongerPendingTakesNoPIN(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		declined, late := w.pending(), w.pending(lasting(time.Second))
		must(t, w.Decline(t.Context(), w.runtime, to(w.instance, declined.ID)))
		wants(t, second(w.enter(declined, right)), service.ErrNotPending)
		w.elapse(time.Minute)
		wants(t, second(w.enter(late, right)), service.ErrExpired)
		w.noAttempt()

		done := w.approved()
		wants(t, second(w.enter(done, right)), service.ErrNotPending)
		_, err := w.redeem(done)
		must(t, err)
		wants(t, second(w.enter(done, right)), service.ErrNotPending)
		equal(t, "attempted", w.told(audit.TypePINAttempted), 1)
	})
}

func TestACallerGoneBeforeTheSpendCostsNothing(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()

		gone, cancel := context.WithCancel(t.Context())
		cancel()
		wants(t, second(w.Verify(gone, w.runtime, to(w.instance, v.ID), number(t, wrong))), context.Canceled)
		w.noAttempt()

		// Nor does one that leaves while it waits for the holder's lock.
		release := w.db.hold(t, w.customer)
		waiting, cancel := context.WithCancel(t.Context())
		outcome := later(func() (service.View, error) {
			return w.Verify(waiting, w.runtime, to(w.instance, v.ID), number(t, wrong))
		})
		eventually(t, "it is about to spend", func() bool { return w.held() == 1 })
		w.db.waitForLock(t, 1)
		cancel()
		wants(t, second(outcome()), context.Canceled)
		release()
		w.noAttempt()
		_, err := w.enter(v, right)
		must(t, err)
	})
}

func TestACallerGoneAfterTheSpendIsSettledAllTheSame(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		for _, try := range []struct {
			digits string
			want   confirmation.Status
			tells  audit.Type
		}{{wrong, confirmation.Pending, audit.TypePINFailed}, {right, confirmation.Approved, audit.TypePINVerified}} {
			v := w.pending(doing(t, params))
			free := w.plug(t)
			before := w.told(audit.TypePINAttempted)
			waiting, cancel := context.WithCancel(t.Context())
			outcome := later(func() (service.View, error) {
				return w.Verify(waiting, w.runtime, to(w.instance, v.ID), number(t, try.digits))
			})
			eventually(t, "the attempt is spent", func() bool { return w.told(audit.TypePINAttempted) == before+1 })
			cancel()
			equal(t, "not settled yet", w.told(try.tells), 0)
			free()
			_, _ = outcome()
			equal(t, "settled", w.told(try.tells), 1)
			equal(t, "status", w.read(v).Status, try.want)
		}
	})
}

func TestAFullQueueCostsNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		release := w.fill(t, w.tenant)
		_, err := w.enter(v, wrong)
		wants(t, err, argon2id.ErrBusy)
		if busy := as[*argon2id.BusyError](t, err); busy.RetryAfter < time.Second {
			t.Fatalf("retry after %s", busy.RetryAfter)
		}
		release()
		w.noAttempt()
		w.fail(v, 1)
	}, func(s *settings) { s.pool.Queue = 2 })
}

func TestAnUnknownPepperCostsNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		b := w.another(func(s *settings) { s.peppers = secrets("p2", "p1") })
		_, err := b.SetPIN(t.Context(), w.admin, w.customer, number(t, right))
		must(t, err)
		v := w.pending()
		wants(t, second(w.enter(v, right)), argon2id.ErrUnknownPepper)
		wants(t, second(w.enter(v, wrong)), argon2id.ErrUnknownPepper)
		w.noAttempt()
		_, err = b.Verify(t.Context(), w.runtime, to(w.instance, v.ID), number(t, right))
		must(t, err)
	})
}

func TestAHashThatCannotBeReadCostsNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		w.alter("hash = 'damaged'")
		wants(t, second(w.enter(v, right)), argon2id.ErrMalformed)
		w.noAttempt()
	})
}

// A hash that was copied to another holder's row is never right there.
func TestAHashBelongsToItsHolder(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		w.setPIN(w.identity, other)
		w.alter("hash = '%s'", w.record(w.customer).Hash)
		is[*service.WrongPINError](t, second(w.enter(w.pending(from(w.identity)), right)))
	})
}

func TestARightPINIsRehashed(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		w.require(0)
		w.setPIN(w.customer, right)
		before := w.record(w.customer)
		first := w.approved()
		w.approved()
		equal(t, "nothing to rehash", w.record(w.customer).Hash, before.Hash)

		for _, set := range []setting{
			func(s *settings) { s.pool.Params.Time = 2 },
			func(s *settings) { s.peppers = secrets("p2", "p1") },
		} {
			old := w.record(w.customer)
			b := w.another(set)
			v := w.pending()
			is[*service.WrongPINError](t, second(b.Verify(t.Context(), w.runtime, to(w.instance, v.ID), number(t, wrong))))
			equal(t, "a wrong PIN", w.record(w.customer).Hash, old.Hash)
			_, err := b.Verify(t.Context(), w.runtime, to(w.instance, v.ID), number(t, right))
			must(t, err)
			r := w.record(w.customer)
			if r.Hash == old.Hash {
				t.Fatal("not rehashed")
			}
			equal(t, "PIN id", r.ID, before.ID)
			equal(t, "epoch", r.LockEpoch, before.LockEpoch)
			equal(t, "created", r.CreatedAt, before.CreatedAt)
			w.node = b
		}
		// It is no new PIN: what was approved before it is redeemed after it.
		_, err := w.redeem(first)
		must(t, err)
		equal(t, "events of setting", w.told(audit.TypePINSet), 1)
		used, err := w.store.PeppersInUse(t.Context())
		must(t, err)
		equal(t, "pepper in use", used[0], "p2")
		equal(t, "peppers in use", len(used), 1)
	})
}
