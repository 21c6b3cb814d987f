package bench_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// span is how long is measured what is not measured by a number of operations.
var span = flag.Duration("span", 5*time.Second, "how long each load that is bounded by time lasts")

func TestMain(m *testing.M) {
	if mode := os.Getenv(envLimit); mode != "" {
		if err := runLimit(mode); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(hydratest.Main(m))
}
