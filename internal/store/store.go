// Package store defines how the service loads and saves. It holds no rule: a
// store gives back what was saved, atomically, and says what time it is. Every
// implementation passes the suite in store/storetest.
package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/paging"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/webhook"
)

var (
	// ErrNotFound is returned where a record must exist and does not.
	ErrNotFound = errors.New("store: no such record")
	// ErrUnavailable is wrapped when the database cannot be reached, or cannot
	// take the work now. What was asked may or may not have happened.
	ErrUnavailable = errors.New("store: database unavailable")
	// ErrOutcomeUnknown is returned by InTx when the connection was lost after the
	// COMMIT was sent: it was committed or it was not. It is an [ErrUnavailable] too.
	ErrOutcomeUnknown = fmt.Errorf("%w: the outcome of the commit is unknown", ErrUnavailable)
	// ErrKeyTaken is returned by InTx when an inserted row's key is another's.
	ErrKeyTaken = errors.New("store: the key is taken")
	// ErrReadAfterWrite is returned by Fetch in a transaction that has queued
	// writes: it is a mistake in the step.
	ErrReadAfterWrite = errors.New("store: a read after a queued write")
	// ErrNewerSchema is returned by Open and Migrate when the database was
	// migrated by a newer program that this one cannot work beside.
	ErrNewerSchema = errors.New("store: the database was migrated by a newer hydrapin")
	// ErrNotMigrated is returned by Ping when migrations are missing.
	ErrNotMigrated = errors.New("store: the database is not migrated")
)

// Store is a database of hydrapin.
type Store interface {
	// Reads returns reads outside a transaction.
	Reads() Reads
	// InTx runs fn in one transaction (READ COMMITTED on PostgreSQL, immediate on
	// SQLite) and commits what it queued when fn returns nil; an error of fn rolls
	// back and is returned as it is. A step reads, then writes: BEGIN goes out with
	// the first Fetch, the queued writes go out in one batch with the COMMIT.
	//
	// fn may run again, up to five times, when the database asks for it
	// (serialization failure, deadlock), so it must touch nothing outside itself.
	// Errors: [ErrUnavailable] when nothing was committed, [ErrOutcomeUnknown] when
	// the connection was lost after the COMMIT was sent, the errors that a queued
	// write names, and those of Fetch.
	//
	// Once fn has returned nil the commit goes on even if the caller goes away.
	InTx(ctx context.Context, fn func(Tx) error) error
	// Transactions is how many transactions are under way at once; further ones wait in no
	// particular order, so whoever runs them for several callers shares them out.
	Transactions() int
	// Watch calls wake, from any goroutine, for each confirmation that any node
	// woke with Tx.Wake, until ctx ends. wake must return at once. Watch reconnects
	// by itself; wake-ups sent while it was not connected are lost, and it then
	// calls missed.
	Watch(ctx context.Context, wake func(id uuid.UUID), missed func()) error
	// Ping says whether the database is reachable and migrated.
	Ping(ctx context.Context) error
	// Lease takes or renews a lease, by the database's clock, and says whether the holder has
	// it. It saves nodes from doing the same work; nothing may rely on it. A store that has one
	// node gives it to anyone.
	Lease(ctx context.Context, l Lease) (bool, error)
	// EndLease ends a lease that the holder has.
	EndLease(ctx context.Context, l Lease) error
	Close() error

	Lists
	WebhookLists
}

// Lists are reads of many rows, each a round trip of its own, for what runs
// beside requests.
type Lists interface {
	// NoLongerPending returns those of the ids that are not pending by the
	// database's clock, or do not exist.
	NoLongerPending(ctx context.Context, ids []uuid.UUID) ([]uuid.UUID, error)
	// APIKeys returns the keys of a tenant, or with uuid.Nil of all, oldest first.
	APIKeys(ctx context.Context, tenant uuid.UUID) ([]auth.APIKey, error)
	TrailLists
	// OpenConfirmations returns confirmations that are pending or approved by the
	// database's clock, the newest first.
	OpenConfirmations(ctx context.Context, f ConfirmationFilter) ([]confirmation.Confirmation, error)
	// KeyChecks returns the stored check values by kind and id.
	KeyChecks(ctx context.Context) (map[CheckID][]byte, error)
	// PeppersInUse returns the ids of the peppers that stored PINs were hashed with, and those that
	// seal the secrets of webhooks.
	PeppersInUse(ctx context.Context) ([]string, error)
	// Tenants returns every tenant that has a key, a PIN, a policy or a freeze.
	Tenants(ctx context.Context) ([]uuid.UUID, error)
}

// ConfirmationFilter narrows a list of open confirmations of an instance.
type ConfirmationFilter struct {
	Instance policy.Instance
	// Status is pending, approved, or empty for both.
	Status confirmation.Status
	// Holder is the zero Holder for all.
	Holder pin.Holder
	// After is the place after which to read; the zero Place from the newest.
	After confirmation.Place
	Limit int
}

// PINState is what a list of holders is narrowed by: what [pin.Status] shows of them.
type PINState string

// The states. The empty one stands for all.
const (
	PINActive   PINState = "active" // not locked either
	PINLocked   PINState = "locked"
	PINInactive PINState = "inactive"
	PINUnset    PINState = "none"
)

// PINFilter narrows a list of the holders of a tenant; what is zero narrows nothing.
type PINFilter struct {
	Tenant uuid.UUID
	State  PINState
	SetBy  pin.SetBy
	Type   pin.HolderType
	// Instance is of identities; nil for all.
	Instance *uuid.UUID
}

// PINPlace is a holder type with an instance: what lists of holders are in the order of,
// before the holder's id.
type PINPlace struct {
	Type     pin.HolderType
	Instance uuid.UUID
}

// Range returns the first and the last place of the filter. Where nothing can be in it,
// the first comes after the last.
func (f PINFilter) Range() (first, last PINPlace) {
	first, last = PINPlace{Type: pin.Customer}, PINPlace{Type: pin.Identity, Instance: uuid.Max}
	switch f.Type {
	case pin.Customer:
		last = first
	case pin.Identity:
		first.Type = pin.Identity
	}
	if f.Instance != nil {
		first = PINPlace{Type: pin.Identity, Instance: *f.Instance}
		if f.Type != pin.Customer {
			last = first
		}
	}
	return first, last
}

// Database is a Store with what an operator does to it.
type Database interface {
	Store
	// Migrate brings the schema up to what this program knows. Of several nodes
	// that migrate at once one does it, and the others find it done. It returns
	// ErrNewerSchema.
	Migrate(ctx context.Context) error
	// MigrationStatus returns the migrations that this program knows, oldest
	// first. It changes nothing.
	MigrationStatus(ctx context.Context) ([]Migration, error)
	// Diagnose looks for what is wrong, or weak, with the database.
	Diagnose(ctx context.Context) (Diagnosis, error)
	// Connections says how the connections to the database are used now.
	Connections() Connections
}

// Connections says how the connections to a database are used.
type Connections struct {
	// Max is how many there may be, Open how many there are, and Busy how many of
	// them are in use.
	Max, Open, Busy int
	// Waits is how often a connection had to be waited for, and Waited how long in
	// all, since the start.
	Waits  int64
	Waited time.Duration
}

// Migration is one step of the schema.
type Migration struct {
	Version int64
	Name    string
	Applied bool
}

// Diagnosis is what doctor reports about a database.
type Diagnosis struct {
	// Facts are names and values, in the order in which they are printed.
	Facts []Fact
	// Wrong is what breaks a promise, Weak what only may, each with what to do
	// about it.
	Wrong, Weak []string
}

// Fact is one thing that is so.
type Fact struct{ Name, Value string }

// Reads queues reads and sends them together: Fetch sends what was queued, in
// order and in one round trip, and fills the places that were given. Each read
// sees what was committed when it ran (also one that waited behind a lock queued
// before it). A Reads, and a Tx, is used by one goroutine.
type Reads interface {
	// PIN reads the record of a holder; for a holder that was never seen, the zero
	// Record with that Holder.
	PIN(h pin.Holder, into *pin.Record)
	// Policy reads the policy of an instance, or the defaults, with what the freezes of
	// the instance and of its tenant say, and with its SprayedUntil.
	Policy(i policy.Instance, into *policy.Policy)
	// Confirmation reads a confirmation of an instance. Fetch returns [ErrNotFound]
	// when there is none.
	Confirmation(ref confirmation.Ref, into *confirmation.Confirmation)
	// ConfirmationByID reads a confirmation of any tenant, for whoever holds its link.
	// Fetch returns [ErrNotFound] when there is none.
	ConfirmationByID(id uuid.UUID, into *confirmation.Confirmation)
	// PINLink reads a link of any tenant, for whoever holds it. Fetch returns
	// [ErrNotFound] when there is none.
	PINLink(id uuid.UUID, into *pin.Link)
	// ConfirmationByKey reads the confirmation that holds an idempotency key of an
	// instance; the zero Confirmation when there is none.
	ConfirmationByKey(i policy.Instance, key string, into *confirmation.Confirmation)
	// ConfirmationByCallKey reads the confirmation that was the last to be stored with
	// a call key of an instance; the zero Confirmation when there is none.
	ConfirmationByCallKey(i policy.Instance, key string, into *confirmation.Confirmation)
	// Freeze reads the freeze of an instance, or with uuid.Nil as its ID of a tenant.
	Freeze(scope policy.Instance, into *policy.Freeze)
	// Sessions reads the stored sessions of a holder, on one instance or with
	// uuid.Nil on all, in the order of AuthTime and id.
	Sessions(h pin.Holder, instance uuid.UUID, into *[]confirmation.Session)
	// Trees reads the trees of tenants, in the order of the tenants' ids; a tenant without
	// events has none.
	Trees(tenants []uuid.UUID, into *[]audit.Tree)
	// EventHashes reads the hashes that those events added, in any order; what is missing is
	// left out.
	EventHashes(places []audit.Place, into *[]audit.Hashes)
	// SessionOf reads the session that a confirmation's approval rests on, or that
	// its PIN opened; the zero Session when there is none (any more).
	SessionOf(ref confirmation.Ref, into *confirmation.Session)
	// Guesses reads each holder's last guess of either kind on an instance since a time, of those
	// that are in the trail.
	Guesses(i policy.Instance, since time.Time, into *[]audit.Guess)
	// OpenCounts counts a holder's open confirmations on an instance that have not
	// expired by the database's clock.
	OpenCounts(h pin.Holder, instance uuid.UUID, into *confirmation.OpenCounts)
	// APIKey reads a key by its id, revoked and expired ones too. Fetch returns
	// [ErrNotFound] when there is none.
	APIKey(id string, into *auth.APIKey)
	// PINs reads a page of a tenant's holders, in the order of holder type, instance and id.
	PINs(f PINFilter, page paging.Page, into *paging.Of[pin.Record])
	// APIKeyPage reads a page of a tenant's keys, oldest first.
	APIKeyPage(tenant uuid.UUID, page paging.Page, into *paging.Of[auth.APIKey])

	WebhookReads

	// Fetch sends what was queued. The first error ends it; in a transaction the
	// transaction then cannot be committed, [ErrNotFound] excepted.
	Fetch(ctx context.Context) error
	// Now returns the database's time, read by the last Fetch after its last lock:
	// UTC with microseconds. It is the zero time before the first Fetch.
	Now() time.Time
}

// CheckID names a check value: what it is of, and the id of the pepper or key.
type CheckID struct {
	Kind CheckKind
	ID   string
}

// CheckKind says what a check value is of.
type CheckKind string

// The kinds of check values.
const (
	CheckPepper     CheckKind = "pepper"
	CheckReceiptKey CheckKind = "receipt_key"
)

// Tx is a transaction: reads and locks, then queued writes. A Fetch after a queued
// write returns [ErrReadAfterWrite]. Locks are queued in one order (policy, pin,
// session, confirmation) and hold until the transaction ends.
//
// Writes return nothing; their errors are returned by InTx. They take effect in the
// order in which they were queued.
type Tx interface {
	Reads
	Locks
	WebhookLocks
	PINWrites
	PolicyWrites
	ConfirmationWrites
	KeyWrites
	WebhookWrites
	TrailWrites

	// Append queues events for the trail, in order.
	Append(events ...audit.Event)
	// Wake wakes whoever waits for the confirmations, on every node, once the
	// transaction has committed.
	Wake(ids ...uuid.UUID)
}

// Locks are the reads that lock rows.
type Locks interface {
	// LockPIN locks and reads the record of a holder. A holder that was never seen
	// has nothing to lock.
	LockPIN(h pin.Holder, into *pin.Record)
	// LockNewPIN is LockPIN for whoever is about to set a PIN: it locks a holder
	// that was never seen too.
	LockNewPIN(h pin.Holder, into *pin.Record)
	// LockAttempt locks and reads a spent attempt that is not settled; the zero
	// Attempt when it was settled or never spent.
	LockAttempt(tenant, id uuid.UUID, into *pin.Attempt)
	// LockPolicy locks and reads the policy of an instance, or the defaults, without
	// what freezes say; it locks an instance without a stored policy too.
	LockPolicy(i policy.Instance, into *policy.Policy)
	// LockConfirmation locks and reads a confirmation. Fetch returns [ErrNotFound]
	// when there is none.
	LockConfirmation(ref confirmation.Ref, into *confirmation.Confirmation)
	// LockConfirmationByCallKey locks and reads the confirmation that holds a call key
	// of an instance; the zero Confirmation when there is none.
	LockConfirmationByCallKey(i policy.Instance, key string, into *confirmation.Confirmation)
	// LockApproved locks and reads up to limit approved confirmations of an instance,
	// or with uuid.Nil as its ID of a tenant, that have not expired by the database's
	// clock, in the order of their ids.
	LockApproved(scope policy.Instance, limit int, into *[]confirmation.Confirmation)
	// LockFreeze locks and reads a freeze; it locks a scope that was never frozen too.
	LockFreeze(scope policy.Instance, into *policy.Freeze)
	// LockOpenConfirmations locks and reads the pending and approved confirmations
	// of a holder, on one instance or with uuid.Nil on all, expired ones too, in
	// the order of their ids.
	LockOpenConfirmations(h pin.Holder, instance uuid.UUID, into *[]confirmation.Confirmation)
	// LockPINLink locks and reads a link. Fetch returns [ErrNotFound] when there is none.
	// Links change only under their holder's PIN lock, or where a key is revoked.
	LockPINLink(ref pin.LinkRef, into *pin.Link)
	// LockPINLinks locks and reads the links of a holder that have not ended, expired
	// ones too.
	LockPINLinks(h pin.Holder, into *[]pin.Link)
	// LockAPIKey locks and reads a key. Fetch returns [ErrNotFound] when there is
	// none.
	LockAPIKey(id string, into *auth.APIKey)
	// LockAPIKeysMadeBy locks and reads the keys of a tenant that were created with one of
	// the makers, API keys that were locked before, and are not revoked, in the order of
	// their ids.
	LockAPIKeysMadeBy(tenant uuid.UUID, makers []string, into *[]auth.APIKey)
	// LockSweep takes, until the transaction ends, the lock that lets one node
	// sweep at a time; false when another has it.
	LockSweep(into *bool)
	// LockExpired locks and reads up to limit confirmations that are stored as open
	// and have expired by the database's clock, and skips those that another
	// transaction holds.
	LockExpired(limit int, into *[]confirmation.Confirmation)
	// LockStale locks and reads what was kept long enough: up to limit rows of each
	// kind, skipping those that another transaction holds.
	LockStale(age StaleAge, limit int, into *Stale)
	// LockUnfinished locks and reads, of every tenant, up to limit rows of each kind that
	// a restored database must not bring back to life.
	LockUnfinished(limit int, into *Unfinished)
	// LockTree locks and reads the tree of a tenant; none where it has no events.
	LockTree(tenant uuid.UUID, into *[]audit.Tree)
	// LockUnkeptTrees locks and reads up to limit trees that have grown since their head was
	// kept, that before, and skips those that another transaction holds.
	LockUnkeptTrees(before time.Time, limit int, into *[]audit.Tree)
	// LockPrunable locks the trees of some tenants that have sealed events from before that,
	// and reads which: up to limit of each, the oldest.
	LockPrunable(before time.Time, limit int, into *[]Prunable)
	// QueuedEvents reads up to limit events that wait for their index, the oldest first. It
	// locks nothing: see [TrailWrites].
	QueuedEvents(limit int, into *[]audit.Queued)
}

// Unfinished is what a database holds that is still going on by its clock: pending and
// approved confirmations, stored sessions, and links that have not ended.
type Unfinished struct {
	Confirmations []confirmation.Confirmation
	Sessions      []confirmation.Session
	Links         []pin.Link
}

// StaleAge says how old a row must be to be removed.
type StaleAge struct {
	// Confirmation counts from the end of a confirmation, Session from its PIN,
	// Attempt from its spend.
	Confirmation, Session, Attempt time.Duration
	// Link counts from its expiry.
	Link time.Duration
	// Delivery counts from the creation of a delivery.
	Delivery time.Duration
}

// Stale names rows that may be removed.
type Stale struct {
	Confirmations []confirmation.Ref
	Sessions      []confirmation.SessionRef
	Attempts      []pin.AttemptRef
	Links         []pin.LinkRef
	Deliveries    []webhook.DeliveryRef
}

// PINWrites save PIN records and attempts.
type PINWrites interface {
	// SavePIN stores a record. The record was locked before.
	SavePIN(r pin.Record)
	// InsertAttempt stores an attempt that was spent.
	InsertAttempt(a pin.Attempt)
	// DeleteAttempt removes an attempt that was locked, as it is settled.
	DeleteAttempt(ref pin.AttemptRef)
	// InsertPINLink stores a new link. InTx returns [ErrKeyTaken] when its holder has
	// another of its kind that has not ended.
	InsertPINLink(l pin.Link)
	// SavePINLink stores what a transition changed of a link that was locked before, and
	// that had not ended.
	SavePINLink(l pin.Link)
	// EndPINLinks ends what links a holder has, except one or, with uuid.Nil, none.
	EndPINLinks(h pin.Holder, at time.Time, except uuid.UUID)
	// EndPINLinksOf ends what links of a key's have not ended.
	EndPINLinksOf(k auth.APIKey, at time.Time)
	// SaveSession stores a session.
	SaveSession(s confirmation.Session)
	// DeleteSessions removes the sessions of a holder, on one instance or with
	// uuid.Nil on all. Sessions change only under their holder's PIN lock.
	DeleteSessions(h pin.Holder, instance uuid.UUID)
}

// PolicyWrites save policies.
type PolicyWrites interface {
	// SavePolicy stores a policy that was locked before.
	SavePolicy(p policy.Policy)
	// SaveSpraying stores until when no PIN is taken on an instance.
	SaveSpraying(i policy.Instance, until time.Time)
	// SaveFreeze stores a freeze that was locked before.
	SaveFreeze(f policy.Freeze)
}

// ConfirmationWrites save confirmations.
type ConfirmationWrites interface {
	// InsertConfirmation stores a new confirmation. InTx returns [ErrKeyTaken] when
	// another holds its idempotency key, or its call key.
	InsertConfirmation(c confirmation.Confirmation)
	// SaveConfirmations stores what transitions changed, in one statement. The
	// confirmations were locked before.
	SaveConfirmations(cs ...confirmation.Confirmation)
	// SaveOutcome stores the outcome of a redeemed confirmation that was locked before.
	SaveOutcome(c confirmation.Confirmation)
	// ReleaseCallKey takes its call key from a confirmation that was locked before.
	ReleaseCallKey(ref confirmation.Ref)
	// DeleteStale removes rows that LockStale returned.
	DeleteStale(s Stale)
}

// KeyWrites save API keys and check values.
type KeyWrites interface {
	InsertAPIKey(k auth.APIKey)
	// SaveAPIKey stores what a transition changed of a key that was locked before.
	SaveAPIKey(k auth.APIKey)
	// TouchAPIKeys stores when keys were last used, by the database's clock. A time that
	// is not later than the stored one changes nothing, and neither does a key that
	// another transaction holds: it is for something that may be a minute old.
	TouchAPIKeys(uses ...auth.KeyUse)
	// InsertKeyCheck stores a check value. InTx returns [ErrKeyTaken] when the id
	// has one.
	InsertKeyCheck(id CheckID, value []byte)
}

// QueryName returns the name that sqlc wrote in front of a query, or the query's first word.
func QueryName(query string) string {
	name, named := strings.CutPrefix(query, "-- name: ")
	if !named {
		name = strings.TrimSpace(query)
	}
	name, _, _ = strings.Cut(name, " ")
	return name
}
