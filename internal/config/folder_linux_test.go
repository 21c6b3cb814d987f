package config_test

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/hydracore/hydrapin/internal/config"
)

// asNobody runs fn with the file permissions of a user that owns nothing, on a thread
// of its own that ends with it. Without root it runs as it is.
func asNobody(fn func() error) error {
	done := make(chan error)
	go func() {
		if os.Getuid() == 0 {
			runtime.LockOSThread() // and never unlock: the thread keeps the user
			_ = syscall.Setfsuid(65534)
		}
		done <- fn()
	}()
	return <-done
}

func TestFolderThatIsNotWritable(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	dir := filepath.Join(parent, "data")
	if err := os.Mkdir(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	// Everybody may come this far; a test's folder is in one of its own.
	for p := parent; p != os.TempDir() && len(p) > 1; p = filepath.Dir(p) {
		if err := os.Chmod(p, 0o755); err != nil {
			break
		}
	}
	c := embedded(t, dir)
	open := func() error {
		_, _, err := config.OpenFolder(c)
		return err
	}
	oneProblem(t, asNobody(open), dir, "is not writable (permission denied)", "HYDRAPIN_DATA_DIR")
	if err := os.Chmod(parent, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(parent, 0o755) })
	c = embedded(t, filepath.Join(parent, "other"))
	oneProblem(t, asNobody(open), "cannot be created (permission denied)")
}
