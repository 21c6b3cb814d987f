package service_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/service"
)

// between spends an attempt with those digits on one node, lets happen what
// happens on another before anything is hashed, and returns how it is settled.
func (w *world) between(v service.View, digits string, happens func(b *node)) (service.View, error) {
	w.t.Helper()
	free := w.plug(w.t)
	before := w.told(audit.TypePINAttempted)
	entered := number(w.t, digits)
	outcome := later(func() (service.View, error) {
		return w.Verify(w.t.Context(), w.runtime, to(v.Instance, v.ID), entered)
	})
	eventually(w.t, "the attempt is spent", func() bool { return w.told(audit.TypePINAttempted) > before })
	happens(w.another())
	free()
	return outcome()
}

// nothingCame fails when a guess that came too late has left more than its cost.
func (w *world) nothingCame(v service.View, failures int) {
	w.t.Helper()
	equal(w.t, "failures", w.record(w.customer).Failures, failures)
	equal(w.t, "verified", w.told(audit.TypePINVerified), 0)
	equal(w.t, "approved", w.told(audit.TypeConfirmationApproved), 0)
	equal(w.t, "opened", w.told(audit.TypeSessionOpened), 0)
	equal(w.t, "refused", w.told(audit.TypeConfirmationRefused), 1)
	equal(w.t, "receipt", w.read(v).Receipt, "")
}

func TestSettleAfterThePINWasReplaced(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		_, err := w.between(v, right, func(b *node) {
			// The same digits: still another PIN.
			_, err := b.SetPIN(t.Context(), w.admin, w.customer, number(t, right))
			must(t, err)
		})
		wants(t, err, service.ErrNotPending)
		w.nothingCame(v, 0)
		answer(t, w.read(v), confirmation.Declined, confirmation.PINChanged)
	})
}

func TestSettleOfAWrongGuessAfterThePINWasReplaced(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		w.fail(v, 3)
		_, err := w.between(v, wrong, func(b *node) {
			_, err := b.SetPIN(t.Context(), w.admin, w.customer, number(t, other))
			must(t, err)
		})
		// Always 403, with what is left as it is now.
		equal(t, "remaining", as[*service.WrongPINError](t, err).Remaining, 5)
	})
}

func TestSettleAfterThePINWasRemoved(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		_, err := w.between(v, right, func(b *node) {
			must(t, b.RemovePIN(t.Context(), w.admin, w.customer))
		})
		wants(t, err, service.ErrNotPending)
		w.nothingCame(v, 0)
		equal(t, "has PIN", w.status(w.customer).HasPIN, false)
	})
}

// Another's guess locks between a right guess and its settling: the right one
// approves nothing, and wipes no lock.
func TestSettleAfterAnotherGuessLocked(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		w.fail(v, 3)
		_, err := w.between(v, right, func(b *node) {
			_, err := b.Verify(t.Context(), w.runtime, to(w.instance, v.ID), number(t, wrong))
			equal(t, "remaining", as[*service.WrongPINError](t, err).Remaining, 0)
		})
		near(t, "locked until", as[*service.LockedError](t, err).Until, 15*time.Minute)
		w.nothingCame(v, 5)
		equal(t, "locked", w.status(w.customer).IsLocked, true)
		answer(t, w.read(v), confirmation.Pending, confirmation.NoReason)
	})
}

func TestSettleAfterAnotherGuessDeactivated(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		w.alter("failures = 18")
		_, err := w.between(v, right, func(b *node) {
			_, err := b.Verify(t.Context(), w.runtime, to(w.instance, v.ID), number(t, wrong))
			is[*service.WrongPINError](t, err)
		})
		wants(t, err, service.ErrInactive)
		w.nothingCame(v, 20)
		equal(t, "active", w.status(w.customer).IsActive, false)
	})
}

// An admin's unlock changes neither PIN nor epoch: the guess that was paid for
// still counts.
func TestSettleAfterAnAdminUnlocked(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		w.fail(v, 4)
		_, err := w.between(v, right, func(b *node) {
			equal(t, "locked by its own spend", w.status(w.customer).IsLocked, true)
			_, err := b.UnlockPIN(t.Context(), w.admin, w.customer)
			must(t, err)
		})
		must(t, err)
		r := w.record(w.customer)
		equal(t, "failures", r.Failures, 0)
		equal(t, "bucket", r.BucketEmptyAt, time.Time{})
		answer(t, w.read(v), confirmation.Approved, confirmation.ByPIN)
	})
}

func TestSettleAfterTheConfirmationWasDeclined(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		_, err := w.between(v, right, func(b *node) {
			must(t, b.Decline(t.Context(), w.runtime, to(w.instance, v.ID)))
		})
		wants(t, err, service.ErrNotPending)
		w.nothingCame(v, 1)
		answer(t, w.read(v), confirmation.Declined, confirmation.ByRuntime)
	})
}

// The guess that locked by itself was right, but nothing is left to approve: the
// lock stays, and is what the caller hears of.
func TestSettleOfALockingGuessAfterTheConfirmationWasDeclined(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		w.fail(v, 4)
		_, err := w.between(v, right, func(b *node) {
			must(t, b.Decline(t.Context(), w.runtime, to(w.instance, v.ID)))
		})
		is[*service.LockedError](t, err)
		w.nothingCame(v, 5)
		equal(t, "locked", w.status(w.customer).IsLocked, true)
	})
}

func TestSettleAfterTheConfirmationExpired(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		_, err := w.between(v, right, func(*node) { w.elapse(5 * time.Minute) })
		wants(t, err, service.ErrExpired)
		w.nothingCame(v, 1)
	})
}

func TestSettleAfterAnotherGuessApproved(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		_, err := w.between(v, right, func(b *node) {
			_, err := b.Verify(t.Context(), w.runtime, to(w.instance, v.ID), number(t, right))
			must(t, err)
		})
		wants(t, err, service.ErrNotPending)
		equal(t, "approved once", w.told(audit.TypeConfirmationApproved), 1)
		equal(t, "opened once", w.told(audit.TypeSessionOpened), 1)
	})
}

// Policy and TTL are those of the settling, not those of the question.
func TestSettleGoesByThePolicyOfItsTime(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		got, err := w.between(w.pending(), right, func(b *node) {
			ttl := 7
			_, err := b.UpdatePolicy(t.Context(), w.admin, service.PolicyUpdate{Instance: w.instance, Patch: policy.Patch{SessionTTLMinutes: &ttl}, Match: anyVersion})
			must(t, err)
		})
		must(t, err)
		near(t, "session", got.SessionExpiresAt, 7*time.Minute)
		w.require(0)
		got, err = w.enter(w.pending(), right)
		must(t, err)
		equal(t, "session", got.SessionExpiresAt, time.Time{})
	})
}

// A runtime replaces a PIN while an admin does: the admin's stays.
func TestReplacingAPINThatChanges(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.identity, right)
		changed := w.record(w.identity).ID
		free := w.plug(t)
		fresh, current := number(t, other), number(t, right)
		outcome := later(func() (uuid.UUID, error) {
			_, err := w.SetPINByRuntime(t.Context(), w.runtime, w.identity, service.NewPIN{PIN: fresh, Current: &current})
			return uuid.Nil, err
		})
		eventually(t, "it hashes", func() bool { return w.held() == 2 })
		b := w.another()
		_, err := b.SetPIN(t.Context(), w.admin, w.identity, number(t, wrong))
		must(t, err)
		free()
		is[*service.WrongPINError](t, second(outcome()))
		r := w.record(w.identity)
		if r.ID == changed {
			t.Fatal("the admin's PIN is gone")
		}
		equal(t, "failures", r.Failures, 1)
		equal(t, "set", w.told(audit.TypePINSet), 2)
	})
}
