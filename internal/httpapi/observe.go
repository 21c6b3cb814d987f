package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// statusGone stands in the log for a client that went away before the answer.
const statusGone = 499

// observe gives a request its id, turns a panic into a 500, has every error
// answered in one place, and writes one line about it all.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		r := s.begin(c.Request())
		c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), requestKey{}, r)))
		c.Response().Header().Set(headerRequestID, r.caller.RequestID)
		if err := s.recovered(next, c, r); err != nil {
			c.Error(err)
		}
		s.logRequest(c, r, time.Since(start))
		return nil
	}
}

// panicError is a panic of a handler. What it panicked with may hold anything and
// is not kept, only its type.
type panicError struct{ of string }

func (e *panicError) Error() string { return "httpapi: panic with a " + e.of }

// recovered calls next and returns a panic as an error. An answer that has begun
// cannot become a 500; its connection is cut instead, so that nobody takes half
// of it for the whole.
func (s *Server) recovered(next echo.HandlerFunc, c echo.Context, r *request) (err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if e, ok := v.(error); ok && errors.Is(e, http.ErrAbortHandler) {
			panic(v)
		}
		attrs := []any{
			"request_id", r.caller.RequestID, "route", c.Path(), "operation", r.operation,
			"panic", fmt.Sprintf("%T", v), "stack", string(debug.Stack()),
		}
		if e, ok := v.(runtime.Error); ok {
			attrs = append(attrs, "error", e)
		}
		s.log.ErrorContext(c.Request().Context(), "panic", attrs...)
		if c.Response().Committed {
			panic(http.ErrAbortHandler)
		}
		err = &panicError{of: fmt.Sprintf("%T", v)}
	}()
	return next(c)
}

// logRequest writes the line of a request. It names the route, never the path or
// the query, and of the credential only its kind and id.
func (s *Server) logRequest(c echo.Context, r *request, took time.Duration) {
	ctx := c.Request().Context()
	status, level := c.Response().Status, slog.LevelInfo
	switch {
	case status == http.StatusServiceUnavailable && errors.Is(ctx.Err(), context.Canceled):
		status, level = statusGone, slog.LevelDebug
	case r.operation == "" && status < http.StatusBadRequest:
		// Probes and pages: too many, and nobody's.
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("method", knownMethod(c.Request().Method)), slog.String("route", c.Path()),
		slog.Int("status", status), slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("request_id", r.caller.RequestID),
	}
	for _, a := range []slog.Attr{
		slog.String("operation", r.operation), slog.String("client_request_id", r.clientID), slog.String("peer", r.caller.Peer),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	if r.caller.Tenant != uuid.Nil {
		attrs = append(attrs, slog.String("tenant", r.caller.Tenant.String()),
			slog.String("actor_kind", string(r.caller.Kind)), slog.String("actor", r.caller.ID))
	}
	s.log.LogAttrs(ctx, level, "request", attrs...)
}

// knownMethod keeps a client from writing what it likes into the log.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return m
	default:
		return "other"
	}
}
