package telemetry

import (
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hydracore/hydrapin/internal/audit"
)

// Labels of what is not known, so that a request cannot make a series of its own.
const (
	noRoute     = "none"
	otherMethod = "other"
)

// Metrics count what the server does. Their labels come from closed sets: the routes that are
// registered, the methods of HTTP, classes of statuses, and the names that the service has for its
// operations and results.
type Metrics struct {
	registry    *prometheus.Registry
	requests    *prometheus.HistogramVec
	steps       *prometheus.CounterVec
	stepSeconds *prometheus.HistogramVec
	hashWait    prometheus.Histogram
	hashSeconds prometheus.Histogram
	// events are the counters that are made of events, by their names.
	events map[string]*prometheus.CounterVec
}

// Buckets of durations, in seconds.
var (
	requestBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 30}
	stepBuckets    = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}
	hashBuckets    = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
)

func newMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "hydrapin_http_request_duration_seconds",
			Help:    "How long requests took, by route, method and class of status (2xx).",
			Buckets: requestBuckets,
		}, []string{"route", "method", "status"}),
		steps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hydrapin_steps_total",
			Help: "Transactions of operations, by operation and result: committed, refused (the decision was no), failed (nothing is stored) or unknown (the connection was lost during the commit).",
		}, []string{"operation", "result"}),
		stepSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "hydrapin_step_duration_seconds",
			Help:    "How long transactions of operations took, waits for a connection and for locks included.",
			Buckets: stepBuckets,
		}, []string{"operation"}),
		hashWait: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hydrapin_hash_wait_seconds", Help: "How long hashes waited for a worker.", Buckets: hashBuckets,
		}),
		hashSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hydrapin_hash_duration_seconds", Help: "How long hashes took.", Buckets: hashBuckets,
		}),
		events: map[string]*prometheus.CounterVec{
			countAttempts: prometheus.NewCounterVec(prometheus.CounterOpts{
				Name: countAttempts, Help: "PINs entered, by result. Refused: the PIN was locked or deactivated.",
			}, []string{"result"}),
			countLocks: prometheus.NewCounterVec(prometheus.CounterOpts{
				Name: countLocks, Help: "Changes of locks: locked, deactivated, unlocked.",
			}, []string{"change"}),
			countConfirmations: prometheus.NewCounterVec(prometheus.CounterOpts{
				Name: countConfirmations, Help: "What became of confirmations. Refused: a redeem that was answered no.",
			}, []string{"outcome"}),
			countSessions: prometheus.NewCounterVec(prometheus.CounterOpts{
				Name: countSessions, Help: "PIN sessions that were opened and ended.",
			}, []string{"change"}),
		},
	}
	m.registry.MustRegister(m.requests, m.steps, m.stepSeconds, m.hashWait, m.hashSeconds,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, c := range m.events {
		m.registry.MustRegister(c)
	}
	// A counter that is there from the start shows its first increase.
	for _, c := range byEvent {
		m.events[c.counter].WithLabelValues(c.value)
	}
	return m
}

// event counts an event that was stored.
func (m *Metrics) event(t audit.Type) {
	if c, ok := byEvent[t]; ok {
		m.events[c.counter].WithLabelValues(c.value).Inc()
	}
}

// BuildInfo adds a gauge that is always 1 and names the program's version.
func (m *Metrics) BuildInfo(version string) {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "hydrapin_build_info", Help: "1; the version of the program and of Go are labels.",
	}, []string{"version", "go_version"})
	g.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(g)
}

// Counter adds a counter whose value is read at each scrape. The name must be new.
func (m *Metrics) Counter(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value))
}

// Gauge adds a gauge whose value is read at each scrape. The name must be new.
func (m *Metrics) Gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// Handler answers a scrape.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *Metrics) observe(route, method string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, knownMethod(method), class(status)).Observe(took.Seconds())
}

// class returns the class of a status, as in 2xx (RFC 9110, section 15).
func class(status int) string { return strconv.Itoa(status/100) + "xx" }

// knownMethod returns the method, or "other" for one that HTTP does not define (RFC 9110, RFC
// 5789): a client must not write text of its own into logs and metrics.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return m
	default:
		return otherMethod
	}
}
