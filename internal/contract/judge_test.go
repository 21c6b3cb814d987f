//go:build judge

package contract_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/hydracore/hydrapin/internal/contract"
	"github.com/hydracore/hydrapin/internal/hydratest"
)

// prismProxy is prism, a program of others, as a proxy in front of a node. It compares
// answers with openapi.yaml by rules that nobody here wrote.
type prismProxy struct {
	url string
}

// startJudge starts prism in front of the address and stops it with the test.
func startJudge(t *testing.T, upstream string) prismProxy {
	t.Helper()
	port := freePort(t)
	prism := filepath.Join(contract.Root(), "tools", "npm", "node_modules", ".bin", "prism")
	cmd := exec.Command(prism, "proxy", contractForPrism(t), upstream, "--host", "127.0.0.1", "--port", port)
	cmd.Stderr = os.Stderr
	// It is a tree of processes.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	must(t, err)
	if err := cmd.Start(); err != nil {
		t.Fatalf("prism: %v; make contract installs it", err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	listening, said := make(chan bool, 1), ""
	go func() {
		defer close(listening)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.Contains(lines.Text(), "Prism is listening") {
				listening <- true
			}
			if len(said) < 4<<10 {
				said += lines.Text() + "\n"
			}
		}
	}()
	if !<-listening {
		t.Fatalf("prism did not start:\n%s", said)
	}
	return prismProxy{url: "http://127.0.0.1:" + port}
}

// contractForPrism writes openapi.yaml as prism can read it, and returns the file. OpenAPI wants
// null among the values of a nullable enum; prism then adds it once more, finds the values not
// unique, and silently compares no answer that contains the schema.
func contractForPrism(t *testing.T) string {
	t.Helper()
	spec, err := contract.Current()
	must(t, err)
	text, err := spec.Document().MarshalJSON()
	must(t, err)
	var doc any
	must(t, json.Unmarshal(text, &doc))
	file := filepath.Join(t.TempDir(), "openapi.json")
	must(t, os.WriteFile(file, encode(t, withoutNull(doc)), 0o600))
	return file
}

// withoutNull removes null from the values of each nullable enum in a decoded contract.
func withoutNull(doc any) any {
	switch doc := doc.(type) {
	case []any:
		for i := range doc {
			doc[i] = withoutNull(doc[i])
		}
	case map[string]any:
		for name := range doc {
			doc[name] = withoutNull(doc[name])
		}
		if values, ok := doc["enum"].([]any); ok && doc["nullable"] == true {
			doc["enum"] = slices.DeleteFunc(values, func(v any) bool { return v == nil })
		}
	}
	return doc
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)
	return port
}

// sentence is one violation as prism reports it in a header of the answer.
type sentence struct {
	Location []string `json:"location"`
	Severity string   `json:"severity"`
	Message  string   `json:"message"`
}

// listener reads what prism says of answers. That it reports requests is
// as it should be: many are wrong.
type listener struct {
	base   http.RoundTripper
	report func(args ...any)
	judged func()
}

func (l listener) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	l.judged()
	for _, header := range resp.Header.Values("Sl-Violations") {
		var all []sentence
		if err := json.Unmarshal([]byte(header), &all); err != nil {
			l.report(fmt.Sprintf("what prism says cannot be read: %v: %s", err, header))
		}
		for _, s := range all {
			if len(s.Location) == 0 || s.Location[0] != "request" {
				l.report(fmt.Sprintf("prism on %s %s %d: %s %v %s", req.Method, req.URL.Path, resp.StatusCode, s.Severity, s.Location, s.Message))
			}
		}
	}
	return resp, nil
}

// before is the client in front of the judge, that reports to tb.
func (j prismProxy) before(tb testing.TB, c client, judged func()) client {
	tb.Helper()
	c.TB, c.url = tb, j.url
	c.http = &http.Client{Transport: listener{http.DefaultTransport, tb.Error, judged}}
	return c
}

// TestOutsideJudgeFindsNoViolation runs the stories through prism.
func TestOutsideJudgeFindsNoViolation(t *testing.T) {
	t.Parallel()
	n := start(t, nil, hydratest.SQLite)
	j := startJudge(t, n.url)
	var judged atomic.Int64
	t.Cleanup(func() {
		report(t, fmt.Sprintf("prism judged %d answers", judged.Load()))
		if judged.Load() < 200 { // there is a request for nearly every documented answer
			t.Errorf("prism judged no more than %d answers", judged.Load())
		}
	})
	for name, story := range stories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(j.before(t, n.client, func() { judged.Add(1) }))
		})
	}
}

// TestOutsideJudgeReadsEveryAnswer gives prism an answer that fits no operation. A schema that
// prism cannot compile would let it pass.
func TestOutsideJudgeReadsEveryAnswer(t *testing.T) {
	t.Parallel()
	var status atomic.Int64
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(int(status.Load()))
		_, _ = io.WriteString(w, `"no"`)
	}))
	t.Cleanup(upstream.Close)
	j := startJudge(t, upstream.URL)
	n := start(t, nil, hydratest.SQLite)
	for _, op := range n.spec.Operations() {
		for _, code := range op.Statuses() {
			answer := op.Spec.Responses.Status(code).Value
			if code > 299 || answer.Content.Get("application/json") == nil {
				continue
			}
			status.Store(int64(code))
			heard := &witness{TB: t}
			j.before(heard, n.client, func() {}).do(request{op: op.ID})
			if len(heard.all()) == 0 {
				t.Errorf("prism does not compare %s %d", op.ID, code)
			}
		}
	}
}

// TestOutsideJudgeSees plants violations between the node and prism.
func TestOutsideJudgeSees(t *testing.T) {
	t.Parallel()
	n := start(t, nil, hydratest.SQLite)
	for name, change := range map[string]func(*http.Response, string) string{
		"wrong type": func(_ *http.Response, body string) string {
			return strings.Replace(body, `"is_locked":false`, `"is_locked":"no"`, 1)
		},
		"field removed": func(_ *http.Response, body string) string { return strings.Replace(body, `"has_pin":false,`, "", 1) },
		"field added": func(_ *http.Response, body string) string {
			return strings.Replace(body, `"has_pin"`, `"pin":"1","has_pin"`, 1)
		},
		"undocumented status": func(resp *http.Response, body string) string {
			resp.StatusCode = http.StatusAccepted
			return body
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := startJudge(t, tampered(t, n, change))
			heard := &witness{TB: t}
			j.before(heard, n.client, func() {}).do(request{op: "getMyPinStatus", query: url.Values{}})
			if len(heard.all()) == 0 {
				t.Error("prism saw nothing")
			}
		})
	}
}
