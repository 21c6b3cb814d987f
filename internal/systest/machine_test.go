package systest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// machine is a folder with an environment, in which commands run. At the end
// of the test everything that was printed is searched for the secrets that were
// used.
type machine struct {
	t   *testing.T
	dir string
	env []string

	mu      sync.Mutex
	secrets map[string]string // by value, what it is
	printed []output
}

// output is what a process printed where no secret belongs.
type output struct {
	of   string
	text func() string
}

// greetedWith finds the one secret that serve itself prints, on stdout.
var greetedWith = regexp.MustCompile(`  key     hc_live_[0-9A-Za-z]+_([0-9A-Za-z]+)\n`)

func newMachine(t *testing.T, env ...string) *machine {
	t.Helper()
	m := &machine{t: t, dir: t.TempDir(), secrets: map[string]string{}, env: append([]string{
		"HYDRAPIN_ADDR=127.0.0.1:0", "TZ=Asia/Kolkata", "HYDRAPIN_LOG_LEVEL=debug",
		"HYDRAPIN_RATE_PER_KEY=0", "HYDRAPIN_RATE_PER_ADDRESS=0",
	}, env...)}
	t.Cleanup(m.searchOutput)
	return m
}

// secret notes what must not be printed.
func (m *machine) secret(what, value string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.secrets[value] = what
	return value
}

func (m *machine) watch(of string, text func() string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.printed = append(m.printed, output{of, text})
}

const (
	greeted     = "greeted key"
	serveStdout = "serve's stdout"
)

func (m *machine) searchOutput() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range m.printed {
		if key := greetedWith.FindStringSubmatch(o.text()); o.of == serveStdout && key != nil {
			m.secrets[key[1]] = greeted
		}
	}
	for _, o := range m.printed {
		text := o.text()
		for value, what := range m.secrets {
			if strings.Contains(text, value) && (what != greeted || o.of != serveStdout) {
				m.t.Errorf("a %s is in %s", what, o.of)
			}
		}
	}
}

// result is what a command left.
type result struct {
	code           int
	stdout, stderr string
}

func (m *machine) command(ctx context.Context, env []string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, hydratest.Binary(m.t), args...)
	c.Dir, c.Env = m.dir, slices.Concat(m.env, env)
	return c
}

// run runs a command, with more of an environment, and waits for its end.
func (m *machine) run(env []string, args ...string) result {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), hydratest.Patience)
	defer cancel()
	return m.finish(m.command(ctx, env, args...))
}

func (m *machine) finish(c *exec.Cmd) result {
	m.t.Helper()
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || !exit.Exited()) {
		m.t.Fatalf("hydrapin %v: %v\n%s", c.Args[1:], err, stderr.String())
	}
	args := strings.Join(c.Args[1:], " ")
	m.watch("the stderr of "+args, stderr.String)
	if !strings.HasPrefix(args, "keys create") && !strings.HasPrefix(args, "token") {
		m.watch("the stdout of "+args, stdout.String)
	}
	return result{c.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// must is run for a command that has to succeed; it returns stdout.
func (m *machine) must(args ...string) string {
	m.t.Helper()
	r := m.run(nil, args...)
	if r.code != 0 {
		m.t.Fatalf("hydrapin %v: exit code %d\n%s%s", args, r.code, r.stdout, r.stderr)
	}
	return strings.TrimSpace(r.stdout)
}

// key makes a key.
func (m *machine) key(args ...string) string {
	m.t.Helper()
	key := m.must(append([]string{"keys", "create"}, args...)...)
	m.secret("key", key[strings.LastIndex(key, "_")+1:])
	return key
}

// refused fails unless serve ended with one line on stderr that says the texts.
func (m *machine) refused(r result, texts ...string) {
	m.t.Helper()
	line := strings.TrimSuffix(r.stderr, "\n")
	if r.code != 1 || r.stdout != "" || !strings.HasPrefix(line, "hydrapin: ") || strings.Contains(line, "\n") {
		m.t.Errorf("exit code %d, stdout %q, want 1, none, and one line on stderr:\n%s", r.code, r.stdout, r.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(line, text) {
			m.t.Errorf("stderr does not say %q:\n%s", text, line)
		}
	}
}

// node is a running serve.
type node struct {
	m   *machine
	cmd *exec.Cmd
	url string
	// done is closed when the process has ended, with err.
	done chan struct{}
	err  error

	mu             sync.Mutex
	stdout, stderr bytes.Buffer
}

// launch starts a server and does not wait for it.
func (m *machine) launch(env ...string) *node {
	m.t.Helper()
	n := &node{m: m, done: make(chan struct{})}
	n.cmd = m.command(context.Background(), env, "serve")
	n.cmd.Stdout, n.cmd.Stderr = writer{n, &n.stdout}, writer{n, &n.stderr}
	if err := n.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	go func() {
		n.err = n.cmd.Wait()
		close(n.done)
	}()
	m.watch(serveStdout, func() string { return n.text(&n.stdout) })
	m.watch("serve's log", func() string { return n.text(&n.stderr) })
	m.t.Cleanup(n.kill)
	return n
}

// serve starts a server and waits until it answers.
func (m *machine) serve(env ...string) *node {
	m.t.Helper()
	n := m.launch(env...)
	n.awaitReady()
	return n
}

// logged returns the first line of the log that has all the fields, given as names
// and values in turn, or nil.
func (n *node) logged(fields ...string) map[string]any {
	for line := range strings.Lines(n.text(&n.stderr)) {
		var logged map[string]any
		if json.Unmarshal([]byte(line), &logged) != nil {
			continue
		}
		all := true
		for i := 0; i < len(fields); i += 2 {
			all = all && logged[fields[i]] == fields[i+1]
		}
		if all {
			return logged
		}
	}
	return nil
}

// awaitReady waits for the line that has the address.
func (n *node) awaitReady() {
	n.m.t.Helper()
	hydratest.Eventually(n.m.t, "serve is ready", func() bool {
		if ready := n.logged("msg", "ready"); ready != nil {
			n.url, _ = ready["url"].(string)
			return true
		}
		select {
		case <-n.done:
			n.m.t.Fatalf("serve ended at the start: %v\n%s", n.err, n.text(&n.stderr))
		default:
		}
		return false
	})
}

// kill is kill -9.
func (n *node) kill() {
	_ = n.cmd.Process.Kill()
	<-n.done
}

// stop ends the server as an operator does and fails unless it ends well within
// ten seconds.
func (n *node) stop() {
	n.m.t.Helper()
	n.signal()
	n.awaitStop()
}

func (n *node) signal() {
	n.m.t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		n.m.t.Fatal(err)
	}
}

func (n *node) awaitStop() {
	n.m.t.Helper()
	select {
	case <-n.done:
		if n.err != nil {
			n.m.t.Errorf("serve ended with %v", n.err)
		}
	case <-time.After(10 * time.Second):
		n.m.t.Fatalf("serve did not end within ten seconds of SIGTERM\n%s", n.text(&n.stderr))
	}
}

// writer collects what a server prints.
type writer struct {
	n    *node
	into *bytes.Buffer
}

func (w writer) Write(p []byte) (int, error) {
	w.n.mu.Lock()
	defer w.n.mu.Unlock()
	return w.into.Write(p)
}

func (n *node) text(b *bytes.Buffer) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return b.String()
}

func (m *machine) path(name string) string { return filepath.Join(m.dir, name) }
