package receipt

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// maxKeyID is the longest id of a key.
const maxKeyID = 32

// Errors of key rings.
var (
	// ErrRing is returned by [ParseRing], wrapped with the entry's place and what is wrong with it, never with any of
	// its text.
	ErrRing = errors.New("receipt: bad key ring")
	// ErrUnknownKey is returned when a caller names a key that the ring lacks, and by an empty ring.
	ErrUnknownKey = errors.New("receipt: unknown key")
)

// key is one Ed25519 key pair. The private key is behind a function because fmt prints the unexported fields of
// whatever struct this ends up in without asking for a Formatter, and, for a verb that does not fit, what a pointer
// points to; a function prints as an address.
type key struct {
	id      string
	public  ed25519.PublicKey
	private func() ed25519.PrivateKey
}

func newKey(id string, seed []byte) key {
	private := ed25519.NewKeyFromSeed(seed)
	return key{
		id:      id,
		public:  ed25519.PublicKey(private[ed25519.SeedSize:]),
		private: func() ed25519.PrivateKey { return private },
	}
}

// x is the public key as a JWK has it (RFC 8037, section 2).
func (k key) x() string { return base64.RawURLEncoding.EncodeToString(k.public) }

// Ring is the ordered receipt keys of a node: the first signs, all are published, so receipts of a key that was
// moved back still verify. It redacts itself: every format verb, JSON and slog give the ids alone. The zero Ring is
// empty and signs nothing.
type Ring struct{ keys []key }

// ParseRing reads "id:base64,id:base64…": ids of 1 to 32 of A-Z a-z 0-9 _ -, each once, and standard padded base64
// (RFC 4648, section 4) of exactly 32 bytes, an Ed25519 seed (RFC 8032, section 5.1.5). Space around the whole is
// ignored, as files end in a newline. Any fault is [ErrRing].
//
// The id is published as the key's `kid`. It must never be given to other bytes; see [Ring.Check].
func ParseRing(s string) (Ring, error) {
	var r Ring
	for i, entry := range strings.Split(strings.TrimSpace(s), ",") {
		k, fault := parseKey(entry)
		if fault == "" && r.has(k.id) {
			fault = "its id is already taken by an earlier one"
		}
		if fault != "" {
			return Ring{}, fmt.Errorf("%w: entry %d: %s", ErrRing, i+1, fault)
		}
		r.keys = append(r.keys, k)
	}
	return r, nil
}

// parseKey returns the key, or what is wrong with the entry.
func parseKey(entry string) (k key, fault string) {
	id, text, ok := strings.Cut(entry, ":")
	switch {
	case !ok:
		return key{}, "not of the form id:base64"
	case !isKeyID(id):
		return key{}, "its id is not 1 to 32 of A-Z a-z 0-9 _ -"
	}
	seed, err := base64.StdEncoding.Strict().DecodeString(text)
	// The decoder skips line breaks, which the length finds.
	if err != nil || len(seed) != ed25519.SeedSize || len(text) != base64.StdEncoding.EncodedLen(ed25519.SeedSize) {
		return key{}, "its value is not 32 bytes of standard padded base64"
	}
	return newKey(id, seed), ""
}

func isKeyID(s string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	return s != "" && len(s) <= maxKeyID && strings.Trim(s, letters) == ""
}

// IDs returns the keys' ids, the one that signs first.
func (r Ring) IDs() []string {
	ids := make([]string, len(r.keys))
	for i, k := range r.keys {
		ids[i] = k.id
	}
	return ids
}

// Check returns the 32-byte check value of the key with that id: its JWK thumbprint (RFC 7638, SHA-256). Kept in the
// database, it shows a node whose bytes for the id differ; it is no secret. An id that the ring lacks is
// [ErrUnknownKey].
func (r Ring) Check(id string) ([]byte, error) {
	k, err := r.find(id)
	if err != nil || k.id != id {
		return nil, ErrUnknownKey
	}
	// RFC 8037, section 2: the required members of an OKP key, in this order, with no white space.
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + k.x() + `"}`))
	return sum[:], nil
}

// find returns the key with that id, or the first for "".
func (r Ring) find(id string) (key, error) {
	for _, k := range r.keys {
		if id == "" || k.id == id {
			return k, nil
		}
	}
	return key{}, ErrUnknownKey
}

func (r Ring) has(id string) bool {
	k, err := r.find(id)
	return err == nil && k.id == id
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
	}{Keys: make([]jwk, 0, len(r.keys))}
	for _, k := range r.keys {
		set.Keys = append(set.Keys, jwk{
			KeyType: "OKP", Curve: "Ed25519", Use: "sig", Algorithm: "EdDSA", KeyID: k.id, X: k.x(),
		})
	}
	var out bytes.Buffer
	_ = json.NewEncoder(&out).Encode(set) // strings alone, into memory: it cannot fail
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// String returns the ids alone.
func (r Ring) String() string { return "receipt-keys[" + strings.Join(r.IDs(), " ") + "]" }

// Format implements fmt.Formatter for every verb.
func (r Ring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// MarshalText implements encoding.TextMarshaler, which JSON uses too.
func (r Ring) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// LogValue implements slog.LogValuer.
func (r Ring) LogValue() slog.Value { return slog.StringValue(r.String()) }
