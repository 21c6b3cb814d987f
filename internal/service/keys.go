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
	// keyFor is how long a key that was read may be used without reading it anew,
	// so a revoked key is dead within that on every node.
	keyFor = 5 * time.Second
	// maxCachedKeys bounds the cache; past it the cache starts over.
	maxCachedKeys = 10_000
)

// AuthenticateKey returns whom an API key or runtime key stands for, or
// [ErrUnauthorized]. fresh reads the key anew, for whatever writes.
func (s *Service) AuthenticateKey(ctx context.Context, raw string, fresh bool) (auth.Principal, error) {
	kind, id, hash, err := auth.ParseKey(raw)
	if err != nil {
		return auth.Principal{}, fmt.Errorf("%w: %w", ErrUnauthorized, err)
	}
	now := s.Now()
	key, ok := s.keys.get(id, now)
	if fresh || !ok {
		key, err = s.Store.APIKey(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return auth.Principal{}, fmt.Errorf("%w: no such key", ErrUnauthorized)
		}
		if err != nil {
			return auth.Principal{}, err
		}
		s.keys.put(key, now)
	}
	if !key.Matches(kind, hash) {
		return auth.Principal{}, fmt.Errorf("%w: wrong secret for key %s", ErrUnauthorized, id)
	}
	if !key.Live(now) {
		return auth.Principal{}, fmt.Errorf("%w: key %s is revoked or has expired", ErrUnauthorized, id)
	}
	return key.Principal(), nil
}

type keyCache struct {
	mu sync.Mutex
	by map[string]cachedKey
}

type cachedKey struct {
	key  auth.APIKey
	read time.Time
}

func newKeyCache() *keyCache { return &keyCache{by: map[string]cachedKey{}} }

func (k *keyCache) get(id string, now time.Time) (auth.APIKey, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c, ok := k.by[id]
	if !ok || now.Sub(c.read) >= keyFor || now.Before(c.read) {
		return auth.APIKey{}, false
	}
	return c.key, true
}

func (k *keyCache) put(key auth.APIKey, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.by) >= maxCachedKeys {
		clear(k.by)
	}
	k.by[key.ID] = cachedKey{key: key, read: now}
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
	key := auth.APIKey{
		ID: id, Kind: kind, Hash: hash, Tenant: spec.Tenant, Instance: spec.Instance,
		Scopes: spec.Scopes, Name: spec.Name,
	}
	err = s.Store.InTx(ctx, func(tx store.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		key.CreatedAt = now
		if spec.ExpiresIn > 0 {
			key.ExpiresAt = now.Add(spec.ExpiresIn)
		}
		if err := tx.InsertAPIKey(ctx, key); err != nil {
			return err
		}
		return tx.Append(ctx, keyEvent(c, audit.KeyMinted, key))
	})
	return key, secret, err
}

// RevokeKey revokes a key for ever, or returns [ErrNotFound]. Revoking it again
// changes nothing.
func (s *Service) RevokeKey(ctx context.Context, c Caller, id string) error {
	return notFound(s.Store.InTx(ctx, func(tx store.Tx) error {
		key, err := tx.APIKey(ctx, id)
		if err != nil {
			return err
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		revoked, err := tx.RevokeAPIKey(ctx, id, now)
		if err != nil || !revoked {
			return err
		}
		return tx.Append(ctx, keyEvent(c, audit.KeyRevoked, key))
	}))
}

func keyEvent(c Caller, t audit.Type, key auth.APIKey) audit.Event {
	e := c.event(t)
	e.Tenant, e.Instance = key.Tenant, key.Instance
	e.Details = map[string]any{"key": key.ID, "kind": string(key.Kind), "name": key.Name}
	if len(key.Scopes) > 0 {
		e.Details["scopes"] = key.Scopes
	}
	return e
}
