package telemetry_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// metricName finds the names of metrics in PromQL: every word that is no label and no function.
var metricName = regexp.MustCompile(`\b(hydrapin_[a-z0-9_]+|process_[a-z_]+|go_[a-z_]+)\b`)

// registered are the names that a running node's /metrics has.
func registered(t *testing.T) map[string]bool {
	t.Helper()
	s := hydratest.Start(t, hydratest.Options{})
	h := s.Node.Handler()
	// Some series are there after the first request and the first step.
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/customers/"+s.Customer.String()+"/pin", strings.NewReader(`{"pin":"804615"}`))
	req.Header.Set("X-Api-Key", s.Key)
	req.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	if h.ServeHTTP(rec, req); rec.Code != http.StatusOK {
		t.Fatalf("set a PIN: %d %s", rec.Code, rec.Body)
	}
	names := map[string]bool{}
	for _, name := range series(t, h) {
		name, _, _ = strings.Cut(name, "{")
		names[name] = true
	}
	return names
}

func hold(t *testing.T, registered map[string]bool, where, expr string) {
	t.Helper()
	names := metricName.FindAllString(expr, -1)
	if len(names) == 0 && !strings.Contains(expr, "up{") {
		t.Errorf("%s: no metric in %q", where, expr)
	}
	for _, name := range names {
		if !registered[name] {
			t.Errorf("%s: nothing measures %s", where, name)
		}
	}
}

// Every metric that an alert names is measured, and every alert says what to do.
func TestAlerts(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "prometheus", "alerts.yaml"))
	hydratest.Must(t, err)
	manual, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	hydratest.Must(t, err)
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	hydratest.Must(t, yaml.Unmarshal(text, &file))
	names := registered(t)
	alerts := 0
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			alerts++
			hold(t, names, r.Alert, r.Expr)
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" || r.Labels["severity"] == "" {
				t.Errorf("%s has no summary, description or severity", r.Alert)
			}
			if r.Annotations["runbook_url"] != "docs/operations.md#"+strings.ToLower(r.Alert) {
				t.Errorf("%s: its runbook is %s", r.Alert, r.Annotations["runbook_url"])
			}
			if !strings.Contains(string(manual), "\n### "+r.Alert+"\n") {
				t.Errorf("docs/operations.md has no section on %s", r.Alert)
			}
		}
	}
	if alerts < 8 {
		t.Errorf("%d alerts", alerts)
	}
}

// Every metric that the dashboard shows is measured.
func TestDashboard(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "grafana", "dashboard.json"))
	hydratest.Must(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	hydratest.Must(t, json.Unmarshal(text, &dashboard))
	names := registered(t)
	if len(dashboard.Panels) < 12 {
		t.Errorf("%d panels", len(dashboard.Panels))
	}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			hold(t, names, p.Title, target.Expr)
		}
	}
}
