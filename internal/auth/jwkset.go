package auth

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"

	"github.com/MicahParks/jwkset"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The sizes of RSA keys that are used: RFC 7518 section 3.3 asks for the least,
// and past the most a check takes long enough to hurt.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// maxUnnamed bounds how many checks one token with an unknown kid can cost.
const maxUnnamed = 16

// errNoKeys means that a key set parsed and holds nothing that can be used.
var errNoKeys = errors.New("the key set holds no usable RS256, ES256 or EdDSA key")

// keyRef is how a token names its key. Two keys may share a kid when their
// algorithms differ (RFC 7517 section 4.5).
type keyRef struct{ alg, kid string }

// keySet holds public keys, each for the one algorithm that fits its type.
type keySet struct {
	named map[keyRef]any
	kids  map[string]bool
	// byAlg has every key of an algorithm, each once, for tokens without a kid;
	// unnamed has those of them that have no kid.
	byAlg, unnamed map[string][]any
	size           int
}

// find returns the keys that a token may be signed with. Without a kid that is the
// one key of its algorithm, and none where there would be a choice. known is false
// when no key has the token's kid: then the keys without a kid are returned, and a
// newer set might have the right one.
func (s *keySet) find(alg string, kid *string) (keys []any, known bool) {
	switch {
	case kid == nil && len(s.byAlg[alg]) == 1:
		return s.byAlg[alg], true
	case kid == nil:
		return nil, true
	case !s.kids[*kid]:
		return s.unnamed[alg], false
	}
	if key := s.named[keyRef{alg, *kid}]; key != nil {
		return []any{key}, true
	}
	return nil, true
}

// add stores a usable key. The same key twice counts as one key. Two different keys
// with one kid are an error, because a token could not say which of them it means.
func (s *keySet) add(alg string, key any, kid *string) error {
	same := func(other any) bool { return other.(interface{ Equal(crypto.PublicKey) bool }).Equal(key) }
	if kid != nil {
		ref := keyRef{alg, *kid}
		if other := s.named[ref]; other != nil && !same(other) {
			return fmt.Errorf("has the kid of another %s key", alg)
		}
		s.named[ref], s.kids[*kid] = key, true
	} else if !slices.ContainsFunc(s.unnamed[alg], same) {
		if len(s.unnamed[alg]) == maxUnnamed {
			return fmt.Errorf("is one more %s key without a kid than the %d that are tried", alg, maxUnnamed)
		}
		s.unnamed[alg] = append(s.unnamed[alg], key)
	}
	if !slices.ContainsFunc(s.byAlg[alg], same) {
		s.byAlg[alg] = append(s.byAlg[alg], key)
		s.size++
	}
	return nil
}

// jwk holds the members of a JSON Web Key that are looked at. Certificates are
// not: who fetched the set over TLS, or read it from its own disk, trusts the
// keys themselves.
type jwk struct {
	Kty    string         `json:"kty"`
	Use    *string        `json:"use"`
	KeyOps []string       `json:"key_ops"`
	Alg    *string        `json:"alg"`
	Kid    *string        `json:"kid"`
	Crv    string         `json:"crv"`
	N      string         `json:"n"`
	E      string         `json:"e"`
	X      string         `json:"x"`
	Y      string         `json:"y"`
	D      jsontext.Value `json:"d"`
}

// parseKeySet reads a JWK Set (RFC 7517 section 5). Keys that cannot be used are
// left out, as that section asks, and ignored has the reason for each. It is an error
// when the document is not a set, when two different keys have one kid, and when no
// key is left.
func parseKeySet(doc []byte) (set *keySet, ignored []error, err error) {
	var d struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(doc, &d); err != nil {
		return nil, nil, fmt.Errorf("not a JSON Web Key Set: %w", err)
	}
	set = &keySet{named: map[keyRef]any{}, kids: map[string]bool{}, byAlg: map[string][]any{}, unnamed: map[string][]any{}}
	for i, raw := range d.Keys {
		var j jwk
		if err := json.Unmarshal(raw, &j); err != nil {
			ignored = append(ignored, fmt.Errorf("key %d: %w", i, err))
			continue
		}
		alg, key, err := j.public()
		if err != nil {
			ignored = append(ignored, fmt.Errorf("key %d: %w", i, err))
			continue
		}
		if err := set.add(alg, key, j.Kid); err != nil {
			return nil, ignored, fmt.Errorf("key %d %w", i, err)
		}
	}
	if set.size == 0 {
		// The first few show what is wrong with a set that is all of one kind.
		return nil, ignored, errors.Join(append([]error{errNoKeys}, ignored[:min(len(ignored), 3)]...)...)
	}
	return set, ignored, nil
}

// public returns the key and the one algorithm that it is used with.
func (j jwk) public() (alg string, key any, err error) {
	switch {
	case j.Kty == "oct":
		return "", nil, errors.New("symmetric keys are refused")
	case j.D != nil:
		return "", nil, errors.New("it is a private key, which is worthless once it is published")
	case j.Kty == "RSA":
		alg = "RS256"
	case j.Kty == "EC" && j.Crv == "P-256":
		alg = "ES256"
	case j.Kty == "OKP" && j.Crv == "Ed25519":
		alg = "EdDSA"
	default:
		return "", nil, errors.New("its type or curve is none of RSA, P-256 and Ed25519")
	}
	if j.Alg != nil && *j.Alg != alg {
		return "", nil, fmt.Errorf("its alg is not %s", alg)
	}
	if j.Use != nil && *j.Use != "sig" {
		return "", nil, errors.New("its use is not sig")
	}
	if j.KeyOps != nil && !slices.Contains(j.KeyOps, "verify") {
		return "", nil, errors.New("its key_ops do not hold verify")
	}
	parsed, err := jwkset.NewJWKFromMarshal(jwkset.JWKMarshal{
		KTY: jwkset.KTY(j.Kty), ALG: jwkset.ALG(alg), CRV: jwkset.CRV(j.Crv), N: j.N, E: j.E, X: j.X, Y: j.Y,
	}, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return "", nil, fmt.Errorf("its numbers are not a valid key: %w", err)
	}
	if k, ok := parsed.Key().(*rsa.PublicKey); ok {
		if bits := k.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return "", nil, fmt.Errorf("an RSA key of %d bits is not between %d and %d", bits, minRSABits, maxRSABits)
		}
		if k.E < 3 || k.E%2 == 0 {
			return "", nil, errors.New("its RSA exponent is even or under 3")
		}
	}
	return alg, parsed.Key(), nil
}
