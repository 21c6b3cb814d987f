package cli_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
	"github.com/hydracore/hydrapin/sdk/go/hydrapintest"
)

// mcpServer serves tools over stdio: env returns its environment, and leave ends it with code 7. It
// stays alive after its stdin was closed if it is told to.
func mcpServer() int {
	s := mcp.NewServer(&mcp.Implementation{Name: "tests", Version: "1"}, nil)
	no := false
	tool := func(name string, a *mcp.ToolAnnotations, f func() string) {
		mcp.AddTool(s, &mcp.Tool{Name: name, Annotations: a}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: f()}}}, nil, nil
		})
	}
	tool("env", &mcp.ToolAnnotations{ReadOnlyHint: true}, func() string { return strings.Join(os.Environ(), "\n") })
	tool("pay", nil, func() string { return "paid" })
	tool("wipe", nil, func() string { return "wiped" })
	tool("add", &mcp.ToolAnnotations{DestructiveHint: &no}, func() string { return "added" })
	tool("leave", nil, func() string { os.Exit(7); return "" })
	tool("parent", nil, func() string {
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", os.Getppid()))
		return fmt.Sprintf("%s %v", environ, errors.Is(err, os.ErrPermission))
	})
	_ = s.Run(context.Background(), &mcp.StdioTransport{})
	if len(os.Args) > 2 {
		_ = os.WriteFile(os.Args[2], []byte("stdin is closed"), 0o600)
		<-time.After(time.Hour)
	}
	return 0
}

// guarded is a machine with a hydrapin and a person for guard.
func guarded(t *testing.T) (*machine, *hydrapintest.Server, *hydrapintest.Person) {
	t.Helper()
	srv := hydrapintest.Start(t)
	srv.Require("pay")
	m := newMachine(t)
	m.env = []string{
		"HYDRAPIN_URL=" + srv.URL, "HYDRAPIN_RUNTIME_KEY=" + srv.RuntimeKey, "HYDRAPIN_INSTANCE=" + srv.Instance.String(),
		"PATH=" + os.Getenv("PATH"), "KEPT=yes",
	}
	ada := srv.Person("804615")
	return m, srv, ada
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	hydratest.Must(t, err)
	return path
}

func connectTo(t *testing.T, c *exec.Cmd) *mcp.ClientSession {
	t.Helper()
	s, err := mcp.NewClient(&mcp.Implementation{Name: "t", Version: "1"}, nil).Connect(t.Context(), &mcp.CommandTransport{Command: c}, nil)
	hydratest.Must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func callTool(t *testing.T, s *mcp.ClientSession, name string) string {
	t.Helper()
	r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: name})
	hydratest.Must(t, err)
	return r.Content[0].(*mcp.TextContent).Text
}

// The program as a client starts it: a PIN runs the tool, and the MCP server sees no setting of
// guard's.
func TestGuard(t *testing.T) {
	t.Parallel()
	m, srv, ada := guarded(t)
	c := m.command(t.Context(), nil, "guard", "--customer", ada.ID().String(), "--", self(t), "mcp-server")
	s := connectTo(t, c)
	go func() {
		hydratest.Eventually(t, "a question", func() bool {
			for c, err := range srv.Runtime.Confirmations(t.Context(), hydrapin.Open{Status: hydrapin.StatusPending}) {
				return err == nil && ada.Confirm(t.Context(), c) == nil
			}
			return false
		})
	}()
	if got := callTool(t, s, "pay"); got != "paid" {
		t.Errorf("pay: %s", got)
	}
	env := callTool(t, s, "env")
	if strings.Contains(env, "HYDRAPIN_") || !strings.Contains(env, "KEPT=yes") {
		t.Errorf("the MCP server's environment:\n%s", env)
	}
	if os.Getuid() != 0 {
		// root may read everything.
		if got := callTool(t, s, "parent"); got != " true" {
			t.Errorf("the MCP server reads guard's environment: %s", got)
		}
	}
	status, err := os.Stat(fmt.Sprintf("/proc/%d/environ", c.Process.Pid))
	hydratest.Must(t, err)
	if owner := status.Sys().(*syscall.Stat_t).Uid; os.Getuid() != 0 && owner != 0 {
		t.Errorf("guard's environment belongs to %d", owner)
	}
}

func TestGuardHasTheServersExitCode(t *testing.T) {
	t.Parallel()
	m, _, ada := guarded(t)
	c := m.command(t.Context(), nil, "guard", "--customer", ada.ID().String(), "--", self(t), "mcp-server")
	in, err := c.StdinPipe()
	hydratest.Must(t, err)
	out, err := c.StdoutPipe()
	hydratest.Must(t, err)
	hydratest.Must(t, c.Start())
	fmt.Fprintln(in, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`)
	lines := bufio.NewScanner(out)
	lines.Scan()
	fmt.Fprintln(in, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	fmt.Fprintln(in, `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"leave","arguments":{}}}`)
	if lines.Scan(); !strings.Contains(lines.Text(), `"id":2,"error"`) {
		t.Errorf("%s", lines.Text())
	}
	_ = c.Wait()
	if code := c.ProcessState.ExitCode(); code != 7 {
		t.Errorf("exit code %d, want 7", code)
	}
}

// A server that does not end when its stdin is closed gets SIGTERM, with its whole group.
func TestGuardEndsTheServer(t *testing.T) {
	t.Parallel()
	m, _, ada := guarded(t)
	closed := filepath.Join(m.dir, "closed")
	script := fmt.Sprintf("sleep 1000 & echo $! > %s/pid; exec %s mcp-server %s", m.dir, self(t), closed)
	c := m.command(t.Context(), nil, "guard", "--customer", ada.ID().String(), "--", "sh", "-c", script)
	in, err := c.StdinPipe()
	hydratest.Must(t, err)
	hydratest.Must(t, c.Start())
	pid := filepath.Join(m.dir, "pid")
	hydratest.Eventually(t, "the server's start", func() bool {
		content, err := os.ReadFile(pid)
		return err == nil && len(content) > 1
	})
	began := time.Now()
	hydratest.Must(t, in.Close())
	if err := c.Wait(); err != nil {
		t.Errorf("guard ended with %v", err)
	}
	if took := time.Since(began); took < 5*time.Second {
		t.Errorf("the server had %s to end", took)
	}
	if _, err := os.Stat(closed); err != nil {
		t.Error("the server's stdin was not closed")
	}
	content, err := os.ReadFile(pid)
	hydratest.Must(t, err)
	var sleeper int
	_, err = fmt.Sscan(string(content), &sleeper)
	hydratest.Must(t, err)
	hydratest.Eventually(t, "the end of the server's child", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", sleeper))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

// A client that does not read any more is gone; guard ends the server all the same.
func TestGuardsClientStopsReading(t *testing.T) {
	t.Parallel()
	m, _, ada := guarded(t)
	closed := filepath.Join(m.dir, "closed")
	c := m.command(t.Context(), nil, "guard", "--customer", ada.ID().String(), "--", self(t), "mcp-server", closed)
	in, err := c.StdinPipe()
	hydratest.Must(t, err)
	out, err := c.StdoutPipe()
	hydratest.Must(t, err)
	hydratest.Must(t, c.Start())
	hydratest.Must(t, out.Close())
	fmt.Fprintln(in, `no JSON`)
	if err := c.Wait(); err != nil {
		t.Errorf("guard ended with %v", err)
	}
	if _, err := os.Stat(closed); err != nil {
		t.Error("the server's stdin was not closed")
	}
}

func TestGuardOverHTTP(t *testing.T) {
	t.Parallel()
	m, _, ada := guarded(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	c := m.command(ctx, nil, "guard", "--customer", ada.ID().String(), "--upstream", "http://127.0.0.1:1/mcp", "--listen", "127.0.0.1:0")
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	stderr, err := c.StderrPipe()
	hydratest.Must(t, err)
	hydratest.Must(t, c.Start())
	lines := bufio.NewScanner(stderr)
	lines.Scan()
	_, url, ok := strings.Cut(lines.Text(), "url=")
	if !ok || !strings.HasSuffix(url, "/mcp") {
		t.Fatalf("%s", lines.Text())
	}
	go func() { _, _ = io.Copy(io.Discard, stderr) }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
	hydratest.Must(t, err)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	hydratest.Must(t, err)
	body, err := io.ReadAll(res.Body)
	hydratest.Must(t, err)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusBadGateway || !strings.Contains(string(body), "cannot be reached") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	stop()
	_ = c.Wait()
	if code := c.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
}

func TestGuardSettings(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.env = []string{"HYDRAPIN_RUNTIME_KEY=hc_agent_a_b", "HYDRAPIN_INSTANCE=" + someInstance, "PATH=" + os.Getenv("PATH")}
	started := filepath.Join(m.dir, "started")
	touch := []string{"--", "touch", started}
	config := filepath.Join(m.dir, "guard.yaml")
	write := func(text string) []string {
		hydratest.Must(t, os.WriteFile(config, []byte(text), 0o600))
		return append([]string{"--config", config}, touch...)
	}
	who := []string{"--customer", someTenant}
	for _, tt := range map[string]struct {
		args []string
		says string
	}{
		"no server":   {who, "no MCP server"},
		"no holder":   {touch, "exactly one holder"},
		"two holders": {append([]string{"--identity", someTenant, "--customer", someTenant}, touch...), "exactly one holder"},
		"two servers": {append([]string{"--customer", someTenant, "--upstream", "https://tools.example.com/mcp"}, touch...), "two MCP servers"},
		"open":        {[]string{"--customer", someTenant, "--upstream", "https://tools.example.com/mcp", "--listen", "0.0.0.0:8090"}, "loopback"},
		"role":        {append([]string{"--customer", someTenant, "--role", "admin"}, touch...), "neither owner nor customer"},
		"wait":        {append([]string{"--customer", someTenant, "--wait", "soon"}, touch...), "written like 50s"},
		"plain http":  {append([]string{"--customer", someTenant, "--server", "http://pins.example.com"}, touch...), "must be https"},
		"no file":     {append([]string{"--config", "/nowhere.yaml"}, touch...), "cannot be opened"},
	} {
		m.refused(2, m.run(append([]string{"guard"}, tt.args...)...), tt.says)
		m.refused(2, m.run(append([]string{"guard", "check"}, tt.args...)...), tt.says)
	}
	for text, says := range map[string]string{
		"holder: {customer: x}":                                                  "not a UUID",
		"holder: {customer: " + someTenant + "}\nwaits: 5s":                      "waits",
		"holder: {customer: " + someTenant + ", name: x}":                        "name",
		"holder: {header: X-Customer-Id}":                                        "--upstream",
		"holder: {customer: " + someTenant + "}\nexpires_in: 90ms":               "expires_in",
		"holder: {customer: " + someTenant + "}\ntools: {a: {summary: \"{b\"}}":  "without its other one",
		"holder: {customer: " + someTenant + "}\ntools: {a: {summary: x, y: z}}": "y",
		"{": "cannot be read",
	} {
		m.refused(2, m.run(append([]string{"guard"}, write(text)...)...), says)
	}
	if _, err := os.Stat(started); err == nil {
		t.Error("the MCP server was started")
	}
	m.refused(1, m.run("guard", "--customer", someTenant, "--", "/nowhere/server"), "cannot be started")
	m.refused(2, m.runWith([]string{"HYDRAPIN_RUNTIME_KEY="}, append([]string{"guard", "--customer", someTenant}, touch...)...), "HYDRAPIN_RUNTIME_KEY")
	m.env = m.env[1:]
	m.refused(2, m.run(append([]string{"guard", "--customer", someTenant}, touch...)...), "no runtime key")
}

func TestGuardCheck(t *testing.T) {
	t.Parallel()
	m, srv, ada := guarded(t)
	args := func(more ...string) []string {
		return append(append([]string{"guard", "check", "--customer", ada.ID().String()}, more...), "--", self(t), "mcp-server")
	}
	text := m.must(args()...)
	for _, want := range []string{"TOOL", "pay", "yes", "the policy lists the skill", "Run pay", "warning: wipe: it may change or destroy something, and needs no PIN"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	var report struct {
		Tools []struct {
			Tool, Skill string
			Required    bool
			Reason      *string
			Summary     string
			Annotations map[string]any
			Warnings    []string
		}
	}
	hydratest.Must(t, json.Unmarshal([]byte(m.must(args("--json")...)), &report))
	warned := map[string]bool{}
	for _, c := range report.Tools {
		warned[c.Tool] = len(c.Warnings) > 0
		if c.Required != (c.Tool == "pay") || c.Required != (c.Reason == nil) || !c.Required && *c.Reason != "skill_not_listed" {
			t.Errorf("%+v", c)
		}
	}
	if len(report.Tools) != 6 || warned["pay"] || warned["env"] || warned["add"] || !warned["wipe"] || !warned["leave"] {
		t.Errorf("%v", warned)
	}
	if r := m.run(args("--strict")...); r.code != 1 || r.stderr != "" {
		t.Errorf("--strict: exit code %d, %s", r.code, r.stderr)
	}
	srv.Require("*")
	if r := m.run(args("--strict")...); r.code != 0 {
		t.Errorf("--strict without a warning: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	config := filepath.Join(m.dir, "guard.yaml")
	hydratest.Must(t, os.WriteFile(config, []byte("tools: {pay: {summary: \"Pay {amount}\"}, gone: {skill: x}}\nskill_prefix: "+strings.Repeat("x", 300)), 0o600))
	r := m.run(args("--config", config, "--strict")...)
	if r.code != 1 || !strings.Contains(r.stderr, `"gone"`) || !strings.Contains(r.stdout, `needs the argument "amount"`) || !strings.Contains(r.stdout, "no valid skill") {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	m.refused(2, m.run("guard", "check", "--customer", ada.ID().String(), "--", "/nowhere/server"), "cannot be started")
	m.refused(2, m.run("guard", "check", "--customer", ada.ID().String(), "--", "true"), "cannot be reached")
	m.refused(2, m.runWith([]string{"HYDRAPIN_INSTANCE=" + uuid.NewString()}, args()...), "policy cannot be looked up")
}
