package service

import (
	"errors"
	"time"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/limit"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// What a caller may be refused with. The edge maps each to a status.
var (
	// ErrNotFound: there is no such record of this tenant and instance.
	ErrNotFound = errors.New("service: no such record")
	// ErrNotPending: the confirmation is no longer pending.
	ErrNotPending = errors.New("service: the confirmation is not pending")
	// ErrNotApproved: there is no approval to redeem.
	ErrNotApproved = errors.New("service: the confirmation is not approved")
	// ErrExpired: the confirmation has expired.
	ErrExpired = errors.New("service: the confirmation has expired")
	// ErrAlreadyRedeemed: the approval was used up.
	ErrAlreadyRedeemed = errors.New("service: the confirmation was already redeemed")
	// ErrParamsMismatch: what is to run is not what was confirmed.
	ErrParamsMismatch = errors.New("service: the skill or params are not those that were confirmed")
	// ErrChanged: what the approval rested on no longer holds.
	ErrChanged = errors.New("service: something changed since the approval")
	// ErrFrozen: the instance or its tenant is frozen.
	ErrFrozen = errors.New("service: the instance is frozen")
	// ErrPageOnly: the policy takes PINs on the person's pages alone.
	ErrPageOnly = errors.New("service: PINs are entered on the page only")
	// ErrPINNotOwn: the policy wants a PIN that its holder chose.
	ErrPINNotOwn = errors.New("service: the PIN was not chosen by its holder")
	// ErrPINNotSet: there is no PIN to replace, and the holder may not set the first.
	ErrPINNotSet = errors.New("service: no PIN is set")
	// ErrPINUnchanged: the PIN that is being set is the present one.
	ErrPINUnchanged = errors.New("service: the PIN is the present one")
	// ErrLinkOver: the link was used, has ended or has expired.
	ErrLinkOver = errors.New("service: the link is over")
	// ErrNoLink: the confirmation is no longer pending, so it has no link.
	ErrNoLink = errors.New("service: the confirmation has no link")
	// ErrOutdatedForm: the page's form was sent before.
	ErrOutdatedForm = errors.New("service: the form is outdated")
	// ErrNoTriesLeft: the page of the confirmation takes no more tries.
	ErrNoTriesLeft = errors.New("service: the page has no tries left")
	// ErrNotRedeemed: an outcome is of a confirmation that was redeemed.
	ErrNotRedeemed = errors.New("service: the confirmation was not redeemed")
	// ErrOutcomeSet: another outcome was reported before.
	ErrOutcomeSet = errors.New("service: another outcome was reported before")
	// ErrLiftForbidden: a person's token froze, and only such a token lifts it.
	ErrLiftForbidden = errors.New("service: only an admin's token lifts this freeze")
	// ErrKeyExpiry: a key that is to be created has expired.
	ErrKeyExpiry = errors.New("service: the expiry of the key is not in the future")
	// ErrIdempotencyConflict: the key was used for another question.
	ErrIdempotencyConflict = errors.New("service: the idempotency key was used for another question")
	// ErrCallKeyConflict: the confirmation of another call holds the key.
	ErrCallKeyConflict = errors.New("service: the call key is held by another call")
	// ErrPrecondition: the policy has another version.
	ErrPrecondition = errors.New("service: the policy has another version")
	// ErrInactive: the PIN is deactivated; an admin must unlock or replace it.
	ErrInactive = errors.New("service: the PIN is deactivated")
	// ErrCurrentPINMissing: replacing a PIN needs the current one.
	ErrCurrentPINMissing = errors.New("service: current_pin is missing")
	// ErrUnauthorized: no credential, or a bad one.
	ErrUnauthorized = errors.New("service: bad credential")
	// ErrTooManyWebhooks: the tenant has as many as it may have.
	ErrTooManyWebhooks = errors.New("service: the tenant has too many webhooks")
	// ErrWebhookDisabled: nothing is sent to a webhook that is disabled.
	ErrWebhookDisabled = errors.New("service: the webhook is disabled")
	// ErrWebhookAddress: the address in a webhook's URL may not be dialed.
	ErrWebhookAddress = errors.New("service: the address of the webhook is not public")
	// ErrEventsScope: an API key that says where events go must be able to read them.
	ErrEventsScope = errors.New("service: the key lacks the scope events:read")
	// ErrUnavailable: something that is needed cannot be reached; nothing was
	// allowed.
	ErrUnavailable = errors.New("service: unavailable")
)

// What the hash pool, the slots and the store refuse with passes through as it is.
var (
	// ErrBusy: the hash queue has no place for the caller; see [BusyError].
	ErrBusy = argon2id.ErrBusy
	// ErrHasherClosed: the server stops.
	ErrHasherClosed = argon2id.ErrClosed
	// ErrUnknownPepper: the stored PIN needs a pepper that this node lacks.
	ErrUnknownPepper = argon2id.ErrUnknownPepper
	// ErrTooManyWaiting: as many calls of the tenant, or of the credential, wait as may. Nothing
	// was read, and nothing changed.
	ErrTooManyWaiting = limit.ErrTooManyWaiting
	// ErrTooBusy: as many calls wait as the server takes. Nothing was read, and nothing changed.
	ErrTooBusy = limit.ErrFull
	// ErrStoreUnavailable: the database cannot be reached.
	ErrStoreUnavailable = store.ErrUnavailable
	// ErrNewerSchema: a newer version has migrated the database, and this one cannot write to it.
	ErrNewerSchema = store.ErrNewerSchema
)

// BusyError is an [ErrBusy] that says when to come back.
type BusyError = argon2id.BusyError

// WrongPINError is an incorrect PIN.
type WrongPINError struct {
	// Remaining is how many guesses are left to the next lock or deactivation.
	Remaining int
	// LockedUntil is the end of the lock that holds now, or zero.
	LockedUntil time.Time
	// RetryAfter is how long that is from now, by the database's clock; zero without a lock.
	RetryAfter time.Duration
}

func (*WrongPINError) Error() string { return "service: incorrect PIN" }

// LockedError is a PIN that is locked for a time.
type LockedError struct {
	Until time.Time
	// RetryAfter is how long that is from now, by the database's clock.
	RetryAfter time.Duration
}

func (*LockedError) Error() string { return "service: the PIN is locked" }

// TooManyPendingError is a holder with too many pending confirmations.
type TooManyPendingError struct{ RetryAfter time.Duration }

func (*TooManyPendingError) Error() string {
	return "service: the holder has too many pending confirmations"
}

// EscalationError is a key that asked for more than it has.
type EscalationError struct{ Why auth.Escalation }

func (*EscalationError) Error() string { return "service: a key asks for more than it has" }

// SprayingError is an instance on which somebody sprayed PINs, so that none is taken for a time.
type SprayingError struct{ RetryAfter time.Duration }

func (*SprayingError) Error() string { return "service: no PIN is taken on the instance for a time" }

// PINFaultError is a PIN that may not be set.
type PINFaultError struct{ Fault pin.Fault }

func (*PINFaultError) Error() string { return "service: the PIN may not be set" }

// refused turns a refusal of the rules into the error for the caller.
func refused(r confirmation.Refusal) error {
	switch r {
	case confirmation.None:
		return nil
	case confirmation.NotPending:
		return ErrNotPending
	case confirmation.NotApproved:
		return ErrNotApproved
	case confirmation.HasExpired:
		return ErrExpired
	case confirmation.AlreadyRedeemed:
		return ErrAlreadyRedeemed
	case confirmation.ParamsMismatch:
		return ErrParamsMismatch
	case confirmation.Changed:
		return ErrChanged
	case confirmation.IsFrozen:
		return ErrFrozen
	case confirmation.IsPageOnly:
		return ErrPageOnly
	case confirmation.IsNotOwn:
		return ErrPINNotOwn
	case confirmation.NoTriesLeft:
		return ErrNoTriesLeft
	case confirmation.IsOutdated:
		return ErrOutdatedForm
	case confirmation.NotRedeemed:
		return ErrNotRedeemed
	case confirmation.OutcomeAlready:
		return ErrOutcomeSet
	default:
		return ErrNotApproved
	}
}

// sprayed returns a [*SprayingError] while no PIN is taken on the instance of a policy.
func sprayed(p policy.Policy, now time.Time) error {
	if p.SprayedUntil.After(now) {
		return &SprayingError{RetryAfter: p.SprayedUntil.Sub(now)}
	}
	return nil
}

// unusable turns a state in which no guess is compared into the error for the
// caller, or nil.
func unusable(r pin.Record, now time.Time) error {
	switch r.State(now) {
	case pin.Inactive:
		return ErrInactive
	case pin.Locked:
		return &LockedError{Until: r.LockedUntil, RetryAfter: r.LockedUntil.Sub(now)}
	case pin.NotSet:
		if r.Inactive { // deactivated by an admin: only an admin sets one
			return ErrInactive
		}
		return nil
	case pin.CoolingOff, pin.Ready:
		return nil
	default:
		return ErrInactive
	}
}

// notFound turns the store's error for a missing record into the caller's.
func notFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ErrNotFound
	}
	return err
}
