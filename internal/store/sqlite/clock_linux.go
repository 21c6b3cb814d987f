package sqlite

import (
	"time"

	"golang.org/x/sys/unix"
)

// sinceBoot returns the time since the machine started. Unlike Go's own monotonic clock
// it goes on while the machine is suspended (clock_gettime(2), CLOCK_BOOTTIME).
func sinceBoot() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return sinceStart()
	}
	return time.Duration(ts.Nano())
}
