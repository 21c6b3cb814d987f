package argon2id

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/hydracore/hydrapin/internal/pin"
)

const (
	pepperSize  = 32
	maxPepperID = 32
	// checkLabel separates check values from PINs under the same key: what is
	// mixed for a PIN begins with the four-byte length of a holder type, which
	// these first four letters are too large to be.
	checkLabel = "hydrapin pepper check value v1"
)

// Errors of pepper rings.
var (
	// ErrRing is returned by [ParseRing], wrapped with the entry's place and what
	// is wrong with it, never with any of its text.
	ErrRing = errors.New("argon2id: bad pepper ring")
	// ErrUnknownPepper is returned when a stored hash, or a caller, names a pepper
	// that the ring lacks.
	ErrUnknownPepper = errors.New("argon2id: unknown pepper")
)

// pepper is a secret that is kept outside the database. The key is behind a
// function because fmt looks into the unexported fields of whatever struct this
// ends up in without asking for a Formatter, and follows pointers when the verb
// is a wrong one; a function only ever prints as an address.
type pepper struct {
	id  string
	key func() []byte
}

// Ring is the ordered peppers of a node: the first makes new hashes, the others
// still verify. It redacts itself: every format verb, JSON and slog give the ids
// alone. The zero Ring is empty, and [NewPool] refuses it.
type Ring struct{ peppers []pepper }

// ParseRing reads "id:base64,id:base64…": ids of 1 to 32 of A-Z a-z 0-9 _ -,
// each once, and standard padded base64 (RFC 4648, section 4) of exactly 32
// bytes. Space around the whole is ignored, as files end in a newline. Any fault
// is [ErrRing].
func ParseRing(s string) (Ring, error) {
	var r Ring
	for i, entry := range strings.Split(strings.TrimSpace(s), ",") {
		p, fault := parsePepper(entry)
		if fault == "" {
			if _, err := r.find(p.id); err == nil {
				fault = "its id is already taken by an earlier one"
			}
		}
		if fault != "" {
			return Ring{}, fmt.Errorf("%w: entry %d: %s", ErrRing, i+1, fault)
		}
		r.peppers = append(r.peppers, p)
	}
	return r, nil
}

// parsePepper returns the pepper, or what is wrong with the entry.
func parsePepper(entry string) (p pepper, fault string) {
	id, text, ok := strings.Cut(entry, ":")
	switch {
	case !ok:
		return pepper{}, "not of the form id:base64"
	case !isPepperID(id):
		return pepper{}, "its id is not 1 to 32 of A-Z a-z 0-9 _ -"
	}
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(key) != pepperSize || len(text) != base64.StdEncoding.EncodedLen(pepperSize) {
		return pepper{}, "its value is not 32 bytes of standard padded base64"
	}
	return pepper{id: id, key: func() []byte { return key }}, ""
}

func isPepperID(s string) bool {
	if s == "" || len(s) > maxPepperID {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// IDs returns the peppers' ids, the one that makes new hashes first.
func (r Ring) IDs() []string {
	ids := make([]string, len(r.peppers))
	for i, p := range r.peppers {
		ids[i] = p.id
	}
	return ids
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
	mac := hmac.New(sha256.New, p.key())
	_, _ = io.WriteString(mac, checkLabel)
	return mac.Sum(nil), nil
}

// Knows returns nil when the ring has the pepper of that stored hash, else [ErrUnknownPepper]. Call
// it before an attempt is spent.
func (r Ring) Knows(s Stored) error {
	_, err := r.find(s.pepper)
	return err
}

func (r Ring) find(id string) (pepper, error) {
	for _, p := range r.peppers {
		if p.id == id {
			return p, nil
		}
	}
	return pepper{}, ErrUnknownPepper
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
	mac := hmac.New(sha256.New, p.key())
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

// String returns the ids alone.
func (r Ring) String() string { return "peppers[" + strings.Join(r.IDs(), " ") + "]" }

// Format implements fmt.Formatter for every verb.
func (r Ring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// MarshalText implements encoding.TextMarshaler, which JSON uses too.
func (r Ring) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// LogValue implements slog.LogValuer.
func (r Ring) LogValue() slog.Value { return slog.StringValue(r.String()) }
