package sqlite

import (
	"context"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/sqlite"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/webhook"
)

// An immediate transaction is the only one that can write while it lasts, so its locks
// are plain reads.

// LockPIN implements store.Locks.
func (t *tx) LockPIN(h pin.Holder, into *pin.Record) { t.PIN(h, into) }

// LockNewPIN implements store.Locks.
func (t *tx) LockNewPIN(h pin.Holder, into *pin.Record) { t.PIN(h, into) }

// LockAttempt implements store.Locks.
func (t *tx) LockAttempt(tenant, id uuid.UUID, into *pin.Attempt) {
	addRow(&t.queue, into, pin.Attempt{}, func(ctx context.Context, db gen.DBTX) (gen.PINAttempt, error) {
		return queries.LockAttempt(ctx, db, gen.LockAttemptParams{TenantID: tenant, ID: id})
	}, infallible(fromDBAttempt))
}

// LockPolicy implements store.Locks.
func (t *tx) LockPolicy(i policy.Instance, into *policy.Policy) { t.Policy(i, into) }

// LockConfirmation implements store.Locks.
func (t *tx) LockConfirmation(ref confirmation.Ref, into *confirmation.Confirmation) {
	t.Confirmation(ref, into)
}

// LockOpenConfirmations implements store.Locks.
func (t *tx) LockOpenConfirmations(h pin.Holder, instance uuid.UUID, into *[]confirmation.Confirmation) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.Confirmation, error) {
		return queries.LockOpenConfirmations(ctx, db, gen.LockOpenConfirmationsParams(toDBHolderOn(h, instance)))
	}, infallible(fromDBConfirmation))
}

// LockConfirmationByCallKey implements store.Locks.
func (t *tx) LockConfirmationByCallKey(i policy.Instance, key string, into *confirmation.Confirmation) {
	t.ConfirmationByCallKey(i, key, into)
}

// LockFreeze implements store.Locks.
func (t *tx) LockFreeze(scope policy.Instance, into *policy.Freeze) { t.Freeze(scope, into) }

// LockApproved implements store.Locks.
func (t *tx) LockApproved(scope policy.Instance, limit int, into *[]confirmation.Confirmation) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.Confirmation, error) {
		return queries.LockApprovedConfirmations(ctx, db, gen.LockApprovedConfirmationsParams{
			TenantID: scope.Tenant, InstanceID: scope.ID, Now: toDBTime(t.clock.read()), MaxRows: int64(limit),
		})
	}, infallible(fromDBConfirmation))
}

// LockAPIKey implements store.Locks.
func (t *tx) LockAPIKey(id string, into *auth.APIKey) { t.APIKey(id, into) }

// LockSweep implements store.Locks: whoever is in a transaction has the database for
// itself.
func (t *tx) LockSweep(into *bool) {
	t.add(func(context.Context, gen.DBTX) error {
		*into = true
		return nil
	})
}

// LockExpired implements store.Locks.
func (t *tx) LockExpired(limit int, into *[]confirmation.Confirmation) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.Confirmation, error) {
		return queries.LockExpiredConfirmations(ctx, db, gen.LockExpiredConfirmationsParams{
			Now: toDBTime(t.clock.read()), MaxRows: int64(limit),
		})
	}, infallible(fromDBConfirmation))
}

// LockStale implements store.Locks.
func (t *tx) LockStale(age store.StaleAge, limit int, into *store.Stale) {
	maxRows := int64(limit)
	addRows(&t.queue, &into.Confirmations, func(ctx context.Context, db gen.DBTX) ([]gen.LockStaleConfirmationsRow, error) {
		return queries.LockStaleConfirmations(ctx, db, gen.LockStaleConfirmationsParams{
			Before: toDBTime(t.clock.read().Add(-age.Confirmation)), MaxRows: maxRows,
		})
	}, infallible(func(row gen.LockStaleConfirmationsRow) confirmation.Ref {
		return confirmation.Ref{Instance: policy.Instance{Tenant: row.TenantID, ID: row.InstanceID}, ID: row.ID}
	}))
	addRows(&t.queue, &into.Sessions, func(ctx context.Context, db gen.DBTX) ([]gen.LockStaleSessionsRow, error) {
		return queries.LockStaleSessions(ctx, db, gen.LockStaleSessionsParams{
			Before: toDBTime(t.clock.read().Add(-age.Session)), MaxRows: maxRows,
		})
	}, infallible(func(row gen.LockStaleSessionsRow) confirmation.SessionRef {
		return confirmation.SessionRef{Tenant: row.TenantID, ID: row.ID}
	}))
	addRows(&t.queue, &into.Attempts, func(ctx context.Context, db gen.DBTX) ([]gen.LockStaleAttemptsRow, error) {
		return queries.LockStaleAttempts(ctx, db, gen.LockStaleAttemptsParams{
			Before: toDBTime(t.clock.read().Add(-age.Attempt)), MaxRows: maxRows,
		})
	}, infallible(func(row gen.LockStaleAttemptsRow) pin.AttemptRef {
		return pin.AttemptRef{Tenant: row.TenantID, ID: row.ID}
	}))
	addRows(&t.queue, &into.Links, func(ctx context.Context, db gen.DBTX) ([]gen.LockStaleLinksRow, error) {
		return queries.LockStaleLinks(ctx, db, gen.LockStaleLinksParams{
			Before: toDBTime(t.clock.read().Add(-age.Link)), MaxRows: maxRows,
		})
	}, infallible(func(row gen.LockStaleLinksRow) pin.LinkRef { return pin.LinkRef{Tenant: row.TenantID, ID: row.ID} }))
	addRows(&t.queue, &into.Deliveries, func(ctx context.Context, db gen.DBTX) ([]gen.LockStaleDeliveriesRow, error) {
		return queries.LockStaleDeliveries(ctx, db, gen.LockStaleDeliveriesParams{
			Before: toDBTime(t.clock.read().Add(-age.Delivery)), MaxRows: maxRows,
		})
	}, infallible(func(row gen.LockStaleDeliveriesRow) webhook.DeliveryRef {
		return webhook.DeliveryRef{Tenant: row.TenantID, ID: row.ID}
	}))
}
