package service

import (
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
)

const (
	// refusalsEach is how many refusals of one credential and kind are events in a
	// refusalWindow; the rest are counted, and the log of requests has them all. A credential
	// that is refused without pause must not fill the trail.
	refusalsEach   = 10
	refusalWindow  = time.Minute
	maxRefusalKeys = 10_000
)

// refusals bound the events of refusals that changed nothing, on this node.
type refusals struct {
	mu      sync.Mutex
	windows map[refusalKey]refusalCount
}

type refusalKey struct {
	kind   auth.Kind
	tenant uuid.UUID
	id     string
	of     audit.Type
}

type refusalCount struct {
	since time.Time
	n     int
}

func newRefusals() *refusals { return &refusals{windows: map[refusalKey]refusalCount{}} }

// isRefusal says whether events of a type only say that nothing changed.
func isRefusal(t audit.Type) bool {
	switch t {
	case audit.TypeAccessDenied, audit.TypeConfirmationBlocked, audit.TypeConfirmationRefused, audit.TypePINRefused:
		return true
	default:
		return false
	}
}

// onlyRefuses says whether events say nothing but that nothing changed.
func onlyRefuses(events []audit.Event) bool {
	for _, e := range events {
		if !isRefusal(e.Details.Type()) {
			return false
		}
	}
	return len(events) > 0
}

// take says whether one more refusal of the credential is an event; else it is counted.
func (r *refusals) take(p auth.Principal, of audit.Type, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := refusalKey{kind: p.Kind, tenant: p.Tenant, id: p.ID, of: of}
	count, known := r.windows[key]
	if !known {
		r.makeRoom()
		count.since = now
	}
	if over(count, now) && count.n <= refusalsEach {
		count = refusalCount{since: now}
	}
	count.n++
	r.windows[key] = count
	return count.n <= refusalsEach
}

// makeRoom forgets windows that have no count to be written, when there are too many.
func (r *refusals) makeRoom() {
	if len(r.windows) < maxRefusalKeys {
		return
	}
	for key, count := range r.windows {
		if count.n <= refusalsEach {
			delete(r.windows, key)
		}
	}
}

func over(c refusalCount, now time.Time) bool {
	return now.Sub(c.since) >= refusalWindow || now.Before(c.since)
}

// ended returns the counts of windows that are over, and forgets them.
func (r *refusals) ended(now time.Time) map[refusalKey]refusalCount {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := map[refusalKey]refusalCount{}
	for key, count := range r.windows {
		if !over(count, now) {
			continue
		}
		delete(r.windows, key)
		if count.n > refusalsEach {
			count.n -= refusalsEach
			counts[key] = count
		}
	}
	return counts
}

// back puts a count back that could not be written.
func (r *refusals) back(key refusalKey, count refusalCount) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.windows[key]
	r.windows[key] = refusalCount{since: count.since, n: max(now.n, refusalsEach) + count.n}
}
