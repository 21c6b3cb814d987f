package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// ErrTraces is wrapped by what [CheckTraces] and [NewTraces] return for variables that ask for what
// this program does not have.
var ErrTraces = errors.New("telemetry: traces cannot be sent")

// flushTimeout bounds how long a stop waits for the collector.
const flushTimeout = 3 * time.Second

// Traces sends spans to a collector, by the environment variables that OpenTelemetry defines
// (OpenTelemetry specification, "Environment Variable Specification" and "OTLP Exporter
// Configuration"). Spans never hold a path, a query, a body, a credential or an argument of SQL.
type Traces struct {
	provider trace.TracerProvider
	tracer   trace.Tracer
	// sdk is nil when traces are off.
	sdk *sdktrace.TracerProvider
}

// NoTraces returns traces that go nowhere and cost nothing.
func NoTraces() *Traces {
	provider := noop.NewTracerProvider()
	return &Traces{provider: provider, tracer: provider.Tracer("")}
}

// CheckTraces says whether the environment asks for traces. They are off unless OTEL_TRACES_EXPORTER
// is otlp, or an endpoint is set and OTEL_TRACES_EXPORTER is not. Errors are [ErrTraces].
func CheckTraces(env func(string) string) (on bool, err error) {
	exporter := env("OTEL_TRACES_EXPORTER")
	endpoint := env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") + env("OTEL_EXPORTER_OTLP_ENDPOINT")
	switch {
	case env("OTEL_SDK_DISABLED") == "true", exporter == "none", exporter == "" && endpoint == "":
		return false, nil
	case exporter != "" && exporter != "otlp":
		return false, fmt.Errorf("%w: OTEL_TRACES_EXPORTER must be otlp or none", ErrTraces)
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if p := env(name); p != "" {
			if p != "http/protobuf" {
				return false, fmt.Errorf("%w: %s must be http/protobuf", ErrTraces, name)
			}
			break
		}
	}
	return true, nil
}

// NewTraces starts to send traces if the environment asks for them. version names this program's
// in each span. Errors are [ErrTraces]. The traces must be closed.
func NewTraces(ctx context.Context, env func(string) string, version string, log *slog.Logger) (*Traces, error) {
	on, err := CheckTraces(env)
	if err != nil {
		return nil, err
	}
	if !on {
		return NoTraces(), nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTraces, err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "hydrapin"), attribute.String("service.version", version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("%w: OTEL_RESOURCE_ATTRIBUTES: %w", ErrTraces, err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces could not be sent", "error", err) }))
	return newTraces(sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))), nil
}

func newTraces(sdk *sdktrace.TracerProvider) *Traces {
	return &Traces{provider: sdk, tracer: sdk.Tracer("github.com/hydracore/hydrapin"), sdk: sdk}
}

// Provider makes tracers for the stores. It is nil when traces are off.
func (t *Traces) Provider() trace.TracerProvider {
	if t.sdk == nil {
		return nil
	}
	return t.provider
}

// Close sends what is left, for a few seconds at most.
func (t *Traces) Close() {
	if t.sdk == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	_ = t.sdk.Shutdown(ctx)
}

// request begins the span of a request, as a child of the span that its client names (W3C Trace
// Context). done ends it.
func (t *Traces) request(c echo.Context, route string) (ctx context.Context, done func()) {
	req := c.Request()
	if t.sdk == nil {
		return req.Context(), func() {}
	}
	ctx = propagation.TraceContext{}.Extract(req.Context(), propagation.HeaderCarrier(req.Header))
	method := knownMethod(req.Method)
	ctx, span := t.tracer.Start(ctx, method+" "+route, trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route)))
	return ctx, func() {
		status := c.Response().Status
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		if r, err := From(c.Request().Context()); err == nil {
			span.SetAttributes(attribute.String("hydrapin.request_id", r.Caller.RequestID))
		}
		span.End()
	}
}
