package systest_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

func TestMain(m *testing.M) { os.Exit(hydratest.Main(m)) }

// after waits for an instant: for kills at random ones, which wait for no condition.
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
