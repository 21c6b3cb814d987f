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
	// askAgain is how long an unknown id waits for another look: anyone can make up ids.
	askAgain = time.Minute
	// firstAgain is the same while there are no keys to verify with at all.
	firstAgain = 5 * time.Second
	// refreshAfter is when keys are looked at again unasked, so that a withdrawn one stops to count.
	refreshAfter = time.Hour
	// keepFor is how long the last good keys are used when no newer ones can be had.
	keepFor = 24 * time.Hour
	// fetchTime bounds one fetch, and fetchBytes its answer.
	fetchTime  = 10 * time.Second
	fetchBytes = 64 << 10
)

// ErrKeysURL is returned by [RemoteKeys] for an address that keys may not come from.
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

// RemoteKeys returns the keys published at that address, usually the server's /.well-known/jwks.json. They are
// fetched when they are first needed (and every 5 seconds at most until that succeeds), again after an hour, and for
// an unknown id at most once a minute; the last good ones are kept for a day. One fetch takes at most 10 seconds and 64 KiB, and follows no redirect. A nil client is
// the default one; the given one is not changed.
//
// Key gives [ErrKeysUnavailable] when there are no keys to look at.
func RemoteKeys(address string, client *http.Client) (KeySource, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return nil, ErrKeysURL
	}
	if client == nil {
		client = http.DefaultClient
	}
	own := *client
	// A redirect would let the keys come from an address that nobody named.
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

// refresh starts a fetch where one is due, and returns what to wait for, or nil when the id can be answered as
// things are.
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
		// Not on the caller's context: one who gives up must not fail the fetch for all the others.
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
