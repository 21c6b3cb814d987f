package hydrapintest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

func TestCustomerPINs(t *testing.T) {
	t.Parallel()
	s := start(t)
	ctx := t.Context()
	status, err := s.admin.CustomerPIN(ctx, s.customer)
	if err != nil || status != (hydrapin.PINStatus{}) {
		t.Fatalf("never seen: %+v, %v", status, err)
	}
	status, err = s.admin.SetCustomerPIN(ctx, s.customer, goodPIN)
	if err != nil || !status.HasPIN || !status.Active || status.Locked || time.Since(status.CreatedAt).Abs() > time.Minute {
		t.Fatalf("set: %+v, %v", status, err)
	}
	again, err := s.admin.CustomerPIN(ctx, s.customer)
	if err != nil || again != status {
		t.Fatalf("read: %+v, %v", again, err)
	}
	if again, err = s.admin.UnlockCustomerPIN(ctx, s.customer); err != nil || again != status {
		t.Fatalf("unlock: %+v, %v", again, err)
	}
	for range 2 {
		must(t, s.admin.RemoveCustomerPIN(ctx, s.customer))
	}
	if again, err = s.admin.CustomerPIN(ctx, s.customer); err != nil || again.HasPIN {
		t.Fatalf("removed: %+v, %v", again, err)
	}
}

func TestIdentityPINsOfTheAdmin(t *testing.T) {
	t.Parallel()
	s := start(t)
	ctx := t.Context()
	set, err := s.runtime.SetPIN(ctx, s.identity, goodPIN)
	must(t, err)
	if got, err := s.admin.IdentityPIN(ctx, s.instance, s.identity); err != nil || got != set || !got.HasPIN {
		t.Errorf("read: %+v, %v", got, err)
	}
	if got, err := s.admin.UnlockIdentityPIN(ctx, s.instance, s.identity); err != nil || got != set {
		t.Errorf("unlock: %+v, %v", got, err)
	}
	must(t, s.admin.RemoveIdentityPIN(ctx, s.instance, s.identity))
	if got, err := s.admin.IdentityPIN(ctx, s.instance, s.identity); err != nil || got.HasPIN {
		t.Errorf("removed: %+v, %v", got, err)
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	s := start(t)
	ctx := t.Context()
	p, err := s.admin.Policy(ctx, s.instance)
	if err != nil || p.Instance != s.instance || p.AppliesTo != hydrapin.AppliesToAll || len(p.RequiredSkills) != 0 ||
		p.SessionTTL != 30*time.Minute || p.ETag != `"0"` {
		t.Fatalf("defaults: %+v, %v", p, err)
	}
	first, err := s.admin.UpdatePolicy(ctx, s.instance, hydrapin.PolicyUpdate{
		AppliesTo: hydrapin.AppliesToOwner, RequiredSkills: []string{skill, "mail.send"},
		SessionTTL: new(15 * time.Minute), IfMatch: p.ETag,
	})
	if err != nil || first.AppliesTo != hydrapin.AppliesToOwner || !slices.Equal(first.RequiredSkills, []string{skill, "mail.send"}) ||
		first.SessionTTL != 15*time.Minute || first.ETag == p.ETag {
		t.Fatalf("first: %+v, %v", first, err)
	}
	var e *hydrapin.APIError
	_, err = s.admin.UpdatePolicy(ctx, s.instance, hydrapin.PolicyUpdate{SessionTTL: new(time.Hour), IfMatch: p.ETag})
	if !errors.Is(err, hydrapin.ErrPreconditionFailed) || !errors.As(err, &e) || e.Status != 412 || e.RequestID == "" {
		t.Errorf("overwritten: %v", err)
	}
	same, err := s.admin.UpdatePolicy(ctx, s.instance, hydrapin.PolicyUpdate{})
	if err != nil || same.ETag != first.ETag || !slices.Equal(same.RequiredSkills, first.RequiredSkills) {
		t.Errorf("nothing: %+v, %v", same, err)
	}
	empty, err := s.admin.UpdatePolicy(ctx, s.instance, hydrapin.PolicyUpdate{RequiredSkills: []string{}, SessionTTL: new(time.Duration(0))})
	if err != nil || len(empty.RequiredSkills) != 0 || empty.SessionTTL != 0 || empty.AppliesTo != hydrapin.AppliesToOwner {
		t.Errorf("emptied: %+v, %v", empty, err)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	s := start(t)
	ctx := t.Context()
	must2 := func(a *hydrapin.Admin, err error) *hydrapin.Admin {
		must(t, err)
		return a
	}
	admin := must2(hydrapin.NewAdmin(s.url, s.token(t, func(c *auth.Claims) { c.Admin = true }), s.client()))
	if _, err := admin.SetCustomerPIN(ctx, s.customer, goodPIN); err != nil {
		t.Error(err)
	}
	me := must2(hydrapin.NewAdmin(s.url, s.token(t, func(c *auth.Claims) { c.CustomerID = s.customer }), s.client()))
	if got, err := me.MyPIN(ctx); err != nil || !got.HasPIN {
		t.Errorf("my PIN: %+v, %v", got, err)
	}
	if _, err := me.Policy(ctx, s.instance); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"a customer sets a PIN": second(me.SetCustomerPIN(ctx, s.customer, goodPIN)),
		"an admin is nobody":    second(admin.MyPIN(ctx)),
		"a key is nobody":       second(s.admin.MyPIN(ctx)),
	} {
		var e *hydrapin.APIError
		if !errors.Is(err, hydrapin.ErrForbidden) || !errors.As(err, &e) || e.Status != 403 || e.RequestID == "" || e.Detail == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	stranger := must2(hydrapin.NewAdmin(s.url, hydrapin.NewKey("hc_live_nobody_nothing"), s.client()))
	if _, err := stranger.Policy(ctx, s.instance); !errors.Is(err, hydrapin.ErrUnauthorized) {
		t.Errorf("a stranger: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestEveryFaultOfARequestIsTold(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, err := s.admin.UpdatePolicy(t.Context(), s.instance, hydrapin.PolicyUpdate{
		AppliesTo: "nobody", RequiredSkills: []string{"fine", "not * fine"}, SessionTTL: new(48 * time.Hour),
	})
	var invalid *hydrapin.ValidationError
	var e *hydrapin.APIError
	if !errors.As(err, &invalid) || !errors.As(err, &e) || !errors.Is(err, hydrapin.ErrInvalid) {
		t.Fatalf("%v", err)
	}
	if e.Status != 422 || e.Operation != "updatePinPolicy" || e.RequestID == "" || len(invalid.Faults) != 3 {
		t.Errorf("%+v", invalid)
	}
	var told []string
	for _, f := range invalid.Faults {
		told = append(told, f.String())
	}
	if all := strings.Join(told, "\n"); !strings.Contains(all, "body.pin_required_skills.1: ") || !strings.Contains(all, "(literal_error)") || !strings.Contains(err.Error(), told[0]) {
		t.Errorf("%s", all)
	}
	at := slices.IndexFunc(invalid.Faults, func(f hydrapin.Fault) bool { return len(f.Loc) == 3 })
	if at < 0 || invalid.Faults[at].Loc[1] != "pin_required_skills" || invalid.Faults[at].Loc[2] != 1 {
		t.Errorf("%+v", invalid.Faults)
	}

	_, err = s.admin.SetCustomerPIN(t.Context(), uuid.New(), hydrapin.NewPIN("1111"))
	if !errors.As(err, &invalid) || invalid.Faults[0].Type != "pin_too_weak" || strings.Contains(err.Error(), "1111") {
		t.Errorf("a weak PIN: %v", err)
	}
}
