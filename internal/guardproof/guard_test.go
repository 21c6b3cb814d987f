package guardproof_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// setup says how guard is started on a stage.
type setup struct {
	// capabilities are what the client declares, as JSON; "" for {}.
	capabilities string
	// wait is guard's --wait; "" for its default.
	wait      string
	behaviour string
	// config is the content of a file for --config.
	config string
	// holder replaces the flags of a fixed holder.
	customer uuid.UUID
	// upstream is the URL of a server that another guard has, too.
	upstream string
	// environment is added to guard's.
	environment []string
	// anyHolder leaves the holder to the settings.
	anyHolder bool
}

// declares elicitation as current clients do that can show a link.
const withURL = `{"elicitation":{"form":{},"url":{}}}`

// guard is a running guard, and a connection of a client to it.
type guard struct {
	s       *stage
	o       setup
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	log     hydratest.Buffer
	url     string
	session atomic.Value
	ended   chan struct{}
	err     error
	next    atomic.Int64

	mu       sync.Mutex
	replies  map[string]chan message
	incoming []message
}

// flags are those of every guard.
func (s *stage) flags(o setup) []string {
	args := []string{"guard", "--server", s.front.URL, "--instance", s.instance.String(), "--role", "owner"}
	if !o.anyHolder {
		customer := o.customer
		if customer == uuid.Nil {
			customer = s.customer
		}
		args = append(args, "--customer", customer.String())
	}
	if o.wait != "" {
		args = append(args, "--wait", o.wait)
	}
	if o.config != "" {
		name := filepath.Join(s.t.TempDir(), "guard.yaml")
		must(s.t, os.WriteFile(name, []byte(o.config), 0o600))
		args = append(args, "--config", name)
	}
	return args
}

// environment has nothing of hydrapin but the runtime key.
func (s *stage) environment(more ...string) []string {
	own := slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "HYDRAPIN_") })
	return append(append(own, "HYDRAPIN_RUNTIME_KEY="+s.runtime), more...)
}

// start starts guard in front of the recorder, and opens a session of the stage's revision.
func (s *stage) start(o setup) *guard {
	s.t.Helper()
	g := s.launch(o)
	if s.kind.revision == older {
		r := g.request("initialize", fmt.Sprintf(`{"protocolVersion":%q,"capabilities":%s,"clientInfo":{"name":"client","version":"1"}}`,
			older, g.capabilities()))
		if m := r.wait(); m.Result == nil {
			s.t.Fatalf("initialize answered %s", m.raw)
		}
		g.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	}
	return g
}

func (g *guard) capabilities() string {
	if g.o.capabilities == "" {
		return `{}`
	}
	return g.o.capabilities
}

func (s *stage) launch(o setup) *guard {
	s.t.Helper()
	g := &guard{s: s, o: o, ended: make(chan struct{}), replies: map[string]chan message{}}
	args := s.flags(o)
	if s.kind.http {
		if o.upstream == "" {
			o.upstream = serveRecorder(s.t, s.path, o.behaviour).URL + "/mcp"
		}
		g.o.upstream = o.upstream
		address := freeAddress(s.t)
		g.url = "http://" + address + "/mcp"
		args = append(args, "--upstream", o.upstream, "--listen", address)
	} else {
		self, err := os.Executable()
		must(s.t, err)
		args = append(args, "--", self)
	}
	g.cmd = exec.Command(hydratest.Binary(s.t), args...)
	g.cmd.Env = append(s.environment(o.environment...), envRecord+"="+s.path, envBehaviour+"="+o.behaviour)
	g.cmd.Stderr = &g.log
	var err error
	g.stdin, err = g.cmd.StdinPipe()
	must(s.t, err)
	stdout, err := g.cmd.StdoutPipe()
	must(s.t, err)
	must(s.t, g.cmd.Start())
	var read sync.WaitGroup
	read.Go(func() { g.readLines(stdout) })
	go func() {
		read.Wait()
		g.err = g.cmd.Wait()
		close(g.ended)
	}()
	s.t.Cleanup(func() {
		g.kill()
		if s.t.Failed() {
			s.t.Logf("guard's log:\n%s", &g.log)
		}
	})
	if s.kind.http {
		hydratest.Eventually(s.t, "guard listens", func() bool {
			select {
			case <-g.ended:
				s.t.Fatalf("guard ended: %v\n%s", g.err, &g.log)
			default:
			}
			conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(g.url, "http://"), "/mcp"))
			if err == nil {
				_ = conn.Close()
			}
			return err == nil
		})
	}
	return g
}

// lastPort is the port that freeAddress returned last.
var lastPort atomic.Int64

// freeAddress returns an address for a program that must be started with one. Its port is below those
// that the system gives to connections, and is returned once.
func freeAddress(t testing.TB) string {
	t.Helper()
	lastPort.CompareAndSwap(0, 20_000+rand.Int64N(8_000))
	for range 1000 {
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", lastPort.Add(1)))
		if err == nil {
			must(t, ln.Close())
			return ln.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

// kill is kill -9.
func (g *guard) kill() {
	_ = g.cmd.Process.Kill()
	<-g.ended
}

// end ends the session as a client does, and returns guard's exit code.
func (g *guard) end() int {
	_ = g.stdin.Close()
	if g.s.kind.http {
		_ = g.cmd.Process.Signal(syscall.SIGTERM)
	}
	<-g.ended
	return g.cmd.ProcessState.ExitCode()
}

func (g *guard) readLines(r io.Reader) {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		if strings.TrimSpace(line) != "" {
			g.got(line)
		}
		if err != nil {
			return
		}
	}
}

// got sorts a message that has come.
func (g *guard) got(raw string) {
	m := message{raw: strings.TrimSpace(raw)}
	if err := json.Unmarshal([]byte(raw), &m); err != nil {
		m.Method = "no JSON"
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if reply, ok := g.replies[string(m.ID)]; ok && m.Method == "" {
		delete(g.replies, string(m.ID))
		reply <- m
		return
	}
	g.incoming = append(g.incoming, m)
}

// await waits for a request or a notification from guard or the server.
func (g *guard) await(method string) message {
	g.s.t.Helper()
	var found message
	hydratest.Eventually(g.s.t, method, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		for i, m := range g.incoming {
			if m.Method == method {
				found = m
				g.incoming = slices.Delete(g.incoming, i, i+1)
				return true
			}
		}
		return false
	})
	return found
}

// reply is an answer that has come, or will.
type reply struct {
	g    *guard
	ch   chan message
	done chan struct{}
	// cancel ends the request, over HTTP.
	cancel context.CancelFunc
	status atomic.Int64
}

// wait returns the answer.
func (r *reply) wait() message {
	r.g.s.t.Helper()
	var m message
	hydratest.Eventually(r.g.s.t, "an answer", func() bool {
		select {
		case m = <-r.ch:
			return true
		case <-r.g.ended:
			m.Method = "guard ended"
			return true
		case <-r.done:
			select {
			case m = <-r.ch:
			default:
				m.Method = fmt.Sprintf("HTTP status %d without an answer", r.status.Load())
			}
			return true
		default:
			return false
		}
	})
	return m
}

// toolResult is what the model sees.
type toolResult struct {
	ResultType string `json:"resultType"`
	IsError    bool   `json:"isError"`
	Content    []struct {
		Text string `json:"text"`
	} `json:"content"`
	InputRequests map[string]struct {
		Method string `json:"method"`
		Params struct {
			Mode, Message, URL string
		} `json:"params"`
	} `json:"inputRequests"`
	RequestState string `json:"requestState"`
}

func (m message) tool() toolResult {
	var r toolResult
	_ = json.Unmarshal(m.Result, &r)
	return r
}

func (m message) text() string {
	var all []string
	for _, c := range m.tool().Content {
		all = append(all, c.Text)
	}
	return strings.Join(all, "\n")
}

func (g *guard) newID() string { return fmt.Sprintf("%d", g.next.Add(1)) }

// request sends a request with params, which are an object.
func (g *guard) request(method, params string) *reply {
	id := g.newID()
	return g.sendAs(id, fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":%q,"params":%s}`, id, method, params), method)
}

// call calls a tool.
func (g *guard) call(name, arguments string) *reply { return g.callWith(name, arguments, "") }

// callWith calls a tool with more members of params, each after a comma.
func (g *guard) callWith(name, arguments, more string) *reply {
	encoded, err := json.Marshal(name)
	must(g.s.t, err)
	return g.request("tools/call", fmt.Sprintf(`{"name":%s,"arguments":%s%s%s}`, encoded, arguments, more, g.meta("")))
}

// meta is the member _meta that the revision needs, with more members in it.
func (g *guard) meta(more string) string {
	switch {
	case g.s.kind.revision == newer:
		return `,"_meta":{"io.modelcontextprotocol/protocolVersion":"` + newer + `","io.modelcontextprotocol/clientInfo":` +
			`{"name":"client","version":"1"},"io.modelcontextprotocol/clientCapabilities":` + g.capabilities() + more + `}`
	case more != "":
		return `,"_meta":{` + strings.TrimPrefix(more, ",") + `}`
	default:
		return ""
	}
}

// send sends what has no answer that is waited for.
func (g *guard) send(raw string) *reply { return g.sendAs("null", raw, "") }

// sendAs sends a message as it is; its answer has the id.
func (g *guard) sendAs(id, raw, method string) *reply {
	g.s.t.Helper()
	r := &reply{g: g, ch: make(chan message, 1), done: make(chan struct{}), cancel: func() {}}
	if id != "null" {
		g.mu.Lock()
		g.replies[id] = r.ch
		g.mu.Unlock()
	}
	if g.s.kind.http {
		ctx, cancel := context.WithCancel(context.Background())
		r.cancel = cancel
		g.s.t.Cleanup(cancel)
		req := g.post(ctx, raw, method)
		go g.exchange(r, req)
		return r
	}
	if _, err := io.WriteString(g.stdin, raw+"\n"); err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, os.ErrClosed) {
		g.s.t.Errorf("write to guard: %v", err)
	}
	return r
}

// post is the request that carries a message.
func (g *guard) post(ctx context.Context, raw, method string) *http.Request {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url, strings.NewReader(raw))
	must(g.s.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	req.Header.Set("Mcp-Protocol-Version", g.s.kind.revision)
	if session, ok := g.session.Load().(string); ok {
		req.Header.Set("Mcp-Session-Id", session)
	}
	if g.s.kind.revision == newer && method != "" {
		req.Header.Set("Mcp-Method", method)
		if name := nameOf(raw); name != "" && method == "tools/call" {
			req.Header.Set("Mcp-Name", headerValue(name))
		}
	}
	return req
}

func nameOf(raw string) string {
	var m struct{ Params struct{ Name string } }
	_ = json.Unmarshal([]byte(raw), &m)
	return m.Params.Name
}

// headerValue encodes what cannot stand in a header, as the protocol says.
func headerValue(s string) string {
	if strings.TrimSpace(s) == s && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0 {
		return s
	}
	return "=?base64?" + base64.StdEncoding.EncodeToString([]byte(s)) + "?="
}

// exchange sends a request and sorts the messages of its answer.
func (g *guard) exchange(r *reply, req *http.Request) {
	defer close(r.done)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return
	}
	defer func() { _ = resp.Body.Close() }()
	r.status.Store(int64(resp.StatusCode))
	if session := resp.Header.Get("Mcp-Session-Id"); session != "" {
		g.session.Store(session)
	}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		body, _ := io.ReadAll(resp.Body)
		if json.Valid(body) {
			g.got(string(body))
		}
		return
	}
	in := bufio.NewReader(resp.Body)
	for {
		line, err := in.ReadString('\n')
		if data, ok := strings.CutPrefix(line, "data:"); ok && strings.TrimSpace(data) != "" {
			g.got(data)
		}
		if err != nil {
			return
		}
	}
}

// settled waits until a call that needs no PIN has passed behind everything that was sent before.
func (g *guard) settled() {
	g.s.t.Helper()
	if m := g.call(freeTool, `{}`).wait(); !strings.Contains(m.text(), "ran "+freeTool) {
		g.s.t.Errorf("a call that needs no PIN answered %s %s", m.raw, m.Method)
	}
}
