//go:build npm

package guardproof_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// The folder that the Makefile fills with what comes from npm.
const npm = "../../tools/guard"

// realServer is an MCP server that others wrote.
type realServer struct {
	name string
	// command starts it over stdio; listen, where it is set, over HTTP on the address for a client of a
	// revision.
	command func(folder string) []string
	listen  func(address, client string) (command, environment []string)
	// revision is the newest that it speaks.
	revision      string
	free, guarded tool
	// want is in the guarded tool's result.
	want string
}

type tool struct {
	Name      string         `json:"name"`
	Arguments map[string]any `json:"arguments"`
}

func npmBinary(name string) string {
	path, err := filepath.Abs(filepath.Join(npm, "node_modules", ".bin", name))
	if err != nil {
		panic(err)
	}
	return path
}

var (
	filesystem = realServer{
		name: "server-filesystem", revision: older, want: "Successfully wrote",
		command: func(folder string) []string { return []string{"node", npmBinary("mcp-server-filesystem"), folder} },
		free:    tool{"list_allowed_directories", map[string]any{}},
	}
	everything = realServer{
		name: "server-everything", revision: older, want: "The sum of 2 and 40 is 42",
		command: func(string) []string { return []string{"node", npmBinary("mcp-server-everything"), "stdio"} },
		listen: func(address, _ string) (command, environment []string) {
			_, port, _ := net.SplitHostPort(address)
			return []string{"node", npmBinary("mcp-server-everything"), "streamableHttp"}, []string{"PORT=" + port}
		},
		free:    tool{"echo", map[string]any{"message": "hello"}},
		guarded: tool{"get-sum", map[string]any{"a": 2, "b": 40}},
	}
	// npm has no server of the newer revision yet; this one is the Go SDK's, for the conformance suite.
	conforming = realServer{
		name: "everything-server", revision: newer, want: "This is a simple text response",
		command: func(string) []string { return []string{goServer()} },
		listen: func(address, client string) (command, environment []string) {
			// It serves the newer revision without sessions alone, and remembers what a client of the older
			// declares in a session alone.
			return []string{goServer(), "-http", address, fmt.Sprintf("-stateless=%t", client == newer)}, nil
		},
		free:    tool{"test_multiple_content_types", map[string]any{}},
		guarded: tool{"test_simple_text", map[string]any{}},
	}
)

// goServer builds the Go SDK's server of the conformance suite, once.
var goServer = sync.OnceValue(func() string {
	name := filepath.Join(os.TempDir(), fmt.Sprintf("guardproof-everything-%d", os.Getpid()))
	cmd := exec.Command("go", "build", "-o", name, "github.com/modelcontextprotocol/go-sdk/conformance/everything-server")
	if out, err := cmd.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, out))
	}
	cleanups = append(cleanups, func() { _ = os.Remove(name) })
	return name
})

// realClient is one of the SDKs' clients.
type realClient struct {
	name     string
	sdk      int // the TypeScript SDK's generation; 0 for the Go SDK
	revision string
}

var realClients = []realClient{
	{"Go SDK", 0, older}, {"Go SDK", 0, newer},
	{"TypeScript SDK 1", 1, older}, {"TypeScript SDK 2", 2, older}, {"TypeScript SDK 2", 2, newer},
}

// saw is what a client saw of a server.
type saw struct {
	Tools        []json.RawMessage
	Free         json.RawMessage
	Guarded      json.RawMessage
	Revision     string
	Progress     int
	Completed    int
	Elicitations []struct{ Mode, URL string }
	// problems are what went wrong with the client itself.
	problems []string
}

func (v saw) wantNoProblems(t *testing.T) {
	t.Helper()
	for _, p := range v.problems {
		t.Error(p)
	}
}

// target is where a client connects to.
type target struct {
	command, env []string
	url          string
}

// Unchanged clients in front of unchanged servers: a call that needs no PIN, and the list of tools, are
// those without guard; a call that needs it runs once the person has confirmed, whatever the client
// declares.
func TestRealServersAndClients(t *testing.T) {
	t.Parallel()
	hydra := hydratest.Start(t, hydratest.Options{LogLevel: slog.LevelError})
	for _, server := range []realServer{filesystem, everything, conforming} {
		for _, overHTTP := range []bool{false, true} {
			if overHTTP && server.listen == nil {
				continue
			}
			for _, c := range realClients {
				for _, capabilities := range []string{"", `{}`, withURL} {
					name := fmt.Sprintf("%s and %s over %s declares %s", server.name, c.name, kind{overHTTP, c.revision}, capabilities)
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						realCell(t, hydra, server, c, overHTTP, capabilities)
					})
				}
			}
		}
	}
}

func realCell(t *testing.T, hydra *hydratest.Stack, server realServer, c realClient, overHTTP bool, capabilities string) {
	t.Helper()
	s := newStage(t, hydra, kind{overHTTP, c.revision})
	folder := t.TempDir()
	file := filepath.Join(folder, "written.txt")
	if server.guarded.Name == "" {
		server.guarded = tool{"write_file", map[string]any{"path": file, "content": "hello"}}
	}
	s.policy(fmt.Sprintf(`[%q]`, server.guarded.Name))
	direct, guarded := s.realTargets(server, overHTTP, folder)

	without := c.drive(t, direct, capabilities, server.free, nil)
	without.wantNoProblems(t)
	var with saw
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		with = c.drive(t, guarded, capabilities, server.free, &server.guarded)
	}()
	t.Cleanup(func() {
		<-answered
		with.wantNoProblems(t)
	})
	q := s.askedOf(answered)
	if _, err := os.Stat(file); err == nil {
		t.Error("the file is there before the person confirmed")
	}
	arguments, err := json.Marshal(server.guarded.Arguments)
	must(t, err)
	s.confirmAt(q, string(arguments))
	<-answered

	if !slices.EqualFunc(without.Tools, with.Tools, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) || len(with.Tools) == 0 {
		t.Errorf("guard changes the list of tools:\n%s\n%s", without.Tools, with.Tools)
	}
	if !bytes.Equal(without.Free, with.Free) {
		t.Errorf("guard changes the result of a call that needs no PIN:\n%s\n%s", without.Free, with.Free)
	}
	if without.Revision != with.Revision {
		t.Errorf("guard changes the revision from %s to %s", without.Revision, with.Revision)
	}
	if !strings.Contains(string(with.Guarded), server.want) {
		t.Errorf("the confirmed call answered %s, want %s", with.Guarded, server.want)
	}
	if written, err := os.ReadFile(file); server.name == filesystem.name && (err != nil || string(written) != "hello") {
		t.Errorf("the file is %q, %v", written, err)
	}
	with.wantElicitations(t, capabilities == withURL, q.Link)
	if n := len(s.front.approved()); n != 1 {
		t.Errorf("%d redeems, want 1", n)
	}
}

// askedOf waits for the question of a client that starts slowly, as long as that client runs.
func (s *stage) askedOf(client <-chan struct{}) question {
	s.t.Helper()
	for range 1000 {
		if pending := s.questions("pending", s.customer); len(pending) > 0 {
			return pending[0]
		}
		select {
		case <-client:
			s.t.Fatal("the client ended, and no person was asked")
		case <-time.After(100 * time.Millisecond):
		}
	}
	s.t.Fatal("no person was asked")
	return question{}
}

func (v saw) wantElicitations(t *testing.T, shown bool, link string) {
	t.Helper()
	switch {
	case !shown && len(v.Elicitations) > 0:
		t.Errorf("a client that cannot show a link was asked to: %v", v.Elicitations)
	case shown && (len(v.Elicitations) != 1 || v.Elicitations[0].Mode != "url" || v.Elicitations[0].URL != link):
		t.Errorf("the client was asked to show %v, want %s", v.Elicitations, link)
	}
}

// realTargets returns how a client reaches the server without guard, and with it.
func (s *stage) realTargets(server realServer, overHTTP bool, folder string) (direct, guarded target) {
	s.t.Helper()
	flags := s.flags(setup{})
	if !overHTTP {
		command := server.command(folder)
		env := s.environment()
		return target{command: command, env: env}, target{command: slices.Concat([]string{hydratest.Binary(s.t)}, flags, []string{"--"}, command), env: env}
	}
	upstream, listen := freeAddress(s.t), freeAddress(s.t)
	path := "/mcp"
	command, env := server.listen(upstream, s.kind.revision)
	s.background(command, append(s.environment(), env...), upstream)
	guard := append(append([]string{hydratest.Binary(s.t)}, flags...), "--upstream", "http://"+upstream+path, "--listen", listen)
	s.background(guard, s.environment(), listen)
	return target{url: "http://" + upstream + path}, target{url: "http://" + listen + path}
}

// background runs a server that listens on the address until the test ends.
func (s *stage) background(command, env []string, address string) {
	s.t.Helper()
	var log hydratest.Buffer
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.Dir = env, &log, &log, s.t.TempDir()
	must(s.t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if s.t.Failed() {
			s.t.Logf("%s printed:\n%s", command, &log)
		}
	})
	hydratest.Eventually(s.t, command[0]+" listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// drive lets a client list the tools and call them.
func (c realClient) drive(t *testing.T, at target, capabilities string, free tool, guarded *tool) saw {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if c.sdk == 0 {
		return c.driveGo(ctx, t, at, capabilities, free, guarded)
	}
	order := map[string]any{"sdk": c.sdk, "revision": c.revision, "free": free}
	if at.url != "" {
		order["url"] = at.url
	} else {
		env := map[string]string{}
		for _, entry := range at.env {
			name, value, _ := strings.Cut(entry, "=")
			env[name] = value
		}
		order["command"], order["args"], order["env"] = at.command[0], at.command[1:], env
	}
	if capabilities != "" {
		order["capabilities"] = json.RawMessage(capabilities)
	}
	if guarded != nil {
		order["guarded"] = guarded
	}
	text, err := json.Marshal(order)
	must(t, err)
	cmd := exec.CommandContext(ctx, "node", "client.mjs", string(text))
	cmd.Dir = npm
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var v saw
	if err := cmd.Run(); err != nil {
		v.problems = append(v.problems, fmt.Sprintf("%s: %v\n%s", c.name, err, &stderr))
		return v
	}
	if err := json.Unmarshal(stdout.Bytes(), &v); err != nil {
		v.problems = append(v.problems, fmt.Sprintf("%s printed %s: %v", c.name, &stdout, err))
	}
	return v
}

func (c realClient) driveGo(ctx context.Context, t *testing.T, at target, capabilities string, free tool, guarded *tool) (v saw) {
	t.Helper()
	fail := func(what string, err error) {
		if err != nil {
			v.problems = append(v.problems, fmt.Sprintf("%s: %s: %v", c.name, what, err))
		}
	}
	options := &mcp.ClientOptions{}
	var mu sync.Mutex
	var progress, completed atomic.Int64
	options.ProgressNotificationHandler = func(context.Context, *mcp.ProgressNotificationClientRequest) { progress.Add(1) }
	options.ElicitationCompleteHandler = func(context.Context, *mcp.ElicitationCompleteNotificationRequest) { completed.Add(1) }
	if capabilities != "" {
		options.Capabilities = &mcp.ClientCapabilities{}
		must(t, json.Unmarshal([]byte(capabilities), options.Capabilities))
	}
	if capabilities == withURL {
		options.ElicitationHandler = func(_ context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			mu.Lock()
			defer mu.Unlock()
			v.Elicitations = append(v.Elicitations, struct{ Mode, URL string }{r.Params.Mode, r.Params.URL})
			return &mcp.ElicitResult{Action: "accept"}, nil
		}
	}
	var transport mcp.Transport = &mcp.StreamableClientTransport{Endpoint: at.url, MaxRetries: -1}
	if at.url == "" {
		cmd := exec.Command(at.command[0], at.command[1:]...)
		cmd.Env = at.env
		transport = &mcp.CommandTransport{Command: cmd}
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "go", Version: "1"}, options)
	session, err := client.Connect(ctx, transport, &mcp.ClientSessionOptions{ProtocolVersion: c.revision})
	if fail("connect", err); err != nil {
		return v
	}
	// A server that is slow to end gets a signal, and Close reports that.
	defer func() { _ = session.Close() }()
	v.Revision = session.InitializeResult().ProtocolVersion
	list, err := session.ListTools(ctx, nil)
	if fail("list", err); err != nil {
		return v
	}
	for _, one := range list.Tools {
		text, err := json.Marshal(one)
		fail("list", err)
		v.Tools = append(v.Tools, text)
	}
	call := func(what tool) json.RawMessage {
		params := &mcp.CallToolParams{Name: what.Name, Arguments: what.Arguments}
		params.SetProgressToken("token")
		result, err := session.CallTool(ctx, params)
		fail(what.Name, err)
		text, err := json.Marshal(result)
		fail(what.Name, err)
		return text
	}
	v.Free = call(free)
	progress.Store(0)
	if guarded != nil {
		v.Guarded = call(*guarded)
	}
	v.Progress, v.Completed = int(progress.Load()), int(completed.Load())
	return v
}

// verdicts are the conformance suite's, by scenario and check.
type verdicts map[string]string

// The conformance suite says the same with guard as without: of the Go SDK's server on both revisions,
// and of npm's server-everything.
func TestConformance(t *testing.T) {
	t.Parallel()
	hydra := hydratest.Start(t, hydratest.Options{LogLevel: slog.LevelError})
	for _, c := range []struct {
		server   realServer
		revision string
		// differ are scenarios that guard may change.
		differ []string
	}{
		{conforming, older, nil},
		{conforming, newer, nil},
		{everything, older, []string{
			// They call tools that the server does not list, and pass on its answer that there is none.
			"server-tools-call-simple-text", "server-tools-call-error", "server-server-sse-polling",
			// The server answers a foreign Host, and guard refuses it.
			"server-dns-rebinding-protection",
		}},
	} {
		t.Run(c.server.name+" "+c.revision, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, hydra, kind{true, c.revision})
			direct, guarded := s.realTargets(c.server, true, "")
			want := conformance(t, direct.url, c.revision)
			got := conformance(t, guarded.url, c.revision)
			same := map[string]int{}
			for check, verdict := range want {
				switch scenario, _, _ := strings.Cut(check, " "); {
				case slices.Contains(c.differ, scenario):
				case got[check] != verdict:
					t.Errorf("%s: %q with guard, %q without", check, got[check], verdict)
				default:
					same[verdict]++
				}
			}
			t.Logf("%d verdicts with guard, %d without; the same: %v", len(got), len(want), same)
			if len(same) == 0 || len(c.differ) == 0 && len(got) != len(want) {
				t.Error("the numbers of verdicts differ")
			}
		})
	}
}

// resultTime is at the end of a result's folder.
var resultTime = regexp.MustCompile(`-\d{4}-\d\d-\d\dT[^/]*$`)

// conformance runs the suite of a revision against a server.
func conformance(t *testing.T, url, revision string) verdicts {
	t.Helper()
	results := t.TempDir()
	// The suite needs a newer Node.js than the rest, so one comes from npm.
	cmd := exec.CommandContext(t.Context(), npmBinary("node"), npmBinary("conformance"), "server", "--url", url,
		"--requirements", revision, "--output-dir", results, "--timeout", "30000")
	cmd.Dir = results
	out, _ := cmd.CombinedOutput() // it fails where a check fails
	found := verdicts{}
	names, err := filepath.Glob(filepath.Join(results, "*", "checks.json"))
	must(t, err)
	for _, name := range names {
		content, err := os.ReadFile(name)
		must(t, err)
		var checks []struct{ ID, Name, Status string }
		must(t, json.Unmarshal(content, &checks))
		scenario := resultTime.ReplaceAllString(filepath.Base(filepath.Dir(name)), "")
		for i, c := range checks {
			found[fmt.Sprintf("%s %d %s", scenario, i, c.ID)] = c.Status
		}
	}
	if len(found) == 0 {
		t.Fatalf("the suite left no results:\n%s", out)
	}
	return found
}
