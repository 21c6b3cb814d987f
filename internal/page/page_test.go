package page_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/hydracore/hydrapin/internal/page"
	"github.com/hydracore/hydrapin/internal/page/link"
	"github.com/hydracore/hydrapin/internal/page/pagetest"
)

var (
	now       = time.Date(2026, time.November, 27, 14, 0, 0, 0, time.UTC)
	languages = []string{"en", "es", "pt", "de"}
)

const publicURL = "https://pin.bank.example/some/prefix"

// stand is pages over a back end that knows every state.
type stand struct {
	pages   *page.Pages
	backend *pagetest.Backend
	states  map[string]pagetest.State
	links   link.Ring
	errors  []error
}

func setup(t testing.TB, brand page.Brand) *stand {
	t.Helper()
	s := &stand{states: make(map[string]pagetest.State)}
	all := pagetest.States(now)
	for _, state := range all {
		s.states[state.Name] = state
	}
	clock := func() time.Time { return now }
	s.backend = pagetest.NewBackend(clock, all)
	ring, err := link.NewRing(bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	s.links = ring
	s.pages, err = page.New(page.Options{
		PublicURL: publicURL, Links: ring, Backend: s.backend, Brand: brand, Now: clock,
		Report: func(_ context.Context, err error) { s.errors = append(s.errors, err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stand) path(t testing.TB, name string) string {
	t.Helper()
	state, ok := s.states[name]
	if !ok {
		t.Fatalf("no state %q", name)
	}
	return "/" + string(state.Purpose) + "/" + s.links.Token(state.Purpose, state.ID())
}

func (s *stand) do(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	s.pages.ServeHTTP(w, r)
	return w.Result()
}

func (s *stand) get(target string) *http.Response {
	return s.do(httptest.NewRequest(http.MethodGet, target, http.NoBody))
}

func (s *stand) post(target string, values url.Values) *http.Response {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(r)
}

func confirm(pin string, used int) url.Values {
	return url.Values{"decision": {"confirm"}, "pin": {pin}, "used": {fmt.Sprint(used)}}
}

// document is a page as a browser reads it.
type document struct {
	*html.Node
	raw string
}

func read(t *testing.T, response *http.Response) document {
	t.Helper()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	node, err := html.Parse(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return document{node, string(raw)}
}

// all returns the elements of a name that have an attribute, and with a value that one; an empty
// attribute asks for none.
func (d document) all(name, attribute, value string) []*html.Node {
	var found []*html.Node
	for n := range d.Descendants() {
		if n.Type != html.ElementNode || n.Data != name {
			continue
		}
		got, has := attr(n, attribute)
		if attribute == "" || has && (value == "" || got == value) {
			found = append(found, n)
		}
	}
	return found
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func text(n *html.Node) string {
	var out strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			out.WriteString(d.Data)
		}
	}
	return out.String()
}

func (d document) text() string {
	body := d.all("body", "", "")
	if len(body) != 1 {
		return ""
	}
	return text(body[0])
}

func (d document) hasPINField() bool { return len(d.all("input", "name", "pin")) > 0 }

// wantHeaders holds the headers that page.md names, byte for byte.
func wantHeaders(t *testing.T, h http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
			"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		"Cache-Control":              "no-store",
		"Referrer-Policy":            "same-origin",
		"X-Content-Type-Options":     "nosniff",
		"Cross-Origin-Opener-Policy": "same-origin",
		"X-Robots-Tag":               "noindex",
	} {
		if got := h.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := h.Values("Set-Cookie"); len(got) > 0 {
		t.Errorf("a cookie: %q", got)
	}
}

// wantSound holds what is true of every page.
func wantSound(t *testing.T, response *http.Response, d document, language string) {
	t.Helper()
	wantHeaders(t, response.Header)
	if got := response.Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("Content-Type: %q", got)
	}
	root := d.all("html", "lang", language)
	if len(root) != 1 {
		t.Errorf("the page's language is not %s", language)
	} else if dir, _ := attr(root[0], "dir"); dir != "ltr" {
		t.Errorf("dir = %q", dir)
	}
	if n := len(d.all("h1", "", "")); n != 1 {
		t.Errorf("%d headings of the first level", n)
	}
	ids := make(map[string]bool)
	for n := range d.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		wantHarmless(t, n)
		if id, ok := attr(n, "id"); ok {
			if ids[id] {
				t.Errorf("the id %s is there twice", id)
			}
			ids[id] = true
		}
	}
	for n := range d.Descendants() {
		for _, name := range []string{"for", "aria-describedby"} {
			value, _ := attr(n, name)
			for id := range strings.FieldsSeq(value) {
				if !ids[id] {
					t.Errorf("%s=%q names nothing", name, id)
				}
			}
		}
	}
	for _, word := range []string{"<no value>", "%!", "ZgotmplZ", "{{.N", "{{.C", "{{.T"} {
		if strings.Contains(strings.ReplaceAll(d.raw, "{{.Name}} <span", ""), word) {
			t.Errorf("the page holds %q", word)
		}
	}
}

// wantHarmless holds that an element brings no script or style of its own and names no other host.
func wantHarmless(t *testing.T, n *html.Node) {
	t.Helper()
	switch n.Data {
	case "style", "iframe", "object", "embed", "base", "svg":
		t.Errorf("<%s>", n.Data)
	case "script":
		if _, has := attr(n, "src"); !has || n.FirstChild != nil {
			t.Error("an inline script")
		}
	}
	for _, a := range n.Attr {
		switch {
		case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
			t.Errorf("<%s %s>", n.Data, a.Key)
		case a.Key == "property" && strings.HasPrefix(a.Val, "og:"):
			t.Error("an Open Graph tag")
		case a.Key == "action" || a.Key == "formaction":
			t.Errorf("a form with an address: %q", a.Val)
		case a.Key != "href" && a.Key != "src":
		case strings.HasPrefix(a.Val, "assets/") || strings.HasPrefix(a.Val, "?"):
		case n.Data == "a" && a.Val == "https://help.example/pin":
		default:
			t.Errorf("<%s %s=%q> is not relative to the page", n.Data, a.Key, a.Val)
		}
	}
}

func TestEveryPageInEveryLanguage(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{Name: "Northbank", SupportURL: "https://help.example/pin"})
	heads := make(map[string]string)
	for name := range s.states {
		for _, language := range languages {
			for _, all := range []string{"", "&all=1"} {
				response := s.get(s.path(t, name) + "?lang=" + language + all)
				d := read(t, response)
				wantSound(t, response, d, language)
				want := http.StatusOK
				if name == "expired" || name == "set-ended" {
					want = http.StatusGone
				}
				if response.StatusCode != want {
					t.Errorf("%s: %d", name, response.StatusCode)
				}
				// Title and meta elements are the same for every link.
				head, _, _ := strings.Cut(d.raw, "</head>")
				if heads[language] == "" {
					heads[language] = head
				}
				if head != heads[language] {
					t.Errorf("%s, %s: another head: %s", name, language, head)
				}
			}
		}
	}
	if len(s.errors) > 0 {
		t.Error(s.errors)
	}
}

func TestTheLinksOfAPageKeepTheLanguage(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{})
	d := read(t, s.get(s.path(t, "pending-rows")+"?lang=de"))
	if len(d.all("a", "href", "?all=1&lang=de")) != 1 {
		t.Error("no link to the whole question in the same language")
	}
	for target, want := range map[string]string{"": "", "?lang=de": "?lang=de", "?lang=xx": "", "?all=1&lang=es": "?lang=es"} {
		s := setup(t, page.Brand{})
		path := s.path(t, "pending")
		response := s.post(path+target, confirm(pagetest.CorrectPIN, 0))
		if response.StatusCode != http.StatusSeeOther {
			t.Errorf("%q: %d", target, response.StatusCode)
		}
		location := response.Header.Get("Location")
		if location != path[strings.LastIndex(path, "/")+1:]+want {
			t.Errorf("%q: Location %q", target, location)
		}
		base, _ := url.Parse(publicURL + path + target)
		if to, err := base.Parse(location); err != nil || to.String() != publicURL+path+want {
			t.Errorf("%q leads to %v", target, to)
		}
		wantHeaders(t, response.Header)
	}
}

func TestTheLanguageIsTheReaders(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{})
	for _, c := range []struct{ header, query, want string }{
		{"", "", "en"},
		{"fr-CH, fr;q=0.9, de;q=0.7, *;q=0.5", "", "de"},
		{"pt-BR,pt;q=0.9", "", "pt"},
		{"es-419", "", "es"},
		{"ja", "", "en"},
		{"\xff;;;q=q", "", "en"},
		{"de", "?lang=es", "es"},
		{"de", "?lang=ES", "es"},
		{"de", "?lang=tlh", "de"},
		{"de", "?lang=es&lang=pt", "es"},
	} {
		r := httptest.NewRequest(http.MethodGet, s.path(t, "pending")+c.query, http.NoBody)
		r.Header.Set("Accept-Language", c.header)
		if d := read(t, s.do(r)); len(d.all("html", "lang", c.want)) != 1 {
			t.Errorf("%q, %q: not %s", c.header, c.query, c.want)
		}
	}
}

func TestTimesWithoutAScript(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{})
	for language, want := range map[string]string{
		"en": "27 November 2026, 14:04 UTC", "es": "27 de noviembre de 2026, 14:04 UTC",
		"pt": "27 de novembro de 2026, 14:04 UTC", "de": "27. November 2026, 14:04 Uhr UTC",
	} {
		d := read(t, s.get(s.path(t, "pending")+"?lang="+language))
		times := d.all("time", "datetime", "2026-11-27T14:04:43Z")
		if len(times) != 1 || text(times[0]) != want {
			t.Errorf("%s: %v", language, d.text())
		}
	}
}

func TestTheWholePageIsSmall(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{Name: "Northbank", SupportURL: "https://help.example/pin"})
	for _, language := range languages {
		path := s.path(t, "pending") + "?lang=" + language
		d := read(t, s.get(path))
		if rows := len(d.all("dt", "", "")); rows != 5 {
			t.Fatalf("%d rows", rows)
		}
		total := len(d.raw)
		for _, n := range append(d.all("link", "href", ""), d.all("script", "src", "")...) {
			from, has := attr(n, "href")
			if !has {
				from, _ = attr(n, "src")
			}
			total += len(read(t, s.get("/confirm/"+from)).raw)
		}
		if total > 30*1024 || total > 30_000 {
			t.Errorf("%s: %d bytes", language, total)
		}
	}
}
