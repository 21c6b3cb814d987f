package service_test

import (
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
)

// Nodes whose clocks are an hour apart agree on every lock, session and expiry: the
// time is the database's.
func TestNodesWithWrongClocksAgree(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		fast, slow := w.another(), w.another()
		fast.ahead.Store(int64(time.Hour))
		slow.ahead.Store(-int64(time.Hour))
		nodes := []*node{w.node, fast, slow}
		each := func(f func(n *node)) {
			for _, n := range nodes {
				f(n)
			}
		}
		enter := func(n *node, v service.View, digits string) error {
			return second(n.Verify(t.Context(), w.runtime, to(w.instance, v.ID), number(t, digits)))
		}
		asked := func(want confirmation.Status, reason confirmation.Reason) {
			t.Helper()
			each(func(n *node) {
				v, _, err := n.Ask(t.Context(), w.runtime, w.question())
				must(t, err)
				answer(t, v, want, reason)
			})
		}
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending(lasting(time.Hour))
		for i := range 5 {
			is[*service.WrongPINError](t, enter(nodes[i%3], v, wrong))
		}
		until := w.status(w.customer).LockedUntil
		near(t, "locked until", until, 15*time.Minute)
		each(func(n *node) {
			equal(t, "until", as[*service.LockedError](t, enter(n, v, right)).Until, until)
			s, err := n.PINStatus(t.Context(), w.customer)
			must(t, err)
			equal(t, "status", s, w.status(w.customer))
		})
		asked(confirmation.Blocked, confirmation.PINLocked)
		w.elapse(14*time.Minute + 30*time.Second)
		asked(confirmation.Blocked, confirmation.PINLocked)
		w.elapse(30 * time.Second)
		asked(confirmation.Pending, confirmation.NoReason)
		must(t, enter(slow, v, right))
		asked(confirmation.Approved, confirmation.BySession)
		w.elapse(30 * time.Minute)
		asked(confirmation.Pending, confirmation.NoReason)
	})
}

// past waits until the database's clock has passed a time.
func (w *world) past(at time.Time) {
	w.t.Helper()
	eventually(w.t, "the database's clock passes "+at.String(), func() bool {
		return w.now().After(at)
	})
}

// While a guess waits for the holder's record the PIN's lock runs out: the time that
// counts is read after the wait.
func TestTheTimeIsReadAfterTheLock(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		w.fail(v, 5)
		w.elapse(15*time.Minute - time.Second)
		v = w.freshen(v)
		until := w.status(w.customer).LockedUntil
		release := w.db.hold(t, w.customer)
		guess := later(func() (service.View, error) {
			return w.Verify(t.Context(), w.runtime, to(w.instance, v.ID), number(t, right))
		})
		eventually(t, "it is about to spend", func() bool { return w.held() == 1 })
		w.db.waitForLock(t, 1)
		w.past(until)
		release()
		got, err := guess()
		must(t, err)
		answer(t, got, confirmation.Approved, confirmation.ByPIN)
	})
}

// freshen gives a pending confirmation its time back.
func (w *world) freshen(v service.View) service.View {
	w.t.Helper()
	set := "expires_at + interval '1 hour'"
	if w.db.name == onSQLite {
		set = "expires_at + 3600000000"
	}
	_, err := w.db.sql.ExecContext(w.t.Context(), "UPDATE confirmations SET expires_at = "+set+" WHERE id = '"+v.ID.String()+"'")
	must(w.t, err)
	return w.read(v)
}

func TestAnApprovalRunsOutWhileItsRedeemWaits(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.approved()
		w.elapse(119 * time.Second)
		v = w.read(v)
		answer(t, v, confirmation.Approved, confirmation.ByPIN)
		release := w.db.hold(t, w.customer)
		redeem := later(func() (service.View, error) {
			return w.Redeem(t.Context(), w.runtime, to(w.instance, v.ID), confirmation.Proof{})
		})
		w.db.waitForLock(t, 1)
		w.past(v.ExpiresAt)
		release()
		wants(t, second(redeem()), service.ErrExpired)
	})
}

// A lock of the PIN is measured from the time after the wait, too.
func TestALockBeginsAfterTheWait(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		w.fail(v, 4)
		release := w.db.hold(t, w.customer)
		guess := later(func() (service.View, error) {
			return w.Verify(t.Context(), w.runtime, to(w.instance, v.ID), number(t, wrong))
		})
		eventually(t, "it is about to spend", func() bool { return w.held() == 1 })
		w.db.waitForLock(t, 1)
		now := w.now()
		w.past(now.Add(700 * time.Millisecond))
		release()
		e := as[*service.WrongPINError](t, second(guess()))
		if !e.LockedUntil.After(now.Add(pin.DefaultLimits().LockBase + 700*time.Millisecond)) {
			t.Fatalf("locked until %s, and the wait ended after %s", e.LockedUntil, now)
		}
	})
}
