package service_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/service"
)

// sweepAll sweeps until nothing is left to sweep.
func (n *node) sweepAll(t *testing.T) {
	t.Helper()
	for more := true; more; {
		var err error
		more, err = n.SweepOnce(t.Context())
		must(t, err)
	}
}

// stands is how many confirmations are stored with a status.
func (w *world) stands(s confirmation.Status) int {
	w.t.Helper()
	return w.db.count(w.t, "SELECT count(*) FROM confirmations WHERE tenant_id = '%s' AND status = '%s'", w.tenant, s)
}

// copies stores n more confirmations like v, as asking for each would take long.
func (w *world) copies(v service.View, n int) {
	t := w.t
	t.Helper()
	rows, err := w.db.sql.QueryContext(t.Context(), "SELECT * FROM confirmations WHERE id = '"+v.ID.String()+"'")
	must(t, err)
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	must(t, err)
	for rows.Next() {
		continue // to the end, which gives the connection back
	}
	must(t, rows.Err())
	list := strings.Join(columns, ", ")
	tx, err := w.db.sql.BeginTx(t.Context(), nil)
	must(t, err)
	for range n {
		values := strings.Replace(", "+list+",", ", id,", ", '"+uuid.NewString()+"',", 1)
		_, err := tx.ExecContext(t.Context(), "INSERT INTO confirmations ("+list+") SELECT "+strings.Trim(values, ", ")+
			" FROM confirmations WHERE id = '"+v.ID.String()+"'")
		must(t, err)
	}
	must(t, tx.Commit())
}

func TestWhatHasExpiredReadsSoUnswept(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		open, approved := w.pending(), w.approved(doing(t, params))
		w.elapse(5 * time.Minute)
		for _, v := range []service.View{open, approved} {
			got := w.read(v)
			answer(t, got, confirmation.Expired, confirmation.NoReason)
			equal(t, "receipt", got.Receipt, "")
			if got.AttemptsRemaining != nil {
				t.Fatal("attempts of what is over")
			}
		}
		equal(t, "still stored as", w.stands(confirmation.Pending), 1)
		equal(t, "still stored as", w.stands(confirmation.Approved), 1)
		equal(t, "told", w.told(audit.TypeConfirmationExpired), 0)
		// Neither does a PIN that is replaced make it declined, nor "lock now".
		w.setPIN(w.customer, other)
		must(t, w.EndSessions(t.Context(), w.runtime, w.customer, w.instance))
		answer(t, w.read(approved), confirmation.Expired, confirmation.NoReason)
		equal(t, "told", w.told(audit.TypeConfirmationDeclined), 0)
	})
}

// Two nodes sweep at once: each of many expired confirmations is stored and told of
// exactly once, and what is not over stays.
func TestRaceOfTwoSweepers(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		w.approved(doing(t, params))
		redeemed := w.approved(doing(t, params))
		_, err := w.redeem(redeemed)
		must(t, err)
		v := w.pending()
		w.copies(v, 449)
		w.elapse(5 * time.Minute)
		fresh := w.pending()
		nodes := w.nodes()
		var all sync.WaitGroup
		for range 2 {
			for _, n := range nodes {
				all.Go(func() {
					for range 4 {
						if _, err := n.SweepOnce(t.Context()); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		all.Wait()
		w.sweepAll(t)
		equal(t, "expired", w.stands(confirmation.Expired), 451)
		equal(t, "told", w.told(audit.TypeConfirmationExpired), 451)
		equal(t, "pending", w.stands(confirmation.Pending), 1)
		answer(t, w.read(fresh), confirmation.Pending, confirmation.NoReason)
		answer(t, w.read(redeemed), confirmation.Redeemed, confirmation.NoReason)
		got := w.read(v)
		equal(t, "ended when it expired", got.EndedAt, got.ExpiresAt)

		seen := map[uuid.UUID]bool{}
		for _, e := range w.events() {
			if e.Type != audit.TypeConfirmationExpired {
				continue
			}
			if seen[*e.ConfirmationID] {
				t.Fatal("told twice")
			}
			seen[*e.ConfirmationID] = true
			equal(t, "actor", e.ActorKind+" "+e.ActorID, string(auth.KindOperator)+" system")
			equal(t, "holder", *e.CustomerID, w.customer.ID)
			equal(t, "instance", *e.InstanceID, w.instance)
		}
	})
}

func TestWhatIsOldIsRemoved(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		action := w.pending(doing(t, params), keyed("k"))
		declined := w.pending()
		must(t, w.Decline(t.Context(), w.runtime, to(w.instance, declined.ID)))
		redeemed := w.approved()
		_, err := w.redeem(redeemed)
		must(t, err)
		w.sweepAll(t)
		equal(t, "stored", w.stored(), 3)
		sessions := func() int {
			return w.db.count(t, "SELECT count(*) FROM pin_sessions")
		}
		w.elapse(23 * time.Hour)
		w.sweepAll(t)
		equal(t, "sessions", sessions(), 1)
		w.elapse(time.Hour)
		w.sweepAll(t)
		equal(t, "sessions", sessions(), 0)

		w.elapse(696*time.Hour - time.Minute)
		w.sweepAll(t)
		equal(t, "stored", w.stored(), 3)
		answer(t, w.read(redeemed), confirmation.Redeemed, confirmation.NoReason)
		w.elapse(time.Minute)
		w.sweepAll(t)
		equal(t, "stored", w.stored(), 1) // the one that took five minutes to expire
		_, err = w.Confirmation(t.Context(), w.runtime, to(w.instance, redeemed.ID), 0)
		wants(t, err, service.ErrNotFound)
		equal(t, "params", w.db.count(t, "SELECT count(*) FROM confirmations WHERE action_params IS NOT NULL"), 1)
		w.elapse(5 * time.Minute)
		w.sweepAll(t)
		equal(t, "params", w.db.count(t, "SELECT count(*) FROM confirmations WHERE action_params IS NOT NULL"), 0)
		_, err = w.Confirmation(t.Context(), w.runtime, to(w.instance, action.ID), 0)
		wants(t, err, service.ErrNotFound)
		// The trail outlives them.
		equal(t, "asked", w.told(audit.TypeConfirmationAsked), 3)
	})
}

// A sweep wakes who waits for what it expires, and gives way to who holds a row.
func TestASweepWaitsForNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apart()[onPostgres](t))
	w.require(30)
	w.setPIN(w.customer, right)
	held, free := w.pending(), w.pending()
	w.elapse(5 * time.Minute)
	tx, err := w.db.sql.BeginTx(t.Context(), nil)
	must(t, err)
	_, err = tx.ExecContext(t.Context(), "SELECT 1 FROM confirmations WHERE id = $1 FOR UPDATE", held.ID)
	must(t, err)
	w.sweepAll(t)
	equal(t, "expired", w.stands(confirmation.Expired), 1)
	must(t, tx.Rollback())
	w.sweepAll(t)
	equal(t, "expired", w.stands(confirmation.Expired), 2)
	answer(t, w.read(free), confirmation.Expired, confirmation.NoReason)
}
