package bench_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// span is how long is measured what is not measured by a number of operations.
var span = flag.Duration("span", 5*time.Second, "how long each load that is bounded by time lasts")

// binary is the program that is measured.
var binary string

func TestMain(m *testing.M) {
	if mode := os.Getenv(envLimit); mode != "" {
		if err := runLimit(mode); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() == "" {
		os.Exit(m.Run())
	}
	os.Exit(buildAndRun(m))
}

// buildAndRun builds the program as it ships, unless HYDRAPIN_BIN names one that
// was built before.
func buildAndRun(m *testing.M) int {
	if given := os.Getenv("HYDRAPIN_BIN"); given != "" {
		abs, err := filepath.Abs(given)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		binary = abs
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "hydrapin-bench-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "hydrapin")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "github.com/hydracore/hydrapin")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
