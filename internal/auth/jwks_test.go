package auth_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hydracore/hydrapin/internal/auth"
)

// issuerServer is a token issuer on 127.0.0.1 whose answers the tests change.
type issuerServer struct {
	*httptest.Server
	hits    atomic.Int32
	handler atomic.Pointer[http.HandlerFunc]
}

func newIssuer(t *testing.T, h http.HandlerFunc) *issuerServer {
	t.Helper()
	s := &issuerServer{}
	s.handler.Store(&h)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.hits.Add(1)
		(*s.handler.Load())(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *issuerServer) set(h http.HandlerFunc) { s.handler.Store(&h) }

func body(b string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, b) }
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func edSet(kid string, k ed25519.PrivateKey) string { return jwks(edJWK(k, obj{"kid": kid})) }

func edToken(now time.Time, kid string, k ed25519.PrivateKey) string {
	return compact(`{"alg":"EdDSA","kid":"`+kid+`"}`, with(goodClaims(now), nil), eddsa(k))
}

func urlConfig(url string, now func() time.Time) auth.VerifierConfig {
	return auth.VerifierConfig{JWKS: url, Issuer: issuer, Audience: audience, Now: now, RetryAfter: time.Millisecond}
}

func ready(v *auth.Verifier) func() bool { return func() bool { return v.Ready() == nil } }

func TestJWKSServerDownThenUp(t *testing.T) {
	t.Parallel()
	s := newIssuer(t, status(http.StatusServiceUnavailable))
	v := newVerifier(t, urlConfig(s.URL, at(start)))
	token := edToken(start, "a", edKey())

	eventually(t, "a second try", func() bool { return s.hits.Load() >= 2 })
	if _, err := v.Verify(t.Context(), token); !errors.Is(err, auth.ErrKeysNotLoaded) || errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("Verify = %v", err)
	}
	eventually(t, "the cause is reported", func() bool {
		err := v.Ready()
		return errors.Is(err, auth.ErrKeysNotLoaded) && strings.Contains(err.Error(), "answered 503")
	})
	// What no key could make right is refused as such even now.
	refuse(t, v, compact(`{"alg":"none"}`, with(goodClaims(start), nil), eddsa(edKey())))

	s.set(body(edSet("a", edKey())))
	eventually(t, "ready", ready(v))
	accept(t, v, token, goodPrincipal)
}

func TestJWKSNobodyListens(t *testing.T) {
	t.Parallel()
	s := newIssuer(t, body(threeKeys()))
	s.Close()
	v := newVerifier(t, urlConfig(s.URL, at(start)))
	eventually(t, "the refused connection is reported", func() bool {
		err := v.Ready()
		return errors.Is(err, auth.ErrKeysNotLoaded) && strings.Contains(err.Error(), "connect")
	})
}

func TestUnknownKidRefetchIsBounded(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := newIssuer(t, body(edSet("a", edKey())))
	v := newVerifier(t, urlConfig(s.URL, c.Now))
	eventually(t, "ready", ready(v))
	if n := s.hits.Load(); n != 1 {
		t.Fatalf("%d fetches at start", n)
	}

	// The issuer rotates: the first token of the new key brings it in.
	s.set(body(edSet("b", otherEdKey())))
	accept(t, v, edToken(start, "b", otherEdKey()), goodPrincipal)
	if n := s.hits.Load(); n != 2 {
		t.Fatalf("%d fetches after a rotation", n)
	}
	refuse(t, v, edToken(start, "a", edKey())) // Withdrawn with it.

	flood := func() {
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				_, err := v.Verify(context.Background(), edToken(start, fmt.Sprint("made-up-", i), edKey()))
				if !errors.Is(err, auth.ErrInvalidToken) {
					t.Errorf("Verify = %v", err)
				}
			})
		}
		wg.Wait()
	}
	flood()
	c.Advance(59 * time.Second)
	flood()
	if n := s.hits.Load(); n != 2 {
		t.Fatalf("%d fetches within the minute", n)
	}
	c.Advance(2 * time.Second)
	flood()
	if n := s.hits.Load(); n != 3 {
		t.Fatalf("%d fetches after the minute", n)
	}
	// A known kid with a bad signature, or an algorithm of another key, asks nobody.
	c.Advance(2 * time.Minute)
	refuse(t, v, edToken(start, "b", edKey()))
	refuse(t, v, compact(`{"alg":"ES256","kid":"b"}`, with(goodClaims(start), nil), es256(ecKey())))
	refuse(t, v, compact(`{"alg":"ES256"}`, with(goodClaims(start), nil), es256(ecKey())))
	if n := s.hits.Load(); n != 3 {
		t.Fatalf("%d fetches for known kids", n)
	}
}

// A key without a kid is tried before the issuer is asked again, and the newer set's
// keys without a kid after that.
func TestUnknownKidAndKeysWithoutOne(t *testing.T) {
	t.Parallel()
	s := newIssuer(t, body(jwks(edJWK(edKey(), nil), ecJWK(&ecKey().PublicKey, obj{"kid": "ec"}))))
	v := newVerifier(t, urlConfig(s.URL, at(start)))
	eventually(t, "ready", ready(v))
	accept(t, v, edToken(start, "any", edKey()), goodPrincipal)
	if n := s.hits.Load(); n != 1 {
		t.Fatalf("%d fetches for a key without a kid, want only the one at start", n)
	}
	s.set(body(jwks(edJWK(otherEdKey(), nil))))
	accept(t, v, edToken(start, "any", otherEdKey()), goodPrincipal)
	if n := s.hits.Load(); n != 2 {
		t.Fatalf("%d fetches after a rotation, want 2", n)
	}
	refuse(t, v, edToken(start, "any", edKey()))
}

func TestUnknownKidCallersShareOneFetch(t *testing.T) {
	t.Parallel()
	s := newIssuer(t, body(edSet("a", edKey())))
	v := newVerifier(t, urlConfig(s.URL, at(start)))
	eventually(t, "ready", ready(v))

	release := make(chan struct{})
	s.set(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
			body(edSet("b", otherEdKey()))(w, r)
		case <-r.Context().Done():
		}
	})
	token := edToken(start, "b", otherEdKey())
	// One caller leaves while the fetch is under way. The others still get its result.
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := v.Verify(ctx, token)
		gone <- err
	}()
	eventually(t, "the fetch", func() bool { return s.hits.Load() == 2 })
	results := make(chan error, 20)
	for range cap(results) {
		go func() {
			_, err := v.Verify(context.Background(), token)
			results <- err
		}()
	}
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) || errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("the caller who left got %v", err)
	}
	close(release)
	for range cap(results) {
		if err := <-results; err != nil {
			t.Errorf("Verify = %v", err)
		}
	}
	if n := s.hits.Load(); n != 2 {
		t.Errorf("%d fetches", n)
	}
}

func TestLastGoodSetIsKeptForADay(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := newIssuer(t, body(edSet("a", edKey())))
	cfg := urlConfig(s.URL, c.Now)
	cfg.RefreshEvery = 5 * time.Millisecond
	v := newVerifier(t, cfg)
	eventually(t, "ready", ready(v))

	// Another answer each time: none of them is a set, and each leaves the last.
	for _, h := range []http.HandlerFunc{
		status(http.StatusInternalServerError), body(""), body("<html>"), body(`{}`), body(`{"keys":[]}`), body(`{"keys":null}`),
		body(jwks(obj{"kty": "oct", "k": "AAAA", "kid": "a"})), status(http.StatusNoContent),
	} {
		// A good one between, or the waits would double all the way.
		for _, h := range []http.HandlerFunc{h, body(edSet("a", edKey()))} {
			s.set(h)
			n := s.hits.Load()
			eventually(t, "two more fetches", func() bool { return s.hits.Load() >= n+2 })
			accept(t, v, edToken(c.Now(), "a", edKey()), goodPrincipal)
		}
	}
	s.set(status(http.StatusInternalServerError))
	n := s.hits.Load()
	eventually(t, "two more fetches", func() bool { return s.hits.Load() >= n+2 })
	c.Advance(24 * time.Hour)
	accept(t, v, edToken(c.Now(), "a", edKey()), goodPrincipal)
	c.Advance(time.Second)
	if _, err := v.Verify(t.Context(), edToken(c.Now(), "a", edKey())); !errors.Is(err, auth.ErrKeysNotLoaded) {
		t.Errorf("Verify after 24 h = %v", err)
	}
	if err := v.Ready(); !errors.Is(err, auth.ErrKeysNotLoaded) {
		t.Errorf("Ready after 24 h = %v", err)
	}
	s.set(body(edSet("a", edKey())))
	eventually(t, "ready again", ready(v))
	accept(t, v, edToken(c.Now(), "a", edKey()), goodPrincipal)
}

func TestFetchManners(t *testing.T) {
	t.Parallel()
	good := edSet("a", edKey())
	elsewhere := newIssuer(t, body(good))
	cookies := atomic.Bool{}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		err     string // "" means that the keys load
	}{
		"plain": {body(good), ""},
		"redirect on the same host": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/keys" {
				http.SetCookie(w, &http.Cookie{Name: "c", Value: "v"})
				http.Redirect(w, r, "/keys", http.StatusFound)
				return
			}
			if len(r.Cookies()) > 0 {
				cookies.Store(true)
			}
			body(good)(w, r)
		}, ""},
		"redirect to another host": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		}, "another scheme or host"},
		"redirect to another scheme": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+r.Host, http.StatusFound)
		}, "another scheme or host"},
		"redirect in a circle": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}, "too many redirects"},
		"not found":    {status(http.StatusNotFound), "answered 404"},
		"created":      {status(http.StatusCreated), "answered 201"},
		"a long body":  {body(good[:len(good)-1] + strings.Repeat(" ", 1<<20) + "}"), "longer than"},
		"cut short":    {body(good[:len(good)-1]), "not a JSON Web Key Set"},
		"keys twice":   {body(`{"keys":[],` + good[1:]), "duplicate"},
		"two kids":     {body(jwks(edJWK(edKey(), obj{"kid": "a"}), edJWK(otherEdKey(), obj{"kid": "a"}))), "has the kid of another"},
		"not a set":    {body(`[]`), "not a JSON Web Key Set"},
		"keys no list": {body(`{"keys":{}}`), "not a JSON Web Key Set"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newIssuer(t, c.handler)
			v := newVerifier(t, urlConfig(s.URL+"/start", at(start)))
			if c.err == "" {
				eventually(t, "ready", ready(v))
				accept(t, v, edToken(start, "a", edKey()), goodPrincipal)
				if cookies.Load() {
					t.Error("a cookie came back")
				}
				return
			}
			var err error
			eventually(t, "the failure is reported", func() bool {
				err = v.Ready()
				return err != nil && strings.Contains(err.Error(), c.err)
			})
			if n := elsewhere.hits.Load(); n != 0 {
				t.Errorf("%d requests to another host", n)
			}
		})
	}
}

func TestJWKSOverTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(body(threeKeys()))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	cfg := urlConfig(s.URL, at(start))
	unknown := newVerifier(t, cfg)
	eventually(t, "an unknown authority is refused", func() bool {
		err := unknown.Ready()
		return err != nil && strings.Contains(err.Error(), "certificate")
	})
	cfg.Transport = s.Client().Transport
	v := newVerifier(t, cfg)
	eventually(t, "ready", ready(v))
	accept(t, v, compact(`{"alg":"RS256","kid":"rsa"}`, with(goodClaims(start), nil), rs256(rsaKey())), goodPrincipal)
}

func TestCloseEndsAFetchUnderWay(t *testing.T) {
	t.Parallel()
	s := newIssuer(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	v := newVerifier(t, urlConfig(s.URL, at(start)))
	eventually(t, "the fetch", func() bool { return s.hits.Load() == 1 })
	v.Close()
	v.Close()
	if err := v.Ready(); !errors.Is(err, auth.ErrKeysNotLoaded) {
		t.Errorf("Ready = %v", err)
	}
	if n := s.hits.Load(); n != 1 {
		t.Errorf("%d fetches", n)
	}
}

func TestClosedVerifierStillAnswers(t *testing.T) {
	t.Parallel()
	s := newIssuer(t, body(edSet("a", edKey())))
	v := newVerifier(t, urlConfig(s.URL, at(start)))
	eventually(t, "ready", ready(v))
	v.Close()
	accept(t, v, edToken(start, "a", edKey()), goodPrincipal)
	refuse(t, v, edToken(start, "b", edKey()))
	if n := s.hits.Load(); n != 1 {
		t.Errorf("%d fetches", n)
	}
}

// transport answers fetches inside of a synctest bubble, where no network is.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestFetchSchedule(t *testing.T) {
	t.Parallel()
	set := edSet("a", edKey())
	synctest.Test(t, func(t *testing.T) {
		var up atomic.Bool
		var mu sync.Mutex
		var fetches []time.Duration
		began := time.Now()
		cfg := urlConfig("https://issuer.example/jwks", time.Now)
		cfg.RetryAfter = 0
		cfg.Transport = transport(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			fetches = append(fetches, time.Since(began))
			mu.Unlock()
			if !up.Load() {
				return nil, errors.New("down")
			}
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(set)), Request: r}, nil
		})
		v := newVerifier(t, cfg)
		wantFetches := func(want ...time.Duration) {
			t.Helper()
			mu.Lock()
			defer mu.Unlock()
			if fmt.Sprint(fetches) != fmt.Sprint(want) {
				t.Errorf("fetched at %v, want %v", fetches, want)
			}
			began, fetches = time.Now(), nil
		}
		advance := func(d time.Duration) {
			<-time.After(d)
			synctest.Wait()
		}
		// Down: after 1, 2, 4 … seconds, and then each minute.
		advance(4 * time.Minute)
		const s = time.Second
		wantFetches(0, 1*s, 3*s, 7*s, 15*s, 31*s, 63*s, 123*s, 183*s)
		up.Store(true)
		advance(time.Minute)
		wantFetches(3 * s)
		advance(2*time.Hour + time.Second)
		wantFetches(time.Hour-57*s, 2*time.Hour-57*s)
		// Down again: the retries begin again, and the set is kept for a day.
		up.Store(false)
		advance(22*time.Hour + 59*time.Minute)
		if err := v.Ready(); err != nil {
			t.Errorf("Ready within the day = %v", err)
		}
		advance(2 * time.Hour)
		if err := v.Ready(); !errors.Is(err, auth.ErrKeysNotLoaded) {
			t.Errorf("Ready after the day = %v", err)
		}
		v.Close()
	})
}

func TestFetchIsBoundedInTime(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]transport{
		"no answer": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		"a body without end": func(r *http.Request) (*http.Response, error) {
			pr, pw := io.Pipe()
			context.AfterFunc(r.Context(), func() { _ = pw.CloseWithError(r.Context().Err()) })
			return &http.Response{StatusCode: http.StatusOK, Body: pr, Request: r}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cfg := urlConfig("https://issuer.example/jwks", time.Now)
				cfg.Transport = answer
				v := newVerifier(t, cfg)
				<-time.After(5*time.Second - time.Nanosecond)
				synctest.Wait()
				if err := v.Ready(); err == nil || strings.Contains(err.Error(), "deadline") {
					t.Errorf("Ready just before 5 s = %v", err)
				}
				<-time.After(time.Nanosecond)
				synctest.Wait()
				if err := v.Ready(); err == nil || !strings.Contains(err.Error(), "deadline") {
					t.Errorf("Ready at 5 s = %v", err)
				}
				v.Close()
			})
		})
	}
}
