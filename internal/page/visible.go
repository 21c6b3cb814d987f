package page

import (
	"fmt"
	"strings"
	"unicode"
)

// piece is a stretch of text from outside: as it is, or a box that names one character that the eye
// would not see, or that would move others.
type piece struct {
	Text  string
	Boxed bool
}

const (
	zwnj      = '\u200c'
	zwj       = '\u200d'
	textStyle = '\ufe0e'
	emoji     = '\ufe0f'
	keycap    = '\u20e3'
	// Marks stack without end on one character and would paint over what is above.
	maxMarks = 3
)

// pieces divides text into what is shown as it is and what is shown in a box, such as U+202E. A line
// feed stays: it is shown as a line.
func pieces(text string) []piece {
	runes := []rune(text)
	// What is nothing but spaces would look like nothing at all.
	blank := strings.TrimSpace(text) == ""
	var out []piece
	var plain strings.Builder
	marks := 0
	for i, r := range runes {
		if unicode.In(r, unicode.Mn, unicode.Me) {
			marks++
		} else {
			marks = 0
		}
		if !blank && marks <= maxMarks && isVisible(runes, i) {
			plain.WriteRune(r)
			continue
		}
		if plain.Len() > 0 {
			out = append(out, piece{Text: plain.String()})
			plain.Reset()
		}
		out = append(out, piece{Text: fmt.Sprintf("U+%04X", r), Boxed: true})
	}
	if plain.Len() > 0 {
		out = append(out, piece{Text: plain.String()})
	}
	return out
}

// isVisible says whether the rune at i can be shown as it is.
func isVisible(runes []rune, i int) bool {
	switch r := runes[i]; r {
	case '\n':
		return true
	case zwj, zwnj:
		return joins(runes, i)
	case textStyle, emoji:
		return i > 0 && (runes[i-1] > unicode.MaxASCII && isGraphic(runes[i-1]) && !isIgnorable(runes[i-1]) ||
			i+1 < len(runes) && runes[i+1] == keycap)
	default:
		return isGraphic(r) && !isIgnorable(r)
	}
}

// joins says whether a joiner stands where scripts and emoji need one: between two visible characters
// that are not ASCII. Between digits or Latin letters it changes nothing that the eye sees.
func joins(runes []rune, i int) bool {
	if i == 0 || i+1 == len(runes) {
		return false
	}
	before, after := runes[i-1], runes[i+1]
	return before > unicode.MaxLatin1 && after > unicode.MaxLatin1 &&
		(before == emoji || isGraphic(before) && !isIgnorable(before)) && isGraphic(after) && !isIgnorable(after) &&
		!unicode.In(before, unicode.Latin, unicode.Greek, unicode.Cyrillic) &&
		!unicode.In(after, unicode.Latin, unicode.Greek, unicode.Cyrillic)
}

// isGraphic says whether a font draws the rune or it is a space. Controls, format characters, line and
// paragraph separators, private-use, unassigned characters and surrogates are not.
func isGraphic(r rune) bool { return unicode.IsGraphic(r) }

// isIgnorable says whether a graphic rune is drawn as nothing: the Default_Ignorable_Code_Points that
// are letters or marks (DerivedCoreProperties), the empty pattern of Braille and the null notehead.
func isIgnorable(r rune) bool {
	switch r {
	case '\u034f', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u3164', '\uffa0', '\u2800', '\U0001d159':
		return true
	default:
		return unicode.In(r, unicode.Variation_Selector)
	}
}
