package service_test

import (
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/service"
)

// nodes are the processes of a race: three on PostgreSQL, and on SQLite, which has
// one server, one. The settings are those of the world.
func (w *world) nodes(with ...setting) []*node {
	w.t.Helper()
	if w.db.name == onSQLite {
		return []*node{w.node}
	}
	return []*node{w.node, w.another(with...), w.another(with...)}
}

// refusals returns how many refusals of a type the trail has, as events or as counts. A minute passes
// on the nodes.
func (w *world) refusals(of audit.Type, nodes ...*node) int {
	w.t.Helper()
	for _, n := range nodes {
		n.ahead.Add(int64(time.Minute + time.Second))
		must(w.t, n.CountRefusals(w.t.Context()))
	}
	total := w.told(of)
	for _, e := range w.events() {
		if e.Type == audit.TypeRefusalsCounted {
			var d audit.RefusalsCounted
			must(w.t, json.Unmarshal(e.Details, &d))
			if d.Of == string(of) {
				total += d.Count
			}
		}
	}
	return total
}

// peer is the node that is the farthest from the first.
func (w *world) peer() *node {
	w.t.Helper()
	if w.db.name == onSQLite {
		return w.node
	}
	return w.another()
}

// tally is how the guesses of a race ended.
type tally struct {
	approved, wrong, refused, unexpected atomic.Int64
	first                                atomic.Pointer[error]
}

func (y *tally) add(err error) {
	var wrongPIN *service.WrongPINError
	var locked *service.LockedError
	switch {
	case err == nil:
		y.approved.Add(1)
	case errors.As(err, &wrongPIN):
		y.wrong.Add(1)
	case errors.As(err, &locked), errors.Is(err, service.ErrInactive):
		y.refused.Add(1)
	default:
		y.unexpected.Add(1)
		y.first.CompareAndSwap(nil, &err)
	}
}

// expected fails the test for an answer that no guess may get.
func (y *tally) expected(t *testing.T) {
	t.Helper()
	if n := y.unexpected.Load(); n > 0 {
		t.Fatalf("%d unexpected errors, the first is: %v", n, *y.first.Load())
	}
}

// Two hundred guess at once, all wrong. Five are looked at: the workers are kept
// busy until all others were refused, so that the places still held are the guesses
// that are going to be hashed.
func TestRaceOfTwoHundredWrongGuesses(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		nodes := w.nodes()
		frees := make([]func(), len(nodes))
		for i, n := range nodes {
			frees[i] = n.plug(t)
		}
		var y tally
		var all sync.WaitGroup
		start := make(chan struct{})
		for i := range 200 {
			n, guess := nodes[i%len(nodes)], number(t, wrong)
			all.Go(func() {
				<-start
				_, err := n.Verify(t.Context(), w.runtime, to(w.instance, v.ID), guess)
				y.add(err)
			})
		}
		close(start)
		eventually(t, "the others are refused", func() bool { return y.refused.Load() == 195 })
		toHash := -len(nodes) // the plugs
		for _, n := range nodes {
			toHash += n.held()
		}
		equal(t, "guesses to be hashed", toHash, 5)
		equal(t, "attempted", w.told(audit.TypePINAttempted), 5)
		for _, free := range frees {
			free()
		}
		all.Wait()

		equal(t, "wrong", y.wrong.Load(), 5)
		equal(t, "refused", y.refused.Load(), 195)
		equal(t, "attempted", w.told(audit.TypePINAttempted), 5)
		equal(t, "failed", w.told(audit.TypePINFailed), 5)
		equal(t, "locked", w.told(audit.TypePINLocked), 1)
		equal(t, "failures", w.record(w.customer).Failures, 5)
		near(t, "locked until", w.status(w.customer).LockedUntil, 15*time.Minute)
		equal(t, "refused, in the trail", w.refusals(audit.TypePINRefused, nodes...), 195)
	})
}

// With the right PIN among them, four wrong guesses may come before it and five
// after it; the lock that those five earn stays.
func TestRaceOfWrongGuessesAroundTheRightOne(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		nodes := w.nodes()
		for round := range 3 {
			w.newTenant()
			w.require(30)
			w.setPIN(w.customer, right)
			// Of an action, which no session covers: the correct PIN approves its own question alone.
			v, mine := w.pending(doing(t, params)), w.pending(doing(t, params))
			var y tally
			var all sync.WaitGroup
			start := make(chan struct{})
			for i := range 200 {
				n, target, guess := nodes[i%len(nodes)], v, number(t, wrong)
				if i == 2+3*round {
					target, guess = mine, number(t, right)
				}
				all.Go(func() {
					<-start
					_, err := n.Verify(t.Context(), w.runtime, to(w.instance, target.ID), guess)
					y.add(err)
				})
			}
			close(start)
			all.Wait()
			y.expected(t)
			if n := w.told(audit.TypePINFailed); n < 4 || n > 9 || int64(n) != y.wrong.Load() {
				t.Fatalf("%d wrong guesses were looked at, %d answered", n, y.wrong.Load())
			}
			equal(t, "attempted", w.told(audit.TypePINAttempted), w.told(audit.TypePINFailed)+w.told(audit.TypePINVerified)+w.told(audit.TypeConfirmationRefused))
			// Only a right guess that was itself the fifth lifts a lock: its own.
			held := w.told(audit.TypePINLocked) - w.told(audit.TypePINUnlocked)
			equal(t, "locked in the end", w.status(w.customer).IsLocked, held == 1)
			if held != 1 && (held != 0 || y.approved.Load() != 1) {
				t.Fatalf("%d locks hold, %d approved", held, y.approved.Load())
			}
			equal(t, "approved", int64(w.told(audit.TypeConfirmationApproved)), y.approved.Load())
		}
	})
}

// Guesses at one PIN through every route that takes one share the five.
func TestRaceOverEveryRoute(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.identity, right)
		v := w.pending(from(w.identity))
		nodes := w.nodes()
		var y tally
		var all sync.WaitGroup
		for i := range 60 {
			n, guess, fresh := nodes[i%len(nodes)], number(t, wrong), number(t, other)
			all.Go(func() {
				var err error
				if i%2 == 0 {
					_, err = n.Verify(t.Context(), w.runtime, to(w.instance, v.ID), guess)
				} else {
					_, err = n.SetPINByRuntime(t.Context(), w.runtime, w.identity, service.NewPIN{PIN: fresh, Current: &guess})
				}
				y.add(err)
			})
		}
		all.Wait()
		equal(t, "wrong", y.wrong.Load(), 5)
		equal(t, "refused", y.refused.Load(), 55)
		equal(t, "attempted", w.told(audit.TypePINAttempted), 5)
	})
}

func TestRaceToRedeem(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		nodes := w.nodes()
		for _, v := range []service.View{w.approved(), w.ask(), w.approved(doing(t, params))} {
			var won, lost atomic.Int64
			var all sync.WaitGroup
			start := make(chan struct{})
			for i := range 50 {
				n := nodes[i%len(nodes)]
				all.Go(func() {
					<-start
					_, err := n.Redeem(t.Context(), w.runtime, to(w.instance, v.ID), confirmation.Proof{Digest: v.ActionDigest()})
					switch {
					case err == nil:
						won.Add(1)
					case errors.Is(err, service.ErrAlreadyRedeemed):
						lost.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			close(start)
			all.Wait()
			equal(t, "won", won.Load(), 1)
			equal(t, "lost", lost.Load(), 49)
		}
		equal(t, "redeemed", w.told(audit.TypeConfirmationRedeemed), 3)
		equal(t, "refused", w.refusals(audit.TypeConfirmationRefused, nodes...), 147)
	})
}

// Redeem races with everything that ends an approval: either it came first, or it
// is refused.
func TestRaceOfRedeemWithWhatEndsIt(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b := w.peer()
		ends := map[string]func(h pin.Holder, v service.View) error{
			"decline": func(_ pin.Holder, v service.View) error {
				return b.Decline(t.Context(), w.runtime, to(w.instance, v.ID))
			},
			"lock now": func(h pin.Holder, _ service.View) error { return b.EndSessions(t.Context(), w.runtime, h, w.instance) },
			"remove":   func(h pin.Holder, _ service.View) error { return b.RemovePIN(t.Context(), w.admin, h) },
		}
		w.require(30)
		for name, end := range ends {
			for range 8 {
				w.customer = pin.CustomerHolder(w.tenant, uuid.New())
				w.setPIN(w.customer, right)
				v := w.approved()
				redeemed := later(func() (service.View, error) {
					return w.Redeem(t.Context(), w.runtime, to(w.instance, v.ID), confirmation.Proof{})
				})
				ended := later(func() (any, error) { return nil, end(w.customer, v) })
				_, errRedeem := redeemed()
				_, errEnd := ended()
				want := confirmation.Redeemed
				switch {
				case errRedeem == nil && name == "decline":
					wants(t, errEnd, service.ErrAlreadyRedeemed)
				case errRedeem == nil:
					wants(t, errEnd, nil)
				default:
					wants(t, errRedeem, service.ErrNotApproved)
					wants(t, errEnd, nil)
					want = confirmation.Declined
				}
				equal(t, "in the end", w.read(v).Status, want)
			}
		}
	})
}

// However many ask at once, no more than fifty are pending.
func TestRaceForTheLastPlace(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		nodes := w.nodes()
		var asked, many atomic.Int64
		var all sync.WaitGroup
		for i := range 70 {
			n := nodes[i%len(nodes)]
			all.Go(func() {
				_, _, err := n.Ask(t.Context(), w.runtime, w.question())
				var tooMany *service.TooManyPendingError
				switch {
				case err == nil:
					asked.Add(1)
				case errors.As(err, &tooMany):
					many.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		equal(t, "asked", asked.Load(), confirmation.MaxPending)
		equal(t, "too many", many.Load(), 20)
	})
}

// A policy that changes while an ask waits for the holder's lock counts. (On SQLite
// a lock holds the whole file, and nothing can change meanwhile.)
func TestRaceOfAPolicyWithWhoWaitsForALock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apart()[onPostgres](t))
	w.require(30)
	w.setPIN(w.customer, right)
	byPIN := w.approved()
	bySession := w.ask()
	release := w.db.hold(t, w.customer)
	asked := later(func() (service.View, error) {
		v, _, err := w.Ask(t.Context(), w.runtime, w.question())
		return v, err
	})
	redeemed := later(func() (service.View, error) {
		return w.Redeem(t.Context(), w.runtime, to(w.instance, bySession.ID), confirmation.Proof{})
	})
	w.db.waitForLock(t, 2)
	ttl := 0
	_, err := w.UpdatePolicy(t.Context(), w.admin, service.PolicyUpdate{Instance: w.instance, Patch: policy.Patch{SessionTTLMinutes: &ttl}, Match: anyVersion})
	must(t, err)
	release()
	got, err := asked()
	must(t, err)
	answer(t, got, confirmation.Pending, confirmation.NoReason)
	wants(t, second(redeemed()), service.ErrChanged)
	_, err = w.redeem(byPIN)
	must(t, err)
}
