//go:build !linux

package sqlite

import "time"

// sinceBoot stands for a clock that goes on while the machine is suspended, where there
// is none: this one stops then.
func sinceBoot() time.Duration { return sinceStart() }
