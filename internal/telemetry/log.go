package telemetry

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// Logger returns a logger that adds to each line the ids of the request and of the trace that it
// belongs to, as far as the line's context has them.
func Logger(log *slog.Logger) *slog.Logger { return slog.New(identified{log.Handler()}) }

// identified is a handler that adds the ids of a line's context.
type identified struct{ slog.Handler }

// Handle implements [slog.Handler].
func (h identified) Handle(ctx context.Context, line slog.Record) error {
	if r, err := From(ctx); err == nil {
		line.AddAttrs(slog.String("request_id", r.Caller.RequestID))
	}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		line.AddAttrs(slog.String("trace_id", span.TraceID().String()))
	}
	return h.Handler.Handle(ctx, line)
}

// WithAttrs implements [slog.Handler].
func (h identified) WithAttrs(attrs []slog.Attr) slog.Handler {
	return identified{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (h identified) WithGroup(name string) slog.Handler { return identified{h.Handler.WithGroup(name)} }
