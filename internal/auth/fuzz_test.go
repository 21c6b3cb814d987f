package auth_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
)

// FuzzVerifyToken throws whole tokens at the parser. What it takes must carry a
// right signature by the JWT library's own reading.
func FuzzVerifyToken(f *testing.F) {
	v := newVerifier(f, hsConfig())
	sign := hs256(secret.Reveal())
	good := compact(hsHeader, with(goodClaims(start), nil), sign)
	f.Add(good)
	f.Add(good + "=")
	f.Add(compact(`{"alg":"none"}`, with(goodClaims(start), nil), func(string) []byte { return nil }))
	f.Fuzz(func(t *testing.T, token string) {
		p, err := v.Verify(t.Context(), token)
		if err != nil {
			if !errors.Is(err, auth.ErrInvalidToken) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		if len(token) > auth.MaxTokenBytes || p.Kind != auth.KindJWT {
			t.Fatalf("taken: %+v of %d bytes", p, len(token))
		}
		checkWithLibrary(t, token, p)
	})
}

// FuzzVerifyClaims signs whatever header and claims it is given, and so gets to
// the rules behind the signature.
func FuzzVerifyClaims(f *testing.F) {
	v := newVerifier(f, hsConfig())
	sign := hs256(secret.Reveal())
	f.Add(hsHeader, with(goodClaims(start), nil))
	f.Add(`{"alg":"HS256","crit":["b64"]}`, with(goodClaims(start), obj{"is_admin": "true"}))
	f.Add(hsHeader, with(goodClaims(start), obj{"aud": []any{audience, "other"}, "customer_id": nil}))
	f.Fuzz(func(t *testing.T, header, claims string) {
		token := compact(header, claims, sign)
		p, err := v.Verify(t.Context(), token)
		if err != nil {
			if !errors.Is(err, auth.ErrInvalidToken) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		for _, name := range []string{"crit", "jku", "x5u", "jwk"} {
			var h map[string]any
			if err := json.Unmarshal([]byte(header), &h); err != nil {
				t.Fatalf("taken with a header that is no JSON: %v", err)
			}
			if _, there := h[name]; there {
				t.Fatalf("taken with %s", name)
			}
		}
		checkWithLibrary(t, token, p)
	})
}

// checkWithLibrary reads a token that was taken a second time, by another parser.
func checkWithLibrary(t *testing.T, token string, p auth.Principal) {
	t.Helper()
	c := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, c, func(*jwt.Token) (any, error) { return secret.Reveal(), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithStrictDecoding(), jwt.WithExpirationRequired(),
		jwt.WithLeeway(auth.Leeway), jwt.WithTimeFunc(at(start)), jwt.WithIssuer(issuer), jwt.WithAudience(audience))
	if err != nil {
		t.Fatalf("taken, and the library refuses it: %v", err)
	}
	customerID, _ := c["customer_id"].(string)
	admin, _ := c["is_admin"].(bool)
	tenantID, _ := c["tenant_id"].(string)
	if c["sub"] != p.ID || !strings.EqualFold(tenantID, p.Tenant.String()) || admin != p.Admin ||
		!strings.EqualFold(customerID, p.CustomerID.String()) && (c["customer_id"] != nil || p.CustomerID != [16]byte{}) {
		t.Fatalf("read %+v from %v", p, c)
	}
}

// FuzzKeySet reads what a JWKS server may answer.
func FuzzKeySet(f *testing.F) {
	f.Add(jwks(edJWK(edKey(), obj{"kid": "a"})))
	f.Add(threeKeys())
	f.Add(`{"keys":[{"kty":"oct","k":"AAAA"}]}`)
	f.Add(`{"keys":[null,1,{}]}`)
	f.Fuzz(func(t *testing.T, set string) {
		cfg := auth.VerifierConfig{JWKS: writeFile(t, set), Issuer: issuer, Audience: audience, Now: at(start)}
		v, err := auth.NewVerifier(cfg)
		if err != nil {
			if !errors.Is(err, auth.ErrInvalidConfig) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		v.Close()
		// Whatever the set holds, a symmetric signature opens nothing.
		refuse(t, v, compact(`{"alg":"HS256"}`, with(goodClaims(start), nil), hs256([]byte("k"))))
	})
}

// Whatever an issuer calls its claims and writes into them, reading them does not
// panic, and a token that names no tenant opens nothing.
func FuzzClaimNames(f *testing.F) {
	f.Add("tenant_id", "/realm_access/roles=pin-admin", `{"realm_access":{"roles":["pin-admin"]}}`)
	f.Add("/a/0/b~1c", "x=", `{"a":[{"b/c":"`+tenant.String()+`"}]}`)
	f.Add("/", "=", `[]`)
	f.Fuzz(func(t *testing.T, tenantClaim, adminClaim, claims string) {
		var n auth.ClaimNames
		var err error
		if n.Tenant, err = auth.ParseClaim(tenantClaim); err != nil {
			return
		}
		if n.Admin, err = auth.ParseAdminClaim(adminClaim); err != nil {
			return
		}
		if n.Tenant.String() != tenantClaim || n.Admin.String() != adminClaim {
			t.Errorf("%q and %q print as %q and %q", tenantClaim, adminClaim, n.Tenant, n.Admin)
		}
		v, err := auth.NewVerifier(auth.VerifierConfig{Secret: secret, Claims: n, Now: at(start)})
		if err != nil {
			t.Fatal(err)
		}
		p, err := v.Verify(t.Context(), compact(hsHeader, claims, hs256(secret.Reveal())))
		if err == nil && p.Tenant == uuid.Nil {
			t.Errorf("no tenant, and accepted: %q", claims)
		}
	})
}
