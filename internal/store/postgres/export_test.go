package postgres

import "context"

// Examination is what Diagnose is derived from.
type Examination = examination

// Examine looks at the database.
func (s *Store) Examine(ctx context.Context) (Examination, error) { return s.examine(ctx) }

// PoolMade returns how many connections the pool has opened so far.
func (s *Store) PoolMade() int64 { return s.pool.Stat().NewConnsCount() }
