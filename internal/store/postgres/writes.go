package postgres

import (
	"context"
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

// write queues what the commit sends.
func (t *tx) write(fn call) { t.writes = append(t.writes, record(fn)) }

// Append implements store.Tx.
func (t *tx) Append(events ...audit.Event) {
	if len(events) == 0 {
		return
	}
	params, err := toDBEvents(events)
	if err != nil {
		t.fail(mistake{err})
		return
	}
	t.write(func(ctx context.Context, db gen.DBTX) error { return queries.AppendEvents(ctx, db, params) })
}

// Wake implements store.Tx.
func (t *tx) Wake(ids ...uuid.UUID) { t.woken = append(t.woken, ids...) }

// SavePIN implements store.PINWrites.
func (t *tx) SavePIN(r pin.Record) {
	t.write(func(ctx context.Context, db gen.DBTX) error { return queries.SavePIN(ctx, db, toDBPIN(r)) })
}

// InsertAttempt implements store.PINWrites.
func (t *tx) InsertAttempt(a pin.Attempt) {
	t.write(func(ctx context.Context, db gen.DBTX) error { return queries.InsertAttempt(ctx, db, toDBAttempt(a)) })
}

// DeleteAttempt implements store.PINWrites.
func (t *tx) DeleteAttempt(ref pin.AttemptRef) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.DeleteAttempt(ctx, db, gen.DeleteAttemptParams{TenantID: ref.Tenant, ID: ref.ID})
	})
}

// SaveSession implements store.PINWrites.
func (t *tx) SaveSession(s confirmation.Session) {
	t.write(func(ctx context.Context, db gen.DBTX) error { return queries.SaveSession(ctx, db, toDBSession(s)) })
}

// DeleteSessions implements store.PINWrites.
func (t *tx) DeleteSessions(h pin.Holder, instance uuid.UUID) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.DeleteSessions(ctx, db, gen.DeleteSessionsParams(toDBHolderOn(h, instance)))
	})
}

// SavePolicy implements store.PolicyWrites.
func (t *tx) SavePolicy(p policy.Policy) {
	t.write(func(ctx context.Context, db gen.DBTX) error { return queries.SavePolicy(ctx, db, toDBPolicy(p)) })
}

// SaveSpraying implements store.PolicyWrites.
func (t *tx) SaveSpraying(i policy.Instance, until time.Time) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.SaveSpraying(ctx, db, gen.SaveSprayingParams{TenantID: i.Tenant, InstanceID: i.ID, Until: until})
	})
}

// SaveFreeze implements store.PolicyWrites.
func (t *tx) SaveFreeze(f policy.Freeze) {
	t.write(func(ctx context.Context, db gen.DBTX) error { return queries.SaveFreeze(ctx, db, toDBFreeze(f)) })
}

// InsertConfirmation implements store.ConfirmationWrites.
func (t *tx) InsertConfirmation(c confirmation.Confirmation) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.InsertConfirmation(ctx, db, toDBConfirmation(c))
	})
}

// SaveConfirmations implements store.ConfirmationWrites.
func (t *tx) SaveConfirmations(cs ...confirmation.Confirmation) {
	if len(cs) == 0 {
		return
	}
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.SaveConfirmations(ctx, db, toDBConfirmations(cs))
	})
}

// SaveOutcome implements store.ConfirmationWrites.
func (t *tx) SaveOutcome(c confirmation.Confirmation) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.SaveOutcome(ctx, db, gen.SaveOutcomeParams{
			TenantID: c.Holder.Tenant, InstanceID: c.Instance, ID: c.ID,
			Outcome: string(c.Outcome.Kind), OutcomeAt: c.Outcome.At, OutcomeDetail: c.Outcome.Detail,
		})
	})
}

// ReleaseCallKey implements store.ConfirmationWrites.
func (t *tx) ReleaseCallKey(ref confirmation.Ref) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.ReleaseCallKey(ctx, db, gen.ReleaseCallKeyParams{
			TenantID: ref.Tenant, InstanceID: ref.Instance.ID, ID: ref.ID,
		})
	})
}

// DeleteStale implements store.ConfirmationWrites.
func (t *tx) DeleteStale(s store.Stale) {
	if len(s.Confirmations) > 0 {
		var p gen.DeleteStaleConfirmationsParams
		for _, ref := range s.Confirmations {
			p.TenantIds, p.InstanceIds = append(p.TenantIds, ref.Tenant), append(p.InstanceIds, ref.Instance.ID)
			p.Ids = append(p.Ids, ref.ID)
		}
		t.write(func(ctx context.Context, db gen.DBTX) error { return queries.DeleteStaleConfirmations(ctx, db, p) })
	}
	if len(s.Sessions) > 0 {
		var p gen.DeleteStaleSessionsParams
		for _, ref := range s.Sessions {
			p.TenantIds, p.Ids = append(p.TenantIds, ref.Tenant), append(p.Ids, ref.ID)
		}
		t.write(func(ctx context.Context, db gen.DBTX) error { return queries.DeleteStaleSessions(ctx, db, p) })
	}
	if len(s.Attempts) > 0 {
		var p gen.DeleteStaleAttemptsParams
		for _, ref := range s.Attempts {
			p.TenantIds, p.Ids = append(p.TenantIds, ref.Tenant), append(p.Ids, ref.ID)
		}
		t.write(func(ctx context.Context, db gen.DBTX) error { return queries.DeleteStaleAttempts(ctx, db, p) })
	}
	if len(s.Links) > 0 {
		var p gen.DeleteStaleLinksParams
		for _, ref := range s.Links {
			p.TenantIds, p.Ids = append(p.TenantIds, ref.Tenant), append(p.Ids, ref.ID)
		}
		t.write(func(ctx context.Context, db gen.DBTX) error { return queries.DeleteStaleLinks(ctx, db, p) })
	}
	if len(s.Deliveries) > 0 {
		var p gen.DeleteStaleDeliveriesParams
		for _, ref := range s.Deliveries {
			p.TenantIds, p.Ids = append(p.TenantIds, ref.Tenant), append(p.Ids, ref.ID)
		}
		t.write(func(ctx context.Context, db gen.DBTX) error { return queries.DeleteStaleDeliveries(ctx, db, p) })
	}
}

// InsertAPIKey implements store.KeyWrites.
func (t *tx) InsertAPIKey(k auth.APIKey) {
	t.write(func(ctx context.Context, db gen.DBTX) error { return queries.InsertAPIKey(ctx, db, toDBAPIKey(k)) })
}

// SaveAPIKey implements store.KeyWrites.
func (t *tx) SaveAPIKey(k auth.APIKey) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.SaveAPIKey(ctx, db, gen.SaveAPIKeyParams{
			TenantID: k.Tenant, ID: k.ID, ExpiresAt: optional(k.ExpiresAt), RevokedAt: optional(k.RevokedAt),
		})
	})
}

// InsertKeyCheck implements store.KeyWrites.
func (t *tx) InsertKeyCheck(id store.CheckID, value []byte) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.InsertKeyCheck(ctx, db,
			gen.InsertKeyCheckParams{Kind: string(id.Kind), ID: id.ID, Value: append([]byte{}, value...)})
	})
}
