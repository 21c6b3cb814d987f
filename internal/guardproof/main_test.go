package guardproof_test

import (
	"fmt"
	"os"
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
	code := hydratest.Main(m)
	for _, cleanup := range cleanups {
		cleanup()
	}
	os.Exit(code)
}

// cleanups remove what the tests of the package share.
var cleanups []func()
