package systest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

func TestKillBetweenSpendAndSettleOnPostgres(t *testing.T) {
	t.Parallel()
	killInHash(t, newWorld(t, onPostgres, 1, slowHash))
}

func TestKillBetweenSpendAndSettleOnSQLite(t *testing.T) {
	t.Parallel()
	killInHash(t, newWorld(t, onSQLite, 1, slowHash))
}

// A process that is killed while it hashes has been paid: for an incorrect guess, for a
// right one, and for the one that locks.
func killInHash(t *testing.T, w *world) {
	t.Helper()
	customer, pin := w.customer()
	// Before each kill that many of the lock's five guesses are paid for.
	for _, round := range []struct {
		pins []string
		left int
	}{
		{[]string{w.newPIN()}, 4},
		{[]string{pin}, 3},
		{w.newPINs(2), 1},
		{[]string{pin}, 0},
	} {
		ids := w.pendings(len(round.pins), customer)
		killed := w.nodes[0]
		var all sync.WaitGroup
		answers := make([]answer, len(ids))
		for i, id := range ids {
			all.Go(func() { answers[i] = w.verify(killed, id, round.pins[i]) })
		}
		hydratest.Eventually(t, "the guesses are paid for", func() bool {
			return *w.look(killed, ids[0]).AttemptsRemaining == round.left
		})
		killed.kill()
		all.Wait()
		for _, a := range answers {
			if a.err == nil {
				t.Fatalf("the kill came after the hash: %d %s", a.status, a.body)
			}
		}
		w.restart(0)
		for _, id := range ids {
			c := w.look(w.nodes[0], id)
			if c.Status != "pending" || c.Receipt != nil || c.AttemptsRemaining == nil || *c.AttemptsRemaining != round.left {
				t.Errorf("after the kill the confirmation is %+v, want pending and %d attempts", c, round.left)
			}
			w.redeem(w.nodes[0], id).want(t, http.StatusConflict)
		}
	}
	if s := w.status(w.nodes[0], customer); !s.IsLocked {
		t.Errorf("the PIN is %+v, want locked by the last guess although nobody saw its outcome", s)
	}
	id := w.ask(w.nodes[0], customer)
	if id.Status != "blocked" || id.Reason == nil || *id.Reason != "pin_locked" {
		t.Errorf("asked, and got %+v", id)
	}
	events := w.events(customer)
	if s := trail(t, events); s.attempted != lockAfter || s.failed+s.verified != 0 || !s.locked() {
		t.Errorf("the events add up to %+v, want five guesses of which none was settled", s)
	}
	w.healthy()
	w.nodes[0].stop()
}

// healthy asks the program itself what is wrong with the database.
func (w *world) healthy() {
	w.t.Helper()
	var report struct {
		Findings []struct{ Level, About, Problem string }
	}
	r := w.run(nil, "doctor", "--json")
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
		w.t.Fatalf("doctor: exit code %d, %v\n%s%s", r.code, err, r.stdout, r.stderr)
	}
	for _, f := range report.Findings {
		// The throwaway PostgreSQL writes without fsync, and is reported for it.
		if f.Level == "wrong" && !strings.HasPrefix(f.Problem, "fsync ") {
			w.t.Errorf("doctor finds wrong with %s: %s", f.About, f.Problem)
		}
	}
}

func TestKillAtRandomOnPostgres(t *testing.T) {
	t.Parallel()
	killAtRandom(t, newWorld(t, onPostgres, 2, realHash))
}

func TestKillAtRandomOnSQLite(t *testing.T) {
	t.Parallel()
	killAtRandom(t, newWorld(t, onSQLite, 1, realHash))
}

const (
	// kills is how often the first node is killed under load.
	kills = 3
	// crowd is how many customers' PINs are guessed at meanwhile.
	crowd = 5
	// each is how many guesses each of them gets: one more than locks.
	each = lockAfter + 1
)

// try is one guess under load.
type try struct {
	id     uuid.UUID
	right  bool
	answer answer
}

// A process that is killed at any instant under a load of guesses leaves a count
// that is what the events say, and no approval that no correct PIN made.
func killAtRandom(t *testing.T, w *world) {
	t.Helper()
	r := random(t)
	for range kills {
		tries := map[uuid.UUID][]*try{}
		start := make(chan struct{})
		victim := w.nodes[0]
		var answered atomic.Int64
		var all sync.WaitGroup
		for range crowd {
			customer, pin := w.customer()
			ids := w.pendings(each, customer)
			// With every other customer one of the guesses is right.
			right := r.IntN(2 * each)
			for i, id := range ids {
				guess := &try{id: id, right: i == right}
				tries[customer] = append(tries[customer], guess)
				entered := pin
				if !guess.right {
					entered = w.newPIN()
				}
				n := w.nodes[i%len(w.nodes)]
				all.Go(func() {
					<-start
					guess.answer = w.verifyAnswered(t.Context(), n, id, entered)
					if n == victim {
						answered.Add(1)
					}
				})
			}
		}
		// How fast the load is worked off is the machine's, so the kill comes so many
		// answers and a moment after its start.
		answers, moment := r.Int64N(crowd*each/2/int64(len(w.nodes))), time.Duration(r.Int64N(int64(60*time.Millisecond)))
		close(start)
		hydratest.Eventually(t, "guesses are answered", func() bool { return answered.Load() >= answers })
		after(t, moment)
		victim.kill()
		all.Wait()
		w.restart(0)
		outcomes, trails := map[string]int{}, w.trails()
		for customer, guesses := range tries {
			w.accounts(customer, guesses, trail(t, trails[customer]))
			for _, g := range guesses {
				outcomes[g.outcome()]++
			}
		}
		t.Logf("killed %s after %d answers; guesses met %v", moment, answers, outcomes)
	}
	w.healthy()
	for _, n := range w.nodes {
		n.stop()
	}
}

// accounts holds what is left of a customer's guesses against what its events add
// up to.
func (w *world) accounts(customer uuid.UUID, guesses []*try, s history) {
	t, n := w.t, w.nodes[0]
	t.Helper()
	answered := map[string]int{}
	for _, g := range guesses {
		answered[g.outcome()]++
		c := w.look(n, g.id)
		yes := g.answer.err == nil && g.answer.status == http.StatusOK
		switch {
		case yes && !g.right, c.Status == "approved" && !g.right:
			t.Errorf("an incorrect PIN approved: %d, %+v", g.answer.status, c)
		case yes && c.Status != "approved":
			t.Errorf("an approval was answered and is gone: %+v", c)
		case c.Status != "approved" && (c.Status != "pending" || c.Receipt != nil):
			t.Errorf("a guess left the confirmation as %+v", c)
		}
	}
	if answered["wrong-pin"] > s.failed || answered["ok"] > s.verified || s.attempted > 2*lockAfter {
		t.Errorf("guesses were answered %v, and the events add up to %+v", answered, s)
	}
	if got := w.status(n, customer); !got.IsActive || got.IsLocked != s.locked() ||
		s.locked() && (got.LockedUntil == nil || !got.LockedUntil.Equal(s.lockedUntil)) {
		t.Errorf("the PIN is %+v, and the events add up to %+v", got, s)
	}
	if c := w.ask(n, customer); c.AttemptsRemaining == nil || *c.AttemptsRemaining != s.remaining() {
		t.Errorf("asked and got %+v, want %d attempts as the events say", c, s.remaining())
	}
	for _, g := range guesses {
		if c := w.look(n, g.id); c.Status == "approved" && !s.locked() {
			w.redeem(n, g.id).want(t, http.StatusOK)
			w.redeem(n, g.id).want(t, http.StatusConflict)
		}
	}
}

// outcome is the problem that a guess met, "ok", or "none" when nothing came back.
func (g *try) outcome() string {
	switch {
	case g.answer.err != nil:
		return "none"
	case g.answer.status == http.StatusOK:
		return "ok"
	default:
		return g.answer.kind()
	}
}
