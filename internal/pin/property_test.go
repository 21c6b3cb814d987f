package pin_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/hydracore/hydrapin/internal/pin"
)

const day = 24 * time.Hour

// guess is an attempt that was taken: what the model remembers of it.
type guess struct {
	ticket pin.Ticket
	at     time.Time
	right  bool
	// void says that something since its spend forbids it to settle: another
	// guess's lock, or another PIN.
	void bool
	// cleared says that an admin's act cleared its attempt: there is nothing of it
	// left to refund.
	cleared bool
}

// model plays a record against n guessers, admins, runtimes and crashes, and
// remembers every guess, so that it can say from the words of the design, without
// the record's arithmetic, what may happen next.
type model struct {
	t      *rapid.T
	limits pin.Limits
	record pin.Record
	now    time.Time
	ids    int

	inFlight []*guess
	// wrong are the guesses since the last admin act that did not turn out right.
	wrong []*guess
	// since is how many attempts were taken since the last right one or admin act.
	since int
	// lockedUntil and lockedBy are the lock that holds, and the guess that set it.
	lockedUntil time.Time
	inactive    bool
	lockedBy    *guess
	// slack is how many right guesses hung while time passed: each may take a part
	// of a later guess out of the bucket, never more.
	slack int
}

func newModel(t *rapid.T, limits pin.Limits) *model {
	m := &model{t: t, limits: limits, now: start}
	m.record = pin.Record{Holder: pin.CustomerHolder(uuid.UUID{1}, uuid.UUID{2})}
	m.set(m.record.SetByAdmin)
	return m
}

func drawLimits(t *rapid.T) pin.Limits {
	return pin.Limits{
		LockAfter: rapid.IntRange(1, 7).Draw(t, "lock after"),
		LockBase:  time.Duration(rapid.Int64Range(1, int64(30*time.Hour)).Draw(t, "lock base")),
		HardLimit: rapid.IntRange(1, 25).Draw(t, "hard limit"),
		Bucket:    rapid.IntRange(1, 40).Draw(t, "bucket"),
	}
}

func (m *model) fresh() pin.Fresh {
	m.ids++
	return pin.Fresh{ID: uuid.UUID{9, byte(m.ids >> 16), byte(m.ids >> 8), byte(m.ids)}, Hash: "hash", At: m.now}
}

// lockLength is the nth lock by the words: doubling, never over a day.
func (m *model) lockLength(n int) time.Duration {
	return time.Duration(math.Min(float64(m.limits.LockBase)*math.Pow(2, float64(n-1)), float64(day)))
}

func (m *model) closed() bool { return m.inactive || m.now.Before(m.lockedUntil) }

// level is what the bucket would hold if only the guesses that did not turn out
// right had ever been in it.
func (m *model) level() time.Duration {
	emptyAt := time.Time{}
	for _, g := range m.wrong {
		if g.at.After(emptyAt) {
			emptyAt = g.at
		}
		emptyAt = emptyAt.Add(day)
	}
	return max(0, emptyAt.Sub(m.now))
}

func (m *model) spend(right bool) {
	next, ticket, state := m.record.Spend(m.limits, m.now)
	if m.record.ID == uuid.Nil || m.closed() {
		if state == pin.Ready || ticket != (pin.Ticket{}) || next != m.record {
			m.t.Fatalf("a guess was let through while closed (locked until %s, inactive %v)", m.lockedUntil, m.inactive)
		}
		return
	}
	if state != pin.Ready {
		m.t.Fatalf("a guess was refused (%s) although nothing closes the PIN", state)
	}
	if next.LockEpoch < m.record.LockEpoch {
		m.t.Fatal("the lock epoch fell")
	}
	m.record = next
	g := &guess{ticket: ticket, at: m.now, right: right}
	m.inFlight = append(m.inFlight, g)
	m.wrong = append(m.wrong, g)
	m.since++
	if m.since > m.limits.HardLimit {
		m.t.Fatalf("%d guesses since the last right one, over the hard limit", m.since)
	}
	if level := m.level(); level > time.Duration(m.limits.Bucket+m.slack)*day {
		m.t.Fatalf("the bucket of %d (slack %d) was made to hold %s", m.limits.Bucket, m.slack, level)
	}
	full := next.BucketEmptyAt.Sub(m.now) > time.Duration(m.limits.Bucket-1)*day
	switch {
	case m.since == m.limits.HardLimit || full:
		m.close(g, pin.Deactivates)
		m.inactive, m.lockedUntil = true, time.Time{}
	case m.since%m.limits.LockAfter == 0:
		m.close(g, pin.Locks)
		m.lockedUntil = m.now.Add(m.lockLength(m.since / m.limits.LockAfter))
	case ticket.Effect != pin.NoEffect:
		m.t.Fatalf("guess %d %s", m.since, ticket.Effect)
	}
}

// close notes a lock or deactivation by a guess: every other guess in flight is
// void from then on.
func (m *model) close(by *guess, effect pin.Effect) {
	if by.ticket.Effect != effect {
		m.t.Fatalf("guess %d has effect %q, want %q", m.since, by.ticket.Effect, effect)
	}
	m.lockedBy = by
	m.void(by)
}

// void makes every guess in flight but one unable to settle.
func (m *model) void(but *guess) {
	for _, g := range m.inFlight {
		g.void = g.void || g != but
	}
}

// settle ends one guess in flight, or forgets it, as a crash does.
func (m *model) settle(i int, crash bool) {
	g := m.inFlight[i]
	m.inFlight = append(m.inFlight[:i:i], m.inFlight[i+1:]...)
	if crash || !g.right {
		return
	}
	next, ok := m.record.SettleCorrect(g.ticket)
	if ok == g.void {
		m.t.Fatalf("a right guess settled: %v, void: %v", ok, g.void)
	}
	if !ok {
		if next != m.record {
			m.t.Fatal("a refused settle changed the record")
		}
		return
	}
	if next.LockEpoch != m.record.LockEpoch {
		m.t.Fatal("a settle changed the lock epoch")
	}
	if g.cleared {
		if next != m.record {
			m.t.Fatal("a guess that was cleared refunded something")
		}
		return
	}
	m.record = next
	m.since = 0
	if m.lockedBy == g {
		m.inactive, m.lockedUntil, m.lockedBy = false, time.Time{}, nil
	}
	for j, w := range m.wrong {
		if w == g {
			m.wrong = append(m.wrong[:j:j], m.wrong[j+1:]...)
			break
		}
	}
}

func (m *model) pass(d time.Duration) {
	m.hang()
	m.now = m.now.Add(d)
}

// hang notes how many right guesses are in flight at once.
func (m *model) hang() {
	n := 0
	for _, g := range m.inFlight {
		if g.right && !g.void && !g.cleared {
			n++
		}
	}
	m.slack = max(m.slack, n)
}

// cleared is what every admin act does to count, lock and bucket.
func (m *model) cleared() {
	m.slack = 0
	for _, g := range m.inFlight {
		g.cleared = true
	}
	m.wrong, m.since, m.lockedUntil, m.inactive, m.lockedBy = nil, 0, time.Time{}, false, nil
}

func (m *model) set(by func(pin.Fresh) pin.Record) {
	m.record = by(m.fresh())
	m.void(nil)
	m.cleared()
}

func (m *model) unlock() {
	epoch := m.record.LockEpoch
	m.record = m.record.Unlock()
	m.cleared()
	if m.record.LockEpoch < epoch {
		m.t.Fatal("the lock epoch fell")
	}
}

// runtimeReplaces sets or removes as the service lets a runtime: never while
// closed.
func (m *model) runtimeReplaces(remove bool) {
	if m.closed() {
		return
	}
	epoch := m.record.LockEpoch
	if remove {
		m.record = m.record.RemoveByRuntime()
	} else {
		m.record = m.record.SetByRuntime(m.fresh(), day)
	}
	m.void(nil)
	if m.record.LockEpoch != epoch {
		m.t.Fatal("a runtime's act changed the lock epoch")
	}
}

// check compares the record with the model after each step.
func (m *model) check() {
	state := m.record.State(m.now)
	if m.record.ID != uuid.Nil {
		if got := state == pin.Inactive; got != m.inactive {
			m.t.Fatalf("inactive: %v, want %v", got, m.inactive)
		}
		if got := state == pin.Locked; got != (m.now.Before(m.lockedUntil) && !m.inactive) {
			m.t.Fatalf("locked: %v, want until %s", got, m.lockedUntil)
		}
	}
	if m.record.Failures != m.since {
		m.t.Fatalf("%d failures, want %d", m.record.Failures, m.since)
	}
	level := m.record.BucketEmptyAt.Sub(m.now)
	if level > time.Duration(m.limits.Bucket)*day {
		m.t.Fatalf("the bucket of %d holds %s", m.limits.Bucket, level)
	}
	if least := m.level() - time.Duration(m.slack)*day; max(0, level) < least {
		m.t.Fatalf("the bucket holds %s, less than the wrong guesses' %s", level, least)
	}
	if m.slack == 0 && max(0, level) != m.level() {
		m.t.Fatalf("the bucket holds %s, want %s", level, m.level())
	}
	m.checkRemaining(state)
}

// checkRemaining compares the reported attempts with those that are really possible now.
func (m *model) checkRemaining(state pin.State) {
	told, until := m.record.Remaining(m.limits, m.now)
	possible := 0
	for r := m.record; ; possible++ {
		next, _, s := r.Spend(m.limits, m.now)
		if s != pin.Ready {
			break
		}
		r = next
	}
	if told != possible {
		m.t.Fatalf("%d guesses are told to remain, %d do", told, possible)
	}
	if got := state == pin.Locked; got != !until.IsZero() || got && !until.Equal(m.lockedUntil) {
		m.t.Fatalf("state %s, locked until %s", state, until)
	}
}

// drawStep draws how long nothing happens: moments, minutes and days.
func drawStep(t *rapid.T) time.Duration {
	unit := rapid.SampledFrom([]time.Duration{time.Microsecond, time.Second, time.Minute, time.Hour, day}).Draw(t, "unit")
	return time.Duration(rapid.IntRange(1, 60).Draw(t, "units")) * unit
}

func TestNoInterleavingExceedsTheLimits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(rt, drawLimits(rt))
		settle := func(crash bool) func(*rapid.T) {
			return func(rt *rapid.T) {
				if len(m.inFlight) == 0 {
					rt.Skip("nothing is in flight")
				}
				m.settle(rapid.IntRange(0, len(m.inFlight)-1).Draw(rt, "which"), crash)
			}
		}
		wrong := func(*rapid.T) { m.spend(false) }
		rt.Repeat(map[string]func(*rapid.T){
			"wrong":  wrong,
			"wrong2": wrong, // guessers are more than holders
			"wrong3": wrong,
			"right":  func(*rapid.T) { m.spend(true) },
			"right at once": func(*rapid.T) {
				before := len(m.inFlight)
				m.spend(true)
				if len(m.inFlight) > before {
					m.settle(before, false)
				}
			},
			"settle":  settle(false),
			"settle2": settle(false),
			"crash":   settle(true),
			"time":    func(rt *rapid.T) { m.pass(drawStep(rt)) },
			"lock passes": func(*rapid.T) {
				if m.now.Before(m.lockedUntil) {
					m.pass(m.lockedUntil.Sub(m.now))
				}
			},
			"admin": func(rt *rapid.T) {
				switch rapid.IntRange(0, 11).Draw(rt, "act") {
				case 0:
					m.set(m.record.SetByAdmin)
				case 1:
					m.record = m.record.RemoveByAdmin()
					m.void(nil)
					m.cleared()
				case 2, 3:
					m.unlock()
				case 4:
					m.runtimeReplaces(true)
				case 5, 6:
					m.runtimeReplaces(false)
				}
			},
			"": func(*rapid.T) { m.check() },
		})
	})
}

// The hard bound in one sentence: whatever holders do between, wrong guesses in
// any stretch of time are at most the bucket plus one a day.
func TestWrongGuessesInAnyWindow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(rt, drawLimits(rt))
		var guesses []time.Time
		for range rapid.IntRange(1, 300).Draw(rt, "steps") {
			switch rapid.IntRange(0, 3).Draw(rt, "who") {
			case 0:
				if next, ticket, state := m.record.Spend(m.limits, m.now); state == pin.Ready {
					settled, ok := next.SettleCorrect(ticket)
					if !ok {
						rt.Fatal("a right guess at once is refused")
					}
					m.record = settled
				}
			case 1:
				m.now = m.now.Add(drawStep(rt))
			default:
				if next, _, state := m.record.Spend(m.limits, m.now); state == pin.Ready {
					m.record = next
					guesses = append(guesses, m.now)
				}
			}
		}
		for i, from := range guesses {
			for j, to := range guesses[i:] {
				if allowed := m.limits.Bucket + int(to.Sub(from)/day); j+1 > allowed {
					rt.Fatalf("%d wrong guesses within %s, allowed %d", j+1, to.Sub(from), allowed)
				}
			}
		}
	})
}

func TestDurationsDoNotOverflow(t *testing.T) {
	t.Parallel()
	far := []time.Time{
		{},
		time.Unix(0, 0), start, time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(200_000, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	ints := rapid.OneOf(rapid.IntRange(1, 50), rapid.IntRange(1, math.MaxInt),
		rapid.SampledFrom([]int{1, 106_750, 106_751, 106_752, 213_504, math.MaxInt32, math.MaxInt - 1, math.MaxInt}))
	rapid.Check(t, func(rt *rapid.T) {
		l := pin.Limits{
			LockAfter: ints.Draw(rt, "lock after"),
			HardLimit: ints.Draw(rt, "hard limit"),
			Bucket:    ints.Draw(rt, "bucket"),
			LockBase:  time.Duration(rapid.Int64Range(1, math.MaxInt64).Draw(rt, "lock base")),
		}
		now := rapid.SampledFrom(far).Draw(rt, "now")
		r := pin.Record{
			ID:            uuid.UUID{1},
			Failures:      rapid.OneOf(rapid.IntRange(0, 50), rapid.IntRange(0, math.MaxInt-1)).Draw(rt, "failures"),
			BucketEmptyAt: rapid.SampledFrom(far).Draw(rt, "bucket empty at"),
		}
		left, _ := r.Remaining(l, now)
		if left < 1 {
			rt.Fatalf("%d remain of a PIN that is open", left)
		}
		next, ticket, state := r.Spend(l, now)
		if state != pin.Ready || next.Failures != r.Failures+1 || next.BucketEmptyAt.Before(r.BucketEmptyAt) {
			rt.Fatalf("spend: %s, %+v", state, next)
		}
		if lock := next.LockedUntil.Sub(now); ticket.Effect == pin.Locks && (lock <= 0 || lock > day) {
			rt.Fatalf("a lock of %s", lock)
		}
		if ticket.Effect == pin.NoEffect != (left > 1) {
			rt.Fatalf("%d remained, effect %q", left, ticket.Effect)
		}
		if next.State(now) == pin.Ready && next.BucketEmptyAt.Sub(now) > time.Duration(min(l.Bucket, 106_751))*day {
			rt.Fatalf("the bucket of %d holds %s", l.Bucket, next.BucketEmptyAt.Sub(now))
		}
	})
}

func TestABucketOfAMillionStillCounts(t *testing.T) {
	t.Parallel()
	l := pin.Limits{LockAfter: math.MaxInt, LockBase: math.MaxInt64, HardLimit: math.MaxInt, Bucket: 1_000_000}
	s := newStory(t, l)
	s.left(1_000_000)
	s.wrong(1000)
	s.left(999_000)
}
