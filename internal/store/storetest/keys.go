package storetest

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/store"
)

func insertKeys(t *testing.T, s store.Store, keys ...auth.APIKey) {
	t.Helper()
	inTx(t, s, func(tx store.Tx) {
		for _, k := range keys {
			tx.InsertAPIKey(k)
		}
	})
}

func testAPIKeyAsSaved(t *testing.T, s store.Store) {
	bare := key(tenant(1), 1)
	bare.Scopes, bare.Name = nil, ""
	ends := key(tenant(1), 2)
	ends.ExpiresAt = after(3600)
	runtime := key(tenant(2), 3)
	runtime.Kind, runtime.Instance, runtime.Scopes = auth.KindRuntimeKey, instance(1), nil
	insertKeys(t, s, bare, ends, runtime)
	for _, want := range []auth.APIKey{bare, ends, runtime} {
		equal(t, "APIKey", keyOf(t, s, want.ID), want)
		inTx(t, s, func(tx store.Tx) {
			equal(t, "LockAPIKey", get(t, tx, func(into *auth.APIKey) { tx.LockAPIKey(want.ID, into) }), want)
		})
	}
	for _, unknown := range []string{"key", "KEY" + bare.ID[3:], ""} {
		r := s.Reads()
		r.APIKey(unknown, new(auth.APIKey))
		missing(t, "APIKey of "+unknown, r)
		inTx(t, s, func(tx store.Tx) {
			tx.LockAPIKey(unknown, new(auth.APIKey))
			missing(t, "LockAPIKey of "+unknown, tx)
		})
	}
	refused(t, s, store.ErrKeyTaken, func(tx store.Tx) { tx.InsertAPIKey(key(tenant(2), 1)) })
	equal(t, "APIKey, after another wanted its id", keyOf(t, s, bare.ID), bare)
}

func testAPIKeysInOrder(t *testing.T, s store.Store) {
	one, two, three := key(tenant(1), 1), key(tenant(1), 2), key(tenant(2), 3)
	one.CreatedAt, three.CreatedAt = after(100), after(50)
	insertKeys(t, s, one, two, three)
	equal(t, "keys of a tenant", must(s.APIKeys(t.Context(), tenant(1)))(t), []auth.APIKey{two, one})
	equal(t, "keys of all", must(s.APIKeys(t.Context(), uuid.Nil))(t), []auth.APIKey{two, three, one})
	equal(t, "keys of nobody", must(s.APIKeys(t.Context(), tenant(3)))(t), []auth.APIKey(nil))
}

func testRevokeAPIKey(t *testing.T, s store.Store) {
	k, other := key(tenant(1), 1), key(tenant(1), 2)
	insertKeys(t, s, k, other)
	k.RevokedAt, k.ExpiresAt = after(10), after(20)
	inTx(t, s, func(tx store.Tx) { tx.SaveAPIKey(k) })
	equal(t, "APIKey", keyOf(t, s, k.ID), k)
	equal(t, "APIKeys", must(s.APIKeys(t.Context(), tenant(1)))(t), []auth.APIKey{k, other})
	refused(t, s, store.ErrNotFound, func(tx store.Tx) { tx.SaveAPIKey(key(tenant(1), 9)) })
	refused(t, s, store.ErrNotFound, func(tx store.Tx) { tx.SaveAPIKey(key(tenant(2), 1)) })
}

func testKeyChecks(t *testing.T, s store.Store) {
	checks := map[store.CheckID][]byte{
		{Kind: store.CheckPepper, ID: "a"}:     {0, 1},
		{Kind: store.CheckPepper, ID: "A"}:     {4},
		{Kind: store.CheckReceiptKey, ID: "a"}: {5},
	}
	for id, value := range checks {
		inTx(t, s, func(tx store.Tx) { tx.InsertKeyCheck(id, value) })
	}
	refused(t, s, store.ErrKeyTaken, func(tx store.Tx) { tx.InsertKeyCheck(checkID(), []byte{2, 3}) })
	equal(t, "KeyChecks", must(s.KeyChecks(t.Context()))(t), checks)
}

func events(t *testing.T, s store.Store, f audit.Filter) []audit.Stored {
	t.Helper()
	return must(s.Events(t.Context(), f))(t)
}

// testEventAsSaved says that the leaf comes back byte for byte.
func testEventAsSaved(t *testing.T, s store.Store) {
	appended := []audit.Event{
		{
			ID: id('v', 1), Time: after(1), Tenant: tenant(1), Actor: audit.Actor{Kind: auth.KindRuntimeKey, ID: "key"},
			Holder: identity(), Instance: instance(1), Confirmation: id('q', 1), RequestID: "request", Peer: "2001:db8::1",
			Details: audit.PolicyUpdated{After: audit.PolicyState{RequiredSkills: []string{"é\u2028\"", "<&>"}, Version: 1 << 40}},
		},
		{
			ID: id('v', 2), Time: after(2), Tenant: tenant(1), Actor: audit.Actor{Kind: auth.KindJWT, ID: "someone@example.org"},
			Holder: customer(1), Details: audit.PINSet{Replaced: true},
		},
		{
			ID: id('v', 3), Time: after(3), Tenant: tenant(1), Actor: audit.Actor{Kind: auth.KindOperator},
			Details: audit.KeyMinted{Key: "key"},
		},
	}
	inTx(t, s, func(tx store.Tx) {
		tx.Append(appended[0])
		tx.Append(appended[1:]...)
		tx.Append()
	})
	got := events(t, s, audit.Filter{Tenant: tenant(1), Limit: 10})
	equal(t, "how many", len(got), len(appended))
	for n := range got {
		if got[n].Seq <= 0 || !got[n].Queued() {
			t.Errorf("event %d has Seq %d and index %d", n, got[n].Seq, got[n].Index)
		}
		equal(t, "leaf", string(got[n].Leaf), string(must(appended[n].Leaf())(t)))
	}
}

func testEventsInOrder(t *testing.T, s store.Store) {
	const each = 10
	for n := range each {
		// The time does not order the trail, and tenants take turns.
		mine, other := event(tenant(1), 2*n), event(tenant(2), n)
		next := event(tenant(1), 2*n+1)
		mine.Time, other.Time, next.Time = after(-n), after(-n), after(-n)
		inTx(t, s, func(tx store.Tx) { tx.Append(mine, other, next) })
	}
	all := events(t, s, audit.Filter{Tenant: tenant(1), Limit: 100})
	equal(t, "how many", len(all), 2*each)
	for n, e := range all {
		equal(t, "order", must(e.Entry())(t).ID, event(tenant(1), n).ID)
		if n > 0 && e.Seq <= all[n-1].Seq {
			t.Errorf("Seq %d comes after %d", e.Seq, all[n-1].Seq)
		}
	}
	equal(t, "a page", events(t, s, audit.Filter{Tenant: tenant(1), AfterSeq: all[2].Seq, Limit: 3}), all[3:6])
	equal(t, "past the end", events(t, s, audit.Filter{Tenant: tenant(1), AfterSeq: all[2*each-1].Seq, Limit: 3}), []audit.Stored(nil))
	equal(t, "another's Seq", events(t, s, audit.Filter{Tenant: tenant(3), Limit: 3}), []audit.Stored(nil))
}

// testIncompleteEvent says that an event which cannot be written fails its transaction.
func testIncompleteEvent(t *testing.T, s store.Store) {
	for n, spoil := range []func(*audit.Event){
		func(e *audit.Event) { e.ID = uuid.Nil },
		func(e *audit.Event) { e.Details = nil },
	} {
		e := event(tenant(1), 1)
		spoil(&e)
		err := s.InTx(t.Context(), func(tx store.Tx) error {
			tx.SavePIN(setPIN(customer(1), 1))
			tx.Append(e)
			return nil
		})
		if err == nil {
			t.Error("an incomplete event was appended: " + fmt.Sprint(n))
		}
	}
	equal(t, "PIN", pinOf(t, s, customer(1)).ID, uuid.Nil)
}
