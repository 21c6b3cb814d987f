// Package problem turns every error of the project into its answer: status, code, text and
// headers. It knows neither the router nor the generated code.
//
// It guarantees that an error which is not in its table becomes a 500 that says nothing but its
// request id, and that no answer holds the text of an error.
package problem

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/hydracore/hydrapin/internal/limit"
	"github.com/hydracore/hydrapin/internal/openapi"
	"github.com/hydracore/hydrapin/internal/wire"
)

const (
	// typePrefix is how every type of a problem begins.
	typePrefix = "urn:hydrapin:problem:"

	typeProblem    = "application/problem+json"
	typeValidation = "application/json"
)

// Code says what went wrong, for programs. The contract lists all codes.
type Code string

// Problem is what an error becomes on the wire.
type Problem struct {
	Status int
	// Code is empty for a 422, which has a form of its own.
	Code   Code
	Title  string
	Detail string
	// AttemptsRemaining and LockedUntil are those of the PIN, where they apply.
	AttemptsRemaining *int
	LockedUntil       *wire.Time
	// Errors are those of a 422.
	Errors []openapi.FieldError

	// retryAfter is sent, rounded up to whole seconds, where it is more than zero, and wherever
	// LockedUntil is.
	retryAfter time.Duration
	// soon asks to come back within seconds, each caller at another moment.
	soon bool
	// header is what the answer has besides: its name and value, or nothing.
	header [2]string
	// limit is the limit of requests that was exceeded, if one was.
	limit *limit.ExceededError
}

// Type returns the problem's type, a URN; empty for a 422.
func (p Problem) Type() string {
	if p.Code == "" {
		return ""
	}
	return typePrefix + string(p.Code)
}

// document is a problem document (RFC 9457). The order of its members is part of the wire format.
type document struct {
	AttemptsRemaining *int       `json:"attempts_remaining,omitempty"`
	Detail            string     `json:"detail"`
	LockedUntil       *wire.Time `json:"locked_until,omitempty"`
	RequestID         string     `json:"request_id"`
	Status            int        `json:"status"`
	Title             string     `json:"title"`
	Type              string     `json:"type"`
}

// Body returns the JSON of the answer and its content type.
func (p Problem) Body(requestID string) (body []byte, contentType string) {
	var v any = document{
		Type: p.Type(), Title: p.Title, Status: p.Status, Detail: p.Detail, RequestID: requestID,
		AttemptsRemaining: p.AttemptsRemaining, LockedUntil: p.LockedUntil,
	}
	contentType = typeProblem
	if p.Status == http.StatusUnprocessableEntity {
		v = struct {
			Detail []openapi.FieldError `json:"detail"`
		}{p.Errors}
		contentType = typeValidation
	}
	// Neither form has a value that cannot be encoded.
	body, _ = json.Marshal(v)
	return body, contentType
}

// SetHeaders sets what the answer has besides its content type.
func (p Problem) SetHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	if p.header[0] != "" {
		h.Set(p.header[0], p.header[1])
	}
	if p.limit != nil {
		setLimit(h, p.limit)
	}
	if seconds := p.retrySeconds(); seconds > 0 {
		h.Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
}

// setLimit sets the headers of draft-ietf-httpapi-ratelimit-headers: what is allowed within which time,
// and that nothing of it is left until when.
func setLimit(h http.Header, e *limit.ExceededError) {
	h.Set("RateLimit-Policy", fmt.Sprintf(`%q;q=%d;w=%d`, e.Policy, e.Quota, wholeSeconds(e.Window)))
	h.Set("RateLimit", fmt.Sprintf(`%q;r=0;t=%d`, e.Policy, wholeSeconds(e.RetryAfter)))
}

// wholeSeconds rounds up.
func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// RetryAfter is after how long another try makes sense, zero where nothing says so.
func (p Problem) RetryAfter() time.Duration { return time.Duration(p.retrySeconds()) * time.Second }

func (p Problem) retrySeconds() int64 {
	switch {
	case p.soon:
		return 1 + rand.Int64N(5) //nolint:gosec // it spreads callers over time, and guards nothing
	case p.retryAfter > 0:
		return wholeSeconds(p.retryAfter)
	case p.LockedUntil != nil,
		p.Status == http.StatusTooManyRequests, p.Status == http.StatusServiceUnavailable:
		return 1
	default:
		return 0
	}
}

// Limited reports whether the problem is a rate limit, which a client can exceed as often as it likes.
func (p Problem) Limited() bool { return p.limit != nil }

// Busy reports whether the problem is a full queue, which is ordinary under load.
func (p Problem) Busy() bool { return p.Code == codeBusy }
