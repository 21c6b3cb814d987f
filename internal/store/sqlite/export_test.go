package sqlite

import (
	"context"
	"database/sql"
	"time"
)

// Writer and Readers are the pools, for tests that ask what is in force.
func (s *Store) Writer() *sql.DB { return s.writer }

// Readers is the pool of readers.
func (s *Store) Readers() *sql.DB { return s.readers }

// Newest is the newest migration.
func (s *Store) Newest() int64 { return s.newest() }

// ReadClock returns a function that reads a clock made of now.
func ReadClock(now func() time.Time) func() time.Time { return (&clock{now: now}).read }

// Examination is what Diagnose is told from.
type Examination = examination

// Examine looks at the database.
func (s *Store) Examine(ctx context.Context) (Examination, error) { return s.examine(ctx) }
