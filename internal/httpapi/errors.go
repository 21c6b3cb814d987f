package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/hydracore/hydrapin/internal/problem"
	"github.com/hydracore/hydrapin/internal/telemetry"
)

// AnswerError returns the error handler: the one place where an error becomes an answer. The cause
// goes into the request's log line, never into the answer.
func AnswerError(log *slog.Logger) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		ctx := c.Request().Context()
		if c.Response().Committed {
			log.DebugContext(ctx, "the answer could not be finished", "error", err)
			return
		}
		err = routed(err)
		p := problem.Of(err)
		refuse(ctx, p, err)
		p.SetHeaders(c.Response().Header())
		body, contentType := p.Body(c.Response().Header().Get(echo.HeaderXRequestID))
		if err := c.Blob(p.Status, contentType, body); err != nil {
			log.DebugContext(ctx, "the answer could not be finished", "error", err)
		}
	}
}

// routed replaces what the router refuses by the errors of problem. Any other error of Echo's would
// be a request that passed its guard and the generated code cannot read: a bug in this program,
// whose text may quote what the client sent.
func routed(err error) error {
	he, ok := errors.AsType[*echo.HTTPError](err)
	if !ok {
		return err
	}
	switch he.Code {
	case http.StatusNotFound:
		return problem.ErrNoRoute
	case http.StatusMethodNotAllowed:
		return problem.ErrMethodNotAllowed
	default:
		return &routerError{code: he.Code}
	}
}

// routerError is an error of Echo's without its text.
type routerError struct{ code int }

func (e *routerError) Error() string {
	return "httpapi: the router answered " + http.StatusText(e.code)
}

// refuse puts what the client does not learn into the log line of the request.
func refuse(ctx context.Context, p problem.Problem, err error) {
	r, noRequest := telemetry.From(ctx)
	if noRequest != nil {
		return
	}
	level, reason := slog.LevelError, "internal"
	switch {
	case p.Status == http.StatusUnauthorized:
		level, reason = slog.LevelInfo, "credential refused"
	case p.Limited():
		level, reason = slog.LevelDebug, "rate limit"
	case p.Status < http.StatusInternalServerError:
		return
	case errors.Is(ctx.Err(), context.Canceled):
		level, reason = slog.LevelDebug, "client gone"
	case p.Busy():
		level, reason = slog.LevelInfo, "queue full"
	case p.Status == http.StatusServiceUnavailable:
		level, reason = slog.LevelWarn, "unavailable"
	}
	r.Refuse(level, reason, slog.Any("error", err))
}
