package pin_test

import (
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/pin"
)

// habit is how often the holder enters the correct PIN while somebody guesses.
type habit string

const (
	never      habit = "never"
	atNoon     habit = "once a day"
	forGuesser habit = "whenever it helps the guesser most"
)

// step is the clock of the simulation: every lock of the default schedule, and
// noon, is a multiple of it.
const step = 15 * time.Minute

// attack returns how many incorrect guesses are hashed in a span under the default
// limits. The guesser knows the limits, guesses as soon as an attempt is free,
// stops before the one that deactivates, and spends that one at the end.
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
			// Four incorrect guesses, then the holder's correct one: no lock ever comes.
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
	left := map[int]int{}
	for _, digits := range counted {
		left[digits] = pow10(digits) - len(weakPINs(digits))
	}
	for _, h := range []habit{never, atNoon, forGuesser} {
		for _, span := range []struct {
			name string
			days int
		}{{"a day", 1}, {"a month (30 days)", 30}, {"a year (365 days)", 365}} {
			n := attack(t, h, time.Duration(span.days)*day)
			row := fmt.Sprintf("| %s | %s | %d |", h, span.name, n)
			for _, digits := range counted {
				row += fmt.Sprintf(" %s |", chance(n, left[digits]))
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// chance is the probability that one of n different guesses among so many PINs is correct.
func chance(n, of int) string {
	percent := 100 * float64(n) / float64(of)
	decimals := max(0, 1-int(math.Floor(math.Log10(percent))))
	return fmt.Sprintf("%.*f %%", decimals, percent)
}

// counted are the lengths that the page counts, in digits.
var counted = []int{4, 6, 8}

// familyRows say how many PINs each family has, and how many it and those above it leave.
func familyRows() []string {
	rows := make([]string, 0, len(generators))
	weak := map[int]map[string]bool{4: {}, 6: {}, 8: {}}
	for _, g := range generators {
		row := "| " + g.name + " |"
		for _, digits := range counted {
			members := set(g.members(digits))
			maps.Copy(weak[digits], members)
			row += fmt.Sprintf(" %s | %s |", thousands(len(members)), thousands(pow10(digits)-len(weak[digits])))
		}
		rows = append(rows, row)
	}
	return rows
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// The numbers that users read are the numbers that the code gives.
func TestTheArithmeticOfTheLockoutPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/lockout.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(page), "\n")
	for head, rows := range map[string][]string{
		"| family |":                  familyRows(),
		"| correct PINs in between |": attackRows(t),
	} {
		at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, head) }) + 2
		if at < 2 || len(lines) <= at+len(rows) || !slices.Equal(lines[at:at+len(rows)], rows) || lines[at+len(rows)] != "" {
			t.Errorf("the table %q on the page does not have the rows\n%s", head, strings.Join(rows, "\n"))
		}
	}
}
