package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	gen "github.com/hydracore/hydrapin/gen/postgres"
	"github.com/hydracore/hydrapin/internal/store"
)

// InTx runs fn in one transaction. Isolation is READ COMMITTED, in which a
// statement that waited for a row's lock sees the row as it is then.
func (s *Store) InTx(ctx context.Context, fn func(store.Tx) error) error {
	began, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer func() { <-s.slots }()
	tx := newTx(began)
	committed := false
	defer func() {
		if !committed {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
			defer cancel()
			// A rollback that fails has lost its connection, which rolls back too.
			_ = began.Rollback(ctx)
		}
	}()

	err = fn(tx)
	s.heed(tx.failure)
	if err != nil {
		return err
	}
	if tx.failure != nil {
		return interpretError(tx.failure)
	}
	if err := ctx.Err(); err != nil {
		return interpretError(err)
	}
	// From here on the caller's leaving changes nothing: it would only make an
	// outcome unknown.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	if len(tx.woken) > 0 {
		// Commits that notify wait for each other, so this comes last.
		if err := queries.NotifyConfirmations(ctx, began, tx.woken); err != nil {
			s.heed(err)
			return interpretError(err)
		}
	}
	committed = true
	if err := began.Commit(ctx); err != nil {
		s.heed(err)
		return interpretError(err)
	}
	return nil
}

// begin takes a slot and a connection and opens a transaction; nothing has
// happened when it fails, so it is tried again when the connection was lost.
func (s *Store) begin(ctx context.Context) (pgx.Tx, error) {
	ctx, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, interpretError(ctx.Err())
	}
	var tx pgx.Tx
	err := s.retry(ctx, func() (err error) {
		tx, err = s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
		return err
	})
	if err != nil {
		<-s.slots
		return nil, s.interpret(err)
	}
	return tx, nil
}

// heed drops the pool's connections when one of them was lost or met a server
// that no longer takes writes, so that the next transaction finds the right one.
// A caller that hung up breaks its own connection, and says nothing of the others.
func (s *Store) heed(err error) {
	if err != nil && !errors.Is(err, context.Canceled) && (isLost(err) || isReadOnly(err)) {
		s.pool.Reset()
	}
}

// newTx wraps a transaction that has begun.
func newTx(began pgx.Tx) *tx {
	t := &tx{db: began}
	t.reader = reader{run: t.run}
	return t
}

// run runs a statement of the transaction. After a failed one PostgreSQL refuses
// all others, and the transaction cannot be committed.
func (t *tx) run(ctx context.Context, fn func(context.Context, gen.DBTX) error) error {
	if t.failure != nil {
		return interpretError(t.failure)
	}
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	err := fn(ctx, t.db)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.failure = err
	}
	return interpretError(err)
}
