package argon2id

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"

	"github.com/hydracore/hydrapin/internal/keyring"
	"github.com/hydracore/hydrapin/internal/pin"
)

// checkLabel separates check values from PINs under the same key: what is mixed for a PIN begins
// with the four-byte length of a holder type, which these first four letters are too large to be.
const checkLabel = "hydrapin pepper check value v1"

// Errors of pepper rings.
var (
	// ErrRing is returned by [ParseRing], wrapped with the entry's place and what is wrong with it,
	// never with any of its text.
	ErrRing = keyring.ErrMalformed
	// ErrUnknownPepper is returned when a stored hash, or a caller, names a pepper that the ring
	// lacks.
	ErrUnknownPepper = errors.New("argon2id: unknown pepper")
)

// pepper is a secret that is kept outside the database.
type pepper []byte

// Ring is the ordered peppers of a node: the first makes new hashes, the others still verify. It
// prints as the ids alone. The zero Ring is empty, and [NewPool] refuses it.
type Ring struct{ keyring.Ring[pepper] }

// ParseRing reads peppers as [keyring.Parse] does. Every error is [ErrRing].
func ParseRing(s string) (Ring, error) {
	r, err := keyring.Parse("peppers", s, func(seed []byte) pepper { return seed })
	return Ring{r}, err
}

// Check returns the 32-byte check value of the pepper with that id:
// HMAC-SHA-256 of a fixed label under the pepper. Kept in the database, it shows
// a node whose bytes for the id differ, and tells nothing about them. An id that
// the ring lacks is [ErrUnknownPepper].
func (r Ring) Check(id string) ([]byte, error) {
	p, err := r.find(id)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, p.Key())
	_, _ = io.WriteString(mac, checkLabel)
	return mac.Sum(nil), nil
}

// Knows returns nil when the ring has the pepper of that stored hash, else [ErrUnknownPepper]. Call
// it before an attempt is spent.
func (r Ring) Knows(s Stored) error {
	_, err := r.find(s.pepper)
	return err
}

func (r Ring) find(id string) (keyring.Entry[pepper], error) {
	p, err := r.Find(id)
	if err != nil {
		return p, ErrUnknownPepper
	}
	return p, nil
}

// mix returns what argon2id is given for a PIN:
//
//	HMAC-SHA-256(pepper, L(type) ‖ L(tenant) ‖ L(instance) ‖ L(id) ‖ PIN)
//
// where L(x) is len(x) as four bytes, big-endian, and x; the type is its ASCII
// text, the UUIDs are their 16 bytes (instance is all zero for a customer), and
// the PIN, which ends the input, is its ASCII digits. The holder is part of it so
// that a hash copied to another holder's row never matches.
func (p pepper) mix(h pin.Holder, secret pin.PIN) []byte {
	mac := hmac.New(sha256.New, p)
	var size [4]byte
	for _, field := range [][]byte{[]byte(h.Type), h.Tenant[:], h.Instance[:], h.ID[:]} {
		binary.BigEndian.PutUint32(size[:], uint32(len(field))) //nolint:gosec // a type's name or 16 bytes
		_, _ = mac.Write(size[:])
		_, _ = mac.Write(field)
	}
	digits := []byte(secret.Reveal())
	_, _ = mac.Write(digits)
	clear(digits)
	return mac.Sum(nil)
}
