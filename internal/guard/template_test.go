package guard_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hydracore/hydrapin/internal/guard"
)

func TestTemplates(t *testing.T) {
	t.Parallel()
	const arguments = `{"a":{"b":"deep","c":[1,"x"]},"amount":"250.00","bidi":"a` + "\u202e" + `b","f":1.5,"long":"` +
		`0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789tail","null":null,"markup":"<b>{x}</b>"}`
	for name, tt := range map[string]struct{ template, want string }{
		"text":         {"Pay the rent", "Pay the rent"},
		"value":        {"Send {amount}", "Send 250.00"},
		"nested":       {"{a.b}: {a.c}", `deep: [1,"x"]`},
		"number":       {"{f}", "1.5"},
		"braces":       {"{{{amount}}}", "{250.00}"},
		"bidi":         {"{bidi}", "a[U+202E]b"},
		"cut":          {"{long}.", strings.Repeat("0123456789", 10) + "…."},
		"markup":       {"{markup}", "<b>{x}</b>"},
		"no such name": {"{b}", ""},
		"null":         {"{null}", ""},
		"not nested":   {"{amount.x}", ""},
		"open brace":   {"{amount", ""},
		"closed brace": {"amount}", ""},
		"empty name":   {"{}", ""},
		"empty part":   {"{a..b}", ""},
		"too long":     {strings.Repeat("{long} ", 6), ""},
	} {
		got, err := guard.Fill(tt.template, "t", arguments)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v, want %q", name, got, err, tt.want)
		}
	}
}

func TestDefaultSummaries(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ tool, arguments, want string }{
		"nothing":   {"wipe", `{}`, "Run wipe"},
		"arguments": {"pay", `{"amount":1,"empty":"","null":null,"to":{"iban":"DE"}}`, `Run pay: amount = 1, empty = , null = null, to = {"iban":"DE"}`},
		"odd names": {"pay", `{"":1,"a b":2,"ü":3}`, `Run pay: "" = 1, "a b" = 2, "\u00fc" = 3`},
		"invisible": {"p\u200by", `{"a":"` + "\u2028" + `"}`, "Run py: a = [U+2028]"},
		"markup":    {"pay", `{"a":"</p>\n{b}"}`, "Run pay: a = </p>[U+000A]{b}"},
	} {
		if got, err := guard.Fill("", tt.tool, tt.arguments); got != tt.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", name, got, err, tt.want)
		}
	}
	var many strings.Builder
	for i := range 60 {
		many.WriteString(`,"n` + string(rune('0'+i/10)) + string(rune('0'+i%10)) + `":"` + strings.Repeat("x", 150) + `"`)
	}
	got, err := guard.Fill("", "pay", "{"+many.String()[1:]+"}")
	if err != nil || utf8.RuneCountInString(got) > 450 || !strings.HasSuffix(got, " and 57 more") {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := guard.Fill("", strings.Repeat("\u202e", 100), `{"a":1}`); err != nil && got != "" {
		t.Errorf("%q, %v", got, err)
	}
}
