package sqlite

import (
	"sync"
	"time"
)

// clock is the process's clock in microseconds. It never goes back: where the
// wall clock is set back, it goes on by the time that has really passed until
// the wall clock has caught up. Standing still instead would keep an approval
// alive for as long.
type clock struct {
	now func() time.Time

	mu   sync.Mutex
	raw  time.Time // what now said last
	last time.Time // what was made of it
}

func (c *clock) read() time.Time {
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
