package page

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/pin"
)

// Backend is what the pages need of the service. Every method may return [ErrNotFound] or a *[RefusedError];
// any other error is a 500, and its text is given to [Options.Report] alone. Nothing is confirmed or
// set unless a method says so with [Decided] or [PINSet].
type Backend interface {
	// Question returns a confirmation as it is now. It changes nothing and spends nothing.
	Question(ctx context.Context, confirmation uuid.UUID) (Question, error)
	// Decide carries out what the person decided, and returns the confirmation as it is afterwards.
	Decide(ctx context.Context, answer Answer) (Verdict, error)
	// PINLink returns the link as it is now. It changes nothing and spends nothing.
	PINLink(ctx context.Context, link uuid.UUID) (PINLink, error)
	// SetPIN sets the PIN that the person chose, once, and returns the link as it is afterwards.
	SetPIN(ctx context.Context, choice Choice) (SetVerdict, error)
}

// ErrNotFound is returned by a [Backend] for an id that it does not know: the same 404 page as for a
// token that does not verify.
var ErrNotFound = errors.New("page: not found")

// RefusedError is the error of a [Backend] that did nothing and spent nothing: a status of 429, 500 or 503,
// and after how long another try makes sense (zero: not said).
type RefusedError struct {
	Status     int
	RetryAfter time.Duration
}

func (*RefusedError) Error() string { return "page: refused" }

// State is what became of a confirmation. The zero State is none and is answered with a 500.
type State int

// The states of a confirmation, as its page names them.
const (
	Pending       State = iota + 1
	Confirmed           // approved or redeemed
	NotCarriedOut       // approved, and expired before it was redeemed
	Declined
	Expired
)

// Obstacle is why no PIN can be entered now. It leaves the question pending and the page without a PIN
// field; declining stays possible.
type Obstacle int

// The obstacles. NoObstacle is none.
const (
	NoObstacle  Obstacle = iota
	Frozen               // confirmations are paused
	PINLocked            // LockedUntil says until when
	PINInactive          // until an admin unlocks it
	PINNotOwn            // the policy wants a PIN that the holder chose
)

// Question is a confirmation as its page shows it. Only a pending one needs more than State.
type Question struct {
	State State
	// Skill is the skill as the runtime named it.
	Skill string
	// Summary and Params are the action's; both are empty without an action. Params are the bytes of
	// the canonical JSON object.
	Summary string
	Params  []byte

	ExpiresAt time.Time
	// Opens is the session that the PIN would open; nil when it opens none.
	Opens *Session

	// TriesUsed counts the page's tries so far. A form carries it, and [Answer.TriesUsed] brings it
	// back.
	TriesUsed int
	// TriesLeft is the lower of the page's and the PIN's tries left.
	TriesLeft   int
	Obstacle    Obstacle
	LockedUntil time.Time
}

// Session is the PIN session that a PIN would open, and what it also approves.
type Session struct {
	Until time.Time
	// Skills are the policy's entries, as they are stored.
	Skills []string
	// Others are the skills of the other pending questions that the PIN would approve too.
	Others []string
}

// Decision is what the person decided.
type Decision string

// The decisions; the values are those of the form's field "decision".
const (
	Confirm Decision = "confirm"
	Decline Decision = "decline"
	// Dispute declines and says that the person did not ask for it.
	Dispute Decision = "dispute"
)

// Answer is one decision about one confirmation.
type Answer struct {
	Confirmation uuid.UUID
	Decision     Decision
	// PIN is what was entered to confirm, and the zero PIN otherwise.
	PIN pin.PIN
	// TriesUsed is the number of the form that was sent. To confirm with another number than the
	// confirmation's spends nothing and is [Outdated]; declining needs no number.
	TriesUsed int
}

// Outcome is what came of an [Answer]. The zero Outcome is none and is answered with a 500.
type Outcome int

// The outcomes, with the status of their answer.
const (
	Decided   Outcome = iota + 1 // as the person asked: 303 to the same page
	Outdated                     // the form was, nothing spent: the page as it is now
	Incorrect                    // 403, with the tries left; a third one has also declined
	Refused                      // nothing spent: 423 locked or inactive, 403 frozen or not their own
	Ended                        // the question had ended before: 410
)

// Verdict is an [Outcome] and the confirmation as it is afterwards.
type Verdict struct {
	Outcome  Outcome
	Question Question
}

// LinkState is what became of a link for setting a PIN. The zero LinkState is none.
type LinkState int

// The states of a link.
const (
	LinkOpen  LinkState = iota + 1
	LinkUsed            // the PIN was set with it
	LinkEnded           // expired, replaced or ended
)

// PINLink is a link for setting a PIN as its page shows it. Only an open one needs more than State.
type PINLink struct {
	State LinkState
	// NeedsCurrent says that the present PIN must be entered too.
	NeedsCurrent bool
	// Rules say how long the new PIN may be.
	Rules pin.Rules
	// TriesLeft are those of the present PIN, where it must be entered.
	TriesLeft int
	// Obstacle is NoObstacle, PINLocked or PINInactive.
	Obstacle    Obstacle
	LockedUntil time.Time
}

// Choice is a PIN that a person chose through a link.
type Choice struct {
	Link uuid.UUID
	PIN  pin.PIN
	// Current is the present PIN as it was entered, the zero PIN when the form had none.
	Current pin.PIN
}

// SetOutcome is what came of a [Choice]. The zero SetOutcome is none and is answered with a 500.
type SetOutcome int

// The outcomes, with the status of their answer.
const (
	PINSet           SetOutcome = iota + 1 // 303 to the same page
	PINWeak                                // 422
	PINUnchanged                           // 422: it is the present PIN
	CurrentMissing                         // 422: the present PIN must be entered, and was not
	CurrentIncorrect                       // 403, with the tries left
	SetRefused                             // 423: the present PIN is locked or inactive
	LinkOver                               // 410: used, ended or expired
)

// SetVerdict is a [SetOutcome] and the link as it is afterwards.
type SetVerdict struct {
	Outcome SetOutcome
	Link    PINLink
}
