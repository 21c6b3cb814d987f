package page_test

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/page"
	"github.com/hydracore/hydrapin/internal/page/link"
)

const svg = `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 30"><rect width="120" height="30"/></svg>`

func TestColors(t *testing.T) {
	t.Parallel()
	for color, want := range map[string]string{
		"#000000": "", "#0b57b0": "", "#00695C": "", "#767676": "",
		"#777777": "4.47:1", "#ffffff": "1.00:1", "#ffcc00": "1.5", "#ff0000": "3.99:1",
		"": "six", "0b57b0": "six", "#0b57b": "six", "#0b57b00": "six", "#0b57bg": "six", "red": "six", "#+b57b0": "six",
		"#000;}body{display:none": "six",
	} {
		err := page.CheckColor(color)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", color, err)
		}
	}
	if err := page.CheckColor(page.DefaultColor); err != nil {
		t.Error(err)
	}
}

func TestBrandsThatStopTheStart(t *testing.T) {
	t.Parallel()
	ring, err := link.NewRing(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []page.Brand{
		{Color: "#ffffff"},
		{Name: "  "},
		{Name: "a\u202eb"},
		{Name: "two\nlines"},
		{Name: strings.Repeat("x", 65)},
		{SupportURL: "http://help.example"},
		{SupportURL: "javascript:alert(1)"},
		{SupportURL: "help"},
		{SupportURL: "https://"},
	} {
		if _, err := page.New(page.Options{PublicURL: publicURL, Links: ring, Brand: b}); err == nil {
			t.Errorf("%+v starts", b)
		}
	}
	for _, public := range []string{"", "pin.example", "ftp://pin.example", "https://"} {
		if _, err := page.New(page.Options{PublicURL: public, Links: ring}); err == nil {
			t.Errorf("%q starts", public)
		}
	}
}

func TestOriginsOfPublicURLs(t *testing.T) {
	t.Parallel()
	for public, origin := range map[string]string{
		"https://Pin.Example:443/a": "https://pin.example", "http://127.0.0.1:8080": "http://127.0.0.1:8080",
		"http://[::1]:80": "http://[::1]", "https://pin.example:8443/": "https://pin.example:8443",
	} {
		s := setup(t, page.Brand{})
		pages, err := page.New(page.Options{PublicURL: public, Links: s.links, Backend: s.backend})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, s.path(t, "declined"), strings.NewReader("decision=decline"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		if w.Code != http.StatusGone {
			t.Errorf("%s from %s: %d", public, origin, w.Code)
		}
	}
}

func TestLogos(t *testing.T) {
	t.Parallel()
	var drawn bytes.Buffer
	if err := png.Encode(&drawn, image.NewGray(image.Rect(0, 0, 90, 30))); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content             []byte
		mediaType           string
		width, height, name string
	}{
		"png":           {drawn.Bytes(), "image/png", "90", "30", ".png"},
		"svg":           {[]byte(svg), "image/svg+xml", "120", "30", ".svg"},
		"svg in pixels": {[]byte(`<svg xmlns="http://www.w3.org/2000/svg" width="64px" height="16.5"/>`), "image/svg+xml", "64", "17", ".svg"},
		"svg, no size":  {[]byte(`<svg xmlns="http://www.w3.org/2000/svg" width="100%"/>`), "image/svg+xml", "40", "40", ".svg"},
	} {
		logo, err := page.NewLogo(c.content)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s := setup(t, page.Brand{Name: "Northbank", Logo: logo})
		pictures := read(t, s.get(s.path(t, "pending"))).all("img", "alt", "Northbank")
		if len(pictures) != 1 {
			t.Fatalf("%s: %d pictures", name, len(pictures))
		}
		width, _ := attr(pictures[0], "width")
		height, _ := attr(pictures[0], "height")
		if width != c.width || height != c.height {
			t.Errorf("%s: %s × %s", name, width, height)
		}
		source, _ := attr(pictures[0], "src")
		response := s.get("/set-pin/" + source)
		if got := read(t, response).raw; got != string(c.content) || !strings.HasSuffix(source, c.name) {
			t.Errorf("%s: %s is another file", name, source)
		}
		if got := response.Header.Get("Content-Type"); got != c.mediaType {
			t.Errorf("%s: %s", name, got)
		}
		if got := response.Header.Get("Content-Security-Policy"); !strings.HasSuffix(got, "; sandbox") || strings.Contains(got, "script") {
			t.Errorf("%s: policy %q", name, got)
		}
	}
	for name, content := range map[string][]byte{
		"nothing": nil, "text": []byte("logo"), "HTML": []byte("<html></html>"), "half": []byte(svg[:60]),
		"another namespace": []byte(`<svg xmlns="urn:x"/>`), "GIF": []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00"),
		"too large": append([]byte(svg), bytes.Repeat([]byte(" "), 64<<10)...),
	} {
		if _, err := page.NewLogo(content); err == nil {
			t.Errorf("%s is a logo", name)
		}
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	plain, branded := setup(t, page.Brand{}), setup(t, page.Brand{Color: "#00695c"})
	style := func(s *stand) string {
		href, _ := attr(read(t, s.get(s.path(t, "pending"))).all("link", "rel", "stylesheet")[0], "href")
		return href
	}
	if style(plain) == style(branded) {
		t.Error("another color, and the same name")
	}
	response := branded.get("/confirm/" + style(branded))
	content := read(t, response).raw
	if !strings.Contains(content, "--brand: #00695c;") || strings.Contains(content, page.DefaultColor) {
		t.Error("the style has not the brand's color")
	}
	for name, want := range map[string]string{
		"Content-Type": "text/css; charset=utf-8", "Cache-Control": "public, max-age=31536000, immutable",
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if response := branded.post("/confirm/"+style(branded), nil); response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", response.StatusCode)
	}
	for _, word := range []string{"http:", "https:", "url(", "@import", "eval(", "innerHTML", "localStorage", "cookie"} {
		for _, file := range []string{"link", "script"} {
			n := read(t, plain.get(plain.path(t, "pending"))).all(file, "", "")[0]
			from, has := attr(n, "href")
			if !has {
				from, _ = attr(n, "src")
			}
			if strings.Contains(read(t, plain.get("/confirm/"+from)).raw, word) {
				t.Errorf("%s holds %q", from, word)
			}
		}
	}
}
