package service_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain fixes how much the model is tried by default; the flags of rapid on the
// command line win, since they are read after this.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"rapid.checks": "20", "rapid.steps": "50", "rapid.nofailfile": "true", "rapid.shrinktime": "20s",
	} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
