package systest_test

import (
	"testing"
	"time"
)

// history is what the events of a customer add up to.
type history struct {
	attempted, failed, verified int
	// failures is the count as it must be now.
	failures    int
	lockedUntil time.Time
	// lockedBy is the request whose guess locked.
	lockedBy string
}

// locked says whether a lock holds that no test waits out.
func (s history) locked() bool { return !s.lockedUntil.IsZero() }

// remaining is how many guesses are left to the next lock; no test comes near the
// other limits.
func (s history) remaining() int {
	if s.locked() {
		return 0
	}
	return lockAfter - s.failures%lockAfter
}

// trail adds up the events of one customer since the PIN was set, and fails where
// they record a guess that must not have been.
func trail(t *testing.T, events []event) history {
	t.Helper()
	var s history
	for _, e := range events {
		switch e.Type {
		case "pin.attempted":
			if s.locked() {
				t.Errorf("event %d: a guess was paid for while the PIN was locked", e.Index)
			}
			s.attempted++
			s.failures++
			if got := e.Details["failures"]; got != float64(s.failures) {
				t.Errorf("event %d: it is the guess %v in a row, want %d: an attempt was given back", e.Index, got, s.failures)
			}
		case "pin.failed":
			s.failed++
		case "pin.locked":
			s.lockedBy = e.RequestID
			until, ok := e.Details["locked_until"].(string)
			if !ok {
				t.Fatalf("event %d has no time: %v", e.Index, e.Details)
			}
			var err error
			if s.lockedUntil, err = time.Parse(time.RFC3339Nano, until); err != nil {
				t.Fatal(err)
			}
		case "pin.verified":
			s.verified++
			s.failures = 0
		case "pin.unlocked":
			if e.Details["reason"] != "own_correct_guess" || e.RequestID != s.lockedBy {
				t.Errorf("event %d: a lock was lifted that another guess had earned: %v", e.Index, e.Details)
			}
			s.lockedUntil = time.Time{}
		}
	}
	if s.failed+s.verified > s.attempted {
		t.Errorf("%d guesses were checked and %d paid for", s.failed+s.verified, s.attempted)
	}
	return s
}
