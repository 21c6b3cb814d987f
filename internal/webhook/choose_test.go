package webhook_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/webhook"
)

// line is an endpoint and its deliveries, as a store has them.
type line struct {
	endpoint webhook.Endpoint
	all      []webhook.Delivery
}

func newLine(tenant uuid.UUID) *line {
	return &line{endpoint: webhook.Endpoint{Ref: webhook.Ref{Tenant: tenant, ID: uuid.New()}, DueAt: start}}
}

func (l *line) add(holder int, at time.Time) {
	e := webhook.Event{ID: uuid.New(), Index: int64(len(l.all))}
	if holder > 0 {
		e.Holder = pin.CustomerHolder(l.endpoint.Tenant, uuid.UUID{15: byte(holder)})
	}
	l.all = append(l.all, webhook.NewDelivery(uuid.New(), l.endpoint.Ref, e, at))
}

func (l *line) work() webhook.Work {
	w := webhook.Work{Endpoint: l.endpoint}
	for _, d := range l.all {
		switch {
		case d.Status != webhook.Pending:
		case d.Fresh() && len(w.Fresh) < webhook.Window:
			w.Fresh = append(w.Fresh, d)
		case !d.Fresh():
			w.Again = append(w.Again, d)
		}
	}
	return w
}

func (l *line) taken() (all []webhook.Taken) {
	for _, d := range l.all {
		if d.LeaseID != uuid.Nil {
			all = append(all, webhook.Taken{Endpoint: l.endpoint.Ref, Until: d.LeaseUntil})
		}
	}
	return all
}

func TestPlacesAreBounded(t *testing.T) {
	t.Parallel()
	tenant := uuid.New()
	var work []webhook.Work
	for range 6 {
		l := newLine(tenant)
		for holder := range 20 {
			l.add(holder+1, start)
		}
		work = append(work, l.work())
	}
	other := newLine(uuid.New())
	other.add(1, start)
	got := webhook.Choose(append(work, other.work()), nil, 1000, start)
	of := map[uuid.UUID]int{}
	for _, d := range got.Deliveries {
		of[d.Endpoint]++
	}
	if len(got.Deliveries) != webhook.MaxPerTenantAtOnce+1 || of[other.endpoint.ID] != 1 {
		t.Errorf("%d were chosen: %v", len(got.Deliveries), of)
	}
	for id, n := range of {
		if n > webhook.MaxPerEndpoint {
			t.Errorf("%d of %s", n, id)
		}
	}
	// What fails holds one place.
	failing := newLine(uuid.New())
	failing.endpoint.FailingSince = start
	for holder := range 5 {
		failing.add(holder, start)
	}
	if got := webhook.Choose([]webhook.Work{failing.work()}, nil, 1000, start); len(got.Deliveries) != 1 {
		t.Errorf("%d of an endpoint that fails", len(got.Deliveries))
	}
	// Whoever finds no place because of the limit keeps the turn.
	if got := webhook.Choose(work, nil, 3, start); len(got.Deliveries) != 3 || !got.Due[work[5].Endpoint.Ref].Equal(start) {
		t.Errorf("%d with a limit of 3, and the last is due at %s", len(got.Deliveries), got.Due[work[5].Endpoint.Ref])
	}
}

// However tries end, and whoever dies in between: a delivery is first tried after each earlier one of
// its holder was tried once, none is tried by two at once, and all are delivered in the end.
func TestChoosingKeepsTheOrderOfEachHolder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tenant := uuid.New()
		lines := []*line{newLine(tenant), newLine(tenant)}
		now := start
		for _, l := range lines {
			for range rapid.IntRange(0, 30).Draw(t, "deliveries") {
				l.add(rapid.IntRange(0, 3).Draw(t, "holder"), now)
			}
		}
		for round := 0; ; round++ {
			var work []webhook.Work
			var leases []webhook.Taken
			next := time.Time{}
			for _, l := range lines {
				if !l.endpoint.DueAt.IsZero() && !l.endpoint.DueAt.After(now) {
					work = append(work, l.work())
				} else if d := l.endpoint.DueAt; !d.IsZero() && (next.IsZero() || d.Before(next)) {
					next = d
				}
				leases = append(leases, l.taken()...)
			}
			if len(work) == 0 {
				if next.IsZero() {
					break
				}
				now = next
				continue
			}
			if round > 5000 {
				t.Fatal("it does not come to an end")
			}
			got := webhook.Choose(work, leases, rapid.IntRange(1, 5).Draw(t, "limit"), now)
			for _, l := range lines {
				if at, ok := got.Due[l.endpoint.Ref]; ok {
					l.endpoint.DueAt = at
				}
			}
			for _, d := range got.Deliveries {
				l := lines[0]
				if d.Endpoint != l.endpoint.ID {
					l = lines[1]
				}
				for _, earlier := range l.all[:d.Event.Index] {
					if d.Fresh() && earlier.Event.Holder == d.Event.Holder && earlier.Fresh() {
						t.Fatalf("%d is tried before %d", d.Event.Index, earlier.Event.Index)
					}
				}
				own := &l.all[d.Event.Index]
				if own.Leased(now) {
					t.Fatalf("%d is tried by two", d.Event.Index)
				}
				own.LeaseID, own.LeaseUntil = uuid.New(), now.Add(webhook.Lease)
				r := webhook.Result{Status: 200}
				switch rapid.IntRange(0, 3).Draw(t, "end") {
				case 0: // whoever tried it died
					continue
				case 1:
					r = webhook.Result{Failure: webhook.TimedOut}
				}
				*own = own.Settle(r, now)
				l.endpoint = l.endpoint.Settle(r, now)
				if !l.endpoint.Enabled() {
					l.endpoint.Disabled, l.endpoint.DueAt, l.endpoint.FailingSince = "", now, time.Time{}
				}
			}
			now = now.Add(10 * time.Millisecond)
		}
		for _, l := range lines {
			for _, d := range l.all {
				if d.Status == webhook.Pending {
					t.Fatalf("%d was forgotten: %+v", d.Event.Index, d)
				}
			}
		}
	})
}
