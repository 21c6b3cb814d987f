package pin

import "unicode/utf8"

// Rules are the lengths, in digits, that a PIN being set may have.
type Rules struct{ MinLength, MaxLength int }

// DefaultRules are the defaults of the settings: every length that a PIN can have.
func DefaultRules() Rules { return Rules{MinLength: MinLength, MaxLength: MaxLength} }

// FaultKind says why a PIN cannot be set. The values are the `type` of the validation error:
// pydantic 2's names, and one of our own.
type FaultKind string

// The kinds. NoFault means that the PIN can be set.
const (
	NoFault   FaultKind = ""
	TooShort  FaultKind = "string_too_short"
	TooLong   FaultKind = "string_too_long"
	NotDigits FaultKind = "string_pattern_mismatch"
	TooWeak   FaultKind = "pin_too_weak"
)

// Fault is the validation error that [ParseNew] found. It holds no part of the input.
type Fault struct {
	Kind FaultKind
	// Limit is the length that was required, in characters: the minimum for TooShort, the maximum
	// for TooLong, else 0.
	Limit int
}

// ParseNew reads a PIN that is being set. It returns the first validation error in the order
// length, digits, weakness, as pydantic checks a string; the length is counted in characters
// (Unicode code points). A PIN always has 4 to 12 digits, whatever the rules say.
func ParseNew(s string, r Rules) (PIN, Fault) {
	shortest, longest := max(r.MinLength, MinLength), min(r.MaxLength, MaxLength)
	n := utf8.RuneCountInString(s)
	switch {
	case n < shortest:
		return PIN{}, Fault{Kind: TooShort, Limit: shortest}
	case n > longest:
		return PIN{}, Fault{Kind: TooLong, Limit: longest}
	}
	p, err := Parse(s)
	switch {
	case err != nil:
		return PIN{}, Fault{Kind: NotDigits}
	case Weak(p):
		return PIN{}, Fault{Kind: TooWeak}
	}
	return p, Fault{}
}

// Weak reports whether a PIN belongs to one of the [Families] of PINs that a guesser tries first.
func Weak(p PIN) bool {
	s := p.Reveal()
	if s == "" {
		return false
	}
	for _, f := range families {
		if f.has(s) {
			return true
		}
	}
	return false
}
