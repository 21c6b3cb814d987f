package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/hydracore/hydrapin/db"
	gen "github.com/hydracore/hydrapin/gen/postgres"
	"github.com/hydracore/hydrapin/internal/store"
)

// Migrate applies what is missing, while other nodes wait. A database that is up to
// date is left alone, whoever migrates what. Errors: store.ErrUnavailable,
// store.ErrNewerSchema, [ErrOldSchema].
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.read(ctx, s.checkMigrated); !errors.Is(err, store.ErrNotMigrated) {
		return err
	}
	return s.MigrateTo(ctx, s.newest)
}

// MigrateTo goes up or down to a version; 0 removes all that hydrapin stored.
func (s *Store) MigrateTo(ctx context.Context, version int64) error {
	if err := s.read(ctx, s.checkCompatible); err != nil {
		return err
	}
	return s.withLease(ctx, func(ctx context.Context) error {
		return s.migrateTo(ctx, version)
	})
}

// migrateTo is MigrateTo for the holder of the lease.
func (s *Store) migrateTo(ctx context.Context, version int64) error {
	// Another node may have migrated further while this one waited.
	if err := s.read(ctx, s.checkCompatible); err != nil {
		return err
	}
	down := false
	err := s.withProvider(func(p *goose.Provider) error {
		current, err := p.GetDBVersion(ctx)
		if err != nil {
			return err
		}
		if down = version < current && version < s.newest; down {
			_, err = p.DownTo(ctx, version)
		} else {
			_, err = p.UpTo(ctx, version)
		}
		return err
	})
	if err != nil || down || version == 0 {
		return err
	}
	return interpretError(queries.SetSchemaOrigin(ctx, s.pool, s.origin))
}

// MigrationStatus returns the steps that this program knows, oldest first. It
// changes nothing.
func (s *Store) MigrationStatus(ctx context.Context) ([]store.Migration, error) {
	var applied int64
	err := s.read(ctx, func(ctx context.Context, db gen.DBTX) (err error) {
		applied, err = appliedVersion(ctx, db)
		return err
	})
	if err != nil {
		return nil, err
	}
	known, err := knownMigrations()
	for i := range known {
		known[i].Applied = known[i].Version <= applied
	}
	return known, err
}

// withProvider opens a connection of its own for migrations: they may take
// longer than statements of the service, but wait no longer for a lock, since
// whoever comes after waits behind them.
func (s *Store) withProvider(fn func(*goose.Provider) error) error {
	config := s.pool.Config().ConnConfig
	config.RuntimeParams["statement_timeout"] = "0"
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	conn := stdlib.OpenDB(*config)
	defer func() { _ = conn.Close() }() // every connection is back in it by now
	provider, err := newProvider(conn)
	if err != nil {
		return err
	}
	if err := fn(provider); err != nil {
		return migrationError(err)
	}
	return nil
}

// migrationError names the error of a migration. Migrations carry no values, so
// what the server said of them may be shown, and has to be.
func migrationError(err error) error {
	if interpreted := interpretError(err); isNamed(interpreted) {
		return interpreted
	}
	return fmt.Errorf("postgres: migrate: %w", err)
}

func newProvider(conn *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(db.Postgres, "postgres/migrations")
	if err != nil {
		return nil, fmt.Errorf("postgres: the embedded migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, conn, files,
		goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("postgres: read the migrations: %w", err)
	}
	return provider, nil
}

// knownMigrations returns the steps that this program carries, oldest first.
func knownMigrations() ([]store.Migration, error) {
	files, err := fs.Glob(db.Postgres, "postgres/migrations/*.sql")
	if err != nil || len(files) == 0 {
		return nil, errors.New("postgres: no embedded migrations")
	}
	known := make([]store.Migration, 0, len(files))
	for _, file := range files {
		version, err := goose.NumericComponent(file)
		if err != nil {
			return nil, fmt.Errorf("postgres: the name of a migration: %w", err)
		}
		known = append(known, store.Migration{Version: version, Name: path.Base(file)})
	}
	return known, nil
}

// newest returns the version of the newest step of this program.
func newest() (int64, error) {
	known, err := knownMigrations()
	if err != nil {
		return 0, err
	}
	return known[len(known)-1].Version, nil
}

// appliedVersion returns the version of the newest applied step, 0 for none. The
// table is goose's own, so sqlc does not know it.
func appliedVersion(ctx context.Context, db gen.DBTX) (int64, error) {
	var version int64
	err := db.QueryRow(ctx, "SELECT COALESCE(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&version)
	if isUndefinedTable(err) {
		return 0, nil
	}
	return version, err
}

// checkMigrated says whether every migration of this program is applied.
func (s *Store) checkMigrated(ctx context.Context, db gen.DBTX) error {
	applied, err := appliedVersion(ctx, db)
	if err != nil {
		return err
	}
	if applied < s.newest {
		return fmt.Errorf("%w: it has schema %d, this program needs %d", store.ErrNotMigrated, applied, s.newest)
	}
	origin, err := s.checkSchema(ctx, db)
	if err == nil && origin == nil {
		return fmt.Errorf("%w: its first migration was interrupted", store.ErrNotMigrated)
	}
	return err
}

// checkCompatible refuses a database whose migrations say that programs as old as
// this one cannot use it, and one of a development version. An empty database is
// compatible.
func (s *Store) checkCompatible(ctx context.Context, db gen.DBTX) error {
	_, err := s.checkSchema(ctx, db)
	return err
}

// checkSchema is checkCompatible and returns the origin of the schema, which is nil until
// the first migration is whole.
func (s *Store) checkSchema(ctx context.Context, db gen.DBTX) (*string, error) {
	minimum, err := queries.MinProgramSchema(ctx, db)
	if isUndefinedTable(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := s.compatible(minimum); err != nil {
		return nil, err
	}
	origin, err := queries.SchemaOrigin(ctx, db)
	if isUndefinedColumn(err) || err == nil && origin != nil && *origin != s.origin {
		return nil, ErrOldSchema
	}
	return origin, err
}

// compatible says whether a program as old as this one may use the database.
func (s *Store) compatible(minimum int64) error {
	if minimum > s.newest {
		return fmt.Errorf("%w: it asks for schema %d, this program has %d", store.ErrNewerSchema, minimum, s.newest)
	}
	return nil
}

func isUndefinedColumn(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == codeUndefinedColumn
}

func isUndefinedTable(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == codeUndefinedTable
}
