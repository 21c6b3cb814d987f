package policy

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/hydracore/hydrapin/internal/text"
)

// FoldSkill returns the form in which the names of skills are compared, so that another spelling
// of a name does not fail open: without default-ignorable characters, with each run of spaces as
// one space, in compatibility decomposition (NFKD), and case-folded in full, repeated until it is
// stable. It is Unicode's compatibility caseless match (D146), without what people cannot see.
func FoldSkill(s string) string {
	if isASCII(s) {
		return strings.ToLower(oneSpace(s))
	}
	for range maxRounds {
		s = decompose(s)
		next := foldCase(s)
		if next == s {
			break
		}
		s = next
	}
	return s
}

// maxRounds ends the folding of a text whatever a future version of Unicode does.
const maxRounds = 8

// foldCase folds case in full. The library leaves the small letters of Cherokee as they are, which
// CaseFolding.txt folds to the capitals.
func foldCase(s string) string {
	if !strings.ContainsFunc(s, hasCase) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 0xAB70 && r <= 0xABBF:
			return r - 0xAB70 + 0x13A0
		case r >= 0x13F8 && r <= 0x13FD:
			return r - 8
		}
		return r
	}, cases.Fold().String(s))
}

// hasCase reports whether case folding can change a character. Decomposed text has no character
// that folds in full and has no simple folding.
func hasCase(r rune) bool {
	if r < utf8.RuneSelf {
		return 'A' <= r && r <= 'Z'
	}
	return unicode.SimpleFold(r) != r
}

// decompose removes ignorable characters, collapses spaces and decomposes, until the text is
// stable: some characters decompose into a space and a mark.
func decompose(s string) string {
	for range maxRounds {
		next := nfkd(oneSpace(withoutIgnorable(s)))
		if next == s {
			break
		}
		s = next
	}
	return s
}

func withoutIgnorable(s string) string {
	if !strings.ContainsFunc(s, text.Ignorable) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if text.Ignorable(r) {
			return -1
		}
		return r
	}, s)
}

// oneSpace writes each run of spaces, of whatever kind, as one U+0020.
func oneSpace(s string) string {
	if !strings.ContainsFunc(strings.ReplaceAll(s, " ", ""), text.Space) && !strings.Contains(s, "  ") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	before := false
	for _, r := range s {
		space := text.Space(r)
		switch {
		case !space:
			b.WriteRune(r)
		case !before:
			b.WriteByte(' ')
		}
		before = space
	}
	return b.String()
}

// joinerOfMarks is U+034F COMBINING GRAPHEME JOINER, which is ignorable.
const joinerOfMarks = "\u034f"

// nfkd is norm.NFKD for text without ignorable characters. Where more than 30 marks are in a row the
// library inserts joiners (the stream-safe format of UAX #15), with which two spellings of one name
// would stay different: such text is decomposed and sorted here.
func nfkd(s string) string {
	if decomposed := norm.NFKD.String(s); !strings.Contains(decomposed, joinerOfMarks) {
		return decomposed
	}
	runes := make([]rune, 0, len(s))
	for _, r := range s {
		runes = append(runes, []rune(norm.NFKD.String(string(r)))...)
	}
	for i := 0; i < len(runes); i++ {
		first := i
		for i < len(runes) && isMark(runes[i]) {
			i++
		}
		slices.SortStableFunc(runes[first:i], func(a, b rune) int { return cmp.Compare(class(a), class(b)) })
	}
	return string(runes)
}

// class is the canonical combining class.
func class(r rune) uint8 { return norm.NFKD.PropertiesString(string(r)).CCC() }

// isMark reports whether normalisation can move the character before or after its neighbours.
func isMark(r rune) bool { return r >= utf8.RuneSelf && class(r) != 0 }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
