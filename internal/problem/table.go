package problem

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/limit"
	"github.com/hydracore/hydrapin/internal/openapi"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/webhook"
	"github.com/hydracore/hydrapin/internal/wire"
)

var (
	// ErrNoRoute means: nothing is served at the path.
	ErrNoRoute = errors.New("problem: no such route")
	// ErrMethodNotAllowed means: the route exists and does not have the method.
	ErrMethodNotAllowed = errors.New("problem: the route does not have this method")
)

const (
	challenge        = `Bearer realm="hydrapin"`
	challengeInvalid = challenge + `, error="invalid_token"`

	codeNotFound Code = "not-found"
	codeBusy     Code = "busy"
)

// The problems that more than one error becomes, or that carry something of the error.
var (
	badCredential = Problem{
		Status: http.StatusUnauthorized, Code: "unauthorized", Title: "Unauthorized",
		Detail: "The credential is not valid.", header: [2]string{"WWW-Authenticate", challengeInvalid},
	}
	unsupportedMediaType = Problem{
		Status: http.StatusUnsupportedMediaType, Code: "unsupported-media-type", Title: "Unsupported media type",
		Detail: "Send the body as application/json.",
	}
	tooManyRequests = Problem{
		Status: http.StatusTooManyRequests, Code: "too-many-requests", Title: "Too many requests",
		Detail: "The holder has too many open confirmations on this instance.",
	}
	spraying = Problem{
		Status: http.StatusTooManyRequests, Code: "too-many-requests", Title: "Too many requests",
		Detail: "The PINs of many holders were guessed incorrectly on this instance. None is accepted for a time, and no attempt was spent.",
	}
	tooManyWaiting = Problem{
		Status: http.StatusTooManyRequests, Code: "too-many-requests", Title: "Too many requests",
		Detail: "Too many of your requests are waiting. Nothing was done. Try again later.",
	}
	tooFast = Problem{
		Status: http.StatusTooManyRequests, Code: "too-many-requests", Title: "Too many requests",
		Detail: "Requests come too fast. Nothing was done. RateLimit-Policy says how many are allowed.",
	}
	tooBusy = Problem{
		Status: http.StatusServiceUnavailable, Code: codeBusy, Title: "Busy",
		Detail: "Too many requests are waiting. Nothing was done. Try again later.", soon: true,
	}
	busy = Problem{
		Status: http.StatusServiceUnavailable, Code: codeBusy, Title: "Busy",
		Detail: "Too many PINs are being checked. Try again later.",
	}
	unavailable = Problem{
		Status: http.StatusServiceUnavailable, Code: "unavailable", Title: "Unavailable",
		Detail: "A service that is needed cannot be reached. Nothing was allowed.", soon: true,
	}
	pinLocked = Problem{
		Status: http.StatusLocked, Code: "pin-locked", Title: "PIN locked",
		Detail: "The PIN is locked after incorrect attempts.", AttemptsRemaining: new(int),
	}
	wrongPIN = Problem{
		Status: http.StatusForbidden, Code: "wrong-pin", Title: "Incorrect PIN",
		Detail: "The PIN is incorrect.",
	}
	internal = Problem{
		Status: http.StatusInternalServerError, Code: "internal", Title: "Internal error",
		Detail: "Something went wrong. Nothing was allowed.",
	}
)

// table says what an error becomes: what the first row that matches it says. Its rows are in the
// order of refusals. An error that no row matches becomes [internal].
var table = []row{
	is(ErrNoRoute, Problem{
		Status: http.StatusNotFound, Code: codeNotFound, Title: "Not found",
		Detail: "There is no such route.",
	}),
	is(ErrMethodNotAllowed, Problem{
		Status: http.StatusMethodNotAllowed, Code: "method-not-allowed", Title: "Method not allowed",
		Detail: "The route does not have this method. Allow lists the methods it has.",
	}),
	as(tooFast, func(p *Problem, e *limit.ExceededError) { p.limit, p.retryAfter = e, e.RetryAfter }),
	is(openapi.ErrNoCredential, Problem{
		Status: http.StatusUnauthorized, Code: "unauthorized", Title: "Unauthorized",
		Detail: "Send a bearer token or an API key (X-Api-Key).", header: [2]string{"WWW-Authenticate", challenge},
	}),
	is(openapi.ErrNoToken, Problem{
		Status: http.StatusUnauthorized, Code: "unauthorized", Title: "Unauthorized",
		Detail: "Send a bearer token of a customer.", header: [2]string{"WWW-Authenticate", challenge},
	}),
	is(openapi.ErrRepeatedCredential, badCredential),
	is(service.ErrUnauthorized, badCredential),
	is(auth.ErrInvalidToken, badCredential),
	is(openapi.ErrForbidden, Problem{
		Status: http.StatusForbidden, Code: "forbidden", Title: "Forbidden",
		Detail: "This credential does not allow this operation.",
	}),
	is(service.ErrLiftForbidden, Problem{
		Status: http.StatusForbidden, Code: "forbidden", Title: "Forbidden",
		Detail: "An admin token froze this. Only an admin token can lift it.",
	}),
	is(service.ErrEventsScope, Problem{
		Status: http.StatusForbidden, Code: "forbidden", Title: "Forbidden",
		Detail: "To say which events go where, an API key needs the scope events:read too.",
	}),
	escalation(auth.OtherKind, "An API key can create only API keys. A runtime key needs an admin token."),
	escalation(auth.ScopeLacked, "An API key cannot create a key with a scope that it does not have."),
	escalation(auth.LaterExpiry, "An API key cannot create a key that expires later than itself."),
	escalation(auth.TooDeep, fmt.Sprintf("At most %d keys can be created one from another.", auth.MaxKeyDepth)),
	escalation(auth.NotCreatedByIt, "An API key can revoke only itself and the keys that were created with it."),
	is(openapi.ErrTooLarge, Problem{
		Status: http.StatusRequestEntityTooLarge, Code: "too-large", Title: "Too large",
		Detail: fmt.Sprintf("The body is larger than %d bytes.", openapi.MaxBody),
	}),
	as(unsupportedMediaType, func(p *Problem, e *openapi.UnsupportedMediaTypeError) {
		switch {
		case e.Coding: // RFC 9110, section 15.5.16
			p.header = [2]string{"Accept-Encoding", "identity"}
		case e.Patch: // RFC 5789, section 2.2
			p.header = [2]string{"Accept-Patch", "application/json"}
		}
	}),

	as(invalid(), func(p *Problem, e *openapi.ValidationError) { p.Errors = e.Errors }),
	as(invalid(), func(p *Problem, e *service.PINFaultError) {
		p.Errors = []openapi.FieldError{openapi.PINError([]any{"body", "pin"}, e.Fault)}
	}),
	is(service.ErrPINUnchanged, invalid(openapi.FieldError{
		Loc: []any{"body", "pin"}, Msg: "PIN is the current one", Type: "pin_unchanged",
	})),
	// The nil UUID is no instance.
	is(service.ErrKeySpec, invalid(openapi.FieldError{
		Loc: []any{"body"}, Msg: "Value error, exactly one of scopes and instance_id is required", Type: "value_error",
	})),
	is(service.ErrKeyExpiry, invalid(openapi.FieldError{
		Loc: []any{"body", "expires_at"}, Msg: "Value error, expires_at must be in the future", Type: "value_error",
	})),
	is(service.ErrWebhookAddress, invalid(openapi.FieldError{
		Loc: []any{"body", "url"}, Msg: "Value error, the address in the URL is not public", Type: "value_error",
	})),
	is(service.ErrCurrentPINMissing, invalid(openapi.Missing("body", "current_pin"))),

	is(service.ErrTooManyWaiting, tooManyWaiting),
	is(service.ErrTooBusy, tooBusy),
	is(service.ErrNotFound, Problem{
		Status: http.StatusNotFound, Code: codeNotFound, Title: "Not found",
		Detail: "There is no such record.",
	}),
	is(service.ErrFrozen, Problem{
		Status: http.StatusForbidden, Code: "frozen", Title: "Frozen",
		Detail: "The instance or its tenant is frozen.",
	}),
	is(service.ErrExpired, Problem{
		Status: http.StatusGone, Code: "expired", Title: "Expired",
		Detail: "The confirmation has expired. Ask again.",
	}),
	is(service.ErrNoLink, Problem{
		Status: http.StatusGone, Code: "expired", Title: "Expired",
		Detail: "The confirmation is no longer pending, so it has no link.",
	}),
	is(service.ErrNotPending, conflict("not-pending", "Not pending", "The confirmation is no longer pending.")),
	is(service.ErrNotApproved, conflict("not-approved", "Not approved", "The confirmation is not approved.")),
	is(service.ErrAlreadyRedeemed, conflict("already-redeemed", "Already redeemed", "The confirmation was already redeemed.")),
	is(service.ErrParamsMismatch, conflict("params-mismatch", "Params mismatch", "The skill or its params are not those that were confirmed.")),
	is(service.ErrIdempotencyConflict, conflict("idempotency-conflict", "Idempotency conflict", "The idempotency key was already used for a different question.")),
	is(service.ErrCallKeyConflict, conflict("idempotency-conflict", "Idempotency conflict", "The call key is held by the open confirmation of a different call.")),
	is(service.ErrNotRedeemed, conflict("not-redeemed", "Not redeemed", "The confirmation was not redeemed.")),
	is(service.ErrOutcomeSet, conflict("outcome-already-set", "Outcome already set", "A different outcome was already reported.")),
	is(service.ErrTooManyWebhooks, conflict("too-many-webhooks", "Too many webhooks",
		fmt.Sprintf("The tenant has %d webhooks, and can have no more. Delete one first.", webhook.MaxPerTenant))),
	is(service.ErrWebhookDisabled, conflict("webhook-disabled", "Webhook disabled",
		"The webhook is disabled, so nothing is sent to it. Enable it first.")),
	is(service.ErrPINNotSet, conflict("pin-not-set", "PIN not set", "No PIN is set. Choose the first one through a PIN link.")),
	is(service.ErrPrecondition, Problem{
		Status: http.StatusPreconditionFailed, Code: "precondition-failed", Title: "Precondition failed",
		Detail: "The policy has changed since you read it. Read it again.",
	}),
	is(service.ErrPageOnly, Problem{
		Status: http.StatusForbidden, Code: "page-only", Title: "Page only",
		Detail: "The policy accepts PINs only on the page. Send the person the link.",
	}),
	is(service.ErrPINNotOwn, Problem{
		Status: http.StatusForbidden, Code: "pin-not-own", Title: "PIN not own",
		Detail: "The policy accepts only a PIN that its holder chose. Send the person a PIN link.",
	}),
	as(spraying, func(p *Problem, e *service.SprayingError) { p.retryAfter = e.RetryAfter }),
	as(tooManyRequests, func(p *Problem, e *service.TooManyPendingError) { p.retryAfter = e.RetryAfter }),

	as(busy, func(p *Problem, e *service.BusyError) { p.retryAfter = e.RetryAfter }),
	is(service.ErrBusy, busy),
	is(service.ErrHasherClosed, unavailable),
	is(service.ErrUnknownPepper, unavailable),
	is(auth.ErrKeysNotLoaded, unavailable),
	is(service.ErrUnavailable, unavailable),
	is(service.ErrStoreUnavailable, unavailable),
	is(service.ErrNewerSchema, unavailable), // the load balancer has a node that can
	// The client has gone, or the server stops; anyone still connected gets a "no".
	is(context.Canceled, unavailable),
	is(context.DeadlineExceeded, unavailable),

	as(pinLocked, func(p *Problem, e *service.LockedError) {
		p.LockedUntil, p.retryAfter = wire.TimePtr(e.Until), e.RetryAfter
	}),
	is(service.ErrInactive, Problem{
		Status: http.StatusLocked, Code: "pin-inactive", Title: "PIN inactive",
		Detail: "The PIN is deactivated after incorrect attempts. An admin must unlock or replace it.", AttemptsRemaining: new(int),
	}),
	as(wrongPIN, func(p *Problem, e *service.WrongPINError) {
		p.AttemptsRemaining, p.LockedUntil, p.retryAfter = &e.Remaining, wire.TimePtr(e.LockedUntil), e.RetryAfter
	}),
	is(service.ErrChanged, Problem{
		Status: http.StatusForbidden, Code: "changed-since-approval", Title: "Changed since approval",
		Detail: "Something that the approval relied on has changed. Ask again.",
	}),
}

// Of returns what an error becomes on the wire.
func Of(err error) Problem {
	for _, r := range table {
		if p, ok := r.match(err); ok {
			return p
		}
	}
	return internal
}

// All returns every problem that the server answers with, in the order of refusals, each without
// what an error adds to it.
func All() []Problem {
	all := make([]Problem, 0, len(table)+1)
	for _, r := range table {
		all = append(all, r.problem)
	}
	return append(all, internal)
}

// row is an entry of the table.
type row struct {
	problem Problem
	match   func(error) (Problem, bool)
}

// is makes a row for a sentinel.
func is(target error, p Problem) row {
	return row{p, func(err error) (Problem, bool) { return p, errors.Is(err, target) }}
}

// as makes a row for a type of error that carries something for the client.
func as[E error](p Problem, fill func(*Problem, E)) row {
	return row{p, func(err error) (Problem, bool) {
		filled := p
		e, ok := errors.AsType[E](err)
		if ok {
			fill(&filled, e)
		}
		return filled, ok
	}}
}

// escalation makes the row of a reason why a key may not create or revoke another.
func escalation(why auth.Escalation, detail string) row {
	p := Problem{Status: http.StatusForbidden, Code: "forbidden", Title: "Forbidden", Detail: detail}
	return row{p, func(err error) (Problem, bool) {
		e, ok := errors.AsType[*service.EscalationError](err)
		return p, ok && e.Why == why
	}}
}

func invalid(errs ...openapi.FieldError) Problem {
	return Problem{Status: http.StatusUnprocessableEntity, Errors: errs}
}

func conflict(code Code, title, detail string) Problem {
	return Problem{Status: http.StatusConflict, Code: code, Title: title, Detail: detail}
}
