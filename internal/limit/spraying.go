package limit

import (
	"slices"
	"time"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/pin"
)

const (
	// SprayWindow is how far back guesses are looked at.
	SprayWindow = time.Hour
	// SprayHolders is how many holders must have guessed incorrectly.
	SprayHolders = 50
)

// Spraying says whether somebody tries a few PINs with many holders of an instance, which no holder's
// own count shows: within [SprayWindow], at least [SprayHolders] holders guessed incorrectly there, and
// more than guessed correctly. until is when that ends by itself if nobody guesses any more, because
// the guesses leave the window; it is zero when it does not hold. holders is how many guessed
// incorrectly.
func Spraying(guesses []audit.Guess, now time.Time) (until time.Time, holders int) {
	// What counts of a holder is its last guess of each kind.
	last := map[bool]map[pin.Holder]time.Time{false: {}, true: {}}
	for _, g := range guesses {
		if of := last[g.Correct]; g.At.After(now.Add(-SprayWindow)) && g.At.After(of[g.Holder]) {
			of[g.Holder] = g.At
		}
	}
	incorrect, correct := leaving(last[false]), leaving(last[true])
	holders = len(incorrect)
	for at := now; len(incorrect) >= SprayHolders && len(incorrect) > len(correct); until = at {
		at = incorrect[0]
		gone := func(leaves time.Time) bool { return !leaves.After(at) }
		incorrect, correct = slices.DeleteFunc(incorrect, gone), slices.DeleteFunc(correct, gone)
	}
	return until, holders
}

// leaving returns when each holder's guess leaves the window, the first first.
func leaving(last map[pin.Holder]time.Time) []time.Time {
	leave := make([]time.Time, 0, len(last))
	for _, at := range last {
		leave = append(leave, at.Add(SprayWindow))
	}
	slices.SortFunc(leave, time.Time.Compare)
	return leave
}
