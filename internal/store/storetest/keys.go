package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
)

func insertKeys(t *testing.T, s store.Store, keys ...auth.APIKey) {
	t.Helper()
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		for _, k := range keys {
			if err := tx.InsertAPIKey(ctx, k); err != nil {
				return err
			}
		}
		return nil
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
		equal(t, "APIKey", must(s.APIKey(t.Context(), want.ID))(t), want)
	}
	for _, unknown := range []string{"key", "KEY" + bare.ID[3:], ""} {
		_, err := s.APIKey(t.Context(), unknown)
		notFound(t, "APIKey of "+unknown, err)
	}
	if err := s.InTx(t.Context(), func(tx store.Tx) error {
		again := key(tenant(2), 1)
		return tx.InsertAPIKey(t.Context(), again)
	}); err == nil {
		t.Error("an id was given to keys of two tenants")
	}
	equal(t, "APIKey, after another wanted its id", must(s.APIKey(t.Context(), bare.ID))(t), bare)
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
	revoke := func(id string, at time.Time) (revoked bool, err error) {
		err = s.InTx(t.Context(), func(tx store.Tx) (err error) {
			revoked, err = tx.RevokeAPIKey(t.Context(), id, at)
			return err
		})
		return revoked, err
	}
	equal(t, "revoked", must(revoke(k.ID, after(10)))(t), true)
	equal(t, "revoked twice", must(revoke(k.ID, after(20)))(t), false)
	_, err := revoke("nobody", after(10))
	notFound(t, "RevokeAPIKey", err)
	k.RevokedAt = after(10)
	equal(t, "APIKey", must(s.APIKey(t.Context(), k.ID))(t), k)
	equal(t, "APIKeys", must(s.APIKeys(t.Context(), tenant(1)))(t), []auth.APIKey{k, other})
}

func testKeyChecks(t *testing.T, s store.Store) {
	save := func(kind store.CheckKind, id string, value []byte) (stored []byte) {
		t.Helper()
		inTx(t, s, func(ctx context.Context, tx store.Tx) (err error) {
			stored, err = tx.SaveKeyCheck(ctx, kind, id, value)
			return err
		})
		return stored
	}
	equal(t, "first", save(store.CheckPepper, "a", []byte{0, 1}), []byte{0, 1})
	equal(t, "first stays", save(store.CheckPepper, "a", []byte{2, 3}), []byte{0, 1})
	equal(t, "another id", save(store.CheckPepper, "A", []byte{4}), []byte{4})
	equal(t, "another kind", save(store.CheckReceiptKey, "a", []byte{5}), []byte{5})
	equal(t, "peppers", must(s.KeyChecks(t.Context(), store.CheckPepper))(t),
		map[string][]byte{"a": {0, 1}, "A": {4}})
	equal(t, "receipt keys", must(s.KeyChecks(t.Context(), store.CheckReceiptKey))(t), map[string][]byte{"a": {5}})
}

func appendEvents(t *testing.T, s store.Store, events ...audit.Event) {
	t.Helper()
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		for _, e := range events {
			if err := tx.Append(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

func events(t *testing.T, s store.Reader, f audit.Filter) []audit.Event {
	t.Helper()
	return must(s.Events(t.Context(), f))(t)
}

func testEventAsSaved(t *testing.T, s store.Store) {
	want := []audit.Event{
		{
			Time: after(1), Tenant: tenant(1), Type: audit.PINLocked, Actor: audit.Actor{Kind: auth.KindRuntimeKey, ID: "key"},
			Holder: identity(), Instance: instance(1), Confirmation: id('q', 1), RequestID: "request", Peer: "2001:db8::1",
			Details: map[string]any{
				"text": "é\u2028\"", "number": 5.0, "yes": true, "none": nil, "list": []any{"a", 1.5}, "in": map[string]any{"b": "c"},
			},
		},
		{
			Time: after(2), Tenant: tenant(1), Type: audit.PINSet, Actor: audit.Actor{Kind: auth.KindJWT, ID: "someone@example.org"},
			Holder: customer(1),
		},
		{Time: after(3), Tenant: tenant(1), Type: audit.KeyMinted, Actor: audit.Actor{Kind: auth.KindOperator}},
	}
	appendEvents(t, s, want...)
	got := events(t, s, audit.Filter{Tenant: tenant(1), Limit: 10})
	for n := range got {
		if got[n].Seq <= 0 {
			t.Errorf("event %d has Seq %d", n, got[n].Seq)
		}
		got[n].Seq = 0
	}
	equal(t, "Events", got, want)
}

func testEventsInOrder(t *testing.T, s store.Store) {
	const each = 10
	for n := range each {
		// The time does not order the trail, and tenants take turns.
		appendEvents(t, s,
			audit.Event{Time: after(-n), Tenant: tenant(1), Type: audit.PINSet, RequestID: fmt.Sprint(n)},
			audit.Event{Time: after(-n), Tenant: tenant(2), Type: audit.PINRemoved, Holder: pin.CustomerHolder(tenant(2), id('c', n))})
	}
	all := events(t, s, audit.Filter{Tenant: tenant(1), Limit: 100})
	equal(t, "how many", len(all), each)
	for n, e := range all {
		equal(t, "order", e.RequestID, fmt.Sprint(n))
		equal(t, "tenant", e.Tenant, tenant(1))
		if n > 0 && e.Seq <= all[n-1].Seq {
			t.Errorf("Seq %d comes after %d", e.Seq, all[n-1].Seq)
		}
	}
	equal(t, "a page", events(t, s, audit.Filter{Tenant: tenant(1), After: all[2].Seq, Limit: 3}), all[3:6])
	equal(t, "past the end", events(t, s, audit.Filter{Tenant: tenant(1), After: all[each-1].Seq, Limit: 3}), []audit.Event(nil))
	equal(t, "another's Seq", events(t, s, audit.Filter{Tenant: tenant(3), Limit: 3}), []audit.Event(nil))
}

func testEventTime(t *testing.T, s store.Store) {
	var before, behind time.Time
	inTx(t, s, func(ctx context.Context, tx store.Tx) (err error) {
		if before, err = tx.Now(ctx); err != nil {
			return err
		}
		if err := tx.Append(ctx, audit.Event{Tenant: tenant(1), Type: audit.PINSet}); err != nil {
			return err
		}
		behind, err = tx.Now(ctx)
		return err
	})
	at := events(t, s, audit.Filter{Tenant: tenant(1), Limit: 1})[0].Time
	wellFormed(t, "time of an event", at)
	if at.Before(before) || at.After(behind) {
		t.Errorf("an event between %v and %v says %v", before, behind, at)
	}
}
