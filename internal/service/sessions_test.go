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

func TestASessionLasts(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		opened := w.approved()
		near(t, "session", opened.SessionExpiresAt, 30*time.Minute)

		v, created, err := w.Ask(t.Context(), w.runtime, w.question(forSkill("any.other")))
		must(t, err)
		equal(t, "created", created, true)
		answer(t, v, confirmation.Approved, confirmation.BySession)
		equal(t, "session", v.SessionExpiresAt, opened.SessionExpiresAt)
		near(t, "redeemable until", v.ExpiresAt, 2*time.Minute)
		if v.Receipt == "" || v.AttemptsRemaining != nil {
			t.Fatalf("%+v", v)
		}
		// A redeem does not use the session up, nor does it prolong it.
		got, err := w.redeem(v)
		must(t, err)
		equal(t, "session", got.SessionExpiresAt, opened.SessionExpiresAt)
		equal(t, "receipt", got.Receipt, "")

		w.elapse(29 * time.Minute)
		answer(t, w.ask(), confirmation.Approved, confirmation.BySession)
		w.elapse(time.Minute)
		answer(t, w.ask(), confirmation.Pending, confirmation.NoReason)
	})
}

func TestASessionIsOfOneHolderRoleAndInstance(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		elsewhere := uuid.New()
		_, err := w.UpdatePolicy(t.Context(), w.admin, service.PolicyUpdate{Instance: elsewhere, Patch: policy.Patch{RequiredSkills: []string{policy.AllSkills}}, Match: anyVersion})
		must(t, err)
		w.setPIN(w.customer, right)
		w.setPIN(w.identity, right)
		w.approved()
		answer(t, w.ask(), confirmation.Approved, confirmation.BySession)
		answer(t, w.ask(inRole(policy.Owner)), confirmation.Pending, confirmation.NoReason)
		answer(t, w.ask(on(elsewhere)), confirmation.Pending, confirmation.NoReason)
		answer(t, w.ask(from(w.identity)), confirmation.Pending, confirmation.NoReason)
	})
}

func TestLoweringTheTTLWorksAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		ttl := func(minutes int) {
			t.Helper()
			_, err := w.UpdatePolicy(t.Context(), w.admin, service.PolicyUpdate{Instance: w.instance, Patch: policy.Patch{SessionTTLMinutes: &minutes}, Match: anyVersion})
			must(t, err)
		}
		w.require(30)
		w.setPIN(w.customer, right)
		opened := w.approved(lasting(time.Hour))
		w.elapse(time.Minute)
		v := w.ask()
		w.elapse(time.Minute)

		ttl(2)
		near(t, "session", w.read(v).SessionExpiresAt, 0)
		answer(t, w.ask(), confirmation.Pending, confirmation.NoReason)
		wants(t, second(w.redeem(v)), service.ErrChanged)
		// What the PIN itself approved rests on no session; it has its own two minutes.
		wants(t, second(w.redeem(opened)), service.ErrExpired)

		// Raising it again gives back what the session first had, and no more. A
		// refusal consumed nothing.
		ttl(1440)
		near(t, "session", w.read(v).SessionExpiresAt, 28*time.Minute)
		answer(t, w.ask(), confirmation.Approved, confirmation.BySession)
		_, err := w.redeem(v)
		must(t, err)
		w.elapse(28 * time.Minute)
		answer(t, w.ask(), confirmation.Pending, confirmation.NoReason)

		// Under 0 no session opens, and none counts.
		ttl(10)
		w.approved()
		ttl(0)
		answer(t, w.ask(), confirmation.Pending, confirmation.NoReason)
		w.approved()
		ttl(30)
		got := w.ask()
		near(t, "the one of ten minutes", got.SessionExpiresAt, 10*time.Minute)
	})
}

func TestTheSessionThatLastsLongestApproves(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		w.approved()
		w.elapse(10 * time.Minute)
		// A second one can only be opened for what was asked while none was live.
		w.require(0)
		two := w.pending()
		w.require(30)
		_, err := w.enter(two, right)
		must(t, err)
		near(t, "session", w.ask().SessionExpiresAt, 30*time.Minute)
	})
}

func TestLockNow(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		elsewhere := uuid.New()
		_, err := w.UpdatePolicy(t.Context(), w.admin, service.PolicyUpdate{Instance: elsewhere, Patch: policy.Patch{RequiredSkills: []string{policy.AllSkills}}, Match: anyVersion})
		must(t, err)
		w.setPIN(w.customer, right)
		w.setPIN(w.identity, right)
		action := w.approved(doing(t, params))
		open := w.pending(doing(t, params))
		byPIN := w.approved()
		bySession := w.ask()
		there := w.approved(on(elsewhere))
		others := w.approved(from(w.identity))
		used := w.ask()
		_, err = w.redeem(used)
		must(t, err)

		must(t, w.EndSessions(t.Context(), w.runtime, w.customer, w.instance))
		for _, v := range []service.View{byPIN, bySession, action} {
			answer(t, w.read(v), confirmation.Declined, confirmation.SessionEnded)
			wants(t, second(w.redeem(v)), service.ErrNotApproved)
		}
		answer(t, w.read(used), confirmation.Redeemed, confirmation.NoReason)
		answer(t, w.read(there), confirmation.Approved, confirmation.ByPIN)
		answer(t, w.read(others), confirmation.Approved, confirmation.ByPIN)
		answer(t, w.ask(), confirmation.Pending, confirmation.NoReason)
		answer(t, w.ask(on(elsewhere)), confirmation.Approved, confirmation.BySession)
		answer(t, w.ask(from(w.identity)), confirmation.Approved, confirmation.BySession)

		// What is still pending can be confirmed; the next PIN opens a new session.
		_, err = w.enter(open, right)
		must(t, err)
		w.approved()
		answer(t, w.ask(), confirmation.Approved, confirmation.BySession)

		must(t, w.EndSessions(t.Context(), w.runtime, w.customer, w.instance))
		must(t, w.EndSessions(t.Context(), w.runtime, w.customer, w.instance))
		equal(t, "sessions ended", w.told(audit.TypeSessionEnded), 2)
	})
}
