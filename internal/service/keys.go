package service

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/store"
)

const (
	// keyFor is how long a key that was read may be used without reading it again,
	// so a revoked key is dead within that on every node.
	keyFor = 5 * time.Second
	// maxCachedKeys bounds the cache; past it the cache starts over.
	maxCachedKeys = 10_000
)

// AuthenticateKey returns whom an API key or runtime key stands for, or
// [ErrUnauthorized]. fresh reads the key from the
// database, for whatever writes.
func (s *Service) AuthenticateKey(ctx context.Context, raw string, fresh bool) (auth.Principal, error) {
	kind, id, hash, err := auth.ParseKey(raw)
	if err != nil {
		return auth.Principal{}, fmt.Errorf("%w: %w", ErrUnauthorized, err)
	}
	now := s.config.Now()
	key, known := s.keys.get(id, now)
	switch {
	case s.keys.isUnknown(id, now):
		return auth.Principal{}, fmt.Errorf("%w: no such key", ErrUnauthorized)
	case known && !key.Matches(kind, hash): // it would not match when read again either
	case fresh || !known:
		reads := s.config.Store.Reads()
		reads.APIKey(id, &key)
		err = reads.Fetch(ctx)
		if errors.Is(err, store.ErrNotFound) {
			s.keys.putUnknown(id, now)
			return auth.Principal{}, fmt.Errorf("%w: no such key", ErrUnauthorized)
		}
		if err != nil {
			return auth.Principal{}, err
		}
		s.keys.put(key, now)
	}
	if !key.Matches(kind, hash) {
		return auth.Principal{}, fmt.Errorf("%w: incorrect secret for key %s", ErrUnauthorized, id)
	}
	if !key.Live(now) {
		return auth.Principal{}, fmt.Errorf("%w: key %s is revoked or has expired", ErrUnauthorized, id)
	}
	s.uses.note(key.ID, now)
	return key.Principal(), nil
}

type keyCache struct {
	mu    sync.Mutex
	known map[string]cachedKey
	// unknown are ids that were not found, so that whoever tries keys does not ask the
	// database each time. They have a map of their own, which pushes no known key out.
	unknown map[string]time.Time
}

type cachedKey struct {
	key  auth.APIKey
	read time.Time
}

func newKeyCache() *keyCache {
	return &keyCache{known: map[string]cachedKey{}, unknown: map[string]time.Time{}}
}

func (k *keyCache) get(id string, now time.Time) (auth.APIKey, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c, ok := k.known[id]
	if !ok || now.Sub(c.read) >= keyFor || now.Before(c.read) {
		return auth.APIKey{}, false
	}
	return c.key, true
}

func (k *keyCache) put(key auth.APIKey, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.known) >= maxCachedKeys {
		clear(k.known)
	}
	k.known[key.ID] = cachedKey{key: key, read: now}
}

// forget makes the next look at a key a look at the database.
func (k *keyCache) forget(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.known, id)
}

func (k *keyCache) isUnknown(id string, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	read, ok := k.unknown[id]
	return ok && now.Sub(read) < keyFor && !now.Before(read)
}

func (k *keyCache) putUnknown(id string, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.unknown) >= maxCachedKeys {
		clear(k.unknown)
	}
	k.unknown[id] = now
}
