package systest_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// noteFolder marks what the data folder holds as secret.
func (m *machine) noteFolder() {
	m.t.Helper()
	for _, file := range []string{"peppers", "receipt-keys", "jwt-secret"} {
		content, err := os.ReadFile(m.path("data/" + file))
		if err != nil {
			m.t.Fatal(err)
		}
		value := strings.TrimSpace(string(content))
		if _, key, ok := strings.Cut(value, ":"); ok {
			value = key
		}
		m.secret(file, value)
	}
}

var curlLine = regexp.MustCompile(`curl -X POST (\S+) -H 'X-Api-Key: (\S+)' -H 'Content-Type: application/json' -d '(\S+)'\n`)

// greeting returns what the line says that a first start prints.
func (n *node) greeting() (address, key, body string) {
	n.m.t.Helper()
	var line []string
	// The log, which says that the server is ready, comes through another pipe.
	hydratest.Eventually(n.m.t, "the first start greets", func() bool {
		line = curlLine.FindStringSubmatch(n.text(&n.stdout))
		return line != nil
	})
	return line[1], line[2], line[3]
}

// The first start greets, once, and what it prints sets a PIN; the second uses what
// the first made.
func TestEmbeddedStarts(t *testing.T) {
	t.Parallel()
	m := newMachine(t, strings.Fields(cheapHash)...)
	first := m.serve()
	m.noteFolder()
	address, key, body := first.greeting()
	if a := call(t.Context(), browser, http.MethodPost, address, body, "X-Api-Key", key); a.status != http.StatusOK {
		t.Errorf("the printed line: %d %s %v", a.status, a.body, a.err)
	}
	first.stop()
	before := m.folder()
	second := m.serve()
	path := strings.TrimPrefix(address, first.url)
	var s status
	if second.call(key, http.MethodGet, path, "").into(t, &s, http.StatusOK); !s.HasPIN {
		t.Error("the second start does not know the PIN")
	}
	second.stop()
	if printed := second.text(&second.stdout); strings.Contains(printed, "hc_live_") {
		t.Errorf("the second start printed\n%s", printed)
	}
	if after := m.folder(); !bytes.Equal(before, after) {
		t.Error("the second start changed a secret")
	}
}

// folder returns the content of the files with secrets.
func (m *machine) folder() []byte {
	m.t.Helper()
	var all bytes.Buffer
	for _, file := range []string{"peppers", "receipt-keys", "jwt-secret"} {
		content, err := os.ReadFile(m.path("data/" + file))
		if err != nil {
			m.t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s %s", file, content)
	}
	return all.Bytes()
}

// Each error of the folder and of the address is one line that says what to do.
func TestEmbeddedRefusals(t *testing.T) {
	t.Parallel()
	m := newMachine(t, strings.Fields(cheapHash)...)
	n := m.serve()
	m.noteFolder()
	m.refused(m.run(nil, "serve"), "./data is in use by another hydrapin", "(pid "+strconv.Itoa(n.cmd.Process.Pid)+")")
	listening := strings.TrimPrefix(n.url, "http://")
	m.refused(m.run([]string{"HYDRAPIN_DATA_DIR=other", "HYDRAPIN_ADDR=" + listening}, "serve"),
		listening, "address already in use", "set HYDRAPIN_ADDR to a free address")
	n.stop()
	for _, file := range []string{"peppers", "receipt-keys", "jwt-secret", "hydrapin.db"} {
		path := m.path("data/" + file)
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		m.refused(m.run(nil, "serve"), "data/"+file+" is open to other users", "chmod 600 data/"+file)
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(m.path("data"), 0o750); err != nil {
		t.Fatal(err)
	}
	m.refused(m.run(nil, "serve"), "./data is open to other users", "chmod 700 ./data")
	if err := os.WriteFile(m.path("file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m.refused(m.run([]string{"HYDRAPIN_DATA_DIR=file"}, "serve"), "file is not a folder", "HYDRAPIN_DATA_DIR")
	m.refused(m.run([]string{"HYDRAPIN_DATA_DIR=no/where"}, "serve"), "mkdir -p no")
}

// A folder that may not be written to is refused, for root as for anybody.
func TestEmbeddedFolderNotWritable(t *testing.T) {
	t.Parallel()
	dir, program := t.TempDir(), hydratest.Binary(t)
	var as *syscall.Credential
	if os.Geteuid() == 0 {
		// Nothing is closed to root: nobody runs the program, in a folder of root's
		// that nobody may read.
		dir, program, as = openToNobody(t)
	} else if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	m := newMachine(t)
	c := m.command(t.Context(), nil, "serve")
	c.Path, c.Dir = program, dir
	if as != nil {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	}
	m.refused(m.finish(c), "./data cannot be created (permission denied)", "HYDRAPIN_DATA_DIR")
}

// openToNobody returns a folder of root's with a copy of the program that nobody
// can run.
func openToNobody(t *testing.T) (dir, program string, as *syscall.Credential) {
	t.Helper()
	account, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	// Root's own temporary folder may be closed to others.
	if dir, err = os.MkdirTemp("/tmp", "hydrapin-nobody-"); err != nil { //nolint:usetesting // see above
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(dir, "hydrapin")
	// Another process writes the copy: were it this one, a server that another test
	// starts just then would hold it open, and what is open for writing cannot run.
	if out, err := exec.CommandContext(t.Context(), "cp", "-p", hydratest.Binary(t), program).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
	return dir, program, &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
}

// Invalid settings are reported all at once, by name and never with their value.
func TestWrongSettings(t *testing.T) {
	t.Parallel()
	const planted = "plantedsecret"
	wrong := map[string]string{
		"ADDR": planted, "DATABASE_URL": "mysql://" + planted, "CORS_ORIGINS": "*",
		"JWT_HS256_SECRET": planted, "PEPPERS": "k1:" + planted, "RECEIPT_KEYS": planted, "LOCK_AFTER": planted,
		"LOCK_BASE": planted, "ARGON2_TIME": "65", "HASH_QUEUE": "0", "LOG_LEVEL": planted, "PIN_MIN_LENGTHS": "6",
		"TRUSTED_PROXIES": "0.0.0.0/0", "PUBLIC_URL": "ftp://" + planted,
	}
	m := newMachine(t)
	m.secret("wrong value", planted)
	env := make([]string, 0, len(wrong))
	for name, value := range wrong {
		env = append(env, "HYDRAPIN_"+name+"="+value)
	}
	r := m.run(env, "serve")
	if r.code != 1 || r.stdout != "" || !strings.HasPrefix(r.stderr, fmt.Sprintf("hydrapin: %d things are wrong:\n", len(wrong))) {
		t.Errorf("exit code %d, stdout %q, want 1, none, and %d errors:\n%s", r.code, r.stdout, len(wrong), r.stderr)
	}
	for name := range wrong {
		if got := strings.Count(r.stderr, "\n  HYDRAPIN_"+name+" "); got != 1 {
			t.Errorf("%d lines about HYDRAPIN_%s:\n%s", got, name, r.stderr)
		}
	}
	if _, err := os.Stat(m.path("data")); err == nil {
		t.Error("it made a data folder all the same")
	}
}
