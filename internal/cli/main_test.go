package cli_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// TestMain also is an MCP server, which the tests of guard start.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "mcp-server" {
		os.Exit(mcpServer())
	}
	os.Exit(hydratest.Main(m))
}

// patience is how long a test waits for what should take moments.
const patience = 30 * time.Second

// result is what a command left.
type result struct {
	code           int
	stdout, stderr string
}

// machine is a folder with an environment, in which commands run.
type machine struct {
	t   *testing.T
	dir string
	env []string
}

// newMachine returns a machine whose servers take any free port and hash cheaply.
func newMachine(t *testing.T, env ...string) *machine {
	t.Helper()
	hydratest.Binary(t) // built before any command's time runs
	return &machine{t: t, dir: t.TempDir(), env: append([]string{
		"HYDRAPIN_ADDR=127.0.0.1:0", "HYDRAPIN_ARGON2_MEMORY_KIB=64", "HYDRAPIN_ARGON2_TIME=1", "TZ=Asia/Kolkata",
	}, env...)}
}

func (m *machine) command(ctx context.Context, env []string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, hydratest.Binary(m.t), args...)
	c.Dir, c.Env = m.dir, append(append([]string{}, m.env...), env...)
	return c
}

// run runs a command and waits for its end.
func (m *machine) run(args ...string) result { return m.runWith(nil, args...) }

// runWith is run with more of an environment.
func (m *machine) runWith(env []string, args ...string) result {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	c := m.command(ctx, env, args...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || !exit.Exited()) {
		m.t.Fatalf("hydrapin %v: %v\n%s", args, err, stderr.String())
	}
	return result{c.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// must is run for a command that has to succeed; it returns stdout.
func (m *machine) must(args ...string) string {
	m.t.Helper()
	r := m.run(args...)
	if r.code != 0 {
		m.t.Fatalf("hydrapin %v: exit code %d\n%s", args, r.code, r.stderr)
	}
	return r.stdout
}

// refused fails unless the command ended with the code, and with one line on
// stderr that says the texts.
func (m *machine) refused(code int, r result, texts ...string) {
	m.t.Helper()
	if r.code != code || r.stdout != "" {
		m.t.Errorf("exit code %d, stdout %q, want %d and none\n%s", r.code, r.stdout, code, r.stderr)
	}
	line := strings.TrimSuffix(r.stderr, "\n")
	if !strings.HasPrefix(line, "hydrapin: ") || strings.Contains(line, "\n") {
		m.t.Errorf("stderr is not one line of hydrapin's:\n%s", r.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(line, text) {
			m.t.Errorf("stderr does not say %q:\n%s", text, line)
		}
	}
}

// process is a running serve.
type process struct {
	m    *machine
	cmd  *exec.Cmd
	done chan error

	mu             sync.Mutex
	stdout, stderr bytes.Buffer
	changed        chan struct{}
}

// serve starts a server and waits until it answers.
func (m *machine) serve() *process {
	m.t.Helper()
	s := m.prepare()
	s.start()
	return s
}

// prepare returns a server that is not started.
func (m *machine) prepare() *process {
	s := &process{m: m, done: make(chan error, 1), changed: make(chan struct{}, 1)}
	s.cmd = m.command(context.Background(), nil, "serve")
	s.cmd.Stdout, s.cmd.Stderr = writer{s, &s.stdout}, writer{s, &s.stderr}
	return s
}

// start starts the server and waits until it answers.
func (s *process) start() {
	s.m.t.Helper()
	if err := s.cmd.Start(); err != nil {
		s.m.t.Fatal(err)
	}
	go func() { s.done <- s.cmd.Wait() }()
	s.m.t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	s.waitFor(`"msg":"ready"`)
	// What a start prints ends with an empty line, and its two streams arrive in no
	// order.
	s.waitUntil("print where the documentation is", func(stdout, _ string) bool { return strings.HasSuffix(stdout, "\n\n") })
}

// writer collects what a server prints, and wakes whoever waits for it.
type writer struct {
	s    *process
	into *bytes.Buffer
}

func (w writer) Write(p []byte) (int, error) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	select {
	case w.s.changed <- struct{}{}:
	default:
	}
	return w.into.Write(p)
}

var _ io.Writer = writer{}

func (s *process) printed() (stdout, stderr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stdout.String(), s.stderr.String()
}

// waitFor waits until the server has printed a text.
func (s *process) waitFor(text string) {
	s.m.t.Helper()
	s.waitUntil("print "+text, func(stdout, stderr string) bool {
		return strings.Contains(stdout, text) || strings.Contains(stderr, text)
	})
}

// waitUntil waits until what the server has printed is enough.
func (s *process) waitUntil(what string, enough func(stdout, stderr string) bool) {
	s.m.t.Helper()
	timeout := time.After(patience)
	for {
		if enough(s.printed()) {
			return
		}
		select {
		case <-s.changed:
		case err := <-s.done:
			_, stderr := s.printed()
			s.m.t.Fatalf("serve ended: %v\n%s", err, stderr)
		case <-timeout:
			s.m.t.Fatalf("serve did not %s", what)
		}
	}
}

// stop ends the server as an operator does, and returns what it printed.
func (s *process) stop() (stdout, stderr string) {
	s.m.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.m.t.Fatal(err)
	}
	select {
	case err := <-s.done:
		if err != nil {
			s.m.t.Errorf("serve ended with %v", err)
		}
	case <-time.After(10 * time.Second):
		s.m.t.Fatal("serve did not end within ten seconds of SIGTERM")
	}
	return s.printed()
}
