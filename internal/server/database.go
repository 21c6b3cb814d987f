package server

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/receipt"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/store/postgres"
	"github.com/hydracore/hydrapin/internal/store/sqlite"
)

// OpenStore opens the database that the settings name, and migrates it if asked. Errors are the store's: [store.ErrUnavailable], [store.ErrNewerSchema].
func OpenStore(ctx context.Context, cfg config.Config, migrate bool) (store.Database, error) {
	if migrate {
		return openMigrated(ctx, cfg, slog.New(slog.DiscardHandler), time.Now)
	}
	return open(ctx, cfg.Database, slog.New(slog.DiscardHandler), time.Now)
}

func openMigrated(ctx context.Context, cfg config.Config, log *slog.Logger, now func() time.Time) (store.Database, error) {
	db, err := open(ctx, cfg.Database, log, now)
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx); err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

// CompareRings returns which of the configured peppers and receipt keys do not match the database.
// It changes nothing.
func CompareRings(ctx context.Context, cfg config.Config, db store.Database) ([]string, error) {
	peppers, receipts, err := parseRings(cfg)
	if err != nil {
		return nil, err
	}
	return service.CompareRings(ctx, db, peppers, receipts)
}

func parseRings(cfg config.Config) (argon2id.Ring, receipt.Ring, error) {
	peppers, err := argon2id.ParseRing(cfg.Peppers.Reveal())
	if err != nil {
		return argon2id.Ring{}, receipt.Ring{}, fmt.Errorf("HYDRAPIN_PEPPERS: %w", err)
	}
	receipts, err := receipt.ParseRing(cfg.ReceiptKeys.Reveal())
	if err != nil {
		return argon2id.Ring{}, receipt.Ring{}, fmt.Errorf("HYDRAPIN_RECEIPT_KEYS: %w", err)
	}
	return peppers, receipts, nil
}

func open(ctx context.Context, d config.Database, log *slog.Logger, now func() time.Time) (store.Database, error) {
	if d.Engine == config.Postgres {
		return postgres.Open(ctx, postgres.Config{URL: d.URL.Reveal(), Notice: log.Warn})
	}
	return sqlite.Open(ctx, sqlite.Config{Path: d.Path, Now: now, Notice: log.Warn})
}
