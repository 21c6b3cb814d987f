package postgres

import (
	"context"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/postgres"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/store"
)

// list runs one query of many rows outside a transaction.
func list[Row, T any](
	ctx context.Context, s *Store, query func(context.Context, gen.DBTX) ([]Row, error), from func(Row) T,
) ([]T, error) {
	var rows []Row
	err := s.read(ctx, func(ctx context.Context, db gen.DBTX) (err error) {
		rows, err = query(ctx, db)
		return err
	})
	if err != nil {
		return nil, err
	}
	return convert(rows, from), nil
}

func same[T any](v T) T { return v }

// NoLongerPending implements store.Lists.
func (s *Store) NoLongerPending(ctx context.Context, ids []uuid.UUID) ([]uuid.UUID, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return list(ctx, s, func(ctx context.Context, db gen.DBTX) ([]uuid.UUID, error) {
		return queries.NoLongerPending(ctx, db, ids)
	}, same)
}

// OpenConfirmations implements store.Lists.
func (s *Store) OpenConfirmations(ctx context.Context, f store.ConfirmationFilter) ([]confirmation.Confirmation, error) {
	return list(ctx, s, func(ctx context.Context, db gen.DBTX) ([]gen.Confirmation, error) {
		return queries.ListOpenConfirmations(ctx, db, gen.ListOpenConfirmationsParams{
			TenantID: f.Instance.Tenant, InstanceID: f.Instance.ID, Status: string(f.Status),
			HolderType: string(f.Holder.Type), HolderID: f.Holder.ID, HolderInstanceID: f.Holder.Instance,
			AfterCreatedAt: f.After.CreatedAt, AfterID: f.After.ID, MaxRows: int64(f.Limit),
		})
	}, fromDBConfirmation)
}

// APIKeys implements store.Lists.
func (s *Store) APIKeys(ctx context.Context, tenant uuid.UUID) ([]auth.APIKey, error) {
	return list(ctx, s, func(ctx context.Context, db gen.DBTX) ([]gen.APIKey, error) {
		if tenant == uuid.Nil {
			return queries.ListAllAPIKeys(ctx, db)
		}
		return queries.ListAPIKeys(ctx, db, tenant)
	}, fromDBAPIKey)
}

// KeyChecks implements store.Lists.
func (s *Store) KeyChecks(ctx context.Context) (map[store.CheckID][]byte, error) {
	rows, err := list(ctx, s, func(ctx context.Context, db gen.DBTX) ([]gen.KeyCheck, error) {
		return queries.ListKeyChecks(ctx, db)
	}, same)
	if err != nil {
		return nil, err
	}
	checks := make(map[store.CheckID][]byte, len(rows))
	for _, row := range rows {
		checks[store.CheckID{Kind: store.CheckKind(row.Kind), ID: row.ID}] = row.Value
	}
	return checks, nil
}

// PeppersInUse implements store.Lists.
func (s *Store) PeppersInUse(ctx context.Context) ([]string, error) {
	return list(ctx, s, func(ctx context.Context, db gen.DBTX) ([]string, error) {
		return queries.PeppersInUse(ctx, db)
	}, same)
}
