package sqlite

import (
	"sync"
	"time"
)

const (
	// jumpNoticed is how far the wall clock must be from this one to be worth a word.
	jumpNoticed = time.Second
	// slew bounds how fast this clock follows the wall's: a thousandth of the time that
	// passes, so that a lock of 15 minutes ends at most a second early or late.
	slew = 1000
)

// clock tells the time in microseconds.
type clock interface{ read() time.Time }

// running is the process's clock. It begins with the wall clock and goes on by the time
// that passes, suspend included: who sets the wall clock ahead opens no lock early, and
// who sets it back keeps no approval alive. Of a jump it takes over what is left, but
// slowly, as a wall clock that was wrong when the process began is put right later.
type running struct {
	// wall tells the time of day, passed the time since any moment before.
	wall   func() time.Time
	passed func() time.Duration
	// notice reports jumps.
	notice func(msg string, args ...any)

	mu   sync.Mutex
	last time.Time     // what was made of both last
	at   time.Duration // what passed said then
	// ahead is how far the wall clock was ahead when last noticed.
	ahead time.Duration
}

func newRunning(wall func() time.Time, passed func() time.Duration, notice func(string, ...any)) *running {
	return &running{wall: wall, passed: passed, notice: notice, last: wall().UTC().Round(0), at: passed()}
}

func (c *running) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall, at := c.wall().UTC().Round(0), c.passed()
	step := max(0, at-c.at)
	next := c.last.Add(step)
	ahead := wall.Sub(next)
	if jump := ahead - c.ahead; jump.Abs() >= jumpNoticed {
		c.notice("the machine's clock jumped; locks and lifetimes go on by the time that passes",
			"jump", jump.Round(time.Millisecond), "ahead", ahead.Round(time.Millisecond))
		c.ahead = ahead
	}
	bound := step / slew
	next = next.Add(min(max(ahead, -bound), bound))
	c.last, c.at = next, at
	return next.Truncate(time.Microsecond)
}

var processStart = time.Now() //nolint:gochecknoglobals // a moment to measure from

func sinceStart() time.Duration { return time.Since(processStart) }

// steered is a clock that somebody sets: it says what now says, but never goes back.
// Where now is set back, it goes on by the time that has really passed until now has
// caught up. Standing still instead would keep an approval alive for as long.
type steered struct {
	now func() time.Time

	mu   sync.Mutex
	raw  time.Time // what now said last
	last time.Time // what was made of it
}

func (c *steered) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw := c.now()
	// Round strips the monotonic reading, so that times are compared by the wall.
	t := raw.UTC().Round(0)
	if t.Before(c.last) {
		t = c.last.Add(max(0, raw.Sub(c.raw)))
	}
	c.raw, c.last = raw, t
	return t.Truncate(time.Microsecond)
}
