package cli

import (
	"context"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/server"
	"github.com/hydracore/hydrapin/internal/service"
)

// withService runs fn with a service that has a database and nothing else: no
// peppers and no receipt keys.
func (a *app) withService(ctx context.Context, fn func(*service.Service) error) error {
	cfg, err := a.database()
	if err != nil {
		return err
	}
	st, err := server.OpenStore(ctx, cfg, false)
	if err != nil {
		return unusable(cfg, err)
	}
	defer func() { _ = st.Close() }()
	if err := st.Ping(ctx); err != nil {
		return unusable(cfg, err)
	}
	return fn(service.New(service.Config{Store: st}))
}

// keysOf returns the keys of a tenant, or with uuid.Nil of all.
func keysOf(ctx context.Context, s *service.Service, tenant uuid.UUID) ([]auth.APIKey, error) {
	return s.Store.APIKeys(ctx, tenant)
}

// eventsOf returns a page of the audit trail.
func eventsOf(ctx context.Context, s *service.Service, f audit.Filter) ([]audit.Event, error) {
	return s.Store.Events(ctx, f)
}
