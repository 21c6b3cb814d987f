package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/internal/service"
)

// from makes a request come from an address, through the proxy that this machine is.
func from(address string) edit { return header("X-Forwarded-For", address) }

// behindProxy is a stack with low limits, which takes addresses from this machine.
func behindProxy(t *testing.T) *bench {
	t.Helper()
	return setup(t, "HYDRAPIN_RATE_PER_KEY=4", "HYDRAPIN_RATE_PER_ADDRESS=2", "HYDRAPIN_TRUSTED_PROXIES=127.0.0.1/32")
}

// passes returns how many requests in a row are not limited, of at most twenty.
func (b *bench) passes(t *testing.T, path string, edits ...edit) (n int) {
	t.Helper()
	for ; n < 20; n++ {
		if b.call(t, http.MethodGet, path, "", edits...).StatusCode == http.StatusTooManyRequests {
			return n
		}
	}
	return n
}

func wantPasses(t *testing.T, what string, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %d requests passed, want %d", what, got, want)
	}
}

// A credential that is known is charged itself, wherever it comes from; everything else its address.
func TestRequestsAreLimitedByCredentialAndAddress(t *testing.T) {
	t.Parallel()
	b := behindProxy(t)
	path := b.customerPIN()
	wantPasses(t, "no credential", b.passes(t, path, from("192.0.2.1")), 4)
	wantPasses(t, "a made-up key from there", b.passes(t, path, from("192.0.2.1"), key("hc_live_x_y")), 0)
	wantPasses(t, "no credential, from elsewhere", b.passes(t, path, from("192.0.2.2")), 4)
	wantPasses(t, "an IPv6 network", b.passes(t, path, from("2001:db8::1"))+b.passes(t, path, from("2001:db8::ffff:1")), 4)

	// The first request with the key is charged to its address, of which it is the first.
	wantPasses(t, "a key", b.passes(t, path, from("192.0.2.3"), key(b.Key)), 1+8)
	wantPasses(t, "the key from elsewhere", b.passes(t, path, from("192.0.2.4"), key(b.Key)), 0)
	wantPasses(t, "its first address has the rest", b.passes(t, path, from("192.0.2.3")), 3)
	wantPasses(t, "a token", b.passes(t, path, from("192.0.2.5"), bearer(b.admin(t))), 1+8)

	b.clock.Add(time.Second)
	wantPasses(t, "no credential, a second later", b.passes(t, path, from("192.0.2.1")), 2)
	wantPasses(t, "the key, a second later", b.passes(t, path, from("192.0.2.4"), key(b.Key)), 4)
}

// A key that was known and is revoked is its address's again.
func TestARevokedKeyIsForgotten(t *testing.T) {
	t.Parallel()
	b := behindProxy(t)
	made, text := b.Mint(t, service.KeySpec{Tenant: b.Tenant, Instance: b.Instance})
	path := b.internalPath("/identities/" + uuid.NewString() + "/pin")
	b.call(t, "GET", path, "", from("192.0.2.1"), key(text)).want(t, 200)
	must(t, b.Node.Service().RevokeKey(t.Context(), service.Operator(b.Tenant), made.ID))
	b.clock.Add(6 * time.Second)
	b.call(t, "GET", path, "", from("192.0.2.1"), key(text)).problem(t, 401, "unauthorized")
	wantPasses(t, "the revoked key", b.passes(t, path, from("192.0.2.1"), key(text)), 4)
}

// What a refused client gets, and what is never limited.
func TestTheAnswerOfALimit(t *testing.T) {
	t.Parallel()
	b := setup(t, "HYDRAPIN_RATE_PER_ADDRESS=2", "HYDRAPIN_CORS_ORIGINS=https://app.example")
	b.passes(t, b.customerPIN())
	got := b.call(t, "POST", b.customerPIN(), `{"pin":"not even a PIN"}`)
	got.problem(t, 429, "too-many-requests")
	for name, want := range map[string]string{
		"RateLimit-Policy": `"address";q=4;w=2`, "RateLimit": `"address";r=0;t=1`, "Retry-After": "1", "Cache-Control": "no-store",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
	}
	// A script of another origin can read them.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL+b.customerPIN(), http.NoBody)
	must(t, err)
	req.Header.Set("Origin", "https://app.example")
	resp, err := b.Server.Client().Do(req)
	must(t, err)
	must(t, resp.Body.Close())
	exposed := strings.Split(resp.Header.Get("Access-Control-Expose-Headers"), ",")
	for _, name := range []string{"RateLimit", "RateLimit-Policy", "Retry-After"} {
		if !slices.Contains(exposed, name) {
			t.Errorf("%s is not exposed: %q", name, exposed)
		}
	}
	// The route comes first.
	b.call(t, "GET", "/v1/nothing", "").problem(t, 404, "not-found")
	b.call(t, "PUT", b.customerPIN(), "").problem(t, 405, "method-not-allowed")
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/.well-known/jwks.json"} {
		for range 10 {
			resp, err := b.Server.Client().Get(b.URL + path)
			must(t, err)
			must(t, resp.Body.Close())
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%s: %d", path, resp.StatusCode)
			}
		}
	}
}

// Everybody behind a proxy that is not trusted is one address, which the operator is told, once.
func TestAProxyThatIsNotTrustedIsLogged(t *testing.T) {
	t.Parallel()
	const says = "HYDRAPIN_TRUSTED_PROXIES"
	b := setup(t, "HYDRAPIN_RATE_PER_ADDRESS=2")
	b.passes(t, b.customerPIN())
	if strings.Contains(b.Log.String(), says) {
		t.Fatal("logged for a client that comes through no proxy")
	}
	for range 3 {
		b.call(t, "GET", b.customerPIN(), "", from("192.0.2.9")).problem(t, 429, "too-many-requests")
	}
	hydratest.Eventually(t, "the log says what to do", func() bool { return strings.Contains(b.Log.String(), says) })
	if n := strings.Count(b.Log.String(), says); n != 1 {
		t.Errorf("logged %d times", n)
	}
}
