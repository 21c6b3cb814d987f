package pin

import (
	"time"

	"github.com/google/uuid"
)

// Record is what is stored of a holder: the PIN, and what guesses have cost so
// far. The zero Record with a Holder is a holder that was never seen. All times
// are UTC with microseconds; a zero time is "none".
type Record struct {
	Holder Holder

	// ID is random and new with each PIN, so that removing one and setting
	// another never brings an old approval to life. uuid.Nil: no PIN is set.
	ID uuid.UUID
	// Hash is the stored form, a PHC string.
	Hash string
	// PepperID names the pepper that Hash was made with.
	PepperID  string
	CreatedAt time.Time
	// SetBy says who set the PIN whose id SetByPIN is. A program that knows neither
	// leaves both when it sets another, so they count for that PIN alone: see
	// [Record.Setter].
	SetBy    SetBy
	SetByPIN uuid.UUID
	// CountsFrom is when a PIN that the runtime set after removing one begins to
	// count.
	CountsFrom time.Time
	// RemovedByRuntime makes the next PIN that the runtime sets cool off.
	RemovedByRuntime bool

	// Failures counts consecutive incorrect guesses.
	Failures    int
	LockedUntil time.Time
	// Inactive is set by the hard limit and by a full bucket; only an admin ends
	// it.
	Inactive bool
	// LockEpoch grows with each lock and deactivation, and never falls while the
	// PIN lives.
	LockEpoch int64
	// Generation grows with each act that clears what guesses have cost (set,
	// remove and unlock by an admin), and is kept across PINs: an attempt that was
	// spent before such an act is not refunded after it.
	Generation int64
	// BucketEmptyAt is when the bucket of incorrect guesses will have leaked dry: one
	// time says level and leak at once (GCRA's theoretical arrival time, ITU-T
	// I.371).
	BucketEmptyAt time.Time
}

// Status is what callers may know of a holder's PIN.
type Status struct {
	HasPIN bool
	// IsActive is true while a PIN is set that is not deactivated; a lock does
	// not change it.
	IsActive    bool
	IsLocked    bool
	LockedUntil time.Time // zero: not locked
	CreatedAt   time.Time // zero: no PIN
	SetBy       SetBy     // empty: no PIN
}

// SetBy says who set a PIN. The values are stored.
type SetBy string

// The values. ByHolder is a PIN that the person entered through a link, or with a token
// of their own; the others came over the API.
const (
	ByAdmin   SetBy = "admin"
	ByRuntime SetBy = "runtime"
	ByHolder  SetBy = "holder"
)

// Setter returns who set the present PIN, or nothing where there is none. A PIN of which
// it is not recorded came over the API.
func (r Record) Setter() SetBy {
	switch {
	case r.ID == uuid.Nil:
		return ""
	case r.SetByPIN == r.ID:
		return r.SetBy
	case r.Holder.Type == Identity:
		return ByRuntime
	default:
		return ByAdmin
	}
}

// State is what a PIN can be used for at a time.
type State string

// The states. The first that holds, in this order, is the record's.
const (
	NotSet     State = "not_set"
	Inactive   State = "inactive"
	Locked     State = "locked"
	CoolingOff State = "cooling_off"
	Ready      State = "ready"
)

// State returns the state of the record at now.
func (r Record) State(now time.Time) State {
	switch {
	case r.ID == uuid.Nil:
		return NotSet
	case r.Inactive:
		return Inactive
	case now.Before(r.LockedUntil):
		return Locked
	case now.Before(r.CountsFrom):
		return CoolingOff
	default:
		return Ready
	}
}

// Status returns what callers may know of the record at now.
func (r Record) Status(now time.Time) Status {
	s := Status{HasPIN: r.ID != uuid.Nil}
	if !s.HasPIN {
		return s
	}
	s.CreatedAt = r.CreatedAt
	s.SetBy = r.Setter()
	s.IsActive = !r.Inactive
	s.LockedUntil = r.lockedUntil(now)
	s.IsLocked = !s.LockedUntil.IsZero()
	return s
}

// lockedUntil is the end of a lock that still holds at now, else zero; a
// deactivation hides a lock.
func (r Record) lockedUntil(now time.Time) time.Time {
	if r.Inactive || !now.Before(r.LockedUntil) {
		return time.Time{}
	}
	return r.LockedUntil
}

// Fresh is a PIN that is to be stored: a new random id, its hash with the id of
// the pepper that it was made with, and the time.
type Fresh struct {
	ID             uuid.UUID
	Hash, PepperID string
	At             time.Time
	// Own says that the holder entered it.
	Own bool
}

// setBy is who set the PIN: the holder, or else the given one.
func (f Fresh) setBy(other SetBy) SetBy {
	if f.Own {
		return ByHolder
	}
	return other
}

// SetByAdmin replaces everything of the old PIN and clears count, lock and
// bucket; only the lock epoch and the generation go on.
func (r Record) SetByAdmin(f Fresh) Record {
	return Record{
		Holder: r.Holder, ID: f.ID, Hash: f.Hash, PepperID: f.PepperID, CreatedAt: f.At,
		SetBy: f.setBy(ByAdmin), SetByPIN: f.ID,
		LockEpoch: r.LockEpoch, Generation: r.Generation + 1,
	}
}

// SetByRuntime stores a PIN that the runtime set. Count, lock and bucket stay. A
// PIN set after the runtime removed one cools off; one that replaces another
// keeps the other's time.
func (r Record) SetByRuntime(f Fresh, coolingOff time.Duration) Record {
	if r.ID == uuid.Nil {
		r.CountsFrom = time.Time{}
		if r.RemovedByRuntime {
			r.CountsFrom = f.At.Add(coolingOff)
		}
	}
	r.ID, r.Hash, r.PepperID, r.CreatedAt, r.RemovedByRuntime = f.ID, f.Hash, f.PepperID, f.At, false
	r.SetBy, r.SetByPIN = f.setBy(ByRuntime), f.ID
	return r
}

// RemoveByAdmin removes the PIN and clears count, lock and bucket; only the lock
// epoch and the generation go on. Where there is nothing to remove or clear it
// changes nothing.
func (r Record) RemoveByAdmin() Record {
	return r.cleared(Record{Holder: r.Holder})
}

// cleared is next with the lock epoch and the generation of r, which an act that
// changes anything raises.
func (r Record) cleared(next Record) Record {
	next.LockEpoch, next.Generation = r.LockEpoch, r.Generation
	if next != r {
		next.Generation++
	}
	return next
}

// RemoveByRuntime takes the PIN away. Count, lock and bucket outlive it, so that
// removing and setting forgives no guess.
func (r Record) RemoveByRuntime() Record {
	if r.ID == uuid.Nil {
		return r
	}
	r.ID, r.Hash, r.PepperID, r.CreatedAt, r.CountsFrom = uuid.Nil, "", "", time.Time{}, time.Time{}
	r.SetBy, r.SetByPIN = "", uuid.Nil
	r.RemovedByRuntime = true
	return r
}

// Unlock lifts lock, deactivation and cooling off and clears count and bucket;
// the PIN stays. Where there is nothing to lift or clear it changes nothing.
func (r Record) Unlock() Record {
	next := r
	next.Failures, next.LockedUntil, next.Inactive, next.BucketEmptyAt = 0, time.Time{}, false, time.Time{}
	next.CountsFrom, next.RemovedByRuntime = time.Time{}, false
	return r.cleared(next)
}

// Deactivate is a deactivation by an admin: the same as one by guesses, also where there
// is no PIN. A record that is deactivated does not change.
func (r Record) Deactivate() Record {
	if r.Inactive {
		return r
	}
	r.Inactive, r.LockedUntil = true, time.Time{}
	r.LockEpoch++
	return r
}

// Rehash replaces the stored form of the same PIN. It reports false, and changes
// nothing, when the hash is no longer the one that was compared.
func (r Record) Rehash(old, fresh, pepperID string) (Record, bool) {
	if r.ID == uuid.Nil || r.Hash != old {
		return r, false
	}
	r.Hash, r.PepperID = fresh, pepperID
	return r, true
}
