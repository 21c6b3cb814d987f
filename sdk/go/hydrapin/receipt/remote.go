package receipt

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	// askAgain is how long an unknown id is not looked up again: anyone can make up ids.
	askAgain = time.Minute
	// firstAgain is the same while there are no keys at all.
	firstAgain = 5 * time.Second
	// refreshAfter is when keys are fetched again without being asked for, so that a withdrawn key
	// is no longer accepted.
	refreshAfter = time.Hour
	// keepFor is how long the last good keys are used if no newer ones can be fetched.
	keepFor = 24 * time.Hour
	// fetchTime bounds one fetch, and fetchBytes its size.
	fetchTime  = 10 * time.Second
	fetchBytes = 64 << 10
)

// ErrKeysURL is returned by [RemoteKeys] for an address that keys must not come from.
var ErrKeysURL = errors.New("receipt: keys must come from an https address, or http on a loopback address")

// remoteKeys is a cached JWK Set from an address.
type remoteKeys struct {
	url    string
	client *http.Client

	mu       sync.Mutex
	set      keySet
	loaded   time.Time     // when set was fetched
	tried    time.Time     // when a fetch last began
	fetching chan struct{} // closed when the fetch that is under way ends; nil when none is
}

// RemoteKeys returns the keys published at an address, usually the server's /.well-known/jwks.json.
// It fetches them when they are first needed (at most every 5 seconds until that succeeds), again
// after an hour, and for an unknown id at most once a minute. It keeps the last good keys for a
// day. One fetch takes at most 10 seconds and 64 KiB, and follows no redirect. A nil client is the
// default client; the client is not changed.
//
// Key returns [ErrKeysUnavailable] if there are no keys.
func RemoteKeys(address string, client *http.Client) (KeySource, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return nil, ErrKeysURL
	}
	if client == nil {
		client = http.DefaultClient
	}
	own := *client
	// With a redirect, the keys would come from an address that nobody configured.
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &remoteKeys{url: address, client: &own}, nil
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// Key implements [KeySource].
func (r *remoteKeys) Key(ctx context.Context, kid string) (ed25519.PublicKey, error) {
	if wait := r.refresh(kid); wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrKeysUnavailable, ctx.Err())
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.usable(time.Now()) {
		return nil, ErrKeysUnavailable
	}
	return r.set.Key(ctx, kid)
}

// usable says whether there are keys that are not too old.
func (r *remoteKeys) usable(now time.Time) bool { return r.set != nil && now.Sub(r.loaded) < keepFor }

// refresh starts a fetch if one is due, and returns what to wait for, or nil if the id can be
// looked up in the keys that are there.
func (r *remoteKeys) refresh(kid string) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	usable := r.usable(now)
	known := usable && r.set[kid] != nil
	if known && now.Sub(r.loaded) < refreshAfter {
		return nil
	}
	pause := askAgain
	if !usable {
		pause = firstAgain
	}
	if r.fetching == nil && (r.tried.IsZero() || now.Sub(r.tried) >= pause) {
		r.tried, r.fetching = now, make(chan struct{})
		// The caller's context is not used: a caller who gives up must not fail the fetch for the
		// others.
		go r.load()
	}
	if known {
		return nil
	}
	return r.fetching
}

func (r *remoteKeys) load() {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTime)
	defer cancel()
	set, err := r.fetch(ctx)

	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.set, r.loaded = set, time.Now()
	}
	close(r.fetching)
	r.fetching = nil
}

func (r *remoteKeys) fetch(ctx context.Context) (keySet, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	response, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: status %d", ErrKeysUnavailable, response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, fetchBytes+1))
	if err != nil {
		return nil, err
	}
	if len(body) > fetchBytes {
		return nil, fmt.Errorf("%w: longer than 64 KiB", ErrKeySet)
	}
	return parseJWKS(body)
}
