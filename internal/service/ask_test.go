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

// stored is how many confirmations the database holds.
func (w *world) stored() int {
	w.t.Helper()
	return w.db.count(w.t, "SELECT count(*) FROM confirmations WHERE tenant_id = '%s'", w.tenant)
}

func TestWhatNeedsNoPINIsNotStored(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.setPIN(w.customer, right)
		patch := func(p policy.Patch) {
			t.Helper()
			_, err := w.UpdatePolicy(t.Context(), w.admin, service.PolicyUpdate{Instance: w.instance, Patch: p, Match: anyVersion})
			must(t, err)
		}
		asked := func(r confirmation.Reason, with ...asking) {
			t.Helper()
			v, created, err := w.Ask(t.Context(), w.runtime, w.question(with...))
			must(t, err)
			equal(t, "created", created, false)
			equal(t, "id", v.ID, uuid.Nil)
			if v.AttemptsRemaining != nil || !v.LockedUntil.IsZero() || !v.SessionExpiresAt.IsZero() || v.Receipt != "" {
				t.Fatalf("more than an answer: %+v", v)
			}
			answer(t, v, confirmation.NotRequired, r)
		}
		asked(confirmation.SkillNotListed)
		patch(policy.Patch{RequiredSkills: []string{"Mail.Send"}})
		asked(confirmation.SkillNotListed)
		asked(confirmation.SkillNotListed, keyed("k"), doing(t, params))
		answer(t, w.ask(forSkill("mAIL.sEND")), confirmation.Pending, confirmation.NoReason)

		owner, customer := policy.AppliesToOwner, policy.AppliesToCustomer
		patch(policy.Patch{AppliesTo: &owner, RequiredSkills: []string{policy.AllSkills}})
		asked(confirmation.RoleExcluded)
		answer(t, w.ask(inRole(policy.Owner)), confirmation.Pending, confirmation.NoReason)
		patch(policy.Patch{AppliesTo: &customer})
		asked(confirmation.RoleExcluded, inRole(policy.Owner))
		answer(t, w.ask(keyed("k")), confirmation.Pending, confirmation.NoReason)

		equal(t, "stored", w.stored(), 3)
		equal(t, "told", w.told(audit.TypeConfirmationNotRequired), 0)
	})
}

func TestWhatNeedsNoPINIsToldWhereThatIsWanted(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		answer(t, w.ask(), confirmation.NotRequired, confirmation.SkillNotListed)
		equal(t, "told", w.told(audit.TypeConfirmationNotRequired), 1)
		equal(t, "stored", w.stored(), 0)
	}, func(s *settings) { s.config.AuditNotRequired = true })
}

func TestWhatIsBlockedIsNotStored(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		blocked := func(r confirmation.Reason) service.View {
			t.Helper()
			v, created, err := w.Ask(t.Context(), w.runtime, w.question(from(w.identity), keyed("k")))
			must(t, err)
			equal(t, "created", created, false)
			equal(t, "id", v.ID, uuid.Nil)
			answer(t, v, confirmation.Blocked, r)
			return v
		}
		v := blocked(confirmation.PINNotSet)
		if v.AttemptsRemaining != nil {
			t.Fatal("attempts of no PIN")
		}
		w.setPIN(w.identity, right)
		must(t, w.RemovePINByRuntime(t.Context(), w.runtime, w.identity))
		_, err := w.setByRuntime(right, "")
		must(t, err)
		v = blocked(confirmation.PINCoolingOff)
		equal(t, "remaining", *v.AttemptsRemaining, 5)

		_, err = w.UnlockPIN(t.Context(), w.admin, w.identity)
		must(t, err)
		w.fail(w.pending(from(w.identity)), 5)
		v = blocked(confirmation.PINLocked)
		equal(t, "remaining", *v.AttemptsRemaining, 0)
		near(t, "locked", v.LockedUntil, 15*time.Minute)

		w.alter("failures = 19, locked_until = NULL")
		w.fail(w.pending(from(w.identity)), 1)
		v = blocked(confirmation.PINInactive)
		equal(t, "remaining", *v.AttemptsRemaining, 0)
		equal(t, "locked", v.LockedUntil, time.Time{})

		equal(t, "told", w.told(audit.TypeConfirmationBlocked), 4)
		equal(t, "stored", w.stored(), 2)

		// None of them held the key.
		_, err = w.UnlockPIN(t.Context(), w.admin, w.identity)
		must(t, err)
		_, created, err := w.Ask(t.Context(), w.runtime, w.question(from(w.identity), keyed("k"), forSkill("another.skill")))
		must(t, err)
		equal(t, "created", created, true)
	})
}

func TestAPendingAnswer(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v, created, err := w.Ask(t.Context(), w.runtime, w.question(lasting(90*time.Second), doing(t, params)))
		must(t, err)
		equal(t, "created", created, true)
		answer(t, v, confirmation.Pending, confirmation.NoReason)
		equal(t, "lifetime", v.ExpiresAt.Sub(v.CreatedAt), 90*time.Second)
		near(t, "created", v.CreatedAt, 0)
		equal(t, "remaining", *v.AttemptsRemaining, 5)
		equal(t, "receipt", v.Receipt, "")
		equal(t, "params", string(v.Action.Params), `{"amount":250,"note":"rent","to":"acct-9184"}`)

		w.fail(v, 2)
		got := w.read(v)
		equal(t, "remaining", *got.AttemptsRemaining, 3)
		equal(t, "digest", got.ActionDigest(), v.ActionDigest())
		w.fail(v, 3)
		got = w.read(v)
		answer(t, got, confirmation.Pending, confirmation.NoReason)
		equal(t, "remaining", *got.AttemptsRemaining, 0)
		near(t, "locked", got.LockedUntil, 15*time.Minute)
	})
}

// Another tenant's or instance's confirmation is one that does not exist.
func TestAConfirmationIsOfOneInstance(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.approved()
		stranger := w.runtime
		stranger.Tenant = uuid.New()
		for _, try := range []struct {
			caller       service.Caller
			instance, id uuid.UUID
		}{{w.runtime, w.instance, uuid.New()}, {w.runtime, uuid.New(), v.ID}, {stranger, w.instance, v.ID}} {
			_, err := w.Confirmation(t.Context(), try.caller, to(try.instance, try.id), 0)
			wants(t, err, service.ErrNotFound)
			_, err = w.Verify(t.Context(), try.caller, to(try.instance, try.id), number(t, right))
			wants(t, err, service.ErrNotFound)
			_, err = w.Redeem(t.Context(), try.caller, to(try.instance, try.id), confirmation.Proof{})
			wants(t, err, service.ErrNotFound)
			wants(t, w.Decline(t.Context(), try.caller, to(try.instance, try.id)), service.ErrNotFound)
		}
		_, err := w.redeem(v)
		must(t, err)
	})
}

func TestAnActionIsNeverCoveredByASession(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.approved(doing(t, params))
		equal(t, "its PIN opens none", v.SessionExpiresAt, time.Time{})
		answer(t, w.ask(), confirmation.Pending, confirmation.NoReason)

		v = w.approved()
		near(t, "session", v.SessionExpiresAt, 30*time.Minute)
		answer(t, w.ask(), confirmation.Approved, confirmation.BySession)
		answer(t, w.ask(doing(t, params)), confirmation.Pending, confirmation.NoReason)
		answer(t, w.ask(doing(t, `{}`)), confirmation.Pending, confirmation.NoReason)
	})
}

func TestFiftyMayBePending(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		w.setPIN(w.identity, right)
		first := w.pending(lasting(2 * time.Minute))
		for range confirmation.MaxPending - 1 {
			w.pending()
		}
		_, created, err := w.Ask(t.Context(), w.runtime, w.question())
		wait := as[*service.TooManyPendingError](t, err).RetryAfter
		equal(t, "created", created, false)
		if wait <= time.Minute || wait > 2*time.Minute {
			t.Fatalf("retry after %s", wait)
		}
		equal(t, "stored", w.stored(), 50)

		// Another holder, and another instance, have fifty of their own.
		w.pending(from(w.identity))
		elsewhere := uuid.New()
		_, err = w.UpdatePolicy(t.Context(), w.admin, service.PolicyUpdate{Instance: elsewhere, Patch: policy.Patch{RequiredSkills: []string{policy.AllSkills}}, Match: anyVersion})
		must(t, err)
		w.pending(on(elsewhere))

		// One that is declined, and one that has expired, make room, swept or not.
		must(t, w.Decline(t.Context(), w.runtime, to(w.instance, first.ID)))
		w.pending(lasting(2 * time.Minute))
		_, _, err = w.Ask(t.Context(), w.runtime, w.question())
		is[*service.TooManyPendingError](t, err)
		w.elapse(2 * time.Minute)
		w.pending()
		_, _, err = w.Ask(t.Context(), w.runtime, w.question())
		is[*service.TooManyPendingError](t, err)
	})
}
