package guard_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hydracore/hydrapin/internal/guard"
	"github.com/hydracore/hydrapin/internal/hydratest"
)

func TestHide(t *testing.T) {
	t.Parallel()
	hydratest.Must(t, guard.Hide())
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil || dumpable != 0 {
		t.Errorf("dumpable is %d, %v", dumpable, err)
	}
}
