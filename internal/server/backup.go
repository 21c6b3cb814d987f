package server

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/store/sqlite"
)

// ErrNothingRestored is returned by [RestorePostgres] for a database without tables.
var ErrNothingRestored = errors.New("it is empty: fill it with pg_restore first")

// Backup writes the embedded database to a new file, beside a running server. The file
// holds neither peppers nor other secrets. Errors: fs.ErrExist and the store's.
func Backup(ctx context.Context, cfg config.Config, path string) error {
	st, err := sqlite.Open(ctx, sqlite.Config{Path: cfg.Database.Path})
	if err != nil {
		return err
	}
	return errors.Join(st.Backup(ctx, path), st.Close())
}

// RestoreEmbedded makes the embedded database from a backup, and the data folder where
// there is none. A running server is an error. The database is there complete, or not at
// all. Errors: fs.ErrExist where a database exists, and the store's.
func RestoreEmbedded(ctx context.Context, cfg config.Config, path string) (service.Restored, error) {
	folder, err := config.HoldFolder(cfg)
	if err != nil {
		return service.Restored{}, err
	}
	defer func() { _ = folder.Close() }()
	var ended service.Restored
	err = sqlite.Restore(ctx, path, cfg.Database.Path, func(ctx context.Context, st *sqlite.Store) error {
		var err error
		ended, err = finishRestore(ctx, st)
		return err
	})
	return ended, err
}

// RestorePostgres completes a restore of the database that pg_restore has filled. Nodes must
// not run before it has ended well; it can be run again. Errors: [ErrNothingRestored] and
// the store's.
func RestorePostgres(ctx context.Context, cfg config.Config) (service.Restored, error) {
	st, err := OpenStore(ctx, cfg, false)
	if err != nil {
		return service.Restored{}, err
	}
	defer func() { _ = st.Close() }()
	steps, err := st.MigrationStatus(ctx)
	if err != nil {
		return service.Restored{}, err
	}
	if !steps[0].Applied {
		return service.Restored{}, ErrNothingRestored
	}
	if err := st.Migrate(ctx); err != nil {
		return service.Restored{}, err
	}
	return finishRestore(ctx, st)
}

func finishRestore(ctx context.Context, st store.Store) (service.Restored, error) {
	return service.New(service.Config{Store: st}).FinishRestore(ctx, service.Operator(uuid.Nil))
}
