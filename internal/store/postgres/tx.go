package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	gen "github.com/hydracore/hydrapin/gen/postgres"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// tx is store.Tx over one transaction. It is used by one goroutine.
type tx struct {
	reader
	db pgx.Tx
	// now is the time read after the last lock; zero when it has to be asked for.
	now   time.Time
	woken []uuid.UUID
	// failure is the first statement's error that aborted the transaction.
	failure error
}

var _ store.Tx = (*tx)(nil)

func (t *tx) Now(ctx context.Context) (time.Time, error) {
	if t.now.IsZero() {
		return t.Clock(ctx)
	}
	return t.now, nil
}

// Clock reads the clock anew; Now does not go back behind it.
func (t *tx) Clock(ctx context.Context) (time.Time, error) {
	now, err := t.reader.Clock(ctx)
	if err != nil {
		return time.Time{}, err
	}
	t.now = now
	return now, nil
}

func (t *tx) Wake(id uuid.UUID) { t.woken = append(t.woken, id) }

func (t *tx) Append(ctx context.Context, e audit.Event) error {
	if e.Time.IsZero() {
		now, err := t.Now(ctx)
		if err != nil {
			return err
		}
		e.Time = now
	}
	params, err := toEvent(e)
	if err != nil {
		return err
	}
	return t.run(ctx, func(ctx context.Context, db gen.DBTX) error {
		return queries.AppendEvent(ctx, db, params)
	})
}

// lock runs a locking query of one row and keeps the time that was read after
// the lock. Where there was nothing to lock, the time is asked for anew, because
// the query may have waited for what then was gone.
func lock[T any](
	ctx context.Context, t *tx, fn func(context.Context, gen.DBTX) (T, error), readAt func(T) time.Time,
) (T, error) {
	t.now = time.Time{}
	row, err := query(ctx, t.reader, fn)
	if err == nil {
		t.now = readAt(row)
	}
	return row, err
}

func (t *tx) LockPin(ctx context.Context, h pin.Holder) (pin.Record, error) {
	row, err := t.lockPin(ctx, h)
	if errors.Is(err, store.ErrNotFound) {
		return pin.Record{Holder: h}, nil
	}
	if err != nil {
		return pin.Record{}, err
	}
	return fromPin(h, gen.GetPinRow(row)), nil
}

func (t *tx) lockPin(ctx context.Context, h pin.Holder) (gen.LockPinRow, error) {
	return lock(ctx, t, func(ctx context.Context, db gen.DBTX) (gen.LockPinRow, error) {
		return queries.LockPin(ctx, db, gen.LockPinParams(toHolderKey(h)))
	}, func(row gen.LockPinRow) time.Time { return row.ReadAt })
}

// LockNewPin writes only where there was nothing to lock: locking by an upsert
// each time would leave a dead row behind.
func (t *tx) LockNewPin(ctx context.Context, h pin.Holder) (pin.Record, error) {
	row, err := t.lockPin(ctx, h)
	if errors.Is(err, store.ErrNotFound) {
		var inserted gen.InsertOrLockPinRow
		inserted, err = lock(ctx, t, func(ctx context.Context, db gen.DBTX) (gen.InsertOrLockPinRow, error) {
			return queries.InsertOrLockPin(ctx, db, gen.InsertOrLockPinParams(toHolderKey(h)))
		}, func(row gen.InsertOrLockPinRow) time.Time { return row.ReadAt })
		row = gen.LockPinRow(inserted)
	}
	if err != nil {
		return pin.Record{}, err
	}
	return fromPin(h, gen.GetPinRow(row)), nil
}

func (t *tx) SavePin(ctx context.Context, r pin.Record, pepperID string) error {
	if r.ID == uuid.Nil {
		pepperID = ""
	}
	return t.run(ctx, func(ctx context.Context, db gen.DBTX) error {
		return queries.SavePin(ctx, db, toPin(r, pepperID))
	})
}

func (t *tx) DeletePin(ctx context.Context, h pin.Holder) error {
	return t.run(ctx, func(ctx context.Context, db gen.DBTX) error {
		return queries.DeletePin(ctx, db, gen.DeletePinParams(toHolderKey(h)))
	})
}

func (t *tx) LockPolicy(ctx context.Context, tenant, instance uuid.UUID) (policy.Policy, error) {
	row, err := lock(ctx, t, func(ctx context.Context, db gen.DBTX) (gen.LockPolicyRow, error) {
		return queries.LockPolicy(ctx, db, gen.LockPolicyParams{TenantID: tenant, InstanceID: instance})
	}, func(row gen.LockPolicyRow) time.Time { return row.ReadAt })
	if errors.Is(err, store.ErrNotFound) {
		var inserted gen.InsertOrLockPolicyRow
		inserted, err = lock(ctx, t, func(ctx context.Context, db gen.DBTX) (gen.InsertOrLockPolicyRow, error) {
			return queries.InsertOrLockPolicy(ctx, db,
				gen.InsertOrLockPolicyParams{TenantID: tenant, InstanceID: instance})
		}, func(row gen.InsertOrLockPolicyRow) time.Time { return row.ReadAt })
		row = gen.LockPolicyRow(inserted)
	}
	if err != nil {
		return policy.Policy{}, err
	}
	return fromPolicy(tenant, instance, gen.GetPolicyRow{
		AppliesTo: row.AppliesTo, RequiredSkills: row.RequiredSkills,
		SessionTtlMinutes: row.SessionTtlMinutes, Version: row.Version,
	}), nil
}

func (t *tx) SavePolicy(ctx context.Context, p policy.Policy) error {
	return t.run(ctx, func(ctx context.Context, db gen.DBTX) error {
		return queries.SavePolicy(ctx, db, toPolicy(p))
	})
}

func (t *tx) SaveSession(ctx context.Context, s confirmation.Session) error {
	return t.run(ctx, func(ctx context.Context, db gen.DBTX) error {
		return queries.SaveSession(ctx, db, toSession(s))
	})
}

func (t *tx) EndSessions(ctx context.Context, h pin.Holder, instance uuid.UUID) ([]confirmation.Session, error) {
	rows, err := query(ctx, t.reader, func(ctx context.Context, db gen.DBTX) ([]gen.EndSessionsRow, error) {
		return queries.EndSessions(ctx, db, gen.EndSessionsParams{
			TenantID: h.Tenant, HolderID: h.ID, HolderType: string(h.Type),
			HolderInstanceID: h.Instance, InstanceID: instance,
		})
	})
	return convert(rows, func(row gen.EndSessionsRow) confirmation.Session {
		return fromSession(gen.PinSession(row))
	}), err
}

func (t *tx) SweepSessions(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := query(ctx, t.reader, func(ctx context.Context, db gen.DBTX) (int64, error) {
		return queries.SweepSessions(ctx, db, gen.SweepSessionsParams{Before: before, MaxRows: int64(limit)})
	})
	return int(n), err
}

func (t *tx) InsertAPIKey(ctx context.Context, k auth.APIKey) error {
	return t.run(ctx, func(ctx context.Context, db gen.DBTX) error {
		return queries.InsertAPIKey(ctx, db, toAPIKey(k))
	})
}

func (t *tx) RevokeAPIKey(ctx context.Context, id string, at time.Time) (bool, error) {
	n, err := query(ctx, t.reader, func(ctx context.Context, db gen.DBTX) (int64, error) {
		return queries.RevokeAPIKey(ctx, db, gen.RevokeAPIKeyParams{ID: id, RevokedAt: at})
	})
	if err != nil || n > 0 {
		return n > 0, err
	}
	_, err = t.APIKey(ctx, id)
	return false, err
}

func (t *tx) SaveKeyCheck(ctx context.Context, kind store.CheckKind, id string, value []byte) ([]byte, error) {
	return query(ctx, t.reader, func(ctx context.Context, db gen.DBTX) ([]byte, error) {
		err := queries.InsertKeyCheck(ctx, db,
			gen.InsertKeyCheckParams{Kind: string(kind), ID: id, Value: append([]byte{}, value...)})
		if err != nil {
			return nil, err
		}
		// A statement of its own sees what another transaction stored meanwhile.
		return queries.GetKeyCheck(ctx, db, gen.GetKeyCheckParams{Kind: string(kind), ID: id})
	})
}
