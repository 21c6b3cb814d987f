package store

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
)

// Duty names work that one node does at a time.
type Duty string

// DutySequence is moving events into the trail.
const DutySequence Duty = "sequence"

// Lease is the right to do a duty for some time.
type Lease struct {
	Duty   Duty
	Holder string
	Lasts  time.Duration
}

// TrailLists are the reads of the trail outside a transaction.
type TrailLists interface {
	// Events returns events of a tenant, those that have an index first and in its order, then
	// those that are queued in the order of their Seq.
	Events(ctx context.Context, f audit.Filter) ([]audit.Stored, error)
	// OldestQueued returns the time of the event that has waited longest for its index; the
	// zero time when none waits. Events that are held do not count.
	OldestQueued(ctx context.Context) (time.Time, error)
	// StoppedTrees counts the trees that are stopped.
	StoppedTrees(ctx context.Context) (int, error)
	// TrailLog returns what names the log; the zero Log before the first start.
	TrailLog(ctx context.Context) (audit.Log, error)
	// TrailKeys returns the public keys that have ever signed heads, the oldest first.
	TrailKeys(ctx context.Context) ([]audit.LogKey, error)
}

// TrailWrites move events into the trail. Of several transactions that move the same events
// one commits, and the others return [ErrNotFound] or [ErrKeyTaken] from InTx: trees change
// only if their size is the one that was read.
type TrailWrites interface {
	// SaveTrees stores trees that grew: size, head and latest time.
	SaveTrees(trees ...audit.Growth)
	// InsertEventHashes stores the hashes that events added.
	InsertEventHashes(hashes ...audit.Hashes)
	// MoveEvents moves events out of the queue to their places.
	MoveEvents(events ...audit.Placed)
	// StopTree stops a tree, and holds the tenant's events in the queue.
	StopTree(tenant uuid.UUID, at time.Time, reason string)
	// KeepHead keeps the head of a tree that was locked before, at its KeptAt.
	KeepHead(t audit.Tree)
	// InsertTrailLog stores the log's name, unless there is one.
	InsertTrailLog(l audit.Log)
	// SaveTrailKey stores a public key, or when it was retired.
	SaveTrailKey(k audit.LogKey)
}
