package auth_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/auth"
)

func TestWhichKeysAreUsed(t *testing.T) {
	t.Parallel()
	pub := &rsaKey().PublicKey
	edSigned := func(header string) string { return compact(header, with(goodClaims(start), nil), eddsa(edKey())) }
	rsaSigned := func(k signer) string { return compact(`{"alg":"RS256","kid":"k"}`, with(goodClaims(start), nil), k) }
	ecSigned := compact(`{"alg":"ES256","kid":"k"}`, with(goodClaims(start), nil), es256(ecKey()))
	small := smallRSA()
	other := edJWK(otherEdKey(), obj{"kid": "other"})
	ed := edSigned(`{"alg":"EdDSA","kid":"k"}`)
	for name, c := range map[string]struct {
		key   obj
		token string
		ok    bool
	}{
		"Ed25519":                  {edJWK(edKey(), obj{"kid": "k"}), ed, true},
		"unknown members":          {edJWK(edKey(), obj{"kid": "k", "x5c": []any{"no certificate"}, "x5u": "http://127.0.0.1:1/", "iat": 1}), ed, true},
		"alg of another":           {edJWK(edKey(), obj{"kid": "k", "alg": "ES256"}), ed, false},
		"alg HS256":                {edJWK(edKey(), obj{"kid": "k", "alg": "HS256"}), ed, false},
		"alg none":                 {edJWK(edKey(), obj{"kid": "k", "alg": "none"}), ed, false},
		"use enc":                  {edJWK(edKey(), obj{"kid": "k", "use": "enc"}), ed, false},
		"use empty":                {edJWK(edKey(), obj{"kid": "k", "use": ""}), ed, false},
		"key_ops sign and verify":  {edJWK(edKey(), obj{"kid": "k", "key_ops": []any{"sign", "verify"}}), ed, true},
		"key_ops without verify":   {edJWK(edKey(), obj{"kid": "k", "key_ops": []any{"sign"}}), ed, false},
		"key_ops empty":            {edJWK(edKey(), obj{"kid": "k", "key_ops": []any{}}), ed, false},
		"key_ops no list":          {edJWK(edKey(), obj{"kid": "k", "key_ops": "verify"}), ed, false},
		"private":                  {edJWK(edKey(), obj{"kid": "k", "d": b64(edKey().Seed())}), ed, false},
		"kid a number":             {edJWK(edKey(), obj{"kid": 1}), ed, false},
		"short point":              {edJWK(edKey(), obj{"kid": "k", "x": "AAAA"}), ed, false},
		"X25519":                   {edJWK(edKey(), obj{"kid": "k", "crv": "X25519"}), ed, false},
		"no kid, kid asked":        {edJWK(edKey(), nil), ed, true},
		"no kid, of another":       {edJWK(edKey(), nil), compact(`{"alg":"EdDSA","kid":"k"}`, with(goodClaims(start), nil), eddsa(newEdKey())), false},
		"no kid, kid of another":   {edJWK(edKey(), nil), edSigned(`{"alg":"EdDSA","kid":"other"}`), false},
		"no kid, two keys":         {edJWK(edKey(), nil), edSigned(`{"alg":"EdDSA"}`), false},
		"RSA":                      {rsaJWK(pub, obj{"kid": "k"}), rsaSigned(rs256(rsaKey())), true},
		"RSA, RS256 key":           {rsaJWK(pub, obj{"kid": "k", "alg": "RS256"}), rsaSigned(rs256(rsaKey())), true},
		"RSA, PS256 key":           {rsaJWK(pub, obj{"kid": "k", "alg": "PS256"}), rsaSigned(rs256(rsaKey())), false},
		"RSA, RS512 key":           {rsaJWK(pub, obj{"kid": "k", "alg": "RS512"}), rsaSigned(rs256(rsaKey())), false},
		"RSA of 1024 bits":         {rsaJWK(&small.PublicKey, obj{"kid": "k"}), rsaSigned(rs256(small)), false},
		"RSA of 16384 bits":        {rsaJWK(pub, obj{"kid": "k", "n": b64([]byte(strings.Repeat("\xff", 2048)))}), rsaSigned(rs256(rsaKey())), false},
		"RSA, exponent 1":          {rsaJWK(pub, obj{"kid": "k", "e": "AQ"}), rsaSigned(rs256(rsaKey())), false},
		"RSA, exponent 2":          {rsaJWK(pub, obj{"kid": "k", "e": "Ag"}), rsaSigned(rs256(rsaKey())), false},
		"RSA, exponent overflowed": {rsaJWK(pub, obj{"kid": "k", "e": b64([]byte{1, 0, 0, 0, 0, 0, 1, 0, 1})}), rsaSigned(rs256(rsaKey())), false},
		"EC":                       {ecJWK(&ecKey().PublicKey, obj{"kid": "k", "alg": "ES256"}), ecSigned, true},
		"EC, not on the curve":     {ecJWK(&ecKey().PublicKey, obj{"kid": "k", "x": b64(make([]byte, 32))}), ecSigned, false},
		"EC P-384": {
			ecJWK(&ec384Key().PublicKey, obj{"kid": "k"}),
			compact(`{"alg":"ES256","kid":"k"}`, with(goodClaims(start), nil), es256(ec384Key())), false,
		},
		"oct": {
			obj{"kty": "oct", "kid": "k", "alg": "HS256", "k": b64(secret.Reveal())},
			compact(`{"alg":"HS256","kid":"k"}`, with(goodClaims(start), nil), hs256(secret.Reveal())), false,
		},
		"no kty": {obj{"kid": "k"}, ed, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Beside another key: what cannot be used is left out, and the set lives.
			v := fileVerifier(t, jwks(c.key, other))
			accept(t, v, edToken(start, "other", otherEdKey()), goodPrincipal)
			if c.ok {
				accept(t, v, c.token, goodPrincipal)
			} else {
				refuse(t, v, c.token)
			}
		})
	}
}

// Keys of different types may share a kid (RFC 7517 section 4.5).
func TestOneKidTwoTypes(t *testing.T) {
	t.Parallel()
	v := fileVerifier(t, jwks(edJWK(edKey(), obj{"kid": "k"}), ecJWK(&ecKey().PublicKey, obj{"kid": "k"})))
	accept(t, v, edToken(start, "k", edKey()), goodPrincipal)
	accept(t, v, compact(`{"alg":"ES256","kid":"k"}`, with(goodClaims(start), nil), es256(ecKey())), goodPrincipal)
}

// The same key twice in a set is one key: under one kid, under two, with a kid and
// without, and whatever else its entry says.
func TestTheSameKeyTwice(t *testing.T) {
	t.Parallel()
	with1 := edJWK(edKey(), obj{"kid": "k"})
	without := edJWK(edKey(), nil)
	for name, doc := range map[string]string{
		"one kid":             jwks(with1, with1),
		"one kid, other uses": jwks(with1, edJWK(edKey(), obj{"kid": "k", "use": "sig", "alg": "EdDSA"})),
		"two kids":            jwks(with1, edJWK(edKey(), obj{"kid": "l"})),
		"kid and none":        jwks(with1, without),
		"none":                jwks(without, without),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := fileVerifier(t, doc)
			accept(t, v, edToken(start, "k", edKey()), goodPrincipal)
			accept(t, v, compact(`{"alg":"EdDSA"}`, with(goodClaims(start), nil), eddsa(edKey())), goodPrincipal)
			refuse(t, v, edToken(start, "k", otherEdKey()))
		})
	}
	// An RSA and an EC key compare too.
	v := fileVerifier(t, jwks(rsaJWK(&rsaKey().PublicKey, nil), rsaJWK(&rsaKey().PublicKey, nil), ecJWK(&ecKey().PublicKey, nil), ecJWK(&ecKey().PublicKey, nil)))
	accept(t, v, compact(`{"alg":"RS256","kid":"k"}`, with(goodClaims(start), nil), rs256(rsaKey())), goodPrincipal)
	accept(t, v, compact(`{"alg":"ES256"}`, with(goodClaims(start), nil), es256(ecKey())), goodPrincipal)
}

// Two different keys under one kid cannot be distinguished, so the set is refused; so
// is one with more keys without a kid than a token may cost checks.
func TestSetsThatAreRefused(t *testing.T) {
	t.Parallel()
	var many []obj
	for range 17 {
		many = append(many, edJWK(newEdKey(), nil))
	}
	for name, doc := range map[string]string{
		"one kid, two keys": jwks(edJWK(edKey(), obj{"kid": "k"}), edJWK(otherEdKey(), obj{"kid": "k"})),
		"17 without a kid":  jwks(many...),
	} {
		path := filepath.Join(t.TempDir(), "jwks.json")
		if err := os.WriteFile(path, []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := auth.NewVerifier(auth.VerifierConfig{JWKS: path, Issuer: issuer, Audience: audience})
		if !errors.Is(err, auth.ErrInvalidConfig) {
			t.Errorf("%s: NewVerifier = %v", name, err)
		}
	}
	fileVerifier(t, jwks(many[:16]...))
}
