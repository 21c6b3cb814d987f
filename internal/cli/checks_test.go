package cli_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/pgtest"
)

// ring is a ring of one key; otherRing has the same id with other bytes.
const (
	ring      = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	otherRing = "k1:AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

// finding is a finding as doctor prints it.
type finding struct {
	Level, About, Problem string
	RefusesStart          bool `json:"refuses_start"`
}

// doctor returns what doctor finds, and its exit code.
func (m *machine) doctor(env ...string) ([]finding, int) {
	m.t.Helper()
	r := m.runWith(env, "doctor", "--json")
	var report struct{ Findings []finding }
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
		m.t.Fatalf("doctor: %v\n%s%s", err, r.stdout, r.stderr)
	}
	return report.Findings, r.code
}

// serveRefuses runs serve and returns what it gives as reasons not to start.
func (m *machine) serveRefuses(env ...string) []string {
	m.t.Helper()
	r := m.runWith(env, "serve")
	if r.code != 1 || r.stdout != "" {
		m.t.Fatalf("serve: exit code %d, stdout %q\n%s", r.code, r.stdout, r.stderr)
	}
	lines := strings.Split(strings.TrimSuffix(strings.TrimPrefix(r.stderr, "hydrapin: "), "\n"), "\n")
	if len(lines) > 1 {
		lines = lines[1:] // the first counts them
	}
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return lines
}

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Whatever keeps serve from starting, doctor finds, in the same words, and says that
// it keeps serve from starting. Nothing was wrong before something was broken.
func TestDoctorFindsWhatServeRefuses(t *testing.T) {
	t.Parallel()
	whole := newMachine(t)
	first := whole.serve()
	stdout, _ := first.printed()
	g := parseGreeting(t, stdout)
	call(t, http.MethodPost, g.url+g.path, g.body, "X-Api-Key", g.key) // a PIN that needs its pepper
	first.stop()
	if found, code := whole.doctor(); code != 0 {
		t.Fatalf("doctor finds something before anything is broken: %v", found)
	}
	chmod := func(name string, mode os.FileMode) func(*machine) []string {
		return func(m *machine) []string {
			if err := os.Chmod(filepath.Join(m.dir, name), mode); err != nil {
				m.t.Fatal(err)
			}
			return nil
		}
	}
	remove := func(name string) func(*machine) []string {
		return func(m *machine) []string {
			if err := os.Remove(filepath.Join(m.dir, name)); err != nil {
				m.t.Fatal(err)
			}
			return nil
		}
	}
	env := func(env ...string) func(*machine) []string { return func(*machine) []string { return env } }
	for name, tt := range map[string]struct {
		breakIt func(*machine) []string // returns more of the environment
		says    string
	}{
		"a setting":            {env("HYDRAPIN_LOCK_AFTER=0"), "HYDRAPIN_LOCK_AFTER must be a whole number"},
		"several settings":     {env("HYDRAPIN_LOCK_AFTER=0", "HYDRAPIN_NONE=1", "HYDRAPIN_TLS_KEY_FILE=x"), "is not a setting"},
		"settings together":    {env("HYDRAPIN_PIN_MIN_LENGTH=8", "HYDRAPIN_PIN_MAX_LENGTH=6"), "lower one"},
		"peppers lost":         {remove("data/peppers"), "lost peppers mean lost PINs"},
		"peppers open":         {chmod("data/peppers", 0o640), "chmod 600 data/peppers"},
		"database open":        {chmod("data/hydrapin.db", 0o644), "chmod 600 data/hydrapin.db"},
		"lock open":            {chmod("data/hydrapin.lock", 0o666), "chmod 600 data/hydrapin.lock"},
		"folder open":          {chmod("data", 0o755), "chmod 700 ./data"},
		"no parent":            {env("HYDRAPIN_DATA_DIR=no/where"), "mkdir -p no"},
		"no folder can be":     {env("HYDRAPIN_DATA_DIR=/proc/x"), "no folder can be created in /proc"},
		"database in no place": {env("HYDRAPIN_DATABASE_URL=sqlite://no/where.db", "HYDRAPIN_PEPPERS="+ring), "its folder must exist"},
		"other peppers":        {env("HYDRAPIN_PEPPERS=" + otherRing), "is missing, and stored PINs need it"},
		"address elsewhere":    {env("HYDRAPIN_ADDR=192.0.2.1:80"), "HYDRAPIN_ADDR cannot be listened on"},
		"no database": {
			env("HYDRAPIN_DATABASE_URL=postgres://127.0.0.1:1/x", "HYDRAPIN_PEPPERS="+ring, "HYDRAPIN_RECEIPT_KEYS="+ring), "connection refused",
		},
		"PostgreSQL URL": {
			env("HYDRAPIN_DATABASE_URL=postgres://127.0.0.1/x?sslmode=sometimes", "HYDRAPIN_PEPPERS="+ring, "HYDRAPIN_RECEIPT_KEYS="+ring), "cannot be used",
		},
		"damaged database": {func(m *machine) []string {
			write(m.t, filepath.Join(m.dir, "data", "hydrapin.db"), strings.Repeat("not a database ", 1000))
			return nil
		}, "cannot be used"},
		"damaged secret": {func(m *machine) []string {
			write(m.t, filepath.Join(m.dir, "data", "receipt-keys"), "k1:x")
			return nil
		}, "restore the file from a backup"},
		"key set": {func(m *machine) []string {
			path := write(m.t, filepath.Join(m.dir, "jwks.json"), `{"keys":[]}`)
			return []string{"HYDRAPIN_JWT_JWKS=" + path, "HYDRAPIN_JWT_ISSUER=i", "HYDRAPIN_JWT_AUDIENCE=a"}
		}, "HYDRAPIN_JWT_JWKS names a file that cannot be used"},
		"secret that others can change": {func(m *machine) []string {
			path := write(m.t, filepath.Join(m.dir, "keys"), ring)
			if err := os.Chmod(path, 0o666); err != nil {
				m.t.Fatal(err)
			}
			return []string{"HYDRAPIN_RECEIPT_KEYS_FILE=" + path}
		}, "chmod go-w"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			if out, err := exec.Command("cp", "-a", filepath.Join(whole.dir, "data"), m.dir).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			more := tt.breakIt(m)
			reasons := m.serveRefuses(more...)
			if !strings.Contains(strings.Join(reasons, "\n"), tt.says) {
				t.Errorf("serve does not say %q: %q", tt.says, reasons)
			}
			found, code := m.doctor(more...)
			var same []string
			for _, f := range found {
				if f.RefusesStart {
					same = append(same, f.About+" "+f.Problem)
				}
			}
			if code != 1 || strings.Join(same, "\n") != strings.Join(reasons, "\n") {
				t.Errorf("doctor: exit code %d, finds\n%s\nserve refuses with\n%s", code, strings.Join(same, "\n"), strings.Join(reasons, "\n"))
			}
		})
	}
}

// On PostgreSQL too: a ring with other bytes than the other nodes have.
func TestDoctorFindsOtherRings(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "HYDRAPIN_DATABASE_URL="+pgtest.Empty(t), "HYDRAPIN_PEPPERS="+ring)
	first := []string{"HYDRAPIN_RECEIPT_KEYS=" + ring}
	s := (&machine{t: t, dir: m.dir, env: append(m.env, first...)}).serve()
	s.stop()
	reasons := m.serveRefuses("HYDRAPIN_RECEIPT_KEYS=" + otherRing)
	found, code := m.doctor("HYDRAPIN_RECEIPT_KEYS=" + otherRing)
	if code != 1 || len(reasons) != 1 || !strings.Contains(reasons[0], "other bytes") || !found[0].RefusesStart ||
		found[0].About+" "+found[0].Problem != reasons[0] {
		t.Errorf("serve: %q\ndoctor: %d %v", reasons, code, found)
	}
}

// What is only weak about a file is in doctor's report and in the log of serve, and
// keeps neither from its work.
func TestReadableSecretIsAWarning(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	path := write(t, filepath.Join(m.dir, "keys"), ring)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	m.env = append(m.env, "HYDRAPIN_RECEIPT_KEYS_FILE="+path)
	_, stderr := m.serve().stop()
	if !strings.Contains(stderr, `"setting":"HYDRAPIN_RECEIPT_KEYS"`) || !strings.Contains(stderr, "chmod o= "+path) {
		t.Errorf("no warning in the log:\n%s", stderr)
	}
	found, code := m.doctor()
	warned := false
	for _, f := range found {
		warned = warned || f.Level == "weak" && f.About == "HYDRAPIN_RECEIPT_KEYS"
	}
	if code != 0 || !warned {
		t.Errorf("doctor: exit code %d, %v", code, found)
	}
}

// The environment of a client is no reason for serve to refuse.
func TestServeBesideClientSettings(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "HYDRAPIN_URL=http://127.0.0.1:1", "HYDRAPIN_API_KEY=k", "HYDRAPIN_TOKEN=t",
		"HYDRAPIN_RUNTIME_KEY_FILE=/nowhere", "HYDRAPIN_INSTANCE="+someInstance, "HYDRAPIN_GUARD_SECRET=s")
	m.serve().stop()
}

// Tokens of an issuer with its own claim names and a longer lifetime are accepted once
// the settings say so. The answer to one that is refused has no reason; the log has.
func TestTokensOfOtherIssuers(t *testing.T) {
	t.Parallel()
	m := newMachine(t,
		"HYDRAPIN_JWT_CLAIM_TENANT=https://acme.example/tenant_id", "HYDRAPIN_JWT_CLAIM_CUSTOMER=/ids/customer",
		"HYDRAPIN_JWT_CLAIM_ADMIN=/realm_access/roles=pin-admin", "HYDRAPIN_JWT_AUDIENCE=pins", "HYDRAPIN_JWT_AUDIENCE_CLAIM=client_id",
		"HYDRAPIN_JWT_MAX_LIFETIME=26h")
	s := m.serve()
	stdout, _ := s.printed()
	g := parseGreeting(t, stdout)
	admin := strings.TrimSpace(m.must("token", "--tenant", someTenant, "--admin", "--ttl", "25h"))
	user := strings.TrimSpace(m.must("token", "--tenant", someTenant))
	plain := &machine{t: t, dir: m.dir, env: newMachine(t).env}
	other := strings.TrimSpace(plain.must("token", "--tenant", someTenant, "--admin"))
	for token, want := range map[string]int{admin: http.StatusOK, user: http.StatusForbidden, other: http.StatusUnauthorized} {
		status, answer := call(t, http.MethodGet, g.url+g.path, "", "Authorization", "Bearer "+token)
		if status != want || strings.Contains(answer, "client_id") {
			t.Errorf("%d %s, want %d", status, answer, want)
		}
	}
	if _, stderr := s.stop(); !strings.Contains(stderr, "client_id does not hold the configured audience") {
		t.Errorf("the log has no reason:\n%s", stderr)
	}
	plain.refused(2, plain.run("token", "--tenant", someTenant, "--ttl", "25h"), "--ttl is more than 24h", "HYDRAPIN_JWT_MAX_LIFETIME")
}

// A volume that its group can write to is in order once the settings accept that.
func TestDoctorWithGroupAccess(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "HYDRAPIN_DATA_GROUP_ACCESS=true")
	m.serve().stop()
	for _, name := range append(m.files("data"), ".") {
		mode := os.FileMode(0o660)
		if name == "." {
			mode = 0o770 | os.ModeSetgid
		}
		if err := os.Chmod(filepath.Join(m.dir, "data", name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if found, code := m.doctor(); code != 0 {
		t.Errorf("doctor: %v", found)
	}
	m.serve().stop()
	if reasons := m.serveRefuses("HYDRAPIN_DATA_GROUP_ACCESS=false"); !strings.Contains(reasons[0], "HYDRAPIN_DATA_GROUP_ACCESS=true") {
		t.Errorf("without the setting: %q", reasons)
	}
}
