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

// ReadSteered returns a function that reads a clock which now sets.
func ReadSteered(now func() time.Time) func() time.Time { return (&steered{now: now}).read }

// ReadRunning returns a function that reads a clock made of a wall clock and the time
// that passes.
func ReadRunning(
	wall func() time.Time, passed func() time.Duration, notice func(string, ...any),
) func() time.Time {
	return newRunning(wall, passed, notice).read
}

// SinceBoot is the time that passes.
func SinceBoot() time.Duration { return sinceBoot() }

// Examination is what Diagnose is derived from.
type Examination = examination

// Examine looks at the database.
func (s *Store) Examine(ctx context.Context) (Examination, error) { return s.examine(ctx) }
