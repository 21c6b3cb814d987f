package service_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
)

func TestAnAdminSetsReplacesAndRemovesAPIN(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		equal(t, "never seen", w.status(w.customer), pin.Status{})

		s, err := w.SetPIN(t.Context(), w.admin, w.customer, number(t, right))
		must(t, err)
		near(t, "created_at", s.CreatedAt, 0)
		equal(t, "answer", s, pin.Status{HasPIN: true, IsActive: true, CreatedAt: s.CreatedAt, SetBy: pin.ByAdmin})
		equal(t, "status", w.status(w.customer), s)
		first := w.record(w.customer)

		// The same UUID as identity is somebody else.
		twin := pin.IdentityHolder(w.tenant, w.instance, w.customer.ID)
		equal(t, "the twin", w.status(twin), pin.Status{})

		w.setPIN(w.customer, right)
		second := w.record(w.customer)
		if second.ID == first.ID || second.Hash == first.Hash || !second.CreatedAt.After(first.CreatedAt) {
			t.Fatal("replacing kept something of the old PIN")
		}

		must(t, w.RemovePIN(t.Context(), w.admin, w.customer))
		must(t, w.RemovePIN(t.Context(), w.admin, w.customer))
		equal(t, "removed", w.status(w.customer), pin.Status{})
		equal(t, "record", w.record(w.customer), pin.Record{Holder: w.customer, Generation: 3})
		equal(t, "events of removal", w.told(audit.TypePINRemoved), 1)
	})
}

func TestAPINThatMayNotBeSet(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		for digits, kind := range map[string]pin.FaultKind{
			"4826": pin.TooShort, "482615937": pin.TooLong, "777777": pin.TooWeak,
		} {
			_, err := w.SetPIN(t.Context(), w.admin, w.customer, number(t, digits))
			equal(t, digits, as[*service.PINFaultError](t, err).Fault.Kind, kind)
			_, err = w.setByRuntime(digits, "")
			equal(t, digits, as[*service.PINFaultError](t, err).Fault.Kind, kind)
		}
		equal(t, "status", w.status(w.customer), pin.Status{})
		equal(t, "events", len(w.events()), 0)
	}, func(s *settings) { s.config.Rules = pin.Rules{MinLength: 6, MaxLength: 8} })
}

func TestSettingAPINEndsEverythingOfTheHolderAndNothingElse(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		w.setPIN(w.identity, right)
		opened := w.approved()
		bySession := w.ask()
		open := w.pending(doing(t, params))
		done := w.approved(doing(t, params))
		_, err := w.redeem(done)
		must(t, err)
		mine := w.approved(from(w.identity))

		w.setPIN(w.customer, other)

		for _, v := range []service.View{opened, bySession, open} {
			answer(t, w.read(v), confirmation.Declined, confirmation.PINChanged)
		}
		answer(t, w.read(done), confirmation.Redeemed, confirmation.NoReason)
		answer(t, w.read(mine), confirmation.Approved, confirmation.ByPIN)
		answer(t, w.ask(), confirmation.Pending, confirmation.NoReason)
		answer(t, w.ask(from(w.identity)), confirmation.Approved, confirmation.BySession)
	})
}

func TestAnAdminUnlocks(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		s, err := w.UnlockPIN(t.Context(), w.admin, w.customer)
		must(t, err)
		equal(t, "unlocking nobody", s, pin.Status{})
		equal(t, "events", len(w.events()), 0)

		w.require(30)
		w.setPIN(w.customer, right)
		before := w.record(w.customer)
		v := w.pending()
		w.fail(v, 5)
		s = w.status(w.customer)
		equal(t, "locked", s.IsLocked, true)
		near(t, "locked until", s.LockedUntil, 15*time.Minute)
		equal(t, "active while locked", s.IsActive, true)

		s, err = w.UnlockPIN(t.Context(), w.admin, w.customer)
		must(t, err)
		equal(t, "unlocked", s, pin.Status{HasPIN: true, IsActive: true, CreatedAt: s.CreatedAt, SetBy: pin.ByAdmin})
		_, err = w.UnlockPIN(t.Context(), w.admin, w.customer)
		must(t, err)
		equal(t, "events of unlocking", w.told(audit.TypePINUnlocked), 1)
		after := w.record(w.customer)
		equal(t, "the PIN", after.ID, before.ID)
		equal(t, "count", after.Failures, 0)
		equal(t, "bucket", after.BucketEmptyAt, time.Time{})

		// The confirmation outlived the lock.
		_, err = w.enter(v, right)
		must(t, err)
	})
}

func TestARuntimeSetsAndReplacesAnIdentitysPIN(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		// What stands for the current PIN is ignored where there is none.
		s, err := w.setByRuntime(right, wrong)
		must(t, err)
		equal(t, "set", s, pin.Status{HasPIN: true, IsActive: true, CreatedAt: s.CreatedAt, SetBy: pin.ByRuntime})
		v := w.pending(from(w.identity))
		first := w.record(w.identity)

		_, err = w.setByRuntime(other, "")
		wants(t, err, service.ErrCurrentPINMissing)
		_, err = w.setByRuntime(other, wrong)
		equal(t, "remaining", as[*service.WrongPINError](t, err).Remaining, 4)
		equal(t, "the PIN", w.record(w.identity).ID, first.ID)
		answer(t, w.read(v), confirmation.Pending, confirmation.NoReason)

		_, err = w.setByRuntime(other, right)
		must(t, err)
		r := w.record(w.identity)
		if r.ID == first.ID || r.Failures != 0 || !r.CountsFrom.IsZero() {
			t.Fatalf("after replacing: %+v", r)
		}
		answer(t, w.read(v), confirmation.Declined, confirmation.PINChanged)
		// The wrong guess is still in the bucket.
		near(t, "bucket", r.BucketEmptyAt, 24*time.Hour)

		_, err = w.enter(w.pending(from(w.identity)), other)
		must(t, err)
	})
}

func TestARuntimeSpendsFromTheSameCount(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.identity, right)
		v := w.pending(from(w.identity))
		w.fail(v, 2)
		for remaining := 2; remaining >= 0; remaining-- {
			_, err := w.setByRuntime(other, wrong)
			e := as[*service.WrongPINError](t, err)
			equal(t, "remaining", e.Remaining, remaining)
			equal(t, "locked", !e.LockedUntil.IsZero(), remaining == 0)
			equal(t, "to be retried later", e.RetryAfter > 14*time.Minute && e.RetryAfter <= 15*time.Minute, remaining == 0)
		}
		_, err := w.setByRuntime(other, right)
		near(t, "locked", as[*service.LockedError](t, err).Until, 15*time.Minute)
		_, err = w.enter(v, right)
		is[*service.LockedError](t, err)
		is[*service.LockedError](t, w.RemovePINByRuntime(t.Context(), w.runtime, w.identity))
		// What the request lacks is told first.
		_, err = w.setByRuntime(other, "")
		wants(t, err, service.ErrCurrentPINMissing)

		w.alter("inactive = %s, locked_until = NULL", map[string]string{onPostgres: "true", onSQLite: "1"}[w.db.name])
		_, err = w.setByRuntime(other, right)
		wants(t, err, service.ErrInactive)
		wants(t, w.RemovePINByRuntime(t.Context(), w.runtime, w.identity), service.ErrInactive)
	})
}

func TestRemovingByTheRuntimeForgivesNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		must(t, w.RemovePINByRuntime(t.Context(), w.runtime, w.identity))
		equal(t, "events", w.told(audit.TypePINRemoved), 0)

		w.setPIN(w.identity, right)
		v := w.pending(from(w.identity))
		w.fail(v, 3)
		must(t, w.RemovePINByRuntime(t.Context(), w.runtime, w.identity))
		must(t, w.RemovePINByRuntime(t.Context(), w.runtime, w.identity))
		equal(t, "events", w.told(audit.TypePINRemoved), 1)
		equal(t, "status", w.status(w.identity), pin.Status{})
		answer(t, w.read(v), confirmation.Declined, confirmation.PINChanged)
		answer(t, w.ask(from(w.identity)), confirmation.Blocked, confirmation.PINNotSet)

		_, err := w.setByRuntime(other, "")
		must(t, err)
		r := w.record(w.identity)
		equal(t, "count", r.Failures, 3)
		near(t, "bucket", r.BucketEmptyAt, 72*time.Hour)
		answer(t, w.ask(from(w.identity)), confirmation.Blocked, confirmation.PINCoolingOff)

		// Replacing neither ends nor prolongs the cooling off.
		w.elapse(20 * time.Hour)
		_, err = w.setByRuntime(right, other)
		must(t, err)
		answer(t, w.ask(from(w.identity)), confirmation.Blocked, confirmation.PINCoolingOff)
		w.elapse(4*time.Hour - time.Minute)
		answer(t, w.ask(from(w.identity)), confirmation.Blocked, confirmation.PINCoolingOff)
		w.elapse(time.Minute)
		_, err = w.enter(w.pending(from(w.identity)), right)
		must(t, err)
	})
}

func TestAnAdminEndsTheCoolingOff(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		swap := func() {
			w.setPIN(w.identity, right)
			must(t, w.RemovePINByRuntime(t.Context(), w.runtime, w.identity))
		}
		set := func() {
			_, err := w.setByRuntime(other, "")
			must(t, err)
		}
		asked := func(s confirmation.Status, r confirmation.Reason) {
			t.Helper()
			answer(t, w.ask(from(w.identity)), s, r)
		}
		unlock := func() {
			_, err := w.UnlockPIN(t.Context(), w.admin, w.identity)
			must(t, err)
		}

		swap()
		set()
		asked(confirmation.Blocked, confirmation.PINCoolingOff)
		unlock() // of the PIN that cools off
		asked(confirmation.Pending, confirmation.NoReason)

		swap()
		unlock() // before the next PIN is set
		set()
		asked(confirmation.Pending, confirmation.NoReason)

		swap()
		removed := w.told(audit.TypePINRemoved)
		must(t, w.RemovePIN(t.Context(), w.admin, w.identity)) // of what the runtime left
		equal(t, "the admin's remove is told", w.told(audit.TypePINRemoved), removed+1)
		left := w.record(w.identity)
		equal(t, "record", left, pin.Record{Holder: w.identity, Generation: left.Generation})
		set()
		asked(confirmation.Pending, confirmation.NoReason)

		swap()
		w.setPIN(w.identity, other) // an admin's PIN counts at once
		asked(confirmation.Pending, confirmation.NoReason)
	})
}

func TestTwinsOnTwoInstancesHaveNothingInCommon(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		elsewhere := pin.IdentityHolder(w.tenant, w.customer.ID, w.identity.ID)
		foreign := pin.IdentityHolder(w.customer.ID, w.instance, w.identity.ID)
		for _, h := range []pin.Holder{w.identity, elsewhere, foreign} {
			w.setPIN(h, right)
		}
		w.fail(w.pending(from(w.identity)), 5)
		equal(t, "locked", w.status(w.identity).IsLocked, true)
		equal(t, "the twin on another instance", w.status(elsewhere).IsLocked, false)
		equal(t, "the twin of another tenant", w.status(foreign).IsLocked, false)
		must(t, w.RemovePIN(t.Context(), w.admin, elsewhere))
		equal(t, "still set", w.status(w.identity).HasPIN, true)
		equal(t, "still set", w.status(foreign).HasPIN, true)
	})
}

// Two runtimes set a first PIN at once: one wins, and the other is told that there
// is a current one.
func TestRaceForTheFirstPIN(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b := w.another()
		for range 5 {
			w.newTenant()
			// Both have looked, and seen no PIN, when the first of them is hashed.
			freeA, freeB := w.plug(t), b.plug(t)
			a1 := later(func() (pin.Status, error) {
				return w.SetPINByRuntime(t.Context(), w.runtime, w.identity, service.NewPIN{PIN: number(t, right)})
			})
			b1 := later(func() (pin.Status, error) {
				return b.SetPINByRuntime(t.Context(), w.runtime, w.identity, service.NewPIN{PIN: number(t, other)})
			})
			eventually(t, "both hash", func() bool { return w.held() == 2 && b.held() == 2 })
			var free sync.WaitGroup
			free.Go(freeA)
			free.Go(freeB)
			free.Wait()
			_, errA := a1()
			_, errB := b1()
			if errA == nil {
				errA, errB = errB, errA
			}
			wants(t, errA, service.ErrCurrentPINMissing)
			wants(t, errB, nil)
			equal(t, "events", w.told(audit.TypePINSet), 1)
			equal(t, "attempts", w.told(audit.TypePINAttempted), 0)
		}
	})
}

// With the current PIN at hand the loser goes on to replace what appeared.
func TestRaceForTheFirstPINWithACurrentOne(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b := w.another()
		free := w.plug(t)
		slow := later(func() (pin.Status, error) {
			current := number(t, right)
			return w.SetPINByRuntime(t.Context(), w.runtime, w.identity, service.NewPIN{PIN: number(t, other), Current: &current})
		})
		eventually(t, "it hashes", func() bool { return w.held() == 2 })
		_, err := b.SetPINByRuntime(t.Context(), w.runtime, w.identity, service.NewPIN{PIN: number(t, right)})
		must(t, err)
		free()
		_, err = slow()
		must(t, err)
		equal(t, "attempts", w.told(audit.TypePINAttempted), 1)
		equal(t, "set", w.told(audit.TypePINSet), 2)
	})
}

func TestAFullQueueSetsNoPIN(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.setPIN(w.identity, right)
		w.plug(t)
		w.fill(t, w.tenant)
		_, err := w.SetPIN(t.Context(), w.admin, w.customer, number(t, right))
		if busy := as[*argon2id.BusyError](t, err); busy.RetryAfter <= 0 || !errors.Is(err, argon2id.ErrBusy) {
			t.Fatalf("busy: %v", err)
		}
		_, err = w.setByRuntime(other, wrong)
		wants(t, err, argon2id.ErrBusy)
		equal(t, "attempts", w.record(w.identity).Failures, 0)
	}, func(s *settings) { s.pool.Queue = 2 })
}
