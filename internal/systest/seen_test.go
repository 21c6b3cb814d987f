package systest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/internal/pgtest"
)

// collected is a collector of traces, as an operator runs one.
type collected struct {
	url string

	mu    sync.Mutex
	raw   bytes.Buffer
	spans []*traces.Span
}

func newCollector(t *testing.T) *collected {
	t.Helper()
	c := &collected{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var sent collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &sent)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw.Write(body)
		for _, resource := range sent.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				c.spans = append(c.spans, scope.GetSpans()...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *collected) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.raw.String()
}

// has says whether a trace has spans of these names, each below the one before. Others, such as
// the database driver's own, may stand between them.
func (c *collected) has(trace string, names ...string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	byID := map[string]*traces.Span{}
	for _, s := range c.spans {
		byID[string(s.GetSpanId())] = s
	}
	for _, s := range c.spans {
		if fmt.Sprintf("%x", s.GetTraceId()) != trace {
			continue
		}
		left := names
		for at := s; at != nil && len(left) > 0; at = byID[string(at.GetParentSpanId())] {
			if at.GetName() == left[len(left)-1] {
				left = left[:len(left)-1]
			}
		}
		if len(left) == 0 {
			return true
		}
	}
	return false
}

// A confirmation is seen from outside as an operator sees it: in a trace from the request to the
// query, in the log and in the metrics. None of them, nor the database, nor its log, has a PIN, a
// pepper, a key or a token.
func TestSeenFromOutside(t *testing.T) {
	t.Parallel()
	for _, s := range []store{onSQLite, {name: onPostgres.name, nodes: 1}} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			var server *pgtest.Own
			if s.env == nil {
				server = pgtest.StartOwn(t)
				sql(t, server.URL, "ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()")
				s.env = func(*testing.T) []string { return postgresEnv(server.URL) }
			}
			c := newCollector(t)
			w := newWorld(t, s, 1, cheapHash, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.url, "OTEL_BSP_SCHEDULE_DELAY=50")
			n := w.nodes[0]
			trace := w.confirmOnce(n)

			const verify = "POST /internal/v1/instances/:instance_id/confirmations/:confirmation_id/verify"
			for _, names := range [][]string{
				{verify, "hash"}, {verify, "step spend", "SavePIN"}, {verify, "step settle", "SavePIN"},
			} {
				hydratest.Eventually(t, fmt.Sprintf("the spans %q", names), func() bool { return c.has(trace, names...) })
			}
			if line := n.logged("msg", "request", "operation", "verifyConfirmation", "trace_id", trace); line["request_id"] == nil {
				t.Errorf("the request's line is %v", line)
			}
			metrics := call(t.Context(), browser, http.MethodGet, n.url+"/metrics", "")
			for _, want := range []string{
				`hydrapin_pin_attempts_total{result="incorrect"} 1`, `hydrapin_pin_attempts_total{result="correct"} 1`,
				`hydrapin_confirmations_total{outcome="redeemed"} 1`, `hydrapin_steps_total{operation="redeem",result="committed"} 1`,
				`hydrapin_hash_duration_seconds_count 3`, `hydrapin_db_connections_max`, `hydrapin_build_info{`,
			} {
				if !strings.Contains(string(metrics.body), want) {
					t.Errorf("/metrics lacks %s", want)
				}
			}
			w.watch("the traces", c.text)
			w.watch("the metrics", func() string { return string(metrics.body) })
			n.stop()
			if server != nil {
				w.watch("the log of the database", server.Log)
				stored := dump(t, server.URL)
				w.watch("the database", func() string { return stored })
			} else {
				w.watch("the database", func() string { return string(files(t, filepath.Join(w.dir, "data"), "hydrapin.db*")) })
			}
		})
	}
}

// confirmOnce sends everything secret that a client can send, also where it does not belong, and
// returns the id of the trace of the verification that approves.
func (w *world) confirmOnce(n *node) (trace string) {
	t := w.t
	t.Helper()
	customer, pin := w.customer()
	const param = "eve"
	token := w.secret("token", strings.TrimSpace(w.must("token", "--tenant", w.tenant.String(), "--customer", customer.String())))
	var asked confirmation
	n.call(w.runtime, http.MethodPost, w.confirmations(), fmt.Sprintf(
		`{"skill":%q,"role":"owner","customer_id":%q,"action":{"summary":"Send money","params":{"to":%q}}}`,
		skill, customer, param)).into(t, &asked, http.StatusCreated)
	path := w.confirmations() + "/" + asked.ID.String()
	w.verify(n, *asked.ID, w.newPIN()).want(t, http.StatusForbidden)
	trace = strings.ReplaceAll(uuid.NewString(), "-", "")
	a := call(t.Context(), browser, http.MethodPost, n.url+path+"/verify", `{"pin":"`+pin+`"}`,
		"X-Api-Key", w.runtime, "Traceparent", "00-"+trace+"-00f067aa0ba902b7-01")
	a.want(t, http.StatusOK)
	n.call(w.runtime, http.MethodPost, path+"/redeem", fmt.Sprintf(`{"skill":%q,"params":{"to":%q}}`, skill, param)).want(t, http.StatusOK)
	for _, r := range []struct{ method, path, body string }{
		{http.MethodPost, path + "/verify", `{"pin":"` + pin + `"`},
		{http.MethodPost, path + "/verify", `{"pin":"x` + pin + `"}`},
		{http.MethodPost, path + "/verify", `{"` + pin + `":"` + pin + `"}`},
		{http.MethodPost, path + "/verify?pin=" + pin, `{"pin":[` + pin + `]}`},
		{http.MethodGet, "/" + pin + "?token=" + token, ""},
		{pin, "/v1/customers/" + pin + "/pin", ""},
	} {
		call(t.Context(), browser, r.method, n.url+r.path, r.body, "X-Api-Key", w.runtime+"x", "Authorization", "Bearer "+token)
		call(t.Context(), browser, r.method, n.url+r.path, r.body, "X-Api-Key", w.runtime)
	}
	call(t.Context(), browser, http.MethodGet, n.url+"/v1/me/pin", "", "Authorization", "Bearer "+token).want(t, http.StatusOK)
	return trace
}

// dump returns the text of every row of every table.
func dump(t *testing.T, address string) string {
	t.Helper()
	var text strings.Builder
	for _, table := range rows(t, address, `SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'`) {
		for _, row := range rows(t, address, "SELECT r::text FROM "+table+" r") {
			text.WriteString(row + "\n")
		}
	}
	if text.Len() == 0 {
		t.Error("the database is empty")
	}
	return text.String()
}

// rows returns the first column of a query.
func rows(t *testing.T, address, query string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	found, err := conn.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func files(t *testing.T, folder, pattern string) []byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, pattern))
	var all []byte
	for _, name := range names {
		content, readErr := os.ReadFile(name)
		if all = append(all, content...); err == nil {
			err = readErr
		}
	}
	if err != nil || len(all) == 0 {
		t.Errorf("read %s: %d bytes, %v", pattern, len(all), err)
	}
	return all
}
