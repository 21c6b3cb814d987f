package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	gen "github.com/hydracore/hydrapin/gen/postgres"
	"github.com/hydracore/hydrapin/internal/store"
)

const (
	// begin fixes the isolation in which a statement that waited for a row's lock
	// sees the row as it is then, whatever the server's default is.
	begin  = "BEGIN ISOLATION LEVEL READ COMMITTED"
	commit = "COMMIT"

	// maxConflicts is how often a step runs again because the server asked for it.
	maxConflicts = 5
)

// errNotCommitted is returned when the server answered COMMIT by something else, as
// it does with ROLLBACK for a transaction that had failed.
var errNotCommitted = errors.New("postgres: the server did not commit")

// tx is store.Tx over one transaction. It is used by one goroutine.
type tx struct {
	queue
	store *Store
	// conn is taken by the first Fetch, or by the commit.
	conn   *pgxpool.Conn
	begun  bool
	writes []recorder
	woken  []uuid.UUID
	// failure is the first error after which the transaction cannot be committed.
	failure error
	// unknown says that a COMMIT was sent and not answered.
	unknown bool
}

var _ store.Tx = (*tx)(nil)

// InTx implements store.Store.
func (s *Store) InTx(ctx context.Context, fn func(store.Tx) error) error {
	if err := s.takeSlot(ctx); err != nil {
		return err
	}
	defer func() { <-s.slots }()
	moved := false
	for conflicts := 0; ; {
		t := &tx{store: s}
		err := s.try(ctx, t, fn)
		if err == nil || t.failure == nil || t.unknown || ctx.Err() != nil {
			return err
		}
		// Nothing was committed, so the step may run again.
		switch {
		case isConflict(t.failure) && conflicts < maxConflicts:
			conflicts++
			pause(ctx, time.Duration(conflicts)*time.Duration(2+rand.IntN(8))*time.Millisecond) //nolint:gosec // no secret
		case isElsewhere(t.failure) && !moved:
			moved = true
		default:
			return err
		}
	}
}

// takeSlot waits for a place among the transactions under way.
func (s *Store) takeSlot(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return interpretError(err)
	}
	ctx, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	select {
	case s.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return interpretError(ctx.Err())
	}
}

// try runs the step once. Where it returns an error and the transaction has no
// failure, the error is the step's own.
func (s *Store) try(ctx context.Context, t *tx, fn func(store.Tx) error) error {
	defer t.finish(ctx)
	err := fn(t)
	switch {
	case err != nil:
	case t.failure != nil:
		err = s.interpret(t.failure)
	case ctx.Err() != nil:
		err = interpretError(ctx.Err())
	default:
		// From here on the caller's leaving changes nothing: it would only make an
		// outcome unknown.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
		defer cancel()
		err = t.commit(ctx)
	}
	s.resetAfter(t.failure)
	if hasCode(t.failure, codeDiskFull, codeIOError) {
		s.probing.failed()
	}
	return err
}

func (t *tx) fail(err error) {
	if t.failure == nil {
		t.failure = err
	}
}

// finish gives the connection back, outside of any transaction.
func (t *tx) finish(ctx context.Context) {
	if t.conn == nil {
		return
	}
	if pg := t.conn.Conn().PgConn(); !pg.IsClosed() && !pg.IsBusy() && pg.TxStatus() != 'I' {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
		defer cancel()
		// A rollback that fails has lost its connection, which rolls back too.
		_, _ = t.conn.Exec(ctx, "ROLLBACK")
	}
	t.conn.Release()
	t.conn = nil
}

// take a connection, if there is none yet.
func (t *tx) acquire(ctx context.Context) error {
	if t.conn != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	return t.store.retry(ctx, func() (err error) {
		t.conn, err = t.store.pool.Acquire(ctx)
		return err
	})
}

// Fetch implements store.Reads. BEGIN goes out with the first, and the clock is read
// last, after every lock.
func (t *tx) Fetch(ctx context.Context) error {
	calls := t.take(t.clock)
	if len(t.writes) > 0 || len(t.woken) > 0 {
		t.fail(store.ErrReadAfterWrite)
	}
	if t.failure != nil {
		return t.store.interpret(t.failure)
	}
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	err := t.acquire(ctx)
	if err == nil {
		var first []string
		if !t.begun {
			first = []string{begin}
		}
		t.begun = true
		err = exchange(ctx, t.conn, first, calls)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.fail(err)
	}
	return t.store.interpret(err)
}

// clock reads the time and, since it costs no extra round trip, whether a newer version
// has migrated the database to a schema that this version cannot use.
func (t *tx) clock(ctx context.Context, db gen.DBTX) error {
	row, err := queries.Clock(ctx, db)
	if err != nil {
		return err
	}
	t.now = row.ReadAt
	return t.store.compatible(row.MinProgramSchema)
}

// commit sends what was queued. Without writes there is nothing to commit.
func (t *tx) commit(ctx context.Context) error {
	if len(t.writes) == 0 && len(t.woken) == 0 {
		return nil
	}
	if err := t.acquire(ctx); err != nil {
		t.fail(err)
		return t.store.interpret(err)
	}
	err := t.sendCommit(ctx, t.commitBatch())
	if err == nil {
		return nil
	}
	t.fail(err)
	if t.unknown = mayBeCommitted(err); t.unknown {
		return fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, t.store.interpret(err))
	}
	return t.store.interpret(err)
}

func (t *tx) commitBatch() *pgx.Batch {
	batch := &pgx.Batch{}
	if !t.begun {
		batch.Queue(begin)
		r := record(func(ctx context.Context, db gen.DBTX) error {
			return queries.RequireProgramSchema(ctx, db, t.store.newest)
		})
		batch.Queue(r.sql, r.args...)
	}
	for _, w := range t.writes {
		batch.Queue(w.sql, w.args...)
	}
	if len(t.woken) > 0 {
		// Commits that notify wait for each other, so this comes last.
		r := record(func(ctx context.Context, db gen.DBTX) error {
			return queries.NotifyConfirmations(ctx, db, t.woken)
		})
		batch.Queue(r.sql, r.args...)
	}
	batch.Queue(commit)
	return batch
}

// sendCommit sends the batch. An error in front of the COMMIT makes the server skip it.
func (t *tx) sendCommit(ctx context.Context, batch *pgx.Batch) error {
	results := t.conn.SendBatch(ctx, batch)
	// What is left is read, and an error of it known, before the connection goes back.
	defer func() { _ = results.Close() }()
	for n := range batch.Len() {
		tag, err := results.Exec()
		if err != nil {
			if !t.begun && n == 1 && isNoEffect(err) {
				return store.ErrNewerSchema
			}
			return err
		}
		if n == batch.Len()-1 && tag.String() != commit {
			return errNotCommitted
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
