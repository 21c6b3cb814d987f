package service_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/service"
)

func TestTheSameKeyIsTheSameQuestion(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		again := func(with ...asking) (service.View, error) {
			t.Helper()
			v, created, err := w.Ask(t.Context(), w.runtime, w.question(append(with, keyed("order-17"))...))
			equal(t, "created", created, false)
			return v, err
		}
		v := w.pending(keyed("order-17"), doing(t, params))

		// Spelling of skill and params is no other question.
		for _, same := range [][]asking{
			{doing(t, params)},
			{doing(t, `{"note":"rent","to":"acct-9184","amount":250}`)},
			{doing(t, params), forSkill("Payments.TRANSFER")},
		} {
			got, err := again(same...)
			must(t, err)
			equal(t, "id", got.ID, v.ID)
			equal(t, "skill as first spelled", got.Skill, skill)
		}
		for _, different := range [][]asking{
			{},
			{doing(t, `{"amount":251}`)},
			{doing(t, params), forSkill("payments.refund")},
			{doing(t, params), inRole(policy.Owner)},
			{doing(t, params), from(w.identity)},
			{doing(t, params), from(pin.CustomerHolder(w.tenant, uuid.New()))},
			{doing(t, params), lasting(301 * time.Second)},
		} {
			_, err := again(different...)
			wants(t, err, service.ErrIdempotencyConflict)
		}

		// It is looked up before anything is decided, and answered as it is now.
		w.fail(v, 1)
		got, err := again(doing(t, params))
		must(t, err)
		equal(t, "remaining", *got.AttemptsRemaining, 4)
		_, err = w.enter(v, right)
		must(t, err)
		none := []string{}
		_, err = w.UpdatePolicy(t.Context(), w.admin, service.PolicyUpdate{Instance: w.instance, Patch: policy.Patch{RequiredSkills: none}, Match: anyVersion})
		must(t, err)
		got, err = again(doing(t, params))
		must(t, err)
		answer(t, got, confirmation.Approved, confirmation.ByPIN)
		if got.Receipt == "" {
			t.Fatal("no receipt")
		}
		_, err = w.redeem(v)
		must(t, err)
		got, err = again(doing(t, params))
		must(t, err)
		answer(t, got, confirmation.Redeemed, confirmation.NoReason)
		equal(t, "receipt", got.Receipt, "")

		// Another instance has keys of its own.
		elsewhere := uuid.New()
		_, err = w.UpdatePolicy(t.Context(), w.admin, service.PolicyUpdate{Instance: elsewhere, Patch: policy.Patch{RequiredSkills: []string{policy.AllSkills}}, Match: anyVersion})
		must(t, err)
		if w.pending(on(elsewhere), keyed("order-17")).ID == v.ID {
			t.Fatal("the key of another instance")
		}
	})
}

func TestAKeyIsHeldAsLongAsItsConfirmationIsKept(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending(keyed("k"))
		w.elapse(time.Hour)
		answer(t, w.ask(keyed("k")), confirmation.Expired, confirmation.NoReason)
		w.elapse(720 * time.Hour)
		answer(t, w.ask(keyed("k")), confirmation.Expired, confirmation.NoReason)
		for range 2 { // it expires, and is removed
			must(t, second(w.SweepOnce(t.Context())))
		}
		if w.pending(keyed("k")).ID == v.ID {
			t.Fatal("an old confirmation came back to life")
		}
	})
}

// Twenty ask at once with one key, over two nodes: one confirmation, made by one.
func TestRaceForOneKey(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		b := w.peer()
		var mu sync.Mutex
		ids := map[uuid.UUID]int{}
		created := 0
		var all sync.WaitGroup
		for i := range 20 {
			n := []*node{w.node, b}[i%2]
			all.Go(func() {
				v, fresh, err := n.Ask(t.Context(), w.runtime, w.question(keyed("once")))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				ids[v.ID]++
				if fresh {
					created++
				}
			})
		}
		all.Wait()
		equal(t, "confirmations", len(ids), 1)
		equal(t, "created", created, 1)
		equal(t, "stored", w.stored(), 1)
		equal(t, "told", w.told(audit.TypeConfirmationAsked), 1)
	})
}

// Two holders who ask with one key do not share a lock; still only one has it.
func TestRaceOfTwoHoldersForOneKey(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		w.setPIN(w.identity, right)
		b := w.peer()
		for range 10 {
			key := uuid.NewString()
			one := later(func() (service.View, error) {
				v, _, err := w.Ask(t.Context(), w.runtime, w.question(keyed(key)))
				return v, err
			})
			two := later(func() (service.View, error) {
				v, _, err := b.Ask(t.Context(), w.runtime, w.question(keyed(key), from(w.identity)))
				return v, err
			})
			_, errOne := one()
			_, errTwo := two()
			if errOne == nil {
				errOne, errTwo = errTwo, errOne
			}
			wants(t, errOne, service.ErrIdempotencyConflict)
			wants(t, errTwo, nil)
		}
	})
}
