package cli

import (
	"context"

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
