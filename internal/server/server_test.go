package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// exchange sends a request without following redirects, and returns the answer read to its end.
func exchange(tb testing.TB, s *hydratest.Stack, method, path string, headers ...string) (resp *http.Response, body string) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, s.URL+path, http.NoBody)
	hydratest.Must(tb, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err = s.Server.Client().Transport.RoundTrip(req)
	hydratest.Must(tb, err)
	text, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	hydratest.Must(tb, err)
	return resp, string(text)
}

// paths are one of each kind that the server answers, and some that it does not.
func paths(s *hydratest.Stack) []string {
	return []string{
		"/", "/docs", "/docs/", "/redoc", "/redoc/", "/docs/start.js", "/openapi.json", "/openapi.yaml",
		"/.well-known/jwks.json", "/healthz", "/readyz", "/metrics", "/none", "/v1/none", "/v1/me/pin",
		"/v1/customers/" + s.Customer.String() + "/pin", "/v1/instances/" + s.Instance.String() + "/pin-policy",
	}
}

// Browsers must not guess a type, whatever the answer is.
func TestEveryAnswerHasItsType(t *testing.T) {
	t.Parallel()
	s := hydratest.Start(t, hydratest.Options{})
	for _, path := range paths(s) {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "OPTIONS", "BREW"} {
			for _, key := range []string{s.Key, "x"} {
				resp, _ := exchange(t, s, method, path, "X-Api-Key", key)
				if got := resp.Header.Values("X-Content-Type-Options"); len(got) != 1 || got[0] != "nosniff" {
					t.Errorf("%s %s %d: X-Content-Type-Options %q", method, path, resp.StatusCode, got)
				}
				if got := resp.Header.Get("Strict-Transport-Security"); got != "" {
					t.Errorf("%s %s: Strict-Transport-Security %q without TLS", method, path, got)
				}
			}
		}
	}
}

func TestStrictTransportSecurityWithTLS(t *testing.T) {
	t.Parallel()
	s := hydratest.Start(t, hydratest.Options{})
	secure := httptest.NewTLSServer(s.Node.Handler())
	t.Cleanup(secure.Close)
	for _, path := range paths(s) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, secure.URL+path, http.NoBody)
		hydratest.Must(t, err)
		resp, err := secure.Client().Transport.RoundTrip(req)
		hydratest.Must(t, err)
		_ = resp.Body.Close()
		if got := resp.Header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
			t.Errorf("%s: Strict-Transport-Security %q", path, got)
		}
	}
}

// HEAD is answered as GET is, without the body.
func TestHeadIsAnsweredWhereverGetIs(t *testing.T) {
	t.Parallel()
	s := hydratest.Start(t, hydratest.Options{})
	for _, path := range append(paths(s), "/internal/v1/instances/"+s.Instance.String()+"/confirmations/"+s.Identity.String()) {
		for _, key := range []string{s.Key, s.RuntimeKey, "x"} {
			got, body := exchange(t, s, "GET", path, "X-Api-Key", key, "Accept-Encoding", "identity")
			head, rest := exchange(t, s, "HEAD", path, "X-Api-Key", key, "Accept-Encoding", "identity")
			if head.StatusCode != got.StatusCode || rest != "" {
				t.Errorf("HEAD %s: %d and %q, want %d and no body", path, head.StatusCode, rest, got.StatusCode)
			}
			for _, name := range []string{"Content-Type", "ETag", "Cache-Control", "Location", "WWW-Authenticate"} {
				if head.Header.Get(name) != got.Header.Get(name) {
					t.Errorf("HEAD %s: %s %q, want %q", path, name, head.Header.Get(name), got.Header.Get(name))
				}
			}
			if n := head.Header.Get("Content-Length"); n != "" && path != "/metrics" && n != fmt.Sprint(len(body)) {
				t.Errorf("HEAD %s: Content-Length %s, want %d", path, n, len(body))
			}
		}
	}
}

// Redirects are relative, so that they hold below a path prefix.
func TestRedirects(t *testing.T) {
	t.Parallel()
	s := hydratest.Start(t, hydratest.Options{Prefix: "/some/prefix"})
	for from, to := range map[string]string{"/": "docs", "/docs/": "../docs", "/redoc/": "../redoc"} {
		resp, _ := exchange(t, s, "GET", from)
		if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusFound || got != to {
			t.Errorf("%s: %d to %q, want %q", from, resp.StatusCode, got, to)
		}
		target, err := resp.Location()
		hydratest.Must(t, err)
		if there, _ := exchange(t, s, "GET", strings.TrimPrefix(target.String(), s.URL)); there.StatusCode != http.StatusOK {
			t.Errorf("%s leads to %s: %d", from, target, there.StatusCode)
		}
	}
}

func TestOptionsIsNotStored(t *testing.T) {
	t.Parallel()
	s := hydratest.Start(t, hydratest.Options{Settings: []string{"HYDRAPIN_CORS_ORIGINS=https://app.example"}})
	for _, path := range paths(s) {
		resp, _ := exchange(t, s, "OPTIONS", path)
		if got := resp.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("OPTIONS %s: Cache-Control %q", path, got)
		}
	}
	resp, _ := exchange(t, s, "OPTIONS", "/v1/me/pin", "Origin", "https://app.example", "Access-Control-Request-Method", "PATCH")
	if resp.Header.Get("Access-Control-Allow-Origin") != "https://app.example" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("preflight: %v", resp.Header)
	}
}

// A client that closes its half of the connection once it has sent its request gets its write done
// and answered, and its reads too.
func TestHalfClosedConnectionsAreAnswered(t *testing.T) {
	t.Parallel()
	for _, e := range hydratest.Engines() {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := hydratest.Start(t, hydratest.Options{Engine: e})
			customer, policy := "/v1/customers/"+s.Customer.String()+"/pin", "/v1/instances/"+s.Instance.String()+"/pin-policy"
			internal := "/internal/v1/instances/" + s.Instance.String()
			identity := internal + "/identities/" + s.Identity.String() + "/pin"
			send := func(method, path, key, body string, want int) string {
				t.Helper()
				status, answer := halfClosed(t, s, method, path, key, body)
				if status != want {
					t.Errorf("%s %s: %d, want %d: %s", method, path, status, want, answer)
				}
				return answer
			}
			for range 5 {
				send("POST", customer, s.Key, `{"pin":"804615"}`, 200)
				send("PATCH", policy, s.Key, `{"pin_required_skills":["pay"]}`, 200)
				send("POST", identity, s.RuntimeKey, `{"pin":"804615"}`, 200)
				send("POST", identity, s.RuntimeKey, `{"pin":"492750","current_pin":"804615"}`, 200)
				asked := send("POST", internal+"/confirmations", s.RuntimeKey,
					`{"skill":"pay","role":"owner","customer_id":"`+s.Customer.String()+`"}`, 201)
				_, id, _ := strings.Cut(asked, `"id":"`)
				at := internal + "/confirmations/" + id[:36]
				send("GET", customer, s.Key, "", 200)
				send("GET", policy, s.Key, "", 200)
				send("GET", at, s.RuntimeKey, "", 200)
				send("GET", internal+"/confirmations?status=pending", s.RuntimeKey, "", 200)
				send("POST", at+"/verify", s.RuntimeKey, `{"pin":"804615"}`, 200)
				send("POST", at+"/redeem", s.RuntimeKey, `{"skill":"pay"}`, 200)
				send("DELETE", internal+"/pin-sessions?customer_id="+s.Customer.String(), s.RuntimeKey, "", 204)
				send("POST", customer+"/unlock", s.Key, "", 200)
				send("DELETE", "/v1/instances/"+s.Instance.String()+"/identities/"+s.Identity.String()+"/pin", s.Key, "", 204)
				send("DELETE", customer, s.Key, "", 204)
			}
		})
	}
}

// halfClosed sends a request as `nc -N` does, and returns the answer.
func halfClosed(tb testing.TB, s *hydratest.Stack, method, path, key, body string) (status int, answer string) {
	tb.Helper()
	conn, err := (&net.Dialer{}).DialContext(tb.Context(), "tcp", s.Server.Listener.Addr().String())
	hydratest.Must(tb, err)
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nX-Api-Key: %s\r\nContent-Length: %d\r\n\r\n%s",
		method, path, key, len(body), body)
	hydratest.Must(tb, err)
	hydratest.Must(tb, conn.(*net.TCPConn).CloseWrite())
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	hydratest.Must(tb, err)
	text, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	hydratest.Must(tb, err)
	return resp.StatusCode, string(text)
}
