package receipt

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Seen remembers the receipts that were accepted, so that each is accepted once. Processes that run the same skill
// must share one. A table whose primary key is the jti will do: insert, and see whether a row came in.
type Seen interface {
	// Add notes jti at least until that time, and says whether it was new. Of several calls at once with the same
	// jti exactly one may be told that it was. An error refuses the receipt.
	Add(ctx context.Context, jti string, until time.Time) (first bool, err error)
}

// MaxSeen is how many receipts [MemorySeen] holds at once. With a receipt's usual life of two minutes that is some
// 600 in a second; 15 MB at most.
const MaxSeen = 100_000

// sweepEvery is how often entries whose time is past are thrown away.
const sweepEvery = 10 * time.Second

// errSeenFull is returned by MemorySeen when it holds [MaxSeen] receipts that could still be used again.
var errSeenFull = errors.New("receipt: too many receipts at once")

// MemorySeen is a [Seen] for a skill that runs in one process. It forgets with the process: a receipt that was
// accepted just before a restart would be accepted again until it expires. When it is full it refuses, because
// throwing one out would let it be used twice.
type MemorySeen struct {
	mu     sync.Mutex
	until  map[string]time.Time
	latest time.Time // the latest time it was ever asked at
	sweep  time.Time // when to throw away next
}

// NewMemorySeen returns an empty store, safe for concurrent use.
func NewMemorySeen() *MemorySeen { return &MemorySeen{until: map[string]time.Time{}} }

// Add implements [Seen]. A receipt whose time is past counts as seen: it may have been, and be forgotten.
func (m *MemorySeen) Add(_ context.Context, jti string, until time.Time) (first bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	// A clock that is set back must not bring to life what was forgotten.
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
