package telemetry_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/internal/telemetry"
)

// send sends a request past every check of a client.
func send(tb testing.TB, h http.Handler, method, path, host string) {
	tb.Helper()
	req := httptest.NewRequestWithContext(tb.Context(), http.MethodGet, "/", http.NoBody)
	req.Method, req.URL.Path, req.Host = method, path, host
	req.Header.Set("X-Request-Id", host)
	h.ServeHTTP(httptest.NewRecorder(), req)
}

// series returns the lines of a scrape without their values.
func series(tb testing.TB, h http.Handler) []string {
	tb.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(tb.Context(), http.MethodGet, "/metrics", http.NoBody))
	text, err := io.ReadAll(rec.Result().Body)
	hydratest.Must(tb, err)
	var names []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			names = append(names, line[:strings.LastIndexByte(line, ' ')])
		}
	}
	slices.Sort(names)
	return names
}

// Whatever a client sends, it makes no series of its own: the labels are those that the first
// request of each kind made.
func TestSeriesAreConstant(t *testing.T) {
	t.Parallel()
	s := hydratest.Start(t, hydratest.Options{})
	h := s.Node.Handler()
	customer := "/v1/customers/" + s.Customer.String() + "/pin"
	routes := []string{"/healthz", "/docs", "/v1/me/pin", customer, "/none", "/metrics"}
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "BREW", "get"}
	for _, route := range routes {
		for _, method := range methods {
			send(t, h, method, route, "a")
		}
	}
	before := series(t, h)
	const rounds = 300
	for range rounds {
		text := rand.Text()
		send(t, h, text, "/healthz", text)
		send(t, h, strings.Repeat(text, 1000), customer, text)
		for _, method := range methods {
			send(t, h, method, "/"+text, text)
			send(t, h, method, "/v1/customers/"+text+"/pin", text)
			send(t, h, method, "/docs/"+text, text)
		}
		send(t, h, text, "/"+text, text)
	}
	after := series(t, h)
	// A node works by itself too. The names of the service's operations are constants.
	byItself := func(name string) bool { return strings.Contains(name, "{operation=") }
	before, after = slices.DeleteFunc(before, byItself), slices.DeleteFunc(after, byItself)
	if !slices.Equal(before, after) {
		var more []string
		for _, name := range after {
			if !slices.Contains(before, name) {
				more = append(more, name)
			}
		}
		t.Errorf("%d series became %d:\n%.2000s", len(before), len(after), strings.Join(more, "\n"))
	}
	for _, name := range after {
		if len(name) > 300 {
			t.Errorf("a series is named by %d bytes", len(name))
		}
	}
}

// A request that nobody observed is an error, not an anonymous caller.
func TestUnobserved(t *testing.T) {
	t.Parallel()
	if _, err := telemetry.From(t.Context()); !errors.Is(err, telemetry.ErrUnobserved) {
		t.Error(err)
	}
}

// A refusal is in the request's one line, at its own level.
func TestRefusalIsInTheLineOfTheRequest(t *testing.T) {
	t.Parallel()
	var log hydratest.Buffer
	e := echo.New()
	telemetry.New(slog.New(slog.NewTextHandler(&log, nil)), telemetry.NoTraces(), nil).Observe(e)
	e.GET("/refused", func(c echo.Context) error {
		r, err := telemetry.From(c.Request().Context())
		hydratest.Must(t, err)
		r.Refuse(slog.LevelWarn, "unavailable", slog.String("error", "no database"))
		return c.NoContent(http.StatusServiceUnavailable)
	})
	send(t, e, http.MethodGet, "/refused", "")
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "level=WARN") ||
		!strings.Contains(text, `reason=unavailable error="no database"`) {
		t.Errorf("log: %s", text)
	}
}

// The value of a panic is neither logged nor answered.
func TestPanicIsAnError(t *testing.T) {
	t.Parallel()
	var log hydratest.Buffer
	e := echo.New()
	var got error
	e.HTTPErrorHandler = func(err error, _ echo.Context) { got = err }
	telemetry.New(slog.New(slog.NewTextHandler(&log, nil)), telemetry.NoTraces(), nil).Observe(e)
	e.GET("/panic", func(echo.Context) error { panic(fmt.Errorf("the PIN is 804615")) })
	send(t, e, http.MethodGet, "/panic", "")
	if _, ok := errors.AsType[*telemetry.PanicError](got); !ok || strings.Contains(got.Error()+log.String(), "804615") {
		t.Errorf("%v\n%s", got, log.String())
	}
}

// Traces are off until OpenTelemetry's variables turn them on, and what this program cannot send is
// refused.
func TestCheckTraces(t *testing.T) {
	t.Parallel()
	const endpoint = "http://127.0.0.1:4318"
	for name, test := range map[string]struct {
		env map[string]string
		on  bool
		err error
	}{
		"nothing":          {},
		"an endpoint":      {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}, on: true},
		"one for traces":   {env: map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": endpoint}, on: true},
		"the exporter":     {env: map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, on: true},
		"no exporter":      {env: map[string]string{"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}},
		"disabled":         {env: map[string]string{"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}},
		"another exporter": {env: map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, err: telemetry.ErrTraces},
		"another protocol": {env: map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, err: telemetry.ErrTraces},
		"the traces' own protocol": {env: map[string]string{
			"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
		}, on: true},
	} {
		on, err := telemetry.CheckTraces(func(of string) string { return test.env[of] })
		if on != test.on || !errors.Is(err, test.err) {
			t.Errorf("%s: %t, %v", name, on, err)
		}
	}
}
