package webhook

import (
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// Failure says what went wrong with a try. The values are a closed set, and are stored.
type Failure string

// The failures. The zero Failure is none: the endpoint answered 2xx.
const (
	NoFailure Failure = ""
	// NotResolved: the name of the host has no address.
	NotResolved Failure = "name_not_resolved"
	// NotAllowed: the address that the name stands for may not be dialed.
	NotAllowed Failure = "address_not_allowed"
	// NotConnected: no connection was made, or it was lost.
	NotConnected Failure = "connection_failed"
	// NotTrusted: TLS failed, as with a certificate that is not valid.
	NotTrusted Failure = "tls_failed"
	// TimedOut: there was no answer in time.
	TimedOut Failure = "timed_out"
	// NotUnderstood: what came back is no HTTP.
	NotUnderstood Failure = "invalid_answer"
	// Redirected: the answer was 3xx, which is not followed.
	Redirected Failure = "redirected"
	// Unsuccessful: the answer was another than 2xx.
	Unsuccessful Failure = "unsuccessful_status"
	// Unreadable: the secret cannot be opened with this node's peppers.
	Unreadable Failure = "secret_unreadable"
	// Removed: the event is no longer in the trail.
	Removed Failure = "event_removed"
)

// Result is what became of one try.
type Result struct {
	// Status is the HTTP status of the answer, or 0.
	Status  int
	Failure Failure
	// RetryAfter is what the answer asked for, or zero.
	RetryAfter time.Duration
}

// waits are how long to wait after each failure; after the last one the delivery is dead.
func waits() []time.Duration {
	return []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

const (
	// maxRetryAfter bounds what an endpoint can ask for.
	maxRetryAfter = 24 * time.Hour
	// jitter spreads retries over a tenth of their wait.
	jitter = 0.1
)

// wait is how long to wait after that many failures, and whether to try again at all. spread is 0
// to 1.
func wait(failures int, asked time.Duration, spread float64) (time.Duration, bool) {
	list := waits()
	if failures > len(list) {
		return 0, false
	}
	w := list[failures-1]
	w += time.Duration(spread * jitter * float64(w))
	return max(w, min(asked, maxRetryAfter)), true
}

// Settle returns the delivery after a try that its lease was for. A success delivers it; a failure
// has it wait or, when there was the last of them or the endpoint is gone, die.
func (d Delivery) Settle(r Result, now time.Time) Delivery {
	return d.settle(r, now, rand.Float64()) //nolint:gosec // it spreads retries over time, and guards nothing
}

func (d Delivery) settle(r Result, now time.Time, spread float64) Delivery {
	d.Attempts++
	d.LeaseID, d.LeaseUntil = uuid.Nil, time.Time{}
	d.LastAt, d.LastStatus, d.LastFailure = now, r.Status, r.Failure
	if r.Failure == NoFailure {
		d.Status, d.Failures = Delivered, 0
		return d
	}
	d.Failures++
	after, again := wait(d.Failures, r.RetryAfter, spread)
	if !again || r.Status == http.StatusGone || r.Failure == Removed {
		d.Status = Dead
		return d
	}
	d.DueAt = now.Add(after)
	return d
}

// Settle returns the endpoint after a try. It looks at its deliveries again at once. 410 disables
// it, and so do failures for [DisableAfter] without a success.
func (e Endpoint) Settle(r Result, now time.Time) Endpoint {
	if !e.Enabled() {
		return e // by hand, or for what became of another try
	}
	e.DueAt = now
	switch {
	case r.Failure == NoFailure:
		e.FailingSince = time.Time{}
	case r.Failure == Removed, r.Failure == Unreadable: // which are not the endpoint's
	case r.Status == http.StatusGone:
		return e.Disable(Gone, now)
	case e.FailingSince.IsZero():
		e.FailingSince = now
	case now.Sub(e.FailingSince) >= DisableAfter:
		return e.Disable(Failing, now)
	}
	return e
}
