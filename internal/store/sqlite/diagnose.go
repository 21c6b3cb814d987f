package sqlite

import (
	"context"
	"fmt"
	"io/fs"
	"os"

	"github.com/hydracore/hydrapin/internal/store"
)

// synchronousFull is PRAGMA synchronous's number for FULL,
// https://www.sqlite.org/pragma.html#pragma_synchronous.
const synchronousFull = 2

// examination is what doctor reports about the database.
type examination struct {
	// Version is SQLite's.
	Version string
	// JournalMode is "wal" when all is well.
	JournalMode string
	// Synchronous is true when each commit reaches the disk before it is acknowledged.
	Synchronous bool
	// Problems are what a quick check of the file's structure found; empty when
	// the file is whole.
	Problems []string
	// FileMode is the file's permission bits. Whether they are in order depends on the
	// settings, which check every file of the data folder.
	FileMode fs.FileMode
	// Schema is the newest migration that was applied, Newest the newest that this
	// program knows.
	Schema, Newest int64
}

// examine looks at the database. It reads the whole file. A file that is too
// damaged to be checked is an error.
func (s *Store) examine(ctx context.Context) (examination, error) {
	d := examination{Newest: s.newest()}
	info, err := os.Stat(s.path)
	if err != nil {
		return examination{}, fmt.Errorf("sqlite: %w", err)
	}
	d.FileMode = info.Mode().Perm()
	v, err := s.schema(ctx)
	if err != nil {
		return examination{}, err
	}
	d.Schema = v.applied

	var synchronous int
	for query, into := range map[string]any{
		"SELECT sqlite_version()": &d.Version,
		"PRAGMA journal_mode":     &d.JournalMode,
		"PRAGMA synchronous":      &synchronous,
	} {
		if err := s.writer.QueryRowContext(ctx, query).Scan(into); err != nil {
			return examination{}, interpretError(ctx, err)
		}
	}
	d.Synchronous = synchronous == synchronousFull
	if d.Problems, err = s.quickCheck(ctx); err != nil {
		return examination{}, err
	}
	return d, nil
}

func (s *Store) quickCheck(ctx context.Context) ([]string, error) {
	rows, err := s.readers.QueryContext(ctx, "PRAGMA quick_check(10)")
	if err != nil {
		return nil, interpretError(ctx, err)
	}
	defer func() { _ = rows.Close() }()
	var problems []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, interpretError(ctx, err)
		}
		if line != "ok" {
			problems = append(problems, line)
		}
	}
	return problems, interpretError(ctx, rows.Err())
}

// Diagnose implements store.Database. It reads the whole file; one that is too
// damaged to be checked is an error.
func (s *Store) Diagnose(ctx context.Context) (store.Diagnosis, error) {
	e, err := s.examine(ctx)
	if err != nil {
		return store.Diagnosis{}, err
	}
	d := store.Diagnosis{Facts: []store.Fact{
		{Name: "SQLite", Value: e.Version},
		{Name: "journal mode", Value: e.JournalMode},
		{Name: "file mode", Value: fmt.Sprintf("%#o", e.FileMode)},
		{Name: "schema", Value: fmt.Sprintf("%d of %d", e.Schema, e.Newest)},
	}, Wrong: e.Problems}
	if e.JournalMode != "wal" || !e.Synchronous {
		d.Wrong = append(d.Wrong, "commits do not wait for the disk: a power cut may give spent attempts back; keep the file on a local disk")
	}
	return d, nil
}
