package page

import (
	"bytes"
	"net/http"
	"strconv"
	"time"
)

// policy is the pages' Content-Security-Policy (CSP Level 3), without an exception.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// setHeaders sets what every answer has. With the Referrer-Policy no-referrer browsers would send the
// forms with "Origin: null".
func setHeaders(header http.Header) {
	header.Set("Content-Security-Policy", policy)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("X-Robots-Tag", "noindex")
}

// retryAfter sends whole seconds, rounded up; zero and less send nothing.
func (x *exchange) retryAfter(wait time.Duration) {
	if wait > 0 {
		seconds := (wait + time.Second - 1) / time.Second
		x.w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
}

// write renders a page whole before the first byte is sent: one that fails halfway would look like an
// answer.
func (x *exchange) write(status int, v view) {
	x.complete(&v)
	var out bytes.Buffer
	if err := x.pages.templates.ExecuteTemplate(&out, "page", &v); err != nil {
		if x.pages.report != nil {
			x.pages.report(x.r.Context(), err)
		}
		out.Reset()
		out.WriteString("<!doctype html><title>500</title><h1>500</h1>")
		status = http.StatusInternalServerError
	}
	header := x.w.Header()
	setHeaders(header)
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(out.Len()))
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		// A reader that is gone needs no answer.
		_, _ = x.w.Write(out.Bytes())
	}
}

// complete fills in what every page has.
func (x *exchange) complete(v *view) {
	p := x.pages
	v.texts = x.texts
	v.Lang, v.Dir = x.texts.tag.String(), x.texts.direction()
	v.Name, v.SupportURL = p.name, p.supportURL
	v.Style, v.Script, v.Icon, v.Logo, v.Picture = p.assets.style, p.assets.script, p.assets.icon, p.assets.logo, p.assets.picture
	for _, l := range languages {
		v.Languages = append(v.Languages, languageLink{
			Tag: l.tag.String(), Name: l.name, Link: x.query(l.tag.String(), x.all), Current: l.tag == x.texts.tag,
		})
	}
	lang := ""
	if x.explicit {
		lang = x.texts.tag.String()
	}
	v.Open = x.query(lang, true)
	v.Back = x.query(lang, x.all)
}

// query is a link to the same page: a query alone keeps the path, whatever is in front of it.
func (x *exchange) query(lang string, all bool) string {
	switch {
	case all && lang != "":
		return "?all=1&lang=" + lang
	case all:
		return "?all=1"
	case lang != "":
		return "?lang=" + lang
	default:
		return "?"
	}
}
