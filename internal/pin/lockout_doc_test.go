package pin_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/pin"
)

// habit is how often the holder enters the right PIN while somebody guesses.
type habit string

const (
	never      habit = "never"
	atNoon     habit = "once a day"
	forGuesser habit = "whenever it helps the guesser most"
)

// step is the clock of the simulation: every lock of the default schedule, and
// noon, is a multiple of it.
const step = 15 * time.Minute

// attack returns how many wrong guesses are looked at in a span under the default
// limits. The guesser knows the limits, guesses as soon as a guess is to be had,
// stops before the one that deactivates, and takes that one at the end.
func attack(t *testing.T, h habit, span time.Duration) int {
	t.Helper()
	s := newStory(t, pin.DefaultLimits())
	guesses, due := 0, false
	enter := func() {
		if s.record.State(s.now) == pin.Ready {
			s.right()
			due = false
		}
	}
	// guess takes one if it is open, and one that deactivates only at the last.
	guess := func(last bool) bool {
		next, ticket, state := s.record.Spend(s.limits, s.now)
		if state != pin.Ready || ticket.Effect == pin.Deactivates && !last {
			return false
		}
		s.record = next
		guesses++
		return true
	}
	for at := time.Duration(0); at <= span; at += step {
		s.now = start.Add(at)
		// A holder who finds the PIN locked tries again.
		if due = due || h == atNoon && at%day == 12*time.Hour; due {
			enter()
		}
		for {
			// Four wrong guesses, then the holder's right one: no lock ever comes.
			if h == forGuesser && s.record.Failures == s.limits.LockAfter-1 {
				enter()
			}
			if !guess(false) {
				break
			}
		}
	}
	guess(true)
	return guesses
}

// attackRows are the rows of the table, as docs/lockout.md has them.
func attackRows(t *testing.T) []string {
	t.Helper()
	var rows []string
	for _, h := range []habit{never, atNoon, forGuesser} {
		for _, span := range []struct {
			name string
			days int
		}{{"a day", 1}, {"a month (30 days)", 30}, {"a year (365 days)", 365}} {
			n := attack(t, h, time.Duration(span.days)*day)
			rows = append(rows, fmt.Sprintf("| %s | %s | %d | %s | %s |", h, span.name, n,
				chance(n, 10_000-weak4), chance(n, 1_000_000-weak6)))
		}
	}
	return rows
}

// chance is the probability that n different guesses of so many PINs hit.
func chance(n, of int) string { return fmt.Sprintf("%.2g %%", 100*float64(n)/float64(of)) }

// The numbers that users read are those that the code gives.
func TestTheArithmeticOfTheLockoutPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/lockout.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(page), "\n")
	rows := attackRows(t)
	head := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "| right PINs in between |") })
	if head < 0 || len(lines) < head+2+len(rows)+1 {
		t.Fatalf("the page has no table of attacks; it should have\n%s", strings.Join(rows, "\n"))
	}
	if got := lines[head+2 : head+2+len(rows)]; !slices.Equal(got, rows) || lines[head+2+len(rows)] != "" {
		t.Errorf("the page's table is not the simulation's, which is\n%s", strings.Join(rows, "\n"))
	}
	for _, want := range []string{
		fmt.Sprintf("%d of the 10,000", weak4),
		fmt.Sprintf("%d,%03d of the 1,000,000", weak6/1000, weak6%1000),
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}
