package server

import (
	"context"

	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/store/postgres"
	"github.com/hydracore/hydrapin/internal/store/sqlite"
)

// OpenStore opens the database that the settings name, and migrates it when
// asked. Errors are the store's: [store.ErrUnavailable], [store.ErrNewerSchema].
func OpenStore(ctx context.Context, cfg config.Config, migrate bool) (store.Database, error) {
	db, err := open(ctx, cfg.Database)
	if err != nil {
		return nil, err
	}
	if migrate {
		if err := db.Migrate(ctx); err != nil {
			_ = db.Close()
			return nil, err
		}
	}
	return db, nil
}

func open(ctx context.Context, d config.Database) (store.Database, error) {
	if d.Engine == config.Postgres {
		return postgres.Open(ctx, postgres.Config{URL: d.URL.Reveal()})
	}
	return sqlite.Open(ctx, sqlite.Config{Path: d.Path})
}
