package guard_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/guard"
	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
	"github.com/hydracore/hydrapin/sdk/go/hydrapintest"
)

// TestMain also is the upstream: the tests start their own program as one.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "upstream" {
		os.Exit(upstream(os.Args[2], os.Stdin, os.Stdout))
	}
	if len(os.Args) == 3 && os.Args[1] == "sdk" {
		os.Exit(sdkUpstream(os.Args[2]))
	}
	os.Exit(hydratest.Main(m))
}

const (
	pin      = "804615"
	transfer = `{"amount":"250.00","currency":"EUR","recipient":{"iban":"DE89370400440532013000"}}`
)

// world is a hydrapin with one person, whose policy guards send_money.
type world struct {
	*hydrapintest.Server
	t   *testing.T
	ada *hydrapintest.Person
	// record is where the upstream writes what it got.
	record string
	log    *hydratest.Buffer
	// places is how many calls a guard takes, or 0 for its own number.
	places int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Server: hydrapintest.Start(t), t: t, record: filepath.Join(t.TempDir(), "record"), log: &hydratest.Buffer{}}
	w.Require("send_money", "fail", "error", "silent", "rounds", "die", "many words")
	w.ada = w.Person(pin)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of guard:\n%s", w.log)
		}
	})
	return w
}

// sources are the settings of a guard for the world's person and its upstream.
func (w *world) sources(config string) guard.Sources {
	w.t.Helper()
	self, err := os.Executable()
	hydratest.Must(w.t, err)
	s := guard.Sources{
		Server: w.URL, Instance: w.Instance.String(), Customer: w.ada.ID().String(), Command: []string{self, "upstream", w.record},
		Lookup: func(name string) (string, error) {
			return map[string]string{"HYDRAPIN_RUNTIME_KEY": w.RuntimeKey, "HYDRAPIN_GUARD_SECRET": gatewaySecret}[name], nil
		},
	}
	if config != "" {
		s.Config = []byte(config)
	}
	return s
}

func (w *world) guard(s guard.Sources) *guard.Guard {
	w.t.Helper()
	settings, err := guard.Load(s)
	hydratest.Must(w.t, err)
	g, err := guard.New(settings, slog.New(slog.NewTextHandler(w.log, nil)))
	hydratest.Must(w.t, err)
	if w.places > 0 {
		g = g.WithPlaces(w.places)
	}
	return g.WithBeat(w.t, 100*time.Millisecond)
}

// seen returns the tools/call messages that the upstream got.
func (w *world) seen() []string {
	w.t.Helper()
	content, err := os.ReadFile(w.record)
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	var calls []string
	for line := range strings.Lines(string(content)) {
		if strings.Contains(line, `"tools/call"`) {
			calls = append(calls, strings.TrimSpace(line))
		}
	}
	return calls
}

// ran fails unless the upstream got exactly these params of calls.
func (w *world) ran(want ...string) {
	w.t.Helper()
	var got []string
	for _, line := range w.seen() {
		var m struct{ Params json.RawMessage }
		hydratest.Must(w.t, json.Unmarshal([]byte(line), &m))
		got = append(got, string(m.Params))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		w.t.Errorf("the upstream got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// open returns the person's only confirmation that is open.
func (w *world) open(status hydrapin.Status) hydrapin.Confirmation {
	w.t.Helper()
	var found hydrapin.Confirmation
	hydratest.Eventually(w.t, "a confirmation that is "+string(status), func() bool {
		for c, err := range w.Runtime.Confirmations(w.t.Context(), hydrapin.Open{Status: status}) {
			hydratest.Must(w.t, err)
			found = c
			return true
		}
		return false
	})
	return found
}

// asked fails unless that many confirmations are pending.
func (w *world) asked(want int) {
	w.t.Helper()
	got := 0
	for _, err := range w.Runtime.Confirmations(w.t.Context(), hydrapin.Open{Status: hydrapin.StatusPending}) {
		hydratest.Must(w.t, err)
		got++
	}
	if got != want {
		w.t.Errorf("%d questions are pending, want %d", got, want)
	}
}

// confirm enters the person's PIN for the pending confirmation, on its page.
func (w *world) confirm() hydrapin.Confirmation {
	w.t.Helper()
	c := w.open(hydrapin.StatusPending)
	hydratest.Must(w.t, w.ada.Confirm(w.t.Context(), c))
	return c
}

// confirming is confirm beside the test, which waits for its end: the call may be answered before the
// page is.
func (w *world) confirming() (wait func()) {
	var done sync.WaitGroup
	done.Go(func() { w.confirm() })
	return done.Wait
}

// outcome waits for the outcome of a confirmation.
func (w *world) outcome(id uuid.UUID, want hydrapin.Outcome) {
	w.t.Helper()
	hydratest.Eventually(w.t, "an outcome", func() bool {
		c, err := w.Runtime.Confirmation(w.t.Context(), id, 0)
		hydratest.Must(w.t, err)
		if c.Outcome != "" && c.Outcome != want {
			w.t.Fatalf("the outcome is %s, want %s", c.Outcome, want)
		}
		return c.Outcome == want
	})
}

// client is an MCP client that writes lines.
type client struct {
	t     *testing.T
	in    io.WriteCloser
	lines chan string
	done  chan int
	err   error
}

// start runs a guard over stdio, and says hello as a client of a revision.
func (w *world) start(s guard.Sources) *client {
	w.t.Helper()
	g := w.guard(s)
	stdin, in := io.Pipe()
	out, stdout := io.Pipe()
	c := &client{t: w.t, in: in, lines: make(chan string, 1000), done: make(chan int, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		code, err := g.Run(ctx, guard.Streams{Stdin: stdin, Stdout: stdout, Stderr: w.log})
		c.err = err
		_ = stdout.Close()
		c.done <- code
		close(c.done)
	}()
	go func() {
		defer close(c.lines)
		r := bufio.NewReader(out)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			c.lines <- strings.TrimSpace(line)
		}
	}()
	w.t.Cleanup(func() {
		_ = in.Close()
		cancel()
		<-c.done
	})
	return c
}

func (c *client) send(format string, args ...any) {
	c.t.Helper()
	_, err := fmt.Fprintf(c.in, format+"\n", args...)
	hydratest.Must(c.t, err)
}

// hello initializes a session.
func (c *client) hello(revision, capabilities string) {
	c.t.Helper()
	c.send(`{"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":%q,"capabilities":%s,"clientInfo":{"name":"t","version":"1"}}}`,
		revision, capabilities)
	c.answer("init")
	c.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
}

// call calls a tool.
func (c *client) call(id, name, arguments string) {
	c.t.Helper()
	c.send(`{"jsonrpc":"2.0","id":%q,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, id, name, arguments)
}

// received is a message that a client got.
type received struct {
	ID     any
	Method string
	Params json.RawMessage
	Result *struct {
		IsError       bool
		ResultType    string
		Content       []struct{ Text string }
		InputRequests map[string]struct {
			Method string
			Params struct{ Mode, URL, Message, ElicitationID string }
		}
		RequestState *string
	}
	Error *struct {
		Code    int
		Message string
	}
	line string
}

func (r received) text() string {
	switch {
	case r.Error != nil:
		return r.Error.Message
	case r.Result != nil && len(r.Result.Content) > 0:
		return r.Result.Content[0].Text
	}
	return ""
}

// next returns the next message.
func (c *client) next() received {
	c.t.Helper()
	select {
	case line, ok := <-c.lines:
		if !ok {
			c.t.Fatal("guard ended")
		}
		var r received
		d := json.NewDecoder(bytes.NewReader([]byte(line)))
		if err := d.Decode(&r); err != nil {
			c.t.Fatalf("%v: %s", err, line)
		}
		r.line = line
		return r
	case <-time.After(hydratest.Patience):
		c.t.Fatal("no message")
		panic("unreachable")
	}
}

// until returns the first message that holds for a condition.
func (c *client) until(what string, holds func(received) bool) received {
	c.t.Helper()
	var others []string
	for range 100 {
		r := c.next()
		if holds(r) {
			return r
		}
		others = append(others, r.line)
	}
	c.t.Fatalf("no %s among\n%s", what, strings.Join(others, "\n"))
	panic("unreachable")
}

// answer returns the answer to a request.
func (c *client) answer(id any) received {
	c.t.Helper()
	return c.until(fmt.Sprint("answer to ", id), func(r received) bool { return r.Method == "" && r.ID == id })
}

// refused fails unless the answer is a tool error that says a text.
func (c *client) refused(id any, says string) received {
	c.t.Helper()
	r := c.answer(id)
	if r.Result == nil || !r.Result.IsError || !strings.Contains(r.text(), says) {
		c.t.Errorf("answer %s, want a tool error that says %q", r.line, says)
	}
	return r
}

// rejected fails unless the answer is a JSON-RPC error with a code.
func (c *client) rejected(id any, code int, says string) {
	c.t.Helper()
	r := c.answer(id)
	if r.Error == nil || r.Error.Code != code || !strings.Contains(r.Error.Message, says) {
		c.t.Errorf("answer %s, want error %d that says %q", r.line, code, says)
	}
}

// succeeded fails unless the answer is what the upstream's tool returns.
func (c *client) succeeded(id any, says string) {
	c.t.Helper()
	r := c.answer(id)
	if r.Result == nil || r.Result.IsError || !strings.Contains(r.text(), says) {
		c.t.Errorf("answer %s, want a result that says %q", r.line, says)
	}
}

var recording sync.Mutex
