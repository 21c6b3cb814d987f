package guard_test

import (
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
