package cli_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.refused(1, m.run("health"), "HYDRAPIN_ADDR has no fixed port: set HYDRAPIN_URL")
	s := m.serve()
	stdout, _ := s.printed()
	url := parseGreeting(t, stdout).url
	address := strings.TrimPrefix(url, "http://")
	_, port, _ := strings.Cut(address, ":")
	for name, env := range map[string][]string{
		"URL":               {"HYDRAPIN_URL=" + url},
		"URL with a slash":  {"HYDRAPIN_URL=" + url + "/"},
		"address":           {"HYDRAPIN_ADDR=" + address},
		"every interface":   {"HYDRAPIN_ADDR=0.0.0.0:" + port},
		"every interface 6": {"HYDRAPIN_ADDR=:" + port},
		"URL wins":          {"HYDRAPIN_URL=" + url, "HYDRAPIN_ADDR=127.0.0.1:1"},
		"other settings":    {"HYDRAPIN_ADDR=" + address, "HYDRAPIN_LOCK_AFTER=wrong"},
	} {
		if r := m.runWith(env, "health"); r.code != 0 || r.stdout != "ready\n" || r.stderr != "" {
			t.Errorf("%s: exit code %d, %q\n%s", name, r.code, r.stdout, r.stderr)
		}
	}
	s.stop()
	m.refused(1, m.runWith([]string{"HYDRAPIN_URL=" + url}, "health"), url+" does not answer", "connection refused")
	m.refused(1, m.runWith([]string{"HYDRAPIN_URL=::"}, "health"), "HYDRAPIN_URL")

	answers := map[string]http.HandlerFunc{
		"/busy": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "database unavailable", http.StatusServiceUnavailable)
		},
		"/redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok/readyz", http.StatusFound) },
		"/hang":     func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"/ok":       func(http.ResponseWriter, *http.Request) {},
	}
	mux := http.NewServeMux()
	for path, h := range answers {
		mux.Handle(path+"/readyz", h)
	}
	other := httptest.NewServer(mux)
	defer other.Close()
	if r := m.runWith([]string{"HYDRAPIN_URL=" + other.URL + "/ok"}, "health"); r.code != 0 {
		t.Errorf("with a path: exit code %d\n%s", r.code, r.stderr)
	}
	m.refused(1, m.runWith([]string{"HYDRAPIN_URL=" + other.URL + "/busy"}, "health"), "is not ready: 503", "database unavailable")
	m.refused(1, m.runWith([]string{"HYDRAPIN_URL=" + other.URL + "/redirect"}, "health"), "is not ready: 302")
	m.refused(1, m.runWith([]string{"HYDRAPIN_URL=" + other.URL + "/hang"}, "health", "--timeout", "1s"), "no answer in time")
}

// The address of a server that terminates TLS itself is asked over https, whatever name
// its certificate has; at a URL the certificate counts.
func TestHealthOverTLS(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	env := []string{"HYDRAPIN_ADDR=" + s.Listener.Addr().String(), "HYDRAPIN_TLS_CERT_FILE=cert.pem"}
	if r := m.runWith(env, "health"); r.code != 0 {
		t.Errorf("exit code %d\n%s", r.code, r.stderr)
	}
	m.refused(1, m.runWith([]string{"HYDRAPIN_URL=" + s.URL}, "health"), "certificate")
}
