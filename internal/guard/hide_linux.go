package guard

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Hide makes the memory and the environment of this process, which has the runtime key, unreadable
// for other processes of the same user: the upstream is one of them.
func Hide() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("PR_SET_DUMPABLE: %w", err)
	}
	return nil
}
