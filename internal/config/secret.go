package config

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a setting that must not be shown. It prints as "[redacted]" in every
// format verb, in JSON, as text and in slog; only [Secret.Reveal] gives it. The
// zero Secret is none.
//
// The text is behind a function because fmt prints the unexported fields of
// whatever struct a value ends up in without asking for a Formatter; of a function
// it prints the address.
type Secret struct{ reveal func() string }

// NewSecret returns a secret; an empty s gives the zero Secret.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return s }}
}

// IsZero says whether there is no secret.
func (s Secret) IsZero() bool { return s.reveal == nil }

// Reveal returns the secret, or "" for the zero Secret.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
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
