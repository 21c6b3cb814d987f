package guard

import (
	"testing"
	"time"
)

// WithBeat returns the guard with another pause between two signs of life.
func (g *Guard) WithBeat(tb testing.TB, d time.Duration) *Guard {
	tb.Helper()
	g.beat = d
	return g
}
