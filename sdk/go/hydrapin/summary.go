package hydrapin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxSummary = 500

// ErrSummary is wrapped by [Summary] when the summary cannot be shown: a value is missing, the
// template has an error, or nothing or too much would be shown.
var ErrSummary = errors.New("hydrapin: summary")

var placeholder = regexp.MustCompile(`\{\{|\}\}|\{([^{}]*)\}|[{}]`)

// Summary returns what a person is shown: a template such as
//
//	Send {amount} {currency} to {recipient.iban}
//
// filled from the params. Dots lead into nested objects; {{ and }} are braces. Objects and arrays
// are shown as their canonical JSON. A missing value, and null, is an [ErrSummary].
//
// Control characters, bidirectional controls and other invisible characters of a value are shown as
// [U+202E], so that no value can rewrite the question. The few that formatters of numbers and dates
// put in are removed.
func Summary(template string, params any) (string, error) {
	text, err := CanonicalParams(params)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrSummary, err)
	}
	var missing error
	filled := placeholder.ReplaceAllStringFunc(template, func(match string) string {
		switch {
		case match == "{{" || match == "}}":
			return match[:1]
		case len(match) == 1:
			missing = fmt.Errorf("%w: the template has a brace without its other one", ErrSummary)
			return ""
		}
		value, err := valueAt(text, strings.Split(match[1:len(match)-1], "."))
		if err != nil {
			missing = fmt.Errorf("%w: the params have no value for %s", ErrSummary, match)
		}
		return shown(value)
	})
	switch {
	case missing != nil:
		return "", missing
	case utf8.RuneCountInString(filled) > maxSummary:
		return "", fmt.Errorf("%w: longer than %d characters", ErrSummary, maxSummary)
	case !strings.ContainsFunc(filled, func(r rune) bool { return visible(r) && !unicode.IsMark(r) }):
		return "", fmt.Errorf("%w: shows nothing", ErrSummary)
	}
	return filled, nil
}

var errNoValue = errors.New("no value")

// valueAt returns a member of canonical JSON: a string's content, or the JSON of anything else.
func valueAt(text json.RawMessage, path []string) (string, error) {
	for _, member := range path {
		var members map[string]json.RawMessage
		if json.Unmarshal(text, &members) != nil {
			return "", errNoValue
		}
		value, ok := members[member]
		if !ok || bytes.Equal(value, []byte("null")) {
			return "", errNoValue
		}
		text = value
	}
	if text[0] != '"' {
		return string(text), nil
	}
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return "", err
	}
	return s, nil
}

// formatting are invisible characters that formatters put in: LRM, RLM, ALM, ZWSP, soft hyphen, BOM.
const formatting = "\u200e\u200f\u061c\u200b\u00ad\ufeff"

// shown returns a value with what cannot be seen made visible.
func shown(value string) string {
	var b strings.Builder
	var before rune // the character in front, 0 if it was made visible
	for _, r := range value {
		if strings.ContainsRune(formatting, r) {
			continue
		}
		// Parts of an emoji or of a word if they follow something visible, and otherwise nothing.
		kept := isSelector(r) && visible(before) ||
			(r == '\u200c' || r == '\u200d') && (visible(before) || isSelector(before))
		if kept || !unsafe(r) {
			b.WriteRune(r)
			before = r
			continue
		}
		fmt.Fprintf(&b, "[U+%04X]", r)
		before = 0
	}
	return b.String()
}

// isSelector reports whether r is a variation selector.
func isSelector(r rune) bool {
	return r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF
}

// unsafe reports whether r is a control, private-use, unassigned or default-ignorable character, a
// line or paragraph separator, or a mark of interlinear annotation.
func unsafe(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cs, unicode.Co, unicode.Cn, unicode.Zl, unicode.Zp, ignorable) ||
		r >= 0xFFF9 && r <= 0xFFFB
}

// visible reports whether a character shows something. U+2800 and U+1D159 have an empty glyph.
func visible(r rune) bool {
	return r != 0 && r != 0x2800 && r != 0x1D159 && !unicode.IsSpace(r) && !unsafe(r)
}

// ignorable is Default_Ignorable_Code_Point of Unicode, which package unicode has in parts.
var ignorable = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x00AD, 0x00AD, 1},
		{0x034F, 0x034F, 1},
		{0x061C, 0x061C, 1},
		{0x115F, 0x1160, 1},
		{0x17B4, 0x17B5, 1},
		{0x180B, 0x180F, 1},
		{0x200B, 0x200F, 1},
		{0x202A, 0x202E, 1},
		{0x2060, 0x206F, 1},
		{0x3164, 0x3164, 1},
		{0xFE00, 0xFE0F, 1},
		{0xFEFF, 0xFEFF, 1},
		{0xFFA0, 0xFFA0, 1},
		{0xFFF0, 0xFFF8, 1},
	},
	R32: []unicode.Range32{{0x1BCA0, 0x1BCA3, 1}, {0x1D173, 0x1D17A, 1}, {0xE0000, 0xE0FFF, 1}},
}
