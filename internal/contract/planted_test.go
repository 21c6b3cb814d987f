package contract_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hydracore/hydrapin/internal/contract"
	"github.com/hydracore/hydrapin/internal/hydratest"
)

// tampered returns a server in front of the node that changes its answers.
func tampered(t *testing.T, n *node, change func(*http.Response, string) string) string {
	t.Helper()
	to, err := url.Parse(n.url)
	must(t, err)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ModifyResponse: func(resp *http.Response) error {
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			_ = resp.Body.Close()
			body = []byte(change(resp, string(body)))
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
			return nil
		},
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	return front.URL
}

// witness is a test that keeps what is reported instead of failing.
type witness struct {
	testing.TB
	mu    sync.Mutex
	heard []string
}

func (w *witness) Error(args ...any) { w.hear(fmt.Sprint(args...)) }

func (w *witness) Errorf(format string, args ...any) { w.hear(fmt.Sprintf(format, args...)) }

func (w *witness) Failed() bool { return len(w.all()) > 0 }

func (w *witness) hear(s string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = append(w.heard, s)
}

func (w *witness) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.heard
}

// in is a client of the front that reports to the witness.
func (c client) in(w *witness, front string) client {
	c.url = front
	return c.as(w)
}

// TestPlantedViolationsAreFound plants a violation of each kind into the answers
// of a running server. What the comparison does not see, no other test would.
func TestPlantedViolationsAreFound(t *testing.T) {
	t.Parallel()
	n := start(t, nil, hydratest.SQLite)
	w := customer()
	status := request{op: "getCustomerPinStatus", path: w.in()}
	policy := request{op: "getPinPolicy"}
	remove := request{op: "removeCustomerPin", path: customer().in()}
	bare := request{op: "getPinPolicy", header: http.Header{"X-Api-Key": nil}}
	setPIN(n.client, w)
	replace := func(right, wrong string) func(*http.Response, string) string {
		return func(_ *http.Response, body string) string {
			if !strings.Contains(body, right) {
				t.Errorf("%s is not in %s", right, body)
			}
			return strings.ReplaceAll(body, right, wrong)
		}
	}
	header := func(name, value string) func(*http.Response, string) string {
		return func(resp *http.Response, body string) string {
			if resp.Header.Del(name); value != "" {
				resp.Header.Set(name, value)
			}
			return body
		}
	}
	for name, plant := range map[string]struct {
		request
		change func(*http.Response, string) string
		want   string
	}{
		"wrong type":         {status, replace(`"is_locked":false`, `"is_locked":"false"`), "is_locked"},
		"field removed":      {status, replace(`"has_pin":true,`, ""), "has_pin"},
		"field added":        {status, replace(`"is_locked":false`, `"is_locked":false,"pin":"804615"`), "pin"},
		"null":               {policy, replace(`"pin_required_skills":[]`, `"pin_required_skills":null`), "pin_required_skills"},
		"unknown value":      {policy, replace(`"all"`, `"everybody"`), "pin_applies_to"},
		"out of bounds":      {policy, replace(`:30`, `:1441`), "pin_session_ttl_minutes"},
		"form of a UUID":     {policy, replace(n.instance.String(), strings.ToUpper(n.instance.String())), "instance_id"},
		"form of a time":     {status, replace(`Z"`, `+00:00"`), "created_at"},
		"name twice":         {status, replace(`"is_locked":false`, `"is_locked":false,"is_locked":false`), "no valid JSON"},
		"no JSON":            {status, replace(`}`, ``), "no valid JSON"},
		"header missing":     {policy, header("ETag", ""), "ETag is missing"},
		"header malformed":   {policy, header("ETag", "0"), "ETag"},
		"header added":       {policy, header("X-Powered-By", "x"), "X-Powered-By is not documented"},
		"request id missing": {status, header("X-Request-Id", ""), "no X-Request-Id"},
		"cacheable":          {status, header("Cache-Control", "public"), "no-store"},
		"content type":       {status, header("Content-Type", "text/plain"), "content type"},
		"problem's type":     {bare, header("Content-Type", "application/json"), "content type"},
		"unknown problem":    {bare, replace("problem:unauthorized", "problem:other"), "type"},
		"challenge missing":  {bare, header("WWW-Authenticate", ""), "WWW-Authenticate is missing"},
		"when to come back":  {bare, header("Retry-After", "5"), "Retry-After"},
		"body of a 204": {remove, func(resp *http.Response, _ string) string {
			resp.StatusCode = http.StatusOK
			return "{}"
		}, "status 200 is not documented"},
		"status": {status, func(resp *http.Response, body string) string {
			resp.StatusCode = http.StatusAccepted
			return body
		}, "status 202 is not documented"},
		"status of the problem": {bare, func(resp *http.Response, body string) string {
			resp.StatusCode = http.StatusForbidden
			resp.Header.Del("WWW-Authenticate")
			return body
		}, "the problem says status 401"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The same request is well answered without the change.
			sound := &witness{TB: t}
			n.in(sound, tampered(t, n, func(_ *http.Response, body string) string { return body })).do(plant.request)
			for _, heard := range sound.all() {
				t.Errorf("without the change: %s", heard)
			}
			heard := &witness{TB: t}
			n.in(heard, tampered(t, n, plant.change)).do(plant.request)
			if all := strings.Join(heard.all(), "\n"); !strings.Contains(all, plant.want) {
				t.Errorf("nothing about %q in %q", plant.want, all)
			}
		})
	}
}

// TestPlantedCarelessnessIsFound has a server that is too kind, too strict or
// broken answer generated requests.
func TestPlantedCarelessnessIsFound(t *testing.T) {
	t.Parallel()
	n := start(t, nil, hydratest.SQLite)
	const well = `{"has_pin":true,"is_active":true,"is_locked":false,"locked_until":null,"created_at":"2026-11-01T09:30:00.000000Z"}`
	answer := func(resp *http.Response, status int, contentType, body string) string {
		resp.StatusCode = status
		resp.Header.Set("Content-Type", contentType)
		return body
	}
	for name, plant := range map[string]struct {
		change func(*http.Response, string) string
		want   string
	}{
		"takes what is forbidden": {func(resp *http.Response, body string) string {
			if resp.StatusCode != http.StatusUnprocessableEntity {
				return body
			}
			return answer(resp, 200, "application/json", well)
		}, "want [422]"},
		"refuses what is allowed": {func(resp *http.Response, body string) string {
			if resp.StatusCode != http.StatusOK {
				return body
			}
			return answer(resp, 422, "application/json", `{"detail":[{"loc":["body","pin"],"msg":"no","type":"value_error"}]}`)
		}, "refused for what is allowed"},
		"breaks": {func(resp *http.Response, body string) string {
			if resp.StatusCode != http.StatusUnprocessableEntity {
				return body
			}
			return answer(resp, 500, "application/problem+json", `{"type":"urn:hydrapin:problem:internal","title":"x","status":500,"detail":"x","request_id":"`+
				resp.Header.Get("X-Request-Id")+`"}`)
		}, "an error of the server"},
		"names another place": {func(_ *http.Response, body string) string {
			return strings.ReplaceAll(body, `"loc":["body","pin"]`, `"loc":["body"]`)
		}, "no error at [body pin]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			heard := &witness{TB: t}
			c := n.in(heard, tampered(t, n, plant.change))
			g := &gen{Rand: rand.New(rand.NewPCG(defaultSeed, 0))}
			for range defaultCases {
				try(c, g, c.spec.Operation("setCustomerPin"), nil)
			}
			if all := strings.Join(heard.all(), "\n"); !strings.Contains(all, plant.want) {
				t.Errorf("nothing about %q in %.2000q", plant.want, all)
			}
		})
	}
}

// TestEmptyCellsAreFound looks at the table itself.
func TestEmptyCellsAreFound(t *testing.T) {
	t.Parallel()
	var seen contract.Coverage
	n := start(t, &seen, hydratest.SQLite)
	n.want(200, request{op: "getMyPinStatus"})
	missing := strings.Join(seen.Missing(n.spec), "\n")
	if strings.Contains(missing, "getMyPinStatus 200") || !strings.Contains(missing, "getMyPinStatus 401") {
		t.Errorf("what was not reached:\n%s", missing)
	}
	if !strings.Contains(seen.Table(n.spec), "EMPTY") {
		t.Errorf("no empty cell in the table:\n%s", seen.Table(n.spec))
	}
}
