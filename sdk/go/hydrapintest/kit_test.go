package hydrapintest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
	"github.com/hydracore/hydrapin/sdk/go/hydrapintest"
)

// The kit as its users write with it.
func TestKit(t *testing.T) {
	t.Parallel()
	srv := hydrapintest.Start(t)
	srv.Require(skill)
	srv.Require("mail.send")
	ada := srv.Person("804615")
	person := srv.Runtime.For(ada.Holder(), hydrapin.RoleOwner)
	var r ran
	person.OnPending = ada.Decline
	if no := r.wantNo(t, person.Guard(t.Context(), skill, transfer, r.fn)); no.Reason != hydrapin.BecauseDeclined {
		t.Errorf("%v", no)
	}
	person.OnPending = func(ctx context.Context, c hydrapin.Confirmation) error { return ada.Enter(ctx, c, "111222") }
	if no := r.wantNo(t, person.Guard(t.Context(), skill, transfer, r.fn)); no.Reason != hydrapin.BecauseIncorrectPIN {
		t.Errorf("%v", no)
	}
	person.OnPending = func(context.Context, hydrapin.Confirmation) error {
		srv.Advance(6 * time.Minute)
		return nil
	}
	person.Wait = 3 * time.Second
	if no := r.wantNo(t, person.Guard(t.Context(), skill, transfer, r.fn)); no.Reason != hydrapin.BecauseExpired && no.Reason != hydrapin.BecauseStillPending {
		t.Errorf("%v", no)
	}
	person.Wait, person.OnPending = 0, ada.Confirm
	for _, s := range []string{skill, "mail.send"} {
		must(t, person.Guard(t.Context(), s, transfer, r.fn))
	}
	if r.count != 2 || ada.ID() == uuid.Nil {
		t.Errorf("ran %d times", r.count)
	}
}

// What a runtime finds again, over several pages.
func TestConfirmationsOfAnInstance(t *testing.T) {
	t.Parallel()
	srv := hydrapintest.Start(t)
	srv.Require(skill)
	ada, ben := srv.Person("804615"), srv.Person("492750")
	want := map[uuid.UUID]bool{}
	for i := range 45 {
		for _, p := range []*hydrapintest.Person{ada, ben} {
			c, err := srv.Runtime.Ask(t.Context(), hydrapin.Question{Holder: p.Holder(), Role: hydrapin.RoleOwner, Skill: skill})
			must(t, err)
			if p == ada && i < 30 {
				must(t, srv.Runtime.Decline(t.Context(), c.ID))
				continue
			}
			want[c.ID] = true
		}
	}
	got := 0
	for c, err := range srv.Runtime.Confirmations(t.Context(), hydrapin.Open{}) {
		must(t, err)
		if !want[c.ID] {
			t.Errorf("%+v", c)
		}
		got++
	}
	ofAda := 0
	for c, err := range srv.Runtime.Confirmations(t.Context(), hydrapin.Open{Status: hydrapin.StatusPending, Holder: ada.Holder()}) {
		must(t, err)
		if c.Holder != ada.Holder() {
			t.Errorf("%+v", c)
		}
		ofAda++
	}
	if got != len(want) || ofAda != 15 {
		t.Errorf("%d and %d, want %d and 15", got, ofAda, len(want))
	}
}

func TestFreezesAndDecisions(t *testing.T) {
	t.Parallel()
	srv := hydrapintest.Start(t)
	srv.Require(skill)
	ctx := t.Context()
	if d, err := srv.Runtime.Decision(ctx, "mail.send", hydrapin.RoleOwner); err != nil || d.Required || d.Reason != hydrapin.ReasonSkillNotListed {
		t.Errorf("%+v, %v", d, err)
	}
	f, err := srv.Admin.FreezeTenant(ctx, "a stolen key")
	if err != nil || !f.Frozen || f.Reason != "a stolen key" || f.Since.IsZero() {
		t.Errorf("%+v, %v", f, err)
	}
	if d, err := srv.Runtime.Decision(ctx, "mail.send", hydrapin.RoleOwner); err != nil || !d.Required || d.Reason != hydrapin.ReasonFrozen {
		t.Errorf("%+v, %v", d, err)
	}
	must(t, srv.Admin.LiftTenantFreeze(ctx))
	if _, err := srv.Admin.FreezeInstance(ctx, srv.Instance, ""); err != nil {
		t.Error(err)
	}
	var r ran
	no := r.wantNo(t, srv.Runtime.For(srv.Person("804615").Holder(), hydrapin.RoleOwner).Guard(ctx, "mail.send", nil, r.fn))
	if no.Reason != hydrapin.BecauseBlocked || no.Detail != hydrapin.ReasonFrozen {
		t.Errorf("%v", no)
	}
	must(t, srv.Admin.LiftInstanceFreeze(ctx, srv.Instance))
	if f, err := srv.Admin.InstanceFreeze(ctx, srv.Instance); err != nil || f.Frozen {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err := srv.Admin.TenantFreeze(ctx); err != nil || f.Frozen {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := srv.Runtime.ReportOutcome(ctx, uuid.New(), hydrapin.OutcomeExecuted, ""); !errors.Is(err, hydrapin.ErrNotFound) {
		t.Errorf("%v", err)
	}
}
