package sqlite_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/store/sqlite"
)

func TestSteeredClockNeverGoesBack(t *testing.T) {
	t.Parallel()
	wall := time.Date(2031, time.January, 1, 12, 0, 0, 1999, time.FixedZone("half", 5*3600+1800))
	read := sqlite.ReadSteered(func() time.Time { return wall })
	first := read()
	if want := time.Date(2031, time.January, 1, 6, 30, 0, 1000, time.UTC); first != want {
		t.Errorf("got %v, want %v", first, want)
	}
	wall = wall.Add(-time.Hour)
	set := read()
	if set.Before(first) {
		t.Errorf("set back an hour, it went back to %v", set)
	}
	wall = wall.Add(time.Minute)
	if got := read(); got.Sub(set) != time.Minute {
		t.Errorf("a minute after it was set back, %v have passed", got.Sub(set))
	}
	wall = wall.Add(2 * time.Hour)
	if got := read(); !got.Equal(wall.Truncate(time.Microsecond)) {
		t.Errorf("it did not find back to the wall's %v: %v", wall, got)
	}
}

// A jump of the wall clock is noticed once and left out, forward and back, and what is
// left of it is taken over by a thousandth of the time that passes.
func TestClockLeavesJumpsOut(t *testing.T) {
	t.Parallel()
	start := time.Date(2031, time.January, 1, 12, 0, 0, 0, time.UTC)
	wall, passed := start, time.Duration(0)
	var notices []string
	read := sqlite.ReadRunning(func() time.Time { return wall }, func() time.Duration { return passed },
		func(msg string, args ...any) { notices = append(notices, fmt.Sprint(append([]any{msg}, args...)...)) })
	pass := func(d time.Duration) time.Time {
		wall, passed = wall.Add(d), passed+d
		return read()
	}
	if got := pass(time.Minute); !got.Equal(start.Add(time.Minute)) || len(notices) != 0 {
		t.Errorf("after a minute it is %v, with %v", got, notices)
	}
	wall = wall.Add(2 * time.Hour)
	if got := read(); !got.Equal(start.Add(time.Minute)) {
		t.Errorf("as the wall clock jumped, it went to %v", got)
	}
	got := pass(15 * time.Minute)
	if early := got.Sub(start.Add(16 * time.Minute)); early < 0 || early > time.Second {
		t.Errorf("15 minutes after a jump it is %v ahead", early)
	}
	if len(notices) != 1 {
		t.Errorf("one jump was noticed %d times: %v", len(notices), notices)
	}
	wall = wall.Add(-2 * time.Hour) // set right again
	before := got
	got = pass(15 * time.Minute)
	if off := got.Sub(start.Add(31 * time.Minute)); off < 0 || off > time.Second || got.Before(before) {
		t.Errorf("15 minutes after it was set right it is %v ahead", off)
	}
	// A wall clock that was wrong as the process began is followed in time.
	wall = wall.Add(-time.Minute)
	for range 1000 {
		before = got
		if got = pass(2 * time.Minute); got.Before(before) {
			t.Fatalf("it went back from %v to %v", before, got)
		}
	}
	if off := got.Sub(wall); off.Abs() > time.Millisecond {
		t.Errorf("in the end it is %v off", off)
	}
}

func TestSinceBoot(t *testing.T) {
	t.Parallel()
	first, began := sqlite.SinceBoot(), time.Now()
	for time.Since(began) < 5*time.Millisecond {
		if again := sqlite.SinceBoot(); again < first {
			t.Fatalf("%v comes after %v", again, first)
		}
	}
	if passed := sqlite.SinceBoot() - first; passed < 4*time.Millisecond {
		t.Errorf("5 ms were %v", passed)
	}
}
