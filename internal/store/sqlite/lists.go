package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/sqlite"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/store"
)

// list runs one query of many rows outside a transaction.
func list[Row, T any](
	ctx context.Context, s *Store, query func(context.Context, gen.DBTX) ([]Row, error), from func(Row) (T, error),
) ([]T, error) {
	rows, err := query(ctx, s.reading)
	if err != nil {
		return nil, interpretError(ctx, err)
	}
	return convert(rows, from)
}

// NoLongerPending implements store.Lists.
func (s *Store) NoLongerPending(ctx context.Context, ids []uuid.UUID) ([]uuid.UUID, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(ids)
	if err != nil {
		return nil, fmt.Errorf("sqlite: a list of ids: %w", err)
	}
	rows, err := queries.StillPending(ctx, s.reading, gen.StillPendingParams{
		Now: toDBTime(s.clock.read()), Ids: string(text),
	})
	if err != nil {
		return nil, interpretError(ctx, err)
	}
	pending := make(map[uuid.UUID]bool, len(rows))
	for _, id := range rows {
		pending[id] = true
	}
	var gone []uuid.UUID
	for _, id := range ids {
		if !pending[id] {
			gone = append(gone, id)
		}
	}
	return gone, nil
}

// OpenConfirmations implements store.Lists.
func (s *Store) OpenConfirmations(ctx context.Context, f store.ConfirmationFilter) ([]confirmation.Confirmation, error) {
	p := gen.ListOpenConfirmationsParams{
		TenantID: f.Instance.Tenant, InstanceID: f.Instance.ID, Status: string(f.Status),
		HolderType: string(f.Holder.Type), HolderID: f.Holder.ID, HolderInstanceID: f.Holder.Instance,
		AfterID: f.After.ID.String(), Now: toDBTime(s.clock.read()), MaxRows: int64(f.Limit),
	}
	if !f.After.CreatedAt.IsZero() {
		p.AfterCreatedAt = toDBTime(f.After.CreatedAt)
	}
	return list(ctx, s, func(ctx context.Context, db gen.DBTX) ([]gen.Confirmation, error) {
		return queries.ListOpenConfirmations(ctx, db, p)
	}, infallible(fromDBConfirmation))
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
	rows, err := queries.ListKeyChecks(ctx, s.reading)
	if err != nil {
		return nil, interpretError(ctx, err)
	}
	checks := make(map[store.CheckID][]byte, len(rows))
	for _, row := range rows {
		checks[store.CheckID{Kind: store.CheckKind(row.Kind), ID: row.ID}] = row.Value
	}
	return checks, nil
}

// PeppersInUse implements store.Lists.
func (s *Store) PeppersInUse(ctx context.Context) ([]string, error) {
	return list(ctx, s, func(ctx context.Context, db gen.DBTX) ([]*string, error) {
		return queries.PeppersInUse(ctx, db)
	}, infallible(value[string]))
}
