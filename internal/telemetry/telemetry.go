// Package telemetry shows a running server from outside: an id for every request, one log line for
// each, metrics and traces.
//
// It guarantees that no log line and no metric holds a path, a query, a body, a header or a
// credential, that labels come from closed sets, so that no request makes a series of its own, and
// that a panic becomes an error. It knows who calls, and nothing of what an operation does.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

const (
	headerRequestID = "X-Request-Id"
	// statusGone stands in the log for a client that disconnected before the answer.
	statusGone = 499
)

// Telemetry observes the requests of one server.
type Telemetry struct {
	Metrics *Metrics

	log     *slog.Logger
	traces  *Traces
	proxies []netip.Prefix
	// proxied is for the one line about a proxy that is not trusted.
	proxied sync.Once
}

// New returns a Telemetry that writes to the log, which should be one of [Logger]. Forwarded
// addresses are accepted from the trusted proxies only.
func New(log *slog.Logger, traces *Traces, trustedProxies []netip.Prefix) *Telemetry {
	return &Telemetry{Metrics: newMetrics(), log: log, traces: traces, proxies: trustedProxies}
}

// Observe makes e give every request an id, turn a panic into an error, answer every error with
// its error handler, and log and measure every request. It must be called before any other
// middleware is added.
func (t *Telemetry) Observe(e *echo.Echo) {
	routes := sync.OnceValue(func() map[string]bool {
		known := map[string]bool{}
		for _, r := range e.Routes() {
			known[r.Path] = true
		}
		return known
	})
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			start := time.Now()
			route := c.Path()
			if !routes()[route] {
				route = noRoute
			}
			r := newRequest(c.Request(), t.proxies)
			ctx, done := t.traces.request(c, route)
			defer done()
			c.SetRequest(c.Request().WithContext(context.WithValue(ctx, requestKey{}, r)))
			c.Response().Header().Set(headerRequestID, r.Caller.RequestID)
			if err := t.recovered(next, c, r); err != nil {
				c.Error(err)
			}
			took := time.Since(start)
			t.logRequest(c, r, took)
			if r.Limited && r.Distrusted {
				t.warnOfProxy(r)
			}
			t.Metrics.observe(route, c.Request().Method, c.Response().Status, took)
			return nil
		}
	})
}

// PanicError is a panic of a handler. The value may hold anything and is not kept, only its type.
type PanicError struct{ of string }

func (e *PanicError) Error() string { return "telemetry: panic with a " + e.of }

// recovered calls next and returns a panic as an error. An answer that has begun cannot become a
// 500; its connection is cut, so that no client mistakes a part of it for the whole.
func (t *Telemetry) recovered(next echo.HandlerFunc, c echo.Context, r *Request) (err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if e, ok := v.(error); ok && errors.Is(e, http.ErrAbortHandler) {
			panic(v)
		}
		attrs := []any{
			"route", c.Path(), "operation", r.Operation,
			"panic", fmt.Sprintf("%T", v), "stack", string(debug.Stack()),
		}
		if e, ok := v.(runtime.Error); ok {
			attrs = append(attrs, "error", e)
		}
		t.log.ErrorContext(c.Request().Context(), "panic", attrs...)
		if c.Response().Committed {
			panic(http.ErrAbortHandler)
		}
		err = &PanicError{of: fmt.Sprintf("%T", v)}
	}()
	return next(c)
}

// warnOfProxy says once that whoever comes through a proxy is limited together.
func (t *Telemetry) warnOfProxy(r *Request) {
	t.proxied.Do(func() {
		t.log.Warn("requests that carry X-Forwarded-For are limited by the address of the proxy that sends them, because it is not trusted; "+
			"if it is yours, add it to HYDRAPIN_TRUSTED_PROXIES", "peer", r.Caller.Peer)
	})
}

// logRequest writes the line of a request. It names the route, never the path or the query, and
// of the credential only its kind and id.
func (t *Telemetry) logRequest(c echo.Context, r *Request, took time.Duration) {
	ctx := c.Request().Context()
	status, level := c.Response().Status, slog.LevelInfo
	switch {
	case status == http.StatusServiceUnavailable && errors.Is(ctx.Err(), context.Canceled):
		status, level = statusGone, slog.LevelDebug
	case r.refusal.reason != "":
		level = r.refusal.level
	case r.Operation == "" && status < http.StatusBadRequest:
		// Probes and pages: there are many, and they concern nobody.
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("method", knownMethod(c.Request().Method)), slog.String("route", c.Path()),
		slog.Int("status", status), slog.Float64("duration_ms", float64(took.Microseconds())/1000),
	}
	for _, a := range []slog.Attr{
		slog.String("operation", r.Operation), slog.String("client_request_id", r.clientID),
		slog.String("peer", r.Caller.Peer), slog.String("reason", r.refusal.reason),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	if r.refusal.reason != "" {
		attrs = append(attrs, r.refusal.cause)
	}
	if r.Caller.Tenant != uuid.Nil {
		attrs = append(attrs, slog.String("tenant", r.Caller.Tenant.String()),
			slog.String("actor_kind", string(r.Caller.Kind)), slog.String("actor", r.Caller.ID))
	}
	t.log.LogAttrs(ctx, level, "request", attrs...)
}
