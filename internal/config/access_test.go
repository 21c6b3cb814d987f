package config_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/config"
)

// stranger is a user that is neither root nor the one of the tests.
const stranger = 65534

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// giveAway makes a file another user's. Only root can, so without root there is
// nothing that a test could give away, and it returns false.
func giveAway(t *testing.T, path string, uid, gid int) bool {
	t.Helper()
	if os.Getuid() != 0 {
		return false
	}
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
	return true
}

// handedIn are the files that the environment can name, each with the variables
// that name it and whether it holds a secret.
func handedIn(t *testing.T) map[string]struct {
	path   string
	env    []string
	secret bool
} {
	t.Helper()
	peppers := filepath.Join(t.TempDir(), "peppers")
	keySet := filepath.Join(t.TempDir(), "jwks.json")
	for path, content := range map[string]string{peppers: "p1:" + key1, keySet: `{"keys":[]}`} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, key := certificate(t)
	pair := []string{"HYDRAPIN_TLS_CERT_FILE=" + cert, "HYDRAPIN_TLS_KEY_FILE=" + key}
	return map[string]struct {
		path   string
		env    []string
		secret bool
	}{
		"HYDRAPIN_PEPPERS":       {peppers, []string{"HYDRAPIN_PEPPERS_FILE=" + peppers}, true},
		"HYDRAPIN_TLS_KEY_FILE":  {key, pair, true},
		"HYDRAPIN_TLS_CERT_FILE": {cert, pair, false},
		"HYDRAPIN_JWT_JWKS":      {keySet, []string{"HYDRAPIN_JWT_JWKS=" + keySet, "HYDRAPIN_JWT_ISSUER=i", "HYDRAPIN_JWT_AUDIENCE=a"}, false},
	}
}

func TestFilesThatOthersCanChangeOrRead(t *testing.T) {
	t.Parallel()
	for name, file := range handedIn(t) {
		for _, mode := range []fs.FileMode{0o666, 0o620, 0o602, 0o660} {
			chmod(t, file.path, mode)
			_, err := config.Load(file.env)
			if got := problems(t, err); len(got) != 1 || !strings.Contains(got[name], "chmod go-w "+file.path) {
				t.Errorf("%s, mode %o: %v, want one problem with the command to close it", name, mode, err)
			}
		}
		for mode, warned := range map[fs.FileMode]bool{0o600: false, 0o400: false, 0o440: false, 0o640: false, 0o644: true, 0o444: true} {
			chmod(t, file.path, mode)
			c, err := config.Load(file.env)
			if err != nil {
				t.Errorf("%s, mode %o: %v", name, mode, err)
			}
			if got := c.Warnings(); (len(got) == 1) != (warned && file.secret) {
				t.Errorf("%s, mode %o: warnings %v", name, mode, got)
			} else if len(got) == 1 && (got[0].Setting != name || !strings.Contains(got[0].Text, "chmod o= "+file.path)) {
				t.Errorf("%s, mode %o: warning %v", name, mode, got[0])
			}
		}
		chmod(t, file.path, 0o600) // the certificate and its key are checked together
	}
}

func TestFilesOfAnotherUser(t *testing.T) {
	t.Parallel()
	for name, file := range handedIn(t) {
		if !giveAway(t, file.path, stranger, -1) {
			return
		}
		_, err := config.Load(file.env)
		if got := problems(t, err); len(got) != 1 || !strings.Contains(got[name], "belongs to another user (uid 65534)") {
			t.Errorf("%s: %v, want one problem that names the owner", name, err)
		}
		giveAway(t, file.path, os.Getuid(), -1)
	}
}

// Each file of a data folder, and the folder, has to be the user's own or root's.
func TestFolderOfAnotherUser(t *testing.T) {
	t.Parallel()
	for _, name := range append(folderFiles(), ".") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, _ := firstStart(t)
			if !giveAway(t, filepath.Join(dir, name), stranger, -1) {
				return
			}
			for _, env := range [][]string{nil, {"HYDRAPIN_DATA_GROUP_ACCESS=true"}} {
				_, _, err := config.OpenFolder(embedded(t, dir, env...))
				oneProblem(t, err, "belongs to another user (uid 65534)", fmt.Sprintf("chown %d ", os.Geteuid()))
				_, err = embedded(t, dir, env...).CheckFolder()
				oneProblem(t, err, "belongs to another user")
			}
		})
	}
}

// Kubernetes gives a volume with fsGroup to root:GID with mode 2770, and makes its
// files group-writable when the pod starts again.
func TestGroupAccess(t *testing.T) {
	t.Parallel()
	const group = "HYDRAPIN_DATA_GROUP_ACCESS=true"
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	chmod(t, dir, 0o770|fs.ModeSetgid)
	giveAway(t, dir, 0, stranger)
	_, _, err := config.OpenFolder(embedded(t, dir))
	oneProblem(t, err, "is open to other users, those of its group", group)
	c, f := start(t, embedded(t, dir, group))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range folderFiles() {
		chmod(t, filepath.Join(dir, name), 0o660)
	}
	again, f := start(t, embedded(t, dir, group))
	if secrets(again) != secrets(c) {
		t.Error("the second start does not use what the first made")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := embedded(t, dir, group).RequireDatabase(); err != nil {
		t.Errorf("RequireDatabase: %v", err)
	}
	// It lets in the group and no other user.
	for _, name := range append(folderFiles(), ".") {
		path := filepath.Join(dir, name)
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		chmod(t, path, before.Mode()|0o004)
		_, _, err = config.OpenFolder(embedded(t, dir, group))
		oneProblem(t, err, "chmod o= "+path)
		chmod(t, path, before.Mode())
	}
}

// Clients' settings are no mistakes in the environment of serve, and are not read.
func TestClientSettings(t *testing.T) {
	t.Parallel()
	var env []string
	for _, d := range config.ClientSettings() {
		env = append(env, d.Name+"=", d.Name+"_FILE=/nowhere")
	}
	if len(env) != 12 {
		t.Errorf("%d variables, want 12", len(env))
	}
	if _, err := config.Load(env); err != nil {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(path, []byte("http://pins.internal\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		env  []string
		want string
	}{
		"not set": {nil, ""},
		"value":   {[]string{"HYDRAPIN_URL=http://a"}, "http://a"},
		"file":    {[]string{"HYDRAPIN_URL_FILE=" + path}, "http://pins.internal"},
	} {
		if got, err := config.LookUpClient(tt.env, "HYDRAPIN_URL"); err != nil || got != tt.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, tt.want)
		}
	}
	for _, wrong := range [][]string{{"HYDRAPIN_URL="}, {"HYDRAPIN_URL=a", "HYDRAPIN_URL_FILE=" + path}, {"HYDRAPIN_URL_FILE=/nowhere"}} {
		_, err := config.LookUpClient(wrong, "HYDRAPIN_URL")
		oneProblem(t, err, "HYDRAPIN_URL")
	}
}

// CheckFolder finds what OpenFolder would refuse, and leaves nothing behind.
func TestCheckFolder(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	c := embedded(t, filepath.Join(base, "data"))
	if _, err := c.CheckFolder(); err != nil {
		t.Errorf("before the first start: %v", err)
	}
	if entries, _ := os.ReadDir(base); len(entries) != 0 {
		t.Errorf("it left %v", entries)
	}
	dir, first := firstStart(t)
	if got, err := embedded(t, dir).CheckFolder(); err != nil || secrets(got) != secrets(first) {
		t.Errorf("after the first start: %v", err)
	}
	list(t, dir)
	if err := os.Remove(filepath.Join(dir, "peppers")); err != nil {
		t.Fatal(err)
	}
	_, err := embedded(t, dir).CheckFolder()
	oneProblem(t, err, "lost peppers mean lost PINs")
	for path, says := range map[string]string{
		filepath.Join(base, "none", "data"): "mkdir -p " + filepath.Join(base, "none"),
		"/proc/x":                           "no folder can be created in /proc",
	} {
		_, err := embedded(t, path).CheckFolder()
		oneProblem(t, err, path, says, "")
		_, _, err = config.OpenFolder(embedded(t, path))
		oneProblem(t, err, path, says)
	}
	_, err = embedded(t, dir, "HYDRAPIN_PEPPERS=p1:"+key1, "HYDRAPIN_DATABASE_URL=sqlite://"+filepath.Join(base, "none", "x.db")).CheckFolder()
	oneProblem(t, err, "its folder must exist")
}
