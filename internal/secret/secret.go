// Package secret holds values that must never be printed: PINs, keys, tokens, passwords.
//
// It guarantees that a [Value] prints as "[redacted]" in every format verb, in JSON, as text and
// in slog, wherever it is stored. Only [Value.Reveal] returns what it holds. The package must not
// know what the secrets are for.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what a [Value] prints as.
const Redacted = "[redacted]"

// Value is a secret of type T. The zero Value holds none.
//
// The secret is behind a function because fmt calls no method of a value in another struct's
// unexported field, nor for %p: there it prints what the struct holds, following pointers. Of a
// function it prints the address. The function also makes == on secrets a compile error.
type Value[T any] struct{ reveal func() T }

// New returns a secret that holds v. The caller must not change what v refers to.
func New[T any](v T) Value[T] { return Value[T]{reveal: func() T { return v }} }

// IsZero reports whether there is no secret.
func (v Value[T]) IsZero() bool { return v.reveal == nil }

// Reveal returns the secret, which the caller must not change; the zero T for the zero Value.
func (v Value[T]) Reveal() T {
	if v.reveal == nil {
		var none T
		return none
	}
	return v.reveal()
}

// Format implements fmt.Formatter for every verb.
func (Value[T]) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MarshalText implements encoding.TextMarshaler.
func (Value[T]) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalJSON implements json.Marshaler.
func (Value[T]) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// LogValue implements slog.LogValuer.
func (Value[T]) LogValue() slog.Value { return slog.StringValue(Redacted) }
