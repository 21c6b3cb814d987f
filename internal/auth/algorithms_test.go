package auth_test

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/auth"
)

// fileVerifier accepts tokens of the keys of a set in a file.
func fileVerifier(t *testing.T, set string) *auth.Verifier {
	t.Helper()
	return newVerifier(t, auth.VerifierConfig{JWKS: writeFile(t, set), Issuer: issuer, Audience: audience, Now: at(start)})
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func threeKeys() string {
	return jwks(
		rsaJWK(&rsaKey().PublicKey, obj{"kid": "rsa", "alg": "RS256", "use": "sig"}),
		ecJWK(&ecKey().PublicKey, obj{"kid": "ec", "use": "sig", "key_ops": []any{"verify"}}),
		edJWK(edKey(), obj{"kid": "ed", "alg": "EdDSA"}),
	)
}

func TestAsymmetric(t *testing.T) {
	t.Parallel()
	v := fileVerifier(t, threeKeys())
	claims := with(goodClaims(start), nil)
	for _, c := range []struct {
		header string
		sign   signer
		ok     bool
	}{
		{`{"alg":"RS256","kid":"rsa"}`, rs256(rsaKey()), true},
		{`{"alg":"ES256","kid":"ec","typ":"at+jwt"}`, es256(ecKey()), true},
		{`{"alg":"EdDSA","kid":"ed"}`, eddsa(edKey()), true},
		{`{"alg":"RS256"}`, rs256(rsaKey()), true},
		{`{"alg":"EdDSA","kid":null}`, eddsa(edKey()), true},

		{`{"alg":"RS256","kid":"ec"}`, rs256(rsaKey()), false},
		{`{"alg":"ES256","kid":"ed"}`, es256(ecKey()), false},
		{`{"alg":"EdDSA","kid":"rsa"}`, eddsa(edKey()), false},
		{`{"alg":"RS256","kid":"RSA"}`, rs256(rsaKey()), false},
		{`{"alg":"RS256","kid":""}`, rs256(rsaKey()), false},
		{`{"alg":"EdDSA","kid":"../../dev/null"}`, eddsa(edKey()), false},
		{`{"alg":"PS256","kid":"rsa"}`, ps256(rsaKey()), false},
		{`{"alg":"RS256","kid":"rsa"}`, ps256(rsaKey()), false},
		{`{"alg":"RS512","kid":"rsa"}`, rs256(rsaKey()), false},
		{`{"alg":"ES384","kid":"ec"}`, es256(ec384Key()), false},
		{`{"alg":"ES256","kid":"ec"}`, es256(ec384Key()), false},
		{`{"alg":"Ed25519","kid":"ed"}`, eddsa(edKey()), false},
		{`{"alg":"EdDSA","kid":"ed"}`, eddsa(otherEdKey()), false},
		{`{"alg":"none","kid":"ed"}`, func(string) []byte { return nil }, false},
		{`{"alg":"None","kid":"rsa"}`, func(string) []byte { return nil }, false},
		{`{"alg":"ES256","kid":"ec"}`, func(string) []byte { return make([]byte, 64) }, false}, // r = s = 0
		{`{"alg":"ES256","kid":"ec"}`, func(string) []byte { return nil }, false},
		{`{"alg":"EdDSA","kid":"ed"}`, func(string) []byte { return make([]byte, 64) }, false},
		{`{"alg":"RS256","kid":"rsa"}`, func(string) []byte { return make([]byte, 256) }, false},
	} {
		token := compact(c.header, claims, c.sign)
		t.Run(c.header, func(t *testing.T) {
			t.Parallel()
			if c.ok {
				accept(t, v, token, goodPrincipal)
			} else {
				refuse(t, v, token)
			}
		})
	}
}

// A public key is known to everybody: taken as an HMAC secret it signs anything.
func TestAlgorithmConfusion(t *testing.T) {
	t.Parallel()
	set := threeKeys()
	v := fileVerifier(t, set)
	claims := with(goodClaims(start), nil)
	for name, pub := range map[string]any{
		"RSA": &rsaKey().PublicKey, "EC": &ecKey().PublicKey, "Ed25519": edKey().Public(),
	} {
		der := must(x509.MarshalPKIXPublicKey(pub))
		secrets := map[string][]byte{
			"DER":          der,
			"PEM":          pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
			"PEM, trimmed": []byte(strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))),
			"the JWKS":     []byte(set),
			"nothing":      nil,
		}
		if name == "RSA" {
			pkcs1 := x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)
			secrets["PKCS1 DER"] = pkcs1
			secrets["PKCS1 PEM"] = pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1})
		}
		kid := map[string]string{"RSA": "rsa", "EC": "ec", "Ed25519": "ed"}[name]
		for form, s := range secrets {
			for _, alg := range []string{"HS256", "RS256", "ES256", "EdDSA"} {
				token := compact(`{"alg":"`+alg+`","kid":"`+kid+`"}`, claims, hs256(s))
				t.Run(name+" "+form+" "+alg, func(t *testing.T) {
					t.Parallel()
					refuse(t, v, token)
				})
			}
		}
	}
	// And the other way round: what a key pair signed is nothing to a secret.
	hs := newVerifier(t, hsConfig())
	refuse(t, hs, compact(`{"alg":"RS256","kid":"rsa"}`, claims, rs256(rsaKey())))
	refuse(t, hs, compact(`{"alg":"HS256","kid":"rsa"}`, claims, rs256(rsaKey())))
}
