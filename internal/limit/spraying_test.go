package limit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/limit"
	"github.com/hydracore/hydrapin/internal/pin"
)

func holder(n int) pin.Holder {
	return pin.CustomerHolder(uuid.UUID{1}, uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, n)))
}

// guessed are guesses of a number of holders, from the first on, each a second after the one before.
func guessed(first, holders int, correct bool) (all []audit.Guess) {
	for i := range holders {
		all = append(all, audit.Guess{Holder: holder(first + i), At: start.Add(time.Duration(i) * time.Second), Correct: correct})
	}
	return all
}

func TestSpraying(t *testing.T) {
	t.Parallel()
	now := start.Add(10 * time.Minute)
	for _, c := range []struct {
		name    string
		guesses []audit.Guess
		// until is in seconds from the moment that the first guess leaves the window.
		until int
	}{
		{"nobody", nil, -1},
		{"forty-nine", guessed(0, 49, false), -1},
		{"fifty", guessed(0, 50, false), 0},
		{"sixty", guessed(0, 60, false), 10},
		{"fifty, each of whom then had it", append(guessed(0, 50, false), guessed(0, 50, true)...), -1},
		{"fifty-one beside fifty", append(guessed(0, 51, false), guessed(100, 50, true)...), 1},
		{"a few holders, often", append(guessed(0, 40, false), guessed(0, 40, false)...), -1},
	} {
		until, _ := limit.Spraying(c.guesses, now)
		switch want := start.Add(limit.SprayWindow + time.Duration(c.until)*time.Second); {
		case c.until < 0 && !until.IsZero():
			t.Errorf("%s: until %s", c.name, until)
		case c.until >= 0 && !until.Equal(want):
			t.Errorf("%s: until %s, want %s", c.name, until, want)
		}
	}
	if until, holders := limit.Spraying(guessed(0, 60, false), start.Add(limit.SprayWindow+10*time.Second)); !until.IsZero() || holders != 49 {
		t.Errorf("an hour later: until %s, %d holders", until, holders)
	}
}

// It ends when it says, and not before.
func TestSprayingEndsByItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := start.Add(limit.SprayWindow)
		all := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) audit.Guess {
			return audit.Guess{
				Holder: holder(rapid.IntRange(0, 80).Draw(t, "holder")), Correct: rapid.IntRange(0, 4).Draw(t, "kind") == 0,
				At: start.Add(time.Duration(rapid.IntRange(-600, 3600).Draw(t, "at")) * time.Second),
			}
		}), 0, 200).Draw(t, "guesses")
		until, _ := limit.Spraying(all, now)
		if until.IsZero() {
			return
		}
		if !until.After(now) || until.After(now.Add(limit.SprayWindow)) {
			t.Fatalf("until %s, which is %s away", until, until.Sub(now))
		}
		before, _ := limit.Spraying(all, until.Add(-time.Microsecond))
		after, _ := limit.Spraying(all, until)
		if before.IsZero() || !after.IsZero() {
			t.Fatalf("it does not end at %s", until)
		}
	})
}
