package hydrapin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

var (
	// ErrNoAnswer is wrapped when no answer, or only a part of it, arrived. The operation may or
	// may not have been carried out. The skill must not run, and an attempt may have been spent.
	ErrNoAnswer = errors.New("no answer")
	// ErrUnexpectedAnswer is wrapped when this package does not recognise an answer, or when the
	// answer does not belong to the question. Treat it as "no".
	ErrUnexpectedAnswer = errors.New("unexpected answer")
	// ErrArgument is wrapped when a call was not sent because an argument is not valid.
	ErrArgument = errors.New("hydrapin: argument")
)

// Code is a problem code of the server. [errors.Is] finds it in the error that a call returned:
//
//	if errors.Is(err, hydrapin.ErrExpired) { … ask again … }
//
// A server that is newer than this package may send other codes.
type Code string //nolint:errname // its values are sentinels; it is the code that has the name

// The problem codes.
const (
	ErrUnauthorized         Code = "unauthorized"           // 401: no credential, or a bad one
	ErrForbidden            Code = "forbidden"              // 403: the credential does not open this
	ErrWrongPIN             Code = "wrong-pin"              // 403: see [WrongPINError]
	ErrPINLocked            Code = "pin-locked"             // 423: see [LockedError]
	ErrPINInactive          Code = "pin-inactive"           // 423: see [LockedError]
	ErrNotPending           Code = "not-pending"            // 409: the confirmation was decided before
	ErrNotApproved          Code = "not-approved"           // 409: the confirmation is not, or no longer, approved
	ErrExpired              Code = "expired"                // 410: too late; ask again
	ErrAlreadyRedeemed      Code = "already-redeemed"       // 409: the approval is used up
	ErrParamsMismatch       Code = "params-mismatch"        // 409: another skill, or other params, were confirmed
	ErrChangedSinceApproval Code = "changed-since-approval" // 403: PIN, lock or session changed; ask again
	ErrIdempotencyConflict  Code = "idempotency-conflict"   // 409: the key was used for another question
	ErrPreconditionFailed   Code = "precondition-failed"    // 412: somebody changed the policy; read it again
	ErrNotFound             Code = "not-found"              // 404: there is no such record
	ErrMethodNotAllowed     Code = "method-not-allowed"     // 405
	ErrTooLarge             Code = "too-large"              // 413: the body is longer than 64 KiB
	ErrUnsupportedMediaType Code = "unsupported-media-type" // 415
	ErrTooManyRequests      Code = "too-many-requests"      // 429: too many requests, or open confirmations of the holder
	ErrBusy                 Code = "busy"                   // 503: too many PINs are being checked, or calls are waiting; nothing was done
	ErrUnavailable          Code = "unavailable"            // 503: the server cannot answer now
	ErrInternal             Code = "internal"               // 500: the server's log has it under the request id
	ErrPageOnly             Code = "page-only"              // 403: the PIN can only be entered on the page
	ErrPINNotOwn            Code = "pin-not-own"            // 403: the holder has to set a PIN of their own
	ErrPINNotSet            Code = "pin-not-set"            // 409: there is no PIN
	ErrFrozen               Code = "frozen"                 // 403: an admin froze the instance or the tenant
	ErrOutcomeAlreadySet    Code = "outcome-already-set"    // 409: another outcome was reported before
	ErrNotRedeemed          Code = "not-redeemed"           // 409: an outcome is of a redeemed confirmation
	ErrTooManyWebhooks      Code = "too-many-webhooks"      // 409: the tenant has as many as it can have
	ErrWebhookDisabled      Code = "webhook-disabled"       // 409: nothing is sent to it
	// ErrInvalid stands for 422, which has no code on the wire: see [ValidationError].
	ErrInvalid Code = "invalid"
)

const problemPrefix = "urn:hydrapin:problem:"

// Error implements error.
func (c Code) Error() string { return "hydrapin: " + string(c) }

// APIError is an error that the server returned. [errors.As] finds it in every such error,
// including [ValidationError], [WrongPINError] and [LockedError].
type APIError struct {
	// Operation is the operation of the contract that failed.
	Operation string
	// Status is the HTTP status.
	Status int
	// Code says what went wrong. It is "" if the answer is not from hydrapin, for example from a
	// proxy.
	Code Code
	// Detail is for people.
	Detail string
	// RequestID is the id of the request in the server's log; "" if the answer had none.
	RequestID string
	// RetryAfter is how long to wait before a retry; 0 if the server did not say.
	RetryAfter time.Duration
}

// Error implements error.
func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "hydrapin: %s: %d", e.Operation, e.Status)
	if e.Code != "" {
		b.WriteString(" " + string(e.Code))
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.RequestID != "" {
		b.WriteString(" (request " + e.RequestID + ")")
	}
	return b.String()
}

// Is reports whether target is the error's code.
func (e *APIError) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code != "" && code == e.Code
}

// ValidationError has the validation errors of a request (422).
type ValidationError struct {
	APIError
	Faults []Fault
}

// Unwrap returns the [APIError].
func (e *ValidationError) Unwrap() error { return &e.APIError }

// Fault is one validation error.
type Fault struct {
	// Loc is where the error is: strings, and ints for places in a list, for example "body",
	// "pin_required_skills", 1.
	Loc []any
	// Message is for people. It never contains the value.
	Message string
	// Type is for programs: a type of pydantic 2, or one of the server's own such as
	// "pin_too_weak".
	Type string
}

// String returns the validation error in one line.
func (f Fault) String() string {
	loc := make([]string, len(f.Loc))
	for i, l := range f.Loc {
		loc[i] = fmt.Sprint(l)
	}
	return strings.Join(loc, ".") + ": " + f.Message + " (" + f.Type + ")"
}

// WrongPINError means that the PIN is incorrect (403). The attempt is spent.
type WrongPINError struct {
	APIError
	// Remaining is how many attempts are left before the PIN is locked or deactivated.
	Remaining int
	// LockedUntil is the end of the lock that this attempt caused; zero if it caused none.
	LockedUntil time.Time
}

// Unwrap returns the [APIError].
func (e *WrongPINError) Unwrap() error { return &e.APIError }

// LockedError means that the PIN is locked or deactivated (423). No attempt was spent.
type LockedError struct {
	APIError
	// Until is when the lock ends; zero if the PIN is deactivated, which only an admin can end.
	Until time.Time
}

// Unwrap returns the [APIError].
func (e *LockedError) Unwrap() error { return &e.APIError }

// refusal returns the error for an answer that is not a success.
func refusal(operation string, a answer) error {
	e := APIError{
		Operation: operation, Status: a.status, RequestID: a.header.Get("X-Request-Id"), RetryAfter: retryAfter(a.header),
	}
	if a.status == http.StatusUnprocessableEntity {
		if faults, ok := faultsOf(a.body); ok {
			e.Code, e.Detail = ErrInvalid, joined(faults)
			return &ValidationError{APIError: e, Faults: faults}
		}
	}
	members := membersOf(a.body)
	kind, _ := members["type"].(string)
	detail, isText := members["detail"].(string)
	if !strings.HasPrefix(kind, problemPrefix) || !isText {
		return &e
	}
	e.Code, e.Detail = Code(strings.TrimPrefix(kind, problemPrefix)), detail
	if id, ok := members["request_id"].(string); ok && id != "" {
		e.RequestID = id
	}
	lockedUntil := timeIn(members["locked_until"])
	switch e.Code {
	case ErrWrongPIN:
		wrong := &WrongPINError{APIError: e, LockedUntil: lockedUntil}
		if n, ok := members["attempts_remaining"].(json.Number); ok {
			wrong.Remaining, _ = strconv.Atoi(n.String())
		}
		return wrong
	case ErrPINLocked, ErrPINInactive:
		return &LockedError{APIError: e, Until: lockedUntil}
	default:
		return &e
	}
}

// membersOf returns the members of a JSON object, or none.
func membersOf(body []byte) map[string]any {
	value, err := parse(body)
	if err != nil {
		return nil
	}
	members, _ := value.(map[string]any)
	return members
}

func faultsOf(body []byte) ([]Fault, bool) {
	details, _ := membersOf(body)["detail"].([]any)
	faults := make([]Fault, len(details))
	for i := range details {
		detail, _ := details[i].(map[string]any)
		loc, isList := detail["loc"].([]any)
		message, hasMessage := detail["msg"].(string)
		kind, hasType := detail["type"].(string)
		if !isList || !hasMessage || !hasType {
			return nil, false
		}
		for j := range loc {
			if n, ok := loc[j].(json.Number); ok {
				place, err := strconv.Atoi(n.String())
				if err != nil {
					return nil, false
				}
				loc[j] = place
			}
		}
		faults[i] = Fault{Loc: loc, Message: message, Type: kind}
	}
	return faults, len(faults) > 0
}

func joined(faults []Fault) string {
	s := make([]string, len(faults))
	for i, f := range faults {
		s[i] = f.String()
	}
	return strings.Join(s, "; ")
}

// retryAfter reads Retry-After: seconds, as the server writes it, or a date, as proxies may.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if n, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// timeIn reads a time, or returns zero.
func timeIn(value any) time.Time {
	text, _ := value.(string)
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
