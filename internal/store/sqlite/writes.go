package sqlite

import (
	"context"
	"time"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/sqlite"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// write queues what the commit runs.
func (t *tx) write(fn call) { t.writes = append(t.writes, fn) }

// insert queues a row that brings its key with it.
func (t *tx) insert(table string, fn call) {
	t.write(func(ctx context.Context, db gen.DBTX) error { return takenKey(table, fn(ctx, db)) })
}

// found makes an error of a write that had no effect.
func found(rows int64, err error) error {
	if err == nil && rows == 0 {
		return store.ErrNotFound
	}
	return err
}

// Append implements store.Tx.
func (t *tx) Append(events ...audit.Event) {
	for _, e := range events {
		params, err := toDBEvent(e)
		if err != nil {
			t.fail(err)
			return
		}
		t.write(func(ctx context.Context, db gen.DBTX) error { return queries.AppendEvent(ctx, db, params) })
	}
}

// Wake implements store.Tx.
func (t *tx) Wake(ids ...uuid.UUID) { t.woken = append(t.woken, ids...) }

// SavePIN implements store.PINWrites.
func (t *tx) SavePIN(r pin.Record) {
	t.write(func(ctx context.Context, db gen.DBTX) error { return queries.SavePIN(ctx, db, toDBPIN(r)) })
}

// InsertAttempt implements store.PINWrites.
func (t *tx) InsertAttempt(a pin.Attempt) {
	t.insert("pin_attempts", func(ctx context.Context, db gen.DBTX) error {
		return queries.InsertAttempt(ctx, db, toDBAttempt(a))
	})
}

// DeleteAttempt implements store.PINWrites.
func (t *tx) DeleteAttempt(ref pin.AttemptRef) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return found(queries.DeleteAttempt(ctx, db, gen.DeleteAttemptParams{TenantID: ref.Tenant, ID: ref.ID}))
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
	params, err := toDBPolicy(p)
	if err != nil {
		t.fail(err)
		return
	}
	t.write(func(ctx context.Context, db gen.DBTX) error { return queries.SavePolicy(ctx, db, params) })
}

// SaveSpraying implements store.PolicyWrites.
func (t *tx) SaveSpraying(i policy.Instance, until time.Time) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.SaveSpraying(ctx, db, gen.SaveSprayingParams{TenantID: i.Tenant, InstanceID: i.ID, Until: toDBTime(until)})
	})
}

// SaveFreeze implements store.PolicyWrites.
func (t *tx) SaveFreeze(f policy.Freeze) {
	t.write(func(ctx context.Context, db gen.DBTX) error { return queries.SaveFreeze(ctx, db, toDBFreeze(f)) })
}

// InsertConfirmation implements store.ConfirmationWrites.
func (t *tx) InsertConfirmation(c confirmation.Confirmation) {
	t.insert("confirmations", func(ctx context.Context, db gen.DBTX) error {
		return queries.InsertConfirmation(ctx, db, toDBConfirmation(c))
	})
}

// SaveConfirmations implements store.ConfirmationWrites. A statement costs no round
// trip here, so each has its own.
func (t *tx) SaveConfirmations(cs ...confirmation.Confirmation) {
	for _, c := range cs {
		t.write(func(ctx context.Context, db gen.DBTX) error {
			return found(queries.SaveConfirmation(ctx, db, toDBTransition(c)))
		})
	}
}

// SaveOutcome implements store.ConfirmationWrites.
func (t *tx) SaveOutcome(c confirmation.Confirmation) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return found(queries.SaveOutcome(ctx, db, gen.SaveOutcomeParams{
			TenantID: c.Holder.Tenant, InstanceID: c.Instance, ID: c.ID,
			Outcome: string(c.Outcome.Kind), OutcomeAt: toDBTime(c.Outcome.At), OutcomeDetail: c.Outcome.Detail,
		}))
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
	for _, ref := range s.Confirmations {
		t.write(func(ctx context.Context, db gen.DBTX) error {
			return queries.DeleteStaleConfirmation(ctx, db, gen.DeleteStaleConfirmationParams{
				TenantID: ref.Tenant, InstanceID: ref.Instance.ID, ID: ref.ID,
			})
		})
	}
	for _, ref := range s.Sessions {
		t.write(func(ctx context.Context, db gen.DBTX) error {
			return queries.DeleteStaleSession(ctx, db, gen.DeleteStaleSessionParams{TenantID: ref.Tenant, ID: ref.ID})
		})
	}
	for _, ref := range s.Attempts {
		t.write(func(ctx context.Context, db gen.DBTX) error {
			return queries.DeleteStaleAttempt(ctx, db, gen.DeleteStaleAttemptParams{TenantID: ref.Tenant, ID: ref.ID})
		})
	}
	for _, ref := range s.Links {
		t.write(func(ctx context.Context, db gen.DBTX) error {
			return queries.DeleteStaleLink(ctx, db, gen.DeleteStaleLinkParams{TenantID: ref.Tenant, ID: ref.ID})
		})
	}
	for _, ref := range s.Deliveries {
		t.write(func(ctx context.Context, db gen.DBTX) error {
			return queries.DeleteStaleDelivery(ctx, db, gen.DeleteStaleDeliveryParams{TenantID: ref.Tenant, ID: ref.ID})
		})
	}
}

// InsertAPIKey implements store.KeyWrites.
func (t *tx) InsertAPIKey(k auth.APIKey) {
	params, err := toDBAPIKey(k)
	if err != nil {
		t.fail(err)
		return
	}
	t.insert("api_keys", func(ctx context.Context, db gen.DBTX) error { return queries.InsertAPIKey(ctx, db, params) })
}

// SaveAPIKey implements store.KeyWrites.
func (t *tx) SaveAPIKey(k auth.APIKey) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return found(queries.SaveAPIKey(ctx, db, gen.SaveAPIKeyParams{
			TenantID: k.Tenant, ID: k.ID, ExpiresAt: toDBNullTime(k.ExpiresAt), RevokedAt: toDBNullTime(k.RevokedAt),
		}))
	})
}

// InsertKeyCheck implements store.KeyWrites.
func (t *tx) InsertKeyCheck(id store.CheckID, value []byte) {
	t.insert("key_checks", func(ctx context.Context, db gen.DBTX) error {
		return queries.InsertKeyCheck(ctx, db,
			gen.InsertKeyCheckParams{Kind: string(id.Kind), ID: id.ID, Value: append([]byte{}, value...)})
	})
}
