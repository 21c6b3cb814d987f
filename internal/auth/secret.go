package auth

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// MinSecretBytes is the least length of an HS256 secret: RFC 7518 section 3.2
// asks for a key that is at least as long as the hash.
const MinSecretBytes = 32

// Secret is the shared secret of HS256. It prints as "[redacted]" in every
// format verb, in JSON, as text and in slog; only [Secret.Reveal] gives the
// bytes. The zero Secret is no secret.
//
// The bytes are behind a function because fmt calls no method of a value in
// another struct's unexported field, nor for %p: there it prints what the struct
// holds, following a pointer when the verb is a wrong one. Of a function it prints
// the address.
type Secret struct{ reveal func() []byte }

// NewSecret returns a secret with a copy of b; an empty b gives the zero Secret.
func NewSecret(b []byte) Secret {
	if len(b) == 0 {
		return Secret{}
	}
	b = bytes.Clone(b)
	return Secret{reveal: func() []byte { return b }}
}

// IsZero says whether there is no secret.
func (s Secret) IsZero() bool { return s.reveal == nil }

// Reveal returns the secret's bytes, which the caller must not change; nil for
// the zero Secret.
func (s Secret) Reveal() []byte {
	if s.reveal == nil {
		return nil
	}
	return s.reveal()
}

// Format prints "[redacted]" for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]" as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
