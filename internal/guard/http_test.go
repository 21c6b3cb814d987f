package guard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// rawHTTP is the tests' upstream over HTTP: it writes every message it gets to the world's record
// and answers with JSON.
func (w *world) rawHTTP() *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		recording.Lock()
		defer recording.Unlock()
		file, err := os.OpenFile(w.record, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return
		}
		fmt.Fprintln(file, string(body))
		_ = file.Close()
		for name := range r.Header {
			if strings.HasPrefix(name, "X-") {
				fmt.Fprintf(w.log, "the upstream got the header %s\n", name)
			}
		}
		var m map[string]json.RawMessage
		if json.Unmarshal(body, &m) != nil || m["id"] == nil || m["method"] == nil {
			out.WriteHeader(http.StatusAccepted)
			return
		}
		out.Header().Set("Content-Type", "application/json")
		if string(m["method"]) == `"initialize"` {
			out.Header().Set("Mcp-Session-Id", "session-1")
		}
		var method string
		_ = json.Unmarshal(m["method"], &method)
		respond(out, method, m)
	}))
	w.t.Cleanup(s.Close)
	return s
}

// serve runs a guard in front of an upstream, and returns its URL.
func (w *world) serve(upstream, config string) string {
	w.t.Helper()
	s := w.sources(config)
	s.Command, s.Upstream = nil, upstream+"/mcp"
	if strings.Contains(config, "header:") {
		s.Customer = ""
	}
	server := httptest.NewServer(w.guard(s).Handler())
	w.t.Cleanup(server.Close)
	return server.URL + "/mcp"
}

// posted is an answer over HTTP.
type posted struct {
	status   int
	header   http.Header
	body     string
	messages []received
}

// post sends one message, with headers as pairs.
func (w *world) post(url, body string, headers ...string) posted {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, url, strings.NewReader(body))
	hydratest.Must(w.t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		if headers[i] == "Content-Type" {
			r.Header.Del("Content-Type")
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	hydratest.Must(w.t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	hydratest.Must(w.t, err)
	p := posted{status: res.StatusCode, header: res.Header, body: string(text)}
	lines := []string{p.body}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		lines = nil
		for line := range strings.Lines(p.body) {
			if data, ok := strings.CutPrefix(line, "data:"); ok {
				lines = append(lines, data)
			}
		}
	}
	for _, line := range lines {
		var m received
		if json.Unmarshal([]byte(line), &m) == nil {
			m.line = line
			p.messages = append(p.messages, m)
		}
	}
	return p
}

func toolsCall(id, name, arguments string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%q,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, id, name, arguments)
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := w.serve(w.rawHTTP().URL, "")
	p := w.post(url, toolsCall("1", "read", `{"a":1.0}`))
	if p.status != 200 || p.messages[0].text() != `ran read {"a":1.0}` {
		t.Errorf("%+v", p)
	}
	w.asked(0)
	done := make(chan posted)
	go func() { done <- w.post(url, toolsCall("2", "send_money", `{"a":1.0}`)) }()
	conf := w.confirm()
	p = <-done
	if last := p.messages[len(p.messages)-1]; p.status != 200 || last.text() != `ran send_money {"a":1}` || last.ID != "2" {
		t.Errorf("%+v", p)
	}
	w.outcome(conf.ID, hydrapin.OutcomeExecuted)
	w.ran(`{"name":"read","arguments":{"a":1.0}}`, `{"name":"send_money","arguments":{"a":1}}`)
}

// A call that is held is a stream with signs of life.
func TestHTTPStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := w.serve(w.rawHTTP().URL, "wait: 1s")
	p := w.post(url, `{"jsonrpc":"2.0","id":"1","method":"tools/call","params":{"name":"send_money","_meta":{"progressToken":7}}}`)
	if !strings.HasPrefix(p.header.Get("Content-Type"), "text/event-stream") || len(p.messages) < 2 {
		t.Fatalf("%+v", p)
	}
	last := 0.0
	for _, m := range p.messages[:len(p.messages)-1] {
		var note struct {
			ProgressToken int
			Progress      float64
		}
		hydratest.Must(t, json.Unmarshal(m.Params, &note))
		if m.Method != "notifications/progress" || note.ProgressToken != 7 || note.Progress <= last || note.Progress >= 0.001 {
			t.Fatalf("%s", m.line)
		}
		last = note.Progress
	}
	if r := p.messages[len(p.messages)-1]; r.Result == nil || !r.Result.IsError || !strings.Contains(r.text(), "after confirming") {
		t.Errorf("%s", r.line)
	}
	w.ran()
}

// A foreign Host or Origin, and what is no MCP, is refused before anything is read.
func TestHTTPAdmission(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := w.serve(w.rawHTTP().URL, "")
	call := toolsCall("1", "read", `{}`)
	for name, tt := range map[string]struct {
		headers []string
		status  int
	}{
		"plain":           {nil, 200},
		"localhost":       {[]string{"Host", "localhost:1234", "Origin", "http://localhost:6274"}, 200},
		"IPv6":            {[]string{"Host", "[::1]:1"}, 200},
		"foreign host":    {[]string{"Host", "evil.example.com"}, 403},
		"like a loopback": {[]string{"Host", "127.0.0.1.evil.example.com:80"}, 403},
		"foreign origin":  {[]string{"Origin", "https://evil.example.com"}, 403},
		"null origin":     {[]string{"Origin", "null"}, 403},
		"two origins":     {[]string{"Origin", "http://localhost", "Origin", "https://evil.example.com"}, 403},
		"rebound":         {[]string{"Host", "evil.example.com", "Origin", "http://evil.example.com"}, 403},
		"text":            {[]string{"Content-Type", "text/plain"}, 415},
		"UTF-16":          {[]string{"Content-Type", "application/json; charset=utf-16"}, 415},
		"no type":         {[]string{"Content-Type", ""}, 415},
		"gzip":            {[]string{"Content-Encoding", "gzip"}, 415},
		"UTF-8":           {[]string{"Content-Type", "application/json; charset=UTF-8"}, 200},
		"upgrade":         {[]string{"Connection", "Upgrade", "Upgrade", "websocket"}, 200},
	} {
		if p := w.post(url, call, tt.headers...); p.status != tt.status {
			t.Errorf("%s: %d %s, want %d", name, p.status, p.body, tt.status)
		}
	}
	if p := w.post(url+"/other", call); p.status != 404 {
		t.Errorf("another path: %d", p.status)
	}
	for method, want := range map[string]int{http.MethodPut: 405, http.MethodOptions: 405, http.MethodPatch: 405} {
		r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(call))
		hydratest.Must(t, err)
		res, err := http.DefaultClient.Do(r)
		hydratest.Must(t, err)
		_ = res.Body.Close()
		if res.StatusCode != want || res.Header.Get("Allow") == "" {
			t.Errorf("%s: %d", method, res.StatusCode)
		}
	}
	// What a GET carries is no message.
	before := len(w.seen())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, strings.NewReader(call))
	hydratest.Must(t, err)
	res, err := http.DefaultClient.Do(r)
	hydratest.Must(t, err)
	_ = res.Body.Close()
	if len(w.seen()) != before {
		t.Error("the body of a GET passed")
	}
}

func TestHTTPParsing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := w.serve(w.rawHTTP().URL, "")
	for body, code := range map[string]int{
		`{"jsonrpc":`: -32700,
		`{"jsonrpc":"2.0","id":"x","method":"ping","Method":"tools/call","params":{"name":"send_money"}}`: -32600,
		`[{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"read"}}]`:                     -32600,
		`{"jsonrpc":"2.0","id":"x","method":"TOOLS/CALL","params":{"name":"send_money"}}`:                 -32600,
		`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"send_money"}}`:                          -32600,
		`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"read","name":"send_money"}}`:   -32600,
	} {
		p := w.post(url, body)
		if p.status != 400 || len(p.messages) != 1 || p.messages[0].Error == nil || p.messages[0].Error.Code != code {
			t.Errorf("%s: %d %s", body, p.status, p.body)
		}
	}
	if p := w.post(url, `{"a":"`+strings.Repeat("x", 17<<20)+`"}`); p.status != 413 {
		t.Errorf("17 MiB: %d", p.status)
	}
	if p := w.post(url, toolsCall("1", "Send_Money", `{}`)); p.messages[0].Error == nil || p.messages[0].Error.Code != -32602 {
		t.Errorf("%s", p.body)
	}
	// A batch without a call passes.
	if p := w.post(url, `[{"jsonrpc":"2.0","method":"notifications/x"}]`); p.status != 202 {
		t.Errorf("%d %s", p.status, p.body)
	}
	w.ran()
}

// Headers that differ from the body are refused before anybody is asked.
func TestHTTPHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := w.serve(w.rawHTTP().URL, "")
	body := `{"jsonrpc":"2.0","id":"1","method":"tools/call","params":{"name":"region","arguments":{"region":"eu west","n":7,"b":true,"in":{"deep":"ü"}}}}`
	good := []string{"Mcp-Method", "tools/call", "Mcp-Name", "region"}
	for name, headers := range map[string][]string{
		"none":      nil,
		"the same":  good,
		"arguments": append(good[:4:4], "Mcp-Param-Region", "eu west", "Mcp-Param-N", "7", "Mcp-Param-B", "true", "Mcp-Param-Deep", "=?base64?w7w=?="),
		"base64":    {"Mcp-Method", "tools/call", "Mcp-Name", "=?base64?cmVnaW9u?="},
	} {
		if p := w.post(url, body, headers...); p.status != 200 {
			t.Errorf("%s: %d %s", name, p.status, p.body)
		}
	}
	for name, headers := range map[string][]string{
		"method":           {"Mcp-Method", "tools/list", "Mcp-Name", "region"},
		"name":             {"Mcp-Method", "tools/call", "Mcp-Name", "read"},
		"case":             {"Mcp-Method", "tools/call", "Mcp-Name", "Region"},
		"two names":        {"Mcp-Name", "region", "Mcp-Name", "read"},
		"two methods":      {"Mcp-Method", "tools/call", "Mcp-Method", "ping"},
		"argument":         {"Mcp-Param-Region", "us east"},
		"two arguments":    {"Mcp-Param-Region", "eu west", "Mcp-Param-Region", "us east"},
		"number":           {"Mcp-Param-N", "8"},
		"number as a text": {"Mcp-Param-N", "7.0"},
		"boolean":          {"Mcp-Param-B", "false"},
		"bad base64":       {"Mcp-Param-Region", "=?base64?!?="},
		"base64 no end":    {"Mcp-Param-Region", "=?base64?ZXUgd2VzdA=="},
		"no such argument": {"Mcp-Param-Amount", "1"},
	} {
		p := w.post(url, body, headers...)
		if p.status != 400 || p.messages[0].Error == nil || p.messages[0].Error.Code != -32020 || p.messages[0].ID != "1" {
			t.Errorf("%s: %d %s", name, p.status, p.body)
		}
	}
	if p := w.post(url, `{"jsonrpc":"2.0","id":"1","method":"ping"}`, "Mcp-Method", "tools/call"); p.status != 400 {
		t.Errorf("ping: %d %s", p.status, p.body)
	}
	if p := w.post(url, `{"jsonrpc":"2.0","id":"1","method":"resources/read","params":{"uri":"a://b"}}`, "Mcp-Name", "a://c"); p.status != 400 {
		t.Errorf("resource: %d %s", p.status, p.body)
	}
	if p := w.post(url, toolsCall("1", "send_money", `{}`), "Mcp-Name", "read"); p.status != 400 {
		t.Errorf("send_money: %d %s", p.status, p.body)
	}
	// Without its end, a value is the text that it is.
	literal := strings.Replace(body, "eu west", "=?base64?ZXU=", 1)
	if p := w.post(url, literal, "Mcp-Param-Region", "=?base64?ZXU="); p.status != 200 {
		t.Errorf("literal: %d %s", p.status, p.body)
	}
	w.asked(0)
	if len(w.seen()) != 5 {
		t.Errorf("%q", w.seen())
	}
}

// A gateway names the holder, and proves that it may.
func TestHTTPHolderFromAHeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bo := w.Person("735162")
	url := w.serve(w.rawHTTP().URL, "holder: {header: X-Customer-Id}\nwait: 0s")
	call := toolsCall("1", "send_money", `{}`)
	id := bo.ID().String()
	for name, headers := range map[string][]string{
		"nothing":        nil,
		"no secret":      {"X-Customer-Id", id},
		"no holder":      {"X-Hydrapin-Guard", gatewaySecret},
		"another secret": {"X-Hydrapin-Guard", gatewaySecret + "x", "X-Customer-Id", id},
		"two secrets":    {"X-Hydrapin-Guard", gatewaySecret, "X-Hydrapin-Guard", gatewaySecret, "X-Customer-Id", id},
		"two holders":    {"X-Hydrapin-Guard", gatewaySecret, "X-Customer-Id", w.ada.ID().String(), "X-Customer-Id", id},
		"no UUID":        {"X-Hydrapin-Guard", gatewaySecret, "X-Customer-Id", "bo"},
	} {
		for _, body := range []string{call, `{"jsonrpc":"2.0","id":"1","method":"ping"}`} {
			if p := w.post(url, body, headers...); p.status != 403 {
				t.Errorf("%s: %d %s", name, p.status, p.body)
			}
		}
	}
	w.asked(0)
	good := []string{"X-Hydrapin-Guard", gatewaySecret, "X-Customer-Id", id}
	if p := w.post(url, call, good...); !strings.Contains(p.body, "after confirming") {
		t.Errorf("%s", p.body)
	}
	conf := w.open(hydrapin.StatusPending)
	if conf.Holder != bo.Holder() {
		t.Errorf("%+v", conf.Holder)
	}
	hydratest.Must(t, bo.Confirm(t.Context(), conf))
	// Another holder does not get this one's approval.
	if p := w.post(url, call, "X-Hydrapin-Guard", gatewaySecret, "X-Customer-Id", w.ada.ID().String()); !strings.Contains(p.body, "after confirming") {
		t.Errorf("%s", p.body)
	}
	if p := w.post(url, call, good...); !strings.Contains(p.body, "ran send_money") {
		t.Errorf("%s", p.body)
	}
	if strings.Contains(w.log.String(), "X-Customer-Id") || strings.Contains(w.log.String(), "X-Hydrapin-Guard") {
		t.Error("the upstream got the gateway's headers")
	}
}

// With a fixed holder, whoever sends another Authorization does not get this one's approval.
func TestHTTPAuthorization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := w.serve(w.rawHTTP().URL, "wait: 0s")
	call := toolsCall("1", "send_money", `{}`)
	w.post(url, call, "Authorization", "Bearer a")
	w.confirm()
	if p := w.post(url, call, "Authorization", "Bearer b"); !strings.Contains(p.body, "after confirming") {
		t.Errorf("%s", p.body)
	}
	if p := w.post(url, call, "Authorization", "Bearer a"); !strings.Contains(p.body, "ran send_money") {
		t.Errorf("%s", p.body)
	}
}

// A call that its client cancels, or goes away from, before redeem does not run.
func TestHTTPCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := w.serve(w.rawHTTP().URL, "")
	in := []string{"Mcp-Session-Id", "session-1"}
	done := make(chan posted)
	go func() { done <- w.post(url, toolsCall("1", "send_money", `{}`), in...) }()
	w.open(hydrapin.StatusPending)
	if p := w.post(url, toolsCall("1", "read", `{}`), in...); p.status != 400 || !strings.Contains(p.body, "in use") {
		t.Errorf("%d %s", p.status, p.body)
	}
	cancel := `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"1"}}`
	w.post(url, cancel, "Mcp-Session-Id", "another session")
	if p := w.post(url, cancel, in...); p.status != 202 {
		t.Errorf("%d %s", p.status, p.body)
	}
	for _, m := range (<-done).messages {
		if m.Method == "" {
			t.Errorf("a cancelled call was answered: %s", m.line)
		}
	}
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(toolsCall("2", "send_money", `{}`)))
	hydratest.Must(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	res, err := http.DefaultClient.Do(r)
	hydratest.Must(t, err)
	leave()
	_ = res.Body.Close()
	w.confirm()
	w.ran()
}

// An upstream that is gone, redirects or answers nonsense.
func TestHTTPUpstreamFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	raw := w.rawHTTP()
	mode := make(chan string, 10)
	url := w.serve(httptestProxy(t, raw.URL, mode), "wait: 0s")
	call := toolsCall("1", "send_money", `{}`)
	for name, tt := range map[string]struct {
		says    string
		outcome hydrapin.Outcome
	}{
		"redirect": {"redirect", hydrapin.OutcomeUnknown},
		"close":    {"cannot be reached", hydrapin.OutcomeUnknown},
		"nonsense": {"", hydrapin.OutcomeUnknown},
	} {
		w.post(url, call)
		conf := w.confirm()
		mode <- name
		if p := w.post(url, call); !strings.Contains(p.body, tt.says) {
			t.Errorf("%s: %s", name, p.body)
		}
		w.outcome(conf.ID, tt.outcome)
	}
	mode <- "redirect"
	if p := w.post(url, `{"jsonrpc":"2.0","id":1,"method":"ping"}`); p.status != 502 || !strings.Contains(p.body, "redirect") {
		t.Errorf("%d %s", p.status, p.body)
	}
}

// httptestProxy fails once for each mode, in its way, except for tools/list.
func httptestProxy(t *testing.T, to string, mode <-chan string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if !strings.Contains(string(body), "tools/list") {
			select {
			case m := <-mode:
				switch m {
				case "redirect":
					w.Header().Set("Location", to)
					w.WriteHeader(http.StatusTemporaryRedirect)
					return
				case "close":
					panic(http.ErrAbortHandler)
				case "nonsense":
					_, _ = w.Write([]byte("nonsense"))
					return
				}
			default:
			}
		}
		res, err := http.Post(to, "application/json", strings.NewReader(string(body)))
		if err != nil {
			return
		}
		defer func() { _ = res.Body.Close() }()
		w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
