package storetest

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

func freezeOf(t *testing.T, s store.Store, scope policy.Instance) policy.Freeze {
	t.Helper()
	r := s.Reads()
	return get(t, r, func(into *policy.Freeze) { r.Freeze(scope, into) })
}

// frozen is a scope frozen at after(1).
func frozen(scope policy.Instance, epoch int64) policy.Freeze {
	return policy.Freeze{
		Scope: scope, Frozen: true, Since: after(1), ByKind: auth.KindJWT, ByID: "ada", Reason: "odd cälls", Epoch: epoch,
	}
}

func saveFreeze(t *testing.T, s store.Store, f policy.Freeze) {
	t.Helper()
	inTx(t, s, func(tx store.Tx) {
		get(t, tx, func(into *policy.Freeze) { tx.LockFreeze(f.Scope, into) })
		tx.SaveFreeze(f)
	})
}

func testFreezeAsSaved(t *testing.T, s store.Store) {
	whole := policy.TenantScope(tenant(1))
	for _, scope := range []policy.Instance{on(1), whole} {
		equal(t, "never frozen", freezeOf(t, s, scope), policy.Freeze{Scope: scope})
		for _, want := range []policy.Freeze{frozen(scope, 1), {Scope: scope, Epoch: 1}, frozen(scope, 2)} {
			saveFreeze(t, s, want)
			equal(t, "as saved", freezeOf(t, s, scope), want)
		}
	}
	equal(t, "another instance", freezeOf(t, s, on(2)), policy.Freeze{Scope: on(2)})
	equal(t, "another tenant", freezeOf(t, s, policy.TenantScope(tenant(2))), policy.Freeze{Scope: policy.TenantScope(tenant(2))})
}

// A policy includes the freezes of its instance and of its tenant, stored or not.
func testPolicyIncludesFreezes(t *testing.T, s store.Store) {
	p := policy.Default(tenant(1), instance(1))
	p.AppliesTo, p.Version = policy.AppliesToOwner, 3
	inTx(t, s, func(tx store.Tx) { tx.SavePolicy(p) })
	tells := func(what string, i policy.Instance, frozen bool, epoch int64) {
		t.Helper()
		got := policyOf(t, s, i)
		if got.Frozen != frozen || got.FreezeEpoch != epoch {
			t.Errorf("%s: frozen %v, epoch %d; want %v, %d", what, got.Frozen, got.FreezeEpoch, frozen, epoch)
		}
	}
	tells("before", on(1), false, 0)
	saveFreeze(t, s, frozen(on(1), 2))
	tells("its own", on(1), true, 2)
	tells("another's", on(2), false, 0)
	saveFreeze(t, s, frozen(policy.TenantScope(tenant(1)), 3))
	tells("both", on(1), true, 5)
	tells("its tenant's, without a policy", on(2), true, 3)
	tells("another tenant's", policy.Instance{Tenant: tenant(2), ID: instance(1)}, false, 0)
	saveFreeze(t, s, policy.Freeze{Scope: policy.TenantScope(tenant(1)), Epoch: 3})
	saveFreeze(t, s, policy.Freeze{Scope: on(1), Epoch: 2})
	tells("lifted", on(1), false, 5)
	equal(t, "the policy", policyOf(t, s, on(1)).Version, int64(3))
}

// A policy includes until when no PIN is taken on its instance, stored or not.
func testPolicyIncludesSpraying(t *testing.T, s store.Store) {
	equal(t, "before", policyOf(t, s, on(1)).SprayedUntil, time.Time{})
	for _, until := range []time.Time{after(1), after(2)} {
		inTx(t, s, func(tx store.Tx) { tx.SaveSpraying(on(1), until) })
		equal(t, "its own", policyOf(t, s, on(1)).SprayedUntil, until)
	}
	equal(t, "another's", policyOf(t, s, on(2)).SprayedUntil, time.Time{})
	equal(t, "another tenant's", policyOf(t, s, policy.Instance{Tenant: tenant(2), ID: instance(1)}).SprayedUntil, time.Time{})
}

// Many freeze a scope that was never frozen at once: no epoch is lost.
func testFreezeAtOnce(t *testing.T, s store.Store) {
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			err := s.InTx(t.Context(), func(tx store.Tx) error {
				var f policy.Freeze
				tx.LockFreeze(on(1), &f)
				if err := tx.Fetch(t.Context()); err != nil {
					return err
				}
				tx.SaveFreeze(frozen(on(1), f.Epoch+1))
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	equal(t, "epoch", freezeOf(t, s, on(1)).Epoch, int64(8))
}

// lasting is the confirmation, with a time to go by the database's clock.
func lasting(c confirmation.Confirmation, now time.Time) confirmation.Confirmation {
	c.ExpiresAt = now.Add(time.Hour)
	return c
}

func testLockApproved(t *testing.T, s store.Store) {
	now := clock(t, s.Reads())
	first, second := lasting(approve(ask(customer(1), instance(1), 1)), now), lasting(approve(ask(identity(), instance(1), 2)), now)
	elsewhere := lasting(approve(ask(customer(1), instance(2), 3)), now)
	past := approve(ask(customer(1), instance(1), 4))
	past.ExpiresAt = now.Add(-time.Second)
	insert(t, s, first, second, elsewhere, past, lasting(ask(customer(1), instance(1), 5), now))
	inTx(t, s, func(tx store.Tx) {
		approved := func(scope policy.Instance, limit int) confirmations {
			return get(t, tx, func(into *confirmations) { tx.LockApproved(scope, limit, into) })
		}
		equal(t, "of an instance", approved(on(1), 10), confirmations{first, second})
		equal(t, "of the tenant", approved(policy.TenantScope(tenant(1)), 10), confirmations{first, second, elsewhere})
		equal(t, "limited", approved(policy.TenantScope(tenant(1)), 1), confirmations{first})
		equal(t, "of another tenant", approved(policy.TenantScope(tenant(2)), 10), confirmations(nil))
	})
}

func testCallKey(t *testing.T, s store.Store) {
	c := ask(customer(1), instance(1), 1)
	c.CallKey = "call!~"
	insert(t, s, c)
	by := func(i policy.Instance) confirmation.Confirmation {
		t.Helper()
		r := s.Reads()
		return get(t, r, func(into *confirmation.Confirmation) { r.ConfirmationByCallKey(i, c.CallKey, into) })
	}
	equal(t, "by its call key", by(on(1)), c)
	equal(t, "on another instance", by(on(2)), confirmation.Confirmation{})

	another := ask(customer(2), instance(1), 2)
	another.CallKey = c.CallKey
	refused(t, s, store.ErrKeyTaken, func(tx store.Tx) { tx.InsertConfirmation(another) })
	there := ask(customer(2), instance(2), 3)
	there.CallKey = c.CallKey
	insert(t, s, there)

	// Released and taken in one transaction, in this order.
	inTx(t, s, func(tx store.Tx) {
		locked := get(t, tx, func(into *confirmation.Confirmation) { tx.LockConfirmationByCallKey(on(1), c.CallKey, into) })
		equal(t, "locked", locked, c)
		tx.ReleaseCallKey(c.Ref())
		tx.InsertConfirmation(another)
	})
	equal(t, "the next", by(on(1)), another)
	released := c
	released.CallKey = ""
	equal(t, "released", read(t, s, c), released)
}

func testCallKeyAtOnce(t *testing.T, s store.Store) {
	var taken atomic.Int32
	var group sync.WaitGroup
	for n := range 12 {
		c := ask(customer(n), instance(1), n)
		c.CallKey = "key"
		group.Go(func() {
			if s.InTx(t.Context(), func(tx store.Tx) error { tx.InsertConfirmation(c); return nil }) == nil {
				taken.Add(1)
			}
		})
	}
	group.Wait()
	equal(t, "how many got the key", taken.Load(), int32(1))
}

func testOutcomeAsSaved(t *testing.T, s store.Store) {
	c := redeem(approve(ask(customer(1), instance(1), 1)))
	open := approve(ask(customer(1), instance(1), 2))
	insert(t, s, c, open)
	for _, o := range []confirmation.Outcome{
		{Kind: confirmation.OutcomeUnknown, At: after(9)},
		{Kind: confirmation.OutcomeFailed, Detail: "nö funds", At: after(10)},
	} {
		c.Outcome = o
		inTx(t, s, func(tx store.Tx) { tx.SaveOutcome(c) })
		equal(t, "as saved", read(t, s, c), c)
	}
	open.Outcome = confirmation.Outcome{Kind: confirmation.OutcomeExecuted, At: after(9)}
	if err := s.InTx(t.Context(), func(tx store.Tx) error { tx.SaveOutcome(open); return nil }); err == nil {
		t.Error("an outcome of what was not redeemed is stored")
	}
}

func testFreezeEpochsAsSaved(t *testing.T, s store.Store) {
	c := approve(ask(customer(1), instance(1), 1))
	c.Approval.FreezeEpoch = 7
	opened := session(customer(1), instance(1), 1)
	opened.FreezeEpoch = 7
	pending := ask(customer(1), instance(1), 2)
	insert(t, s, c, pending)
	approved := approve(pending)
	approved.Approval.FreezeEpoch = 8
	inTx(t, s, func(tx store.Tx) { tx.SaveSession(opened); tx.SaveConfirmations(approved) })
	equal(t, "of an approval", read(t, s, c), c)
	equal(t, "of a saved approval", read(t, s, approved), approved)
	equal(t, "of a session", sessionsOf(t, s, customer(1), instance(1)), []confirmation.Session{opened})
}

func testListOpen(t *testing.T, s store.Store) {
	now := clock(t, s.Reads())
	var all confirmations
	for n := range 7 {
		c := lasting(ask(customer(n%2), instance(1), n), now)
		if n%3 == 0 {
			c = lasting(approve(c), now)
		}
		c.CreatedAt = after(n / 2) // two at a time, distinguished by their ids
		all = append(all, c)
	}
	past := ask(customer(1), instance(1), 8)
	past.ExpiresAt = now.Add(-time.Second)
	insert(t, s, append(slices.Clone(all), past, lasting(ask(customer(1), instance(2), 9), now), decline(ask(customer(1), instance(1), 10)))...)
	slices.Reverse(all)
	only := func(keep func(confirmation.Confirmation) bool) (kept confirmations) {
		for _, c := range all {
			if keep(c) {
				kept = append(kept, c)
			}
		}
		return kept
	}
	list := func(f store.ConfirmationFilter) (got confirmations) {
		t.Helper()
		f.Instance = on(1)
		for {
			page := must(s.OpenConfirmations(t.Context(), f))(t)
			got = append(got, page...)
			if len(page) < f.Limit {
				return got
			}
			f.After = page[len(page)-1].Place()
		}
	}
	for _, limit := range []int{1, 2, 3, 7, 100} {
		equal(t, "all", list(store.ConfirmationFilter{Limit: limit}), all)
	}
	for _, status := range []confirmation.Status{confirmation.Pending, confirmation.Approved} {
		equal(t, string(status), list(store.ConfirmationFilter{Limit: 2, Status: status}),
			only(func(c confirmation.Confirmation) bool { return c.Status == status }))
	}
	equal(t, "of a holder", list(store.ConfirmationFilter{Limit: 2, Holder: customer(0)}),
		only(func(c confirmation.Confirmation) bool { return c.Holder == customer(0) }))
	equal(t, "of nobody", list(store.ConfirmationFilter{Limit: 2, Holder: identity()}), confirmations(nil))
	elsewhere := must(s.OpenConfirmations(t.Context(), store.ConfirmationFilter{
		Instance: policy.Instance{Tenant: uuid.New(), ID: instance(1)}, Limit: 10,
	}))(t)
	equal(t, "of another tenant", elsewhere, confirmations(nil))
}
