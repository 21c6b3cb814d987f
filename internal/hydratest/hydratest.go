package hydratest

import (
	"bytes"
	"sync"
	"testing"
	"time"
)

const (
	// Patience is how long a test waits for what should take moments.
	Patience = 40 * time.Second
	// glance is how often a condition is checked.
	glance = 5 * time.Millisecond
)

// Must ends the test when there is an error.
func Must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// Eventually waits until the condition holds, and ends the test when that takes longer than
// [Patience].
func Eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	deadline := time.After(Patience)
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			tb.Fatalf("%s: not within %s", what, Patience)
		}
	}
}

// Buffer is a buffer that one goroutine writes while another reads.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Clock is a clock that a test moves.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that stands still at the present time.
func NewClock() *Clock { return &Clock{now: time.Now().UTC().Truncate(time.Microsecond)} }

// Now returns the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Add moves the clock.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
