package text_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/hydracore/hydrapin/internal/text"
)

// The tables of normalisation, case folding and categories must be of one version of Unicode: a
// character that only some of them know could be compared as another one.
func TestOneVersionOfUnicode(t *testing.T) {
	t.Parallel()
	if norm.Version != unicode.Version || cases.UnicodeVersion != unicode.Version {
		t.Errorf("Unicode %s, norm %s, cases %s", unicode.Version, norm.Version, cases.UnicodeVersion)
	}
}

// The ranges of Default_Ignorable_Code_Point in DerivedCoreProperties.txt 15.0; they have not
// changed up to 17.0.
var defaultIgnorable = [][2]rune{
	{0x00AD, 0x00AD},
	{0x034F, 0x034F},
	{0x061C, 0x061C},
	{0x115F, 0x1160},
	{0x17B4, 0x17B5},
	{0x180B, 0x180F},
	{0x200B, 0x200F},
	{0x202A, 0x202E},
	{0x2060, 0x206F},
	{0x3164, 0x3164},
	{0xFE00, 0xFE0F},
	{0xFEFF, 0xFEFF},
	{0xFFA0, 0xFFA0},
	{0xFFF0, 0xFFF8},
	{0x1BCA0, 0x1BCA3},
	{0x1D173, 0x1D17A},
	{0xE0000, 0xE0FFF},
}

func TestIgnorable(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		want := slices.ContainsFunc(defaultIgnorable, func(in [2]rune) bool { return in[0] <= r && r <= in[1] })
		if got := text.Ignorable(r); got != want {
			t.Errorf("Ignorable(%U) = %v", r, got)
		}
	}
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	for r, want := range map[rune]bool{
		0: true, '\t': true, '\n': true, '\r': true, 0x1b: true, 0x1f: true, ' ': false, '~': false, 0x7f: true, // Cc
		0x80: true, 0x85: true, 0x9f: true, 0xa0: false,
		0xe000: true, 0xf8ff: true, 0xf0000: true, 0xffffd: true, 0x100000: true, 0x10fffd: true, // Co
		0x378: true, 0x2065: true, 0xfffe: true, 0xffff: true, 0x1fffe: true, 0x10ffff: true, 0xfdd0: true, 0xe0fff: true, // Cn
		0xd800: true, 0xdfff: true, // Cs
		'ß': false, 'я': false, '語': false, 0x1f600: false, 0xfffd: false, 0x2028: false, 0x202e: false, 0x200d: false,
	} {
		if got := text.Forbidden(r); got != want {
			t.Errorf("Forbidden(%U) = %v", r, got)
		}
	}
	// Each code point is in exactly one category, so what is in none of the others is refused.
	others := []*unicode.RangeTable{unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cf}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if text.Forbidden(r) == unicode.In(r, others...) {
			t.Errorf("Forbidden(%U) = %v", r, text.Forbidden(r))
		}
	}
}

func TestCheckShown(t *testing.T) {
	t.Parallel()
	const longest = 500
	for s, want := range map[string]text.Kind{
		"Send 250.00 EUR to DE89 3704 0044 0532 0130 00": text.OK,
		"x":                               text.OK,
		"Überweise 5 € an Jörg":           text.OK,
		"送金 1,000円":                       text.OK,
		"a\u00a0b\u202fc\u3000d":          text.OK, // other spaces
		"\ufffd":                          text.OK,
		"می\u200cخواهم":                   text.OK, // ZWNJ
		"क\u094d\u200dष":                  text.OK, // ZWJ after a virama
		"👩\u200d💻 works":                  text.OK,
		"I ❤\ufe0f you":                   text.OK,
		"👁\ufe0f\u200d🗨\ufe0f":            text.OK,
		"葛\U000E0100城":                    text.OK, // an ideographic variation
		"e\u0301":                         text.OK,
		"\u0600123":                       text.OK, // a number sign that is of Cf and visible
		strings.Repeat("é", longest):      text.OK,
		strings.Repeat("é", longest+1):    text.TooLong,
		strings.Repeat("\x00", longest+1): text.TooLong,
		"":                                text.TooShort,
		" ":                               text.Unsafe,
		"\u00a0\u2003 ":                   text.Unsafe,
		"\u2800\U0001D159":                text.Unsafe, // blank glyphs
		"\u200d\u200c":                    text.Unsafe,
		"\u0301":                          text.Unsafe, // a mark on nothing
		"\ufe0fPay":                       text.Unsafe,
		" \ufe0fPay":                      text.Unsafe,
		"❤\ufe0f\ufe0f":                   text.Unsafe,
		"a\u200d\ufe0f":                   text.Unsafe,
		"eve\rSend 1.00 EUR to Mum\x1b[K": text.Unsafe,
		"Pay\x00":                         text.Unsafe,
		"Pay\t1":                          text.Unsafe,
		"Pay\n1":                          text.Unsafe,
		"Pay\x7f":                         text.Unsafe,
		"Pay\u0085":                       text.Unsafe,
		"Pay\u009b1m":                     text.Unsafe, // CSI in one character
		"Pay\u2028":                       text.Unsafe,
		"Pay\u2029":                       text.Unsafe,
		"Pay\u202e00.1":                   text.Unsafe, // RLO
		"Pay\u2066x\u2069":                text.Unsafe, // isolates
		"Pay\u200b":                       text.Unsafe,
		"Pay\u200e\u200f\u061c":           text.Unsafe,
		"Pay\u00ad":                       text.Unsafe,
		"\ufeffPay":                       text.Unsafe,
		"Pay\u2060":                       text.Unsafe,
		"Pay\u034f":                       text.Unsafe,
		"Pay\u180e":                       text.Unsafe,
		"Pay\u3164\u115f\u1160\uffa0":     text.Unsafe, // Hangul fillers
		"🏴\U000E0067\U000E0062\U000E007F": text.Unsafe, // tags can spell hidden text
		"Pay\ufff9x\ufffay\ufffb":         text.Unsafe,
		"Pay\ue000":                       text.Unsafe,
		"Pay\U000F0000":                   text.Unsafe,
		"Pay\u0378":                       text.Unsafe,
		"Pay\uffff":                       text.Unsafe,
		"Pay\xff":                         text.Unsafe,
		"Pay\xed\xa0\x80":                 text.Unsafe,
	} {
		got := text.CheckShown(s, longest)
		if got.Kind != want {
			t.Errorf("CheckShown(%+q) = %+v, want %q", s, got, want)
		}
		if (got.Message != "") != (want == text.Unsafe) || (got.Limit != 0) != (want == text.TooShort || want == text.TooLong) {
			t.Errorf("CheckShown(%+q) = %+v", s, got)
		}
	}
}

// An invisible character never passes, wherever it stands, and what passes can be read back.
func TestShownTextHidesNothing(t *testing.T) {
	t.Parallel()
	exceptions := []rune{0x200c, 0x200d}
	rapid.Check(t, func(rt *rapid.T) {
		before, after := rapid.String().Draw(rt, "before"), rapid.String().Draw(rt, "after")
		in := rapid.SampledFrom(defaultIgnorable).Draw(rt, "range")
		r := rapid.Int32Range(in[0], in[1]).Draw(rt, "rune")
		if slices.Contains(exceptions, r) || unicode.Is(unicode.Variation_Selector, r) {
			return
		}
		if v := text.CheckShown(before+string(r)+after, 1<<20); v.Kind != text.Unsafe {
			rt.Fatalf("%U is shown: %+v", r, v)
		}
	})
}

func FuzzCheckShown(f *testing.F) {
	for _, s := range []string{"", "Pay", "\u202e", "❤\ufe0f", "\xff", " ", "e\u0301\u200d", "\ufffd\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := text.CheckShown(s, 500)
		if strings.Contains(fmt.Sprint(v), s) && utf8.RuneCountInString(s) > 40 {
			t.Fatalf("%+v holds the text", v)
		}
		if v.Kind != text.OK {
			return
		}
		if n := utf8.RuneCountInString(s); n < 1 || n > 500 || !utf8.ValidString(s) {
			t.Fatalf("%q is accepted", s)
		}
		visible := false
		for _, r := range s {
			if text.Forbidden(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Cc) {
				t.Fatalf("%U is accepted", r)
			}
			visible = visible || text.Visible(r)
		}
		if !visible {
			t.Fatalf("%+q is accepted", s)
		}
	})
}
