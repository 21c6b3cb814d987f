package server

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"

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
		return openMigrated(ctx, cfg.Database, opening{log: slog.New(slog.DiscardHandler)})
	}
	return open(ctx, cfg.Database, opening{log: slog.New(slog.DiscardHandler)})
}

func openMigrated(ctx context.Context, d config.Database, o opening) (store.Database, error) {
	db, err := open(ctx, d, o)
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

// opening is what a database is opened with, beside what the settings say of it.
type opening struct {
	log *slog.Logger
	// now is the clock of records on SQLite; nil for the machine's.
	now func() time.Time
	// traces is nil for none.
	traces trace.TracerProvider
}

func open(ctx context.Context, d config.Database, o opening) (store.Database, error) {
	if d.Engine == config.Postgres {
		return postgres.Open(ctx, postgres.Config{URL: d.URL.Reveal(), Notice: o.log.Warn, Traces: o.traces})
	}
	return sqlite.Open(ctx, sqlite.Config{Path: d.Path, Now: o.now, Notice: o.log.Warn, Traces: o.traces})
}
