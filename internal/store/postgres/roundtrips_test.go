package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pgtest"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// trips returns the round trips of fn in the steady state: the first run connects and
// prepares, and a connection that was idle for a second is looked at first.
func trips(t *testing.T, p *pgtest.Proxy, fn func()) int {
	t.Helper()
	fn()
	best := 0
	for run := range 5 {
		before := p.RoundTrips()
		p.Log()
		fn()
		n := p.RoundTrips() - before
		if run == 0 || n < best {
			best = n
		}
		if best == 1 {
			break
		}
	}
	return best
}

// What is far away is asked as seldom as can be.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	_, url := fresh(t)
	proxy := pgtest.NewProxy(t, url)
	s := open(t, proxy.URL)
	w := furnish(t, s)
	now := time.Now()
	lockAll := func(tx store.Tx) {
		tx.LockPolicy(w.policy.Of(), new(policy.Policy))
		tx.LockNewPIN(w.holder, new(pin.Record))
		tx.LockPIN(w.holder, new(pin.Record))
		tx.LockOpenConfirmations(w.holder, uuid.Nil, new([]confirmation.Confirmation))
		tx.Sessions(w.holder, uuid.Nil, new([]confirmation.Session))
		tx.OpenCounts(w.holder, w.policy.Instance, new(confirmation.OpenCounts))
	}
	writeAll := func(tx store.Tx) {
		for range 20 {
			c := pending(w.holder, now)
			tx.InsertConfirmation(c)
			tx.SaveConfirmations(c)
			a := pin.Attempt{ID: uuid.New(), Holder: w.holder, SpentAt: now}
			tx.InsertAttempt(a)
			tx.DeleteAttempt(a.Ref())
			tx.Append(event(w.holder.Tenant, now), event(w.holder.Tenant, now))
			tx.Wake(c.ID)
		}
		tx.SavePIN(record(w.holder, now))
		tx.SavePolicy(w.policy)
		tx.DeleteSessions(w.holder, uuid.Nil)
	}
	for name, test := range map[string]struct {
		want int
		run  func()
	}{
		"a read of a PIN": {1, func() { _, _ = read(t.Context(), s, w.holder) }},
		"reads": {1, func() {
			r := s.Reads()
			r.PIN(w.holder, new(pin.Record))
			r.Policy(w.policy.Of(), new(policy.Policy))
			r.Confirmation(w.confirmation.Ref(), new(confirmation.Confirmation))
			r.SessionOf(w.confirmation.Ref(), new(confirmation.Session))
			r.APIKey("none", new(auth.APIKey))
			_ = r.Fetch(t.Context())
		}},
		"a transaction of nothing":    {0, func() { inTx(t, s, func(store.Tx) {}) }},
		"a transaction of reads":      {2, func() { inTx(t, s, func(tx store.Tx) { lockAll(tx); fetch(t, tx) }) }},
		"a transaction of writes":     {1, func() { inTx(t, s, writeAll) }},
		"a transaction of one write":  {1, func() { _ = save(t.Context(), s, record(w.holder, now)) }},
		"one fetch and many writes":   {2, func() { inTx(t, s, func(tx store.Tx) { lockAll(tx); fetch(t, tx); writeAll(tx) }) }},
		"two fetches and many writes": {3, func() { inTx(t, s, func(tx store.Tx) { fetch(t, tx); lockAll(tx); fetch(t, tx); writeAll(tx) }) }},
	} {
		if n := trips(t, proxy, test.run); n != test.want {
			t.Errorf("%s took %d round trips, want %d:\n%s", name, n, test.want, strings.Join(proxy.Log(), "\n"))
		}
	}
}
