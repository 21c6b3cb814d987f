package audit

import (
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/pin"
)

// Queued is an event that has no index yet.
type Queued struct {
	Tenant uuid.UUID
	// Seq grows with each event of a database; within a transaction it is the order in which
	// events were recorded.
	Seq    int64
	ID     uuid.UUID
	Time   time.Time
	Type   Type
	Holder pin.Holder
	// Instance is uuid.Nil where none is concerned.
	Instance uuid.UUID
	Leaf     []byte
}

// Guess is one guess at the PIN of a holder.
type Guess struct {
	Holder  pin.Holder
	At      time.Time
	Correct bool
}

// Guess returns the guess that the event records the end of, if any.
func (q Queued) Guess() (g Guess, ok bool) {
	correct := q.Type == TypePINVerified
	return Guess{Holder: q.Holder, At: q.Time, Correct: correct}, correct || q.Type == TypePINFailed
}

// Placed is an event that gets its index.
type Placed struct {
	Queued
	Index int64
}

// Tree is how far the tree of a tenant's events has come. The zero Tree but for the tenant is
// that of a tenant without events.
type Tree struct {
	Tenant uuid.UUID
	Size   int64
	// Head is the head that was signed last, of this Size: a signed note.
	Head string
	// LatestAt is the time of the latest event.
	LatestAt time.Time
	// KeptSize is the size of the head that was kept last, at KeptAt.
	KeptSize int64
	KeptAt   time.Time
	// StoppedAt is when the tree was found not to match its head; the zero time otherwise.
	StoppedAt     time.Time
	StoppedReason string
	// Events below SealedSize were exported and verified, those below PrunedSize removed.
	SealedSize int64
	SealedAt   time.Time
	PrunedSize int64
}

// Growth is a tree that grows, with the size that it had.
type Growth struct {
	Tree
	ReadSize int64
}

// Place names an event by its place in the trail.
type Place struct {
	Tenant uuid.UUID
	Index  int64
}

// Hashes are the hashes that an event added to its tree: that of its leaf, and those of the
// subtrees that it completes, from the lowest up, 32 bytes each.
type Hashes struct {
	Place
	Hashes []byte
}

// LogKey is a public key that signs, or has signed, heads.
type LogKey struct {
	ID        string
	PublicKey []byte
	AddedAt   time.Time
	// RetiredAt is when no node had the key any more; the zero time before.
	RetiredAt time.Time
}

// Log is what the trails of all tenants have in common.
type Log struct {
	Name      string
	CreatedAt time.Time
}
