package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/hydracore/hydrapin/gen/api"
	"github.com/hydracore/hydrapin/internal/wire"
)

// answer is what an error becomes on the wire.
type answer struct {
	status int
	kind   api.ProblemType
	title  string
	detail string
	// retryAfter is told, rounded up to whole seconds, where it is more than zero.
	retryAfter time.Duration
	// soon tells to come back within seconds, not everybody at once.
	soon bool
	// attempts and lockedUntil are of the PIN, where they apply.
	attempts    *int
	lockedUntil *wire.Time
	// challenge is the WWW-Authenticate of a 401.
	challenge string
	// faults are those of a 422, which has a form of its own.
	faults []Fault
}

const problemJSON = "application/problem+json"

// answerError is the one place where an error becomes an answer.
func (s *Server) answerError(err error, c echo.Context) {
	ctx := c.Request().Context()
	if c.Response().Committed {
		s.log.DebugContext(ctx, "the answer could not be finished", "error", err)
		return
	}
	a := answerOf(err)
	s.logCause(ctx, err, a)
	body, contentType := a.body(c.Response().Header().Get(headerRequestID)), problemJSON
	if a.status == http.StatusUnprocessableEntity {
		contentType = echo.MIMEApplicationJSON
	}
	a.setHeaders(c.Response().Header())
	if err := c.Blob(a.status, contentType, body); err != nil {
		s.log.DebugContext(ctx, "the answer could not be finished", "error", err)
	}
}

// body returns the JSON of the answer.
func (a answer) body(requestID string) []byte {
	var v any = api.Problem{
		Type: a.kind, Title: a.title, Status: a.status, Detail: a.detail, RequestId: requestID,
		AttemptsRemaining: a.attempts, LockedUntil: a.lockedUntil,
	}
	if a.status == http.StatusUnprocessableEntity {
		v = struct {
			Detail []Fault `json:"detail"`
		}{a.faults}
	}
	// Neither has a value that cannot be written.
	body, _ := json.Marshal(v)
	return body
}

func (a answer) setHeaders(h http.Header) {
	h.Set(echo.HeaderCacheControl, "no-store")
	if a.challenge != "" {
		h.Set(echo.HeaderWWWAuthenticate, a.challenge)
	}
	if seconds := a.retrySeconds(); seconds > 0 {
		h.Set(echo.HeaderRetryAfter, strconv.FormatInt(seconds, 10))
	}
}

func (a answer) retrySeconds() int64 {
	switch {
	case a.soon:
		return 1 + rand.Int64N(5) //nolint:gosec // it spreads callers, and guards nothing
	case a.retryAfter > 0:
		return int64((a.retryAfter + time.Second - 1) / time.Second)
	case a.status == http.StatusLocked && a.kind == api.UrnHydrapinProblemPinLocked,
		a.status == http.StatusTooManyRequests, a.status == http.StatusServiceUnavailable:
		return 1
	default:
		return 0
	}
}

// logCause writes down what the client is not told.
func (s *Server) logCause(ctx context.Context, err error, a answer) {
	id := ""
	if r, e := requestOf(ctx); e == nil {
		id = r.caller.RequestID
	}
	cause := slog.Any("error", err)
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		// Its text may quote what the client sent.
		cause = slog.Int("http_error", he.Code)
	}
	level, reason := slog.LevelError, "internal"
	switch {
	case a.status == http.StatusUnauthorized:
		level, reason = slog.LevelInfo, "credential refused"
	case a.status < http.StatusInternalServerError:
		return
	case errors.Is(ctx.Err(), context.Canceled):
		level, reason = slog.LevelDebug, "client gone"
	case a.kind == api.UrnHydrapinProblemBusy:
		level, reason = slog.LevelInfo, "hash queue full"
	case a.status == http.StatusServiceUnavailable:
		level, reason = slog.LevelWarn, "unavailable"
	}
	s.log.LogAttrs(ctx, level, "request refused", slog.String("reason", reason), slog.String("request_id", id), cause)
}
