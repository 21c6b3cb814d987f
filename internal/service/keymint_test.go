package service_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/paging"
	"github.com/hydracore/hydrapin/internal/service"
)

// keeper are the scopes of a key that makes keys.
var keeper = []auth.Scope{auth.ScopeKeysWrite, auth.ScopePinsRead}

// mint makes a key with the scopes of a keeper, and returns who calls with it.
func (w *world) mint(by service.Caller, change ...func(*service.KeySpec)) (service.Caller, auth.KeySecret) {
	w.t.Helper()
	spec := service.KeySpec{Tenant: w.tenant, Scopes: keeper, Name: "a key"}
	for _, fn := range change {
		fn(&spec)
	}
	key, secret, err := w.MintKey(w.t.Context(), by, spec)
	must(w.t, err)
	return service.Caller{Principal: key.Principal()}, secret
}

// key returns a key of the tenant as lists show it.
func (w *world) key(id string) auth.APIKey {
	w.t.Helper()
	page, err := w.KeyPage(w.t.Context(), w.admin, paging.Page{Number: 1, Size: 100})
	must(w.t, err)
	i := slices.IndexFunc(page.Rows, func(k auth.APIKey) bool { return k.ID == id })
	if i < 0 {
		w.t.Fatalf("no key %s among %d", id, page.Total)
	}
	return page.Rows[i]
}

func TestAKeyMakesNoKeyWithMoreThanItself(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		until := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
		maker, _ := w.mint(w.admin, func(s *service.KeySpec) { s.ExpiresAt = until })
		refused := func(by service.Caller, why auth.Escalation, spec service.KeySpec) {
			t.Helper()
			spec.Tenant = w.tenant
			_, _, err := w.MintKey(t.Context(), by, spec)
			equal(t, "why", as[*service.EscalationError](t, err).Why, why)
		}
		refused(maker, auth.ScopeLacked, service.KeySpec{Scopes: []auth.Scope{auth.ScopePinsRead, auth.ScopePinsWrite}})
		refused(maker, auth.LaterExpiry, service.KeySpec{Scopes: keeper, ExpiresAt: until.Add(time.Microsecond)})
		refused(maker, auth.LaterExpiry, service.KeySpec{Scopes: keeper, ExpiresIn: 2 * time.Hour})
		refused(maker, auth.OtherKind, service.KeySpec{Instance: w.instance})
		refused(w.runtimeKey(), auth.OtherKind, service.KeySpec{Instance: w.instance})
		refused(w.runtimeKey(), auth.OtherKind, service.KeySpec{Scopes: keeper})
		refused(service.Caller{Principal: auth.Principal{Kind: auth.KindLink, Tenant: w.tenant}}, auth.OtherKind, service.KeySpec{Scopes: keeper})
		_, _, err := w.MintKey(t.Context(), maker, service.KeySpec{Tenant: uuid.New(), Scopes: keeper})
		wants(t, err, service.ErrKeySpec)
		_, _, err = w.MintKey(t.Context(), w.admin, service.KeySpec{Tenant: w.tenant, Scopes: keeper, ExpiresAt: time.Now().Add(-time.Second)})
		wants(t, err, service.ErrKeyExpiry)

		child, _ := w.mint(maker)
		k := w.key(child.ID)
		equal(t, "expiry", k.ExpiresAt, until)
		equal(t, "created by", string(k.CreatedByKind)+":"+k.CreatedBy, "api_key:"+maker.ID)
		equal(t, "scopes", slices.Equal(k.Scopes, keeper), true)
		earlier, _ := w.mint(child, func(s *service.KeySpec) {
			s.Scopes, s.ExpiresAt = keeper[1:], until.Add(-time.Minute)
		})
		equal(t, "an earlier expiry", w.key(earlier.ID).ExpiresAt, until.Add(-time.Minute))
		equal(t, "depth", w.key(earlier.ID).Depth, 2)
	})
}

func TestKeysAreCreatedOneFromAnotherOnlySoFar(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		first, _ := w.mint(w.admin)
		by := first
		for range auth.MaxKeyDepth {
			by, _ = w.mint(by)
		}
		_, _, err := w.MintKey(t.Context(), by, service.KeySpec{Tenant: w.tenant, Scopes: keeper})
		equal(t, "why", as[*service.EscalationError](t, err).Why, auth.TooDeep)
		// From the top to the bottom, one revokes them all.
		must(t, w.RevokeKey(t.Context(), first, by.ID))
		must(t, w.RevokeKey(t.Context(), first, first.ID))
		equal(t, "revoked", w.told(audit.TypeKeyRevoked), auth.MaxKeyDepth+1)
	})
}

func TestRevokingAKeyRevokesWhatItMade(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		maker, _ := w.mint(w.admin)
		other, _ := w.mint(w.admin)
		left, _ := w.mint(maker)
		right, _ := w.mint(maker)
		below, secret := w.mint(left)
		_, err := w.AuthenticateKey(t.Context(), secret.Reveal(), false)
		must(t, err)

		// A key reaches itself and what is below it, and nothing else.
		for _, by := range []service.Caller{other, right, below} {
			err := w.RevokeKey(t.Context(), by, left.ID)
			equal(t, "why", as[*service.EscalationError](t, err).Why, auth.NotCreatedByIt)
		}
		err = w.RevokeKey(t.Context(), left, maker.ID)
		equal(t, "why", as[*service.EscalationError](t, err).Why, auth.NotCreatedByIt)
		foreign := w.admin
		foreign.Tenant = uuid.New()
		wants(t, w.RevokeKey(t.Context(), foreign, left.ID), service.ErrNotFound)
		wants(t, w.RevokeKey(t.Context(), w.admin, "nobody"), service.ErrNotFound)
		equal(t, "revoked so far", w.told(audit.TypeKeyRevoked), 0)

		must(t, w.RevokeKey(t.Context(), maker, left.ID))
		equal(t, "revoked", w.told(audit.TypeKeyRevoked), 2)
		must(t, w.RevokeKey(t.Context(), maker, left.ID)) // again changes nothing
		equal(t, "revoked", w.told(audit.TypeKeyRevoked), 2)
		equal(t, "at once", w.key(left.ID).RevokedAt, w.key(below.ID).RevokedAt)
		_, err = w.AuthenticateKey(t.Context(), secret.Reveal(), false)
		wants(t, err, service.ErrUnauthorized)
		for _, key := range []service.Caller{maker, right, other} {
			equal(t, "another is revoked", w.key(key.ID).RevokedAt.IsZero(), true)
		}
		// What is revoked makes nothing.
		_, _, err = w.MintKey(t.Context(), left, service.KeySpec{Tenant: w.tenant, Scopes: keeper})
		wants(t, err, service.ErrUnauthorized)
		must(t, w.RevokeKey(t.Context(), right, right.ID))
		must(t, w.RevokeKey(t.Context(), w.admin, maker.ID))
	})
}

// runtimeKey is a caller with a stored runtime key.
func (w *world) runtimeKey() service.Caller {
	w.t.Helper()
	by, _ := w.mint(w.admin, func(s *service.KeySpec) { s.Scopes, s.Instance = nil, w.instance })
	return by
}

// Keys make keys while the first of them is revoked, on every node: nothing that comes of
// it lives on.
func TestRaceToMintFromARevokedKey(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		nodes := w.nodes()
		root, _ := w.mint(w.admin)
		left, _ := w.mint(root)
		right, _ := w.mint(root)
		var all sync.WaitGroup
		start := make(chan struct{})
		made, enough := make(chan struct{}, 100), make(chan struct{})
		for i, by := range []service.Caller{root, left, right, left, right, root} {
			n := nodes[i%len(nodes)]
			all.Go(func() {
				<-start
				for range 8 {
					key, _, err := n.MintKey(t.Context(), by, service.KeySpec{Tenant: w.tenant, Scopes: keeper})
					switch {
					case err == nil:
						by = service.Caller{Principal: key.Principal()} // the next one deeper
						made <- struct{}{}
					case !errors.Is(err, service.ErrUnauthorized):
						t.Errorf("mint: %v", err)
						return
					default:
						return
					}
				}
			})
		}
		go func() {
			for range 3 {
				<-made
			}
			close(enough)
		}()
		for i := range 2 {
			all.Go(func() {
				<-enough
				if err := nodes[i%len(nodes)].RevokeKey(t.Context(), root, root.ID); err != nil {
					t.Errorf("revoke: %v", err)
				}
			})
		}
		close(start)
		all.Wait()
		keys, err := w.Keys(t.Context(), w.tenant)
		must(t, err)
		for _, k := range keys {
			if k.RevokedAt.IsZero() {
				t.Errorf("key %s at depth %d lives on", k.ID, k.Depth)
			}
		}
		equal(t, "events", w.told(audit.TypeKeyRevoked), len(keys))
	})
}

// Two who revoke a key and one below it at once do not wait for each other for ever.
func TestRaceToRevokeAFamily(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		nodes := w.nodes()
		root, _ := w.mint(w.admin)
		family := []service.Caller{root}
		for n := range 12 {
			child, _ := w.mint(family[n/2])
			family = append(family, child)
		}
		var all sync.WaitGroup
		for i, key := range family {
			n := nodes[i%len(nodes)]
			all.Go(func() {
				if err := n.RevokeKey(t.Context(), w.admin, key.ID); err != nil {
					t.Errorf("revoke: %v", err)
				}
			})
		}
		all.Wait()
		equal(t, "events", w.told(audit.TypeKeyRevoked), len(family))
	})
}

// stepCounter counts the steps of a node.
type stepCounter struct{ n atomic.Int64 }

func (c *stepCounter) Step(ctx context.Context, _ service.Operation) (context.Context, func(service.Report)) {
	c.n.Add(1)
	return ctx, func(service.Report) {}
}

func (*stepCounter) Waiters(int) {}

// The last use of a key is stored by itself, and a request costs no write.
func TestTheLastUseOfAKey(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		counter := &stepCounter{}
		key, secret := w.mint(w.admin)
		unused, _ := w.mint(w.admin)
		n := w.another(func(s *settings) { s.config.KeyUseEvery, s.config.Observer = time.Hour, counter })
		for range 50 {
			_, err := n.AuthenticateKey(t.Context(), secret.Reveal(), false)
			must(t, err)
		}
		equal(t, "steps", counter.n.Load(), 0)
		equal(t, "known elsewhere", w.key(key.ID).LastUsedAt.IsZero(), true)
		page, err := n.KeyPage(t.Context(), w.admin, paging.Page{Number: 1, Size: 100})
		must(t, err)
		for _, k := range page.Rows {
			equal(t, "used, as the node knows", !k.LastUsedAt.IsZero(), k.ID == key.ID)
		}
		stop := n.run(t)
		stop() // a node that stops stores what it knows
		near(t, "last used", w.key(key.ID).LastUsedAt, 0)
		equal(t, "of one that was not", w.key(unused.ID).LastUsedAt.IsZero(), true)

		often := w.another(func(s *settings) { s.config.KeyUseEvery = time.Millisecond })
		often.run(t)
		before := w.key(key.ID).LastUsedAt
		eventually(t, "a later use is stored", func() bool {
			_, err := often.AuthenticateKey(t.Context(), secret.Reveal(), false)
			must(t, err)
			return w.key(key.ID).LastUsedAt.After(before)
		})
	})
}
