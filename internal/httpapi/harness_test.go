package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/contract"
	"github.com/hydracore/hydrapin/internal/httpapi"
	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/internal/telemetry"
)

const (
	goodPIN  = "804615"
	otherPIN = "492750"
)

// bench is a stack whose clock stands still, and calls to it.
type bench struct {
	*hydratest.Stack
	clock *hydratest.Clock
}

func setup(tb testing.TB, settings ...string) *bench {
	tb.Helper()
	clock := hydratest.NewClock()
	return &bench{
		hydratest.Start(tb, hydratest.Options{Now: clock.Now, LogLevel: slog.LevelDebug, Settings: settings}), clock,
	}
}

// bare returns a stack that has routes of the test alone, with the project's error handler and
// telemetry.
func bare(tb testing.TB, register func(*echo.Echo)) *bench {
	tb.Helper()
	b := &bench{Stack: &hydratest.Stack{Log: &hydratest.Buffer{}}}
	log := slog.New(slog.NewJSONHandler(b.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	e := echo.New()
	e.HTTPErrorHandler = httpapi.AnswerError(log)
	telemetry.New(telemetry.Logger(log), telemetry.NoTraces(), nil).Observe(e)
	register(e)
	b.Server = httptest.NewServer(e)
	b.URL = b.Server.URL
	tb.Cleanup(b.Server.Close)
	return b
}

func must(tb testing.TB, err error) {
	tb.Helper()
	hydratest.Must(tb, err)
}

func (b *bench) admin(tb testing.TB) string {
	tb.Helper()
	return b.Token(tb, func(c *auth.Claims) { c.Admin = true })
}

// reply is an answer that was read to its end.
type reply struct {
	*http.Response
	text string
}

// agreed is the contract that every answer is compared with.
var agreed = sync.OnceValue(func() *contract.Spec {
	spec, err := contract.Current()
	if err != nil {
		panic(err)
	}
	return spec
})

type edit func(*http.Request)

func header(name, value string) edit { return func(r *http.Request) { r.Header.Add(name, value) } }

func key(k string) edit { return header("X-Api-Key", k) }

func bearer(t string) edit { return header("Authorization", "Bearer "+t) }

// call sends a request; a body is JSON unless an edit says otherwise.
func (b *bench) call(tb testing.TB, method, path, body string, edits ...edit) reply {
	tb.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, b.URL+path, reader)
	must(tb, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, e := range edits {
		e(req)
	}
	resp, err := b.Server.Client().Do(req)
	must(tb, err)
	text, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	must(tb, err)
	// Whatever a test asks, the answer is one that the contract knows.
	for _, difference := range agreed().Check(contract.Exchange{
		Method: method, Path: req.URL.EscapedPath(), Status: resp.StatusCode, Header: resp.Header, Body: text,
	}) {
		tb.Errorf("%s %s answered %d against the contract: %s", method, req.URL.Path, resp.StatusCode, difference)
	}
	return reply{Response: resp, text: string(text)}
}

func (r reply) want(tb testing.TB, status int) reply {
	tb.Helper()
	if r.StatusCode != status {
		tb.Fatalf("%s %s: status %d, want %d: %s", r.Request.Method, r.Request.URL.Path, r.StatusCode, status, r.text)
	}
	return r
}

// fields decodes a JSON object.
func (r reply) fields(tb testing.TB) map[string]any {
	tb.Helper()
	var m map[string]any
	must(tb, json.Unmarshal([]byte(r.text), &m))
	return m
}

// problem checks the form of a problem document and returns it.
func (r reply) problem(tb testing.TB, status int, kind string) map[string]any {
	tb.Helper()
	r.want(tb, status)
	if ct := r.Header.Get("Content-Type"); ct != "application/problem+json" {
		tb.Errorf("Content-Type %q", ct)
	}
	m := r.fields(tb)
	if m["type"] != "urn:hydrapin:problem:"+kind || m["status"] != float64(status) ||
		m["request_id"] != r.Header.Get("X-Request-Id") || m["request_id"] == "" ||
		m["title"] == "" || m["detail"] == "" {
		tb.Errorf("problem %s, want %s", r.text, kind)
	}
	return m
}

// invalid returns a 422's errors as "loc type", in order.
func (r reply) invalid(tb testing.TB) []string {
	tb.Helper()
	r.want(tb, http.StatusUnprocessableEntity)
	if ct := r.Header.Get("Content-Type"); ct != "application/json" {
		tb.Errorf("Content-Type %q", ct)
	}
	var body struct {
		Detail []struct {
			Loc  []any
			Msg  string
			Type string
		}
	}
	must(tb, json.Unmarshal([]byte(r.text), &body))
	var out []string
	for _, f := range body.Detail {
		steps := make([]string, len(f.Loc))
		for i, step := range f.Loc {
			steps[i] = fmt.Sprint(step)
		}
		if f.Msg == "" {
			tb.Errorf("no msg: %s", r.text)
		}
		out = append(out, strings.Join(steps, ".")+" "+f.Type)
	}
	return out
}

func (b *bench) customerPIN() string { return "/v1/customers/" + b.Customer.String() + "/pin" }

func (b *bench) policyPath() string { return "/v1/instances/" + b.Instance.String() + "/pin-policy" }

func (b *bench) internalPath(rest string) string {
	return "/internal/v1/instances/" + b.Instance.String() + rest
}

func (b *bench) identityPIN() string {
	return b.internalPath("/identities/" + b.Identity.String() + "/pin")
}

// events returns the types of the tenant's events.
func (b *bench) events(tb testing.TB) []audit.Entry {
	tb.Helper()
	stored, err := b.Node.Service().Events(context.Background(), audit.Filter{Tenant: b.Tenant, Limit: 1000})
	must(tb, err)
	entries := make([]audit.Entry, len(stored))
	for i, e := range stored {
		entries[i], err = e.Entry()
		must(tb, err)
	}
	return entries
}
