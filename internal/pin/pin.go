package pin

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// The lengths that a PIN can have (ISO 9564-1). Settings narrow the lengths of a PIN being set, never
// of one being entered.
const (
	MinLength = 4
	MaxLength = 12
)

const redacted = "[redacted]"

// PIN is a PIN in the clear. It prints as "[redacted]" in every format verb, in
// JSON and in slog; only [PIN.Reveal] gives the digits.
//
// The digits are behind a function because fmt calls no method of a value in
// another struct's unexported field, nor for %p and %w: there it prints what the
// struct holds, and of a function that is an address. It also makes == on PINs a
// compile error; PINs are compared as hashes.
type PIN struct{ reveal func() string }

// ErrNotDigits is returned by [Parse] for a text that cannot be a PIN.
var ErrNotDigits = errors.New("pin: not 4 to 12 ASCII digits")

// Parse reads a PIN as it is entered: 4 to 12 ASCII digits. The error never contains the input.
func Parse(s string) (PIN, error) {
	if len(s) < MinLength || len(s) > MaxLength {
		return PIN{}, ErrNotDigits
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return PIN{}, ErrNotDigits
		}
	}
	return PIN{reveal: func() string { return s }}, nil
}

// Reveal returns the digits; for the zero PIN, which is no PIN, the empty string. Only code that
// hashes or checks a PIN may call it.
func (p PIN) Reveal() string {
	if p.reveal == nil {
		return ""
	}
	return p.reveal()
}

// Len returns the number of digits.
func (p PIN) Len() int { return len(p.Reveal()) }

// Same says whether two PINs have the same digits.
func (p PIN) Same(other PIN) bool {
	return subtle.ConstantTimeCompare([]byte(p.Reveal()), []byte(other.Reveal())) == 1
}

// Format implements fmt.Formatter for every verb.
func (PIN) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText implements encoding.TextMarshaler.
func (PIN) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON implements json.Marshaler.
func (PIN) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue implements slog.LogValuer.
func (PIN) LogValue() slog.Value { return slog.StringValue(redacted) }

// UnmarshalText implements encoding.TextUnmarshaler; JSON strings use it too.
func (p *PIN) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}
