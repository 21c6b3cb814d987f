package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// greeted is what the first start prints.
type greeted struct{ tenant, key, url, docs, path, body, token string }

var greetingForm = regexp.MustCompile(`(?s)^
hydrapin has created a tenant and its first key\. They are shown only this once:

  tenant  ([0-9a-f-]{36})
  key     (hc_live_[0-9A-Za-z]+_[0-9A-Za-z]+)
  docs    (http://127\.0\.0\.1:\d+/docs)

Set a customer's PIN:

  curl -X POST (http://127\.0\.0\.1:\d+)(/v1/customers/[0-9a-f-]{36}/pin) -H 'X-Api-Key: (\S+)' -H 'Content-Type: application/json' -d '(\{"pin":"\d+"\})'

Get a token, to be an admin of the tenant in the docs:

  (\S+ token --tenant \S+ --admin)

The folder \./data contains everything: .*Without the\npeppers the PINs are lost.*anyone who copies this folder can recover the PINs\.

$`)

func parseGreeting(t *testing.T, stdout string) greeted {
	t.Helper()
	m := greetingForm.FindStringSubmatch(stdout)
	if m == nil {
		t.Fatalf("the greeting is not as expected:\n%s", stdout)
	}
	if m[6] != m[2] {
		t.Errorf("the curl line has another key than the greeting")
	}
	return greeted{tenant: m[1], key: m[2], docs: m[3], url: m[4], path: m[5], body: m[7], token: m[8]}
}

func (m *machine) files(dir string) []string {
	m.t.Helper()
	entries, err := os.ReadDir(filepath.Join(m.dir, dir))
	if err != nil {
		m.t.Fatal(err)
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// secrets returns what no output may hold.
func (m *machine) secrets() []string {
	m.t.Helper()
	var out []string
	for _, name := range []string{"peppers", "receipt-keys", "jwt-secret"} {
		b, err := os.ReadFile(filepath.Join(m.dir, "data", name))
		if err != nil {
			m.t.Fatal(err)
		}
		_, secret, ok := strings.Cut(strings.TrimSpace(string(b)), ":")
		if !ok {
			secret = strings.TrimSpace(string(b))
		}
		out = append(out, secret)
	}
	return out
}

func call(t *testing.T, method, url, body string, header ...string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, b.String()
}

// From nothing to a set PIN with what the first start printed.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	s := m.serve()
	stdout, _ := s.printed()
	g := parseGreeting(t, stdout)
	if status, answer := call(t, http.MethodPost, g.url+g.path, g.body, "X-Api-Key", g.key); status != http.StatusOK || !strings.Contains(answer, `"has_pin":true`) {
		t.Errorf("the printed curl line: %d %s", status, answer)
	}
	if status, _ := call(t, http.MethodGet, g.docs, ""); status != http.StatusOK {
		t.Errorf("%s: %d", g.docs, status)
	}
	fields := strings.Fields(g.token)
	token := strings.TrimSpace(m.must(fields[1:]...))
	if status, answer := call(t, http.MethodGet, g.url+g.path, "", "Authorization", "Bearer "+token); status != http.StatusOK || !strings.Contains(answer, `"has_pin":true`) {
		t.Errorf("with the printed token: %d %s", status, answer)
	}
	customer := strings.Split(g.path, "/")[3]
	token = strings.TrimSpace(m.must("token", "--tenant", g.tenant, "--customer", customer, "--ttl", "1m"))
	if status, answer := call(t, http.MethodGet, g.url+"/v1/me/pin", "", "Authorization", "Bearer "+token); status != http.StatusOK || !strings.Contains(answer, `"has_pin":true`) {
		t.Errorf("as the customer: %d %s", status, answer)
	}
	_, stderr := s.stop()
	for _, secret := range append(m.secrets(), g.key, token) {
		if strings.Contains(stderr, secret) {
			t.Error("a secret is in the log")
		}
	}

	// The second start uses what the first made, and says where the documentation is.
	s = m.serve()
	stdout, stderr = s.printed()
	var ready struct{ Address, Docs string }
	for line := range strings.Lines(stderr) {
		if strings.Contains(line, `"msg":"ready"`) {
			if err := json.Unmarshal([]byte(line), &ready); err != nil {
				t.Fatal(err)
			}
		}
	}
	if stdout != "\n  docs    "+ready.Docs+"\n\n" || strings.Contains(stderr, `"msg":"file created"`) {
		t.Errorf("the second start printed\n%s\n%s", stdout, stderr)
	}
	if status, _ := call(t, http.MethodGet, ready.Docs, ""); status != http.StatusOK {
		t.Errorf("%s: %d", ready.Docs, status)
	}
	if status, answer := call(t, http.MethodGet, "http://"+ready.Address+g.path, "", "X-Api-Key", g.key); status != http.StatusOK || !strings.Contains(answer, `"has_pin":true`) {
		t.Errorf("after the second start: %d %s", status, answer)
	}
	s.stop()
}

func TestSecondServe(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	s := m.serve()
	pid := fmt.Sprintf("(pid %d)", s.cmd.Process.Pid)
	m.refused(1, m.run("serve"), "./data is in use by another hydrapin", pid)
	m.refused(1, m.run("migrate", "up"), pid)
	// After a crash nothing is left over that keeps the next one off.
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-s.done; err == nil {
		t.Error("serve was killed and ended well")
	}
	m.serve().stop()
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	m := newMachine(t, "HYDRAPIN_ADDR="+l.Addr().String())
	m.refused(1, m.run("serve"), l.Addr().String(), "address already in use", "HYDRAPIN_ADDR")
	// That start failed, and the first one that works still prints the key.
	m = &machine{t: t, dir: m.dir, env: newMachine(t).env}
	stdout, _ := m.serve().stop()
	parseGreeting(t, stdout)
}

func TestLooseAndLostFiles(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.serve().stop()
	peppers := filepath.Join(m.dir, "data", "peppers")
	if err := os.Chmod(peppers, 0o644); err != nil {
		t.Fatal(err)
	}
	m.refused(1, m.run("serve"), "data/peppers is open to other users: chmod 600 data/peppers")
	if r := m.run("doctor"); r.code != 1 || !strings.Contains(r.stdout, "chmod 600 data/peppers") {
		t.Errorf("doctor: exit code %d\n%s", r.code, r.stdout)
	}
	if err := os.Remove(peppers); err != nil {
		t.Fatal(err)
	}
	m.refused(1, m.run("serve"), "lost peppers mean lost PINs")
	if err := os.Chmod(filepath.Join(m.dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	m.refused(1, m.run("serve"), "chmod 700 ./data")
}

func TestFolderThatCannotBe(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	if err := os.WriteFile(filepath.Join(m.dir, "data"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m.refused(1, m.run("serve"), "./data is not a folder")
	m.refused(1, m.runWith([]string{"HYDRAPIN_DATA_DIR=a/b"}, "serve"), "mkdir -p a")
}

// An interrupt ends a server as SIGTERM does.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	s := m.serve()
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := <-s.done; err != nil {
		t.Errorf("serve ended with %v", err)
	}
	if _, stderr := s.printed(); !strings.Contains(stderr, `"msg":"stopped"`) {
		t.Errorf("no word of the end:\n%s", stderr)
	}
}

func TestWeakSettingsAreLogged(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "HYDRAPIN_LOCK_AFTER=9", "HYDRAPIN_COOLING_OFF=0s", "HYDRAPIN_ADDR=0.0.0.0:0")
	_, stderr := m.serve().stop()
	for _, setting := range []string{"LOCK_AFTER", "COOLING_OFF", "ARGON2_MEMORY_KIB", "TLS_CERT_FILE", "PUBLIC_URL"} {
		if !strings.Contains(stderr, `"setting":"HYDRAPIN_`+setting+`"`) {
			t.Errorf("no warning of %s:\n%s", setting, stderr)
		}
	}
}
