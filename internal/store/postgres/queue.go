package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	gen "github.com/hydracore/hydrapin/gen/postgres"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// queries holds no state; the database is an argument of each method.
var queries = gen.New()

// call runs one generated query and fills what it was queued for. A queued call runs
// twice: against a recorder, which only takes down what it sends, and against the
// answers of the batch that sent it. So it must do nothing when its query fails.
type call func(ctx context.Context, db gen.DBTX) error

// errRecorded is what a query gets from a recorder.
var errRecorded = errors.New("postgres: recorded, not sent")

// recorder takes down the statement of a call.
type recorder struct {
	sql  string
	args []any
}

var _ gen.DBTX = (*recorder)(nil)

func (r *recorder) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	r.sql, r.args = sql, args
	return pgconn.CommandTag{}, errRecorded
}

func (r *recorder) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	r.sql, r.args = sql, args
	return nil, errRecorded
}

func (r *recorder) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	r.sql, r.args = sql, args
	return recorded{}
}

type recorded struct{}

func (recorded) Scan(...any) error { return errRecorded }

// record returns the statement that a call sends.
func record(fn call) recorder {
	var r recorder
	_ = fn(context.Background(), &r) // always errRecorded
	return r
}

// answers gives each call the next result of a batch.
type answers struct{ results pgx.BatchResults }

var _ gen.DBTX = answers{}

func (a answers) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return a.results.Exec()
}

func (a answers) Query(context.Context, string, ...any) (pgx.Rows, error) { return a.results.Query() }

func (a answers) QueryRow(context.Context, string, ...any) pgx.Row { return a.results.QueryRow() }

// queue holds the reads that the next Fetch sends. It implements the queueing half of
// store.Reads.
type queue struct {
	calls []call
	// clocked says that the last call reads the clock itself.
	clocked bool
	now     time.Time
}

func (q *queue) add(fn call) { q.calls, q.clocked = append(q.calls, fn), false }

// addRow queues a query of one row; where there is none it fills the value of none.
func addRow[Row, T any](
	q *queue, into *T, none T, query func(context.Context, gen.DBTX) (Row, error), from func(Row) T,
) {
	q.add(func(ctx context.Context, db gen.DBTX) error {
		row, err := query(ctx, db)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			*into = none
			return nil
		case err != nil:
			return err
		}
		*into = from(row)
		return nil
	})
}

// addExisting queues a query of one row that must exist.
func addExisting[Row, T any](
	q *queue, into *T, query func(context.Context, gen.DBTX) (Row, error), from func(Row) T,
) {
	q.add(func(ctx context.Context, db gen.DBTX) error {
		row, err := query(ctx, db)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return store.ErrNotFound
		case err != nil:
			return err
		}
		*into = from(row)
		return nil
	})
}

// addRows queues a query of any number of rows.
func addRows[Row, T any](
	q *queue, into *[]T, query func(context.Context, gen.DBTX) ([]Row, error), from func(Row) T,
) {
	q.add(func(ctx context.Context, db gen.DBTX) error {
		rows, err := query(ctx, db)
		if err == nil {
			*into = convert(rows, from)
		}
		return err
	})
}

// PIN implements store.Reads.
func (q *queue) PIN(h pin.Holder, into *pin.Record) {
	q.add(func(ctx context.Context, db gen.DBTX) error {
		row, err := queries.GetPIN(ctx, db, gen.GetPINParams(toDBHolder(h)))
		if err == nil {
			*into, q.now = fromDBPIN(h, toPINRow(row)), row.ReadAt
		}
		return err
	})
	q.clocked = true
}

// Policy implements store.Reads.
func (q *queue) Policy(i policy.Instance, into *policy.Policy) {
	addRow(q, into, policy.Default(i.Tenant, i.ID), func(ctx context.Context, db gen.DBTX) (gen.GetPolicyRow, error) {
		return queries.GetPolicy(ctx, db, gen.GetPolicyParams{TenantID: i.Tenant, InstanceID: i.ID})
	}, func(row gen.GetPolicyRow) policy.Policy { return fromDBPolicy(i, row) })
}

// Confirmation implements store.Reads.
func (q *queue) Confirmation(ref confirmation.Ref, into *confirmation.Confirmation) {
	addExisting(q, into, func(ctx context.Context, db gen.DBTX) (gen.Confirmation, error) {
		return queries.GetConfirmation(ctx, db, gen.GetConfirmationParams{
			TenantID: ref.Tenant, InstanceID: ref.Instance.ID, ID: ref.ID,
		})
	}, fromDBConfirmation)
}

// ConfirmationByKey implements store.Reads.
func (q *queue) ConfirmationByKey(i policy.Instance, key string, into *confirmation.Confirmation) {
	addRow(q, into, confirmation.Confirmation{}, func(ctx context.Context, db gen.DBTX) (gen.Confirmation, error) {
		return queries.GetConfirmationByKey(ctx, db, gen.GetConfirmationByKeyParams{
			TenantID: i.Tenant, InstanceID: i.ID, IdempotencyKey: key,
		})
	}, fromDBConfirmation)
}

// ConfirmationByCallKey implements store.Reads.
func (q *queue) ConfirmationByCallKey(i policy.Instance, key string, into *confirmation.Confirmation) {
	addRow(q, into, confirmation.Confirmation{}, func(ctx context.Context, db gen.DBTX) (gen.Confirmation, error) {
		return queries.GetConfirmationByCallKey(ctx, db, gen.GetConfirmationByCallKeyParams{
			TenantID: i.Tenant, InstanceID: i.ID, CallKey: key,
		})
	}, fromDBConfirmation)
}

// Freeze implements store.Reads.
func (q *queue) Freeze(scope policy.Instance, into *policy.Freeze) {
	addRow(q, into, policy.Freeze{Scope: scope}, func(ctx context.Context, db gen.DBTX) (gen.GetFreezeRow, error) {
		return queries.GetFreeze(ctx, db, gen.GetFreezeParams{TenantID: scope.Tenant, InstanceID: scope.ID})
	}, func(row gen.GetFreezeRow) policy.Freeze { return fromDBFreeze(scope, row) })
}

// Sessions implements store.Reads.
func (q *queue) Sessions(h pin.Holder, instance uuid.UUID, into *[]confirmation.Session) {
	addRows(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.PINSession, error) {
		return queries.ListSessions(ctx, db, gen.ListSessionsParams(toDBHolderOn(h, instance)))
	}, fromDBSession)
}

// SessionOf implements store.Reads.
func (q *queue) SessionOf(ref confirmation.Ref, into *confirmation.Session) {
	addRow(q, into, confirmation.Session{}, func(ctx context.Context, db gen.DBTX) (gen.PINSession, error) {
		return queries.GetSessionOf(ctx, db, gen.GetSessionOfParams{
			TenantID: ref.Tenant, InstanceID: ref.Instance.ID, ID: ref.ID,
		})
	}, fromDBSession)
}

// OpenCounts implements store.Reads.
func (q *queue) OpenCounts(h pin.Holder, instance uuid.UUID, into *confirmation.OpenCounts) {
	addExisting(q, into, func(ctx context.Context, db gen.DBTX) (gen.CountOpenConfirmationsRow, error) {
		return queries.CountOpenConfirmations(ctx, db, gen.CountOpenConfirmationsParams(toDBHolderOn(h, instance)))
	}, fromDBOpenCounts)
}

// APIKey implements store.Reads.
func (q *queue) APIKey(id string, into *auth.APIKey) {
	addExisting(q, into, func(ctx context.Context, db gen.DBTX) (gen.APIKey, error) {
		return queries.GetAPIKey(ctx, db, id)
	}, fromDBAPIKey)
}

// Now implements store.Reads.
func (q *queue) Now() time.Time { return q.now }

// take returns what was queued, and with a clock read after it.
func (q *queue) take(clock call) []call {
	calls := q.calls
	if clock != nil {
		calls = append(calls, clock)
	}
	q.calls, q.clocked = nil, false
	return calls
}

// batcher sends statements together: a pool, or a connection.
type batcher interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// exchange sends the first statements, if any, and the calls in one batch and gives
// each call its answer. It returns store.ErrNotFound when all else went well.
func exchange(ctx context.Context, db batcher, first []string, calls []call) error {
	batch := &pgx.Batch{}
	for _, sql := range first {
		batch.Queue(sql)
	}
	for _, fn := range calls {
		r := record(fn)
		batch.Queue(r.sql, r.args...)
	}
	results := db.SendBatch(ctx, batch)
	err := receive(ctx, results, len(first), calls)
	if closeErr := results.Close(); err == nil || errors.Is(err, store.ErrNotFound) && closeErr != nil {
		err = errors.Join(err, closeErr)
	}
	return err
}

func receive(ctx context.Context, results pgx.BatchResults, first int, calls []call) error {
	for range first {
		if _, err := results.Exec(); err != nil {
			return err
		}
	}
	var missing error
	for _, fn := range calls {
		err := fn(ctx, answers{results})
		switch {
		case errors.Is(err, store.ErrNotFound):
			missing = err
		case err != nil:
			return err
		}
	}
	return missing
}

// reads is store.Reads outside a transaction.
type reads struct {
	queue
	store *Store
}

var _ store.Reads = (*reads)(nil)

// Reads implements store.Store.
func (s *Store) Reads() store.Reads { return &reads{store: s} }

// Fetch implements store.Reads. A lone read that brings the clock with it needs no
// batch.
func (r *reads) Fetch(ctx context.Context) error {
	var clock call
	if !r.clocked {
		clock = func(ctx context.Context, db gen.DBTX) error {
			row, err := queries.Clock(ctx, db)
			if err == nil {
				r.now = row.ReadAt
			}
			return err
		}
	}
	calls := r.take(clock)
	return r.store.read(ctx, func(ctx context.Context, db gen.DBTX) error {
		if len(calls) == 1 {
			return calls[0](ctx, db)
		}
		return exchange(ctx, r.store.pool, nil, calls)
	})
}
