// Package text decides which characters a name or a message to a person may hold, and which of
// them the person sees.
//
// It follows the Unicode Character Database in the version of Go's tables, and keeps no state. It
// must know nothing of the rest of the project.
package text

import (
	"unicode"
	"unicode/utf8"
)

// Kind says why a text is refused. The values are the `type` of the validation error: pydantic 2's
// names, and one of our own.
type Kind string

// The kinds. OK means that the text is accepted.
const (
	OK       Kind = ""
	TooShort Kind = "string_too_short"
	TooLong  Kind = "string_too_long"
	// Form: a character stands where it must not.
	Form Kind = "string_pattern_mismatch"
	// Unsafe: the text holds a character that it must not hold anywhere, or shows nothing.
	Unsafe Kind = "unsafe_text"
	// Value: another rule, which Message states.
	Value Kind = "value_error"
)

// Violation is the first rule that a text breaks; the zero value is none. It holds no part of the
// text.
type Violation struct {
	Kind Kind
	// Limit is the length that was required, in characters: the minimum for TooShort, the maximum
	// for TooLong, else 0.
	Limit int
	// Message is what Form, Unsafe or Value means here: a sentence without a full stop.
	Message string
}

// Length returns the violation of a text that does not have shortest to longest characters
// (Unicode code points).
func Length(s string, shortest, longest int) Violation {
	switch n := utf8.RuneCountInString(s); {
	case n < shortest:
		return Violation{Kind: TooShort, Limit: shortest}
	case n > longest:
		return Violation{Kind: TooLong, Limit: longest}
	}
	return Violation{}
}

// Forbidden reports whether a character has no agreed meaning or is not text at all: a control
// character (Cc), a private-use (Co), unassigned (Cn) or surrogate (Cs) code point.
func Forbidden(r rune) bool {
	return r >= utf8.RuneSelf && unicode.In(r, forbidden...) || r < ' ' || r == 0x7f
}

var forbidden = []*unicode.RangeTable{unicode.Cc, unicode.Co, unicode.Cn, unicode.Cs}

// Ignorable reports whether a character has the property Default_Ignorable_Code_Point: software
// that does not support it shows nothing in its place. Go has no table of the property, so it is
// derived as DerivedCoreProperties.txt says.
func Ignorable(r rune) bool {
	if r < 0xAD || r > 0xAD && r < 0x34F || r > 0x3164 && r < 0xFE00 {
		return false // there are none in between, and most text is there
	}
	if unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
		return true
	}
	return unicode.Is(unicode.Cf, r) && !annotation(r) && !hieroglyphFormat(r) &&
		!unicode.Is(unicode.Prepended_Concatenation_Mark, r) && !unicode.Is(unicode.White_Space, r)
}

// annotation: U+FFF9 to U+FFFB enclose interlinear annotations.
func annotation(r rune) bool { return r >= 0xFFF9 && r <= 0xFFFB }

// hieroglyphFormat: U+13430 to U+1345F arrange Egyptian hieroglyphs.
func hieroglyphFormat(r rune) bool { return r >= 0x13430 && r <= 0x1345F }

// Space reports whether a character has the property White_Space.
func Space(r rune) bool { return unicode.IsSpace(r) }

// Visible reports whether a person sees the character, on its own or on the one before it.
func Visible(r rune) bool {
	return !Space(r) && !Ignorable(r) && !Forbidden(r) && !annotation(r) && !blank(r)
}

// blank: these have an empty glyph, though no property says so.
func blank(r rune) bool {
	return r == 0x2800 || // BRAILLE PATTERN BLANK
		r == 0x1D159 // MUSICAL SYMBOL NULL NOTEHEAD
}

const (
	nonJoiner = 0x200C
	joiner    = 0x200D
)

// CheckShown returns the first rule broken by a text that a person reads before a decision: 1 to
// longest characters, at least one of them visible other than as a mark on another one, and none
// that moves, hides or replaces others. Of the default-ignorable characters only those that
// scripts and emoji need are accepted: ZWJ, ZWNJ, and a variation selector right after a visible
// character.
func CheckShown(s string, longest int) Violation {
	if v := Length(s, 1, longest); v.Kind != OK {
		return v
	}
	shown, afterVisible := false, false
	for i, r := range s {
		if r == utf8.RuneError && !utf8.ValidString(s[i:]) {
			return Violation{Kind: Unsafe, Message: "the text is not valid Unicode"}
		}
		if why := unsafe(r, afterVisible); why != "" {
			return Violation{Kind: Unsafe, Message: why}
		}
		afterVisible = Visible(r)
		shown = shown || afterVisible && !unicode.Is(unicode.M, r)
	}
	if !shown {
		return Violation{Kind: Unsafe, Message: "the text has no visible character"}
	}
	return Violation{}
}

// unsafe returns why a character cannot be shown, or "".
func unsafe(r rune, afterVisible bool) string {
	switch {
	case r >= ' ' && r < 0x7f, r == joiner, r == nonJoiner:
		return ""
	case unicode.In(r, unicode.Zl, unicode.Zp):
		return "the text has a line or paragraph separator"
	case Forbidden(r):
		return "the text has a control, private-use or unassigned character"
	case unicode.Is(unicode.Variation_Selector, r) && afterVisible:
		return ""
	case Ignorable(r) || annotation(r):
		return "the text has an invisible character"
	default:
		return ""
	}
}
