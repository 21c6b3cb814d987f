package auth_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
)

func TestMintedTokensVerify(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, hsConfig())
	for _, c := range []auth.Claims{
		{Subject: "user-1", Tenant: tenant, CustomerID: customer, Admin: true},
		{Subject: "user-1", Tenant: tenant},
	} {
		c.Issuer, c.Audience, c.IssuedAt = issuer, audience, start
		for _, ttl := range []time.Duration{time.Second, time.Hour, auth.DefaultMaxLifetime} {
			token, err := auth.MintHS256(secret, c, ttl)
			if err != nil {
				t.Fatal(err)
			}
			accept(t, v, token, auth.Principal{
				Kind: auth.KindJWT, ID: c.Subject, Tenant: c.Tenant, CustomerID: c.CustomerID, Admin: c.Admin,
			})
		}
	}
	// Without a time it is issued now.
	token, err := auth.MintHS256(secret, auth.Claims{Subject: "user-1", Tenant: tenant}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	now := newVerifier(t, auth.VerifierConfig{Secret: secret})
	accept(t, now, token, auth.Principal{Kind: auth.KindJWT, ID: "user-1", Tenant: tenant})
}

func TestMintRefuses(t *testing.T) {
	t.Parallel()
	good := auth.Claims{Subject: "user-1", Tenant: tenant}
	for name, c := range map[string]struct {
		secret auth.Secret
		claims auth.Claims
		ttl    time.Duration
	}{
		"no secret":    {auth.Secret{}, good, time.Hour},
		"short secret": {auth.NewSecret(make([]byte, 31)), good, time.Hour},
		"no lifetime":  {secret, good, 0},
		"negative":     {secret, good, -time.Hour},
		"names twice":  {secret, auth.Claims{Subject: "u", Tenant: tenant, Names: auth.ClaimNames{Tenant: must(auth.ParseClaim("is_admin"))}}, time.Hour},
		"through one":  {secret, auth.Claims{Subject: "u", Tenant: tenant, Names: auth.ClaimNames{Tenant: must(auth.ParseClaim("/sub/tenant"))}}, time.Hour},
		"no tenant":    {secret, auth.Claims{Subject: "user-1", Tenant: uuid.Nil}, time.Hour},
		"no subject":   {secret, auth.Claims{Tenant: tenant}, time.Hour},
		"long subject": {secret, auth.Claims{Subject: strings.Repeat("x", 256), Tenant: tenant}, time.Hour},
		"line end":     {secret, auth.Claims{Subject: "a\nb", Tenant: tenant}, time.Hour},
	} {
		if token, err := auth.MintHS256(c.secret, c.claims, c.ttl); token != "" || !errors.Is(err, auth.ErrInvalidClaims) {
			t.Errorf("%s: MintHS256 = %q, %v", name, token, err)
		}
	}
}
