package postgres

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	gen "github.com/hydracore/hydrapin/gen/postgres"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/webhook"
)

// sweepDuty is the row that a sweeper locks.
const sweepDuty = "sweep"

// LockPIN implements store.Locks.
func (t *tx) LockPIN(h pin.Holder, into *pin.Record) {
	addRow(&t.queue, into, pin.Record{Holder: h}, func(ctx context.Context, db gen.DBTX) (gen.LockPINRow, error) {
		return queries.LockPIN(ctx, db, gen.LockPINParams(toDBHolder(h)))
	}, func(row gen.LockPINRow) pin.Record { return fromDBPIN(h, row) })
}

// LockNewPIN implements store.Locks.
func (t *tx) LockNewPIN(h pin.Holder, into *pin.Record) {
	addExisting(&t.queue, into, func(ctx context.Context, db gen.DBTX) (gen.LockNewPINRow, error) {
		return queries.LockNewPIN(ctx, db, gen.LockNewPINParams(toDBHolder(h)))
	}, func(row gen.LockNewPINRow) pin.Record { return fromDBPIN(h, gen.LockPINRow(row)) })
}

// LockAttempt implements store.Locks.
func (t *tx) LockAttempt(tenant, id uuid.UUID, into *pin.Attempt) {
	addRow(&t.queue, into, pin.Attempt{}, func(ctx context.Context, db gen.DBTX) (gen.PINAttempt, error) {
		return queries.LockAttempt(ctx, db, gen.LockAttemptParams{TenantID: tenant, ID: id})
	}, fromDBAttempt)
}

// LockPolicy implements store.Locks.
func (t *tx) LockPolicy(i policy.Instance, into *policy.Policy) {
	addExisting(&t.queue, into, func(ctx context.Context, db gen.DBTX) (gen.LockPolicyRow, error) {
		return queries.LockPolicy(ctx, db, gen.LockPolicyParams{TenantID: i.Tenant, InstanceID: i.ID})
	}, func(row gen.LockPolicyRow) policy.Policy { return fromDBLockedPolicy(i, row) })
}

// LockConfirmation implements store.Locks.
func (t *tx) LockConfirmation(ref confirmation.Ref, into *confirmation.Confirmation) {
	addExisting(&t.queue, into, func(ctx context.Context, db gen.DBTX) (gen.Confirmation, error) {
		return queries.LockConfirmation(ctx, db, gen.LockConfirmationParams{
			TenantID: ref.Tenant, InstanceID: ref.Instance.ID, ID: ref.ID,
		})
	}, fromDBConfirmation)
}

// LockOpenConfirmations implements store.Locks.
func (t *tx) LockOpenConfirmations(h pin.Holder, instance uuid.UUID, into *[]confirmation.Confirmation) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.Confirmation, error) {
		return queries.LockOpenConfirmations(ctx, db, gen.LockOpenConfirmationsParams(toDBHolderOn(h, instance)))
	}, fromDBConfirmation)
}

// LockConfirmationByCallKey implements store.Locks.
func (t *tx) LockConfirmationByCallKey(i policy.Instance, key string, into *confirmation.Confirmation) {
	addRow(&t.queue, into, confirmation.Confirmation{}, func(ctx context.Context, db gen.DBTX) (gen.Confirmation, error) {
		return queries.LockConfirmationByCallKey(ctx, db, gen.LockConfirmationByCallKeyParams{
			TenantID: i.Tenant, InstanceID: i.ID, CallKey: key,
		})
	}, fromDBConfirmation)
}

// LockApproved implements store.Locks.
func (t *tx) LockApproved(scope policy.Instance, limit int, into *[]confirmation.Confirmation) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.Confirmation, error) {
		return queries.LockApprovedConfirmations(ctx, db, gen.LockApprovedConfirmationsParams{
			TenantID: scope.Tenant, InstanceID: scope.ID, MaxRows: int64(limit),
		})
	}, fromDBConfirmation)
}

// LockFreeze implements store.Locks.
func (t *tx) LockFreeze(scope policy.Instance, into *policy.Freeze) {
	addExisting(&t.queue, into, func(ctx context.Context, db gen.DBTX) (gen.LockFreezeRow, error) {
		return queries.LockFreeze(ctx, db, gen.LockFreezeParams{TenantID: scope.Tenant, InstanceID: scope.ID})
	}, func(row gen.LockFreezeRow) policy.Freeze { return fromDBFreeze(scope, gen.GetFreezeRow(row)) })
}

// LockAPIKey implements store.Locks.
func (t *tx) LockAPIKey(id string, into *auth.APIKey) {
	addExisting(&t.queue, into, func(ctx context.Context, db gen.DBTX) (gen.APIKey, error) {
		return queries.LockAPIKey(ctx, db, id)
	}, fromDBAPIKey)
}

// LockSweep implements store.Locks.
func (t *tx) LockSweep(into *bool) { t.lockDuty(sweepDuty, into) }

// lockDuty locks the row of a duty, unless another has it.
func (t *tx) lockDuty(duty string, into *bool) {
	t.add(func(ctx context.Context, db gen.DBTX) error {
		_, err := queries.LockDuty(ctx, db, duty)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			*into = false
			return nil
		case err == nil:
			*into = true
		}
		return err
	})
}

// LockExpired implements store.Locks.
func (t *tx) LockExpired(limit int, into *[]confirmation.Confirmation) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.Confirmation, error) {
		return queries.LockExpiredConfirmations(ctx, db, int64(limit))
	}, fromDBConfirmation)
}

// LockStale implements store.Locks.
func (t *tx) LockStale(age store.StaleAge, limit int, into *store.Stale) {
	maxRows := int64(limit)
	addRows(&t.queue, &into.Confirmations, func(ctx context.Context, db gen.DBTX) ([]gen.LockStaleConfirmationsRow, error) {
		return queries.LockStaleConfirmations(ctx, db,
			gen.LockStaleConfirmationsParams{Age: age.Confirmation, MaxRows: maxRows})
	}, func(row gen.LockStaleConfirmationsRow) confirmation.Ref {
		return confirmation.Ref{Instance: policy.Instance{Tenant: row.TenantID, ID: row.InstanceID}, ID: row.ID}
	})
	addRows(&t.queue, &into.Sessions, func(ctx context.Context, db gen.DBTX) ([]gen.LockStaleSessionsRow, error) {
		return queries.LockStaleSessions(ctx, db, gen.LockStaleSessionsParams{Age: age.Session, MaxRows: maxRows})
	}, func(row gen.LockStaleSessionsRow) confirmation.SessionRef {
		return confirmation.SessionRef{Tenant: row.TenantID, ID: row.ID}
	})
	addRows(&t.queue, &into.Attempts, func(ctx context.Context, db gen.DBTX) ([]gen.LockStaleAttemptsRow, error) {
		return queries.LockStaleAttempts(ctx, db, gen.LockStaleAttemptsParams{Age: age.Attempt, MaxRows: maxRows})
	}, func(row gen.LockStaleAttemptsRow) pin.AttemptRef {
		return pin.AttemptRef{Tenant: row.TenantID, ID: row.ID}
	})
	addRows(&t.queue, &into.Links, func(ctx context.Context, db gen.DBTX) ([]gen.LockStaleLinksRow, error) {
		return queries.LockStaleLinks(ctx, db, gen.LockStaleLinksParams{Age: age.Link, MaxRows: maxRows})
	}, func(row gen.LockStaleLinksRow) pin.LinkRef { return pin.LinkRef{Tenant: row.TenantID, ID: row.ID} })
	addRows(&t.queue, &into.Deliveries, func(ctx context.Context, db gen.DBTX) ([]gen.LockStaleDeliveriesRow, error) {
		return queries.LockStaleDeliveries(ctx, db, gen.LockStaleDeliveriesParams{Age: age.Delivery, MaxRows: maxRows})
	}, func(row gen.LockStaleDeliveriesRow) webhook.DeliveryRef {
		return webhook.DeliveryRef{Tenant: row.TenantID, ID: row.ID}
	})
}
