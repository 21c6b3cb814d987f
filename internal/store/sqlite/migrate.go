package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/hydracore/hydrapin/db"
	gen "github.com/hydracore/hydrapin/gen/sqlite"
	"github.com/hydracore/hydrapin/internal/store"
)

// migrateTimeout is how long one migrating process waits for another, unless its
// context ends before.
const migrateTimeout = 5 * time.Minute

func newMigrator(writer *sql.DB) (*goose.Provider, error) {
	migrations, err := fs.Sub(db.SQLite, "sqlite/migrations")
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, writer, migrations, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	return p, nil
}

// newest is the number of the newest migration that this program knows.
func (s *Store) newest() int64 {
	sources := s.migrator.ListSources()
	return sources[len(sources)-1].Version
}

// Migrate brings the schema up to what this program knows. Of several processes
// that migrate at once one does it, and the others find it done. It returns
// store.ErrNewerSchema when a newer program has been there that this one cannot
// work beside.
func (s *Store) Migrate(ctx context.Context) error {
	return s.MigrateTo(ctx, s.newest())
}

// MigrateTo brings the schema up or down to a version; 0 is the empty schema.
// Going down deletes what the tables hold.
func (s *Store) MigrateTo(ctx context.Context, version int64) error {
	return s.whileMigrating(ctx, func() error {
		if err := s.checkCompatible(ctx); err != nil {
			return err
		}
		v, err := s.schema(ctx)
		if err != nil {
			return err
		}
		if v.applied > version {
			if v.applied <= s.newest() {
				_, err = s.migrator.DownTo(ctx, version)
			}
		} else {
			_, err = s.migrator.UpTo(ctx, version)
			if err == nil && version > 0 {
				err = queries.SetSchemaOrigin(ctx, s.writer, s.origin)
			}
		}
		return interpretError(ctx, err)
	})
}

// MigrationStatus returns the migrations that this program knows, oldest first.
// It changes nothing.
func (s *Store) MigrationStatus(ctx context.Context) ([]store.Migration, error) {
	v, err := s.schema(ctx)
	if err != nil {
		return nil, err
	}
	sources := s.migrator.ListSources()
	status := make([]store.Migration, len(sources))
	for i, src := range sources {
		status[i] = store.Migration{Version: src.Version, Name: src.Path, Applied: src.Version <= v.applied}
	}
	return status, nil
}

// whileMigrating holds a lock over processes while fn runs. goose keeps the
// writing connection and each migration has a transaction of its own, so the lock
// is a transaction on a small file beside the database.
func (s *Store) whileMigrating(ctx context.Context, fn func() error) (err error) {
	path := s.path + "-migrate"
	if err := createFile(path); err != nil {
		return err
	}
	lock, err := sql.Open("sqlite", dataSource(path, migrateTimeout))
	if err != nil {
		return interpretError(ctx, err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	held, err := lock.BeginTx(ctx, nil)
	if err != nil {
		return interpretError(ctx, err)
	}
	defer func() { _ = held.Rollback() }()
	return fn()
}

// schema is how far a database has been migrated.
type schema struct {
	applied int64
	// minProgram is the newest migration that a program must know to work with
	// the database.
	minProgram int64
	// foreign says that another text of the first migration made the database, and
	// unmarked that its own may have been interrupted before it said so.
	foreign, unmarked bool
}

func (s *Store) schema(ctx context.Context) (schema, error) {
	var v schema
	for _, q := range []struct {
		table, query string
		into         *int64
	}{
		{"goose_db_version", "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied", &v.applied},
		{"schema_compat", "SELECT coalesce(max(min_program_schema), 0) FROM schema_compat", &v.minProgram},
	} {
		var there bool
		err := s.readers.QueryRowContext(ctx,
			"SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?)", q.table).Scan(&there)
		if err == nil && there {
			err = s.readers.QueryRowContext(ctx, q.query).Scan(q.into)
		}
		if err != nil {
			return schema{}, interpretError(ctx, err)
		}
	}
	if v.minProgram == 0 {
		return v, nil
	}
	var marks bool
	err := s.readers.QueryRowContext(ctx,
		"SELECT EXISTS (SELECT 1 FROM pragma_table_info('schema_compat') WHERE name = 'origin')").Scan(&marks)
	var origin *string
	if err == nil && marks {
		origin, err = queries.SchemaOrigin(ctx, s.readers)
	}
	v.unmarked = marks && origin == nil
	v.foreign = !marks || origin != nil && *origin != s.origin
	return v, interpretError(ctx, err)
}

func (s *Store) checkCompatible(ctx context.Context) error {
	v, err := s.schema(ctx)
	if err != nil {
		return err
	}
	if v.minProgram > s.newest() {
		return store.ErrNewerSchema
	}
	if v.foreign {
		return ErrOldSchema
	}
	return nil
}

// checkWritable refuses to write to a database that a newer version has migrated, while
// this one was running, to a schema that this version cannot use.
func (s *Store) checkWritable(ctx context.Context, db gen.DBTX) error {
	minimum, err := queries.MinProgramSchema(ctx, db)
	if isNoTable(err) {
		return fmt.Errorf("%w: %w", store.ErrNotMigrated, err)
	}
	if err != nil {
		return err
	}
	if minimum > s.newest() {
		return store.ErrNewerSchema
	}
	return nil
}
