package storetest

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// What is unfinished is found in every tenant, some of each kind at a time, and what has
// ended or expired is not.
func testUnfinished(t *testing.T, s store.Store) {
	now := clock(t, s.Reads())
	stranger := pin.CustomerHolder(tenant(2), id('c', 9))
	pending, approved := ask(customer(1), instance(1), 1), approve(ask(identity(), instance(1), 2))
	foreign, over := ask(stranger, instance(3), 3), ask(customer(1), instance(1), 4)
	over.ExpiresAt = now.Add(-time.Minute)
	for _, c := range []confirmation.Confirmation{pending, approved, foreign, over} {
		insert(t, s, c)
	}
	ended := ask(customer(1), instance(1), 5)
	insert(t, s, ended)
	save(t, s, decline(ended))
	own, other := session(customer(1), instance(1), 1), session(stranger, instance(3), 2)
	saveSessions(t, s, own, other)
	open, late := linkOf(customer(1), pin.AdminLink, 1, "k"), linkOf(stranger, pin.RuntimeLink, 2, "k")
	gone, used := linkOf(customer(2), pin.AdminLink, 3, "k"), linkOf(customer(3), pin.AdminLink, 4, "k")
	gone.ExpiresAt = now.Add(-time.Minute)
	inTx(t, s, func(tx store.Tx) {
		for _, l := range []pin.Link{open, late, gone, used.Use(after(5))} {
			tx.InsertPINLink(l)
		}
	})
	inTx(t, s, func(tx store.Tx) {
		got := get(t, tx, func(into *store.Unfinished) { tx.LockUnfinished(10, into) })
		equal(t, "unfinished", got, store.Unfinished{
			Confirmations: confirmations{approved, pending, foreign}, Sessions: sessions{own, other}, Links: []pin.Link{open, late},
		})
	})
	inTx(t, s, func(tx store.Tx) {
		got := get(t, tx, func(into *store.Unfinished) { tx.LockUnfinished(1, into) })
		equal(t, "the first", got, store.Unfinished{
			Confirmations: confirmations{approved}, Sessions: sessions{own}, Links: []pin.Link{open},
		})
	})
}

// A tenant is known by anything that it has, and once.
func testTenants(t *testing.T, s store.Store) {
	of := func() []uuid.UUID {
		t.Helper()
		return must(s.Tenants(t.Context()))(t)
	}
	equal(t, "tenants of an empty database", of(), []uuid.UUID{})
	inTx(t, s, func(tx store.Tx) {
		tx.InsertAPIKey(key(tenant(1), 1))
		tx.InsertAPIKey(key(tenant(1), 2))
	})
	holder := pin.CustomerHolder(tenant(2), id('c', 1))
	inTx(t, s, func(tx store.Tx) {
		get(t, tx, func(into *pin.Record) { tx.LockNewPIN(holder, into) })
		tx.SavePIN(setPIN(holder, 1))
	})
	inTx(t, s, func(tx store.Tx) {
		scope := policy.Instance{Tenant: tenant(3), ID: instance(1)}
		p := get(t, tx, func(into *policy.Policy) { tx.LockPolicy(scope, into) })
		tx.SavePolicy(p)
	})
	inTx(t, s, func(tx store.Tx) {
		scope := policy.Instance{Tenant: tenant(4)}
		f := get(t, tx, func(into *policy.Freeze) { tx.LockFreeze(scope, into) })
		tx.SaveFreeze(f)
	})
	equal(t, "tenants", of(), []uuid.UUID{tenant(1), tenant(2), tenant(3), tenant(4)})
}
