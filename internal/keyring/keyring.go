// Package keyring reads ordered rings of named 32-byte keys: peppers and receipt keys are such
// rings. The first key is the one in use; the others are kept for what it made before.
//
// It guarantees that no error, format verb, JSON or log line holds a part of a key. It must not
// know what the keys are for.
package keyring

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/hydracore/hydrapin/internal/secret"
)

const (
	// Size is the length of a key in bytes.
	Size = 32
	// maxID is the longest id of a key.
	maxID = 32
)

var (
	// ErrMalformed is returned by [Parse], wrapped with the entry's place and what is wrong with
	// it, never with any of its text.
	ErrMalformed = errors.New("keyring: malformed key ring")
	// ErrUnknown is returned for an id that the ring lacks.
	ErrUnknown = errors.New("keyring: unknown key id")
)

// Entry is a key and its id.
type Entry[K any] struct {
	ID  string
	key secret.Value[K]
}

// Key returns the key.
func (e Entry[K]) Key() K { return e.key.Reveal() }

// Ring is an ordered set of keys of type K. Every format verb, JSON and slog print its kind and
// the ids alone. The zero Ring is empty.
type Ring[K any] struct {
	kind    string
	entries []Entry[K]
}

// Parse reads "id:base64,id:base64…": ids of 1 to 32 of A-Z a-z 0-9 _ -, each once, and standard
// padded base64 (RFC 4648, section 4) of exactly [Size] bytes, from which newKey makes the key.
// Space around the whole is ignored, as files end in a newline. The kind is what the ring prints
// as in front of its ids. Every error is [ErrMalformed].
func Parse[K any](kind, text string, newKey func(seed []byte) K) (Ring[K], error) {
	r := Ring[K]{kind: kind}
	for i, entry := range strings.Split(strings.TrimSpace(text), ",") {
		id, seed, problem := parseEntry(entry)
		if _, err := r.Find(id); problem == "" && err == nil {
			problem = "an earlier entry has the same id"
		}
		if problem != "" {
			return Ring[K]{}, fmt.Errorf("%w: entry %d: %s", ErrMalformed, i+1, problem)
		}
		r.entries = append(r.entries, Entry[K]{ID: id, key: secret.New(newKey(seed))})
	}
	return r, nil
}

// parseEntry returns an entry's id and bytes, or what is wrong with it.
func parseEntry(entry string) (id string, seed []byte, problem string) {
	id, text, ok := strings.Cut(entry, ":")
	switch {
	case !ok:
		return "", nil, "not of the form id:base64"
	case !IsID(id):
		return "", nil, "its id is not 1 to 32 of A-Z a-z 0-9 _ -"
	}
	seed, err := base64.StdEncoding.Strict().DecodeString(text)
	// The decoder skips line breaks; comparing the lengths finds them.
	if err != nil || len(seed) != Size || len(text) != base64.StdEncoding.EncodedLen(Size) {
		return "", nil, "its value is not 32 bytes of standard padded base64"
	}
	return id, seed, ""
}

// IsID reports whether s can be the id of a key.
func IsID(s string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	return s != "" && len(s) <= maxID && strings.Trim(s, letters) == ""
}

// Len returns how many keys there are.
func (r Ring[K]) Len() int { return len(r.entries) }

// First returns the key in use, or [ErrUnknown] for an empty ring.
func (r Ring[K]) First() (Entry[K], error) {
	if len(r.entries) == 0 {
		return Entry[K]{}, ErrUnknown
	}
	return r.entries[0], nil
}

// Find returns the key with that id, or [ErrUnknown].
func (r Ring[K]) Find(id string) (Entry[K], error) {
	for _, e := range r.entries {
		if e.ID == id {
			return e, nil
		}
	}
	return Entry[K]{}, ErrUnknown
}

// All returns every key, the one in use first.
func (r Ring[K]) All() []Entry[K] { return append([]Entry[K](nil), r.entries...) }

// IDs returns the ids of the keys, the one in use first.
func (r Ring[K]) IDs() []string {
	ids := make([]string, len(r.entries))
	for i, e := range r.entries {
		ids[i] = e.ID
	}
	return ids
}

// String returns the kind and the ids.
func (r Ring[K]) String() string { return r.kind + "[" + strings.Join(r.IDs(), " ") + "]" }

// Format implements fmt.Formatter for every verb.
func (r Ring[K]) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// MarshalText implements encoding.TextMarshaler, which JSON uses too.
func (r Ring[K]) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// LogValue implements slog.LogValuer.
func (r Ring[K]) LogValue() slog.Value { return slog.StringValue(r.String()) }
