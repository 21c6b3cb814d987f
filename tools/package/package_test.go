package deploy_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// built returns the path of the one package of dist with an ending; `make package` makes it.
func built(t *testing.T, ending string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "dist", "*"+ending))
	if err != nil || len(found) != 1 {
		t.Fatalf("dist has %v, want one %s: make package", found, ending)
	}
	path, err := filepath.Abs(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Two builds of the same source in different folders are the same bytes, and static.
func TestReproducible(t *testing.T) {
	t.Parallel()
	files := output(t, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	var builds [][]byte
	for range 2 {
		dir := filepath.Join(t.TempDir(), strconv.Itoa(len(builds)), "checkout")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		pack := exec.CommandContext(t.Context(), "tar", "--null", "--ignore-failed-read", "--warning=no-failed-read", "-T", "-", "-cf", "-")
		pack.Dir, pack.Stdin = root, strings.NewReader(files)
		archive, err := pack.Output()
		if err != nil {
			t.Fatal(err)
		}
		unpack := exec.CommandContext(t.Context(), "tar", "-xf", "-")
		unpack.Dir, unpack.Stdin = dir, bytes.NewReader(archive)
		if out, err := unpack.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		build := exec.CommandContext(t.Context(), "tools/build.sh", "-s -w")
		build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		program, err := os.ReadFile(filepath.Join(dir, "bin", "hydrapin"))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(program, []byte(dir)) {
			t.Error("the program has the path of its folder")
		}
		builds = append(builds, program)
	}
	if !bytes.Equal(builds[0], builds[1]) {
		t.Errorf("two builds differ: %d and %d bytes", len(builds[0]), len(builds[1]))
	}
}

// The unit is valid, and systemd finds little that it could still be kept from.
func TestUnit(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Fatal("systemd-analyze is missing: install systemd")
	}
	unit := filepath.Join(t.TempDir(), "hydrapin.service")
	text := strings.ReplaceAll(read(t, "deploy/systemd/hydrapin.service"), "/usr/bin/hydrapin", "/bin/true")
	if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", "--recursive-errors=no", unit)
	out, err := cmd.CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("hydrapin.service")) {
		t.Errorf("verify: %v\n%s", err, out)
	}
	out, err = exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold=15", "--no-pager", unit).CombinedOutput()
	if err != nil {
		t.Errorf("security: exposed more than 1.5: %v\n%s", err, out)
	}
}

// The Debian package is installed into a folder, the server of it started as its user and stopped,
// then the package is upgraded, removed and purged: what was changed and the data stay.
func TestDebianPackage(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Fatal("dpkg installs as root alone: run this with sudo")
	}
	deb := built(t, ".deb")
	if arch := strings.TrimSpace(output(t, "dpkg-deb", "--field", deb, "Architecture")); arch != runtime.GOARCH {
		t.Errorf("the package is for %s", arch)
	}
	into := emptySystem(t)
	dpkg := func(args ...string) {
		t.Helper()
		output(t, "dpkg", append([]string{
			"--root=" + into, "--force-script-chrootless", "--force-depends", "--force-confold", "--log=/dev/null",
		}, args...)...)
	}
	dpkg("--install", deb)
	uid, gid := serviceUser(t, into)
	for path, want := range map[string]struct {
		mode     os.FileMode
		uid, gid int
	}{
		"usr/bin/hydrapin":                        {0o755, 0, 0},
		"usr/lib/systemd/system/hydrapin.service": {0o644, 0, 0},
		"etc/hydrapin":                            {os.ModeDir | 0o750, 0, gid},
		"etc/hydrapin/hydrapin.env":               {0o640, 0, gid},
		"var/lib/hydrapin":                        {os.ModeDir | 0o700, uid, gid},
		"usr/share/doc/hydrapin/copyright":        {0o644, 0, 0},
	} {
		info, err := os.Stat(filepath.Join(into, path))
		if err != nil {
			t.Fatal(err)
		}
		if stat := info.Sys().(*syscall.Stat_t); info.Mode() != want.mode || int(stat.Uid) != want.uid || int(stat.Gid) != want.gid {
			t.Errorf("%s: %v of %d:%d, want %v", path, info.Mode(), stat.Uid, stat.Gid, want)
		}
	}
	startInstalled(t, into, uid, gid)

	settings := filepath.Join(into, "etc/hydrapin/hydrapin.env")
	changed := "HYDRAPIN_DATA_DIR=/var/lib/hydrapin\nHYDRAPIN_ADDR=127.0.0.1:0\n"
	if err := os.WriteFile(settings, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	dpkg("--install", deb)
	if now, err := os.ReadFile(settings); err != nil || string(now) != changed {
		t.Errorf("an upgrade replaced the settings: %v\n%s", err, now)
	}
	dpkg("--remove", "hydrapin")
	dpkg("--purge", "hydrapin")
	if _, err := os.Stat(filepath.Join(into, "usr/bin/hydrapin")); err == nil {
		t.Error("the program is there after the package was removed")
	}
	if _, err := os.Stat(settings); err == nil {
		t.Error("the settings are there after the package was purged")
	}
	if _, err := os.Stat(filepath.Join(into, "var/lib/hydrapin/peppers")); err != nil {
		t.Errorf("purging the package removed the peppers: %v", err)
	}
}

// emptySystem returns a folder that dpkg takes for a system: it has an administrator, and
// nothing that a program could use.
func emptySystem(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	// The service's user passes through.
	for path := dir; path != os.TempDir() && path != "/"; path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil { //nolint:gosec // as above
			t.Fatal(err)
		}
	}
	for _, folder := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "etc", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range map[string]string{
		"var/lib/dpkg/status": "", "var/lib/dpkg/available": "",
		"etc/passwd": "root:x:0:0:root:/:/bin/sh\n", "etc/group": "root:x:0:\n", "etc/shadow": "root:*:1::::::\n", "etc/gshadow": "root:*::\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil { //nolint:gosec // as on a system
			t.Fatal(err)
		}
	}
	return dir
}

var passwdLine = regexp.MustCompile(`(?m)^hydrapin:[^:]*:(\d+):(\d+):[^:]*:/var/lib/hydrapin:/usr/sbin/nologin$`)

func serviceUser(t *testing.T, into string) (uid, gid int) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(into, "etc/passwd"))
	if err != nil {
		t.Fatal(err)
	}
	m := passwdLine.FindSubmatch(content)
	if m == nil {
		t.Fatalf("the package made no user:\n%s", content)
	}
	uid, _ = strconv.Atoi(string(m[1]))
	gid, _ = strconv.Atoi(string(m[2]))
	return uid, gid
}

// startInstalled does what systemd does with the unit: it runs serve as the user of the service,
// with the settings of the package, in a root that has nothing else, until it is ready.
func startInstalled(t *testing.T, into string, uid, gid int) {
	t.Helper()
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: filepath.Join(into, "tmp/notify")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	if err := os.Chmod(filepath.Join(into, "tmp/notify"), 0o666); err != nil { //nolint:gosec // the service writes to it
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	env := []string{"NOTIFY_SOCKET=/tmp/notify"}
	packaged, err := os.ReadFile(filepath.Join(into, "etc/hydrapin/hydrapin.env"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(packaged)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			env = append(env, line)
		}
	}
	env = append(env, "HYDRAPIN_ADDR="+address)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := func(args ...string) (*exec.Cmd, *bytes.Buffer) {
		var out bytes.Buffer
		cmd := exec.CommandContext(ctx, "/usr/bin/hydrapin", args...)
		cmd.Err = nil // it is found in the new root
		cmd.Path, cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = "/usr/bin/hydrapin", "/var/lib/hydrapin", env, &out, &out
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Chroot: into, Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, //nolint:gosec // ids
		}
		return cmd, &out
	}
	serve, log := command("serve")
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- serve.Wait() }()
	heard := make(chan string, 1)
	go func() {
		message := make([]byte, 64)
		n, _ := socket.Read(message)
		heard <- string(message[:n])
	}()
	select {
	case said := <-heard:
		if said != "READY=1" {
			t.Errorf("serve said %q", said)
		}
	case err := <-done:
		t.Fatalf("serve ended: %v\n%s", err, log)
	case <-ctx.Done():
		t.Fatalf("serve did not say that it is ready\n%s", log)
	}
	health, out := command("health")
	if err := health.Run(); err != nil {
		t.Errorf("health: %v\n%s", err, out)
	}
	backup, out := command("backup", "/var/lib/hydrapin/backup.db")
	if err := backup.Run(); err != nil {
		t.Errorf("backup: %v\n%s", err, out)
	}
	if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("serve ended with %v\n%s", err, log)
	}
}

// The RPM package has the same files. rpm itself is tried where it is installed.
func TestRPMPackage(t *testing.T) {
	t.Parallel()
	rpm := built(t, ".rpm")
	content, err := os.ReadFile(rpm)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(content, []byte{0xed, 0xab, 0xee, 0xdb}) {
		t.Error("not an RPM package")
	}
	if _, err := exec.LookPath("rpm"); err != nil {
		return
	}
	files := output(t, "rpm", "--query", "--package", "--list", rpm)
	for _, file := range []string{"/usr/bin/hydrapin", "/usr/lib/systemd/system/hydrapin.service", "/etc/hydrapin/hydrapin.env"} {
		if !strings.Contains(files, file+"\n") {
			t.Errorf("the package lacks %s:\n%s", file, files)
		}
	}
	output(t, "rpm", "--checksig", "--nosignature", rpm)
}
