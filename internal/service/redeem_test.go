package service_test

import (
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/receipt"
)

func TestRedeemOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.approved()
		near(t, "redeemable until", v.ExpiresAt, 2*time.Minute)
		got, err := w.redeem(v, confirmation.Proof{})
		must(t, err)
		answer(t, got, confirmation.Redeemed, confirmation.NoReason)
		wants(t, second(w.redeem(v)), service.ErrAlreadyRedeemed)
		wants(t, w.Decline(t.Context(), w.runtime, to(w.instance, v.ID)), service.ErrAlreadyRedeemed)
		// It stays redeemed: nothing that comes later expires or ends it.
		w.elapse(time.Hour)
		w.setPIN(w.customer, other)
		answer(t, w.read(v), confirmation.Redeemed, confirmation.NoReason)
		wants(t, second(w.redeem(v)), service.ErrAlreadyRedeemed)
	})
}

func TestRedeemOfWhatIsNotApproved(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending(doing(t, params))
		wants(t, second(w.redeem(v)), service.ErrNotApproved)
		_, err := w.enter(v, right)
		must(t, err)
		must(t, w.Decline(t.Context(), w.runtime, to(w.instance, v.ID)))
		must(t, w.Decline(t.Context(), w.runtime, to(w.instance, v.ID)))
		answer(t, w.read(v), confirmation.Declined, confirmation.ByRuntime)
		wants(t, second(w.redeem(v)), service.ErrNotApproved)
		equal(t, "declined", w.told(audit.TypeConfirmationDeclined), 1)

		late, unanswered := w.approved(doing(t, params)), w.pending()
		w.elapse(2 * time.Minute)
		wants(t, second(w.redeem(late)), service.ErrExpired)
		wants(t, w.Decline(t.Context(), w.runtime, to(w.instance, late.ID)), service.ErrExpired)
		w.elapse(3 * time.Minute)
		wants(t, second(w.redeem(unanswered)), service.ErrExpired)
	})
}

func TestRedeemOfSomethingElse(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		digest := func(raw string) string {
			t.Helper()
			d, err := canonical.DigestOf([]byte(raw))
			must(t, err)
			return d
		}
		w.require(30)
		w.setPIN(w.customer, right)
		plain, bound := w.approved(), w.approved(doing(t, params))
		for _, p := range []confirmation.Proof{
			{Skill: "payments.refund", Digest: digest(params)},
			{Skill: skill},
			{},
			{Skill: skill, Digest: digest(`{"amount":251.0,"to":"acct-9184","note":"rent"}`)},
		} {
			wants(t, second(w.redeem(bound, p)), service.ErrParamsMismatch)
		}
		wants(t, second(w.redeem(plain, confirmation.Proof{Digest: digest(`{}`)})), service.ErrParamsMismatch)
		wants(t, second(w.redeem(plain, confirmation.Proof{Skill: "payments"})), service.ErrParamsMismatch)
		equal(t, "refused", w.told(audit.TypeConfirmationRefused), 6)
		// None of them consumed it; spelling is no difference.
		_, err := w.redeem(bound, confirmation.Proof{Skill: "PAYMENTS.Transfer", Digest: digest(`{"note":"rent","amount":2.5e2,"to":"acct-9184"}`)})
		must(t, err)
		_, err = w.redeem(plain)
		must(t, err)
	})
}

func TestRedeemAfterAChange(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(w *world) error{
		"locked": func(w *world) error {
			w.fail(w.pending(doing(w.t, params)), 5)
			return service.ErrChanged
		},
		"locked and over": func(w *world) error {
			w.fail(w.pending(doing(w.t, params)), 5)
			w.alter("locked_until = NULL")
			return service.ErrChanged
		},
		"inactive": func(w *world) error {
			w.alter("failures = 19")
			w.fail(w.pending(doing(w.t, params)), 1)
			return service.ErrChanged
		},
		"the PIN set again": func(w *world) error {
			w.setPIN(w.customer, right)
			return service.ErrNotApproved // it was declined
		},
		"the PIN removed": func(w *world) error {
			must(w.t, w.RemovePIN(w.t.Context(), w.admin, w.customer))
			return service.ErrNotApproved
		},
		"a wrong guess": func(w *world) error {
			w.fail(w.pending(doing(w.t, params)), 1)
			return nil
		},
		"unlocked by an admin": func(w *world) error {
			w.fail(w.pending(doing(w.t, params)), 2)
			return second(w.UnlockPIN(w.t.Context(), w.admin, w.customer))
		},
		"a skill that needs no PIN any more": func(w *world) error {
			return second(w.UpdatePolicy(w.t.Context(), w.admin, service.PolicyUpdate{Instance: w.instance, Patch: policy.Patch{RequiredSkills: []string{}}, Match: anyVersion}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, w *world) {
				w.require(30)
				w.setPIN(w.customer, right)
				bound, byPIN := w.approved(doing(t, params)), w.approved()
				bySession := w.ask()
				want := change(w)
				for _, v := range []service.View{bound, byPIN, bySession} {
					wants(t, second(w.redeem(v)), want)
				}
			})
		})
	}
}

// The session that approved must be live when the skill runs.
func TestRedeemAfterTheSessionIsOver(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		w.approved()
		w.elapse(29 * time.Minute)
		v := w.ask()
		answer(t, v, confirmation.Approved, confirmation.BySession)
		w.elapse(time.Minute)
		answer(t, w.read(v), confirmation.Approved, confirmation.BySession)
		wants(t, second(w.redeem(v)), service.ErrChanged)
	})
}

func TestAReceiptProvesTheApproval(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		w.setPIN(w.identity, right)
		keys, err := receipt.KeysFromJWKS(w.config.Receipts.JWKS())
		must(t, err)
		verifier, err := receipt.NewVerifier(issuer, keys, receipt.NewMemorySeen())
		must(t, err)
		customers := receipt.Expected{
			TenantID: w.tenant, InstanceID: w.instance, HolderType: receipt.Customer, HolderID: w.customer.ID,
			Skill: skill, Action: receipt.NoAction(),
		}
		bound := customers
		bound.Action = receipt.Params([]byte(params))
		identitys := customers
		identitys.HolderType, identitys.HolderID = receipt.Identity, w.identity.ID

		asked := w.pending(lasting(time.Hour))
		w.elapse(30 * time.Minute)
		opened, err := w.enter(asked, right)
		must(t, err)
		w.elapse(10 * time.Minute)
		for _, try := range []struct {
			v    service.View
			want receipt.Expected
			amr  string
			auth time.Duration
		}{
			{w.ask(), customers, "session", -10 * time.Minute},
			{w.approved(doing(t, params)), bound, "pin", 0},
			{w.approved(from(w.identity)), identitys, "pin", 0},
		} {
			got := w.read(try.v)
			equal(t, "the same bytes each time", got.Receipt, try.v.Receipt)
			r, err := verifier.Verify(t.Context(), try.v.Receipt, try.want)
			must(t, err)
			equal(t, "jti", r.ID, try.v.ID)
			equal(t, "amr", r.Method, try.amr)
			near(t, "auth_time", r.AuthTime, try.auth)
			near(t, "exp", r.ExpiresAt, 2*time.Minute)
			_, err = verifier.Verify(t.Context(), try.v.Receipt, try.want)
			wants(t, err, receipt.ErrReplayed)
		}
		// Its times are signed: that time passes here makes it no older.
		r, err := verifier.Verify(t.Context(), opened.Receipt, customers)
		must(t, err)
		near(t, "auth_time", r.AuthTime, 0)
		wrongParams := bound
		wrongParams.Action = receipt.Params([]byte(`{}`))
		_, err = verifier.Verify(t.Context(), w.approved(doing(t, params)).Receipt, wrongParams)
		wants(t, err, receipt.ErrMismatch)

		// It is shown only while approved.
		equal(t, "expired", w.read(opened).Receipt, "")
		declined := w.approved(doing(t, params))
		must(t, w.Decline(t.Context(), w.runtime, to(w.instance, declined.ID)))
		equal(t, "declined", w.read(declined).Receipt, "")
	})
}

// After a rotation of the receipt keys what was signed before keeps its bytes.
func TestAReceiptOutlivesARotation(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.approved()
		b := w.another(func(s *settings) { s.receipts = secrets("r2", "r1") })
		got, err := b.Confirmation(t.Context(), w.runtime, to(w.instance, v.ID), 0)
		must(t, err)
		equal(t, "receipt", got.Receipt, v.Receipt)
		keys, err := receipt.KeysFromJWKS(b.config.Receipts.JWKS())
		must(t, err)
		verifier, err := receipt.NewVerifier(issuer, keys, receipt.NewMemorySeen())
		must(t, err)
		want := receipt.Expected{
			TenantID: w.tenant, InstanceID: w.instance, HolderType: receipt.Customer, HolderID: w.customer.ID,
			Skill: skill, Action: receipt.NoAction(),
		}
		_, err = verifier.Verify(t.Context(), got.Receipt, want)
		must(t, err)
		fresh, _, err := b.Ask(t.Context(), w.runtime, w.question())
		must(t, err)
		_, err = verifier.Verify(t.Context(), fresh.Receipt, want)
		must(t, err)
	})
}
