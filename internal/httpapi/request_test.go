package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/hydracore/hydrapin/internal/limit"
)

func retryWithin(tb testing.TB, r reply, least, most int) {
	tb.Helper()
	n, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if err != nil || n < least || n > most {
		tb.Errorf("Retry-After %q, want %d to %d", r.Header.Get("Retry-After"), least, most)
	}
}

// Each request has the errors of its own line and of all lines below.
func TestOrderOfRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	big := strings.Repeat(" ", 64<<10+1)
	text := header("Content-Type", "text/plain")
	asText := func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }
	runtimeSet := b.internalPath("/identities/x/pin")

	b.call(t, "PUT", "/v1/nothing/x/pin", big, text).problem(t, 404, "not-found")
	got := b.call(t, "PUT", runtimeSet, big, text)
	got.problem(t, 405, "method-not-allowed")
	if allow := got.Header.Get("Allow"); allow != "OPTIONS, DELETE, GET, HEAD, POST" {
		t.Errorf("Allow %q", allow)
	}
	b.call(t, "POST", runtimeSet, big, asText).problem(t, 401, "unauthorized")
	b.call(t, "POST", runtimeSet, big, asText, key(b.Key)).problem(t, 403, "forbidden")
	b.call(t, "POST", runtimeSet, big, asText, key(b.RuntimeKey)).problem(t, 413, "too-large")
	b.call(t, "POST", runtimeSet, "{", asText, key(b.RuntimeKey)).problem(t, 415, "unsupported-media-type")
	if f := b.call(t, "POST", runtimeSet, "{", key(b.RuntimeKey)).invalid(t); fmt.Sprint(f) != "[path.identity_id uuid_parsing body.1 json_invalid]" {
		t.Errorf("errors %q", f)
	}
	// Of the record: 422 before 423, 404 before 410 and 409.
	b.call(t, "POST", b.identityPIN(), `{"pin":"804615"}`, key(b.RuntimeKey)).want(t, 200)
	for i := range 5 {
		got := b.call(t, "POST", b.identityPIN(), `{"pin":"492750","current_pin":"1111"}`, key(b.RuntimeKey))
		// The guess that locks says until when, and after how long to come back.
		p := got.problem(t, 403, "wrong-pin")
		if locks := i == 4; locks != (p["locked_until"] != nil) || locks != (got.Header.Get("Retry-After") != "") {
			t.Errorf("guess %d: %s, Retry-After %q", i+1, got.text, got.Header.Get("Retry-After"))
		} else if locks {
			retryWithin(t, got, 800, 900)
		}
	}
	if f := b.call(t, "POST", b.identityPIN(), `{"pin":"492750"}`, key(b.RuntimeKey)).invalid(t); fmt.Sprint(f) != "[body.current_pin missing]" {
		t.Errorf("errors %q", f)
	}
	b.call(t, "POST", b.identityPIN(), `{"pin":"492750","current_pin":"804615"}`, key(b.RuntimeKey)).problem(t, 423, "pin-locked")
}

func TestOtherMethods(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, c := range []struct {
		method, path, allow string
		status              int
	}{
		{"HEAD", b.customerPIN(), "", 200},
		{"PUT", b.policyPath(), "OPTIONS, GET, HEAD, PATCH", 405},
		{"POST", "/v1/me/pin", "OPTIONS, GET, HEAD, PUT", 405},
		{"BREW", "/v1/me/pin", "OPTIONS, GET, HEAD, PUT", 405},
		{"OPTIONS", b.customerPIN(), "OPTIONS, DELETE, GET, HEAD, POST", 204},
		{"HEAD", "/v1/nothing", "", 404},
		{"OPTIONS", "/v1/nothing", "", 404},
		{"GET", "/v1/me/pin/", "", 404},
		{"GET", "/V1/me/pin", "", 404},
		{"GET", "/", "", 200}, // by way of /docs
	} {
		got := b.call(t, c.method, c.path, "", key(b.Key))
		if got.StatusCode != c.status || got.Header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, got.StatusCode, got.Header.Get("Allow"))
		}
		if c.method == "HEAD" && got.text != "" {
			t.Errorf("%s %s: a body", c.method, c.path)
		}
		if got.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s %s: no request id", c.method, c.path)
		}
	}
}

func TestBodySize(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const limit = 64 << 10
	chunked := func(r *http.Request) { r.ContentLength = -1 }
	pad := func(n int) string { return `{"pin":"804615"}` + strings.Repeat(" ", n-len(`{"pin":"804615"}`)) }
	for _, e := range [][]edit{{key(b.Key)}, {key(b.Key), chunked}} {
		b.call(t, "POST", b.customerPIN(), pad(limit), e...).want(t, 200)
		b.call(t, "POST", b.customerPIN(), pad(limit+1), e...).problem(t, 413, "too-large")
		b.call(t, "POST", b.customerPIN(), pad(300<<10), e...).problem(t, 413, "too-large")
	}
	empty := func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader("")), -1
		r.Header.Del("Content-Type")
	}
	if f := b.call(t, "POST", b.customerPIN(), "", key(b.Key), empty).invalid(t); fmt.Sprint(f) != "[body missing]" {
		t.Errorf("an empty chunked body: %q", f)
	}
	// Where the contract has no body, one is ignored.
	b.call(t, "POST", b.customerPIN()+"/unlock", "{", key(b.Key)).want(t, 200)
}

func TestContentType(t *testing.T) {
	t.Parallel()
	b := setup(t)
	set := func(value string) edit { return func(r *http.Request) { r.Header.Set("Content-Type", value) } }
	for _, ok := range []string{"application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=UTF-8;x=y", "application/json;"} {
		b.call(t, "POST", b.customerPIN(), `{"pin":"804615"}`, key(b.Key), set(ok)).want(t, 200)
	}
	for _, bad := range []string{"", "text/json", "application/jsonp", "application/problem+json", "application/x-www-form-urlencoded", "application/json, text/plain", "json", ";"} {
		b.call(t, "POST", b.customerPIN(), `{"pin":"804615"}`, key(b.Key), set(bad)).problem(t, 415, "unsupported-media-type")
	}
	for name, e := range map[string]edit{
		"none":                     func(r *http.Request) { r.Header.Del("Content-Type") },
		"twice":                    header("Content-Type", "application/json"),
		"encoded":                  header("Content-Encoding", "gzip"),
		"encoded in a second line": func(r *http.Request) { r.Header["Content-Encoding"] = []string{"identity", "gzip"} },
	} {
		if got := b.call(t, "POST", b.customerPIN(), `{"pin":"804615"}`, key(b.Key), e); got.StatusCode != http.StatusUnsupportedMediaType {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
	b.call(t, "POST", b.customerPIN(), `{"pin":"804615"}`, key(b.Key), header("Content-Encoding", "identity")).want(t, 200)
	coded := b.call(t, "POST", b.customerPIN(), `{"pin":"804615"}`, key(b.Key), header("Content-Encoding", "gzip"))
	patched := b.call(t, "PATCH", b.policyPath(), `{}`, key(b.Key), set("application/merge-patch+json"))
	if coded.Header.Get("Accept-Encoding") != "identity" || patched.Header.Get("Accept-Patch") != "application/json" {
		t.Errorf("415 has %v and %v", coded.Header, patched.Header)
	}
}

// A body that does not arrive whole is never acted upon, and is answered.
func TestBrokenBody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, rest := range []string{
		"Content-Length: 100\r\n\r\n" + `{"pin":"804615"}`,
		"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
		"Transfer-Encoding: chunked\r\n\r\n10\r\n" + `{"pin":"804615"}` + "\r\n",
	} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", b.Server.Listener.Addr().String())
		must(t, err)
		_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Api-Key: %s\r\n%s", b.customerPIN(), b.Key, rest)
		must(t, err)
		must(t, conn.(*net.TCPConn).CloseWrite())
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil && resp.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%q: %s", rest, resp.Status)
		}
		_ = conn.Close()
	}
	if got := b.call(t, "GET", b.customerPIN(), "", key(b.Key)).fields(t); got["has_pin"] != false {
		t.Error("half a body set a PIN")
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	form := regexp.MustCompile(`^[a-z2-7]{26}$`)
	seen := map[string]bool{}
	for _, theirs := range []string{"", "trace-1", "a\tb\"c {}é\u202e", strings.Repeat("x", 1000)} {
		got := b.call(t, "GET", b.customerPIN(), "", key(b.Key), func(r *http.Request) { r.Header.Set("X-Request-Id", theirs) })
		id := got.Header.Get("X-Request-Id")
		if !form.MatchString(id) || seen[id] {
			t.Errorf("request id %q", id)
		}
		seen[id] = true
	}
	lines := b.requests(t)
	for i, want := range []any{nil, "trace-1", "abc", strings.Repeat("x", 64)} {
		if got := lines[i]["client_request_id"]; got != want {
			t.Errorf("client's id %v, want %v", got, want)
		}
	}
}

// requests returns the lines of requests in the log.
func (b *bench) requests(tb testing.TB) []map[string]any {
	tb.Helper()
	var lines []map[string]any
	for line := range strings.Lines(b.Log.String()) {
		var m map[string]any
		must(tb, json.Unmarshal([]byte(line), &m))
		if m["msg"] == "request" {
			lines = append(lines, m)
		}
	}
	return lines
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.call(t, "GET", b.customerPIN()+"?secret=hush", "", key(b.Key)).want(t, 200)
	b.call(t, "BREW", "/v1/hush", "")
	lines := b.requests(t)
	want := map[string]any{
		"level": "INFO", "msg": "request", "method": "GET", "route": "/v1/customers/:customer_id/pin", "status": 200.0,
		"operation": "getCustomerPinStatus", "tenant": b.Tenant.String(), "actor_kind": "api_key", "actor": b.KeyID,
		"request_id": got.Header.Get("X-Request-Id"), "peer": "127.0.0.1",
	}
	for k, v := range want {
		if lines[0][k] != v {
			t.Errorf("%s: %v, want %v", k, lines[0][k], v)
		}
	}
	if _, ok := lines[0]["duration_ms"].(float64); !ok || len(lines[0]) != len(want)+2 { // and time
		t.Errorf("line %v", lines[0])
	}
	if lines[1]["method"] != "other" || lines[1]["status"] != 404.0 {
		t.Errorf("line %v", lines[1])
	}
	if strings.Contains(b.Log.String(), "hush") {
		t.Error("the log has a path or a query")
	}
}

func TestPeer(t *testing.T) {
	t.Parallel()
	trusting := setup(t, "HYDRAPIN_TRUSTED_PROXIES=127.0.0.0/8,10.0.0.0/8,fd00::/8")
	wary := setup(t)
	for i, c := range []struct {
		headers []string
		want    string
	}{
		{nil, "127.0.0.1"},
		{[]string{"203.0.113.7"}, "203.0.113.7"},
		{[]string{"6.6.6.6, 203.0.113.7"}, "203.0.113.7"},
		{[]string{"6.6.6.6", "203.0.113.7, 10.1.2.3"}, "203.0.113.7"},
		{[]string{"6.6.6.6, 203.0.113.7, 10.1.2.3", "fd00::1"}, "203.0.113.7"},
		{[]string{"10.9.9.9"}, "10.9.9.9"},
		{[]string{"203.0.113.7:4711"}, "203.0.113.7"},
		{[]string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{[]string{"[2001:db8::1]"}, "2001:db8::1"},
		{[]string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		{[]string{"203.0.113.7, unknown"}, "127.0.0.1"},
		{[]string{"203.0.113.7, <script>, 10.1.2.3"}, "10.1.2.3"},
		{[]string{""}, "127.0.0.1"},
		{[]string{strings.Repeat("10.1.2.3,", 100) + "10.4.4.4"}, "10.1.2.3"},
	} {
		forwarded := func(r *http.Request) { r.Header["X-Forwarded-For"] = c.headers }
		trusting.call(t, "GET", "/v1/me/pin", "", forwarded)
		if got := trusting.requests(t)[i]["peer"]; got != c.want {
			t.Errorf("%q: %v, want %s", c.headers, got, c.want)
		}
		wary.call(t, "GET", "/v1/me/pin", "", forwarded)
		if got := wary.requests(t)[i]["peer"]; got != "127.0.0.1" {
			t.Errorf("%q: %v was trusted", c.headers, got)
		}
	}
}

func TestPanics(t *testing.T) {
	t.Parallel()
	b := bare(t, func(e *echo.Echo) {
		e.GET("/before", func(echo.Context) error { panic("the PIN is 804615") })
		e.GET("/index", func(c echo.Context) error { return c.String(200, strings.Split("804615", ",")[len(c.Path())]) })
		e.GET("/after", func(c echo.Context) error {
			_ = c.String(200, "half")
			panic("804615")
		})
		e.GET("/abort", func(echo.Context) error { panic(http.ErrAbortHandler) })
	})
	for _, path := range []string{"/before", "/index"} {
		got := b.call(t, "GET", path, "")
		got.problem(t, http.StatusInternalServerError, "internal")
		if !strings.Contains(b.Log.String(), got.Header.Get("X-Request-Id")) {
			t.Error("the log does not have the request id")
		}
	}
	for _, path := range []string{"/after", "/abort"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL+path, http.NoBody)
		must(t, err)
		if resp, err := b.Server.Client().Do(req); err == nil {
			_, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err == nil {
				t.Errorf("%s: half an answer passed for a whole", path)
			}
		}
	}
	log := b.Log.String()
	if strings.Contains(log, "804615") || !strings.Contains(log, `"panic":"string"`) ||
		!strings.Contains(log, "request_test.go") || !strings.Contains(log, "index out of range") {
		t.Errorf("the log of panics: %s", log)
	}
}

// A client that goes away while it waits leaves a line at debug, with 499.
func TestClientGone(t *testing.T) {
	t.Parallel()
	waiting, left := make(chan struct{}), make(chan struct{})
	b := bare(t, func(e *echo.Echo) {
		e.Pre(func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error {
				defer close(left)
				return next(c)
			}
		})
		e.GET("/wait", func(c echo.Context) error {
			close(waiting)
			<-c.Request().Context().Done()
			return fmt.Errorf("waited: %w", c.Request().Context().Err())
		})
	})
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.URL+"/wait", http.NoBody)
	must(t, err)
	go func() {
		<-waiting
		cancel()
	}()
	if resp, err := b.Server.Client().Do(req); err == nil {
		_ = resp.Body.Close()
		t.Error("answered")
	}
	<-left
	if line := b.requests(t)[0]; line["status"] != 499.0 || line["level"] != "DEBUG" {
		t.Errorf("line %v", line)
	}
	if strings.Contains(b.Log.String(), `"level":"WARN"`) {
		t.Errorf("a warning: %s", b.Log)
	}
}

// A long poll ends with the server, and is answered.
func TestLongPollEndsWithTheServer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.pending(t)
	done := make(chan reply)
	go func() { done <- b.on(t, "GET", id, "?wait_seconds=30", "") }()
	b.Node.Service().StopWaiting()
	wantConfirmation(t, (<-done).want(t, 200), map[string]any{"status": "pending"})
}

// What nobody expected is a 500 that says nothing but its request id.
func TestDamage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.pending(t)
	b.SQL(t, "UPDATE pins SET hash = 'damaged'")
	got := b.on(t, "POST", id, "/verify", `{"pin":"804615"}`)
	got.problem(t, 500, "internal")
	want := `{"detail":"Something went wrong. Nothing was allowed.","request_id":"` + got.Header.Get("X-Request-Id") +
		`","status":500,"title":"Internal error","type":"urn:hydrapin:problem:internal"}`
	if got.text != want {
		t.Errorf("500: %s", got.text)
	}
}

// A full hash queue is a 503 that says when to come back.
func TestBusy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.pending(t)
	for {
		place, err := b.Node.Hasher().Reserve(limit.Caller{Tenant: b.Tenant, Credential: uuid.NewString()})
		if err != nil {
			break
		}
		t.Cleanup(place.Release)
	}
	got := b.on(t, "POST", id, "/verify", `{"pin":"804615"}`)
	got.problem(t, 503, "busy")
	retryWithin(t, got, 1, 60)
	b.call(t, "POST", b.customerPIN(), `{"pin":"804615"}`, key(b.Key)).problem(t, 503, "busy")
	wantConfirmation(t, b.on(t, "GET", id, "", "").want(t, 200), map[string]any{"attempts_remaining": 5})
}
