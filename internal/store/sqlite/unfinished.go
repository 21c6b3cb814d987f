package sqlite

import (
	"context"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/sqlite"
	"github.com/hydracore/hydrapin/internal/store"
)

// LockUnfinished implements store.Locks.
func (t *tx) LockUnfinished(limit int, into *store.Unfinished) {
	maxRows := int64(limit)
	addRows(&t.queue, &into.Confirmations, func(ctx context.Context, db gen.DBTX) ([]gen.Confirmation, error) {
		return queries.LockUnfinishedConfirmations(ctx, db, gen.LockUnfinishedConfirmationsParams{
			Now: toDBTime(t.clock.read()), MaxRows: maxRows,
		})
	}, infallible(fromDBConfirmation))
	addRows(&t.queue, &into.Sessions, func(ctx context.Context, db gen.DBTX) ([]gen.PINSession, error) {
		return queries.LockUnfinishedSessions(ctx, db, maxRows)
	}, infallible(fromDBSession))
	addRows(&t.queue, &into.Links, func(ctx context.Context, db gen.DBTX) ([]gen.PINLink, error) {
		return queries.LockUnfinishedLinks(ctx, db, gen.LockUnfinishedLinksParams{
			Now: toDBTime(t.clock.read()), MaxRows: maxRows,
		})
	}, infallible(fromDBLink))
}

// Tenants implements store.Lists.
func (s *Store) Tenants(ctx context.Context) ([]uuid.UUID, error) {
	ids, err := queries.ListTenants(ctx, s.reading)
	return ids, interpretError(ctx, err)
}
