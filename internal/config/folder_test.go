package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hydracore/hydrapin/internal/config"
)

// folderFiles are what a first start leaves, each of mode 0600.
func folderFiles() []string {
	return []string{"hydrapin.db", "hydrapin.lock", "jwt-secret", "peppers", "receipt-keys"}
}

// embedded returns the settings of an embedded server with its folder at dir.
func embedded(t *testing.T, dir string, env ...string) config.Config {
	t.Helper()
	c, err := config.Load(append([]string{"HYDRAPIN_DATA_DIR=" + dir}, env...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// start opens the folder, and closes it with the test.
func start(t *testing.T, c config.Config) (config.Config, *config.Folder) {
	t.Helper()
	f, completed, err := config.OpenFolder(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return completed, f
}

// firstStart makes a folder and gives it up again, as a server that has ended.
func firstStart(t *testing.T) (dir string, c config.Config) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	c, f := start(t, embedded(t, dir))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, c
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", e.Name(), info.Mode())
		}
		names = append(names, e.Name())
	}
	return names
}

func secrets(c config.Config) [3]string {
	return [3]string{c.Peppers.Reveal(), c.ReceiptKeys.Reveal(), string(c.JWTSecret.Reveal())}
}

func TestFirstAndSecondStart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	first, f := start(t, embedded(t, dir))
	if diff := cmp.Diff(folderFiles(), list(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, want 0700", info.Mode())
	}
	var made []string
	for _, name := range []string{"jwt-secret", "peppers", "receipt-keys", "hydrapin.db"} {
		made = append(made, filepath.Join(dir, name))
	}
	if diff := cmp.Diff(made, f.Made()); diff != "" {
		t.Errorf("made, the database last (-want +got):\n%s", diff)
	}
	for i, s := range secrets(first) {
		if len(s) < 32 {
			t.Errorf("secret %d has %d bytes", i, len(s))
		}
	}
	for _, name := range []string{"HYDRAPIN_PEPPERS", "HYDRAPIN_RECEIPT_KEYS", "HYDRAPIN_JWT_HS256_SECRET"} {
		if got := first.Source(name); got != config.FromFolder {
			t.Errorf("%s comes from %q", name, got)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}

	second, f := start(t, embedded(t, dir))
	if secrets(second) != secrets(first) {
		t.Error("the second start does not use what the first made")
	}
	if len(f.Made()) != 0 {
		t.Errorf("the second start made %q", f.Made())
	}
	// The settings accept what was created.
	if _, err := config.Load([]string{
		"HYDRAPIN_PEPPERS=" + second.Peppers.Reveal(), "HYDRAPIN_RECEIPT_KEYS=" + second.ReceiptKeys.Reveal(),
		"HYDRAPIN_JWT_HS256_SECRET=" + string(second.JWTSecret.Reveal()),
	}); err != nil {
		t.Error(err)
	}
	other, _ := start(t, embedded(t, filepath.Join(t.TempDir(), "data")))
	for i, s := range secrets(other) {
		if s == secrets(first)[i] {
			t.Errorf("secret %d is the same in two folders", i)
		}
	}
}

func TestEnvironmentWins(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	c, _ := start(t, embedded(t, dir,
		"HYDRAPIN_PEPPERS=p1:"+key1, "HYDRAPIN_JWT_JWKS=https://login.example.com/", "HYDRAPIN_JWT_ISSUER=i", "HYDRAPIN_JWT_AUDIENCE=a"))
	if diff := cmp.Diff([]string{"hydrapin.db", "hydrapin.lock", "receipt-keys"}, list(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if c.Peppers.Reveal() != "p1:"+key1 || !c.JWTSecret.IsZero() {
		t.Error("the environment does not win")
	}

	// With a JWKS a secret that is there is not read either.
	dir, _ = firstStart(t)
	c, _ = start(t, embedded(t, dir, "HYDRAPIN_JWT_JWKS=https://login.example.com/", "HYDRAPIN_JWT_ISSUER=i", "HYDRAPIN_JWT_AUDIENCE=a"))
	if !c.JWTSecret.IsZero() {
		t.Error("with a JWKS the folder's secret is read")
	}
}

func TestDatabaseElsewhere(t *testing.T) {
	t.Parallel()
	dir, other := filepath.Join(t.TempDir(), "data"), t.TempDir()
	db := filepath.Join(other, "pins.db")
	c, _ := start(t, embedded(t, dir, "HYDRAPIN_DATABASE_URL=sqlite://"+db))
	if c.Database.Path != db {
		t.Errorf("path = %q, want %q", c.Database.Path, db)
	}
	if diff := cmp.Diff([]string{"pins.db"}, list(t, other)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	_, _, err := config.OpenFolder(embedded(t, filepath.Join(t.TempDir(), "data"), "HYDRAPIN_DATABASE_URL=sqlite://"+filepath.Join(other, "none", "pins.db")))
	oneProblem(t, err, "pins.db", "its folder must exist")
}

// oneProblem fails unless the error is one line that has both texts.
func oneProblem(t *testing.T, err error, texts ...string) {
	t.Helper()
	if _, ok := errors.AsType[*config.Error](err); !ok {
		t.Fatalf("error is %T %v, want a *config.Error", err, err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error has several lines: %v", err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error does not say %q: %v", text, err)
		}
	}
}

func TestSecondServerIsRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	c, f := start(t, embedded(t, dir))
	_, _, err := config.OpenFolder(embedded(t, dir))
	oneProblem(t, err, dir, fmt.Sprintf("(pid %d)", os.Getpid()), "HYDRAPIN_DATA_DIR")
	_, err = config.LockFolder(embedded(t, dir))
	oneProblem(t, err, "in use by another hydrapin")
	// Reading goes on beside it.
	if beside, err := embedded(t, dir).ReadFolder(); err != nil || secrets(beside) != secrets(c) {
		t.Errorf("ReadFolder beside a server: %v", err)
	}
	if err := c.RequireDatabase(); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	held, err := config.LockFolder(embedded(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Close(); err != nil {
		t.Error(err)
	}
}

// A folder that is open to others is refused with the command that closes it.
func TestLoosePermissions(t *testing.T) {
	t.Parallel()
	for _, name := range append(folderFiles(), ".") {
		for _, mode := range []fs.FileMode{0o040, 0o004, 0o060, 0o010} {
			t.Run(fmt.Sprintf("%s %o", name, mode), func(t *testing.T) {
				t.Parallel()
				dir, c := firstStart(t)
				path := filepath.Join(dir, name)
				want, loose := "chmod 600 "+path, 0o600|mode
				if name == "." {
					want, loose = "chmod 700 "+dir, 0o700|mode
				}
				if err := os.Chmod(path, loose); err != nil {
					t.Fatal(err)
				}
				_, _, err := config.OpenFolder(embedded(t, dir))
				oneProblem(t, err, want)
				_, err = embedded(t, dir).ReadFolder()
				oneProblem(t, err, want)
				if err := os.Chmod(path, loose&^0o077); err != nil {
					t.Fatal(err)
				}
				if again, _ := start(t, embedded(t, dir)); secrets(again) != secrets(c) {
					t.Error("after that it does not start as before")
				}
			})
		}
	}
}

func TestLoosePermissionsAllAtOnce(t *testing.T) {
	t.Parallel()
	dir, _ := firstStart(t)
	for _, name := range []string{"peppers", "jwt-secret", "hydrapin.db"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := config.OpenFolder(embedded(t, dir))
	if got := problems(t, err); len(got) != 3 {
		t.Errorf("problems = %v, want three", got)
	}
}

func TestPathIsQuotedForTheShell(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "my 'data'")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	_, _, err := config.OpenFolder(embedded(t, dir))
	oneProblem(t, err, `my '\''data'\'''`)
}

// Peppers that are gone while the database is there are lost, and never replaced
// in silence. The rest of the secrets protects nothing that is stored.
func TestLostSecrets(t *testing.T) {
	t.Parallel()
	dir, c := firstStart(t)
	if err := os.Remove(filepath.Join(dir, "peppers")); err != nil {
		t.Fatal(err)
	}
	_, _, err := config.OpenFolder(embedded(t, dir))
	oneProblem(t, err, "lost peppers mean lost PINs", "backup")
	if slices.Contains(list(t, dir), "peppers") {
		t.Error("new peppers were made all the same")
	}
	// From elsewhere they are as good.
	if _, f := start(t, embedded(t, dir, "HYDRAPIN_PEPPERS="+c.Peppers.Reveal())); len(f.Made()) != 0 {
		t.Errorf("made %q", f.Made())
	}

	dir, c = firstStart(t)
	for _, name := range []string{"receipt-keys", "jwt-secret"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	again, f := start(t, embedded(t, dir))
	if len(f.Made()) != 2 {
		t.Errorf("made %q, want receipt keys and secret", f.Made())
	}
	oldID, _, _ := strings.Cut(c.ReceiptKeys.Reveal(), ":")
	newID, _, _ := strings.Cut(again.ReceiptKeys.Reveal(), ":")
	if oldID == newID {
		t.Error("a new receipt key has the id of the lost one")
	}
}

// Whatever a crash in the middle of the first start leaves, the second start
// completes and keeps.
func TestCrashInFirstStart(t *testing.T) {
	t.Parallel()
	order := []string{"hydrapin.lock", "jwt-secret", "peppers", "receipt-keys", "hydrapin.db"}
	for done := range len(order) + 1 {
		t.Run(fmt.Sprintf("after %d files", done), func(t *testing.T) {
			t.Parallel()
			dir, first := firstStart(t)
			for i, name := range order {
				if i < done {
					continue
				}
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
				// The file that was being written may be there in part.
				if i == done && name != "hydrapin.lock" {
					if err := os.WriteFile(filepath.Join(dir, name+".new"), []byte("k1:"), 0o400); err != nil {
						t.Fatal(err)
					}
				}
			}
			second, _ := start(t, embedded(t, dir))
			if diff := cmp.Diff(folderFiles(), list(t, dir)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			for i, name := range []string{"peppers", "receipt-keys", "jwt-secret"} {
				if slices.Index(order, name) < done && secrets(second)[i] != secrets(first)[i] {
					t.Errorf("%s was replaced", name)
				}
			}
		})
	}
}

func TestDamagedSecret(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"peppers": "k1:hunter2\n", "receipt-keys": "", "jwt-secret": "hunter2"} {
		dir, _ := firstStart(t)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, c, err := config.OpenFolder(embedded(t, dir))
		oneProblem(t, err, name, "backup")
		silent(t, err, c)
	}
	dir, _ := firstStart(t)
	path := filepath.Join(dir, "jwt-secret")
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
	_, _, err := config.OpenFolder(embedded(t, dir))
	oneProblem(t, err, path, "is not a file")
}

func TestFolderThatCannotBe(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	file := filepath.Join(base, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, says := range map[string]string{
		file:                             "is not a folder",
		filepath.Join(file, "data"):      "cannot be created (not a directory)",
		filepath.Join(base, "a", "data"): "mkdir -p " + filepath.Join(base, "a"),
	} {
		_, _, err := config.OpenFolder(embedded(t, dir))
		oneProblem(t, err, dir, says)
	}
	missing := filepath.Join(base, "none")
	_, err := config.LockFolder(embedded(t, missing))
	oneProblem(t, err, "start hydrapin serve once")
	oneProblem(t, embedded(t, missing).RequireDatabase(), "start hydrapin serve once")
	if c, err := embedded(t, missing).ReadFolder(); err != nil || !c.Peppers.IsZero() {
		t.Errorf("ReadFolder of none: %v", err)
	}
	if c, err := config.Load(postgresEnv()); err != nil || c.RequireDatabase() != nil {
		t.Error("a node on PostgreSQL needs no file")
	}
}
