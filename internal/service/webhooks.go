package service

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"slices"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/paging"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/webhook"
)

// NewWebhook is an endpoint that is to be created.
type NewWebhook struct {
	URL, Description string
	Events           []string
	Enabled          bool
}

// Webhooks returns a page of the endpoints of the caller's tenant, oldest first.
func (s *Service) Webhooks(ctx context.Context, c Caller, page paging.Page) (paging.Of[webhook.Endpoint], error) {
	all, err := s.config.Store.Webhooks(ctx, c.Tenant)
	first := min(page.Skipped(), len(all)) // there are at most webhook.MaxPerTenant
	return paging.Of[webhook.Endpoint]{
		Page: page, Rows: all[first:min(first+page.Rows(), len(all))], Total: len(all),
	}, err
}

// Webhook returns an endpoint, or [ErrNotFound].
func (s *Service) Webhook(ctx context.Context, c Caller, id uuid.UUID) (webhook.Endpoint, error) {
	var e webhook.Endpoint
	reads := s.config.Store.Reads()
	reads.Webhook(c.webhook(id), &e)
	return e, notFound(reads.Fetch(ctx))
}

// CreateWebhook creates an endpoint, and returns its secret once. An API key needs the scope
// events:read too: [ErrEventsScope]. It returns [ErrTooManyWebhooks] for one more than
// [webhook.MaxPerTenant], and [ErrWebhookAddress].
func (s *Service) CreateWebhook(ctx context.Context, c Caller, n NewWebhook) (webhook.Endpoint, webhook.Secret, error) {
	if err := s.mayDirect(c, &n.URL); err != nil {
		return webhook.Endpoint{}, webhook.Secret{}, err
	}
	plain := webhook.NewSecret()
	fresh := webhook.Endpoint{
		Ref: c.webhook(s.config.NewID()), URL: n.URL, Events: n.Events, Description: n.Description,
		CreatedBy: c.actor(), DirectedBy: c.actor(),
	}
	if !n.Enabled {
		fresh.Disabled = webhook.ByHand
	}
	var err error
	if fresh.Secret, err = s.config.WebhookSecrets.Seal(fresh.Ref, plain); err != nil {
		return webhook.Endpoint{}, webhook.Secret{}, err
	}
	// Of two that take the same place one finds the next, until there is none.
	for range webhook.MaxPerTenant {
		created, err := s.createWebhook(ctx, c, fresh)
		if !errors.Is(err, store.ErrKeyTaken) {
			return created, plain, err
		}
	}
	return webhook.Endpoint{}, webhook.Secret{}, ErrUnavailable
}

func (s *Service) createWebhook(ctx context.Context, c Caller, fresh webhook.Endpoint) (webhook.Endpoint, error) {
	return run(ctx, s, act{op: OpCreateWebhook, caller: c, repeats: true}, func(ctx context.Context, st *step) (webhook.Endpoint, error) {
		if err := st.lockActor(ctx); err != nil {
			return webhook.Endpoint{}, err
		}
		var all []webhook.Endpoint
		st.WebhooksOf(c.Tenant, &all)
		if err := st.Fetch(ctx); err != nil {
			return webhook.Endpoint{}, err
		}
		e := fresh
		taken := map[int]bool{}
		for _, other := range all {
			if other.ID == e.ID { // a first run has stored it
				return other, nil
			}
			taken[other.Place] = true
		}
		for e.Place = 1; taken[e.Place]; e.Place++ {
			continue
		}
		if e.Place > webhook.MaxPerTenant {
			return webhook.Endpoint{}, refuse(ErrTooManyWebhooks)
		}
		e.CreatedAt, e.UpdatedAt = st.Now(), st.Now()
		st.InsertWebhook(e)
		st.record(about{}, audit.WebhookCreated{Webhook: e.ID.String(), Host: hostOf(e.URL), Events: e.Events})
		return e, nil
	})
}

// UpdateWebhook changes an endpoint. To change its URL or events an API key needs the scope
// events:read too: [ErrEventsScope].
func (s *Service) UpdateWebhook(ctx context.Context, c Caller, id uuid.UUID, p webhook.Patch) (webhook.Endpoint, error) {
	if p.Directs() {
		if err := s.mayDirect(c, p.URL); err != nil {
			return webhook.Endpoint{}, err
		}
	}
	return run(ctx, s, act{op: OpUpdateWebhook, caller: c, repeats: true}, func(ctx context.Context, st *step) (webhook.Endpoint, error) {
		e, err := st.lockWebhook(ctx, c.webhook(id))
		if err != nil {
			return e, err
		}
		next, changes := e.Patch(p, c.actor(), st.Now())
		if !changes {
			return e, nil
		}
		st.SaveWebhook(next)
		st.record(about{}, audit.WebhookUpdated{
			Webhook: id.String(), Host: hostOf(next.URL), Events: next.Events, Enabled: next.Enabled(),
		})
		return next, nil
	})
}

// DeleteWebhook removes an endpoint, or returns [ErrNotFound]. Nothing more is sent to it.
func (s *Service) DeleteWebhook(ctx context.Context, c Caller, id uuid.UUID) error {
	_, err := run(ctx, s, act{op: OpDeleteWebhook, caller: c, repeats: true}, func(ctx context.Context, st *step) (struct{}, error) {
		switch _, err := st.lockWebhook(ctx, c.webhook(id)); {
		case errors.Is(err, ErrNotFound) && st.repeated: // a first run has removed it
			return struct{}{}, nil
		case err != nil:
			return struct{}{}, err
		}
		st.DeleteWebhook(c.webhook(id))
		st.record(about{}, audit.WebhookDeleted{Webhook: id.String()})
		return struct{}{}, nil
	})
	return err
}

// RotateWebhookSecret gives an endpoint a new secret, and returns it once. The one before signs too
// for [webhook.OverlapFor].
func (s *Service) RotateWebhookSecret(ctx context.Context, c Caller, id uuid.UUID) (webhook.Endpoint, webhook.Secret, error) {
	plain := webhook.NewSecret()
	sealed, err := s.config.WebhookSecrets.Seal(c.webhook(id), plain)
	if err != nil {
		return webhook.Endpoint{}, webhook.Secret{}, err
	}
	e, err := run(ctx, s, act{op: OpRotateWebhookSecret, caller: c, repeats: true}, func(ctx context.Context, st *step) (webhook.Endpoint, error) {
		e, err := st.lockWebhook(ctx, c.webhook(id))
		if err != nil || slices.Equal(e.Secret.Box, sealed.Box) { // a first run has stored it
			return e, err
		}
		e = e.Rotate(sealed, st.Now())
		st.SaveWebhook(e)
		st.record(about{}, audit.WebhookSecretRotated{Webhook: id.String()})
		return e, nil
	})
	return e, plain, err
}

// TestWebhook records an event that goes to the endpoint whatever events it gets, and returns the
// event's id. It returns [ErrWebhookDisabled].
func (s *Service) TestWebhook(ctx context.Context, c Caller, id uuid.UUID) (uuid.UUID, error) {
	return run(ctx, s, act{op: OpTestWebhook, caller: c}, func(ctx context.Context, st *step) (uuid.UUID, error) {
		e, err := st.lockWebhook(ctx, c.webhook(id))
		switch {
		case err != nil:
			return uuid.Nil, err
		case !e.Enabled():
			return uuid.Nil, refuse(ErrWebhookDisabled)
		}
		st.record(about{}, audit.WebhookTested{Webhook: id.String()})
		return st.events[len(st.events)-1].ID, nil
	})
}

// mayDirect says whether the caller may have events sent to a URL, or with nil to the present one.
func (s *Service) mayDirect(c Caller, to *string) error {
	if c.Kind == auth.KindAPIKey && !c.Has(auth.ScopeEventsRead) {
		return ErrEventsScope
	}
	if to == nil {
		return nil
	}
	u, err := url.Parse(*to)
	if err != nil {
		return ErrWebhookAddress
	}
	// A name is looked up as it is dialed; an address can be refused at once.
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && !s.config.WebhookAddresses.Allows(addr) {
		return ErrWebhookAddress
	}
	return nil
}

// lockWebhook locks an endpoint under the key that acts, which is not revoked meanwhile.
func (st *step) lockWebhook(ctx context.Context, ref webhook.Ref) (webhook.Endpoint, error) {
	if err := st.lockActor(ctx); err != nil {
		return webhook.Endpoint{}, err
	}
	var e webhook.Endpoint
	st.LockWebhook(ref, &e)
	return e, notFound(st.Fetch(ctx))
}

// lockActor locks the key that acts, so that a revocation sees what it makes.
func (st *step) lockActor(ctx context.Context) error {
	if st.caller.Kind != auth.KindAPIKey {
		return nil
	}
	var key auth.APIKey
	st.LockAPIKey(st.caller.ID, &key)
	err := st.Fetch(ctx)
	if errors.Is(err, store.ErrNotFound) || err == nil && !key.Live(st.Now()) {
		return ErrUnauthorized
	}
	return err
}

// hostOf is what events record of a URL: its path and query may hold a token.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Host
}
