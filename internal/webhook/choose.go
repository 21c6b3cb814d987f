package webhook

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/pin"
)

const (
	// Window is how many of an endpoint's deliveries are looked at, at most: the first of those
	// that were never tried, and the first that are to be tried again.
	Window = 100
	// lookAgain is when an endpoint is looked at next whose deliveries wait for a place, or for
	// an earlier one.
	lookAgain = time.Second
)

// Work is what an endpoint has to send.
type Work struct {
	Endpoint Endpoint
	// Fresh are the first pending deliveries that were never tried, in the order of their events,
	// and Again those that were, the first due first: [Window] of each at most.
	Fresh, Again []Delivery
}

// Taken is a delivery that is being tried.
type Taken struct {
	Endpoint Ref
	Until    time.Time
}

// Choice is what to try now, and when to look at each endpoint again.
type Choice struct {
	Deliveries []Delivery
	// Due is the zero time for an endpoint that has nothing to send.
	Due map[Ref]time.Time
}

// Choose says which deliveries to try now: of each holder's that were never tried only the first,
// [MaxPerEndpoint] of an endpoint, [MaxPerTenantAtOnce] of a tenant, and at most limit, taking one
// of each endpoint in turn. Leases are those of the tenants that
// have work, ended ones too.
func Choose(work []Work, leases []Taken, limit int, now time.Time) Choice {
	busy := map[Ref]int{}
	ofTenant := map[uuid.UUID]int{}
	until := map[Ref]time.Time{}
	for _, l := range leases {
		if now.Before(l.Until) {
			busy[l.Endpoint]++
			ofTenant[l.Endpoint.Tenant]++
			until[l.Endpoint] = earlier(until[l.Endpoint], l.Until)
		}
	}
	c := Choice{Due: map[Ref]time.Time{}}
	lines := make([][]Delivery, len(work))
	for i, w := range work {
		lines[i] = w.ready(now)
	}
	for taken := true; taken && len(c.Deliveries) < limit; {
		taken = false
		for i, w := range work {
			at := w.Endpoint.Ref
			if len(lines[i]) == 0 || len(c.Deliveries) >= limit ||
				busy[at] >= w.Endpoint.places() || ofTenant[at.Tenant] >= MaxPerTenantAtOnce {
				continue
			}
			c.Deliveries = append(c.Deliveries, lines[i][0])
			lines[i] = lines[i][1:]
			busy[at]++
			ofTenant[at.Tenant]++
			until[at] = earlier(until[at], now.Add(Lease))
			taken = true
		}
	}
	chosen := make(map[uuid.UUID]bool, len(c.Deliveries))
	for _, d := range c.Deliveries {
		chosen[d.ID] = true
	}
	for i, w := range work {
		at := w.Endpoint.Ref
		c.Due[at] = w.lookNext(chosen, until[at], now)
		if len(c.Deliveries) >= limit && len(lines[i]) > 0 {
			c.Due[at] = w.Endpoint.DueAt // it keeps its turn
		}
	}
	return c
}

// places is how many of the endpoint's deliveries may be under way.
func (e Endpoint) places() int {
	if !e.FailingSince.IsZero() {
		return 1
	}
	return MaxPerEndpoint
}

// ready returns what may be tried now, the one that has waited longest first.
func (w Work) ready(now time.Time) []Delivery {
	var ready []Delivery
	waiting := map[pin.Holder]bool{}
	for _, d := range w.Fresh {
		if waiting[d.Event.Holder] {
			continue
		}
		waiting[d.Event.Holder] = true
		if !d.Leased(now) {
			ready = append(ready, d)
		}
	}
	for _, d := range w.Again {
		if !d.Leased(now) && !d.DueAt.After(now) {
			ready = append(ready, d)
		}
	}
	slices.SortStableFunc(ready, func(a, b Delivery) int { return a.DueAt.Compare(b.DueAt) })
	return ready
}

// lookNext says when to look at the endpoint again, if nothing happens to it before: when one of
// its leases ends, when a retry is due, or soon where something waits for a place. What happens to
// it (a new delivery, a try that ends) has it looked at earlier.
func (w Work) lookNext(chosen map[uuid.UUID]bool, leaseEnds, now time.Time) time.Time {
	next := leaseEnds
	for _, d := range slices.Concat(w.Fresh, w.Again) {
		if d.Leased(now) || chosen[d.ID] {
			continue
		}
		soon := now.Add(lookAgain)
		if d.DueAt.After(soon) {
			soon = d.DueAt
		}
		next = earlier(next, soon)
	}
	return next
}

// earlier returns the earlier of two times, of which the zero time is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
