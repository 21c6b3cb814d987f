package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// keysKeptFor is for how long a set is used after it was last loaded: longer,
	// and a key that its issuer withdrew would never die here.
	keysKeptFor = 24 * time.Hour
	// demandEvery bounds the loads that unknown kids can cause, and so what a
	// stranger with made-up tokens can do to the issuer.
	demandEvery = time.Minute
	loadTimeout = 5 * time.Second
	maxSetBytes = 1 << 20
	maxRetry    = time.Minute
	maxHops     = 3

	refreshURL  = time.Hour
	refreshFile = time.Minute
	firstRetry  = time.Second
)

// ErrKeysNotLoaded is returned by [Verifier.Verify] and [Verifier.Ready] before
// the first key set was loaded, and when the last one is older than 24 h. It says
// nothing about the token.
var ErrKeysNotLoaded = errors.New("auth: the token issuer's keys are not loaded")

// keySource loads a key set again and again, from a URL or a file.
//
// It is written here, and jwkset gives only the parsing of keys: the storage that
// jwkset and keyfunc have keeps a set for ever when its server is gone, blocks the
// start on the first fetch and unknown kids on its rate limit, decodes bodies of
// any length, takes symmetric keys, reads no files, and lives by the real clock.
type keySource struct {
	name    string
	load    func(context.Context) ([]byte, error)
	refresh time.Duration
	retry   time.Duration
	now     func() time.Time
	log     *slog.Logger

	// ctx is the source's lifetime, which close ends.
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	set      *keySet
	loadedAt time.Time
	lastErr  error
	flight   *flight
	demanded time.Time
}

// flight is a load under way. err may be read once done is closed.
type flight struct {
	done chan struct{}
	err  error
}

// newKeySource starts loading. A file is read before it returns, so that a wrong
// path ends the start; a server that is down must not.
func newKeySource(c VerifierConfig) (*keySource, error) {
	s := &keySource{name: c.JWKS, refresh: c.RefreshEvery, retry: c.RetryAfter, now: c.Now, log: c.Logger}
	if s.retry == 0 {
		s.retry = firstRetry
	}
	every := refreshFile
	if isURL(c.JWKS) {
		every = refreshURL
		u, err := parseJWKSURL(c.JWKS)
		if err != nil {
			return nil, err
		}
		s.load = fetcher(u, c.Transport)
	} else {
		s.load = func(context.Context) ([]byte, error) { return readFile(c.JWKS) }
	}
	if s.refresh == 0 {
		s.refresh = every
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	first := time.Duration(0)
	if !isURL(c.JWKS) {
		if err := s.reload(s.ctx, false); err != nil {
			s.close()
			return nil, fmt.Errorf("%w: JWKS %s: %w", ErrInvalidConfig, c.JWKS, err)
		}
		first = s.refresh
	}
	s.wg.Go(func() { s.run(first) })
	return s, nil
}

func (s *keySource) close() {
	// Under the lock, so that no flight starts between the cancel and the wait.
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	s.wg.Wait()
}

// run loads the set after each wait until the source is closed.
func (s *keySource) run(wait time.Duration) {
	retry := s.retry
	for {
		timer := time.NewTimer(wait)
		select {
		case <-s.ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if s.reload(s.ctx, false) == nil {
			wait, retry = s.refresh, s.retry
			continue
		}
		wait, retry = retry, min(2*retry, maxRetry)
	}
}

// check returns nil when one of the keys that a token with this header may be signed
// with fits. When the kid is unknown it tries the keys without one, and then asks for
// a newer set.
func (s *keySource) check(ctx context.Context, h header, fits func(key any) bool) error {
	set, err := s.current()
	if err != nil {
		return err
	}
	keys, known := set.find(h.Alg, h.Kid)
	if slices.ContainsFunc(keys, fits) {
		return nil
	}
	if !known {
		// Its failure is logged, and the present set still says no.
		_ = s.reload(ctx, true)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("auth: look for a newer key set: %w", err)
		}
		newer, err := s.current()
		if err != nil {
			return err
		}
		if newer != set {
			if keys, _ = newer.find(h.Alg, h.Kid); slices.ContainsFunc(keys, fits) {
				return nil
			}
		}
	}
	if len(keys) == 0 {
		return invalid("no key of the JWKS fits its kid and alg")
	}
	return errSignature
}

// current returns the last good set while it may be used.
func (s *keySource) current() (*keySet, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set == nil || s.now().Sub(s.loadedAt) > keysKeptFor {
		return nil, ErrKeysNotLoaded
	}
	return s.set, nil
}

func (s *keySource) ready() error {
	_, err := s.current()
	if err == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lastErr != nil {
		return fmt.Errorf("%w: %w", err, s.lastErr)
	}
	return err
}

// reload loads the set, or waits for the load that is under way: there is never
// more than one. On demand it does nothing when the last demand was too recent.
func (s *keySource) reload(ctx context.Context, onDemand bool) error {
	s.mu.Lock()
	f := s.flight
	if f == nil {
		now := s.now()
		if s.ctx.Err() != nil || onDemand && now.Sub(s.demanded) < demandEvery {
			s.mu.Unlock()
			return s.ctx.Err()
		}
		if onDemand {
			s.demanded = now
		}
		f = &flight{done: make(chan struct{})}
		s.flight = f
		// In its own goroutine, so that it goes on when the first caller leaves.
		s.wg.Go(func() { s.fly(f) })
	}
	s.mu.Unlock()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *keySource) fly(f *flight) {
	defer close(f.done)
	ctx, cancel := context.WithTimeout(s.ctx, loadTimeout)
	defer cancel()
	// The age counts from before the load: a slow server's keys are not newer.
	at := s.now()
	var set *keySet
	var ignored []error
	doc, err := s.load(ctx)
	if err == nil {
		set, ignored, err = parseKeySet(doc)
	}
	s.mu.Lock()
	first := s.set == nil
	s.flight, s.lastErr, f.err = nil, err, err
	if err == nil {
		s.set, s.loadedAt = set, at
	}
	s.mu.Unlock()
	switch {
	case s.ctx.Err() != nil: // Closed: what failed by that is no news.
	case err != nil:
		s.log.Warn("JWKS not loaded", "jwks", s.name, "error", err, "ignored_keys", len(ignored))
	case first:
		s.log.Info("JWKS loaded", "jwks", s.name, "keys", set.size, "ignored_keys", len(ignored))
	default:
		s.log.Debug("JWKS loaded again", "jwks", s.name, "keys", set.size, "ignored_keys", len(ignored))
	}
	for _, e := range ignored {
		s.log.Debug("JWKS key ignored", "jwks", s.name, "reason", e)
	}
}

func isURL(s string) bool { return strings.Contains(s, "://") }

// parseJWKSURL accepts https, and http on loopback, where nobody can interfere.
func parseJWKSURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("the JWKS URL cannot be parsed")
	}
	if u.User != nil {
		return nil, errors.New("the JWKS URL must not hold a user or password")
	}
	if u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()) {
		return u, nil
	}
	return nil, errors.New("the JWKS URL must be https, or http on a loopback address")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// fetcher returns a function that gets the document at u. It follows redirects
// within u's scheme and host only, keeps no cookies and no connections.
func fetcher(u *url.URL, transport http.RoundTripper) func(context.Context) ([]byte, error) {
	if transport == nil {
		transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2:      true,
		}
	}
	client := &http.Client{
		Transport: transport,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if req.URL.Scheme != u.Scheme || req.URL.Host != u.Host || req.URL.User != nil {
				return errors.New("redirect to another scheme or host")
			}
			if len(via) > maxHops {
				return errors.New("too many redirects")
			}
			return nil
		},
	}
	return func(ctx context.Context) ([]byte, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Accept", "application/jwk-set+json, application/json")
		resp, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("answered %d", resp.StatusCode)
		}
		return readBounded(resp.Body)
	}
}

func readFile(name string) ([]byte, error) {
	// Opening a pipe would wait for its writer, maybe for ever.
	if info, err := os.Stat(name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return readBounded(f)
}

func readBounded(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxSetBytes+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxSetBytes {
		return nil, fmt.Errorf("longer than %d bytes", maxSetBytes)
	}
	return b, nil
}
