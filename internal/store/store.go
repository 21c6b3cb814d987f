// Package store defines how the service loads and saves. It holds no rule: a
// store gives back what was saved, atomically, and says what time it is. Every
// implementation passes the suite in store/storetest.
package store

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
)

var (
	// ErrNotFound is returned where a record must exist and does not.
	ErrNotFound = errors.New("store: no such record")
	// ErrUnavailable is wrapped when the database cannot be reached, or cannot
	// take the work now. What was asked may or may not have happened.
	ErrUnavailable = errors.New("store: database unavailable")
	// ErrNewerSchema is returned by Open and Migrate when the database was
	// migrated by a newer program that this one cannot work beside.
	ErrNewerSchema = errors.New("store: the database was migrated by a newer hydrapin")
	// ErrNotMigrated is returned by Ping when migrations are missing.
	ErrNotMigrated = errors.New("store: the database is not migrated")
)

// Store is a database of hydrapin.
type Store interface {
	Reader
	// InTx runs fn in one transaction: committed when fn returns nil, else rolled
	// back. It never runs fn twice. An error of fn comes back as it is.
	InTx(ctx context.Context, fn func(Tx) error) error
	// Watch calls wake, from any goroutine, for each confirmation that any node
	// woke with Tx.Wake, until ctx ends. It never blocks on wake for long work:
	// wake must return at once. It reconnects by itself; what was woken while it
	// was not connected is lost, and it then calls missed.
	Watch(ctx context.Context, wake func(id uuid.UUID), missed func()) error
	// Ping says whether the database is reachable and migrated.
	Ping(ctx context.Context) error
	Close() error
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
}

// Migration is one step of the schema.
type Migration struct {
	Version int64
	Name    string
	Applied bool
}

// Diagnosis is what doctor tells of a database.
type Diagnosis struct {
	// Facts are names and values, in the order in which they are told.
	Facts []Fact
	// Wrong is what breaks a promise, Weak what only may, each with what to do
	// about it.
	Wrong, Weak []string
}

// Fact is one thing that is so.
type Fact struct{ Name, Value string }

// Reader reads outside a transaction, or inside one when it is a Tx. Times are
// the database's clock as the record was read.
type Reader interface {
	// Pin returns the record of a holder; the zero Record with that Holder for one
	// that was never seen.
	Pin(ctx context.Context, h pin.Holder) (pin.Record, time.Time, error)
	// Policy returns the policy of an instance, or the defaults.
	Policy(ctx context.Context, tenant, instance uuid.UUID) (policy.Policy, error)
	// Confirmation returns a confirmation of an instance, or ErrNotFound.
	Confirmation(ctx context.Context, tenant, instance, id uuid.UUID) (confirmation.Confirmation, time.Time, error)
	// ConfirmationByKey returns the confirmation that holds an idempotency key of
	// an instance, or ErrNotFound.
	ConfirmationByKey(ctx context.Context, tenant, instance uuid.UUID, key string) (confirmation.Confirmation, time.Time, error)
	// NoLongerPending returns those of the ids that are not pending by the
	// database's clock, or do not exist, in one query.
	NoLongerPending(ctx context.Context, ids []uuid.UUID) ([]uuid.UUID, error)
	// Sessions returns the stored sessions of a holder on an instance.
	Sessions(ctx context.Context, h pin.Holder, instance uuid.UUID) ([]confirmation.Session, error)
	// Session returns one session of a tenant, or ErrNotFound.
	Session(ctx context.Context, tenant, id uuid.UUID) (confirmation.Session, error)
	// APIKey returns a key by its id, revoked and expired ones too, or ErrNotFound.
	APIKey(ctx context.Context, id string) (auth.APIKey, error)
	// APIKeys returns the keys of a tenant, or with uuid.Nil of all, oldest first.
	APIKeys(ctx context.Context, tenant uuid.UUID) ([]auth.APIKey, error)
	// Events returns events of a tenant by Seq, oldest first.
	Events(ctx context.Context, f audit.Filter) ([]audit.Event, error)
	// KeyChecks returns the stored check values by kind and id.
	KeyChecks(ctx context.Context, kind CheckKind) (map[string][]byte, error)
	// PeppersInUse returns the ids of peppers that stored PINs were hashed with.
	PeppersInUse(ctx context.Context) ([]string, error)
	// Clock returns the database's time.
	Clock(ctx context.Context) (time.Time, error)
}

// CheckKind says what a check value is of.
type CheckKind string

// The kinds of check values.
const (
	CheckPepper     CheckKind = "pepper"
	CheckReceiptKey CheckKind = "receipt_key"
)

// Tx is a transaction. Locks are taken in one order: policy, pin, session,
// confirmation; they hold until the transaction ends.
type Tx interface {
	Reader
	PinTx
	PolicyTx
	SessionTx
	ConfirmationTx
	KeyTx

	// Append writes an event; Time is set from Now when it is zero.
	Append(ctx context.Context, e audit.Event) error
	// Now returns the database's time, read after the last lock that was taken.
	Now(ctx context.Context) (time.Time, error)
	// Wake tells every node after the commit that a confirmation left pending.
	Wake(id uuid.UUID)
}

// PinTx saves PIN records.
type PinTx interface {
	// LockPin locks and returns the record of a holder. A holder that was never
	// seen has nothing to lock.
	LockPin(ctx context.Context, h pin.Holder) (pin.Record, error)
	// LockNewPin is LockPin for whoever is about to set a PIN: it locks a holder
	// that was never seen too.
	LockNewPin(ctx context.Context, h pin.Holder) (pin.Record, error)
	// SavePin stores a record. PepperID is what its hash was made with.
	SavePin(ctx context.Context, r pin.Record, pepperID string) error
	// DeletePin removes a record with everything of it.
	DeletePin(ctx context.Context, h pin.Holder) error
}

// PolicyTx saves policies.
type PolicyTx interface {
	// LockPolicy locks and returns the policy of an instance, or the defaults; it
	// locks an instance without a stored policy too.
	LockPolicy(ctx context.Context, tenant, instance uuid.UUID) (policy.Policy, error)
	SavePolicy(ctx context.Context, p policy.Policy) error
}

// SessionTx saves sessions.
type SessionTx interface {
	SaveSession(ctx context.Context, s confirmation.Session) error
	// EndSessions removes the sessions of a holder, on one instance or with
	// uuid.Nil on all, and returns them.
	EndSessions(ctx context.Context, h pin.Holder, instance uuid.UUID) ([]confirmation.Session, error)
	// SweepSessions removes up to limit sessions that began before the time.
	SweepSessions(ctx context.Context, before time.Time, limit int) (int, error)
}

// ConfirmationTx saves confirmations.
type ConfirmationTx interface {
	// LockConfirmation locks and returns a confirmation, or ErrNotFound.
	LockConfirmation(ctx context.Context, tenant, instance, id uuid.UUID) (confirmation.Confirmation, error)
	// InsertConfirmation stores a new confirmation. It reports false, and stores
	// nothing, when another holds its idempotency key.
	InsertConfirmation(ctx context.Context, c confirmation.Confirmation) (bool, error)
	// SaveConfirmation stores what a transition changed.
	SaveConfirmation(ctx context.Context, c confirmation.Confirmation) error
	// LockOpenConfirmations locks and returns the pending and approved
	// confirmations of a holder, on one instance or with uuid.Nil on all, expired
	// ones too, in the order of their ids.
	LockOpenConfirmations(ctx context.Context, h pin.Holder, instance uuid.UUID) ([]confirmation.Confirmation, error)
	// PendingConfirmations returns how many of a holder are pending and not
	// expired on an instance at now, and when the first of them expires.
	PendingConfirmations(ctx context.Context, h pin.Holder, instance uuid.UUID, now time.Time) (int, time.Time, error)
	// TrySweepLock takes, until the transaction ends, the lock that lets one node
	// sweep at a time; false when another has it.
	TrySweepLock(ctx context.Context) (bool, error)
	// LockExpiredConfirmations locks and returns up to limit confirmations that
	// are stored as pending or approved and expired before now, skipping those
	// that another transaction holds.
	LockExpiredConfirmations(ctx context.Context, now time.Time, limit int) ([]confirmation.Confirmation, error)
	// DeleteConfirmations removes up to limit confirmations that ended before.
	DeleteConfirmations(ctx context.Context, before time.Time, limit int) (int, error)
}

// KeyTx saves API keys and check values.
type KeyTx interface {
	InsertAPIKey(ctx context.Context, k auth.APIKey) error
	// RevokeAPIKey revokes a key at the time, or returns ErrNotFound. A revoked
	// key keeps its time, and false is returned.
	RevokeAPIKey(ctx context.Context, id string, at time.Time) (bool, error)
	// SaveKeyCheck stores a check value, unless the id has one, and returns the
	// stored one.
	SaveKeyCheck(ctx context.Context, kind CheckKind, id string, value []byte) ([]byte, error)
}
