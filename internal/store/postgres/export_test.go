package postgres

import "context"

// Examination is what Diagnose is told from.
type Examination = examination

// Examine looks at the database.
func (s *Store) Examine(ctx context.Context) (Examination, error) { return s.examine(ctx) }
