package guardproof_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

func TestMain(m *testing.M) {
	if os.Getenv(envRecord) != "" {
		if err := recordStdio(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	// The tests wait for people, processes and connections more than they compute.
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = flag.Set("test.parallel", "8")
	}
	code := hydratest.Main(m)
	for _, cleanup := range cleanups {
		cleanup()
	}
	os.Exit(code)
}

// cleanups remove what the tests of the package share.
var cleanups []func()
