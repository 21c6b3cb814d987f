package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/sqlite"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// queries holds no state; the database is an argument of each method.
var queries = gen.New()

// call runs one generated query and fills what it was queued for.
type call func(ctx context.Context, db gen.DBTX) error

// queue holds the reads that the next Fetch runs. It implements the queueing half of
// store.Reads.
type queue struct {
	calls []call
	clock clock
	now   time.Time
}

func (q *queue) add(fn call) { q.calls = append(q.calls, fn) }

// addRow queues a query of one row; where there is none it fills the value of none.
func addRow[Row, T any](
	q *queue, into *T, none T, query func(context.Context, gen.DBTX) (Row, error), from func(Row) (T, error),
) {
	q.add(func(ctx context.Context, db gen.DBTX) error {
		row, err := query(ctx, db)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			*into = none
			return nil
		case err != nil:
			return err
		}
		*into, err = from(row)
		return err
	})
}

// addExisting queues a query of one row that must exist.
func addExisting[Row, T any](
	q *queue, into *T, query func(context.Context, gen.DBTX) (Row, error), from func(Row) (T, error),
) {
	q.add(func(ctx context.Context, db gen.DBTX) error {
		row, err := query(ctx, db)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return store.ErrNotFound
		case err != nil:
			return err
		}
		*into, err = from(row)
		return err
	})
}

// addRows queues a query of any number of rows.
func addRows[Row, T any](
	q *queue, into *[]T, query func(context.Context, gen.DBTX) ([]Row, error), from func(Row) (T, error),
) {
	q.add(func(ctx context.Context, db gen.DBTX) error {
		rows, err := query(ctx, db)
		if err != nil {
			return err
		}
		*into, err = convert(rows, from)
		return err
	})
}

// PIN implements store.Reads.
func (q *queue) PIN(h pin.Holder, into *pin.Record) {
	addRow(q, into, pin.Record{Holder: h}, func(ctx context.Context, db gen.DBTX) (gen.PIN, error) {
		return queries.GetPIN(ctx, db, gen.GetPINParams(toDBHolder(h)))
	}, infallible(fromDBPIN))
}

// Policy implements store.Reads.
func (q *queue) Policy(i policy.Instance, into *policy.Policy) {
	addRow(q, into, policy.Default(i.Tenant, i.ID), func(ctx context.Context, db gen.DBTX) (gen.PINPolicy, error) {
		return queries.GetPolicy(ctx, db, gen.GetPolicyParams{TenantID: i.Tenant, InstanceID: i.ID})
	}, fromDBPolicy)
	q.add(func(ctx context.Context, db gen.DBTX) error {
		row, err := queries.FreezesOf(ctx, db, gen.FreezesOfParams{TenantID: i.Tenant, InstanceID: i.ID})
		if err == nil {
			into.Frozen, into.FreezeEpoch = row.Frozen != 0, row.Epoch
			if row.SprayedUntil > 0 {
				into.SprayedUntil = fromDBTime(row.SprayedUntil)
			}
		}
		return err
	})
}

// Freeze implements store.Reads.
func (q *queue) Freeze(scope policy.Instance, into *policy.Freeze) {
	addRow(q, into, policy.Freeze{Scope: scope}, func(ctx context.Context, db gen.DBTX) (gen.Freeze, error) {
		return queries.GetFreeze(ctx, db, gen.GetFreezeParams{TenantID: scope.Tenant, InstanceID: scope.ID})
	}, infallible(fromDBFreeze))
}

// ConfirmationByCallKey implements store.Reads.
func (q *queue) ConfirmationByCallKey(i policy.Instance, key string, into *confirmation.Confirmation) {
	addRow(q, into, confirmation.Confirmation{}, func(ctx context.Context, db gen.DBTX) (gen.Confirmation, error) {
		return queries.GetConfirmationByCallKey(ctx, db, gen.GetConfirmationByCallKeyParams{
			TenantID: i.Tenant, InstanceID: i.ID, CallKey: key,
		})
	}, infallible(fromDBConfirmation))
}

// Confirmation implements store.Reads.
func (q *queue) Confirmation(ref confirmation.Ref, into *confirmation.Confirmation) {
	addExisting(q, into, func(ctx context.Context, db gen.DBTX) (gen.Confirmation, error) {
		return queries.GetConfirmation(ctx, db, gen.GetConfirmationParams{
			TenantID: ref.Tenant, InstanceID: ref.Instance.ID, ID: ref.ID,
		})
	}, infallible(fromDBConfirmation))
}

// ConfirmationByKey implements store.Reads.
func (q *queue) ConfirmationByKey(i policy.Instance, key string, into *confirmation.Confirmation) {
	addRow(q, into, confirmation.Confirmation{}, func(ctx context.Context, db gen.DBTX) (gen.Confirmation, error) {
		return queries.GetConfirmationByKey(ctx, db, gen.GetConfirmationByKeyParams{
			TenantID: i.Tenant, InstanceID: i.ID, IdempotencyKey: key,
		})
	}, infallible(fromDBConfirmation))
}

// Sessions implements store.Reads.
func (q *queue) Sessions(h pin.Holder, instance uuid.UUID, into *[]confirmation.Session) {
	addRows(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.PINSession, error) {
		return queries.ListSessions(ctx, db, gen.ListSessionsParams(toDBHolderOn(h, instance)))
	}, infallible(fromDBSession))
}

// SessionOf implements store.Reads.
func (q *queue) SessionOf(ref confirmation.Ref, into *confirmation.Session) {
	addRow(q, into, confirmation.Session{}, func(ctx context.Context, db gen.DBTX) (gen.PINSession, error) {
		return queries.GetSessionOf(ctx, db, gen.GetSessionOfParams{
			TenantID: ref.Tenant, InstanceID: ref.Instance.ID, ID: ref.ID,
		})
	}, infallible(fromDBSession))
}

// OpenCounts implements store.Reads.
func (q *queue) OpenCounts(h pin.Holder, instance uuid.UUID, into *confirmation.OpenCounts) {
	on := toDBHolderOn(h, instance)
	addExisting(q, into, func(ctx context.Context, db gen.DBTX) (gen.CountOpenConfirmationsRow, error) {
		return queries.CountOpenConfirmations(ctx, db, gen.CountOpenConfirmationsParams{
			TenantID: on.TenantID, HolderID: on.HolderID, HolderType: on.HolderType,
			HolderInstanceID: on.HolderInstanceID, InstanceID: on.InstanceID, Now: toDBTime(q.clock.read()),
		})
	}, infallible(fromDBOpenCounts))
}

// APIKey implements store.Reads.
func (q *queue) APIKey(id string, into *auth.APIKey) {
	addExisting(q, into, func(ctx context.Context, db gen.DBTX) (gen.APIKey, error) {
		return queries.GetAPIKey(ctx, db, id)
	}, fromDBAPIKey)
}

// Now implements store.Reads.
func (q *queue) Now() time.Time { return q.now }

// run runs what was queued, in order. It returns store.ErrNotFound when all else went
// well.
func (q *queue) run(ctx context.Context, db gen.DBTX) error {
	calls := q.calls
	q.calls = nil
	var missing error
	for _, fn := range calls {
		err := fn(ctx, db)
		switch {
		case errors.Is(err, store.ErrNotFound):
			missing = err
		case err != nil:
			return err
		}
	}
	q.now = q.clock.read()
	return missing
}

// reads is store.Reads outside a transaction.
type reads struct {
	queue
	store *Store
}

var _ store.Reads = (*reads)(nil)

// Reads implements store.Store.
func (s *Store) Reads() store.Reads { return &reads{queue: queue{clock: s.clock}, store: s} }

// Fetch implements store.Reads.
func (r *reads) Fetch(ctx context.Context) error {
	return interpretError(ctx, r.run(ctx, r.store.reading))
}
