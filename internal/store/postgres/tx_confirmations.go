package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/postgres"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
)

// sweepLock is the advisory lock of the sweeper: "hydrapin" in ASCII, plus one.
const sweepLock = 0x6879647261_70696e + 1

func (t *tx) LockConfirmation(
	ctx context.Context, tenant, instance, id uuid.UUID,
) (confirmation.Confirmation, error) {
	row, err := lock(ctx, t, func(ctx context.Context, db gen.DBTX) (gen.LockConfirmationRow, error) {
		return queries.LockConfirmation(ctx, db,
			gen.LockConfirmationParams{TenantID: tenant, InstanceID: instance, ID: id})
	}, func(row gen.LockConfirmationRow) time.Time { return row.ReadAt })
	if err != nil {
		return confirmation.Confirmation{}, err
	}
	return fromConfirmation(gen.GetConfirmationRow(row)), nil
}

func (t *tx) InsertConfirmation(ctx context.Context, c confirmation.Confirmation) (bool, error) {
	n, err := query(ctx, t.reader, func(ctx context.Context, db gen.DBTX) (int64, error) {
		return queries.InsertConfirmation(ctx, db, toNewConfirmation(c))
	})
	return n > 0, err
}

func (t *tx) SaveConfirmation(ctx context.Context, c confirmation.Confirmation) error {
	n, err := query(ctx, t.reader, func(ctx context.Context, db gen.DBTX) (int64, error) {
		return queries.SaveConfirmation(ctx, db, toConfirmation(c))
	})
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}

func (t *tx) LockOpenConfirmations(
	ctx context.Context, h pin.Holder, instance uuid.UUID,
) ([]confirmation.Confirmation, error) {
	rows, err := lock(ctx, t, func(ctx context.Context, db gen.DBTX) ([]gen.LockOpenConfirmationsRow, error) {
		return queries.LockOpenConfirmations(ctx, db, gen.LockOpenConfirmationsParams{
			TenantID: h.Tenant, HolderID: h.ID, HolderType: string(h.Type),
			HolderInstanceID: h.Instance, InstanceID: instance,
		})
	}, func(rows []gen.LockOpenConfirmationsRow) time.Time {
		if len(rows) == 0 {
			return time.Time{}
		}
		return rows[len(rows)-1].ReadAt
	})
	return convert(rows, func(row gen.LockOpenConfirmationsRow) confirmation.Confirmation {
		return fromConfirmation(gen.GetConfirmationRow(row))
	}), err
}

func (t *tx) PendingConfirmations(
	ctx context.Context, h pin.Holder, instance uuid.UUID, now time.Time,
) (int, time.Time, error) {
	row, err := query(ctx, t.reader, func(ctx context.Context, db gen.DBTX) (gen.PendingConfirmationsRow, error) {
		return queries.PendingConfirmations(ctx, db, gen.PendingConfirmationsParams{
			TenantID: h.Tenant, HolderID: h.ID, HolderType: string(h.Type),
			HolderInstanceID: h.Instance, InstanceID: instance, Now: now,
		})
	})
	if err != nil || row.Pending == 0 {
		return 0, time.Time{}, err
	}
	return int(row.Pending), row.FirstExpiresAt, nil
}

func (t *tx) TrySweepLock(ctx context.Context) (bool, error) {
	return query(ctx, t.reader, func(ctx context.Context, db gen.DBTX) (bool, error) {
		return queries.TrySweepLock(ctx, db, sweepLock)
	})
}

func (t *tx) LockExpiredConfirmations(
	ctx context.Context, now time.Time, limit int,
) ([]confirmation.Confirmation, error) {
	rows, err := query(ctx, t.reader, func(ctx context.Context, db gen.DBTX) ([]gen.LockExpiredConfirmationsRow, error) {
		return queries.LockExpiredConfirmations(ctx, db,
			gen.LockExpiredConfirmationsParams{Now: now, MaxRows: int64(limit)})
	})
	// It never waits for a lock, so the time read before still holds.
	return convert(rows, func(row gen.LockExpiredConfirmationsRow) confirmation.Confirmation {
		return fromConfirmation(gen.GetConfirmationRow(row))
	}), err
}

func (t *tx) DeleteConfirmations(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := query(ctx, t.reader, func(ctx context.Context, db gen.DBTX) (int64, error) {
		return queries.DeleteConfirmations(ctx, db,
			gen.DeleteConfirmationsParams{Before: before, MaxRows: int64(limit)})
	})
	return int(n), err
}
