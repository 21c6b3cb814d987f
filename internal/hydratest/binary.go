package hydratest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// envBinary names a program that was built before, to be tested instead.
const envBinary = "HYDRAPIN_BIN"

// folder is where the program is built; [Main] removes it.
var folder struct {
	mu   sync.Mutex
	path string
}

// Main runs the tests of a package that uses [Binary], and removes what was built. A package's
// TestMain calls it as os.Exit(hydratest.Main(m)).
func Main(m *testing.M) int {
	defer func() {
		folder.mu.Lock()
		defer folder.mu.Unlock()
		if folder.path != "" {
			_ = os.RemoveAll(folder.path)
		}
	}()
	return m.Run()
}

// Binary returns the path of the program as it ships: without cgo, and so without the race
// detector. It is built once in a test process.
func Binary(tb testing.TB) string {
	tb.Helper()
	path, err := build()
	Must(tb, err)
	return path
}

var build = sync.OnceValues(func() (string, error) {
	if given := os.Getenv(envBinary); given != "" {
		return filepath.Abs(given)
	}
	dir, err := os.MkdirTemp("", "hydrapin-test-")
	if err != nil {
		return "", err
	}
	folder.mu.Lock()
	folder.path = dir
	folder.mu.Unlock()
	path := filepath.Join(dir, "hydrapin")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "github.com/hydracore/hydrapin")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
})
