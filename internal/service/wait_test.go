package service_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/service"
)

// wait waits on a node for a confirmation to leave pending.
func (w *world) wait(ctx context.Context, n *node, v service.View) func() (service.View, error) {
	return later(func() (service.View, error) {
		return n.Confirmation(ctx, w.runtime, to(v.Instance, v.ID), confirmation.MaxWait)
	})
}

// waiters is how many goroutines of this process sit in a wait. To ask stops every
// goroutine, so it is not asked often.
func waiters() int {
	dump := make([]byte, 4<<20)
	dump = dump[:runtime.Stack(dump, true)]
	n := 0
	for g := range strings.SplitSeq(string(dump), "\n\n") {
		if strings.Contains(g, "[select") && strings.Contains(g, "service.(*Service).awaitOutcome(") {
			n++
		}
	}
	return n
}

// quick fails when waits that were woken took as long as waits that were not: those
// end with the re-read, two seconds after the one before.
func quick(t *testing.T, began time.Time, rounds int) {
	t.Helper()
	if took := time.Since(began); took > time.Duration(rounds)*time.Second/2 {
		t.Fatalf("%d rounds took %s", rounds, took)
	}
}

// A wait ends when the confirmation leaves pending: on the node where that happens,
// and on another. Rounds follow each other, so that each would take the two seconds
// of the re-read if nobody was woken.
func TestAWaitIsWoken(t *testing.T) {
	t.Parallel()
	for name, open := range apart() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, open(t))
			w.run(t)
			nodes := []*node{w.node}
			if name == onPostgres {
				b := w.another()
				b.run(t)
				nodes = append(nodes, b)
			}
			w.require(0)
			w.setPIN(w.customer, right)
			ends := map[confirmation.Status]func(n *node, v service.View) error{
				confirmation.Approved: func(n *node, v service.View) error {
					return second(n.Verify(t.Context(), w.runtime, to(w.instance, v.ID), number(t, right)))
				},
				confirmation.Declined: func(n *node, v service.View) error {
					return n.Decline(t.Context(), w.runtime, to(w.instance, v.ID))
				},
			}
			began, rounds := time.Now(), 0
			for want, end := range ends {
				for range 4 {
					for _, n := range nodes {
						v := w.pending(doing(t, params))
						outcomes := make([]func() (service.View, error), 0, 3)
						for i := range 3 {
							outcomes = append(outcomes, w.wait(t.Context(), nodes[i%len(nodes)], v))
						}
						must(t, end(n, v))
						for _, outcome := range outcomes {
							got, err := outcome()
							must(t, err)
							equal(t, "status", got.Status, want)
						}
						rounds++
					}
				}
			}
			quick(t, began, rounds)
		})
	}
}

// What ends a confirmation besides its own routes wakes too.
func TestAWaitIsWokenByWhatEndsItsConfirmation(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		w.run(t)
		w.require(0)
		began := time.Now()
		for i := range 8 {
			end := func() { w.setPIN(w.customer, other) }
			if i%2 == 0 {
				end = func() { must(t, w.RemovePIN(t.Context(), w.admin, w.customer)) }
			}
			w.setPIN(w.customer, right)
			outcome := w.wait(t.Context(), w.node, w.pending())
			end()
			got, err := outcome()
			must(t, err)
			answer(t, got, confirmation.Declined, confirmation.PINChanged)
		}
		quick(t, began, 8)
	})
}

//nolint:paralleltest // it counts the goroutines of the process
func TestALostWakeUpIsCaught(t *testing.T) {
	lost := map[*world]service.View{}
	var outcomes []func() (service.View, error)
	for _, open := range apart() {
		w := newWorld(t, open(t))
		w.run(t)
		w.require(0)
		w.setPIN(w.customer, right)
		lost[w] = w.pending()
		outcomes = append(outcomes, w.wait(t.Context(), w.node, lost[w]))
	}
	eventually(t, "both wait", func() bool { return waiters() == len(outcomes) })
	began := time.Now()
	for w, v := range lost {
		// Nobody is told of this.
		_, err := w.db.sql.ExecContext(t.Context(),
			"UPDATE confirmations SET status = 'declined', reason = 'runtime', ended_at = created_at WHERE id = '"+v.ID.String()+"'")
		must(t, err)
	}
	for _, outcome := range outcomes {
		got, err := outcome()
		must(t, err)
		answer(t, got, confirmation.Declined, confirmation.ByRuntime)
	}
	before(t, began.Add(confirmation.MaxWait/2))
}

// before fails when something took so long that only the end of the wait ended it.
func before(t *testing.T, end time.Time) {
	t.Helper()
	if late := time.Since(end); late > 0 {
		t.Fatalf("%s too late", late)
	}
}

func TestAWaitEndsWithTheConfirmation(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(0)
		w.setPIN(w.customer, right)
		// No background work runs: the wait knows by itself when it is over.
		began := time.Now()
		got, err := w.wait(t.Context(), w.node, w.pending(lasting(500*time.Millisecond)))()
		must(t, err)
		answer(t, got, confirmation.Expired, confirmation.NoReason)
		got, err = w.wait(t.Context(), w.node, got)()
		must(t, err)
		answer(t, got, confirmation.Expired, confirmation.NoReason)
		before(t, began.Add(confirmation.MaxWait/2))
	})
}

func TestAWaitEndsWithItsTime(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(0)
		w.setPIN(w.customer, right)
		v := w.pending()
		got, err := w.Confirmation(t.Context(), w.runtime, to(w.instance, v.ID), 50*time.Millisecond)
		must(t, err)
		answer(t, got, confirmation.Pending, confirmation.NoReason)
		equal(t, "remaining", *got.AttemptsRemaining, 5)
		w.approved()
	})
}

// A server that stops answers everybody who waits, and lets nobody wait any more.
func TestAStopAnswersEveryWait(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(n *node, end func()){
		"StopWaiting": func(n *node, _ func()) { n.StopWaiting(); n.StopWaiting() },
		"Run ends":    func(_ *node, end func()) { end() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alone(t, func(t *testing.T, w *world) {
				end := w.run(t)
				w.require(0)
				w.setPIN(w.customer, right)
				v := w.pending()
				var outcomes []func() (service.View, error)
				for range 20 {
					outcomes = append(outcomes, w.wait(t.Context(), w.node, v))
				}
				began := time.Now()
				stop(w.node, end)
				outcomes = append(outcomes, w.wait(t.Context(), w.node, v))
				for _, outcome := range outcomes {
					got, err := outcome()
					must(t, err)
					answer(t, got, confirmation.Pending, confirmation.NoReason)
				}
				before(t, began.Add(confirmation.MaxWait/2))
			})
		})
	}
}

// A thousand waits cost no connection each, and leave nothing when their clients go.
//
//nolint:paralleltest // it counts the goroutines of the process
func TestAThousandWaits(t *testing.T) {
	for name, open := range apart() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open(t))
			stop := w.run(t)
			w.require(0)
			w.setPIN(w.customer, right)
			v := w.pending()
			goroutines := runtime.NumGoroutine()
			clients, leave := context.WithCancel(t.Context())
			var all sync.WaitGroup
			for range 1000 {
				all.Go(func() {
					_, err := w.Confirmation(clients, w.runtime, to(w.instance, v.ID), confirmation.MaxWait)
					if err != context.Canceled { //nolint:errorlint // exactly the client's own error
						t.Errorf("a client that left got %v", err)
					}
				})
			}
			seldom := time.NewTicker(100 * time.Millisecond)
			defer seldom.Stop()
			eventually(t, "all wait", func() bool { <-seldom.C; return waiters() == 1000 })
			if name == onPostgres {
				// Six of the pool, one that listens, and this test's own.
				n := w.db.count(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
				if n > 6+1+1 {
					t.Errorf("%d connections", n)
				}
				equal(t, "busy connections", w.db.count(t,
					"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()"), 0)
			}
			equal(t, "another request meanwhile", w.status(w.customer).HasPIN, true)
			leave()
			all.Wait()
			equal(t, "waiting", waiters(), 0)
			stop()
			eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines+2 })
		})
	}
}
