package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/service"
)

// observer counts and traces the steps of the service.
type observer struct {
	metrics *Metrics
	traces  *Traces
}

var _ service.Observer = observer{}

// Observer observes a service. What it sees becomes metrics and spans.
func (t *Telemetry) Observer() service.Observer {
	return observer{metrics: t.Metrics, traces: t.traces}
}

// Step implements [service.Observer].
func (o observer) Step(ctx context.Context, op service.Operation) (context.Context, func(service.Report)) {
	ctx, span := o.traces.tracer.Start(ctx, "step "+string(op))
	return ctx, func(r service.Report) {
		span.SetAttributes(attribute.String("hydrapin.result", string(r.Result)))
		if r.Result == service.Failed || r.Result == service.Unknown {
			span.SetStatus(codes.Error, "")
		}
		span.End()
		o.metrics.steps.WithLabelValues(string(op), string(r.Result)).Inc()
		o.metrics.stepSeconds.WithLabelValues(string(op)).Observe(r.Took.Seconds())
		for _, e := range r.Events {
			o.metrics.event(e.Details.Type())
		}
	}
}

// Hashed counts and traces one use of the hash queue, which has just ended: how long it waited for a
// worker, and how long the hash took.
func (t *Telemetry) Hashed(ctx context.Context, wait, took time.Duration) {
	t.Metrics.hashWait.Observe(wait.Seconds())
	t.Metrics.hashSeconds.Observe(took.Seconds())
	end := time.Now()
	_, span := t.traces.tracer.Start(ctx, "hash", trace.WithTimestamp(end.Add(-took)),
		trace.WithAttributes(attribute.Float64("hydrapin.wait_seconds", wait.Seconds())))
	span.End(trace.WithTimestamp(end))
}

// counted is which counter an event adds to, with the value of its label; none for the others.
type counted struct{ counter, value string }

// The counters that are made of events.
const (
	countAttempts      = "hydrapin_pin_attempts_total"
	countLocks         = "hydrapin_pin_locks_total"
	countConfirmations = "hydrapin_confirmations_total"
	countSessions      = "hydrapin_sessions_total"
)

// byEvent is which counters are made of which events.
var byEvent = map[audit.Type]counted{
	audit.TypePINVerified:    {countAttempts, "correct"},
	audit.TypePINFailed:      {countAttempts, "incorrect"},
	audit.TypePINRefused:     {countAttempts, "refused"},
	audit.TypePINLocked:      {countLocks, "locked"},
	audit.TypePINDeactivated: {countLocks, "deactivated"},
	audit.TypePINUnlocked:    {countLocks, "unlocked"},

	audit.TypeConfirmationNotRequired: {countConfirmations, "not_required"},
	audit.TypeConfirmationBlocked:     {countConfirmations, "blocked"},
	audit.TypeConfirmationAsked:       {countConfirmations, "asked"},
	audit.TypeConfirmationApproved:    {countConfirmations, "approved"},
	audit.TypeConfirmationDeclined:    {countConfirmations, "declined"},
	audit.TypeConfirmationExpired:     {countConfirmations, "expired"},
	audit.TypeConfirmationRedeemed:    {countConfirmations, "redeemed"},
	audit.TypeConfirmationRefused:     {countConfirmations, "refused"},

	audit.TypeSessionOpened: {countSessions, "opened"},
	audit.TypeSessionEnded:  {countSessions, "ended"},
}
