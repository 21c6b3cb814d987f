// Package link makes and checks the tokens of the pages' links. It guarantees that a token names one
// id for one purpose, that only a holder of the receipt keys can make one, and that a token that does
// not verify is found out without a database. It must not know what an id stands for, or whether the
// link is still alive.
package link

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// Purpose is what a link is for; it is also the first segment of the link's path.
type Purpose string

// The purposes. The id of a Confirm link is that of the confirmation, the id of a SetPIN link is its
// own.
const (
	Confirm Purpose = "confirm"
	SetPIN  Purpose = "set-pin"
)

const (
	info     = "hydrapin link v1"
	keySize  = 32
	seedSize = 32
	idSize   = 16
	macSize  = 16
	// tokenSize is the length of base64url without padding of an id and a MAC.
	tokenSize = 43
)

// Strict refuses bits that are set after the last byte: each token has one spelling.
var encoding = base64.RawURLEncoding.Strict()

// ErrSeeds is returned by [NewRing] for no seed, or one that is not 32 bytes long.
var ErrSeeds = errors.New("link: the seeds of the link keys are not one or more of 32 bytes")

// Ring holds the link keys: the first makes tokens, all verify them. The zero Ring verifies nothing.
type Ring struct{ keys [][]byte }

// NewRing derives a link key from each receipt key's 32-byte seed, in the ring's order, with
// HKDF-SHA-256 (RFC 5869): no salt, the info "hydrapin link v1", 32 bytes.
func NewRing(seeds ...[]byte) (Ring, error) {
	if len(seeds) == 0 {
		return Ring{}, ErrSeeds
	}
	keys := make([][]byte, len(seeds))
	for i, seed := range seeds {
		if len(seed) != seedSize {
			return Ring{}, ErrSeeds
		}
		key, err := hkdf.Key(sha256.New, seed, nil, info, keySize)
		if err != nil {
			return Ring{}, fmt.Errorf("link: derive a key: %w", err)
		}
		keys[i] = key
	}
	return Ring{keys: keys}, nil
}

// String prints no key.
func (Ring) String() string { return "[redacted]" }

// GoString prints no key.
func (Ring) GoString() string { return "[redacted]" }

// Token returns the token of id for a purpose: base64url without padding (RFC 4648, section 5) of the
// id's 16 bytes and the first 16 bytes of HMAC-SHA-256(key, purpose ‖ 0x00 ‖ id). The ring must have
// a key.
func (r Ring) Token(p Purpose, id uuid.UUID) string {
	return encoding.EncodeToString(append(id[:], mac(r.keys[0], p, id)...))
}

// Verify returns the id of a token that the ring made for this purpose, and whether there is one. It
// compares with every key, in constant time.
func (r Ring) Verify(p Purpose, token string) (uuid.UUID, bool) {
	// The decoder skips line breaks, which would give a token more than one spelling.
	if len(token) != tokenSize || strings.ContainsAny(token, "\r\n") {
		return uuid.Nil, false
	}
	decoded, err := encoding.DecodeString(token)
	if err != nil || len(decoded) != idSize+macSize {
		return uuid.Nil, false
	}
	id := uuid.UUID(decoded[:idSize])
	valid := false
	for _, key := range r.keys {
		if hmac.Equal(decoded[idSize:], mac(key, p, id)) {
			valid = true
		}
	}
	if !valid {
		return uuid.Nil, false
	}
	return id, true
}

// URL returns the link of id for a purpose: publicURL, which may end in a path prefix, then
// /<purpose>/<token>.
func (r Ring) URL(publicURL string, p Purpose, id uuid.UUID) string {
	return strings.TrimRight(publicURL, "/") + "/" + string(p) + "/" + r.Token(p, id)
}

func mac(key []byte, p Purpose, id uuid.UUID) []byte {
	h := hmac.New(sha256.New, key)
	// A hash's Write returns no error.
	_, _ = h.Write(append(append([]byte(p), 0), id[:]...))
	return h.Sum(nil)[:macSize]
}
