package pin

import (
	"math"
	"time"

	"github.com/google/uuid"
)

// MaxLock is the longest lock; doubling stops there.
const MaxLock = 24 * time.Hour

// bucketUnit is the time in which one incorrect guess leaks out of the bucket.
const bucketUnit = 24 * time.Hour

// Limits say what incorrect guesses cost. Counts are at least 1 and LockBase is
// positive; the settings see to that.
type Limits struct {
	// LockAfter consecutive failures lock, at each multiple.
	LockAfter int
	// LockBase is the length of the first lock; each further one is twice as
	// long, up to MaxLock.
	LockBase time.Duration
	// HardLimit consecutive failures deactivate.
	HardLimit int
	// Bucket is how many incorrect guesses fit, leaking one in 24 hours, until the
	// PIN is deactivated.
	Bucket int
}

// DefaultLimits are the settings' defaults.
func DefaultLimits() Limits {
	return Limits{LockAfter: 5, LockBase: 15 * time.Minute, HardLimit: 20, Bucket: 30}
}

// Effect is what taking an attempt set besides the attempt.
type Effect string

// The effects of a spend.
const (
	NoEffect    Effect = ""
	Locks       Effect = "locked"
	Deactivates Effect = "deactivated"
)

// Attempt is one attempt that was spent and is kept until it is settled, so that a
// settlement that is repeated after a lost connection counts once.
type Attempt struct {
	// ID is random; uuid.Nil is no attempt.
	ID      uuid.UUID
	Holder  Holder
	SpentAt time.Time
}

// AttemptRef names one attempt of a tenant.
type AttemptRef struct{ Tenant, ID uuid.UUID }

// Ref returns the name of the attempt.
func (a Attempt) Ref() AttemptRef { return AttemptRef{Tenant: a.Holder.Tenant, ID: a.ID} }

// Ticket is what a spent attempt remembers of the record. What the comparison finds
// counts only while the record's PIN id and lock epoch are the ticket's; the attempt
// is refunded only while the generation is, too.
type Ticket struct {
	PINID      uuid.UUID
	LockEpoch  int64
	Generation int64
	// Hash is the stored form that the guess is compared with.
	Hash string
	// Effect is what this attempt set, in case the guess is incorrect.
	Effect Effect
}

// Spend takes one attempt before anything is hashed. Where the state is
// [NotSet], [Inactive] or [Locked] nothing is taken and nothing may be hashed.
// Taking the last attempt already sets the lock or the deactivation, so that no
// crash and no other node can give it back.
func (r Record) Spend(l Limits, now time.Time) (Record, Ticket, State) {
	switch s := r.State(now); s {
	case NotSet, Inactive, Locked:
		return r, Ticket{}, s
	case CoolingOff, Ready:
	}
	r.Failures++
	r.BucketEmptyAt = later(now, r.BucketEmptyAt).Add(bucketUnit)
	effect := NoEffect
	switch {
	case r.Failures >= l.HardLimit || r.bucketRoom(l, now) == 0:
		effect, r.Inactive, r.LockedUntil = Deactivates, true, time.Time{}
	case r.Failures%l.LockAfter == 0:
		effect, r.LockedUntil = Locks, now.Add(l.lock(r.Failures/l.LockAfter))
	}
	if effect != NoEffect {
		r.LockEpoch++
	}
	t := Ticket{PINID: r.ID, LockEpoch: r.LockEpoch, Generation: r.Generation, Hash: r.Hash, Effect: effect}
	return r, t, Ready
}

// SettleCorrect records that the guess of a ticket was correct: the count is
// cleared, the attempt leaves the bucket, and what its own spend set is lifted.
//
// It reports false, and changes nothing, when the PIN or the lock epoch is no
// longer the ticket's: a correct guess lifts no lock that another earned. After an
// act that cleared what guesses had cost, the guess still counts as correct, but
// there is nothing of its own left to refund: it changes nothing then, so that it
// forgives no guess that came after that act.
func (r Record) SettleCorrect(t Ticket) (Record, bool) {
	if r.ID == uuid.Nil || r.ID != t.PINID || r.LockEpoch != t.LockEpoch {
		return r, false
	}
	if r.Generation != t.Generation {
		return r, true
	}
	r.Failures = 0
	if !r.BucketEmptyAt.IsZero() {
		r.BucketEmptyAt = r.BucketEmptyAt.Add(-bucketUnit)
	}
	if t.Effect != NoEffect {
		r.LockedUntil, r.Inactive = time.Time{}, false
	}
	return r, true
}

// Remaining returns how many guesses are left to the next lock or deactivation,
// whichever is nearer, and the end of a lock that holds now (else zero). It is 0
// while the PIN is locked or deactivated.
func (r Record) Remaining(l Limits, now time.Time) (int, time.Time) {
	switch r.State(now) {
	case NotSet, Inactive:
		return 0, time.Time{}
	case Locked:
		return 0, r.LockedUntil
	case CoolingOff, Ready:
	}
	toLock := l.LockAfter - r.Failures%l.LockAfter
	// Limits may have been lowered since the last guess; at least one is left
	// until a spend says otherwise.
	return max(1, min(toLock, l.HardLimit-r.Failures, r.bucketRoom(l, now))), time.Time{}
}

// bucketRoom is how many further whole guesses fit. The bucket leaks
// continuously, so it counts as full when no whole guess fits any more.
func (r Record) bucketRoom(l Limits, now time.Time) int {
	level := max(0, r.BucketEmptyAt.Sub(now))
	// Counted in guesses, not in time: a bucket of a million guesses is longer
	// than a time.Duration. Sub stops at the longest one; so far ahead the level
	// is unknown, and the bucket full.
	if level > math.MaxInt64-bucketUnit {
		return 0
	}
	taken := int((level + bucketUnit - 1) / bucketUnit)
	return max(0, l.Bucket-taken)
}

// lock returns the length of the nth lock.
func (l Limits) lock(n int) time.Duration {
	d := min(l.LockBase, MaxLock)
	for range n - 1 {
		if d >= MaxLock/2 {
			return MaxLock
		}
		d *= 2
	}
	return d
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
