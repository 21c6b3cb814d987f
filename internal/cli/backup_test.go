package cli_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/pgtest"
)

// put moves a file of the machine.
func (m *machine) put(from, to string) {
	m.t.Helper()
	if err := os.Rename(filepath.Join(m.dir, from), filepath.Join(m.dir, to)); err != nil {
		m.t.Fatal(err)
	}
}

// A backup is made beside a running serve, and restored beside the secrets of the folder: the
// PIN that was set is there, what came later is not, and the trail says so.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	s := m.serve()
	stdout, _ := s.printed()
	g := parseGreeting(t, stdout)
	call(t, http.MethodPost, g.url+g.path, g.body, "X-Api-Key", g.key)
	r := m.run("backup", "copy.db")
	if r.code != 0 || r.stdout != "" || !strings.Contains(r.stderr, "without peppers") {
		t.Fatalf("backup: exit code %d, %q\n%s", r.code, r.stdout, r.stderr)
	}
	info, err := os.Stat(filepath.Join(m.dir, "copy.db"))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the backup has mode %v: %v", info.Mode(), err)
	}
	content, err := os.ReadFile(filepath.Join(m.dir, "copy.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"peppers", "receipt-keys", "jwt-secret"} {
		secret, err := os.ReadFile(filepath.Join(m.dir, "data", name))
		if err != nil {
			t.Fatal(err)
		}
		_, value, ringed := strings.Cut(strings.TrimSpace(string(secret)), ":")
		if !ringed {
			value = strings.TrimSpace(string(secret))
		}
		if strings.Contains(string(content), value) {
			t.Errorf("the backup has the %s", name)
		}
	}
	m.refused(1, m.run("backup", "copy.db"), "copy.db exists, and a backup replaces no file")
	m.refused(1, m.run("backup", "no/where.db"), "no such file or directory", "no backup was created")
	m.refused(1, m.run("restore", "copy.db"), "is in use by another hydrapin")

	later := strings.TrimSpace(m.must("keys", "create", "--tenant", g.tenant, "--all-scopes"))
	s.stop()
	m.refused(1, m.run("restore", "copy.db"), "data/hydrapin.db exists, and a restore replaces no database")
	m.put("data/hydrapin.db", "broken.db")
	m.refused(1, m.run("restore", "none.db"), "none.db", "no such file or directory")
	m.refused(1, m.run("restore", "data/peppers"), "is not a backup of hydrapin")
	r = m.run("restore", "copy.db")
	if r.code != 0 || r.stdout != "" || !strings.Contains(r.stderr, "in 1 tenants") || !strings.Contains(r.stderr, "guesses of PINs") {
		t.Fatalf("restore: exit code %d, %q\n%s", r.code, r.stdout, r.stderr)
	}
	s = m.serve()
	stdout, _ = s.printed()
	url := strings.TrimSuffix(strings.Fields(stdout)[1], "/docs")
	if status, answer := call(t, http.MethodGet, url+g.path, "", "X-Api-Key", g.key); status != http.StatusOK || !strings.Contains(answer, `"has_pin":true`) {
		t.Errorf("the PIN after the restore: %d %s", status, answer)
	}
	if status, _ := call(t, http.MethodGet, url+g.path, "", "X-Api-Key", later); status != http.StatusUnauthorized {
		t.Errorf("a key that was created after the backup: %d", status)
	}
	if trail := m.must("events", "--tenant", g.tenant); !strings.Contains(trail, "database.restored") {
		t.Errorf("the trail does not have the restore:\n%s", trail)
	}
	s.stop()
	if found, code := m.doctor(); code != 0 {
		t.Errorf("doctor after the restore: %v", found)
	}
}

// On a machine without a data folder a restore makes one, and serve asks for the peppers.
func TestRestoreElsewhere(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.serve().stop()
	m.must("backup", "copy.db")
	m.put("data", "before")
	m.must("restore", "copy.db")
	if info, err := os.Stat(filepath.Join(m.dir, "data")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v: %v", info.Mode(), err)
	}
	if reasons := m.serveRefuses(); !strings.Contains(reasons[0], "lost peppers mean lost PINs") {
		t.Errorf("without peppers: %q", reasons)
	}
	for _, name := range []string{"peppers", "receipt-keys", "jwt-secret"} {
		m.put("before/"+name, "data/"+name)
	}
	m.serve().stop()
}

// Killed at any moment, a backup and a restore leave the file that was asked for whole, or
// not at all, and the next one works.
func TestKillBackupAndRestore(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.serve().stop()
	m.must("backup", "whole.db")
	m.put("data/hydrapin.db", "data/first.db")
	whole := len(m.mustRead("whole.db"))
	first := []string{"HYDRAPIN_DATABASE_URL=sqlite://data/first.db"}
	backup, restore := m.took(first, "backup", "timed.db"), m.took(nil, "restore", "whole.db")
	m.put("data/hydrapin.db", "old.db")
	const moments = 12
	for n := range moments {
		share := float64(n) / moments
		m.killed(part(backup, share), first, "backup", "copy.db")
		if m.exists("copy.db") && len(m.mustRead("copy.db")) != whole {
			t.Errorf("a backup killed after %s left half a file", part(backup, share))
		}
		_ = os.Remove(filepath.Join(m.dir, "copy.db"))
		m.killed(part(restore, share), nil, "restore", "whole.db")
		if m.exists("data/hydrapin.db") {
			m.must("events", "--tenant", someTenant)
			m.put("data/hydrapin.db", "old.db")
		}
	}
	m.must("restore", "whole.db")
	m.must("backup", "copy.db")
	m.serve().stop()
	if files := m.files("data"); slices.ContainsFunc(files, func(f string) bool { return strings.Contains(f, ".restoring") }) {
		t.Errorf("the folder has %q", files)
	}
}

func part(d time.Duration, share float64) time.Duration { return time.Duration(float64(d) * share) }

// took runs a command that has to succeed and returns how long that took.
func (m *machine) took(env []string, args ...string) time.Duration {
	m.t.Helper()
	began := time.Now()
	if r := m.runWith(env, args...); r.code != 0 {
		m.t.Fatalf("hydrapin %v: exit code %d\n%s", args, r.code, r.stderr)
	}
	return time.Since(began)
}

func (m *machine) exists(name string) bool {
	_, err := os.Stat(filepath.Join(m.dir, name))
	return err == nil
}

func (m *machine) mustRead(name string) []byte {
	m.t.Helper()
	content, err := os.ReadFile(filepath.Join(m.dir, name))
	if err != nil {
		m.t.Fatal(err)
	}
	return content
}

// killed runs a command and kills it after a time, if it has not ended before.
func (m *machine) killed(after time.Duration, env []string, args ...string) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), after)
	defer cancel()
	_ = m.command(ctx, env, args...).Run() // the context kills with SIGKILL
}

// With PostgreSQL, pg_dump and pg_restore move the data, and restore completes it.
func TestRestoreOfPostgres(t *testing.T) {
	t.Parallel()
	from, to := pgtest.Empty(t), pgtest.Empty(t)
	secrets := []string{"HYDRAPIN_PEPPERS=" + ring, "HYDRAPIN_RECEIPT_KEYS=" + ring}
	m := newMachine(t, append(secrets, "HYDRAPIN_DATABASE_URL="+from)...)
	m.serve().stop()
	key := strings.TrimSpace(m.must("keys", "create", "--tenant", someTenant, "--all-scopes"))
	bin, err := pgtest.FindBinaries(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tool := func(name string, args ...string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), filepath.Join(bin, name), args...)
		c.Dir = m.dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	tool("pg_dump", "--format=custom", "--file=hydrapin.dump", from)

	target := newMachine(t, append(secrets, "HYDRAPIN_DATABASE_URL="+to)...)
	target.refused(1, target.run("restore"), "it is empty: fill it with pg_restore first")
	target.refused(2, target.run("restore", "hydrapin.dump"), "with PostgreSQL, restore the dump with pg_restore")
	target.refused(1, target.run("backup", "copy.db"), "pg_dump")
	tool("pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--dbname="+to, "hydrapin.dump")
	for range 2 { // an interrupted one is run again
		if r := target.run("restore"); r.code != 0 || r.stdout != "" || !strings.Contains(r.stderr, "in 1 tenants") {
			t.Fatalf("restore: exit code %d, %q\n%s", r.code, r.stdout, r.stderr)
		}
	}
	if trail := target.must("events", "--tenant", someTenant); strings.Count(trail, "database.restored") != 2 {
		t.Errorf("the trail does not have the restores:\n%s", trail)
	}
	s := target.serve()
	stdout, _ := s.printed()
	url := strings.TrimSuffix(strings.Fields(stdout)[1], "/docs")
	path := "/v1/customers/" + someInstance + "/pin"
	if status, answer := call(t, http.MethodGet, url+path, "", "X-Api-Key", key); status != http.StatusOK {
		t.Errorf("the key after the restore: %d %s", status, answer)
	}
	s.stop()
}
