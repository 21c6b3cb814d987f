package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/auth"
)

// names parses claim names; an empty one is the default.
func names(t *testing.T, tenantClaim, customerClaim, adminClaim, audienceClaim string) auth.ClaimNames {
	t.Helper()
	claim := func(s string) auth.Claim {
		if s == "" {
			return auth.Claim{}
		}
		return must(auth.ParseClaim(s))
	}
	n := auth.ClaimNames{Tenant: claim(tenantClaim), Customer: claim(customerClaim), Audience: claim(audienceClaim)}
	if adminClaim != "" {
		n.Admin = must(auth.ParseAdminClaim(adminClaim))
	}
	return n
}

func namedVerifier(t *testing.T, n auth.ClaimNames) *auth.Verifier {
	t.Helper()
	c := hsConfig()
	c.Claims = n
	return newVerifier(t, c)
}

func hsToken(claims string) string { return compact(hsHeader, claims, hs256(secret.Reveal())) }

func TestClaimsUnderOtherNames(t *testing.T) {
	t.Parallel()
	const url = "https://acme.example/tenant_id"
	plain := with(goodClaims(start), obj{"tenant_id": absent, "customer_id": absent, "is_admin": absent})
	add := func(members string) string { return strings.TrimSuffix(plain, "}") + "," + members + "}" }
	id, customerID := `"`+tenant.String()+`"`, `"`+customer.String()+`"`
	user, admin := goodPrincipal, goodPrincipal
	user.Admin = false
	user.CustomerID, admin.CustomerID = [16]byte{}, [16]byte{}
	whole := goodPrincipal
	for name, c := range map[string]struct {
		tenant, customer, admin string
		claims                  string
		want                    *auth.Principal // nil: refused
	}{
		"URL":                       {url, "", "", add(`"` + url + `":` + id), &user},
		"URL, default name ignored": {url, "", "", add(`"tenant_id":` + id), nil},
		"pointer":                   {"/org/ids/1", "", "", add(`"org":{"ids":["x",` + id + `]}`), &user},
		"pointer, escapes":          {"/a~1b/c~0d", "", "", add(`"a/b":{"c~d":` + id + `}`), &user},
		"pointer, leading zero":     {"/ids/01", "", "", add(`"ids":["x",` + id + `]`), nil},
		"pointer past the end":      {"/ids/2", "", "", add(`"ids":["x",` + id + `]`), nil},
		"pointer, negative":         {"/ids/-1", "", "", add(`"ids":[` + id + `]`), nil},
		"pointer through a string":  {"/org/id", "", "", add(`"org":"x"`), nil},
		"pointer into null":         {"/org/id", "", "", add(`"org":null`), nil},
		"name with a slash inside":  {"org/id", "", "", add(`"org/id":` + id), &user},
		"name that looks nested":    {"org.id", "", "", add(`"org":{"id":` + id + `}`), nil},
		"other case":                {"Tenant", "", "", add(`"tenant":` + id), nil},
		"deep duplicate":            {"/org/id", "", "", add(`"org":{"id":` + id + `,"id":` + id + `}`), nil},
		"tenant an array":           {"/org", "", "", add(`"org":[` + id + `]`), nil},
		"all three": {
			"/t", "/c/id", "roles=pin-admin", add(`"t":` + id + `,"c":{"id":` + customerID + `},"roles":["x","pin-admin"]`), &whole,
		},
		"customer null":  {"", "/c", "", add(`"tenant_id":` + id + `,"c":null`), &user},
		"customer wrong": {"", "/c", "", add(`"tenant_id":` + id + `,"c":"marker"`), nil},

		"admin true":            {"", "", "/realm/admin", add(`"tenant_id":` + id + `,"realm":{"admin":true}`), &admin},
		"admin by another name": {"", "", "/realm/admin", add(`"tenant_id":` + id + `,"is_admin":true`), &user},
		"admin not a boolean":   {"", "", "/realm/admin", add(`"tenant_id":` + id + `,"realm":{"admin":"true"}`), nil},
		"role":                  {"", "", "role=pin-admin", add(`"tenant_id":` + id + `,"role":"pin-admin"`), &admin},
		"role in an array":      {"", "", "/realm_access/roles=pin-admin", add(`"tenant_id":` + id + `,"realm_access":{"roles":["a","pin-admin",7,null]}`), &admin},
		"role not held":         {"", "", "/realm_access/roles=pin-admin", add(`"tenant_id":` + id + `,"realm_access":{"roles":["a","pin-admins"]}`), &user},
		"role absent":           {"", "", "role=pin-admin", add(`"tenant_id":` + id), &user},
		"role in other case":    {"", "", "role=pin-admin", add(`"tenant_id":` + id + `,"role":"Pin-Admin"`), &user},
		"role with space":       {"", "", "role=pin-admin", add(`"tenant_id":` + id + `,"role":"pin-admin "`), &user},
		"roles in one string":   {"", "", "role=pin-admin", add(`"tenant_id":` + id + `,"role":"a pin-admin"`), &user},
		"role true":             {"", "", "role=true", add(`"tenant_id":` + id + `,"role":true`), &user},
		"role a number":         {"", "", "role=1", add(`"tenant_id":` + id + `,"role":[1]`), &user},
		"role nested":           {"", "", "role=a", add(`"tenant_id":` + id + `,"role":[["a"]]`), &user},
		"role an object":        {"", "", "role=a", add(`"tenant_id":` + id + `,"role":{"a":"a"}`), &user},
		"value with =":          {"", "", "role=a=b", add(`"tenant_id":` + id + `,"role":"a=b"`), &admin},
		"true does not count":   {"", "", "is_admin=yes", add(`"tenant_id":` + id + `,"is_admin":true`), &user},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := namedVerifier(t, names(t, c.tenant, c.customer, c.admin, ""))
			if c.want == nil {
				refuse(t, v, hsToken(c.claims))
			} else {
				accept(t, v, hsToken(c.claims), *c.want)
			}
		})
	}
}

// Another claim can stand for aud, but a token that has aud must match there too.
func TestAudienceClaim(t *testing.T) {
	t.Parallel()
	v := namedVerifier(t, names(t, "", "", "", "client_id"))
	for name, c := range map[string]struct {
		change obj
		ok     bool
	}{
		"client_id alone":      {obj{"aud": absent, "client_id": audience}, true},
		"aud null":             {obj{"aud": nil, "client_id": audience}, true},
		"both":                 {obj{"client_id": audience}, true},
		"aud of another":       {obj{"aud": "marker", "client_id": audience}, false},
		"aud empty":            {obj{"aud": []any{}, "client_id": audience}, false},
		"aud alone":            {nil, false},
		"client_id of another": {obj{"aud": absent, "client_id": "marker"}, false},
		"client_id a number":   {obj{"aud": absent, "client_id": 1}, false},
		"client_id an array":   {obj{"aud": absent, "client_id": []any{"x", audience}}, true},
		"neither":              {obj{"aud": absent}, false},
	} {
		if token := hsToken(with(goodClaims(start), c.change)); c.ok {
			t.Log(name)
			accept(t, v, token, goodPrincipal)
		} else {
			t.Log(name)
			refuse(t, v, token)
		}
	}
}

func TestMaxLifetime(t *testing.T) {
	t.Parallel()
	c := hsConfig()
	c.MaxLifetime = 48 * time.Hour
	v := newVerifier(t, c)
	accept(t, v, hsToken(with(goodClaims(start), obj{"exp": start.Add(48*time.Hour + 30*time.Second).Unix()})), goodPrincipal)
	refuse(t, v, hsToken(with(goodClaims(start), obj{"exp": start.Add(48*time.Hour + 31*time.Second).Unix()})))
}

// The reason is for the log, so it says which claim, by its configured name, and
// which limit.
func TestReasons(t *testing.T) {
	t.Parallel()
	v := namedVerifier(t, names(t, "/org/id", "c", "role", "client_id"))
	for _, c := range []struct {
		change obj
		says   string
	}{
		{obj{"client_id": audience, "exp": start.Add(25 * time.Hour).Unix()}, "exp is more than 24h0m0s ahead"},
		{obj{"client_id": audience}, "/org/id is absent"},
		{obj{"client_id": audience, "org": obj{"id": "marker"}}, "/org/id is not a UUID"},
		{obj{"client_id": audience, "org": obj{"id": 1}}, "/org/id is not a string"},
		{obj{"client_id": audience, "role": "marker"}, "role is not true or false"},
		{obj{}, "client_id does not hold the configured audience"},
		{obj{"sub": 1}, "sub has the wrong type"},
	} {
		_, err := v.Verify(context.Background(), hsToken(with(goodClaims(start), c.change)))
		if !errors.Is(err, auth.ErrInvalidToken) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "marker") {
			t.Errorf("Verify = %v, want %q", err, c.says)
		}
	}
}

func TestClaimNamesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "/", "/a/", "//a", "/a~", "/a~2b", "/~"} {
		if _, err := auth.ParseClaim(s); !errors.Is(err, auth.ErrClaimName) {
			t.Errorf("ParseClaim(%q) = %v", s, err)
		}
		if _, err := auth.ParseAdminClaim(s + "=x"); !errors.Is(err, auth.ErrClaimName) {
			t.Errorf("ParseAdminClaim(%q) = %v", s+"=x", err)
		}
	}
	if _, err := auth.ParseAdminClaim("role="); !errors.Is(err, auth.ErrClaimName) {
		t.Errorf("ParseAdminClaim of no value = %v", err)
	}
	for _, s := range []string{"a", "/a/b=c=d", "https://acme.example/x"} {
		if c := must(auth.ParseAdminClaim(s)); c.String() != s {
			t.Errorf("%q prints as %q", s, c)
		}
	}
}

// What MintHS256 signs under other names, a verifier with the same names accepts.
func TestMintedUnderOtherNames(t *testing.T) {
	t.Parallel()
	n := names(t, "/org/tenant", "/org/customer", "/realm/roles=pin-admin", "client_id")
	v := namedVerifier(t, n)
	for _, admin := range []bool{true, false} {
		claims := auth.Claims{
			Subject: "user-1", Tenant: tenant, CustomerID: customer, Admin: admin,
			Issuer: issuer, Audience: audience, IssuedAt: start, Names: n,
		}
		want := goodPrincipal
		want.Admin = admin
		accept(t, v, must(auth.MintHS256(secret, claims, time.Hour)), want)
	}
}
