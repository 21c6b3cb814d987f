package receipt

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/hydracore/hydrapin/internal/keyring"
)

// Errors of key rings.
var (
	// ErrRing is returned by [ParseRing], wrapped with the entry's place and what is wrong with it,
	// never with any of its text.
	ErrRing = keyring.ErrMalformed
	// ErrUnknownKey is returned when a caller names a key that the ring lacks, and by an empty ring.
	ErrUnknownKey = errors.New("receipt: unknown key")
)

// key is one Ed25519 key pair.
type key struct{ private ed25519.PrivateKey }

func newKey(seed []byte) key { return key{ed25519.NewKeyFromSeed(seed)} }

// x is the public key as a JWK has it (RFC 8037, section 2).
func (k key) x() string {
	return base64.RawURLEncoding.EncodeToString(k.private[ed25519.SeedSize:])
}

// Ring is the ordered receipt keys of a node: the first signs, all are published, so receipts of a
// key that was moved back still verify. It prints as the ids alone. The zero Ring is empty and
// signs nothing.
type Ring struct{ keyring.Ring[key] }

// ParseRing reads Ed25519 seeds (RFC 8032, section 5.1.5) as [keyring.Parse] does. Every error is
// [ErrRing].
//
// The id is published as the key's `kid`. It must never be given to other bytes; see [Ring.Check].
func ParseRing(s string) (Ring, error) {
	r, err := keyring.Parse("receipt-keys", s, newKey)
	return Ring{r}, err
}

// Check returns the 32-byte check value of the key with that id: its JWK thumbprint (RFC 7638, SHA-256). Kept in the
// database, it shows a node whose bytes for the id differ; it is no secret. An id that the ring lacks is
// [ErrUnknownKey].
func (r Ring) Check(id string) ([]byte, error) {
	k, err := r.Find(id)
	if err != nil {
		return nil, ErrUnknownKey
	}
	// RFC 8037, section 2: the required members of an OKP key, in this order, with no white space.
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + k.Key().x() + `"}`))
	return sum[:], nil
}

// find returns the key with that id, or the first for "".
func (r Ring) find(id string) (keyring.Entry[key], error) {
	k, err := r.Find(id)
	if id == "" {
		k, err = r.First()
	}
	if err != nil {
		return k, ErrUnknownKey
	}
	return k, nil
}

// jwk is a public key as published (RFC 7517, RFC 8037).
type jwk struct {
	KeyType   string `json:"kty"`
	Curve     string `json:"crv"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	X         string `json:"x"`
}

// JWKS returns the public keys of the ring as a JWK Set (RFC 7517, section 5), the same bytes each time. An empty
// ring gives a set without keys.
func (r Ring) JWKS() []byte {
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: make([]jwk, 0, r.Len())}
	for _, k := range r.All() {
		set.Keys = append(set.Keys, jwk{
			KeyType: "OKP", Curve: "Ed25519", Use: "sig", Algorithm: "EdDSA", KeyID: k.ID, X: k.Key().x(),
		})
	}
	var out bytes.Buffer
	_ = json.NewEncoder(&out).Encode(set) // strings alone, into memory: it cannot fail
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
