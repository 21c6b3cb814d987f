package page

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"

	"github.com/hydracore/hydrapin/internal/pin"
)

// maxBody is far more than any of the forms needs.
const maxBody = 4 << 10

// fields are those of a form's body; the query has no part in them.
type fields url.Values

// one returns the value of a field, and "" when it is absent or there more than once.
func (f fields) one(name string) string {
	if values := f[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// number returns a count; absent is 0, and anything that is none is -1, which no count is.
func (f fields) number(name string) int {
	if len(f[name]) == 0 {
		return 0
	}
	n, err := strconv.ParseUint(f.one(name), 10, 16)
	if err != nil {
		return -1
	}
	return int(n)
}

// pin returns what was entered in a field, and whether it can be a PIN.
func (f fields) pin(name string) (pin.PIN, bool) {
	entered, err := pin.Parse(f.one(name))
	return entered, err == nil
}

// form reads the body of a POST, and answers what is none of our forms.
func (x *exchange) form() (fields, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		x.message(http.StatusRequestEntityTooLarge, formTooLarge)
		return nil, false
	}
	if err != nil {
		x.message(http.StatusBadRequest, badForm)
		return nil, false
	}
	if kind, _, err := mime.ParseMediaType(x.r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		x.message(http.StatusUnsupportedMediaType, notForm)
		return nil, false
	}
	if !x.pages.IsSameOrigin(x.r) {
		x.message(http.StatusForbidden, crossSite)
		return nil, false
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		x.message(http.StatusUnprocessableEntity, badForm)
		return nil, false
	}
	return fields(values), true
}

// IsSameOrigin says whether a form can have been sent by our own page. A browser that sends neither
// header is let through: there is no cookie that another site could use.
func (p *Pages) IsSameOrigin(r *http.Request) bool {
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" {
			return false
		}
	}
	for _, origin := range r.Header.Values("Origin") {
		if origin != p.origin {
			return false
		}
	}
	return true
}
