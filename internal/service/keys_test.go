package service_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/receipt"
	"github.com/hydracore/hydrapin/internal/service"
)

func TestAKeyIsMintedUsedAndRevoked(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		operator := service.Operator(w.tenant)
		key, secret, err := w.MintKey(t.Context(), operator, service.KeySpec{
			Tenant: w.tenant, Scopes: []auth.Scope{auth.ScopePinsRead}, Name: "dashboard",
		})
		must(t, err)
		p, err := w.AuthenticateKey(t.Context(), secret.Reveal(), false)
		must(t, err)
		if p.Kind != auth.KindAPIKey || p.Tenant != w.tenant || p.ID != key.ID ||
			!p.Has(auth.ScopePinsRead) || p.Has(auth.ScopePinsWrite) || p.Admin {
			t.Fatalf("principal %+v", p)
		}
		_, agent, err := w.MintKey(t.Context(), operator, service.KeySpec{Tenant: w.tenant, Instance: w.instance})
		must(t, err)
		p, err = w.AuthenticateKey(t.Context(), agent.Reveal(), true)
		must(t, err)
		equal(t, "kind", p.Kind, auth.KindRuntimeKey)
		equal(t, "instance", p.Instance, w.instance)

		bad := []string{"", "hc_live_x", secret.Reveal() + "x", strings.Replace(secret.Reveal(), "hc_live_", "hc_agent_", 1)}
		_, _, unknown, err := auth.NewKey(auth.KindAPIKey)
		must(t, err)
		bad = append(bad, unknown.Reveal())
		last := secret.Reveal()[len(secret.Reveal())-1:]
		bad = append(bad, strings.TrimSuffix(secret.Reveal(), last)+map[bool]string{true: "A", false: "B"}[last == "B"])
		for _, raw := range bad {
			_, err := w.AuthenticateKey(t.Context(), raw, false)
			wants(t, err, service.ErrUnauthorized)
		}

		// Revoked on another node: dead at once where it is read anew, and within
		// five seconds where it was read before.
		b := w.another()
		must(t, b.RevokeKey(t.Context(), operator, key.ID))
		must(t, b.RevokeKey(t.Context(), operator, key.ID))
		wants(t, b.RevokeKey(t.Context(), operator, "nosuchkeynosuchk"), service.ErrNotFound)
		_, err = b.AuthenticateKey(t.Context(), secret.Reveal(), false)
		wants(t, err, service.ErrUnauthorized)
		_, err = w.AuthenticateKey(t.Context(), secret.Reveal(), false)
		must(t, err)
		w.ahead.Store(int64(5 * time.Second))
		_, err = w.AuthenticateKey(t.Context(), secret.Reveal(), false)
		wants(t, err, service.ErrUnauthorized)
		equal(t, "minted", w.told(audit.TypeKeyMinted), 2)
		equal(t, "revoked", w.told(audit.TypeKeyRevoked), 1)

		// What read it anew spares the others the wait.
		_, err = w.AuthenticateKey(t.Context(), agent.Reveal(), false)
		must(t, err)
		must(t, b.RevokeKey(t.Context(), operator, p.ID))
		_, err = w.AuthenticateKey(t.Context(), agent.Reveal(), true)
		wants(t, err, service.ErrUnauthorized)
		_, err = w.AuthenticateKey(t.Context(), agent.Reveal(), false)
		wants(t, err, service.ErrUnauthorized)
	})
}

func TestAKeyExpires(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		_, secret, err := w.MintKey(t.Context(), w.admin, service.KeySpec{
			Tenant: w.tenant, Scopes: auth.Scopes(), ExpiresIn: time.Hour,
		})
		must(t, err)
		_, err = w.AuthenticateKey(t.Context(), secret.Reveal(), false)
		must(t, err)
		w.ahead.Store(int64(time.Hour - time.Minute))
		_, err = w.AuthenticateKey(t.Context(), secret.Reveal(), false)
		must(t, err)
		w.ahead.Store(int64(time.Hour + time.Minute))
		_, err = w.AuthenticateKey(t.Context(), secret.Reveal(), true)
		wants(t, err, service.ErrUnauthorized)
	})
}

func TestAKeyThatCannotBe(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		for _, spec := range []service.KeySpec{
			{},
			{Tenant: w.tenant},
			{Scopes: auth.Scopes()},
			{Tenant: w.tenant, Scopes: auth.Scopes(), Instance: w.instance},
			{Tenant: w.tenant, Instance: w.instance, ExpiresIn: -1},
		} {
			_, _, err := w.MintKey(t.Context(), w.admin, spec)
			wants(t, err, service.ErrKeySpec)
		}
		equal(t, "events", len(w.events()), 0)
	})
}

func TestDenialsAreBoundedPerCredential(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for range 25 {
			w.Denied(gone, w.runtime, w.instance, "setCustomerPin")
		}
		equal(t, "of one", w.told(audit.TypeAccessDenied), 10)
		w.Denied(t.Context(), w.admin, uuid.Nil, "redeemConfirmation")
		equal(t, "of another", w.told(audit.TypeAccessDenied), 11)
		w.ahead.Store(int64(time.Minute))
		must(t, w.CountRefusals(t.Context()))
		w.Denied(t.Context(), w.runtime, w.instance, "setCustomerPin")
		equal(t, "a minute later", w.told(audit.TypeAccessDenied), 12)
		// A clock that is set back does not stop the trail.
		w.ahead.Store(-int64(time.Hour))
		w.Denied(t.Context(), w.runtime, w.instance, "setCustomerPin")
		equal(t, "set back", w.told(audit.TypeAccessDenied), 13)
		e := w.events()[0]
		equal(t, "instance", *e.InstanceID, w.instance)
		equal(t, "actor", e.ActorKind+" "+e.ActorID, string(auth.KindRuntimeKey)+" the-runtime")
		equal(t, "details", string(e.Details), `{"operation":"setCustomerPin"}`)
	})
}

func TestANodeMustFitTheDatabase(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		check := func(peppers, receipts string) error {
			t.Helper()
			p, err := argon2id.ParseRing(peppers)
			must(t, err)
			r, err := receipt.ParseRing(receipts)
			must(t, err)
			return service.CheckRings(t.Context(), w.store, p, r)
		}
		altered := func(s, id string) string { return strings.Replace(s, id+":LS", id+":MS", 1) }

		must(t, check(secrets("p1"), secrets("r1")))
		must(t, check(secrets("p1"), secrets("r1")))
		w.setPIN(w.customer, right)
		must(t, check(secrets("p2", "p1"), secrets("r2", "r1")))
		// The receipts' keys of yesterday may be left out, a pepper in use not.
		must(t, check(secrets("p1"), secrets("r2")))
		wants(t, check(secrets("p2"), secrets("r1")), service.ErrRings)
		wants(t, check(altered(secrets("p1"), "p1"), secrets("r1")), service.ErrRings)
		wants(t, check(secrets("p1"), altered(secrets("r1"), "r1")), service.ErrRings)

		err := check(altered(secrets("p3", "p2"), "p2"), altered(secrets("r1"), "r1"))
		for _, fault := range []string{`the pepper "p2" has other bytes`, `the receipt key "r1" has other bytes`, `the pepper "p1" is missing`} {
			if !strings.Contains(err.Error(), fault) {
				t.Fatalf("%q does not name %s", err, fault)
			}
		}
		// What came with a node that did not fit has left no trace.
		must(t, check(altered(secrets("p3", "p1"), "p3"), secrets("r1")))
	})
}
