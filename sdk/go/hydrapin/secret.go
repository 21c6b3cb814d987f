package hydrapin

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// secret is a value that must not be printed. It is behind a function because fmt calls no method
// of a value in another struct's unexported field: fmt prints the content of such a field, and the
// content of a function is an address.
type secret struct{ reveal func() string }

func hide(s string) secret { return secret{reveal: func() string { return s }} }

func (s secret) value() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// Key is an API key of a tenant (hc_live_…) or the runtime key of an instance (hc_agent_…). It
// prints as "[redacted]" in every format verb, in JSON and in slog. It is a [Credential].
type Key struct{ secret secret }

// NewKey returns the key s. [NewAdmin] and [NewRuntime] refuse a key that cannot be valid.
func NewKey(s string) Key { return Key{hide(s)} }

// Reveal returns the key, to store one that was just created as a secret.
func (k Key) Reveal() string { return k.secret.value() }

// PIN is a PIN that a person entered. It prints as "[redacted]" in every format verb, in JSON and
// in slog.
type PIN struct{ secret secret }

// NewPIN returns the PIN with the digits s. The server decides which PINs are valid.
func NewPIN(s string) PIN { return PIN{hide(s)} }

// Receipt is the signed proof of an approval (a JWS), or empty. Anyone who has it can show it, so
// it prints as "[redacted]" in every format verb, in JSON and in slog. [Receipt.Reveal] returns it.
type Receipt struct{ secret secret }

// Reveal returns the receipt, for the skill that checks it; "" when there is none.
func (r Receipt) Reveal() string { return r.secret.value() }

// LinkURL is the address of a PIN link. Until the link is used, whoever has the address chooses the
// PIN: never pass it through a model or a log. It prints as "[redacted]" in every format verb, in
// JSON and in slog. [LinkURL.Reveal] returns it.
type LinkURL struct{ secret secret }

// Reveal returns the address, to send it to the person through a channel of your own.
func (u LinkURL) Reveal() string { return u.secret.value() }

// Format implements [fmt.Formatter].
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// Format implements [fmt.Formatter].
func (PIN) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// Format implements [fmt.Formatter].
func (Receipt) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText implements [encoding.TextMarshaler], also for JSON.
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalText implements [encoding.TextMarshaler], also for JSON.
func (PIN) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalText implements [encoding.TextMarshaler], also for JSON.
func (Receipt) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements [slog.LogValuer].
func (Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// LogValue implements [slog.LogValuer].
func (PIN) LogValue() slog.Value { return slog.StringValue(redacted) }

// LogValue implements [slog.LogValuer].
func (Receipt) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format implements [fmt.Formatter].
func (LinkURL) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText implements [encoding.TextMarshaler], also for JSON.
func (LinkURL) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements [slog.LogValuer].
func (LinkURL) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format implements [fmt.Formatter].
func (WebhookSecret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText implements [encoding.TextMarshaler], also for JSON.
func (WebhookSecret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements [slog.LogValuer].
func (WebhookSecret) LogValue() slog.Value { return slog.StringValue(redacted) }
