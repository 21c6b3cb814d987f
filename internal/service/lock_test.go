package service_test

import (
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
)

// The schedule as it is promised: every fifth failure locks, for twice as long each
// time, and the twentieth deactivates.
func TestTheLockSchedule(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		for _, lock := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour} {
			v := w.pending(lasting(time.Hour))
			for remaining := 4; remaining >= 1; remaining-- {
				e := w.lastOf(v, 1)
				equal(t, "remaining", e.Remaining, remaining)
				equal(t, "locked until", e.LockedUntil, time.Time{})
			}
			e := w.lastOf(v, 1)
			equal(t, "remaining", e.Remaining, 0)
			near(t, "locked until", e.LockedUntil, lock)

			// The right PIN is not even looked at now.
			_, err := w.enter(v, right)
			locked := as[*service.LockedError](t, err)
			equal(t, "until", locked.Until, e.LockedUntil)
			near(t, "retry after", time.Now().Add(locked.RetryAfter), lock)
			equal(t, "attempts", w.record(w.customer).Failures, w.told(audit.TypePINAttempted))

			w.elapse(lock - time.Minute)
			is[*service.LockedError](t, second(w.enter(v, wrong)))
			w.elapse(time.Minute)
			equal(t, "locked", w.status(w.customer).IsLocked, false)
			equal(t, "locked until, once past", w.status(w.customer).LockedUntil, time.Time{})
		}
		v := w.pending()
		equal(t, "remaining before the twentieth", w.lastOf(v, 4).Remaining, 1)
		e := w.lastOf(v, 1)
		equal(t, "remaining", e.Remaining, 0)
		equal(t, "locked until", e.LockedUntil, time.Time{})
		s := w.status(w.customer)
		equal(t, "deactivated", s, pin.Status{HasPIN: true, CreatedAt: s.CreatedAt, SetBy: pin.ByAdmin})

		// No time ends that.
		w.elapse(1000 * time.Hour)
		answer(t, w.ask(), confirmation.Blocked, confirmation.PINInactive)
		wants(t, second(w.enter(v, right)), service.ErrExpired)
		equal(t, "locks", w.told(audit.TypePINLocked), 3)
		equal(t, "deactivations", w.told(audit.TypePINDeactivated), 1)
		equal(t, "failures", w.told(audit.TypePINFailed), 20)

		_, err := w.UnlockPIN(t.Context(), w.admin, w.customer)
		must(t, err)
		w.approved()
	})
}

// second is the error of a call.
func second[T any](_ T, err error) error { return err }

func TestADeactivatedPINIsNotLookedAt(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		equal(t, "remaining", w.lastOf(v, 1).Remaining, 1)
		equal(t, "remaining", w.lastOf(v, 1).Remaining, 0)
		wants(t, second(w.enter(v, right)), service.ErrInactive)
		wants(t, second(w.enter(v, wrong)), service.ErrInactive)
		equal(t, "attempts", w.told(audit.TypePINAttempted), 2)
		equal(t, "refused", w.told(audit.TypePINRefused), 2)
	}, func(s *settings) { s.config.Limits.HardLimit = 2 })
}

// A guesser who works between the holder's own right PINs fills the bucket.
func TestTheBucketOutlastsRightPINs(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(0)
		w.setPIN(w.customer, right)
		v := w.pending(lasting(time.Hour))
		for n := range 7 { // 28 wrong guesses, and no lock
			w.fail(v, 4)
			w.approved()
			equal(t, "failures", w.record(w.customer).Failures, 0)
			near(t, "bucket", w.record(w.customer).BucketEmptyAt, time.Duration(4*(n+1))*24*time.Hour)
		}
		// A day's leak makes room for one.
		equal(t, "remaining", w.lastOf(v, 1).Remaining, 1)
		w.elapse(24 * time.Hour)
		v = w.pending(lasting(time.Hour))
		equal(t, "remaining", *v.AttemptsRemaining, 2)
		// Its own attempt fills the bucket, and is taken out again.
		w.fail(v, 1)
		got, err := w.enter(v, right)
		must(t, err)
		answer(t, got, confirmation.Approved, confirmation.ByPIN)
		equal(t, "lifted: seven locks and a deactivation", w.told(audit.TypePINUnlocked), 8)
		equal(t, "active", w.status(w.customer).IsActive, true)

		w.fail(w.pending(), 1)
		equal(t, "active", w.status(w.customer).IsActive, false)
		equal(t, "failures", w.record(w.customer).Failures, 1)
	})
}

func TestARightFifthGuessLiftsItsOwnLock(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		session := w.approved()
		approved := w.approved(doing(t, params))
		v := w.pending(doing(t, params))
		w.fail(v, 4)
		epoch := w.record(w.customer).LockEpoch

		got, err := w.enter(v, right)
		must(t, err)
		answer(t, got, confirmation.Approved, confirmation.ByPIN)
		r := w.record(w.customer)
		equal(t, "failures", r.Failures, 0)
		equal(t, "locked", w.status(w.customer).IsLocked, false)
		equal(t, "epoch", r.LockEpoch, epoch+1)
		near(t, "bucket", r.BucketEmptyAt, 4*24*time.Hour)
		equal(t, "locked", w.told(audit.TypePINLocked), 1)
		equal(t, "unlocked", w.told(audit.TypePINUnlocked), 1)

		// It was a lock all the same: what rested on the time before it is over.
		wants(t, second(w.redeem(approved)), service.ErrChanged)
		wants(t, second(w.redeem(session)), service.ErrChanged)
		answer(t, w.ask(), confirmation.Pending, confirmation.NoReason)
		_, err = w.redeem(got)
		must(t, err)
	})
}

func TestARightTwentiethGuessLiftsItsOwnDeactivation(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		w.fail(v, 2)
		_, err := w.enter(v, right)
		must(t, err)
		equal(t, "active", w.status(w.customer).IsActive, true)
		equal(t, "deactivated", w.told(audit.TypePINDeactivated), 1)
		equal(t, "unlocked", w.told(audit.TypePINUnlocked), 1)
	}, func(s *settings) { s.config.Limits.HardLimit = 3 })
}

func TestALockEndsSessionsAndApprovals(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		opened := w.approved()
		bySession := w.ask()
		action := w.approved(doing(t, params))
		v := w.pending(doing(t, params))
		w.fail(v, 5)
		for _, a := range []service.View{opened, bySession, action} {
			answer(t, w.read(a), confirmation.Approved, a.Reason)
			wants(t, second(w.redeem(a)), service.ErrChanged)
		}
		equal(t, "sessions ended", w.told(audit.TypeSessionEnded), 1)
		// Neither does the admin's unlock bring them back.
		_, err := w.UnlockPIN(t.Context(), w.admin, w.customer)
		must(t, err)
		wants(t, second(w.redeem(action)), service.ErrChanged)
		answer(t, w.ask(), confirmation.Pending, confirmation.NoReason)
	})
}
