package pin_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/pin"
)

// start is when the stories begin.
var start = time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC)

// story is a holder with a PIN, and a clock that only the story moves.
type story struct {
	t      *testing.T
	record pin.Record
	limits pin.Limits
	now    time.Time
}

func newStory(t *testing.T, limits pin.Limits) *story {
	t.Helper()
	s := &story{t: t, limits: limits, now: start}
	s.record = pin.Record{Holder: pin.IdentityHolder(uuid.New(), uuid.New(), uuid.New())}.SetByAdmin(s.fresh())
	return s
}

func (s *story) fresh() pin.Fresh {
	return pin.Fresh{ID: uuid.New(), Hash: "hash", PepperID: "p1", At: s.now}
}

// wait lets time pass.
func (s *story) wait(d time.Duration) { s.now = s.now.Add(d) }

// spend takes an attempt, which must be there.
func (s *story) spend() pin.Ticket {
	s.t.Helper()
	next, ticket, state := s.record.Spend(s.limits, s.now)
	if state != pin.Ready {
		s.t.Fatalf("a guess is refused: %s", state)
	}
	s.record = next
	return ticket
}

// refused tries an attempt that must cost nothing.
func (s *story) refused(want pin.State) {
	s.t.Helper()
	next, ticket, state := s.record.Spend(s.limits, s.now)
	if state != want || ticket != (pin.Ticket{}) || next != s.record {
		s.t.Fatalf("Spend = %v, %v, changed: %v; want %s", ticket, state, next != s.record, want)
	}
}

// wrong spends n guesses that turn out wrong.
func (s *story) wrong(n int) {
	s.t.Helper()
	for range n {
		s.spend()
	}
}

// right spends a guess that turns out right at once.
func (s *story) right() {
	s.t.Helper()
	s.settle(s.spend(), true)
}

// settle records that the guess of a ticket was right.
func (s *story) settle(ticket pin.Ticket, want bool) {
	s.t.Helper()
	next, ok := s.record.SettleCorrect(ticket)
	if ok != want || !ok && next != s.record {
		s.t.Fatalf("SettleCorrect = %v, changed: %v; want %v", ok, next != s.record, want)
	}
	s.record = next
}

// is compares the state, and where locked, for how long.
func (s *story) is(want pin.State, lock time.Duration) {
	s.t.Helper()
	if got := s.record.State(s.now); got != want {
		s.t.Fatalf("state %s, want %s", got, want)
	}
	status := s.record.Status(s.now)
	until := time.Time{}
	if lock > 0 {
		until = s.now.Add(lock)
	}
	if !status.LockedUntil.Equal(until) || status.IsLocked != (lock > 0) ||
		status.IsActive != (want != pin.Inactive && want != pin.NotSet) || status.HasPIN != (want != pin.NotSet) {
		s.t.Fatalf("status %+v, want lock %s", status, lock)
	}
}

// left compares the remaining guesses.
func (s *story) left(want int) {
	s.t.Helper()
	got, until := s.record.Remaining(s.limits, s.now)
	if got != want || !until.Equal(s.record.Status(s.now).LockedUntil) {
		s.t.Fatalf("%d guesses remain (locked until %s), want %d", got, until, want)
	}
}

func TestTheScheduleOfTheDefaults(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.DefaultLimits())
	for round, lock := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour} {
		for left := 5; left > 0; left-- {
			s.is(pin.Ready, 0)
			s.left(left)
			s.wrong(1)
		}
		s.is(pin.Locked, lock)
		s.left(0)
		s.refused(pin.Locked)
		s.wait(lock - time.Microsecond)
		s.refused(pin.Locked)
		s.is(pin.Locked, time.Microsecond)
		s.wait(time.Microsecond)
		if s.record.LockEpoch != int64(round+1) {
			t.Fatalf("lock epoch %d after %d locks", s.record.LockEpoch, round+1)
		}
	}
	// The last five are shown as the way to the deactivation, not to a lock.
	s.left(5)
	s.wrong(5)
	s.is(pin.Inactive, 0)
	s.left(0)
	s.refused(pin.Inactive)
	s.wait(1000 * 24 * time.Hour)
	s.refused(pin.Inactive)
	if s.record.LockEpoch != 4 {
		t.Errorf("lock epoch %d, want 4", s.record.LockEpoch)
	}
}

func TestLocksDoubleUpToADay(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.Limits{LockAfter: 2, LockBase: 15 * time.Minute, HardLimit: 100, Bucket: 1000})
	for _, hours := range []float64{0.25, 0.5, 1, 2, 4, 8, 16, 24, 24, 24} {
		lock := time.Duration(hours * float64(time.Hour))
		s.wrong(2)
		s.is(pin.Locked, lock)
		s.wait(lock)
	}
	long := newStory(t, pin.Limits{LockAfter: 1, LockBase: 13 * time.Hour, HardLimit: 100, Bucket: 1000})
	for _, lock := range []time.Duration{13 * time.Hour, 24 * time.Hour, 24 * time.Hour} {
		long.wrong(1)
		long.is(pin.Locked, lock)
		long.wait(lock)
	}
	longer := newStory(t, pin.Limits{LockAfter: 1, LockBase: 48 * time.Hour, HardLimit: 100, Bucket: 1000})
	longer.wrong(1)
	longer.is(pin.Locked, 24*time.Hour)
}

func TestTheHoldersOwnFifthGuessIsRight(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.DefaultLimits())
	s.wrong(4)
	s.left(1)
	ticket := s.spend()
	s.is(pin.Locked, 15*time.Minute)
	if ticket.Effect != pin.Locks || ticket.LockEpoch != 1 {
		t.Fatalf("ticket %+v", ticket)
	}
	s.settle(ticket, true)
	s.is(pin.Ready, 0)
	s.left(5)
	if s.record.LockEpoch != 1 {
		t.Errorf("lock epoch %d: what was approved before the lock would live again", s.record.LockEpoch)
	}
	// The next lock is the first one again.
	s.wrong(5)
	s.is(pin.Locked, 15*time.Minute)
}

func TestTheHoldersOwnTwentiethGuessIsRight(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.DefaultLimits())
	for range 3 {
		s.wrong(5)
		s.wait(time.Hour)
	}
	s.wrong(4)
	ticket := s.spend()
	s.is(pin.Inactive, 0)
	s.settle(ticket, true)
	s.is(pin.Ready, 0)
	s.left(5)
}

func TestARightGuessWipesNoLockOfAnother(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.DefaultLimits())
	holder := s.spend() // hashed for a long while
	s.wrong(4)          // meanwhile a guesser uses up the rest
	s.is(pin.Locked, 15*time.Minute)
	s.settle(holder, false)
	s.is(pin.Locked, 15*time.Minute)
	// Nor after that lock is over: what it ended stays ended.
	s.wait(15 * time.Minute)
	s.settle(holder, false)
	if s.record.Failures != 5 {
		t.Errorf("%d failures", s.record.Failures)
	}
}

func TestARightGuessWipesNoDeactivationOfAnother(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.Limits{LockAfter: 5, LockBase: time.Second, HardLimit: 7, Bucket: 30})
	s.wrong(4)
	own := s.spend() // sets the lock of the fifth
	s.wait(time.Second)
	s.wrong(2)
	s.is(pin.Inactive, 0)
	s.settle(own, false)
	s.is(pin.Inactive, 0)
}

func TestACrashBetweenSpendAndSettleCostsTheAttempt(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.DefaultLimits())
	for range 5 {
		s.spend() // and nobody settles
	}
	s.is(pin.Locked, 15*time.Minute)
}

func TestWrongGuessesBeforeARightOneAreForgivenButStayInTheBucket(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.DefaultLimits())
	s.wrong(3)
	s.right()
	s.left(5)
	level := s.record.BucketEmptyAt.Sub(s.now)
	if level != 3*24*time.Hour {
		t.Errorf("the bucket holds %s of 3 guesses", level)
	}
	// Two right ones at once each take out their own.
	a, b := s.spend(), s.spend()
	s.settle(b, true)
	s.settle(a, true)
	if got := s.record.BucketEmptyAt.Sub(s.now); got != level {
		t.Errorf("the bucket holds %s, want %s", got, level)
	}
	s.wait(30 * 24 * time.Hour)
	s.right()
	if s.record.BucketEmptyAt.After(s.now) {
		t.Error("a right guess stays in an empty bucket")
	}
}

func TestThirtyWrongGuessesBetweenRightOnesDeactivate(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.DefaultLimits())
	for i := range 30 {
		if i%4 == 0 {
			s.right()
		}
		s.is(pin.Ready, 0)
		s.left(min(5-i%4, 30-i))
		s.wrong(1)
		s.wait(time.Minute)
	}
	s.is(pin.Inactive, 0)
	s.refused(pin.Inactive)
}

func TestTheHoldersOwnRightGuessInAFullBucket(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.DefaultLimits())
	for i := range 29 {
		if i%4 == 0 {
			s.right()
		}
		s.wrong(1)
	}
	s.right()
	s.left(1)
	own := s.spend()
	if own.Effect != pin.Deactivates {
		t.Fatalf("effect %q", own.Effect)
	}
	s.is(pin.Inactive, 0)
	s.settle(own, true)
	s.is(pin.Ready, 0)
	s.left(1)
	s.wrong(1)
	s.is(pin.Inactive, 0)
}

func TestTheBucketLeaksOneADayContinuously(t *testing.T) {
	t.Parallel()
	limits := pin.Limits{LockAfter: 100, LockBase: time.Minute, HardLimit: 1000, Bucket: 10}
	s := newStory(t, limits)
	s.wrong(9)
	s.left(1)
	s.wait(24*time.Hour - time.Microsecond)
	s.left(1) // 9 less almost one: no second whole guess fits
	s.wait(time.Microsecond)
	s.left(2)
	s.wait(12 * time.Hour)
	s.left(2) // half a guess has leaked
	s.wrong(1)
	s.left(1)
	s.wait(12 * time.Hour) // with the half of before it is a whole one
	s.left(2)
	s.wait(365 * 24 * time.Hour)
	s.left(10) // and never more than fit
	s.wrong(9)
	s.wait(24*time.Hour - time.Microsecond)
	s.wrong(1) // the last that fits, although the bucket is not full to the brim
	s.is(pin.Inactive, 0)
}

func TestRemainingNamesTheNearest(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		limits pin.Limits
		wrong  int
		want   int
	}{
		"the lock":                             {pin.Limits{LockAfter: 5, LockBase: 1, HardLimit: 20, Bucket: 30}, 2, 3},
		"the hard limit":                       {pin.Limits{LockAfter: 9, LockBase: 1, HardLimit: 4, Bucket: 30}, 2, 2},
		"the bucket":                           {pin.Limits{LockAfter: 9, LockBase: 1, HardLimit: 20, Bucket: 3}, 2, 1},
		"lock and hard limit are the same one": {pin.Limits{LockAfter: 5, LockBase: 1, HardLimit: 5, Bucket: 30}, 0, 5},
		"every guess locks":                    {pin.Limits{LockAfter: 1, LockBase: 1, HardLimit: 20, Bucket: 30}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t, tt.limits)
			s.wrong(tt.wrong)
			s.left(tt.want)
		})
	}
}

func TestLimitsLoweredUnderALivingCount(t *testing.T) {
	t.Parallel()
	s := newStory(t, pin.Limits{LockAfter: 50, LockBase: time.Minute, HardLimit: 100, Bucket: 100})
	s.wrong(12)
	s.limits = pin.Limits{LockAfter: 5, LockBase: time.Minute, HardLimit: 10, Bucket: 100}
	s.left(1) // the record is open still; the next guess closes it
	s.wrong(1)
	s.is(pin.Inactive, 0)

	full := newStory(t, pin.Limits{LockAfter: 50, LockBase: time.Minute, HardLimit: 100, Bucket: 100})
	full.wrong(12)
	full.limits.Bucket = 10
	full.left(1)
	full.wrong(1)
	full.is(pin.Inactive, 0)
}
