package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/sqlite"
	"github.com/hydracore/hydrapin/internal/store"
)

// finishTimeout is for the commit, which outlives the caller.
const finishTimeout = 10 * time.Second

// tx is store.Tx over an immediate transaction. It is used by one goroutine.
type tx struct {
	queue
	db     gen.DBTX
	sqlTx  *sql.Tx
	writes []call
	woken  []uuid.UUID
	// failure is the first error after which the transaction cannot be committed.
	// SQLite undoes a whole transaction for some errors and goes on outside of one, so
	// the first failure ends the transaction here, and nothing comes after it.
	failure error
}

var _ store.Tx = (*tx)(nil)

// InTx implements store.Store. Waiting for the one writing connection, and for
// another process's transaction, ends with ctx.
func (s *Store) InTx(ctx context.Context, fn func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return interpretError(ctx, err)
	}
	if err := s.checkFile(); err != nil {
		return err
	}
	// The transaction ends with its caller until it is to be committed; from there on
	// the caller's leaving changes nothing.
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stays := context.AfterFunc(ctx, cancel)
	defer stays()

	sqlTx, err := s.writer.BeginTx(own, nil)
	if err != nil {
		return interpretError(ctx, err)
	}
	// For a committed transaction this does nothing. It needs no context: undoing
	// a local transaction waits for nobody.
	defer func() { _ = sqlTx.Rollback() }()
	writing := &preparedTx{tx: sqlTx, prepared: s.writing}
	t := &tx{queue: queue{clock: s.clock}, sqlTx: sqlTx, db: writing}
	if err := s.checkWritable(own, writing); err != nil {
		return interpretError(ctx, err)
	}
	if err := fn(t); err != nil {
		return err
	}
	if t.failure != nil {
		return t.failure
	}
	if !stays() {
		return interpretError(ctx, context.Cause(ctx))
	}
	deadline := time.AfterFunc(finishTimeout, cancel)
	defer deadline.Stop()
	if err := t.commit(own); err != nil {
		if isDiskTrouble(err) {
			s.probing.failed()
		}
		return err
	}
	s.hub.wake(t.woken)
	s.writing.learn(own, writing.unknown)
	return nil
}

func (t *tx) fail(err error) {
	if t.failure == nil {
		t.failure = err
		_ = t.sqlTx.Rollback()
	}
}

// Fetch implements store.Reads.
func (t *tx) Fetch(ctx context.Context) error {
	if len(t.writes) > 0 || len(t.woken) > 0 {
		t.fail(store.ErrReadAfterWrite)
	}
	if t.failure != nil {
		return t.failure
	}
	err := interpretError(ctx, t.run(ctx, t.db))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.fail(err)
	}
	return err
}

// commit runs what was queued and commits it. Without writes there is nothing to
// commit.
func (t *tx) commit(ctx context.Context) error {
	if len(t.writes) == 0 {
		_ = t.sqlTx.Rollback() // it gives the connection back, whatever it says
		return nil
	}
	for _, fn := range t.writes {
		if err := fn(ctx, t.db); err != nil {
			return interpretError(ctx, err)
		}
	}
	err := t.sqlTx.Commit()
	switch {
	case err == nil:
		return nil
	case isIOError(err):
		// The frames may have reached the log, and count when it is read again.
		return fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, err)
	default:
		return interpretError(ctx, err)
	}
}
