package storetest

import (
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

func testPinUnseen(t *testing.T, s store.Store) {
	for _, h := range []pin.Holder{customer(1), identity()} {
		equal(t, "PIN", pinOf(t, s, h), pin.Record{Holder: h})
		inTx(t, s, func(tx store.Tx) {
			r := get(t, tx, func(into *pin.Record) { tx.LockPIN(h, into) })
			equal(t, "LockPIN", r, pin.Record{Holder: h})
			r = get(t, tx, func(into *pin.Record) { tx.LockNewPIN(h, into) })
			equal(t, "LockNewPIN", r, pin.Record{Holder: h})
		})
		equal(t, "PIN, after it was locked", pinOf(t, s, h), pin.Record{Holder: h})
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
		removed.PepperID = ""
		cooling := removed
		cooling.ID, cooling.Hash, cooling.PepperID, cooling.CreatedAt = id('p', 2), "$argon2id$2", "other", after(20)
		cooling.CountsFrom = after(20).Add(24 * time.Hour)
		unlocked := cooling.Unlock()
		unlocked.Generation = 1 << 41
		byAdmin := pin.Record{Holder: h, LockEpoch: unlocked.LockEpoch, Generation: unlocked.Generation + 1}
		for _, r := range []pin.Record{fresh, locked, inactive, removed, cooling, unlocked, byAdmin, fresh} {
			inTx(t, s, func(tx store.Tx) { tx.SavePIN(r) })
			equal(t, "PIN", pinOf(t, s, h), r)
			inTx(t, s, func(tx store.Tx) {
				equal(t, "LockPIN", get(t, tx, func(into *pin.Record) { tx.LockPIN(h, into) }), r)
				equal(t, "LockNewPIN", get(t, tx, func(into *pin.Record) { tx.LockNewPIN(h, into) }), r)
			})
		}
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
		inTx(t, s, func(tx store.Tx) { tx.SavePIN(setPIN(h, n)) })
	}
	for n, h := range holders {
		equal(t, "PIN", pinOf(t, s, h), setPIN(h, n))
	}
	removed := pin.Record{Holder: holders[0], Generation: 7}
	inTx(t, s, func(tx store.Tx) { tx.SavePIN(removed) })
	equal(t, "PIN, removed", pinOf(t, s, holders[0]), removed)
	for n, h := range holders[1:] {
		equal(t, "PIN of another", pinOf(t, s, h), setPIN(h, n+1))
	}
}

func testPeppersInUse(t *testing.T, s store.Store) {
	save := func(r pin.Record, pepper string) {
		t.Helper()
		r.PepperID = pepper
		inTx(t, s, func(tx store.Tx) { tx.SavePIN(r) })
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
	// Without a PIN no pepper is in use, whatever the record names.
	save(setPIN(customer(2), 2).RemoveByRuntime(), "old")
	inUse("new")
}

func testAttemptAsSaved(t *testing.T, s store.Store) {
	attempts := []pin.Attempt{
		attempt(customer(1), 1), attempt(identity(), 2),
		attempt(pin.CustomerHolder(tenant(2), id('c', 1)), 3),
	}
	inTx(t, s, func(tx store.Tx) {
		for _, a := range attempts {
			tx.InsertAttempt(a)
		}
	})
	inTx(t, s, func(tx store.Tx) {
		for _, a := range attempts {
			got := get(t, tx, func(into *pin.Attempt) { tx.LockAttempt(a.Holder.Tenant, a.ID, into) })
			equal(t, "LockAttempt", got, a)
		}
		got := get(t, tx, func(into *pin.Attempt) { tx.LockAttempt(tenant(2), attempts[0].ID, into) })
		equal(t, "LockAttempt of another tenant", got, pin.Attempt{})
		tx.DeleteAttempt(attempts[0].Ref())
	})
	inTx(t, s, func(tx store.Tx) {
		// What was there is overwritten: a settled attempt is none.
		got := attempts[0]
		tx.LockAttempt(tenant(1), attempts[0].ID, &got)
		fetch(t, tx)
		equal(t, "LockAttempt, settled", got, pin.Attempt{})
		got = get(t, tx, func(into *pin.Attempt) { tx.LockAttempt(tenant(1), attempts[1].ID, into) })
		equal(t, "LockAttempt of another", got, attempts[1])
	})
}

// testAttemptSettledTwice says that a settlement counts once, and all of it or nothing.
func testAttemptSettledTwice(t *testing.T, s store.Store) {
	a := attempt(customer(1), 1)
	inTx(t, s, func(tx store.Tx) { tx.InsertAttempt(a) })
	settle := func(tx store.Tx) {
		tx.SavePIN(setPIN(customer(1), 1))
		tx.DeleteAttempt(a.Ref())
		tx.Append(event(tenant(1), 1))
	}
	inTx(t, s, settle)
	inTx(t, s, func(tx store.Tx) { tx.SavePIN(setPIN(customer(1), 2)) })
	refused(t, s, store.ErrNotFound, settle)
	equal(t, "PIN", pinOf(t, s, customer(1)), setPIN(customer(1), 2))
}

func testPolicyDefault(t *testing.T, s store.Store) {
	want := policy.Default(tenant(1), instance(1))
	got := policyOf(t, s, on(1))
	equal(t, "Policy", got, want)
	if got.RequiredSkills == nil {
		t.Error("the skills of the defaults are nil")
	}
	inTx(t, s, func(tx store.Tx) {
		equal(t, "LockPolicy", get(t, tx, func(into *policy.Policy) { tx.LockPolicy(on(1), into) }), want)
	})
	inTx(t, s, func(tx store.Tx) {
		tx.LockPolicy(on(1), new(policy.Policy))
		fetch(t, tx)
		tx.Append(event(tenant(1), 1))
	})
	equal(t, "Policy, after it was locked", policyOf(t, s, on(1)), want)
}

func testPolicyAsSaved(t *testing.T, s store.Store) {
	many := make([]string, policy.MaxSkills)
	for n := range many {
		many[n] = "skill/" + id('k', n).String()
	}
	for n, next := range []policy.Policy{
		{AppliesTo: policy.AppliesToOwner, RequiredSkills: []string{"Zeta", "alpha", "*", "m:n/o.p-q_r"}, SessionTTLMinutes: 0, MustBeOwn: true, Channels: policy.PageOnly},
		{AppliesTo: policy.AppliesToCustomer, RequiredSkills: []string{}, SessionTTLMinutes: policy.MaxSessionTTLMinutes, Channels: policy.AnyChannel},
		{AppliesTo: policy.AppliesToAll, RequiredSkills: many, SessionTTLMinutes: 30, MustBeOwn: true, Channels: policy.AnyChannel},
	} {
		next.Tenant, next.Instance, next.Version = tenant(1), instance(1), int64(n+1)
		inTx(t, s, func(tx store.Tx) {
			tx.LockPolicy(on(1), new(policy.Policy))
			fetch(t, tx)
			tx.SavePolicy(next)
		})
		got := policyOf(t, s, on(1))
		equal(t, "Policy", got, next)
		if got.RequiredSkills == nil {
			t.Error("an empty list of skills is nil")
		}
		inTx(t, s, func(tx store.Tx) {
			equal(t, "LockPolicy", get(t, tx, func(into *policy.Policy) { tx.LockPolicy(on(1), into) }), next)
		})
	}
}

func testPoliciesApart(t *testing.T, s store.Store) {
	mine := policy.Default(tenant(2), instance(2))
	mine.Version, mine.SessionTTLMinutes = 1, 5
	inTx(t, s, func(tx store.Tx) { tx.SavePolicy(mine) })
	for _, other := range []policy.Instance{
		{Tenant: tenant(1), ID: instance(2)},
		{Tenant: tenant(3), ID: instance(2)},
		{Tenant: tenant(2), ID: instance(1)},
		{Tenant: tenant(2), ID: instance(3)},
	} {
		equal(t, "Policy of another", policyOf(t, s, other), policy.Default(other.Tenant, other.ID))
	}
}
