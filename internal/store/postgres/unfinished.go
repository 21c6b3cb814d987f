package postgres

import (
	"context"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/postgres"
	"github.com/hydracore/hydrapin/internal/store"
)

// LockUnfinished implements store.Locks.
func (t *tx) LockUnfinished(limit int, into *store.Unfinished) {
	maxRows := int64(limit)
	addRows(&t.queue, &into.Confirmations, func(ctx context.Context, db gen.DBTX) ([]gen.Confirmation, error) {
		return queries.LockUnfinishedConfirmations(ctx, db, maxRows)
	}, fromDBConfirmation)
	addRows(&t.queue, &into.Sessions, func(ctx context.Context, db gen.DBTX) ([]gen.PINSession, error) {
		return queries.LockUnfinishedSessions(ctx, db, maxRows)
	}, fromDBSession)
	addRows(&t.queue, &into.Links, func(ctx context.Context, db gen.DBTX) ([]gen.PINLink, error) {
		return queries.LockUnfinishedLinks(ctx, db, maxRows)
	}, fromDBLink)
}

// Tenants implements store.Lists.
func (s *Store) Tenants(ctx context.Context) ([]uuid.UUID, error) {
	return list(ctx, s, func(ctx context.Context, db gen.DBTX) ([]uuid.UUID, error) {
		return queries.ListTenants(ctx, db)
	}, same)
}
