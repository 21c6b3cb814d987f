package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/postgres"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// queries holds no state; the database is an argument of each method.
var queries = gen.New()

// reader is store.Reader over whatever run gives its queries: the pool, or a
// transaction.
type reader struct {
	run func(ctx context.Context, fn func(context.Context, gen.DBTX) error) error
}

// query runs one query that returns a value.
func query[T any](ctx context.Context, r reader, fn func(context.Context, gen.DBTX) (T, error)) (T, error) {
	var value T
	err := r.run(ctx, func(ctx context.Context, db gen.DBTX) (err error) {
		value, err = fn(ctx, db)
		return err
	})
	return value, err
}

func (r reader) Pin(ctx context.Context, h pin.Holder) (pin.Record, time.Time, error) {
	row, err := query(ctx, r, func(ctx context.Context, db gen.DBTX) (gen.GetPinRow, error) {
		return queries.GetPin(ctx, db, gen.GetPinParams(toHolderKey(h)))
	})
	if err != nil {
		return pin.Record{}, time.Time{}, err
	}
	return fromPin(h, row), row.ReadAt, nil
}

func (r reader) Policy(ctx context.Context, tenant, instance uuid.UUID) (policy.Policy, error) {
	row, err := query(ctx, r, func(ctx context.Context, db gen.DBTX) (gen.GetPolicyRow, error) {
		return queries.GetPolicy(ctx, db, gen.GetPolicyParams{TenantID: tenant, InstanceID: instance})
	})
	if errors.Is(err, store.ErrNotFound) {
		return policy.Default(tenant, instance), nil
	}
	if err != nil {
		return policy.Policy{}, err
	}
	return fromPolicy(tenant, instance, row), nil
}

func (r reader) Confirmation(
	ctx context.Context, tenant, instance, id uuid.UUID,
) (confirmation.Confirmation, time.Time, error) {
	row, err := query(ctx, r, func(ctx context.Context, db gen.DBTX) (gen.GetConfirmationRow, error) {
		return queries.GetConfirmation(ctx, db,
			gen.GetConfirmationParams{TenantID: tenant, InstanceID: instance, ID: id})
	})
	if err != nil {
		return confirmation.Confirmation{}, time.Time{}, err
	}
	return fromConfirmation(row), row.ReadAt, nil
}

func (r reader) ConfirmationByKey(
	ctx context.Context, tenant, instance uuid.UUID, key string,
) (confirmation.Confirmation, time.Time, error) {
	row, err := query(ctx, r, func(ctx context.Context, db gen.DBTX) (gen.GetConfirmationByKeyRow, error) {
		return queries.GetConfirmationByKey(ctx, db,
			gen.GetConfirmationByKeyParams{TenantID: tenant, InstanceID: instance, IdempotencyKey: key})
	})
	if err != nil {
		return confirmation.Confirmation{}, time.Time{}, err
	}
	return fromConfirmation(gen.GetConfirmationRow(row)), row.ReadAt, nil
}

func (r reader) NoLongerPending(ctx context.Context, ids []uuid.UUID) ([]uuid.UUID, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return query(ctx, r, func(ctx context.Context, db gen.DBTX) ([]uuid.UUID, error) {
		return queries.NoLongerPending(ctx, db, ids)
	})
}

func (r reader) Sessions(ctx context.Context, h pin.Holder, instance uuid.UUID) ([]confirmation.Session, error) {
	rows, err := query(ctx, r, func(ctx context.Context, db gen.DBTX) ([]gen.PinSession, error) {
		return queries.ListSessions(ctx, db, gen.ListSessionsParams{
			TenantID: h.Tenant, HolderID: h.ID, HolderType: string(h.Type),
			HolderInstanceID: h.Instance, InstanceID: instance,
		})
	})
	return convert(rows, fromSession), err
}

func (r reader) Session(ctx context.Context, tenant, id uuid.UUID) (confirmation.Session, error) {
	row, err := query(ctx, r, func(ctx context.Context, db gen.DBTX) (gen.PinSession, error) {
		return queries.GetSession(ctx, db, gen.GetSessionParams{TenantID: tenant, ID: id})
	})
	if err != nil {
		return confirmation.Session{}, err
	}
	return fromSession(row), nil
}

func (r reader) APIKey(ctx context.Context, id string) (auth.APIKey, error) {
	row, err := query(ctx, r, func(ctx context.Context, db gen.DBTX) (gen.ApiKey, error) {
		return queries.GetAPIKey(ctx, db, id)
	})
	if err != nil {
		return auth.APIKey{}, err
	}
	return fromAPIKey(row), nil
}

func (r reader) APIKeys(ctx context.Context, tenant uuid.UUID) ([]auth.APIKey, error) {
	rows, err := query(ctx, r, func(ctx context.Context, db gen.DBTX) ([]gen.ApiKey, error) {
		if tenant == uuid.Nil {
			return queries.ListAllAPIKeys(ctx, db)
		}
		return queries.ListAPIKeys(ctx, db, tenant)
	})
	return convert(rows, fromAPIKey), err
}

// Events reads in the order of Seq. Seq is given as an event is written, not as
// its transaction commits: an event with a lower one may appear a moment later.
func (r reader) Events(ctx context.Context, f audit.Filter) ([]audit.Event, error) {
	rows, err := query(ctx, r, func(ctx context.Context, db gen.DBTX) ([]gen.PinEvent, error) {
		return queries.ListEvents(ctx, db, gen.ListEventsParams{
			TenantID: f.Tenant, AfterSeq: f.After, MaxRows: int64(f.Limit),
		})
	})
	if err != nil {
		return nil, err
	}
	events := make([]audit.Event, 0, len(rows))
	for _, row := range rows {
		e, err := fromEvent(row)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

func (r reader) KeyChecks(ctx context.Context, kind store.CheckKind) (map[string][]byte, error) {
	rows, err := query(ctx, r, func(ctx context.Context, db gen.DBTX) ([]gen.ListKeyChecksRow, error) {
		return queries.ListKeyChecks(ctx, db, string(kind))
	})
	if err != nil {
		return nil, err
	}
	checks := make(map[string][]byte, len(rows))
	for _, row := range rows {
		checks[row.ID] = row.Value
	}
	return checks, nil
}

func (r reader) PeppersInUse(ctx context.Context) ([]string, error) {
	return query(ctx, r, func(ctx context.Context, db gen.DBTX) ([]string, error) {
		return queries.PeppersInUse(ctx, db)
	})
}

func (r reader) Clock(ctx context.Context) (time.Time, error) {
	return query(ctx, r, func(ctx context.Context, db gen.DBTX) (time.Time, error) {
		return queries.Clock(ctx, db)
	})
}
