package guardproof_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/internal/service"
)

func must(t testing.TB, err error) { t.Helper(); hydratest.Must(t, err) }

const (
	correctPIN   = "804615"
	incorrectPIN = "804616"
)

// stage is an instance with its customer, a front that guard reaches hydrapin through, and the record
// of the server behind guard.
type stage struct {
	t        testing.TB
	hydra    *hydratest.Stack
	front    *front
	kind     kind
	instance uuid.UUID
	customer uuid.UUID
	runtime  string
	path     string // the record

	mu        sync.Mutex
	confirmed []string // the arguments of what the person confirmed, canonical
}

// kind is a transport and a revision of the protocol.
type kind struct {
	http     bool
	revision string
}

// The revisions in use.
const (
	older = "2025-11-25"
	newer = "2026-07-28"
)

var (
	stdioOlder, stdioNewer = kind{false, older}, kind{false, newer}
	httpOlder, httpNewer   = kind{true, older}, kind{true, newer}

	everyKind = []kind{stdioOlder, stdioNewer, httpOlder, httpNewer}
	overStdio = []kind{stdioOlder, stdioNewer}
	overHTTP  = []kind{httpOlder, httpNewer}
)

func (k kind) String() string {
	if k.http {
		return "http " + k.revision
	}
	return "stdio " + k.revision
}

// newStage returns a stage whose policy needs a PIN for everything but the free tool.
func newStage(t testing.TB, hydra *hydratest.Stack, k kind) *stage {
	t.Helper()
	s := &stage{
		t: t, hydra: hydra, kind: k, instance: uuid.New(), customer: uuid.New(),
		path: filepath.Join(t.TempDir(), "record"), front: newFront(t, hydra.URL),
	}
	_, s.runtime = hydra.Mint(t, service.KeySpec{Tenant: hydra.Tenant, Instance: s.instance})
	s.setPIN(s.customer)
	s.policy(`["send*", "pay*", "Réglement", "x*"]`)
	return s
}

func (s *stage) setPIN(customer uuid.UUID) {
	s.t.Helper()
	s.admin(http.MethodPost, "/v1/customers/"+customer.String()+"/pin", `{"pin":"`+correctPIN+`"}`)
}

// policy sets the list of skills that need a PIN, as JSON.
func (s *stage) policy(skills string) {
	s.t.Helper()
	s.admin(http.MethodPatch, "/v1/instances/"+s.instance.String()+"/pin-policy", `{"pin_required_skills":`+skills+`}`)
}

// admin makes a request until it is not turned away for the floods of other rows.
func (s *stage) admin(method, path, body string) {
	s.t.Helper()
	var status int
	var answer []byte
	hydratest.Eventually(s.t, method+" "+path+" is taken", func() bool {
		status, answer = s.api(s.hydra.Key, method, path, body)
		return status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable
	})
	if status/100 != 2 {
		s.t.Fatalf("%s %s answered %d: %s", method, path, status, answer)
	}
}

// api makes a request to hydrapin itself, past the front.
func (s *stage) api(key, method, path, body string) (status int, answer []byte) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.hydra.URL+path, strings.NewReader(body))
	must(s.t, err)
	req.Header.Set("X-Api-Key", key)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	must(s.t, err)
	defer func() { _ = resp.Body.Close() }()
	answer, err = io.ReadAll(resp.Body)
	must(s.t, err)
	return resp.StatusCode, answer
}

// question is a confirmation as the runtime sees it.
type question struct {
	ID      uuid.UUID `json:"id"`
	Status  string    `json:"status"`
	Skill   string    `json:"skill"`
	Summary string    `json:"action_summary"`
	Link    string    `json:"confirm_url"`
}

func (s *stage) questions(status string, customer uuid.UUID) []question {
	s.t.Helper()
	code, body := s.api(s.runtime, http.MethodGet, "/internal/v1/instances/"+s.instance.String()+
		"/confirmations?limit=100&status="+status+"&customer_id="+customer.String(), "")
	if code != http.StatusOK {
		s.t.Fatalf("the list answered %d: %s", code, body)
	}
	var list struct{ Confirmations []question }
	must(s.t, json.Unmarshal(body, &list))
	return list.Confirmations
}

// asked waits until the customer has n pending questions.
func (s *stage) asked(n int) []question {
	s.t.Helper()
	var pending []question
	hydratest.Eventually(s.t, fmt.Sprintf("%d pending questions", n), func() bool {
		pending = s.questions("pending", s.customer)
		return len(pending) == n
	})
	return pending
}

var (
	hiddenField = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*>`)
	fieldName   = regexp.MustCompile(`name="([^"]*)"`)
	fieldValue  = regexp.MustCompile(`value="([^"]*)"`)
)

// onPage fills in the page's form as a person does, and returns the page that answers.
func (s *stage) onPage(link, decision, pin string) string {
	s.t.Helper()
	form := url.Values{}
	for _, field := range hiddenField.FindAllString(s.page(http.MethodGet, link, nil), -1) {
		if name, value := fieldName.FindStringSubmatch(field), fieldValue.FindStringSubmatch(field); name != nil && value != nil {
			form.Set(name[1], value[1])
		}
	}
	form.Set("decision", decision)
	if pin != "" {
		form.Set("pin", pin)
	}
	return s.page(http.MethodPost, link, form)
}

func (s *stage) page(method, link string, form url.Values) string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, link, strings.NewReader(form.Encode()))
	must(s.t, err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := http.DefaultClient.Do(req)
	must(s.t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	must(s.t, err)
	return string(body)
}

// confirm waits for the one pending question, and confirms it with the PIN. The arguments are what the
// person is asked for.
func (s *stage) confirm(arguments string) question {
	s.t.Helper()
	q := s.asked(1)[0]
	s.confirmAt(q, arguments)
	return q
}

func (s *stage) confirmAt(q question, arguments string) {
	s.t.Helper()
	s.mu.Lock()
	s.confirmed = append(s.confirmed, canonical(json.RawMessage(arguments)))
	s.mu.Unlock()
	if answer := s.onPage(q.Link, "confirm", correctPIN); !strings.Contains(answer, "Confirmed") {
		s.t.Fatalf("the page does not say that it is confirmed:\n%s", answer)
	}
}

func (s *stage) decline() {
	s.t.Helper()
	s.onPage(s.asked(1)[0].Link, "decline", "")
}

// verdict is what ran, counted in the record.
type verdict struct {
	confirmed, ran int
	// without are the calls that ran without a confirmation for them.
	without []string
}

// judge compares the record with what the person confirmed, and with the answers of redeem.
func (s *stage) judge() verdict {
	s.t.Helper()
	s.mu.Lock()
	confirmed := slices.Clone(s.confirmed)
	s.mu.Unlock()
	var redeemed []string
	for _, a := range s.front.approved() {
		redeemed = append(redeemed, a.arguments)
	}
	v := verdict{confirmed: len(confirmed)}
	rec := readRecord(s.t, s.path)
	for _, c := range rec.guarded() {
		if arguments, ok := rec.states[c.state]; ok && c.name == roundsTool && c.arguments == arguments {
			delete(rec.states, c.state) // a round of a call that was redeemed: once
			continue
		}
		v.ran++
		one, other := slices.Index(confirmed, c.arguments), slices.Index(redeemed, c.arguments)
		if c.name == "" || one < 0 || other < 0 {
			v.without = append(v.without, c.raw)
			continue
		}
		confirmed = slices.Delete(confirmed, one, one+1)
		redeemed = slices.Delete(redeemed, other, other+1)
	}
	return v
}
