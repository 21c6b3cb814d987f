package limit

import "time"

const (
	// SprayWindow is how far back guesses are looked at.
	SprayWindow = time.Hour
	// SprayHolders is how many holders must have guessed incorrectly.
	SprayHolders = 50
)

// Guessed are the holders whose PIN was guessed at on one instance within [SprayWindow], each once.
type Guessed struct{ Incorrectly, Correctly int }

// Sprays says whether somebody tries a few PINs with many holders, which no holder's own count shows:
// many were guessed incorrectly, and more than correctly. It ends by itself, as what was guessed leaves
// the window.
func (g Guessed) Sprays() bool {
	return g.Incorrectly >= SprayHolders && g.Incorrectly > g.Correctly
}
