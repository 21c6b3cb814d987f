package pgtest_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// script runs one of the project's shell scripts with commands of its own in front of
// the system's, so that nothing is installed and nothing compiled.
type script struct {
	t    *testing.T
	bin  string // where the commands are
	seen string // what they were called with, a line each
}

func newScript(t *testing.T, commands map[string]string) script {
	t.Helper()
	s := script{t: t, bin: t.TempDir(), seen: filepath.Join(t.TempDir(), "seen")}
	for name, body := range commands {
		text := "#!/bin/sh\necho \"" + name + " $*\" >>\"$SEEN\"\n" + body + "\n"
		if err := os.WriteFile(filepath.Join(s.bin, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// run returns the exit code and what the script printed on stderr.
func (s script) run(env []string, args ...string) (code int, stderr string) {
	s.t.Helper()
	c := exec.CommandContext(context.Background(), "/bin/sh", args...)
	c.Dir = "../.."
	c.Env = append([]string{"PATH=" + s.bin + ":/usr/sbin:/usr/bin:/sbin:/bin", "SEEN=" + s.seen, "BIN=" + s.bin, "TMPDIR=" + s.t.TempDir()}, env...)
	var out bytes.Buffer
	c.Stderr = &out
	if err := c.Run(); err != nil && c.ProcessState == nil {
		s.t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String()
}

func (s script) calls() string {
	s.t.Helper()
	b, err := os.ReadFile(s.seen)
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	return string(b)
}

// needCommands stand for a machine without PostgreSQL, whose apt-get brings it and
// runs what the package's own script would.
func needCommands() map[string]string {
	return map[string]string{
		"id": "echo 0",
		// The program that looks for a server finds one once the package is there.
		"go": `while [ $# -gt 1 ]; do [ "$1" = -o ] && out=$2; shift; done
printf '#!/bin/sh\n[ -e "$BIN/installed" ]\n' >"$out"; chmod 755 "$out"`,
		"apt-get": `path=$(printf '%s\n' "$@" | sed -n 's/^DPkg::Path=//p')
PATH=$path pg_createcluster 15 main >>"$SEEN" 2>&1 || echo "pg_createcluster failed" >>"$SEEN"
PATH=$path invoke-rc.d postgresql start >>"$SEEN" 2>&1 || echo "invoke-rc.d failed" >>"$SEEN"
touch "$BIN/installed"`,
		// The system's own, which must not be reached.
		"pg_createcluster": `echo "a cluster was created" >>"$SEEN"`,
		"invoke-rc.d":      `echo "a service was started" >>"$SEEN"`,
	}
}

func TestMissingPostgresIsInstalledAfterSayingSo(t *testing.T) {
	t.Parallel()
	s := newScript(t, needCommands())
	code, stderr := s.run(nil, "tools/need.sh", "postgres")
	if code != 0 || !strings.Contains(stderr, "about to install the packages: postgresql ") || !strings.Contains(stderr, "HYDRAPIN_TEST_NO_INSTALL=1") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	calls := s.calls()
	if !strings.Contains(calls, "apt-get install ") || !strings.Contains(calls, " postgresql\n") {
		t.Errorf("nothing was installed:\n%s", calls)
	}
	// Neither a cluster nor a service comes of it, and no file of the system is edited.
	for _, wrong := range []string{"a cluster was created", "a service was started", "failed", "sed ", "createcluster.conf"} {
		if strings.Contains(calls, wrong) {
			t.Errorf("%q in:\n%s", wrong, calls)
		}
	}
	if code, stderr := s.run(nil, "tools/need.sh", "postgres"); code != 0 || stderr != "" {
		t.Errorf("where it is there: exit code %d\n%s", code, stderr)
	}
}

func TestNothingIsInstalledWhenForbidden(t *testing.T) {
	t.Parallel()
	commands := needCommands()
	commands["node"] = "exit 1"
	for _, need := range []string{"postgres", "node"} {
		s := newScript(t, commands)
		code, stderr := s.run([]string{"HYDRAPIN_TEST_NO_INSTALL=1"}, "tools/need.sh", need)
		if code == 0 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "HYDRAPIN_TEST_NO_INSTALL=1 forbids") {
			t.Errorf("%s: exit code %d, want one sentence and another than 0\n%s", need, code, stderr)
		}
		if calls := s.calls(); strings.Contains(calls, "apt-get") {
			t.Errorf("%s: %s", need, calls)
		}
	}
}

// A program that does not compile is not taken for a missing server.
func TestBrokenProgramInstallsNothing(t *testing.T) {
	t.Parallel()
	commands := needCommands()
	commands["go"] = "echo broken >&2; exit 1"
	s := newScript(t, commands)
	if code, stderr := s.run(nil, "tools/need.sh", "postgres"); code == 0 || !strings.Contains(stderr, "broken") || strings.Contains(s.calls(), "apt-get") {
		t.Errorf("exit code %d\n%s%s", code, stderr, s.calls())
	}
}

// A build with much to compile says how far it is, passes on what the compiler says,
// and fails as the compiler does.
func TestBuildSaysHowFarItIs(t *testing.T) {
	t.Parallel()
	for _, exit := range []int{0, 1} {
		s := newScript(t, map[string]string{"go": fmt.Sprintf(`case $1 in
list) i=0; while [ $i -lt 40 ]; do echo stale; echo; i=$((i+1)); done ;;
build) i=0; while [ $i -lt 40 ]; do echo example.com/p$i >&2; i=$((i+1)); done
	echo "./main.go:1:2: something is wrong" >&2; exit %d ;;
esac`, exit)})
		code, stderr := s.run(nil, "tools/build.sh", "-s -w")
		if code != exit || !strings.Contains(stderr, "Compiling hydrapin: 40 packages") || !strings.Contains(stderr, "Compiled 20 of 40 packages\n") ||
			!strings.Contains(stderr, "Compiled 40 of 40 packages\n") || strings.Count(stderr, "Compiled ") != 10 ||
			!strings.Contains(stderr, "./main.go:1:2: something is wrong\n") || strings.Contains(stderr, "example.com") {
			t.Errorf("exit code %d, want %d\n%s", code, exit, stderr)
		}
		if !strings.Contains(s.calls(), "-ldflags -s -w -o bin/hydrapin .") {
			t.Errorf("go was called with\n%s", s.calls())
		}
	}
	few := newScript(t, map[string]string{"go": `[ "$1" = build ] || echo stale`})
	if code, stderr := few.run(nil, "tools/build.sh"); code != 0 || strings.Contains(stderr, "Compil") {
		t.Errorf("with little to compile: exit code %d\n%s", code, stderr)
	}
}
