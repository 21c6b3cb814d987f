package service_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/service"
)

// freeze freezes the instance, or with uuid.Nil the tenant, and lift lifts that.
func (w *world) freeze(instance uuid.UUID) policy.Freeze {
	w.t.Helper()
	f, err := w.Freeze(w.t.Context(), w.admin, instance, "odd calls")
	must(w.t, err)
	return f
}

func (w *world) lift(instance uuid.UUID) {
	w.t.Helper()
	must(w.t, w.Unfreeze(w.t.Context(), w.admin, instance))
}

func TestAFreezeStopsEverything(t *testing.T) {
	t.Parallel()
	for name, scope := range map[string]func(w *world) uuid.UUID{
		"instance": func(w *world) uuid.UUID { return w.instance },
		"tenant":   func(*world) uuid.UUID { return uuid.Nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, w *world) {
				w.require(30)
				w.setPIN(w.customer, right)
				open := w.pending(doing(t, params), keyed("k"))
				byPIN, bySession := w.approved(), w.ask()
				action := w.approved(doing(t, params))
				done := w.approved(doing(t, params))
				must(t, second(w.redeem(done)))
				f := w.freeze(scope(w))
				equal(t, "frozen", f.Frozen, true)
				near(t, "since", f.Since, 0)
				got, err := w.Frozen(t.Context(), w.runtime, scope(w))
				must(t, err)
				equal(t, "read", got, f)

				// Whatever the policy, and also for a known key.
				answer(t, w.ask(), confirmation.Blocked, confirmation.Frozen)
				answer(t, w.ask(doing(t, params), keyed("k")), confirmation.Blocked, confirmation.Frozen)
				answer(t, w.ask(keyed("k")), confirmation.Blocked, confirmation.Frozen)
				must(t, second(w.UpdatePolicy(t.Context(), w.admin, service.PolicyUpdate{
					Instance: w.instance, Patch: policy.Patch{RequiredSkills: []string{}}, Match: anyVersion,
				})))
				answer(t, w.ask(), confirmation.Blocked, confirmation.Frozen)
				need, err := w.Need(t.Context(), w.runtime, w.instance, policy.Owner, skill)
				must(t, err)
				equal(t, "need", need, policy.Frozen)

				attempted := w.told(audit.TypePINAttempted)
				wants(t, second(w.enter(open, right)), service.ErrFrozen)
				wants(t, second(w.enter(done, right)), service.ErrFrozen)
				equal(t, "attempted", w.told(audit.TypePINAttempted), attempted)
				for _, v := range []service.View{byPIN, bySession, action, done, open} {
					wants(t, second(w.redeem(v)), service.ErrFrozen)
				}
				wants(t, second(w.Redeem(t.Context(), w.runtime, to(w.instance, uuid.New()), confirmation.Proof{})), service.ErrNotFound)
				for _, v := range []service.View{byPIN, bySession, action} {
					answer(t, w.read(v), confirmation.Declined, confirmation.Frozen)
				}
				answer(t, w.read(open), confirmation.Pending, confirmation.NoReason)
				must(t, second(w.ReportOutcome(t.Context(), w.runtime, to(w.instance, done.ID), confirmation.Outcome{Kind: confirmation.OutcomeExecuted})))

				// Afterwards what was ended stays ended, and what is pending can be confirmed.
				w.lift(scope(w))
				w.require(30)
				answer(t, w.ask(), confirmation.Pending, confirmation.NoReason)
				for _, v := range []service.View{byPIN, bySession, action} {
					wants(t, second(w.redeem(v)), service.ErrNotApproved)
				}
				v, err := w.enter(open, right)
				must(t, err)
				must(t, second(w.redeem(v)))
				equal(t, "frozen", w.told(audit.TypeFreezeSet), 1)
				equal(t, "lifted", w.told(audit.TypeFreezeLifted), 1)
			})
		})
	}
}

func TestAFreezeIsOfItsScope(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.approved(doing(t, params))
		w.freeze(uuid.New())
		stranger := w.admin
		stranger.Tenant = uuid.New()
		must(t, second(w.Freeze(t.Context(), stranger, w.instance, "")))
		must(t, second(w.Freeze(t.Context(), stranger, uuid.Nil, "")))
		must(t, second(w.redeem(v)))
	})
}

// What a person's token froze, a key does not lift; a key's freeze anybody may lift.
func TestWhoLiftsAFreeze(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		key := w.admin
		key.Principal = auth.Principal{Kind: auth.KindAPIKey, ID: "a-key", Tenant: w.tenant}
		must(t, second(w.Freeze(t.Context(), key, w.instance, "")))
		must(t, w.Unfreeze(t.Context(), key, w.instance))
		must(t, w.Unfreeze(t.Context(), key, w.instance))
		must(t, second(w.Freeze(t.Context(), key, w.instance, "")))
		f := w.freeze(w.instance)
		equal(t, "by", f.ByID, "the-admin")
		kept, err := w.Freeze(t.Context(), key, w.instance, "another")
		must(t, err)
		equal(t, "the person's stays", kept, f)
		wants(t, w.Unfreeze(t.Context(), key, w.instance), service.ErrLiftForbidden)
		w.lift(w.instance)
		equal(t, "events", w.told(audit.TypeFreezeSet)+w.told(audit.TypeFreezeLifted), 5)
	})
}

// A guess in flight is settled and approves nothing, and opens nothing.
func TestAFreezeMeetsAGuessInFlight(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		_, err := w.between(v, right, func(b *node) {
			must(t, second(b.Freeze(t.Context(), w.admin, w.instance, "")))
		})
		wants(t, err, service.ErrFrozen)
		w.nothingCame(v, 1)
		equal(t, "unsettled", w.unsettled(), 0)
		w.lift(w.instance)
		answer(t, w.read(v), confirmation.Pending, confirmation.NoReason)
	})
}

// Whoever froze, and got the answer, sees nothing redeemed after it: a redeem that
// succeeds was over before.
func TestRaceOfAFreezeWithRedeems(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		nodes := w.nodes()
		for range 6 {
			views := make([]service.View, 8)
			for i := range views {
				views[i] = w.approved(doing(t, params))
			}
			var frozen atomic.Bool
			var late, won atomic.Int64
			var all sync.WaitGroup
			start := make(chan struct{})
			for i, v := range views {
				n := nodes[i%len(nodes)]
				all.Go(func() {
					<-start
					before := frozen.Load()
					_, err := n.Redeem(t.Context(), w.runtime, to(w.instance, v.ID), confirmation.Proof{Digest: v.ActionDigest()})
					switch {
					case err == nil && before:
						late.Add(1)
					case err == nil:
						won.Add(1)
					case !errors.Is(err, service.ErrFrozen) && !errors.Is(err, service.ErrNotApproved):
						t.Error(err)
					}
				})
			}
			all.Go(func() {
				<-start
				if _, err := nodes[0].Freeze(t.Context(), w.admin, w.instance, ""); err != nil {
					t.Error(err)
				}
				frozen.Store(true)
			})
			close(start)
			all.Wait()
			equal(t, "redeemed after the answer", late.Load(), 0)
			redeemed := 0
			for _, v := range views {
				switch got := w.read(v); got.Status {
				case confirmation.Redeemed:
					redeemed++
				default:
					answer(t, got, confirmation.Declined, confirmation.Frozen)
				}
			}
			equal(t, "redeemed", int64(redeemed), won.Load())
			w.lift(w.instance)
			for _, v := range views {
				if err := second(w.redeem(v)); !errors.Is(err, service.ErrNotApproved) && !errors.Is(err, service.ErrAlreadyRedeemed) {
					t.Fatal(err)
				}
			}
		}
	})
}

// A freeze that comes and goes between two looks leaves no session and no approval of
// the time before it alive, however it meets what opens them.
func TestRaceOfAFreezeWithWhatApproves(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		b := w.peer()
		for range 12 {
			open := w.pending()
			verified := later(func() (service.View, error) { return w.enter(open, right) })
			asked := later(func() (service.View, error) {
				v, _, err := b.Ask(t.Context(), w.runtime, w.question())
				return v, err
			})
			f, err := b.Freeze(t.Context(), w.admin, w.instance, "")
			must(t, err)
			byPIN, err := verified()
			if err != nil {
				wants(t, err, service.ErrFrozen)
			}
			bySession, err := asked()
			must(t, err)
			w.lift(w.instance)
			for _, v := range []service.View{byPIN, bySession} {
				if v.Status == confirmation.Approved && v.Approval.FreezeEpoch < f.Epoch {
					if err := second(w.redeem(v)); !errors.Is(err, service.ErrChanged) && !errors.Is(err, service.ErrNotApproved) {
						t.Fatalf("an approval from before the freeze: %v", err)
					}
				}
			}
			must(t, w.EndSessions(t.Context(), w.runtime, w.customer, w.instance))
			w.setPIN(w.customer, right)
		}
	})
}

func TestAnOutcomeIsReported(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.approved()
		report := func(kind confirmation.OutcomeKind) (service.View, error) {
			return w.ReportOutcome(t.Context(), w.runtime, to(w.instance, v.ID), confirmation.Outcome{Kind: kind, Detail: "by the bank"})
		}
		wants(t, second(report(confirmation.OutcomeExecuted)), service.ErrNotRedeemed)
		wants(t, second(w.ReportOutcome(t.Context(), w.runtime, to(w.instance, uuid.New()), confirmation.Outcome{Kind: confirmation.OutcomeFailed})), service.ErrNotFound)
		must(t, second(w.redeem(v)))
		got, err := report(confirmation.OutcomeUnknown)
		must(t, err)
		equal(t, "outcome", got.Outcome.Kind, confirmation.OutcomeUnknown)
		near(t, "at", got.Outcome.At, 0)
		must(t, second(report(confirmation.OutcomeUnknown)))
		got, err = report(confirmation.OutcomeFailed)
		must(t, err)
		equal(t, "read", w.read(v).Outcome, got.Outcome)
		wants(t, second(report(confirmation.OutcomeExecuted)), service.ErrOutcomeSet)
		wants(t, second(report(confirmation.OutcomeUnknown)), service.ErrOutcomeSet)
		must(t, second(report(confirmation.OutcomeFailed)))
		equal(t, "told", w.told(audit.TypeConfirmationOutcome), 2)
		for _, e := range w.events() {
			if e.Type == audit.TypeConfirmationOutcome && len(e.Details) > len(`{"outcome":"unknown"}`) {
				t.Fatalf("more than the outcome: %s", e.Details)
			}
		}
	})
}

func TestRaceOfOutcomes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.approved()
		must(t, second(w.redeem(v)))
		nodes := w.nodes()
		var set [2]atomic.Int64
		var all sync.WaitGroup
		for i := range 20 {
			n, kind := nodes[i%len(nodes)], []confirmation.OutcomeKind{confirmation.OutcomeExecuted, confirmation.OutcomeFailed}[i%2]
			all.Go(func() {
				_, err := n.ReportOutcome(t.Context(), w.runtime, to(w.instance, v.ID), confirmation.Outcome{Kind: kind})
				switch {
				case err == nil:
					set[i%2].Add(1)
				case !errors.Is(err, service.ErrOutcomeSet):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if a, b := set[0].Load(), set[1].Load(); a*b != 0 || a+b != 10 {
			t.Fatalf("%d reported one outcome, %d the other", a, b)
		}
		equal(t, "told", w.told(audit.TypeConfirmationOutcome), 1)
	})
}

func TestOpenConfirmationsAreListed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		w.setPIN(w.identity, right)
		var want []uuid.UUID
		add := func(v service.View) { want = append([]uuid.UUID{v.ID}, want...) }
		for range 3 {
			add(w.pending(doing(t, params)))
			add(w.approved(from(w.identity), doing(t, params)))
		}
		must(t, w.Decline(t.Context(), w.runtime, to(w.instance, w.pending().ID)))
		w.pending(lasting(time.Second))
		w.elapse(2 * time.Second)
		elsewhere := uuid.New()
		must(t, second(w.UpdatePolicy(t.Context(), w.admin, service.PolicyUpdate{
			Instance: elsewhere, Patch: policy.Patch{RequiredSkills: []string{"*"}}, Match: anyVersion,
		})))
		w.pending(on(elsewhere))

		list := func(f service.OpenFilter) (views []service.View) {
			t.Helper()
			f.Instance = w.instance
			for {
				page, next, err := w.OpenConfirmations(t.Context(), w.runtime, f)
				must(t, err)
				if len(page) > f.Limit {
					t.Fatalf("%d of %d", len(page), f.Limit)
				}
				views = append(views, page...)
				if next == (confirmation.Place{}) {
					return views
				}
				again, err := confirmation.ParsePlace(next.String())
				must(t, err)
				f.After = again
			}
		}
		for _, limit := range []int{1, 2, 3, 100} {
			views := list(service.OpenFilter{Limit: limit})
			equal(t, "listed", len(views), len(want))
			for i, v := range views {
				equal(t, "the newest first", v.ID, want[i])
				now := w.read(v)
				equal(t, "receipt", v.Receipt, now.Receipt)
				equal(t, "attempts", v.AttemptsRemaining != nil, v.Status == confirmation.Pending)
			}
		}
		equal(t, "pending", len(list(service.OpenFilter{Limit: 2, Status: confirmation.Pending})), 3)
		equal(t, "approved", len(list(service.OpenFilter{Limit: 2, Status: confirmation.Approved})), 3)
		equal(t, "of a holder", len(list(service.OpenFilter{Limit: 2, Holder: w.identity})), 3)
		equal(t, "of a holder, pending", len(list(service.OpenFilter{Limit: 2, Holder: w.identity, Status: confirmation.Pending})), 0)
		stranger := w.runtime
		stranger.Tenant = uuid.New()
		page, _, err := w.OpenConfirmations(t.Context(), stranger, service.OpenFilter{Instance: w.instance, Limit: 10})
		must(t, err)
		equal(t, "of another tenant", len(page), 0)
	})
}
