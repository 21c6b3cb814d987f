package service

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/paging"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/webhook"
)

// KeySpec is a key to mint: with scopes an API key, with an instance its runtime
// key.
type KeySpec struct {
	Tenant   uuid.UUID
	Scopes   []auth.Scope
	Instance uuid.UUID
	Name     string
	// ExpiresIn and ExpiresAt say when the key expires; at most one is set. With neither it
	// expires with the key that creates it, or not at all.
	ExpiresIn time.Duration
	ExpiresAt time.Time
}

// ErrKeySpec is returned by [Service.MintKey] for a specification that names not
// exactly one of scopes and instance, or no tenant.
var ErrKeySpec = errors.New("service: a key is for a tenant, with either scopes or an instance")

func (k KeySpec) kind() (auth.Kind, error) {
	runtime := k.Instance != uuid.Nil
	if k.Tenant == uuid.Nil || runtime == (len(k.Scopes) > 0) || k.ExpiresIn < 0 || k.ExpiresIn > 0 && !k.ExpiresAt.IsZero() {
		return "", ErrKeySpec
	}
	if runtime {
		return auth.KindRuntimeKey, nil
	}
	return auth.KindAPIKey, nil
}

// MintKey makes a key. The secret is returned once and not stored. An API key makes none
// that has more than itself: [EscalationError]. It returns [ErrKeyExpiry] for a key that
// would have expired.
func (s *Service) MintKey(ctx context.Context, c Caller, spec KeySpec) (auth.APIKey, auth.KeySecret, error) {
	kind, err := spec.kind()
	if err != nil {
		return auth.APIKey{}, auth.KeySecret{}, err
	}
	if c.Kind != auth.KindOperator && spec.Tenant != c.Tenant {
		return auth.APIKey{}, auth.KeySecret{}, ErrKeySpec
	}
	id, hash, secret, err := auth.NewKey(kind)
	if err != nil {
		return auth.APIKey{}, auth.KeySecret{}, err
	}
	fresh := auth.APIKey{
		ID: id, Kind: kind, Hash: hash, Tenant: spec.Tenant, Instance: spec.Instance, Scopes: spec.Scopes,
		Name: spec.Name, ExpiresAt: spec.ExpiresAt, CreatedByKind: c.Kind, CreatedBy: c.ID,
	}
	key, err := run(ctx, s, act{op: OpMintKey, caller: c, repeats: true}, func(ctx context.Context, st *step) (auth.APIKey, error) {
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
		maker, err := st.lockMaker(ctx)
		if err != nil {
			return auth.APIKey{}, err
		}
		key := fresh
		key.CreatedAt = st.Now()
		if spec.ExpiresIn > 0 {
			key.ExpiresAt = st.Now().Add(spec.ExpiresIn)
		}
		if !key.ExpiresAt.IsZero() && !key.ExpiresAt.After(st.Now()) {
			return auth.APIKey{}, refuse(ErrKeyExpiry)
		}
		if maker.ID != "" {
			derived, why := maker.Derive(key)
			if why != auth.NoEscalation {
				return auth.APIKey{}, refuse(&EscalationError{Why: why})
			}
			key = derived
		}
		st.InsertAPIKey(key)
		st.recordAs(c.within(key.Tenant), about{instance: key.Instance}, audit.KeyMinted{
			Key: key.ID, Kind: string(key.Kind), Name: key.Name, Scopes: scopeTexts(key.Scopes),
		})
		return key, nil
	})
	if err != nil {
		return auth.APIKey{}, auth.KeySecret{}, err
	}
	return key, secret, nil
}

// lockMaker locks the key that acts, so that it is not revoked before what it makes is
// stored, and reads the time. A caller that is no key is the zero key.
func (st *step) lockMaker(ctx context.Context) (auth.APIKey, error) {
	var maker auth.APIKey
	switch st.caller.Kind {
	case auth.KindAPIKey, auth.KindRuntimeKey:
		st.LockAPIKey(st.caller.ID, &maker)
	case auth.KindJWT, auth.KindOperator:
	default:
		return maker, refuse(&EscalationError{Why: auth.OtherKind})
	}
	err := st.Fetch(ctx)
	if errors.Is(err, store.ErrNotFound) || err == nil && maker.ID != "" && !maker.Live(st.Now()) {
		return maker, ErrUnauthorized
	}
	return maker, err
}

func scopeTexts(scopes []auth.Scope) []string {
	texts := make([]string, len(scopes))
	for i, scope := range scopes {
		texts[i] = string(scope)
	}
	return texts
}

// RevokeKey revokes a key for ever, with every key that was created with it, and with
// those that were created with them. It returns [ErrNotFound] for a key that the caller's
// tenant does not have, and an [EscalationError] for a key that names another than itself
// and what was created with it. Revoking again changes nothing. An operator without a
// tenant revokes a key of any.
func (s *Service) RevokeKey(ctx context.Context, c Caller, id string) error {
	revoked, err := run(ctx, s, act{op: OpRevokeKey, caller: c, repeats: true}, func(ctx context.Context, st *step) ([]auth.APIKey, error) {
		var key auth.APIKey
		st.APIKey(id, &key)
		switch err := st.Fetch(ctx); {
		case err != nil:
			return nil, notFound(err)
		case key.Tenant != c.Tenant && (c.Kind != auth.KindOperator || c.Tenant != uuid.Nil):
			return nil, ErrNotFound
		}
		if err := st.mayRevoke(ctx, key); err != nil {
			return nil, err
		}
		family, err := st.lockFamily(ctx, id)
		if err != nil {
			return nil, err
		}
		// Whoever makes a webhook locks the key that makes it, so that all of them are seen here.
		var hooks []webhook.Endpoint
		if len(family) > 0 {
			st.LockWebhooks(key.Tenant, &hooks)
			if err := st.Fetch(ctx); err != nil {
				return nil, err
			}
		}
		for _, member := range family {
			st.revoke(member)
		}
		st.disableWebhooksOf(family, hooks)
		return family, nil
	})
	for _, key := range revoked {
		s.keys.forget(key.ID)
	}
	return err
}

// mayRevoke says whether the caller may revoke a key: one that is a key only itself, and
// what was created with it. Who created a key never changes, so this needs no lock.
func (st *step) mayRevoke(ctx context.Context, key auth.APIKey) error {
	switch st.caller.Kind {
	case auth.KindJWT, auth.KindOperator:
		return nil
	default:
	}
	for key.ID != st.caller.ID {
		maker := key.Maker()
		if maker == "" {
			return refuse(&EscalationError{Why: auth.NotCreatedByIt})
		}
		st.APIKey(maker, &key)
		if err := st.Fetch(ctx); err != nil {
			return err
		}
	}
	return nil
}

// lockFamily locks a key, then those that were created with it, then those that were
// created with them, each level under the locks of the one before: whoever mints locks the
// maker, so that nothing is created that is not seen here. Locks go downwards alone, and
// within a level in the order of the ids, so that two of them never wait for each other.
// Keys that are revoked are left out: what they made is revoked, too.
func (st *step) lockFamily(ctx context.Context, id string) ([]auth.APIKey, error) {
	var root auth.APIKey
	st.LockAPIKey(id, &root)
	if err := st.Fetch(ctx); err != nil {
		return nil, notFound(err)
	}
	if !root.RevokedAt.IsZero() {
		return nil, nil
	}
	family := []auth.APIKey{root}
	for level := family; len(level) > 0; {
		makers := make([]string, 0, len(level))
		for _, key := range level {
			if key.Kind == auth.KindAPIKey {
				makers = append(makers, key.ID)
			}
		}
		if len(makers) == 0 {
			break
		}
		level = nil
		st.LockAPIKeysMadeBy(root.Tenant, makers, &level)
		if err := st.Fetch(ctx); err != nil {
			return nil, err
		}
		family = append(family, level...)
	}
	return family, nil
}

// revoke revokes one key, and ends what it made besides keys. This is the one place for
// that: each key of a family passes through it.
func (st *step) revoke(key auth.APIKey) {
	next, changes := key.Revoke(st.Now())
	if !changes {
		return
	}
	st.SaveAPIKey(next)
	st.EndPINLinksOf(key, st.Now())
	st.recordAs(st.caller.within(key.Tenant), about{instance: key.Instance},
		audit.KeyRevoked{Key: key.ID, Kind: string(key.Kind), Name: key.Name})
}

// Keys returns the keys of a tenant, or with uuid.Nil of all, oldest first.
func (s *Service) Keys(ctx context.Context, tenant uuid.UUID) ([]auth.APIKey, error) {
	keys, err := s.config.Store.APIKeys(ctx, tenant)
	s.uses.show(keys, s.config.Now())
	return keys, err
}

// KeyPage returns a page of the keys of the caller's tenant, oldest first.
func (s *Service) KeyPage(ctx context.Context, c Caller, page paging.Page) (paging.Of[auth.APIKey], error) {
	var got paging.Of[auth.APIKey]
	reads := s.config.Store.Reads()
	reads.APIKeyPage(c.Tenant, page, &got)
	err := reads.Fetch(ctx)
	s.uses.show(got.Rows, reads.Now())
	return got, err
}
