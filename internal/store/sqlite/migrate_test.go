package sqlite_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/store/sqlite"
)

func tables(t *testing.T, s *sqlite.Store) map[string]string {
	t.Helper()
	rows, err := s.Readers().QueryContext(t.Context(),
		`SELECT name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%'`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	found := make(map[string]string)
	for rows.Next() {
		var name, sql string
		if err := rows.Scan(&name, &sql); err != nil {
			t.Fatal(err)
		}
		found[name] = sql
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// step is one migration, as a test compares it.
func applied(t *testing.T, s *sqlite.Store) []bool {
	t.Helper()
	status, err := s.MigrationStatus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var list []bool
	for n, m := range status {
		if m.Version != int64(n+1) || m.Name == "" {
			t.Errorf("migration %d is %+v", n, m)
		}
		list = append(list, m.Applied)
	}
	return list
}

func TestMigrateUpDownUp(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "hydrapin.db"))
	all, none := make([]bool, s.Newest()), make([]bool, s.Newest())
	for n := range all {
		all[n] = true
	}
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrNotMigrated) {
		t.Errorf("Ping of an empty database: %v", err)
	}
	if diff := cmp.Diff(none, applied(t, s)); diff != "" {
		t.Errorf("empty: %s", diff)
	}
	var first map[string]string
	for round := range 2 {
		for range 2 { // the second finds nothing to do
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatalf("up: %v", err)
			}
		}
		if diff := cmp.Diff(all, applied(t, s)); diff != "" {
			t.Errorf("up: %s", diff)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("Ping of a migrated database: %v", err)
		}
		if round == 0 {
			first = tables(t, s)
		} else if diff := cmp.Diff(first, tables(t, s)); diff != "" {
			t.Errorf("down and up is not what up was: %s", diff)
		}
		inTx(t, s, func(tx store.Tx) {
			tx.SavePIN(pin.Record{
				Holder: pin.CustomerHolder(uuid.UUID{1}, uuid.UUID{2}), ID: uuid.UUID{3}, Hash: "$",
				PepperID: "p", CreatedAt: time.Unix(1, 0),
			})
			tx.Append(event(0))
		})
		if err := s.MigrateTo(t.Context(), 0); err != nil {
			t.Fatalf("down: %v", err)
		}
		if diff := cmp.Diff(map[string]string{}, tables(t, s)); diff != "" {
			t.Errorf("left after down: %s", diff)
		}
		if err := s.Ping(t.Context()); !errors.Is(err, store.ErrNotMigrated) {
			t.Errorf("Ping after down: %v", err)
		}
	}
}

func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hydrapin.db")
	var children []*child
	for range 3 {
		children = append(children, startChild(t, path, 0))
	}
	var group sync.WaitGroup
	for range 4 {
		s := open(t, path)
		group.Go(func() {
			if err := s.Migrate(t.Context()); err != nil {
				t.Errorf("Migrate: %v", err)
			}
			if err := s.Ping(t.Context()); err != nil {
				t.Errorf("Ping: %v", err)
			}
		})
	}
	group.Wait()
	for _, c := range children {
		c.wait(t)
	}
}

// TestMigrateKeepsOthersOut holds a migration up by a transaction on the database
// and looks whether its lock is taken.
func TestMigrateKeepsOthersOut(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hydrapin.db")
	s, other, lock := open(t, path), open(t, path), open(t, path+"-migrate")
	held, err := other.Writer().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var migration sync.WaitGroup
	migration.Go(func() {
		if err := s.Migrate(t.Context()); err != nil {
			t.Errorf("Migrate: %v", err)
		}
	})
	locked := false
	for began := time.Now(); !locked && time.Since(began) < 3*time.Second; {
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		free, err := lock.Writer().BeginTx(ctx, nil)
		cancel()
		if locked = err != nil; !locked {
			_ = free.Rollback()
		}
	}
	if !locked {
		t.Error("nothing is locked while a migration runs")
	}
	if err := held.Rollback(); err != nil {
		t.Error(err)
	}
	migration.Wait()
}

func TestMigrateWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hydrapin.db")
	s, holder := open(t, path), open(t, path+"-migrate")
	held, err := holder.Writer().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Rollback() }()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if err := s.Migrate(ctx); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}

func TestNewerSchema(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hydrapin.db")
	s := migrated(t, path)
	run(t, s, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`)

	// Newer, but it says that this program can work with it.
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Errorf("Migrate: %v", err)
	}
	if err := appendEvent(t.Context(), open(t, path)); err != nil {
		t.Errorf("a compatible database: %v", err)
	}

	run(t, s, `UPDATE schema_compat SET min_program_schema = 999`)
	if _, err := sqlite.Open(t.Context(), sqlite.Config{Path: path}); !errors.Is(err, store.ErrNewerSchema) {
		t.Errorf("Open: %v", err)
	}
	if err := s.Migrate(t.Context()); !errors.Is(err, store.ErrNewerSchema) {
		t.Errorf("Migrate: %v", err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrNewerSchema) {
		t.Errorf("Ping: %v", err)
	}
	// A program that runs already stops to write; it may still answer from what it reads.
	if err := appendEvent(t.Context(), s); !errors.Is(err, store.ErrNewerSchema) {
		t.Errorf("InTx: %v", err)
	}
	if err := s.Reads().Fetch(t.Context()); err != nil {
		t.Errorf("Fetch: %v", err)
	}
}

// A database of a development version has no way up; it is refused in one sentence. The
// one of testdata was made when nothing had been released.
func TestOldSchema(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hydrapin.db")
	unpack(t, "development.db.gz", path)
	_, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if !errors.Is(err, sqlite.ErrOldSchema) || strings.Contains(err.Error(), "\n") {
		t.Errorf("Open: %v", err)
	}
}

// unpack writes a compressed file of testdata to a path.
func unpack(t *testing.T, name, path string) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A first migration that was interrupted before it was marked is completed, and one with
// another text is not.
func TestSchemaOrigin(t *testing.T) {
	t.Parallel()
	s := migrated(t, filepath.Join(t.TempDir(), "hydrapin.db"))
	origin := func() (o string) {
		t.Helper()
		if err := s.Readers().QueryRowContext(t.Context(), "SELECT coalesce(origin, '') FROM schema_compat").Scan(&o); err != nil {
			t.Fatal(err)
		}
		return o
	}
	own := origin()
	run(t, s, "UPDATE schema_compat SET origin = NULL")
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrNotMigrated) {
		t.Errorf("Ping before the mark: %v", err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := origin(); got != own || own == "" {
		t.Errorf("the origin is %q, and was %q", got, own)
	}
	run(t, s, "UPDATE schema_compat SET origin = 'another'")
	if err := s.Migrate(t.Context()); !errors.Is(err, sqlite.ErrOldSchema) {
		t.Errorf("Migrate with another origin: %v", err)
	}
}
