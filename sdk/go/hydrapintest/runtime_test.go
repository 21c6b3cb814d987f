package hydrapintest_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/receipt"
)

func TestAConfirmationStepByStep(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.require(t)
	ctx := t.Context()
	raw := json.RawMessage(`{"amount":"250.00","memo":"<b>&\u2028</b>","n":100}`)
	q := s.question()
	q.Action, q.IdempotencyKey, q.ExpiresIn = &hydrapin.Action{Summary: "Send 250.00 EUR", Params: raw}, "step-1", 10*time.Minute
	c, err := s.runtime.Ask(ctx, q)
	must(t, err)
	digest, err := canonical.DigestOf(raw)
	must(t, err)
	if c.ID == uuid.Nil || c.Status != hydrapin.StatusPending || c.Reason != "" || c.Skill != skill || c.Role != hydrapin.RoleOwner ||
		c.Holder != hydrapin.Customer(s.customer) || c.ActionSummary != "Send 250.00 EUR" || c.ActionDigest != digest ||
		c.ExpiresAt.Sub(c.CreatedAt) != 10*time.Minute || *c.AttemptsRemaining != 5 || c.Receipt.Reveal() != "" {
		t.Fatalf("asked: %+v", c)
	}
	if again, err := s.runtime.Ask(ctx, q); err != nil || again.ID != c.ID {
		t.Errorf("asked again: %+v, %v", again, err)
	}
	other := q
	other.Skill = "mail.send"
	if _, err := s.runtime.Ask(ctx, other); !errors.Is(err, hydrapin.ErrIdempotencyConflict) {
		t.Errorf("asked something else: %v", err)
	}
	if _, err := s.runtime.Redeem(ctx, c.ID, skill, raw); !errors.Is(err, hydrapin.ErrNotApproved) {
		t.Errorf("redeemed early: %v", err)
	}
	if got, err := s.runtime.Confirmation(ctx, c.ID, time.Second); err != nil || got.Status != hydrapin.StatusPending {
		t.Errorf("waited a second: %+v, %v", got, err)
	}

	approved, err := s.runtime.Verify(ctx, c.ID, goodPIN)
	if err != nil || approved.Reason != hydrapin.ReasonPIN || approved.Receipt.Reveal() == "" || !approved.SessionExpiresAt.IsZero() {
		t.Fatalf("verified: %+v, %v", approved, err)
	}
	keys, err := receipt.KeysFromJWKS(s.jwks)
	must(t, err)
	verifier, err := receipt.NewVerifier(issuer, keys, receipt.NewMemorySeen())
	must(t, err)
	proof, err := verifier.Verify(ctx, approved.Receipt.Reveal(), receipt.Expected{
		TenantID: s.tenant, InstanceID: s.instance, HolderType: receipt.Customer, HolderID: s.customer, Skill: skill, Action: receipt.Params(raw),
	})
	if err != nil || proof.ID != c.ID {
		t.Errorf("the receipt: %+v, %v", proof, err)
	}
	if got, err := s.runtime.Wait(ctx, c.ID); err != nil || got.Receipt.Reveal() != approved.Receipt.Reveal() {
		t.Errorf("waited: %+v, %v", got, err)
	}
	if _, err := s.runtime.Verify(ctx, c.ID, goodPIN); !errors.Is(err, hydrapin.ErrNotPending) {
		t.Errorf("verified twice: %v", err)
	}
	for name, params := range map[string]any{"none": nil, "others": map[string]any{"amount": "9250.00"}} {
		if _, err := s.runtime.Redeem(ctx, c.ID, skill, params); !errors.Is(err, hydrapin.ErrParamsMismatch) {
			t.Errorf("redeemed with %s: %v", name, err)
		}
	}
	// The same params in another order are the same.
	redeemed, err := s.runtime.Redeem(ctx, c.ID, skill, map[string]any{"n": 1e2, "memo": "<b>&\u2028</b>", "amount": "250.00"})
	if err != nil || redeemed.Status != hydrapin.StatusRedeemed || redeemed.ID != c.ID {
		t.Fatalf("redeemed: %+v, %v", redeemed, err)
	}
	if _, err := s.runtime.Redeem(ctx, c.ID, skill, raw); !errors.Is(err, hydrapin.ErrAlreadyRedeemed) {
		t.Errorf("redeemed twice: %v", err)
	}
	if err := s.runtime.Decline(ctx, c.ID); !errors.Is(err, hydrapin.ErrAlreadyRedeemed) {
		t.Errorf("declined after it: %v", err)
	}
	if _, err := s.runtime.Confirmation(ctx, uuid.New(), 0); !errors.Is(err, hydrapin.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
}

func TestDeclineAndExpiry(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.require(t)
	ctx := t.Context()
	c, err := s.runtime.Ask(ctx, s.question())
	must(t, err)
	for range 2 {
		must(t, s.runtime.Decline(ctx, c.ID))
	}
	if got, err := s.runtime.Confirmation(ctx, c.ID, 0); err != nil || got.Status != hydrapin.StatusDeclined || got.Reason != hydrapin.ReasonRuntime {
		t.Errorf("declined: %+v, %v", got, err)
	}
	late, err := s.runtime.Ask(ctx, s.question())
	must(t, err)
	s.pass(6 * time.Minute)
	if _, err := s.runtime.Verify(ctx, late.ID, goodPIN); !errors.Is(err, hydrapin.ErrExpired) {
		t.Errorf("verified late: %v", err)
	}
	if got, err := s.runtime.Wait(ctx, late.ID); err != nil || got.Status != hydrapin.StatusExpired {
		t.Errorf("waited: %+v, %v", got, err)
	}
}

func TestWrongPINsAndLocks(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.require(t)
	ctx := t.Context()
	c, err := s.runtime.Ask(ctx, s.question())
	must(t, err)
	for want := 4; want >= 0; want-- {
		_, err := s.runtime.Verify(ctx, c.ID, wrongPIN)
		var wrong *hydrapin.WrongPINError
		var e *hydrapin.APIError
		if !errors.As(err, &wrong) || wrong.Remaining != want || wrong.LockedUntil.IsZero() != (want > 0) ||
			!errors.Is(err, hydrapin.ErrWrongPIN) || !errors.As(err, &e) || e.Status != 403 || e.RequestID == "" {
			t.Fatalf("%d to go: %+v", want, err)
		}
	}
	_, err = s.runtime.Verify(ctx, c.ID, goodPIN)
	var locked *hydrapin.LockedError
	var e *hydrapin.APIError
	if !errors.As(err, &locked) || time.Until(locked.Until) < 14*time.Minute || time.Until(locked.Until) > 15*time.Minute ||
		!errors.Is(err, hydrapin.ErrPINLocked) || !errors.As(err, &e) || e.Status != 423 || e.RetryAfter < 14*time.Minute {
		t.Errorf("locked: %+v", err)
	}
	if got, err := s.runtime.Ask(ctx, s.question()); err != nil || got.Status != hydrapin.StatusBlocked ||
		got.Reason != hydrapin.ReasonPINLocked || !got.LockedUntil.Equal(locked.Until) || got.ID != uuid.Nil {
		t.Errorf("asked while locked: %+v, %v", got, err)
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.require(t)
	ctx := t.Context()
	c, err := s.runtime.Ask(ctx, s.question())
	must(t, err)
	opened, err := s.runtime.Verify(ctx, c.ID, goodPIN)
	if err != nil || time.Until(opened.SessionExpiresAt) < 29*time.Minute {
		t.Fatalf("opened: %+v, %v", opened, err)
	}
	covered, err := s.runtime.Ask(ctx, s.question())
	if err != nil || covered.Status != hydrapin.StatusApproved || covered.Reason != hydrapin.ReasonSession || covered.Receipt.Reveal() == "" {
		t.Fatalf("covered: %+v, %v", covered, err)
	}
	must(t, s.runtime.EndSessions(ctx, hydrapin.Customer(s.customer)))
	must(t, s.runtime.EndSessions(ctx, hydrapin.Identity(s.identity)))
	if _, err := s.runtime.Redeem(ctx, covered.ID, skill, nil); !errors.Is(err, hydrapin.ErrNotApproved) {
		t.Errorf("redeemed after it: %v", err)
	}
	if again, err := s.runtime.Ask(ctx, s.question()); err != nil || again.Status != hydrapin.StatusPending {
		t.Errorf("asked after it: %+v, %v", again, err)
	}
}

func TestIdentityPINsOfTheRuntime(t *testing.T) {
	t.Parallel()
	s := start(t)
	ctx := t.Context()
	other := hydrapin.NewPIN("492750")
	set, err := s.runtime.SetPIN(ctx, s.identity, goodPIN)
	if err != nil || !set.HasPIN {
		t.Fatalf("set: %+v, %v", set, err)
	}
	var invalid *hydrapin.ValidationError
	if _, err := s.runtime.SetPIN(ctx, s.identity, other); !errors.As(err, &invalid) || invalid.Faults[0].Loc[1] != "current_pin" {
		t.Errorf("set again: %v", err)
	}
	var wrong *hydrapin.WrongPINError
	if _, err := s.runtime.ReplacePIN(ctx, s.identity, wrongPIN, other); !errors.As(err, &wrong) || wrong.Remaining != 4 {
		t.Errorf("replaced with a wrong one: %v", err)
	}
	if got, err := s.runtime.ReplacePIN(ctx, s.identity, goodPIN, other); err != nil || !got.CreatedAt.After(set.CreatedAt) {
		t.Errorf("replaced: %+v, %v", got, err)
	}
	if got, err := s.runtime.PIN(ctx, s.identity); err != nil || !got.HasPIN {
		t.Errorf("read: %+v, %v", got, err)
	}
	must(t, s.runtime.RemovePIN(ctx, s.identity))
	_, err = s.runtime.SetPIN(ctx, s.identity, goodPIN)
	must(t, err)
	_, err = s.admin.UpdatePolicy(ctx, s.instance, hydrapin.PolicyUpdate{RequiredSkills: []string{"*"}})
	must(t, err)
	q := s.question()
	q.Holder, q.Role = hydrapin.Identity(s.identity), hydrapin.RoleCustomer
	if got, err := s.runtime.Ask(ctx, q); err != nil || got.Reason != hydrapin.ReasonPINCoolingOff || got.Holder != q.Holder {
		t.Errorf("swapped: %+v, %v", got, err)
	}
}

func TestOneRuntimeOpensOneInstance(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, err := range map[string]error{
		"another instance": second(second2(hydrapin.NewRuntime(s.url, s.agentKey, uuid.New(), s.client())).Ask(t.Context(), s.question())),
		"a platform key":   second(second2(hydrapin.NewRuntime(s.url, s.key, s.instance, s.client())).Ask(t.Context(), s.question())),
	} {
		if !errors.Is(err, hydrapin.ErrForbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
	admin, err := hydrapin.NewAdmin(s.url, s.agentKey, s.client())
	must(t, err)
	if _, err := admin.CustomerPIN(t.Context(), s.customer); !errors.Is(err, hydrapin.ErrForbidden) {
		t.Errorf("a runtime key as admin: %v", err)
	}
}

func second2[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
