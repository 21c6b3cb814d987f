package cli_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/hydratest"
)

// remote is a machine whose commands call a running server.
func remote(t *testing.T) (*machine, greeted) {
	t.Helper()
	m := newMachine(t)
	s := m.serve()
	t.Cleanup(func() { s.stop() })
	stdout, _ := s.printed()
	g := parseGreeting(t, stdout)
	m.env = append(m.env, "HYDRAPIN_URL="+g.url, "HYDRAPIN_API_KEY="+g.key)
	return m, g
}

// object runs a command with --json and returns what it printed.
func (m *machine) object(args ...string) map[string]any {
	m.t.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(m.must(append(args, "--json")...)), &got); err != nil {
		m.t.Fatalf("%v: %v", args, err)
	}
	return got
}

func TestCommandsAboutPINs(t *testing.T) {
	t.Parallel()
	m, _ := remote(t)
	customer, identity := uuid.NewString(), uuid.NewString()
	of := []string{"--instance", someInstance, "--identity", identity}
	if got := m.object("pins", "deactivate", "--customer", customer); got["customer_id"] != customer || got["is_active"] != false {
		t.Errorf("deactivate: %v", got)
	}
	for _, command := range []string{"deactivate", "unlock", "status"} {
		if got := m.object(append([]string{"pins", command}, of...)...); got["identity_id"] != identity || got["customer_id"] != nil {
			t.Errorf("%s: %v", command, got)
		}
	}
	if out := m.must("pins", "list", "--status", "none"); strings.Count(out, "\n") != 3 || !strings.Contains(out, customer) ||
		!strings.HasPrefix(out, "CUSTOMER ") || strings.Contains(out, "\x1b") {
		t.Errorf("list:\n%s", out)
	}
	var listed []map[string]any
	if err := json.Unmarshal([]byte(m.must("pins", "list", "--instance", someInstance, "--json")), &listed); err != nil || len(listed) != 1 {
		t.Errorf("list: %v, %v", listed, err)
	}
	if out := m.must("pins", "list", "--set-by", "holder", "--json"); out != "[]\n" {
		t.Errorf("an empty list: %q", out)
	}
	link := m.run(append([]string{"pins", "link", "--expires-in", "1h"}, of...)...)
	if link.code != 0 || !strings.Contains(link.stdout, "/set-pin/") || strings.Count(link.stdout, "\n") != 1 || !strings.Contains(link.stderr, "works once, until") {
		t.Errorf("link: %+v", link)
	}
	if got := m.object("pins", "link", "--customer", customer); got["url"] == "" || got["url"] == link.stdout {
		t.Errorf("link: %v", got)
	}
	m.refused(1, m.run("pins", "link", "--customer", customer, "--expires-in", "1s"), "body.expires_in_seconds: Input should be greater")
}

func TestCommandsAboutPoliciesAndFreezes(t *testing.T) {
	t.Parallel()
	m, _ := remote(t)
	of := []string{"--instance", someInstance}
	set := append([]string{"policy", "set"}, of...)
	if got := m.object(append([]string{"policy", "get"}, of...)...); got["etag"] != `"0"` || got["pin_session_ttl_minutes"] != 30.0 {
		t.Errorf("get: %v", got)
	}
	got := m.object(append(set, "--skills", "a,b", "--session", "15m", "--own-pin", "--applies-to", "owner", "--channels", "page", "--if-match", `"0"`)...)
	if got["etag"] != `"1"` || len(got["pin_required_skills"].([]any)) != 2 || got["pin_must_be_own"] != true || got["pin_session_ttl_minutes"] != 15.0 {
		t.Errorf("set: %v", got)
	}
	m.refused(1, m.run(append(set, "--no-skills", "--if-match", `"0"`)...), "412", "The policy has changed")
	if got := m.object(append(set, "--no-skills", "--no-own-pin", "--session", "0s")...); len(got["pin_required_skills"].([]any)) != 0 ||
		got["pin_must_be_own"] != false || got["pin_applies_to"] != "owner" || got["pin_session_ttl_minutes"] != 0.0 {
		t.Errorf("set: %v", got)
	}
	m.refused(1, m.run(append(set, "--skills", "a*b")...), "body.pin_required_skills.0: Only the last character can be")

	if got := m.object(append([]string{"freeze", "on", "--reason", "odd calls"}, of...)...); got["frozen"] != true || got["reason"] != "odd calls" || got["instance_id"] != someInstance {
		t.Errorf("freeze on: %v", got)
	}
	if out := m.must(append([]string{"freeze", "status"}, of...)...); !strings.Contains(out, "frozen") || !strings.Contains(out, "odd calls") {
		t.Errorf("freeze status:\n%s", out)
	}
	if got := m.object("freeze", "status"); got["frozen"] != false || got["instance_id"] != nil {
		t.Errorf("freeze of the tenant: %v", got)
	}
	m.must("freeze", "on")
	m.must("freeze", "off")
	if got := m.object(append([]string{"freeze", "off"}, of...)...); got["frozen"] != false {
		t.Errorf("freeze off: %v", got)
	}
}

// With HYDRAPIN_URL the commands about keys call the server; with --database or --tenant
// they work on the database.
func TestKeysOfAServer(t *testing.T) {
	t.Parallel()
	m, g := remote(t)
	made := m.run("keys", "create", "--name", "dashboard", "--scopes", "pins:read,api-keys:write", "--expires-in", "1h")
	key := strings.TrimSpace(made.stdout)
	_, id, _, err := auth.ParseKey(key)
	if made.code != 0 || err != nil || !strings.Contains(made.stderr, id) {
		t.Fatalf("create: %+v, %v", made, err)
	}
	child := m.runWith([]string{"HYDRAPIN_API_KEY=" + key}, "keys", "create", "--name", "child", "--scopes", "pins:read", "--json")
	var created struct {
		Key, Prefix, State, ID string
		CreatedBy              string `json:"created_by"`
	}
	if err := json.Unmarshal([]byte(child.stdout), &created); err != nil || created.CreatedBy != "api_key:"+id ||
		!strings.HasPrefix(created.Key, created.Prefix+"_") || created.State != "live" {
		t.Errorf("create --json: %s, %v", child.stdout, err)
	}
	m.refused(1, m.runWith([]string{"HYDRAPIN_API_KEY=" + key}, "keys", "create", "--name", "n", "--scopes", "pins:write"), "a scope that it does not have")
	m.refused(1, m.run("keys", "create", "--name", "n", "--instance", someInstance), "A runtime key needs an admin token")
	m.refused(2, m.run("keys", "create", "--all-scopes"), "--name is missing")
	if out := m.must("keys", "list"); strings.Count(out, "\n") != 4 || strings.Contains(out, g.tenant) || strings.Contains(out, key) {
		t.Errorf("list:\n%s", out)
	}
	if out := m.must("keys", "list", "--database"); strings.Count(out, "\n") != 4 || !strings.Contains(out, g.tenant) {
		t.Errorf("list --database:\n%s", out)
	}
	m.must("keys", "create", "--tenant", someTenant, "--all-scopes")
	if out := m.must("keys", "list", "--tenant", someTenant); strings.Count(out, "\n") != 2 {
		t.Errorf("list --tenant:\n%s", out)
	}
	m.must("keys", "revoke", key)
	for _, k := range []string{key, created.Key} {
		m.refused(1, m.runWith([]string{"HYDRAPIN_API_KEY=" + k}, "keys", "list"), "does not accept the credential")
	}
	m.refused(1, m.run("keys", "revoke", "nobody"), "no key has this id")
}

// What is missing, and what is wrong, is one sentence each.
func TestCommandsWithoutAServer(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	list := []string{"pins", "list"}
	m.refused(1, m.run(list...), "no credential: set HYDRAPIN_API_KEY")
	m.refused(1, m.runWith([]string{"HYDRAPIN_API_KEY=a", "HYDRAPIN_TOKEN=b"}, list...), "unset one of them")
	m.refused(1, m.runWith([]string{"HYDRAPIN_API_KEY=hc_live_x", "HYDRAPIN_URL=http://127.0.0.1:1"}, list...), "cannot be reached", "connection refused")
	m.refused(1, m.runWith([]string{"HYDRAPIN_API_KEY=hc_live_x", "HYDRAPIN_URL=http://pin.example.com"}, list...), "check HYDRAPIN_URL")
	file := filepath.Join(m.dir, "key")
	if err := os.WriteFile(file, []byte("hc_live_x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.refused(1, m.runWith([]string{"HYDRAPIN_API_KEY_FILE=" + file, "HYDRAPIN_URL=http://127.0.0.1:1"}, list...), "cannot be reached")
	if entries := m.files("."); len(entries) != 1 {
		t.Errorf("files were created: %q", entries)
	}
}

// The script of bash offers commands, flags, and the values of flags.
func TestCompletion(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	for _, shell := range []string{"zsh", "fish"} {
		if script := m.must("completion", shell); !strings.Contains(script, "deactivate") || !strings.Contains(script, "pin-policies:write") {
			t.Errorf("%s:\n%s", shell, script)
		}
	}
	if err := os.WriteFile(filepath.Join(m.dir, "script"), []byte(m.must("completion", "bash")), 0o600); err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]string{
		"hydrapin pi": "pins", "hydrapin pins de": "deactivate", "hydrapin keys create --sc": "--scopes",
		"hydrapin pins list --status l": "locked", "hydrapin keys create --scopes pin-policies:w": "pin-policies:write",
		"hydrapin completion z": "zsh", "hydrapin --v": "--version", "hydrapin pins unlock --status l": "",
	} {
		words := strings.Fields(typed)
		cmd := exec.CommandContext(t.Context(), "bash", "-c", `. ./script; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hydrapin; echo "${COMPREPLY[*]}"`)
		cmd.Args = append(append(cmd.Args, "bash"), words...)
		cmd.Dir = m.dir
		out, err := cmd.Output()
		if err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%s: %q, %v, want %q", typed, out, err, want)
		}
	}
}

// tail starts a command that follows the trail, and returns its lines as they come.
func (m *machine) tail(args ...string) (next func() map[string]any) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	m.t.Cleanup(cancel)
	cmd := m.command(ctx, nil, append([]string{"events", "tail", "--json", "--every", "100ms"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	lines := json.NewDecoder(out)
	return func() map[string]any {
		m.t.Helper()
		var event map[string]any
		if err := lines.Decode(&event); err != nil {
			m.t.Fatalf("events tail %v: %v", args, err)
		}
		return event
	}
}

// The trail of a server is listed and followed, and so is that of the database.
func TestEventsOfAServer(t *testing.T) {
	t.Parallel()
	m, g := remote(t)
	m.must("freeze", "on")
	count := func(args ...string) int { return strings.Count(m.must(append([]string{"events"}, args...)...), "\n") }
	hydratest.Eventually(t, "both events have their index", func() bool { return count("list", "--json") == 2 })
	if out := m.must("events", "list", "--after", "0", "--json"); !strings.Contains(out, `"freeze.set"`) || strings.Count(out, "\n") != 1 {
		t.Errorf("events list --after 0: %s", out)
	}
	if stored := m.must("events", "--tenant", g.tenant, "--json"); stored != m.must("events", "--json") {
		t.Errorf("the database has other events than the server says: %s", stored)
	}
	remote, stored := m.tail("-n", "1"), m.tail("-n", "0", "--tenant", g.tenant)
	if event := remote(); event["type"] != "freeze.set" || event["index"] != 1.0 {
		t.Errorf("the newest event: %v", event)
	}
	m.must("freeze", "off")
	if event := remote(); event["type"] != "freeze.lifted" || event["index"] != 2.0 {
		t.Errorf("the next event: %v", event)
	}
	m.must("freeze", "on")
	for _, event := range []map[string]any{remote(), stored()} {
		if kind := event["type"]; kind != "freeze.set" && kind != "freeze.lifted" {
			t.Errorf("a new event: %v", event)
		}
	}
	if out := m.must("webhooks", "list", "--json"); out != "[]\n" {
		t.Errorf("webhooks list: %q", out)
	}
	m.refused(2, m.run("events", "tail", "--every", "1ms"), "--every at least 100ms")
}
