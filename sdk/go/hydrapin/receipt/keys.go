package receipt

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// KeySource has the keys that a server publishes at /.well-known/jwks.json.
type KeySource interface {
	// Key returns the Ed25519 key with that id, [ErrUnknownKey] if it is not published, or another
	// error if that cannot be determined.
	Key(ctx context.Context, kid string) (ed25519.PublicKey, error)
}

// ErrKeySet is returned by [KeysFromJWKS], wrapped with what is wrong with the set.
var ErrKeySet = errors.New("receipt: bad key set")

// keySet is a fixed set of keys by id.
type keySet map[string]ed25519.PublicKey

// KeysFromJWKS returns the Ed25519 keys of a JWK Set (RFC 7517, RFC 8037) that the caller already
// has. Keys of other kinds and for other uses are left out. If none is left, or if two keys have
// the same id, it returns [ErrKeySet].
func KeysFromJWKS(jwks []byte) (KeySource, error) {
	set, err := parseJWKS(jwks)
	if err != nil {
		return nil, err
	}
	return set, nil
}

// Key implements [KeySource].
func (s keySet) Key(_ context.Context, kid string) (ed25519.PublicKey, error) {
	key, ok := s[kid]
	if !ok {
		return nil, ErrUnknownKey
	}
	return key, nil
}

func parseJWKS(jwks []byte) (keySet, error) {
	var in struct {
		Keys []struct {
			KeyType   string `json:"kty"`
			Curve     string `json:"crv"`
			Use       string `json:"use"`
			Algorithm string `json:"alg"`
			KeyID     string `json:"kid"`
			X         string `json:"x"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(jwks, &in); err != nil {
		return nil, fmt.Errorf("%w: not a JWK Set", ErrKeySet)
	}
	set := keySet{}
	for _, k := range in.Keys {
		usable := k.KeyType == "OKP" && k.Curve == "Ed25519" && k.KeyID != "" &&
			(k.Use == "" || k.Use == "sig") && (k.Algorithm == "" || k.Algorithm == "EdDSA")
		if !usable {
			continue
		}
		x, err := base64.RawURLEncoding.Strict().DecodeString(k.X)
		if err != nil || len(x) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("%w: a key is not 32 bytes of base64url", ErrKeySet)
		}
		if other, twice := set[k.KeyID]; twice && !bytes.Equal(other, x) {
			return nil, fmt.Errorf("%w: an id is given to two keys", ErrKeySet)
		}
		set[k.KeyID] = x
	}
	if len(set) == 0 {
		return nil, fmt.Errorf("%w: no Ed25519 key for signatures", ErrKeySet)
	}
	return set, nil
}
