// Package storetest is the suite that every store.Store passes. It guarantees that all
// stores behave the same towards the service; it must know neither SQL nor which store
// it tests.
package storetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// Open returns a migrated, empty store of the test's own, which goes with it.
type Open func(t *testing.T) store.Store

// Run runs the suite.
func Run(t *testing.T, open Open) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*testing.T, store.Store)
	}{
		{"pin of a holder never seen", testPinUnseen},
		{"pin as saved", testPinAsSaved},
		{"pins of holders apart", testPinHoldersApart},
		{"peppers in use", testPeppersInUse},
		{"attempt as saved", testAttemptAsSaved},
		{"attempt settled twice", testAttemptSettledTwice},

		{"policy default", testPolicyDefault},
		{"policy as saved", testPolicyAsSaved},
		{"policies of tenants apart", testPoliciesApart},

		{"link as saved", testLinkAsSaved},
		{"one open link of a kind", testOneOpenLink},
		{"links end", testLinksEnd},
		{"confirmation by its id alone", testConfirmationByID},

		{"webhook as saved", testWebhookAsSaved},
		{"webhooks that are due", testDueWebhooks},
		{"deliveries", testDeliveries},
		{"stale deliveries", testStaleDeliveries},
		{"peppers of webhooks", testPeppersOfWebhooks},

		{"freeze as saved", testFreezeAsSaved},
		{"freeze at once", testFreezeAtOnce},
		{"policy includes freezes", testPolicyIncludesFreezes},
		{"policy includes spraying", testPolicyIncludesSpraying},
		{"freeze epochs as saved", testFreezeEpochsAsSaved},

		{"session as saved", testSessionAsSaved},
		{"sessions of holders apart", testSessionsApart},
		{"session of a confirmation", testSessionOf},
		{"sessions end", testDeleteSessions},

		{"confirmation as saved", testConfirmationAsSaved},
		{"confirmation of another instance", testConfirmationsApart},
		{"confirmation never inserted", testConfirmationMissing},
		{"idempotency key", testIdempotencyKey},
		{"idempotency key at once", testIdempotencyKeyAtOnce},
		{"call key", testCallKey},
		{"call key at once", testCallKeyAtOnce},
		{"approved confirmations", testLockApproved},
		{"list of open confirmations", testListOpen},
		{"outcome as saved", testOutcomeAsSaved},
		{"open confirmations", testOpenConfirmations},
		{"open counts", testOpenCounts},
		{"many confirmations saved", testSaveMany},
		{"ended confirmation", testEndedConfirmation},
		{"no longer pending", testNoLongerPending},
		{"no longer pending of many", testNoLongerPendingMany},
		{"expired confirmations", testExpiredConfirmations},
		{"what is stale is deleted", testDeleteStale},
		{"what is unfinished", testUnfinished},
		{"tenants", testTenants},

		{"api key as saved", testAPIKeyAsSaved},
		{"api keys in order", testAPIKeysInOrder},
		{"api key revoked", testRevokeAPIKey},
		{"api key pages", testAPIKeyPage},
		{"api keys made by others", testAPIKeysMadeBy},
		{"api keys used", testTouchAPIKeys},
		{"pin pages", testPINPages},
		{"key checks", testKeyChecks},

		{"event as saved", testEventAsSaved},
		{"events in order", testEventsInOrder},
		{"event without an id", testIncompleteEvent},

		{"transaction rolls back", testRollback},
		{"transaction panics", testPanic},
		{"transaction is isolated", testIsolated},
		{"transaction with a taken key", testTakenKey},
		{"transaction with what was not found", testNotFoundIsAnAnswer},
		{"transaction without writes", testWithoutWrites},
		{"read after a queued write", testReadAfterWrite},
		{"reads after a lock that waited", testReadsAfterLock},
		{"transaction with an ended context", testEndedContext},
		{"transaction whose context ends", testContextEnds},
		{"locks exclude", testLocksExclude},
		{"locks lose no update", testNoLostUpdate},
		{"first pin at once", testFirstPinAtOnce},
		{"redeem at once", testRedeemAtOnce},
		{"time after a lock", testTimeAfterLock},
		{"sweep lock", testSweepLock},
		{"expired and held", testExpiredAndHeld},

		{"watch", testWatch},
		{"watch ends", testWatchEnds},
		{"clock", testClock},
		{"zones and precision", testZonesAndPrecision},
		{"ping", testPing},
		{"model", testModel},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open(t))
		})
	}
}

// base is a time with microseconds, far from every clock.
var base = time.Date(2031, time.February, 3, 4, 5, 6, 789_012_000, time.UTC) //nolint:gochecknoglobals // a constant in all but type

// after returns base and some seconds.
func after(seconds int) time.Time { return base.Add(time.Duration(seconds) * time.Second) }

// id returns the nth UUID of a kind; they sort by n.
func id(kind byte, n int) uuid.UUID {
	return uuid.UUID{0: byte(n >> 8), 1: byte(n), 6: 0x40, 8: 0x80, 15: kind}
}

func tenant(n int) uuid.UUID   { return id('t', n) }
func instance(n int) uuid.UUID { return id('i', n) }

// on names an instance of the first tenant.
func on(n int) policy.Instance { return policy.Instance{Tenant: tenant(1), ID: instance(n)} }

func customer(n int) pin.Holder {
	return pin.CustomerHolder(tenant(1), id('c', n))
}

// identity is the one identity that the tests speak of.
func identity() pin.Holder {
	return pin.IdentityHolder(tenant(1), instance(1), id('e', 1))
}

// inTx runs fn in a transaction that must be committed.
func inTx(t *testing.T, s store.Store, fn func(tx store.Tx)) {
	t.Helper()
	if err := s.InTx(t.Context(), func(tx store.Tx) error { fn(tx); return nil }); err != nil {
		t.Fatalf("transaction: %v", err)
	}
}

// refused runs fn in a transaction that must fail with an error.
func refused(t *testing.T, s store.Store, want error, fn func(tx store.Tx)) {
	t.Helper()
	if err := s.InTx(t.Context(), func(tx store.Tx) error { fn(tx); return nil }); !errors.Is(err, want) {
		t.Errorf("transaction: got %v, want %v", err, want)
	}
}

// fetch fetches what was queued.
func fetch(t *testing.T, r store.Reads) {
	t.Helper()
	if err := r.Fetch(t.Context()); err != nil {
		t.Fatalf("Fetch: %v", err)
	}
	wellFormed(t, "time of a read", r.Now())
}

// get fetches the one thing that queue asks for.
func get[T any](t *testing.T, r store.Reads, queue func(into *T)) T {
	t.Helper()
	var v T
	queue(&v)
	fetch(t, r)
	return v
}

// missing fetches what must not exist.
func missing(t *testing.T, what string, r store.Reads) {
	t.Helper()
	if err := r.Fetch(t.Context()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%s: got %v, want ErrNotFound", what, err)
	}
}

// clock returns the database's time.
func clock(t *testing.T, r store.Reads) time.Time {
	t.Helper()
	fetch(t, r)
	return r.Now()
}

// must fails the test on an error, else returns the value.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// equal compares without telling an empty list from none, nor zones: both are
// tested where they matter.
func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// pinOf returns a holder's record, as a reader sees it.
func pinOf(t *testing.T, s store.Store, h pin.Holder) pin.Record {
	t.Helper()
	r := s.Reads()
	return get(t, r, func(into *pin.Record) { r.PIN(h, into) })
}

// policyOf returns the policy of an instance, as a reader sees it.
func policyOf(t *testing.T, s store.Store, i policy.Instance) policy.Policy {
	t.Helper()
	r := s.Reads()
	return get(t, r, func(into *policy.Policy) { r.Policy(i, into) })
}

func sessionsOf(t *testing.T, s store.Store, h pin.Holder, inst uuid.UUID) []confirmation.Session {
	t.Helper()
	r := s.Reads()
	return get(t, r, func(into *[]confirmation.Session) { r.Sessions(h, inst, into) })
}

func keyOf(t *testing.T, s store.Store, id string) auth.APIKey {
	t.Helper()
	r := s.Reads()
	return get(t, r, func(into *auth.APIKey) { r.APIKey(id, into) })
}

// wellFormed checks that a time of the store is UTC in whole microseconds.
func wellFormed(t *testing.T, what string, at time.Time) {
	t.Helper()
	if at.Location() != time.UTC || at.Nanosecond()%1000 != 0 || at.IsZero() {
		t.Errorf("%s: %v is not UTC in microseconds", what, at)
	}
}

// setPIN is a record with a PIN.
func setPIN(h pin.Holder, n int) pin.Record {
	return pin.Record{
		Holder: h, ID: id('p', n), Hash: fmt.Sprintf("$argon2id$%d", n), PepperID: "pepper", CreatedAt: after(n),
	}
}

// attempt is the nth attempt of a holder, spent at after(n).
func attempt(h pin.Holder, n int) pin.Attempt {
	return pin.Attempt{ID: id('a', n), Holder: h, SpentAt: after(n)}
}

// event is the nth event of a tenant.
func event(tenantID uuid.UUID, n int) audit.Event {
	return audit.Event{
		ID: id(tenantID[1], n), Time: after(n), Tenant: tenantID,
		Actor: audit.Actor{Kind: auth.KindOperator}, Details: audit.PINSet{},
	}
}

// ask is the nth question of a holder, pending since after(n).
func ask(h pin.Holder, inst uuid.UUID, n int) confirmation.Confirmation {
	return confirmation.Ask(confirmation.Question{
		Holder: h, Instance: inst, Role: policy.Owner, Skill: "Send-Money", Lifetime: 5 * time.Minute,
	}, id('q', n), after(n))
}

// approve is the confirmation, approved by a PIN a second after it was asked.
func approve(c confirmation.Confirmation) confirmation.Confirmation {
	at := c.CreatedAt.Add(time.Second)
	c, _ = c.Approve(confirmation.ByPIN, confirmation.Approval{
		At: at, Attempt: id('a', 1), PINID: id('p', 1), LockEpoch: 3, AuthTime: at, ByPage: true,
	}, 2*time.Minute)
	c.Receipt = "e30.e30.c2ln"
	return c
}

func decline(c confirmation.Confirmation) confirmation.Confirmation {
	c, _ = c.Decline(confirmation.ByRuntime, c.CreatedAt.Add(2*time.Second))
	return c
}

func redeem(c confirmation.Confirmation) confirmation.Confirmation {
	at := c.CreatedAt.Add(3 * time.Second)
	c, _ = c.Redeem(confirmation.Proof{}, confirmation.Facts{
		PIN:    pin.Record{Holder: c.Holder, ID: id('p', 1), LockEpoch: 3},
		Policy: policy.Default(c.Holder.Tenant, c.Instance),
	}, at)
	c.RedeemID = id('r', 1)
	return c
}

func expire(c confirmation.Confirmation) confirmation.Confirmation { return c.At(c.ExpiresAt) }

// session is the nth session of a holder, opened at after(n).
func session(h pin.Holder, inst uuid.UUID, n int) confirmation.Session {
	return confirmation.Session{
		ID: id('s', n), Instance: inst, Holder: h, Role: policy.Customer, PINID: id('p', 1),
		LockEpoch: 2, AuthTime: after(n), TTL: 30 * time.Minute,
	}
}

// key is the nth key of a tenant, made at after(n).
func key(tenantID uuid.UUID, n int) auth.APIKey {
	name := fmt.Sprintf("key%013d", n)
	return auth.APIKey{
		ID: name, Kind: auth.KindAPIKey, Hash: sha256.Sum256([]byte(name)), Tenant: tenantID,
		Scopes: []auth.Scope{auth.ScopePinsWrite, auth.ScopePinsRead}, Name: "né\u2028w " + name, CreatedAt: after(n),
	}
}
