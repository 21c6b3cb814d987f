package page_test

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/hydracore/hydrapin/internal/page"
	"github.com/hydracore/hydrapin/internal/page/pagetest"
)

// boxes are the characters that a page names in a box.
func boxes(d document) []string {
	var out []string
	for _, n := range d.all("span", "class", "u") {
		out = append(out, text(n))
	}
	return out
}

func ask(t *testing.T, change func(*page.Question)) (*stand, string) {
	t.Helper()
	s := setup(t, page.Brand{})
	s.backend.Change(s.states["pending"].ID(), change)
	path := s.path(t, "pending")
	return s, path
}

func TestATextFromOutsideStaysText(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{})
	plain := read(t, s.get(s.path(t, "pending")))
	response := s.get(s.path(t, "pending-hostile"))
	d := read(t, response)
	wantSound(t, response, d, "en")
	for _, element := range []string{"script", "img", "h1", "h2", "form", "button", "input", "main", "a", "blockquote"} {
		if got, want := len(d.all(element, "", "")), len(plain.all(element, "", "")); got != want {
			t.Errorf("%d <%s>, want %d", got, element, want)
		}
	}
	quote := text(d.all("blockquote", "", "")[0])
	for _, want := range []string{"</blockquote></div><script>alert(1)</script>", "{{.Name}}", "U+202E", "U+2066", "U+200B", "U+0000"} {
		if !strings.Contains(quote, want) {
			t.Errorf("the quotation has no %q: %s", want, quote)
		}
	}
	wantNothingInvisible(t, d)
}

// wantNothingInvisible holds that no character reaches the page that moves others or is not seen.
func wantNothingInvisible(t *testing.T, d document) {
	t.Helper()
	for n := range d.Descendants() {
		if n.Type != html.TextNode {
			continue
		}
		for _, r := range n.Data {
			switch {
			case r == '\u200b', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\u00ad', r == '\ufeff',
				r == '\u2800', r == '\u3164', r >= 0xe000 && r <= 0xf8ff, r >= 0xe0000, r < ' ' && r != '\n':
				t.Errorf("%U reaches the page", r)
			}
		}
	}
}

func TestInvisibleCharactersAreBoxed(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\u202eb":                       "U+202E",
		"a\u2067b\u2069":                 "U+2067 U+2069",
		"pay\u200b":                      "U+200B",
		"\ufeffpay":                      "U+FEFF",
		"soft\u00adhyphen":               "U+00AD",
		"line\u2028para\u2029":           "U+2028 U+2029",
		"tab\there\r":                    "U+0009 U+000D",
		"\x1b[31m\x7f\u0085":             "U+001B U+007F U+0085",
		"private\ue000":                  "U+E000",
		"unassigned\u0378":               "U+0378",
		"tag\U000e0041":                  "U+E0041",
		"filler\u3164\u115f\uffa0\u2800": "U+3164 U+115F U+FFA0 U+2800",
		"12\u200d34\u200c56":             "U+200D U+200C",
		"lat\u200cin":                    "U+200C",
		"5\ufe0f0":                       "U+FE0F",
		"\ufe0f":                         "U+FE0F",
		"   ":                            "U+0020 U+0020 U+0020",
		"\u00a0\n":                       "U+00A0 U+000A",
		"e\u0301\u0301\u0301\u0301":      "U+0301",
		// What people write stays as it is.
		"ZWJ 👩‍👧 and 🏳️‍🌈, ❤️ 1️⃣ ©️": "",
		"می\u200cخواهم": "",
		"क्\u200dष":     "",
		"Ünïcödé, 日本語, العربية, עברית": "",
		"Tiếng Việt e\u0323\u0302":     "",
		"a  b\u00a0c":                  "",
		"first\nsecond":                "",
	} {
		s, path := ask(t, func(q *page.Question) { q.Summary = in })
		d := read(t, s.get(path))
		if got := strings.Join(boxes(d), " "); got != want {
			t.Errorf("%+q: boxes %q, want %q", in, got, want)
		}
		if quote := text(d.all("blockquote", "", "")[0]); want == "" && quote != in {
			t.Errorf("%+q is shown as %+q", in, quote)
		}
	}
}

func TestNobodyConfirmsWhatWasNotShown(t *testing.T) {
	t.Parallel()
	var skills []string
	for range 101 {
		skills = append(skills, "skill")
	}
	for name, c := range map[string]struct {
		change func(*page.Question)
		folded bool
		more   string
	}{
		"a long value": {func(q *page.Question) {
			q.Params = []byte(`{"body":"` + strings.Repeat("x", 10_000) + `END"}`)
		}, true, "9723 more characters"},
		"a value as long as fits":        {func(q *page.Question) { q.Params = []byte(`{"body":"` + strings.Repeat("é", 280) + `"}`) }, false, ""},
		"one character more":             {func(q *page.Question) { q.Params = []byte(`{"body":"` + strings.Repeat("é", 281) + `"}`) }, true, "1 more character"},
		"many lines":                     {func(q *page.Question) { q.Params = []byte(`{"body":"` + strings.Repeat(`\n`, 8) + `END"}`) }, true, "4 more characters"},
		"a long name":                    {func(q *page.Question) { q.Params = []byte(`{"` + strings.Repeat("n", 300) + `":1}`) }, true, "20 more characters"},
		"a hundred rows":                 {func(q *page.Question) { q.Params = []byte("{\"l\":[" + strings.Repeat("1,", 98) + "1]}") }, false, ""},
		"a hundred and one rows":         {func(q *page.Question) { q.Params = []byte("{\"l\":[" + strings.Repeat("1,", 99) + "1]}") }, true, "1 more row"},
		"a list that is folded entirely": {func(q *page.Question) { q.Params = []byte("{\"l\":[" + strings.Repeat("1,", 98) + "1],\"m\":[1,2]}") }, true, "3 more rows"},
		"many skills": {func(q *page.Question) {
			q.Summary, q.Params, q.Opens = "", nil, &page.Session{Until: now, Skills: skills}
		}, true, "1 more row"},
	} {
		s, path := ask(t, c.change)
		d := read(t, s.get(path))
		if d.hasPINField() == c.folded {
			t.Errorf("%s: PIN field: %t", name, d.hasPINField())
		}
		if links := len(d.all("a", "href", "?all=1")); (links == 1) != c.folded {
			t.Errorf("%s: %d links to the whole question", name, links)
		}
		if !strings.Contains(d.text(), c.more) {
			t.Errorf("%s: %s", name, d.text())
		}
		whole := read(t, s.get(path+"?all=1"))
		if !whole.hasPINField() || strings.Contains(whole.text(), "…") {
			t.Errorf("%s: the whole page is not whole", name)
		}
		if c.folded {
			response := s.post(path, confirm(pagetest.CorrectPIN, 0))
			if d := read(t, response); response.StatusCode != http.StatusOK || d.hasPINField() || len(s.backend.Answers()) != 0 {
				t.Errorf("%s: confirmed without the whole page: %d", name, response.StatusCode)
			}
		}
		if response := s.post(path+"?all=1", confirm(pagetest.CorrectPIN, 0)); response.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d", name, response.StatusCode)
		}
	}
}

func TestValuesAreWrittenAsTheyAre(t *testing.T) {
	t.Parallel()
	s, path := ask(t, func(q *page.Question) {
		q.Params = []byte(`{"b":1e+21,"a":0.1,"big":12345678901234567890,"":"no name","t":true,"n":null,"e":"","l":[],"o":{},"s":"null"}`)
	})
	var got []string
	d := read(t, s.get(path))
	for _, dd := range d.all("dd", "", "") {
		got = append(got, dd.FirstChild.Data+":"+text(dd))
	}
	want := "bdi:1e+21 bdi:0.1 bdi:12345678901234567890 bdi:no name i:yes i:no value i:empty i:empty list i:empty list bdi:null"
	if strings.Join(got, " ") != want {
		t.Errorf("%q", got)
	}
	if first := text(d.all("dt", "", "")[0]); first != "b" {
		t.Errorf("the order is not kept: %s first", first)
	}
}

func TestTheDepthIsShownAsDepth(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{})
	d := read(t, s.get(s.path(t, "pending-deep")))
	depth, deepest := 0, 0
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Data == "dl" {
			depth++
			deepest = max(deepest, depth)
			defer func() { depth-- }()
		}
		for c := range n.ChildNodes() {
			walk(c)
		}
	}
	walk(d.Node)
	// The empty object on the last level is a word, and has no list of its own.
	if deepest != 31 || !d.hasPINField() {
		t.Errorf("%d lists in each other, PIN field %t", deepest, d.hasPINField())
	}
}

func TestParamsThatCannotBeShownAreNotConfirmed(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		`[]`, `"x"`, `{`, `{"a"}`, `{"a":1}{"b":2}`, `{"a":1} x`, `nope`, pagetest.Nested(33),
		`{"a":"` + strings.Repeat("x", 200<<10) + `"}`, `{"a":[1,2}`,
	} {
		s, path := ask(t, func(q *page.Question) { q.Params = []byte(raw) })
		for _, query := range []string{"", "?all=1"} {
			if response := s.get(path + query); response.StatusCode != http.StatusInternalServerError {
				t.Errorf("%.30q: GET %d", raw, response.StatusCode)
			}
			if response := s.post(path+query, confirm(pagetest.CorrectPIN, 0)); response.StatusCode == http.StatusSeeOther {
				t.Errorf("%.30q: confirmed", raw)
			}
		}
		if n := len(s.backend.Answers()); n != 0 {
			t.Errorf("%.30q: %d answers", raw, n)
		}
	}
}

func FuzzParams(f *testing.F) {
	for _, seed := range []string{pagetest.Params, pagetest.Nested(32), `{"a":"\u202e"}`, `{"</dl>":[[[]]]}`, `{"a":1e400}`} {
		f.Add([]byte(seed), "Pay "+pagetest.Hostile)
	}
	s := setup(f, page.Brand{})
	path := s.path(f, "pending")
	f.Fuzz(func(t *testing.T, params []byte, summary string) {
		s.backend.Change(s.states["pending"].ID(), func(q *page.Question) { q.Params, q.Summary = params, summary })
		for _, query := range []string{"", "?all=1"} {
			response := s.get(path + query)
			d := read(t, response)
			if response.StatusCode == http.StatusInternalServerError {
				continue
			}
			wantNothingInvisible(t, d)
			forms, scripts, fields := len(d.all("form", "", "")), len(d.all("script", "", "")), len(d.all("input", "name", ""))
			if response.StatusCode != http.StatusOK || scripts != 1 || forms == 2 && fields != 4 || forms == 1 && fields != 1 || forms > 2 {
				t.Errorf("%d, %d scripts, %d forms, %d fields", response.StatusCode, scripts, forms, fields)
			}
		}
	})
}
