package receipt_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/receipt"
)

// x is a public key of 32 bytes, as a JWK has it.
const x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" // RFC 8037, appendix A.2

func TestKeysFromJWKS(t *testing.T) {
	t.Parallel()
	jwk := func(members string) string { return `{"keys":[{` + members + `}]}` }
	ok := `"kty":"OKP","crv":"Ed25519","kid":"k","x":"` + x + `"`
	for _, v := range []struct {
		name, in string
		want     error
	}{
		{"least", jwk(ok), nil},
		{"full", jwk(ok + `,"use":"sig","alg":"EdDSA"`), nil},
		{"beside another kind", `{"keys":[{"kty":"RSA","kid":"k","n":"AQAB","e":"AQAB"},{` + ok + `}]}`, nil},
		{"the same key twice", `{"keys":[{` + ok + `},{` + ok + `}]}`, nil},
		{"no JSON", `x`, receipt.ErrKeySet},
		{"no set", `[]`, receipt.ErrKeySet},
		{"empty set", `{"keys":[]}`, receipt.ErrKeySet},
		{"null", `null`, receipt.ErrKeySet},
		{"another curve", strings.ReplaceAll(jwk(ok), "Ed25519", "X25519"), receipt.ErrKeySet},
		{"another kind", strings.ReplaceAll(jwk(ok), "OKP", "oct"), receipt.ErrKeySet},
		{"for encryption", jwk(ok + `,"use":"enc"`), receipt.ErrKeySet},
		{"another algorithm", jwk(ok + `,"alg":"HS256"`), receipt.ErrKeySet},
		{"no id", strings.ReplaceAll(jwk(ok), `"kid":"k",`, ""), receipt.ErrKeySet},
		{"short", strings.ReplaceAll(jwk(ok), x, x[:40]), receipt.ErrKeySet},
		{"padded", strings.ReplaceAll(jwk(ok), x, x+"="), receipt.ErrKeySet},
		{"an id for two keys", `{"keys":[{` + ok + `},{` + strings.Replace(ok, x, "A"+x[1:], 1) + `}]}`, receipt.ErrKeySet},
	} {
		keys, err := receipt.KeysFromJWKS([]byte(v.in))
		if !errors.Is(err, v.want) {
			t.Errorf("%s: %v, want %v", v.name, err, v.want)
			continue
		}
		if v.want != nil {
			if keys != nil {
				t.Errorf("%s: keys beside an error", v.name)
			}
			continue
		}
		if key, err := keys.Key(t.Context(), "k"); err != nil || len(key) != ed25519.PublicKeySize {
			t.Errorf("%s: %x, %v", v.name, key, err)
		}
		if key, err := keys.Key(t.Context(), "K"); !errors.Is(err, receipt.ErrUnknownKey) || key != nil {
			t.Errorf("%s, another id: %x, %v", v.name, key, err)
		}
	}
}

// publisher is a server's address without a network, so that its clock can be a synctest bubble's.
type publisher struct {
	mu      sync.Mutex
	body    []byte
	fails   bool
	fetches atomic.Int32
}

func (p *publisher) publish(keys ...ed25519.PrivateKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.body, p.fails = keySet(keys...), false
}

func (p *publisher) fail() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fails = true
}

func (p *publisher) RoundTrip(*http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fetches.Add(1)
	if p.fails {
		return nil, errors.New("no route to host")
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(p.body))}, nil
}

func (p *publisher) wantFetches(t *testing.T, want int32) {
	t.Helper()
	synctest.Wait()
	if got := p.fetches.Load(); got != want {
		t.Errorf("%d fetches, want %d", got, want)
	}
}

func remote(t *testing.T, transport http.RoundTripper) receipt.KeySource {
	t.Helper()
	keys, err := receipt.RemoteKeys("https://pin.example.com/.well-known/jwks.json", &http.Client{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func wantKey(t *testing.T, keys receipt.KeySource, kid string, want error) {
	t.Helper()
	key, err := keys.Key(t.Context(), kid)
	if !errors.Is(err, want) || (err == nil) != (len(key) == ed25519.PublicKeySize) {
		t.Errorf("Key(%s) = %x, %v, want %v", kid, key, err, want)
	}
}

func TestRemoteKeysRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{}
		p.publish(testKey(0))
		keys := remote(t, p)
		p.wantFetches(t, 0)
		wantKey(t, keys, "k0", nil)
		wantKey(t, keys, "k0", nil)
		p.wantFetches(t, 1)

		// A new key is found at once after a minute, and made-up ids do not fetch more often than that.
		<-time.After(59 * time.Second)
		wantKey(t, keys, "k1", receipt.ErrUnknownKey)
		p.wantFetches(t, 1)
		<-time.After(time.Second)
		p.publish(testKey(0), testKey(1))
		wantKey(t, keys, "k1", nil)
		wantKey(t, keys, "k0", nil)
		for range 100 {
			wantKey(t, keys, "made up", receipt.ErrUnknownKey)
		}
		p.wantFetches(t, 2)

		// A withdrawn key stops to count within the hour, without an unknown id.
		p.publish(testKey(0))
		<-time.After(time.Hour)
		wantKey(t, keys, "k0", nil)
		p.wantFetches(t, 3)
		wantKey(t, keys, "k1", receipt.ErrUnknownKey)
	})
}

func TestRemoteKeysOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{}
		p.fail()
		keys := remote(t, p)
		for range 10 {
			wantKey(t, keys, "k0", receipt.ErrKeysUnavailable)
		}
		p.wantFetches(t, 1)
		p.publish(testKey(0))
		<-time.After(5 * time.Second)
		wantKey(t, keys, "k0", nil)
		p.wantFetches(t, 2)

		// The last good keys serve for a day, and no longer.
		p.fail()
		for range 23 {
			<-time.After(time.Hour)
			wantKey(t, keys, "k0", nil)
			synctest.Wait()
		}
		<-time.After(time.Hour)
		wantKey(t, keys, "k0", receipt.ErrKeysUnavailable)
		p.publish(testKey(0))
		<-time.After(5 * time.Second)
		wantKey(t, keys, "k0", nil)
	})
}

func TestRemoteKeysManyAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{}
		p.publish(testKey(0))
		keys := remote(t, p)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { wantKey(t, keys, "k0", nil) })
		}
		all.Wait()
		p.wantFetches(t, 1)
	})
}

// hanging answers when its request is given up.
type hanging struct{}

func (hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestRemoteKeysDoNotHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := remote(t, hanging{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := keys.Key(ctx, "k0"); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, receipt.ErrKeysUnavailable) {
			t.Errorf("the caller's deadline: %v", err)
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("the caller's deadline: after %v", d)
		}
		wantKey(t, keys, "k0", receipt.ErrKeysUnavailable)
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("the fetch's own: after %v", d)
		}
	})
}

func TestRemoteKeysOverHTTP(t *testing.T) {
	t.Parallel()
	good := keySet(testKey(0))
	mux := http.NewServeMux()
	mux.HandleFunc("/good", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(good) })
	mux.Handle("/moved", http.RedirectHandler("/good", http.StatusFound))
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(append(good, bytes.Repeat([]byte(" "), 64<<10)...))
	})
	mux.HandleFunc("/bad", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	for path, want := range map[string]error{
		"/good": nil, "/moved": receipt.ErrKeysUnavailable, "/long": receipt.ErrKeysUnavailable,
		"/bad": receipt.ErrKeysUnavailable, "/missing": receipt.ErrKeysUnavailable,
	} {
		keys, err := receipt.RemoteKeys(server.URL+path, server.Client())
		if err != nil {
			t.Fatal(err)
		}
		wantKey(t, keys, "k0", want)
	}
}

func TestRemoteKeysAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]error{
		"https://pin.example.com/.well-known/jwks.json": nil,
		"http://127.0.0.1:8080/.well-known/jwks.json":   nil,
		"http://[::1]:8080/x":                           nil,
		"http://localhost/x":                            nil,
		"http://pin.example.com/x":                      receipt.ErrKeysURL,
		"http://localhost.example.com/x":                receipt.ErrKeysURL,
		"file:///etc/keys":                              receipt.ErrKeysURL,
		"/relative":                                     receipt.ErrKeysURL,
		"https://":                                      receipt.ErrKeysURL,
		"":                                              receipt.ErrKeysURL,
		"https://a b/":                                  receipt.ErrKeysURL,
	} {
		if _, err := receipt.RemoteKeys(address, nil); !errors.Is(err, want) {
			t.Errorf("RemoteKeys(%q): %v, want %v", address, err, want)
		}
	}
}
