package pin_test

import (
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/pin"
)

func TestAnAdminUnlocks(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.DefaultLimits())
	id, epoch := s.record.ID, int64(0)
	unlock := func() {
		t.Helper()
		epoch = max(epoch, s.record.LockEpoch)
		s.record = s.record.Unlock()
		s.is(pin.Ready, 0)
		s.left(5)
		if s.record.Unlock() != s.record {
			t.Fatal("unlocking twice is not unlocking once")
		}
		if s.record.ID != id || s.record.LockEpoch != epoch || !s.record.BucketEmptyAt.IsZero() {
			t.Fatalf("unlocked record %+v", s.record)
		}
	}
	unlock() // nothing to lift
	s.wrong(5)
	unlock()
	s.wrong(3)
	unlock()
	for range 3 {
		s.wrong(5)
		s.wait(time.Hour)
	}
	s.wrong(5)
	s.is(pin.Inactive, 0)
	unlock()
}

func TestAnAdminSetsAndRemoves(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.DefaultLimits())
	s.wrong(5)
	old, ticket := s.record, pin.Ticket{PINID: s.record.ID, LockEpoch: s.record.LockEpoch}
	s.record = s.record.SetByAdmin(s.fresh())
	s.is(pin.Ready, 0)
	s.left(5)
	if s.record.ID == old.ID || s.record.LockEpoch != old.LockEpoch || !s.record.BucketEmptyAt.IsZero() {
		t.Errorf("new record %+v", s.record)
	}
	s.settle(ticket, false) // a guess at the old PIN

	s.wrong(5)
	epoch, generation := s.record.LockEpoch, s.record.Generation
	s.record = s.record.RemoveByAdmin()
	s.is(pin.NotSet, 0)
	s.left(0)
	s.refused(pin.NotSet)
	if s.record != (pin.Record{Holder: old.Holder, LockEpoch: epoch, Generation: generation + 1}) {
		t.Errorf("an admin's remove leaves %+v", s.record)
	}
	if again := s.record.RemoveByAdmin(); again != s.record {
		t.Error("removing twice is not removing once")
	}
	s.settle(pin.Ticket{}, false)
}

func TestAGuessInFlightWhenTheAdminActs(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.DefaultLimits())
	s.wrong(4)
	ticket := s.spend()
	s.record = s.record.Unlock()
	s.wrong(5) // another lock, of the same length
	s.settle(ticket, false)
	s.is(pin.Locked, 15*time.Minute)
}

// A correct guess that was in flight when an admin unlocked takes nothing out of
// the bucket, nor out of the count: its own attempt was cleared, and what is there
// now came after.
func TestACorrectGuessInFlightForgivesNothingAfterAnUnlock(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.DefaultLimits())
	s.wrong(1)
	ticket := s.spend()
	s.record = s.record.Unlock()
	s.wrong(1)
	before := s.record
	s.settle(ticket, true)
	if s.record != before {
		t.Errorf("settled %+v, want %+v", s.record, before)
	}
	s.left(4)
	if got := s.record.BucketEmptyAt.Sub(s.now); got != 24*time.Hour {
		t.Errorf("the bucket holds %s", got)
	}
}

// The spend that locked is cleared by the unlock; its correct guess lifts no lock
// that did not come from it.
func TestALockingCorrectGuessInFlightWhenTheAdminUnlocks(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.DefaultLimits())
	s.wrong(4)
	ticket := s.spend()
	s.record = s.record.Unlock()
	s.wrong(2)
	s.settle(ticket, true)
	s.left(3)
}

// Each act that clears raises the generation, and no other does.
func TestTheGenerationGrowsWithWhatClears(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.DefaultLimits())
	at := s.record.Generation
	grows := func(what string, next pin.Record, by int64) {
		t.Helper()
		if next.Generation != at+by {
			t.Errorf("%s: generation %d, want %d", what, next.Generation, at+by)
		}
	}
	grows("nothing to unlock", s.record.Unlock(), 0)
	s.wrong(2)
	grows("a guess", s.record, 0)
	grows("unlock", s.record.Unlock(), 1)
	grows("set", s.record.SetByAdmin(s.fresh()), 1)
	grows("remove", s.record.RemoveByAdmin(), 1)
	grows("set again", s.record.RemoveByAdmin().SetByAdmin(s.fresh()), 2)
	grows("set by the runtime", s.record.SetByRuntime(s.fresh(), time.Hour), 0)
	grows("removed by the runtime", s.record.RemoveByRuntime(), 0)
	s.right()
	grows("a correct guess", s.record, 0)
}

func TestARuntimeCannotSwapAPINAndUseIt(t *testing.T) {
	t.Parallel()
	const cool = 24 * time.Hour
	s := newStory(t, pin.DefaultLimits())
	s.record = s.record.RemoveByAdmin()

	s.record = s.record.SetByRuntime(s.fresh(), cool) // the first PIN counts at once
	s.is(pin.Ready, 0)
	s.wrong(3)
	s.record = s.record.SetByRuntime(s.fresh(), cool) // replacing does not cool off, nor forgive
	s.is(pin.Ready, 0)
	s.left(2)

	s.wait(time.Hour)
	s.record = s.record.RemoveByRuntime()
	s.is(pin.NotSet, 0)
	again := s.record.RemoveByRuntime()
	if again != s.record {
		t.Error("removing twice is not removing once")
	}
	s.record = s.record.SetByRuntime(s.fresh(), cool)
	s.is(pin.CoolingOff, 0)
	s.left(2) // the count outlived it
	if got := s.record.BucketEmptyAt.Sub(s.now); got != 71*time.Hour {
		t.Errorf("the bucket holds %s", got)
	}

	s.wait(23 * time.Hour)
	s.record = s.record.SetByRuntime(s.fresh(), cool) // replacing keeps the time
	s.is(pin.CoolingOff, 0)
	s.wait(time.Hour - time.Microsecond)
	s.is(pin.CoolingOff, 0)
	s.wait(time.Microsecond)
	s.is(pin.Ready, 0)
	s.record = s.record.SetByRuntime(s.fresh(), cool)
	s.is(pin.Ready, 0)
}

func TestRemovingWhileCoolingOffStartsItAnew(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.DefaultLimits())
	s.record = s.record.RemoveByRuntime().SetByRuntime(s.fresh(), 24*time.Hour)
	s.wait(20 * time.Hour)
	s.record = s.record.RemoveByRuntime().SetByRuntime(s.fresh(), 24*time.Hour)
	s.wait(23 * time.Hour)
	s.is(pin.CoolingOff, 0)
	s.wait(time.Hour)
	s.is(pin.Ready, 0)
}

func TestAnAdminEndsTheCoolingOff(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(s *story) pin.Record{
		"unlock after the set": func(s *story) pin.Record {
			return s.record.RemoveByRuntime().SetByRuntime(s.fresh(), 24*time.Hour).Unlock()
		},
		"unlock before the set": func(s *story) pin.Record {
			return s.record.RemoveByRuntime().Unlock().SetByRuntime(s.fresh(), 24*time.Hour)
		},
		"remove before the set": func(s *story) pin.Record {
			return s.record.RemoveByRuntime().RemoveByAdmin().SetByRuntime(s.fresh(), 24*time.Hour)
		},
		"set by the admin": func(s *story) pin.Record {
			return s.record.RemoveByRuntime().SetByRuntime(s.fresh(), 24*time.Hour).SetByAdmin(s.fresh())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t, pin.DefaultLimits())
			s.record = act(s)
			s.is(pin.Ready, 0)
		})
	}
}

func TestALockIsToldBeforeCoolingOff(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.DefaultLimits())
	s.record = s.record.RemoveByRuntime().SetByRuntime(s.fresh(), 24*time.Hour)
	s.wrong(5) // with current_pin
	s.is(pin.Locked, 15*time.Minute)
	s.wait(15 * time.Minute)
	s.is(pin.CoolingOff, 0)
}

func TestRehash(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.DefaultLimits())
	s.wrong(3)
	fresh, ok := s.record.Rehash("hash", "stronger", "p2")
	want := s.record
	want.Hash, want.PepperID = "stronger", "p2"
	if !ok || fresh != want {
		t.Errorf("Rehash = %+v, %v", fresh, ok)
	}
	if got, ok := fresh.Rehash("hash", "other", "p3"); ok || got != fresh {
		t.Error("a hash that has changed is replaced")
	}
	if _, ok := (pin.Record{}).Rehash("", "other", "p3"); ok {
		t.Error("a PIN that is not there is rehashed")
	}
}
