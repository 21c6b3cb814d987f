package service_test

import (
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

func TestACallKeyFindsTheSameCall(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		again := func(created bool) service.View {
			t.Helper()
			v, got, err := w.Ask(t.Context(), w.runtime, w.question(called("c"), doing(t, params)))
			must(t, err)
			equal(t, "created", got, created)
			return v
		}
		another := func() {
			t.Helper()
			_, _, err := w.Ask(t.Context(), w.runtime, w.question(called("c"), doing(t, `{}`)))
			wants(t, err, service.ErrCallKeyConflict)
		}
		v := again(true)
		equal(t, "pending", again(false).ID, v.ID)
		another()
		must(t, second(w.enter(v, right)))
		got := again(false)
		equal(t, "approved", got.ID, v.ID)
		answer(t, got, confirmation.Approved, confirmation.ByPIN)
		another()
		must(t, second(w.redeem(v)))

		// Used: the next same call is a new question, and so is another one.
		next := again(true)
		if next.ID == v.ID {
			t.Fatal("a redeemed confirmation was found again")
		}
		must(t, w.Decline(t.Context(), w.runtime, to(w.instance, next.ID)))
		other := w.pending(called("c"), doing(t, `{}`))
		w.elapse(5 * time.Minute)
		next = again(true)
		equal(t, "expired", w.read(other).Status, confirmation.Expired)

		// The runtime's decline frees the key, the holder's does not, until it would
		// have expired.
		_, err := w.db.sql.ExecContext(t.Context(), "UPDATE confirmations SET status = 'declined', reason = 'holder', ended_at = created_at WHERE id = '"+next.ID.String()+"'")
		must(t, err)
		got = again(false)
		equal(t, "declined by the holder", got.ID, next.ID)
		answer(t, got, confirmation.Declined, confirmation.ByHolder)
		another()
		w.elapse(5 * time.Minute)
		again(true)

		// Not required and blocked hold nothing.
		must(t, second(w.UpdatePolicy(t.Context(), w.admin, service.PolicyUpdate{
			Instance: w.instance, Patch: policy.Patch{RequiredSkills: []string{}}, Match: anyVersion,
		})))
		answer(t, w.ask(called("d")), confirmation.NotRequired, confirmation.SkillNotListed)
		w.require(30)
		w.pending(called("d"), doing(t, params))
	})
}

// Many ask at once with one call key: they share one confirmation at a time, and an
// approval lets one of them run.
func TestRaceForOneCallKey(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		nodes := w.nodes()
		for round := range 4 {
			var created atomic.Int64
			var mu sync.Mutex
			ids := map[uuid.UUID]bool{}
			var all sync.WaitGroup
			for i := range 20 {
				n := nodes[i%len(nodes)]
				all.Go(func() {
					v, fresh, err := n.Ask(t.Context(), w.runtime, w.question(called("c"), doing(t, params)))
					if err != nil {
						t.Error(err)
						return
					}
					if fresh {
						created.Add(1)
					}
					mu.Lock()
					defer mu.Unlock()
					ids[v.ID] = true
				})
			}
			all.Wait()
			equal(t, "created", created.Load(), 1)
			equal(t, "confirmations", len(ids), 1)
			for id := range ids {
				v := w.read(service.View{Confirmation: confirmation.Confirmation{ID: id, Question: w.question()}})
				must(t, second(w.enter(v, right)))
				must(t, second(w.redeem(v)))
			}
			equal(t, "asked", w.told(audit.TypeConfirmationAsked), round+1)
		}
	})
}

// Two questions meet on one key: one is asked, the other conflicts.
func TestRaceOfTwoQuestionsForOneCallKey(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		w.setPIN(w.identity, right)
		b := w.peer()
		for range 10 {
			key := called(uuid.NewString())
			ask := func(n *node, h pin.Holder) func() (service.View, error) {
				return later(func() (service.View, error) {
					v, _, err := n.Ask(t.Context(), w.runtime, w.question(from(h), key, doing(t, params)))
					return v, err
				})
			}
			mine, theirs := ask(w.node, w.customer), ask(b, w.identity)
			_, errMine := mine()
			_, errTheirs := theirs()
			if (errMine == nil) == (errTheirs == nil) {
				t.Fatalf("both or none: %v, %v", errMine, errTheirs)
			}
			wants(t, errors.Join(errMine, errTheirs), service.ErrCallKeyConflict)
			for _, h := range []pin.Holder{w.customer, w.identity} {
				w.setPIN(h, right)
			}
		}
	})
}

func TestAHundredMayBeApproved(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		w.setPIN(w.identity, right)
		w.approved()
		for range confirmation.MaxApproved - 1 {
			answer(t, w.ask(), confirmation.Approved, confirmation.BySession)
		}
		_, created, err := w.Ask(t.Context(), w.runtime, w.question())
		equal(t, "created", created, false)
		wait := as[*service.TooManyPendingError](t, err).RetryAfter
		if wait <= time.Minute || wait > 2*time.Minute {
			t.Fatalf("retry after %s", wait)
		}
		w.approved(from(w.identity))

		// A remedy ends them all at once, though its caller is gone.
		must(t, w.EndSessions(t.Context(), w.runtime, w.customer, w.instance))
		equal(t, "declined", w.told(audit.TypeConfirmationDeclined), confirmation.MaxApproved)
		w.approved()
		answer(t, w.ask(), confirmation.Approved, confirmation.BySession)
	})
}

// The PIN that opens a session approves what else it covers, and nothing more.
func TestAPINApprovesWhatItsSessionCovers(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		w.setPIN(w.identity, right)
		elsewhere := uuid.New()
		must(t, second(w.UpdatePolicy(t.Context(), w.admin, service.PolicyUpdate{
			Instance: elsewhere, Patch: policy.Patch{RequiredSkills: []string{"*"}}, Match: anyVersion,
		})))
		first, covered := w.pending(), []service.View{w.pending(), w.pending(forSkill("mail.send"), lasting(time.Hour))}
		left := []service.View{
			w.pending(doing(t, params)), w.pending(inRole(policy.Owner)), w.pending(from(w.identity)), w.pending(on(elsewhere)),
		}
		v, err := w.enter(first, right)
		must(t, err)
		answer(t, v, confirmation.Approved, confirmation.ByPIN)
		for _, c := range covered {
			got := w.read(c)
			answer(t, got, confirmation.Approved, confirmation.BySession)
			near(t, "redeemable until", got.ExpiresAt, 2*time.Minute)
			equal(t, "session", got.SessionExpiresAt, v.SessionExpiresAt)
			must(t, second(w.redeem(got)))
		}
		for _, c := range left {
			answer(t, w.read(c), confirmation.Pending, confirmation.NoReason)
		}
		// A PIN for an action opens no session, so it approves that alone.
		must(t, w.EndSessions(t.Context(), w.runtime, w.customer, w.instance))
		waits, action := w.pending(), w.pending(doing(t, params))
		must(t, second(w.enter(action, right)))
		answer(t, w.read(waits), confirmation.Pending, confirmation.NoReason)
		w.require(0)
		must(t, second(w.enter(waits, right)))
		equal(t, "opened", w.told(audit.TypeSessionOpened), 1)
	})
}
