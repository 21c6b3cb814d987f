package httpapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/hydracore/hydrapin/gen/api"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/wire"
)

const (
	challenge        = `Bearer realm="hydrapin"`
	challengeInvalid = challenge + `, error="invalid_token"`
)

// The answers, in the order of refusals.
var (
	noRoute = answer{
		status: http.StatusNotFound, kind: api.UrnHydrapinProblemNotFound, title: "Not found",
		detail: "There is no such route.",
	}
	methodNotAllowed = answer{
		status: http.StatusMethodNotAllowed, kind: api.UrnHydrapinProblemMethodNotAllowed, title: "Method not allowed",
		detail: "The route does not have this method; see Allow.",
	}
	noCredential = answer{
		status: http.StatusUnauthorized, kind: api.UrnHydrapinProblemUnauthorized, title: "Unauthorized",
		detail: "Send a bearer token or an X-Api-Key.", challenge: challenge,
	}
	badCredential = answer{
		status: http.StatusUnauthorized, kind: api.UrnHydrapinProblemUnauthorized, title: "Unauthorized",
		detail: "The credential is not valid.", challenge: challengeInvalid,
	}
	forbidden = answer{
		status: http.StatusForbidden, kind: api.UrnHydrapinProblemForbidden, title: "Forbidden",
		detail: "This credential does not open this operation.",
	}
	tooLarge = answer{
		status: http.StatusRequestEntityTooLarge, kind: api.UrnHydrapinProblemTooLarge, title: "Too large",
		detail: "The body is larger than 65536 bytes.",
	}
	unsupportedMediaType = answer{
		status: http.StatusUnsupportedMediaType, kind: api.UrnHydrapinProblemUnsupportedMediaType, title: "Unsupported media type",
		detail: "Send the body as application/json.",
	}
	notFound = answer{
		status: http.StatusNotFound, kind: api.UrnHydrapinProblemNotFound, title: "Not found",
		detail: "There is no such record.",
	}
	expired = answer{
		status: http.StatusGone, kind: api.UrnHydrapinProblemExpired, title: "Expired",
		detail: "The confirmation has expired; ask again.",
	}
	preconditionFailed = answer{
		status: http.StatusPreconditionFailed, kind: api.UrnHydrapinProblemPreconditionFailed, title: "Precondition failed",
		detail: "The policy was changed since; read it again.",
	}
	tooManyRequests = answer{
		status: http.StatusTooManyRequests, kind: api.UrnHydrapinProblemTooManyRequests, title: "Too many requests",
		detail: "The holder has 50 pending confirmations on this instance.",
	}
	busy = answer{
		status: http.StatusServiceUnavailable, kind: api.UrnHydrapinProblemBusy, title: "Busy",
		detail: "Too many PINs are being checked; try again.",
	}
	unavailable = answer{
		status: http.StatusServiceUnavailable, kind: api.UrnHydrapinProblemUnavailable, title: "Unavailable",
		detail: "Something that is needed cannot be reached; nothing was allowed.", soon: true,
	}
	pinLocked = answer{
		status: http.StatusLocked, kind: api.UrnHydrapinProblemPinLocked, title: "PIN locked",
		detail: "The PIN is locked after wrong guesses.",
	}
	pinInactive = answer{
		status: http.StatusLocked, kind: api.UrnHydrapinProblemPinInactive, title: "PIN inactive",
		detail: "The PIN is deactivated after wrong guesses; an admin unlocks or replaces it.",
	}
	wrongPIN = answer{
		status: http.StatusForbidden, kind: api.UrnHydrapinProblemWrongPin, title: "Wrong PIN",
		detail: "The PIN is wrong.",
	}
	changed = answer{
		status: http.StatusForbidden, kind: api.UrnHydrapinProblemChangedSinceApproval, title: "Changed since approval",
		detail: "What the approval rested on no longer holds; ask again.",
	}
	internal = answer{
		status: http.StatusInternalServerError, kind: api.UrnHydrapinProblemInternal, title: "Internal error",
		detail: "Something went wrong; nothing was allowed.",
	}
)

func conflict(kind api.ProblemType, title, detail string) answer {
	return answer{status: http.StatusConflict, kind: kind, title: title, detail: detail}
}

// errorTable says what becomes of an error: of the first row that knows it. What
// is in no row is [internal].
var errorTable = []func(error) (answer, bool){
	when(fromHTTPError),
	is(errNoCredential, noCredential),
	is(errRepeatedCredential, badCredential),
	is(service.ErrUnauthorized, badCredential),
	is(auth.ErrInvalidToken, badCredential),
	is(errForbidden, forbidden),
	is(errTooLarge, tooLarge),
	is(errMediaType, unsupportedMediaType),

	when(func(e *InvalidError) answer { return invalid(e.Faults...) }),
	when(func(e *service.PINFaultError) answer { return invalid(pinFault([]any{"body", "pin"}, e.Fault)) }),
	is(service.ErrCurrentPINMissing, invalid(missingFault([]any{"body", "current_pin"}))),

	is(service.ErrNotFound, notFound),
	is(service.ErrExpired, expired),
	is(service.ErrNotPending, conflict(api.UrnHydrapinProblemNotPending, "Not pending", "The confirmation is no longer pending.")),
	is(service.ErrNotApproved, conflict(api.UrnHydrapinProblemNotApproved, "Not approved", "There is no approval to redeem.")),
	is(service.ErrAlreadyRedeemed, conflict(api.UrnHydrapinProblemAlreadyRedeemed, "Already redeemed", "The approval was used before.")),
	is(service.ErrParamsMismatch, conflict(api.UrnHydrapinProblemParamsMismatch, "Params mismatch", "The skill or its params are not those that were confirmed.")),
	is(service.ErrIdempotencyConflict, conflict(api.UrnHydrapinProblemIdempotencyConflict, "Idempotency conflict", "The idempotency key was used for another question.")),
	is(service.ErrPrecondition, preconditionFailed),
	when(func(e *service.TooManyPendingError) answer {
		a := tooManyRequests
		a.retryAfter = e.RetryAfter
		return a
	}),

	when(func(e *service.BusyError) answer {
		a := busy
		a.retryAfter = e.RetryAfter
		return a
	}),
	is(service.ErrBusy, busy),
	is(service.ErrHasherClosed, unavailable),
	is(service.ErrUnknownPepper, unavailable),
	is(auth.ErrKeysNotLoaded, unavailable),
	is(service.ErrUnavailable, unavailable),
	is(service.ErrStoreUnavailable, unavailable),
	// The client has gone, or the server stops; whoever still listens is told no.
	is(context.Canceled, unavailable),
	is(context.DeadlineExceeded, unavailable),

	when(func(e *service.LockedError) answer {
		a := pinLocked
		a.attempts, a.lockedUntil, a.retryAfter = new(int), wire.TimePtr(e.Until), e.RetryAfter
		return a
	}),
	is(service.ErrInactive, func() answer {
		a := pinInactive
		a.attempts = new(int)
		return a
	}()),
	when(func(e *service.WrongPINError) answer {
		a := wrongPIN
		a.attempts, a.lockedUntil = &e.Remaining, wire.TimePtr(e.LockedUntil)
		return a
	}),
	is(service.ErrChanged, changed),
}

func answerOf(err error) answer {
	for _, row := range errorTable {
		if a, ok := row(err); ok {
			return a
		}
	}
	return internal
}

// is makes a row for a sentinel.
func is(target error, a answer) func(error) (answer, bool) {
	return func(err error) (answer, bool) { return a, errors.Is(err, target) }
}

// when makes a row for a type of error that carries something for the client.
func when[E error](tell func(E) answer) func(error) (answer, bool) {
	return func(err error) (answer, bool) {
		if e, ok := errors.AsType[E](err); ok {
			return tell(e), true
		}
		return answer{}, false
	}
}

func invalid(faults ...Fault) answer {
	return answer{status: http.StatusUnprocessableEntity, faults: faults}
}

// fromHTTPError is for what the router refuses. Everything else of Echo's would
// be a request that the guard let through and the generated code cannot read,
// which is a fault of this program.
func fromHTTPError(e *echo.HTTPError) answer {
	switch e.Code {
	case http.StatusNotFound:
		return noRoute
	case http.StatusMethodNotAllowed:
		return methodNotAllowed
	default:
		return internal
	}
}
