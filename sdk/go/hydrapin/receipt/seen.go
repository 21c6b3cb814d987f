package receipt

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Seen remembers the receipts that were accepted, so that each is accepted once. Processes that run
// the same skill must share one, for example a table whose primary key is the jti: insert, and
// check whether a row was added.
type Seen interface {
	// Add records jti at least until that time, and reports whether it was new. If several calls
	// add the same jti at once, exactly one of them returns true. An error refuses the receipt.
	Add(ctx context.Context, jti string, until time.Time) (first bool, err error)
}

// MaxSeen is how many receipts [MemorySeen] holds at once: about 600 a second with the usual
// lifetime of two minutes, and at most 15 MB.
const MaxSeen = 100_000

// sweepEvery is how often expired entries are removed.
const sweepEvery = 10 * time.Second

// errSeenFull is returned by MemorySeen when it holds [MaxSeen] receipts that have not expired.
var errSeenFull = errors.New("receipt: too many receipts at once")

// MemorySeen is a [Seen] for a skill that runs in one process. It forgets everything when the
// process ends: a receipt that was accepted just before a restart would be accepted again until it
// expires. When it is full it refuses receipts, because removing one would allow it to be used
// twice.
type MemorySeen struct {
	mu     sync.Mutex
	until  map[string]time.Time
	latest time.Time // the latest time it was ever asked at
	sweep  time.Time // when to throw away next
}

// NewMemorySeen returns an empty store, safe for concurrent use.
func NewMemorySeen() *MemorySeen { return &MemorySeen{until: map[string]time.Time{}} }

// Add implements [Seen]. An expired receipt counts as seen, because it may have been seen and
// removed.
func (m *MemorySeen) Add(_ context.Context, jti string, until time.Time) (first bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	// A clock that is set back must not make a removed receipt acceptable again.
	if now := time.Now(); now.After(m.latest) {
		m.latest = now
	}
	if !m.sweep.After(m.latest) {
		m.sweep = m.latest.Add(sweepEvery)
		for id, end := range m.until {
			if !end.After(m.latest) {
				delete(m.until, id)
			}
		}
	}
	if _, seen := m.until[jti]; seen || !until.After(m.latest) {
		return false, nil
	}
	if len(m.until) >= MaxSeen {
		return false, errSeenFull
	}
	m.until[jti] = until
	return true, nil
}
