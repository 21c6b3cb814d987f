// Package page serves the person's own pages: the question of a confirmation at /confirm/{token}, and
// the choice of a PIN at /set-pin/{token}. It guarantees that GET and HEAD change nothing, that nobody
// confirms what was not shown, that text from outside cannot look like a part of the page, that every
// answer is HTML in the reader's language with every header, and that nothing on a page needs another
// host, a cookie or a script. It must not know stores, transactions or hashing: what a decision does is
// the [Backend]'s.
package page

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/page/link"
)

// Options are what the pages are made of.
type Options struct {
	// PublicURL is where people reach the server; forms are accepted from its origin alone.
	PublicURL string
	Links     link.Ring
	Backend   Backend
	Brand     Brand
	// Now is the time that Retry-After counts from; time.Now when nil.
	Now func() time.Time
	// Report is given every error that ends in a 500; it may be nil. No error holds a PIN or a token.
	Report func(context.Context, error)
}

// Pages is the http.Handler of the pages and their assets.
type Pages struct {
	backend    Backend
	links      link.Ring
	origin     string
	name       string
	supportURL string
	assets     assets
	dictionary *dictionary
	templates  *template.Template
	now        func() time.Time
	report     func(context.Context, error)
}

// New builds the pages. Its error tells the operator what is wrong with the options.
func New(o Options) (*Pages, error) {
	origin, err := originOf(o.PublicURL)
	if err != nil {
		return nil, err
	}
	if err := o.Brand.Check(); err != nil {
		return nil, err
	}
	d, err := newDictionary()
	if err != nil {
		return nil, err
	}
	t, err := template.ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("page: templates: %w", err)
	}
	a, err := newAssets(o.Brand)
	if err != nil {
		return nil, err
	}
	p := &Pages{
		backend: o.Backend, links: o.Links, origin: origin, name: o.Brand.Name, supportURL: o.Brand.SupportURL,
		assets: a, dictionary: d, templates: t, now: o.Now, report: o.Report,
	}
	if p.name == "" {
		p.name = DefaultName
	}
	if p.now == nil {
		p.now = time.Now
	}
	return p, nil
}

// originOf returns the origin of a URL as browsers write it in the header Origin (RFC 6454).
func originOf(publicURL string) (string, error) {
	u, err := url.Parse(publicURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", errors.New("the pages' public URL must begin with https:// or http:// and a host")
	}
	host := strings.ToLower(u.Host)
	if port := u.Port(); u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return u.Scheme + "://" + host, nil
}

// Prefixes are the paths below which [Pages] answers every method, each with its trailing slash.
func Prefixes() []string {
	return []string{"/" + string(link.Confirm) + "/", "/" + string(link.SetPIN) + "/"}
}

// ServeHTTP answers what is below [Prefixes], and any other path with the 404 page. Middleware must
// not log the path: a set-pin link's is a credential.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	purpose, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if file, ok := strings.CutPrefix(rest, assetsFolder); ok {
		p.serveAsset(w, r, file)
		return
	}
	x := p.exchange(w, r)
	id, ok := p.links.Verify(link.Purpose(purpose), rest)
	switch {
	case !ok:
		x.message(http.StatusNotFound, notFound)
	case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, HEAD, POST")
		x.message(http.StatusMethodNotAllowed, methodNotAllowed)
	case purpose == string(link.Confirm):
		x.confirmation(id)
	default:
		x.pinLink(id)
	}
}

// Refuse answers a request for a page that middleware refuses: 429, 500 and 503, 413 and 415, 404 and
// 405; any other status is shown as an internal error. retryAfter of zero sends no Retry-After.
func (p *Pages) Refuse(w http.ResponseWriter, r *http.Request, status int, retryAfter time.Duration) {
	x := p.exchange(w, r)
	x.retryAfter(retryAfter)
	x.message(status, messageOf(status))
}

// exchange is one request and its answer.
type exchange struct {
	pages    *Pages
	w        http.ResponseWriter
	r        *http.Request
	texts    *texts
	explicit bool // the language is that of ?lang=
	all      bool // everything is opened: ?all=1
}

func (p *Pages) exchange(w http.ResponseWriter, r *http.Request) *exchange {
	t, explicit := p.dictionary.choose(r)
	return &exchange{pages: p, w: w, r: r, texts: t, explicit: explicit, all: r.URL.Query().Get("all") == "1"}
}

// fail answers an error of the back end.
func (x *exchange) fail(err error) {
	var refusal *RefusedError
	switch {
	case errors.Is(err, ErrNotFound):
		x.message(http.StatusNotFound, notFound)
	case errors.As(err, &refusal) && refusal.Status >= http.StatusBadRequest:
		x.retryAfter(refusal.RetryAfter)
		x.message(refusal.Status, messageOf(refusal.Status))
	default:
		if x.pages.report != nil {
			x.pages.report(x.r.Context(), err)
		}
		x.message(http.StatusInternalServerError, internal)
	}
}

// isBusy says whether an error is a 503 that spent nothing, and notes when to try again.
func (x *exchange) isBusy(err error) bool {
	var refusal *RefusedError
	if !errors.As(err, &refusal) || refusal.Status != http.StatusServiceUnavailable {
		return false
	}
	x.retryAfter(refusal.RetryAfter)
	return true
}

// seeOther sends the browser to the same page, with a Location that is relative: the path that a
// proxy put in front is not known here.
func (x *exchange) seeOther() {
	path := x.r.URL.Path
	location := path[strings.LastIndexByte(path, '/')+1:]
	if x.explicit {
		location += "?lang=" + x.texts.tag.String()
	}
	header := x.w.Header()
	setHeaders(header)
	header.Set("Location", location)
	x.w.WriteHeader(http.StatusSeeOther)
}

// confirmation answers /confirm/{token}.
func (x *exchange) confirmation(id uuid.UUID) {
	if x.r.Method == http.MethodPost {
		x.decide(id)
		return
	}
	q, err := x.pages.backend.Question(x.r.Context(), id)
	if err != nil {
		x.fail(err)
		return
	}
	x.question(stateStatus(q), q, questionError{})
}

func (x *exchange) decide(id uuid.UUID) {
	fields, ok := x.form()
	if !ok {
		return
	}
	answer := Answer{Confirmation: id, Decision: Decision(fields.one("decision")), TriesUsed: fields.number("used")}
	if answer.Decision != Confirm && answer.Decision != Decline && answer.Decision != Dispute {
		x.message(http.StatusUnprocessableEntity, badForm)
		return
	}
	if answer.Decision == Confirm {
		q, err := x.pages.backend.Question(x.r.Context(), id)
		if err != nil {
			x.fail(err)
			return
		}
		entered, ok := fields.pin("pin")
		switch {
		case q.State != Pending:
			x.question(http.StatusGone, q, questionError{})
			return
		case q.TriesUsed != answer.TriesUsed:
			x.question(http.StatusOK, q, questionError{notice: "Outdated"})
			return
		case !x.showsAll(q):
			x.question(http.StatusOK, q, questionError{})
			return
		case !ok && q.Obstacle == NoObstacle:
			x.question(http.StatusUnprocessableEntity, q, questionError{field: "NotDigits"})
			return
		case !ok:
			x.question(obstacleStatus(q.Obstacle), q, questionError{})
			return
		}
		answer.PIN = entered
	}
	verdict, err := x.pages.backend.Decide(x.r.Context(), answer)
	switch {
	case err != nil && x.isBusy(err):
		x.busy(id)
	case err != nil:
		x.fail(err)
	default:
		x.decided(verdict)
	}
}

// busy shows the question again, with the word that nothing was spent.
func (x *exchange) busy(id uuid.UUID) {
	q, err := x.pages.backend.Question(x.r.Context(), id)
	if err != nil {
		x.message(http.StatusServiceUnavailable, unavailable)
		return
	}
	x.question(http.StatusServiceUnavailable, q, questionError{notice: "Busy"})
}

func (x *exchange) decided(v Verdict) {
	switch v.Outcome {
	case Decided:
		x.seeOther()
	case Outdated:
		x.question(stateStatus(v.Question), v.Question, questionError{notice: "Outdated"})
	case Incorrect:
		x.question(http.StatusForbidden, v.Question, questionError{field: "Incorrect"})
	case Refused:
		x.question(obstacleStatus(v.Question.Obstacle), v.Question, questionError{})
	case Ended:
		x.question(http.StatusGone, v.Question, questionError{})
	default:
		x.fail(fmt.Errorf("page: outcome %d", v.Outcome))
	}
}

// stateStatus is the status of a GET.
func stateStatus(q Question) int {
	if q.State == Expired {
		return http.StatusGone
	}
	return http.StatusOK
}

func obstacleStatus(o Obstacle) int {
	switch o {
	case PINLocked, PINInactive:
		return http.StatusLocked
	case Frozen, PINNotOwn:
		return http.StatusForbidden
	default:
		return http.StatusInternalServerError
	}
}
