package hydrapin

import (
	"context"
	"errors"
)

// ErrNotConfirmed matches every [NotConfirmedError] with [errors.Is].
var ErrNotConfirmed = errors.New("hydrapin: not confirmed")

// NotConfirmedReason says why [Person.Guard] did not run the function. The list is closed.
type NotConfirmedReason string

// Why a function did not run.
const (
	// BecauseNotRequired: the policy needs no PIN for the skill, and AllowNotRequired is not set.
	// Usually the skill is misspelt, or the instance has no policy.
	BecauseNotRequired NotConfirmedReason = "not_required"
	// BecauseBlocked: no PIN can be used now; Detail says why.
	BecauseBlocked NotConfirmedReason = "blocked"
	// BecauseIncorrectPIN: OnPending passed on a [WrongPINError].
	BecauseIncorrectPIN NotConfirmedReason = "incorrect_pin"
	// BecauseLocked: OnPending passed on a [LockedError].
	BecauseLocked NotConfirmedReason = "locked"
	// BecauseDeclined: the person, or something else, said no; Detail says what.
	BecauseDeclined NotConfirmedReason = "declined"
	// BecauseExpired: nobody answered in time, or the approval was not redeemed in time.
	BecauseExpired NotConfirmedReason = "expired"
	// BecauseStillPending: the wait is over, and the person can still answer. Asking again with
	// the same key continues with the same question.
	BecauseStillPending NotConfirmedReason = "still_pending"
	// BecauseCancelled: the context ended, or OnPending returned an error of its own.
	BecauseCancelled NotConfirmedReason = "cancelled"
	// BecauseUnreachable: there was no complete answer, or the server could not answer.
	BecauseUnreachable NotConfirmedReason = "unreachable"
	// BecauseRefused: the server refused a call; Err says why.
	BecauseRefused NotConfirmedReason = "refused"
	// BecauseUnrecognised: an answer is not one of the contract's, or not to this question.
	BecauseUnrecognised NotConfirmedReason = "unrecognised"
	// BecauseInvalid: the question is not valid.
	BecauseInvalid NotConfirmedReason = "invalid"
)

// NotConfirmedError means that [Person.Guard] did not run the function. It is an [ErrNotConfirmed].
type NotConfirmedError struct {
	Reason NotConfirmedReason
	// Detail is why the confirmation is blocked or declined, as the server says it; otherwise "".
	Detail Reason
	// Confirmation is the confirmation as it was last seen; the zero value if the question got no
	// answer.
	Confirmation Confirmation
	// IdempotencyKey is the key of the question. After [BecauseStillPending], ask again with it to
	// continue: see [Person.WithKey].
	IdempotencyKey string
	// Err is what went wrong; nil if the reason says everything.
	Err error
}

// Error implements error.
func (e *NotConfirmedError) Error() string {
	s := ErrNotConfirmed.Error() + ": " + string(e.Reason)
	if e.Detail != "" {
		s += " (" + string(e.Detail) + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Is reports whether target is [ErrNotConfirmed].
func (e *NotConfirmedError) Is(target error) bool { return target == ErrNotConfirmed }

// Unwrap returns Err.
func (e *NotConfirmedError) Unwrap() error { return e.Err }

// reasonOf returns why nothing ran, for an error of a call or of OnPending.
func reasonOf(ctx context.Context, err error) NotConfirmedReason {
	var (
		refused *APIError
		params  *ParamsError
	)
	switch {
	case errors.As(err, &refused):
		return reasonOfRefusal(refused)
	case errors.Is(err, ErrUnexpectedAnswer):
		return BecauseUnrecognised
	case errors.As(err, &params), errors.Is(err, ErrArgument):
		return BecauseInvalid
	case ctx.Err() != nil:
		return BecauseCancelled
	case errors.Is(err, ErrNoAnswer), errors.Is(err, ErrCredential):
		return BecauseUnreachable
	default:
		return BecauseCancelled // OnPending gave up
	}
}

func reasonOfRefusal(e *APIError) NotConfirmedReason {
	switch {
	case e.Code == ErrWrongPIN:
		return BecauseIncorrectPIN
	case e.Code == ErrPINLocked, e.Code == ErrPINInactive:
		return BecauseLocked
	case e.Code == ErrExpired:
		return BecauseExpired
	case e.Status == 422:
		return BecauseInvalid
	case e.Status >= 500:
		return BecauseUnreachable
	case e.Code != "":
		return BecauseRefused
	default:
		return BecauseUnrecognised
	}
}

// sentences hold no link, no number and no word that a person or a model wrote.
var sentences = map[NotConfirmedReason]string{
	BecauseNotRequired:  "Not run: this tool is not covered by the instance's PIN policy. Do not call it again; tell the user.",
	BecauseBlocked:      "Not run: the user cannot confirm with a PIN at the moment. Do not call it again; tell the user.",
	BecauseIncorrectPIN: "Not run: the PIN was incorrect. Ask the user whether to try again.",
	BecauseLocked:       "Not run: the PIN is locked. Do not call it again; tell the user.",
	BecauseDeclined:     "Not run: the user declined. Do not call it again with the same arguments.",
	BecauseExpired:      "Not run: the user did not confirm in time. Ask the user whether to try again.",
	BecauseStillPending: "Not run yet: the user has not confirmed. Call this tool again with the same arguments once the user says so.",
	BecauseCancelled:    "Not run: the call was cancelled.",
	BecauseUnreachable:  "Not run: the confirmation service cannot be reached. Do not call it again now; tell the user.",
	BecauseRefused:      "Not run: the confirmation was refused. Do not call it again with the same arguments; tell the user.",
	BecauseUnrecognised: "Not run: the confirmation service gave no valid answer. Do not call it again; tell the user.",
	BecauseInvalid:      "Not run: these arguments cannot be confirmed. Check them against the tool's description.",
}

// Sentence is what to return to a model: one fixed sentence for each reason. Return it as the tool's
// result, not as an error, which most frameworks make the model repeat.
func (e *NotConfirmedError) Sentence() string { return sentences[e.Reason] }
