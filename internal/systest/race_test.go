package systest_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/google/uuid"
)

const (
	// guesses is how many come at once.
	guesses = 200
	// lockAfter is the setting's default, which these tests keep.
	lockAfter = 5
)

// guessAtOnce sends all PINs at the same time, spread over nodes and pending
// confirmations, and returns the answers in the order of the PINs.
func (w *world) guessAtOnce(ids []uuid.UUID, pins []string) []answer {
	w.t.Helper()
	answers := make([]answer, len(pins))
	start := make(chan struct{})
	var all sync.WaitGroup
	for i, pin := range pins {
		all.Go(func() {
			<-start
			answers[i] = w.verifyAnswered(w.t.Context(), w.nodes[i%len(w.nodes)], ids[i%len(ids)], pin)
		})
	}
	close(start)
	all.Wait()
	return answers
}

// pendings asks n times.
func (w *world) pendings(n int, customer uuid.UUID) []uuid.UUID {
	w.t.Helper()
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = w.pending(w.nodes[i%len(w.nodes)], customer)
	}
	return ids
}

func (m *machine) newPINs(n int) []string {
	pins := make([]string, n)
	for i := range pins {
		pins[i] = m.newPIN()
	}
	return pins
}

// tally counts answers by status and problem.
func tally(t *testing.T, answers []answer) map[string]int {
	t.Helper()
	n := map[string]int{}
	for _, a := range answers {
		switch {
		case a.err != nil:
			t.Errorf("a guess got no answer: %v", a.err)
		case a.status == http.StatusOK:
			n["ok"]++
		default:
			n[a.kind()]++
		}
	}
	return n
}

func TestRaceOnPostgres(t *testing.T) {
	t.Parallel()
	race(t, newWorld(t, onPostgres, onPostgres.nodes, realHash))
}

func TestRaceOnSQLite(t *testing.T) {
	t.Parallel()
	race(t, newWorld(t, onSQLite, onSQLite.nodes, realHash))
}

func race(t *testing.T, w *world) {
	t.Helper()
	raceWrong(t, w)
	// One of 200 is rarely among the first five, so smaller races follow, in which
	// it is often.
	r := random(t)
	for _, n := range []int{guesses, 10, 10, 10, 10} {
		raceWithRight(t, w, n, r.IntN(n))
	}
	raceRedeem(t, w)
	for _, n := range w.nodes {
		n.stop()
	}
}

// Of 200 incorrect guesses at once five are checked, over however many nodes.
func raceWrong(t *testing.T, w *world) {
	t.Helper()
	customer, _ := w.customer()
	n := tally(t, w.guessAtOnce(w.pendings(10, customer), w.newPINs(guesses)))
	if n["wrong-pin"] != lockAfter || n["pin-locked"] != guesses-lockAfter {
		t.Errorf("answers %v, want %d wrong-pin and the rest pin-locked", n, lockAfter)
	}
	events := w.events(customer)
	for kind, want := range map[string]int{
		"pin.attempted": lockAfter, "pin.failed": lockAfter, "pin.locked": 1, "pin.verified": 0,
		"pin.unlocked": 0, "confirmation.approved": 0,
	} {
		if got := count(events, kind); got != want {
			t.Errorf("%d events %s, want %d", got, kind, want)
		}
	}
	if s := w.status(w.nodes[0], customer); !s.IsLocked || !s.IsActive {
		t.Errorf("after them the PIN is %+v, want locked", s)
	}
}

// With the correct PIN among them at most nine incorrect ones are checked: four before
// it, and five after it cleared the count. What the wrong ones have locked stays so.
func raceWithRight(t *testing.T, w *world, guesses, right int) {
	t.Helper()
	customer, pin := w.customer()
	pins := w.newPINs(guesses)
	pins[right] = pin
	answers := w.guessAtOnce(w.pendings(10, customer), pins)
	n := tally(t, answers)
	events := w.events(customer)
	attempted, verified := count(events, "pin.attempted"), count(events, "pin.verified")
	t.Logf("the correct PIN was number %d of %d and got %d; answers %v", right, guesses, answers[right].status, n)
	if n["wrong-pin"] > 9 || attempted-verified > 9 {
		t.Errorf("%d incorrect guesses were answered so, %d attempts without the right one; want at most 9", n["wrong-pin"], attempted-verified)
	}
	if n["ok"] > 1 || n["ok"] != verified || n["ok"] != count(events, "confirmation.approved") {
		t.Errorf("%d answers were yes, %d PINs verified, %d confirmations approved", n["ok"], verified, count(events, "confirmation.approved"))
	}
	if n["ok"] == 1 && answers[right].status != http.StatusOK {
		t.Error("an incorrect PIN was answered with yes")
	}
	// The right one may have been the fifth: then the others met the lock that it
	// took, and lifted.
	sum, s := trail(t, events), w.status(w.nodes[0], customer)
	if sum.locked() != s.IsLocked || n["ok"] == 0 && !s.IsLocked {
		t.Errorf("after them the PIN is %+v by its events and %+v", sum, s)
	}
}

// An approval is redeemed once, whichever node is asked.
func raceRedeem(t *testing.T, w *world) {
	t.Helper()
	customer, pin := w.customer()
	id := w.pending(w.nodes[0], customer)
	w.verify(w.nodes[0], id, pin).want(t, http.StatusOK)
	answers := make([]answer, 60)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			<-start
			answers[i] = w.redeem(w.nodes[i%len(w.nodes)], id)
		})
	}
	close(start)
	all.Wait()
	if n := tally(t, answers); n["ok"] != 1 || n["already-redeemed"] != len(answers)-1 {
		t.Errorf("answers %v, want one yes and the rest already-redeemed", n)
	}
	if n := count(w.events(customer), "confirmation.redeemed"); n != 1 {
		t.Errorf("%d events of a redemption, want 1", n)
	}
}
