package service

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
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

// KeySpec is a key to mint: with scopes an API key, with an instance its runtime
// key.
type KeySpec struct {
	Tenant   uuid.UUID
	Scopes   []auth.Scope
	Instance uuid.UUID
	Name     string
	// ExpiresIn is zero for a key that does not expire.
	ExpiresIn time.Duration
}

// ErrKeySpec is returned by [Service.MintKey] for a specification that names not
// exactly one of scopes and instance, or no tenant.
var ErrKeySpec = errors.New("service: a key is for a tenant, with either scopes or an instance")

// MintKey makes a key. The secret is returned once and not stored.
func (s *Service) MintKey(ctx context.Context, c Caller, spec KeySpec) (auth.APIKey, auth.KeySecret, error) {
	runtime := spec.Instance != uuid.Nil
	if spec.Tenant == uuid.Nil || runtime == (len(spec.Scopes) > 0) || spec.ExpiresIn < 0 {
		return auth.APIKey{}, auth.KeySecret{}, ErrKeySpec
	}
	kind := auth.KindAPIKey
	if runtime {
		kind = auth.KindRuntimeKey
	}
	id, hash, secret, err := auth.NewKey(kind)
	if err != nil {
		return auth.APIKey{}, auth.KeySecret{}, err
	}
	key, err := run(ctx, s, act{op: OpMintKey, caller: c, repeats: true}, func(ctx context.Context, st *step) (auth.APIKey, error) {
		key := auth.APIKey{
			ID: id, Kind: kind, Hash: hash, Tenant: spec.Tenant, Instance: spec.Instance,
			Scopes: spec.Scopes, Name: spec.Name,
		}
		if st.repeated {
			var stored auth.APIKey
			st.APIKey(id, &stored)
			switch err := st.Fetch(ctx); {
			case err == nil: // a first run has stored it
				return stored, nil
			case !errors.Is(err, store.ErrNotFound):
				return auth.APIKey{}, err
			}
		}
		if err := st.Fetch(ctx); err != nil { // the time
			return auth.APIKey{}, err
		}
		key.CreatedAt = st.Now()
		if spec.ExpiresIn > 0 {
			key.ExpiresAt = st.Now().Add(spec.ExpiresIn)
		}
		st.InsertAPIKey(key)
		scopes := make([]string, len(key.Scopes))
		for i, scope := range key.Scopes {
			scopes[i] = string(scope)
		}
		st.recordAs(c.within(key.Tenant), about{instance: key.Instance},
			audit.KeyMinted{Key: key.ID, Kind: string(key.Kind), Name: key.Name, Scopes: scopes})
		return key, nil
	})
	return key, secret, err
}

// RevokeKey revokes a key for ever, or returns [ErrNotFound]. Revoking it again
// changes nothing.
func (s *Service) RevokeKey(ctx context.Context, c Caller, id string) error {
	_, err := run(ctx, s, act{op: OpRevokeKey, caller: c, repeats: true}, func(ctx context.Context, st *step) (struct{}, error) {
		var key auth.APIKey
		st.LockAPIKey(id, &key)
		if err := st.Fetch(ctx); err != nil {
			return struct{}{}, notFound(err)
		}
		next, changes := key.Revoke(st.Now())
		if changes {
			st.SaveAPIKey(next)
			st.EndPINLinksOf(key, st.Now())
			st.recordAs(c.within(key.Tenant), about{instance: key.Instance},
				audit.KeyRevoked{Key: key.ID, Kind: string(key.Kind), Name: key.Name})
		}
		return struct{}{}, nil
	})
	return err
}

// Keys returns the keys of a tenant, or with uuid.Nil of all, oldest first.
func (s *Service) Keys(ctx context.Context, tenant uuid.UUID) ([]auth.APIKey, error) {
	return s.config.Store.APIKeys(ctx, tenant)
}
