package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/store/sqlite"
)

// backUp backs a store up into a folder of its own.
func backUp(t *testing.T, s *sqlite.Store) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "backup.db")
	if err := s.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	return path
}

func nothing(context.Context, *sqlite.Store) error { return nil }

// names returns the names in a folder.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// restored restores a backup and returns the store.
func restored(t *testing.T, backup string) *sqlite.Store {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "hydrapin.db")
	if err := sqlite.Restore(t.Context(), backup, path, nothing); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"hydrapin.db"}) {
		t.Errorf("a restore leaves %q", got)
	}
	return open(t, path)
}

func events(t *testing.T, s *sqlite.Store) int {
	t.Helper()
	all, err := s.Events(t.Context(), audit.Filter{Tenant: event(0).Tenant, Limit: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// A backup that is made while others write is one moment of the database: what had been
// committed before it began is in it, and nobody's write failed for it.
func TestBackupWhileWriting(t *testing.T) {
	t.Parallel()
	s := migrated(t, filepath.Join(t.TempDir(), "hydrapin.db"))
	const before = 30
	for range before {
		if err := appendEvent(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for ctx.Err() == nil {
				if err := appendEvent(ctx, s); err != nil && ctx.Err() == nil {
					t.Errorf("a write beside a backup: %v", err)
				}
			}
		})
	}
	path := backUp(t, s)
	cancel()
	writers.Wait()
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the backup has mode %v: %v", info.Mode(), err)
	}
	if got := names(t, filepath.Dir(path)); !slices.Equal(got, []string{"backup.db"}) {
		t.Errorf("a backup leaves %q", got)
	}
	copied := restored(t, path)
	if n, all := events(t, copied), events(t, s); n < before || n > all {
		t.Errorf("the backup has %d events, the database had %d and has %d", n, before, all)
	}
	if err := appendEvent(t.Context(), copied); err != nil {
		t.Errorf("a write after the restore: %v", err)
	}
}

// A backup replaces nothing, and clears away what a killed one has left.
func TestBackupReplacesNothing(t *testing.T) {
	t.Parallel()
	s := migrated(t, filepath.Join(t.TempDir(), "hydrapin.db"))
	path := backUp(t, s)
	was, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Backup to a file that exists: %v", err)
	}
	if is, err := os.ReadFile(path); err != nil || !bytes.Equal(is, was) {
		t.Errorf("the file that existed was changed: %v", err)
	}
	if err := s.Backup(t.Context(), filepath.Join(t.TempDir(), "no", "where.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Backup to no folder: %v", err)
	}
	// A killed backup leaves a file with another name, maybe open to others.
	next := filepath.Join(t.TempDir(), "next.db")
	if err := os.WriteFile(next+".partial", []byte(strings.Repeat("half", 1<<18)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if got := names(t, filepath.Dir(next)); !slices.Equal(got, []string{"next.db"}) {
		t.Errorf("a backup leaves %q", got)
	}
	if info, err := os.Stat(next); err != nil || info.Mode() != 0o600 {
		t.Errorf("the backup has mode %v: %v", info.Mode(), err)
	}
	// One that still runs is left alone.
	held, err := os.Create(filepath.Join(t.TempDir(), "third.db.partial"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Close() }()
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), strings.TrimSuffix(held.Name(), ".partial")); !errors.Is(err, sqlite.ErrBackupRuns) {
		t.Errorf("Backup beside another: %v", err)
	}
	// One whose caller goes away leaves nothing.
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	gone := filepath.Join(t.TempDir(), "gone.db")
	if err := s.Backup(ended, gone); !errors.Is(err, store.ErrUnavailable) || len(names(t, filepath.Dir(gone))) != 0 {
		t.Errorf("Backup with an ended context: %v, leaves %q", err, names(t, filepath.Dir(gone)))
	}
}

// What is no whole backup of this program is refused, and leaves no database.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	s := migrated(t, filepath.Join(t.TempDir(), "hydrapin.db"))
	whole := backUp(t, s)
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, content []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	damaged := slices.Clone(content)
	for n := len(damaged) / 2; n < len(damaged); n++ {
		damaged[n] = 0xa5
	}
	live := write("live.db", content)
	if err := os.WriteFile(live+"-wal", []byte("journal"), 0o600); err != nil {
		t.Fatal(err)
	}
	development := filepath.Join(t.TempDir(), "old.db")
	unpack(t, "development.db.gz", development)
	newer := filepath.Join(t.TempDir(), "newer.db")
	run(t, s, "UPDATE schema_compat SET min_program_schema = 9000")
	if err := s.Backup(t.Context(), newer); err != nil {
		t.Fatal(err)
	}
	failing := errors.New("finish failed")
	for name, tt := range map[string]struct {
		backup string
		finish func(context.Context, *sqlite.Store) error
		want   error // nil for any error
	}{
		"missing":      {filepath.Join(t.TempDir(), "none.db"), nothing, fs.ErrNotExist},
		"empty":        {write("empty.db", nil), nothing, sqlite.ErrNoBackup},
		"text":         {write("text.db", []byte(strings.Repeat("not a database ", 999))), nothing, sqlite.ErrNoBackup},
		"other":        {otherDatabase(t), nothing, sqlite.ErrNoBackup},
		"cut off":      {write("cut.db", content[:len(content)/2]), nothing, nil},
		"damaged":      {write("damaged.db", damaged), nothing, nil},
		"journal":      {live, nothing, sqlite.ErrCopyOfLive},
		"old":          {development, nothing, sqlite.ErrOldSchema},
		"newer":        {newer, nothing, store.ErrNewerSchema},
		"not finished": {whole, func(context.Context, *sqlite.Store) error { return failing }, failing},
	} {
		dir := t.TempDir()
		err := sqlite.Restore(t.Context(), tt.backup, filepath.Join(dir, "hydrapin.db"), tt.finish)
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
		if got := names(t, dir); len(got) != 0 {
			t.Errorf("%s: a refused restore leaves %q", name, got)
		}
	}
	for _, there := range []string{"hydrapin.db", "hydrapin.db-wal", "hydrapin.db-journal"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, there), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := sqlite.Restore(t.Context(), whole, filepath.Join(dir, "hydrapin.db"), nothing); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Restore over %s: %v", there, err)
		}
		if got := names(t, dir); !slices.Equal(got, []string{there}) {
			t.Errorf("a refused restore leaves %q", got)
		}
	}
}

// otherDatabase makes a database that is no hydrapin's.
func otherDatabase(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "other.db")
	s := open(t, path)
	run(t, s, "CREATE TABLE pages (n INTEGER)")
	return backUp(t, s)
}

// What a killed restore has left is cleared away by the next one.
func TestRestoreAfterAKilledOne(t *testing.T) {
	t.Parallel()
	whole := backUp(t, migrated(t, filepath.Join(t.TempDir(), "hydrapin.db")))
	dir := t.TempDir()
	for _, left := range []string{"", "-wal", "-shm", "-migrate"} {
		if err := os.WriteFile(filepath.Join(dir, "hydrapin.db.restoring"+left), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := sqlite.Restore(t.Context(), whole, filepath.Join(dir, "hydrapin.db"), nothing); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"hydrapin.db"}) {
		t.Errorf("a restore leaves %q", got)
	}
}
