package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

func testPinUnseen(t *testing.T, s store.Store) {
	for _, h := range []pin.Holder{customer(1), identity()} {
		equal(t, "Pin", pinOf(t, s, h), pin.Record{Holder: h})
		inTx(t, s, func(ctx context.Context, tx store.Tx) error {
			r := must(tx.LockPin(ctx, h))(t)
			equal(t, "LockPin", r, pin.Record{Holder: h})
			r = must(tx.LockNewPin(ctx, h))(t)
			equal(t, "LockNewPin", r, pin.Record{Holder: h})
			return tx.DeletePin(ctx, h)
		})
		equal(t, "Pin, after it was locked", pinOf(t, s, h), pin.Record{Holder: h})
	}
	equal(t, "PeppersInUse", must(s.PeppersInUse(t.Context()))(t), []string(nil))
}

func testPinAsSaved(t *testing.T, s store.Store) {
	limits := pin.DefaultLimits()
	for _, h := range []pin.Holder{customer(1), identity()} {
		fresh := setPIN(h, 1)
		locked := fresh
		for range limits.LockAfter {
			locked, _, _ = locked.Spend(limits, after(10))
		}
		inactive := locked
		inactive.Inactive, inactive.Failures, inactive.LockEpoch = true, limits.HardLimit, 1<<40
		removed := locked.RemoveByRuntime()
		cooling := removed.SetByRuntime(pin.Fresh{ID: id('p', 2), Hash: "$argon2id$2", At: after(20)}, 24*time.Hour)
		for _, r := range []pin.Record{fresh, locked, inactive, removed, cooling, cooling.Unlock()} {
			inTx(t, s, func(ctx context.Context, tx store.Tx) error {
				if err := tx.SavePin(ctx, r, "pepper"); err != nil {
					return err
				}
				equal(t, "LockPin, in its own transaction", must(tx.LockPin(ctx, h))(t), r)
				return nil
			})
			equal(t, "Pin", pinOf(t, s, h), r)
			inTx(t, s, func(ctx context.Context, tx store.Tx) error {
				equal(t, "LockPin", must(tx.LockPin(ctx, h))(t), r)
				equal(t, "LockNewPin", must(tx.LockNewPin(ctx, h))(t), r)
				return nil
			})
		}
		inTx(t, s, func(ctx context.Context, tx store.Tx) error { return tx.DeletePin(ctx, h) })
		equal(t, "Pin, deleted", pinOf(t, s, h), pin.Record{Holder: h})
	}
}

func testPinHoldersApart(t *testing.T, s store.Store) {
	same := id('x', 1)
	holders := []pin.Holder{
		pin.CustomerHolder(tenant(1), same),
		pin.CustomerHolder(tenant(2), same),
		pin.IdentityHolder(tenant(1), instance(1), same),
		pin.IdentityHolder(tenant(1), instance(2), same),
		pin.IdentityHolder(tenant(2), instance(1), same),
	}
	for n, h := range holders {
		inTx(t, s, func(ctx context.Context, tx store.Tx) error { return tx.SavePin(ctx, setPIN(h, n), "pepper") })
	}
	for n, h := range holders {
		equal(t, "Pin", pinOf(t, s, h), setPIN(h, n))
	}
	inTx(t, s, func(ctx context.Context, tx store.Tx) error { return tx.DeletePin(ctx, holders[0]) })
	equal(t, "Pin, deleted", pinOf(t, s, holders[0]), pin.Record{Holder: holders[0]})
	for n, h := range holders[1:] {
		equal(t, "Pin of another", pinOf(t, s, h), setPIN(h, n+1))
	}
}

func testPeppersInUse(t *testing.T, s store.Store) {
	save := func(r pin.Record, pepper string) {
		t.Helper()
		inTx(t, s, func(ctx context.Context, tx store.Tx) error { return tx.SavePin(ctx, r, pepper) })
	}
	inUse := func(want ...string) {
		t.Helper()
		got := make(map[string]bool)
		for _, id := range must(s.PeppersInUse(t.Context()))(t) {
			if got[id] {
				t.Errorf("%q is named twice", id)
			}
			got[id] = true
		}
		wanted := make(map[string]bool)
		for _, id := range want {
			wanted[id] = true
		}
		equal(t, "PeppersInUse", got, wanted)
	}
	save(setPIN(customer(1), 1), "old")
	save(setPIN(customer(2), 2), "old")
	save(setPIN(identity(), 3), "new")
	inUse("old", "new")
	save(setPIN(customer(1), 1), "new") // rehashed
	inUse("old", "new")
	save(setPIN(customer(2), 2).RemoveByRuntime(), "")
	inUse("new")
}

func testPolicyDefault(t *testing.T, s store.Store) {
	want := policy.Default(tenant(1), instance(1))
	got := must(s.Policy(t.Context(), tenant(1), instance(1)))(t)
	equal(t, "Policy", got, want)
	if got.RequiredSkills == nil {
		t.Error("the skills of the defaults are nil")
	}
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		equal(t, "LockPolicy", must(tx.LockPolicy(ctx, tenant(1), instance(1)))(t), want)
		return nil
	})
	equal(t, "Policy, after it was locked", must(s.Policy(t.Context(), tenant(1), instance(1)))(t), want)
}

func testPolicyAsSaved(t *testing.T, s store.Store) {
	p := policy.Policy{Tenant: tenant(1), Instance: instance(1), Version: 1}
	many := make([]string, policy.MaxSkills)
	for n := range many {
		many[n] = "skill/" + id('k', n).String()
	}
	for n, next := range []policy.Policy{
		{AppliesTo: policy.AppliesToOwner, RequiredSkills: []string{"Zeta", "alpha", "*", "m:n/o.p-q_r"}, SessionTTLMinutes: 0},
		{AppliesTo: policy.AppliesToCustomer, RequiredSkills: []string{}, SessionTTLMinutes: policy.MaxSessionTTLMinutes},
		{AppliesTo: policy.AppliesToAll, RequiredSkills: many, SessionTTLMinutes: 30},
	} {
		next.Tenant, next.Instance, next.Version = p.Tenant, p.Instance, int64(n+1)
		inTx(t, s, func(ctx context.Context, tx store.Tx) error {
			must(tx.LockPolicy(ctx, p.Tenant, p.Instance))(t)
			return tx.SavePolicy(ctx, next)
		})
		got := must(s.Policy(t.Context(), p.Tenant, p.Instance))(t)
		equal(t, "Policy", got, next)
		if got.RequiredSkills == nil {
			t.Error("an empty list of skills is nil")
		}
		inTx(t, s, func(ctx context.Context, tx store.Tx) error {
			equal(t, "LockPolicy", must(tx.LockPolicy(ctx, p.Tenant, p.Instance))(t), next)
			return nil
		})
	}
}

func testPoliciesApart(t *testing.T, s store.Store) {
	mine := policy.Default(tenant(2), instance(2))
	mine.Version, mine.SessionTTLMinutes = 1, 5
	inTx(t, s, func(ctx context.Context, tx store.Tx) error { return tx.SavePolicy(ctx, mine) })
	for _, other := range [][2]uuid.UUID{
		{tenant(1), instance(2)}, {tenant(3), instance(2)}, {tenant(2), instance(1)}, {tenant(2), instance(3)},
	} {
		got := must(s.Policy(t.Context(), other[0], other[1]))(t)
		equal(t, "Policy of another", got, policy.Default(other[0], other[1]))
	}
}
