package systest_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// binary is the program under test.
var binary string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

// buildAndRun builds the program as it ships, without cgo and so without the race
// detector, unless HYDRAPIN_BIN names one that was built before.
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
	dir, err := os.MkdirTemp("", "hydrapin-systest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "hydrapin")
	build := exec.Command("go", "build", "-o", binary, "github.com/hydracore/hydrapin")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

const (
	// patience is how long a test waits for what should take moments.
	patience = 40 * time.Second
	// glance is how often a condition is looked at.
	glance = 5 * time.Millisecond
)

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// after waits for an instant; for the kills at random ones, which are no wait for
// a condition.
func after(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// random returns a source whose seed is printed when the test fails, and can be
// given again as SYSTEST_SEED.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if given := os.Getenv("SYSTEST_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("SYSTEST_SEED: %v", err)
		}
	}
	t.Logf("SYSTEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
