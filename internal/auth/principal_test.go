package auth_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
)

// Every rule with every kind of caller: whoever is not named is not let in.
func TestAllows(t *testing.T) {
	t.Parallel()
	instance, other := uuid.New(), uuid.New()
	callers := map[string]auth.Principal{
		"nobody":       {},
		"user":         {Kind: auth.KindJWT, ID: "u", Tenant: tenant},
		"customer":     {Kind: auth.KindJWT, ID: "u", Tenant: tenant, CustomerID: customer},
		"admin":        {Kind: auth.KindJWT, ID: "u", Tenant: tenant, Admin: true},
		"key":          {Kind: auth.KindAPIKey, ID: "k", Tenant: tenant, Scopes: []auth.Scope{auth.ScopePinsRead}},
		"bare key":     {Kind: auth.KindAPIKey, ID: "k", Tenant: tenant},
		"every scope":  {Kind: auth.KindAPIKey, ID: "k", Tenant: tenant, Scopes: auth.Scopes(), Admin: true, Instance: instance},
		"runtime":      {Kind: auth.KindRuntimeKey, ID: "r", Tenant: tenant, Instance: instance},
		"bare runtime": {Kind: auth.KindRuntimeKey, ID: "r", Tenant: tenant, Scopes: auth.Scopes(), Admin: true},
		"other's":      {Kind: auth.KindRuntimeKey, ID: "r", Tenant: tenant, Instance: other},
		"operator":     {Kind: auth.KindOperator, ID: "o", Tenant: tenant, Admin: true, Scopes: auth.Scopes(), Instance: instance},
		"unknown":      {Kind: "unknown", Tenant: tenant, Admin: true, Scopes: auth.Scopes(), Instance: instance},
	}
	for name, c := range map[string]struct {
		rule auth.Rule
		in   []string
	}{
		"zero":        {auth.Rule{}, nil},
		"admin":       {auth.Rule{Admin: true}, []string{"admin"}},
		"user":        {auth.Rule{User: true}, []string{"user", "customer", "admin"}},
		"customer":    {auth.Rule{Customer: true}, []string{"customer"}},
		"scope":       {auth.Rule{Scope: auth.ScopePinsRead}, []string{"key", "every scope"}},
		"other scope": {auth.Rule{Scope: auth.ScopePinsWrite}, []string{"every scope"}},
		"no scope":    {auth.Rule{Scope: "none:such"}, nil},
		"runtime":     {auth.Rule{Runtime: true}, []string{"runtime"}},
		"several":     {auth.Rule{Admin: true, Scope: auth.ScopePinsRead}, []string{"admin", "key", "every scope"}},
	} {
		allowed := map[string]bool{}
		for _, who := range c.in {
			allowed[who] = true
		}
		for who, p := range callers {
			if got := c.rule.Allows(p, instance); got != allowed[who] {
				t.Errorf("rule %s, %s: Allows = %v", name, who, got)
			}
			if c.rule.Runtime && c.rule.Allows(p, uuid.Nil) {
				t.Errorf("rule %s, %s: let in where the path names no instance", name, who)
			}
		}
	}
}

func TestLive(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key  auth.APIKey
		want bool
	}{
		"for ever":       {auth.APIKey{}, true},
		"before its end": {auth.APIKey{ExpiresAt: start.Add(time.Nanosecond)}, true},
		"at its end":     {auth.APIKey{ExpiresAt: start}, false},
		"after its end":  {auth.APIKey{ExpiresAt: start.Add(-time.Hour)}, false},
		"revoked":        {auth.APIKey{RevokedAt: start.Add(-time.Hour)}, false},
		// Another node's clock may be ahead. Revoked is revoked.
		"revoked ahead": {auth.APIKey{RevokedAt: start.Add(time.Hour), ExpiresAt: start.Add(time.Hour)}, false},
	} {
		if got := c.key.Live(start); got != c.want {
			t.Errorf("%s: Live = %v", name, got)
		}
	}
}

func TestKeysPrincipal(t *testing.T) {
	t.Parallel()
	instance := uuid.New()
	k := auth.APIKey{
		ID: "id", Kind: auth.KindAPIKey, Hash: [32]byte{1}, Tenant: tenant, Instance: instance,
		Scopes: []auth.Scope{auth.ScopePinsRead}, Name: "n",
	}
	p := k.Principal()
	if p.Kind != k.Kind || p.ID != "id" || p.Tenant != tenant || p.Instance != instance || p.Admin ||
		p.CustomerID != uuid.Nil || !p.Has(auth.ScopePinsRead) || p.Has(auth.ScopePinsWrite) {
		t.Errorf("Principal() = %+v", p)
	}
	p.Scopes[0] = auth.ScopePinsWrite
	if k.Scopes[0] != auth.ScopePinsRead {
		t.Error("the principal shares the record's scopes")
	}
}
