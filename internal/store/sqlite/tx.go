package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"slices"
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

// tx is an immediate transaction. It is the only one that can write while it
// lasts, so its locks are plain reads.
type tx struct {
	reader

	// failed is the first error of a statement. SQLite undoes a whole transaction
	// for some errors and goes on outside of one, so the first failure ends the
	// transaction here, and nothing that comes after it is written.
	failed error
	woken  []uuid.UUID
}

var _ store.Tx = (*tx)(nil)

func newTx(sqlTx *sql.Tx, c *clock) *tx {
	t := &tx{}
	t.reader = reader{db: sqlTx, q: gen.New(), clock: c, failed: func(err error) {
		if t.failed == nil {
			t.failed = err
			_ = sqlTx.Rollback()
		}
	}}
	return t
}

// Append implements store.Tx.
func (t *tx) Append(ctx context.Context, e audit.Event) error {
	if e.Time.IsZero() {
		e.Time = t.clock.read()
	}
	p, err := toDBEvent(e)
	if err != nil {
		return err
	}
	return t.fault(ctx, t.q.InsertEvent(ctx, t.db, p))
}

// Now implements store.Tx.
func (t *tx) Now(context.Context) (time.Time, error) { return t.clock.read(), nil }

// Wake implements store.Tx.
func (t *tx) Wake(id uuid.UUID) { t.woken = append(t.woken, id) }

// LockPin implements store.PinTx.
func (t *tx) LockPin(ctx context.Context, h pin.Holder) (pin.Record, error) {
	r, _, err := t.Pin(ctx, h)
	return r, err
}

// LockNewPin implements store.PinTx.
func (t *tx) LockNewPin(ctx context.Context, h pin.Holder) (pin.Record, error) {
	return t.LockPin(ctx, h)
}

// SavePin implements store.PinTx.
func (t *tx) SavePin(ctx context.Context, r pin.Record, pepperID string) error {
	return t.fault(ctx, t.q.SavePin(ctx, t.db, toDBPIN(r, pepperID)))
}

// DeletePin implements store.PinTx.
func (t *tx) DeletePin(ctx context.Context, h pin.Holder) error {
	return t.fault(ctx, t.q.DeletePin(ctx, t.db, gen.DeletePinParams{
		TenantID: h.Tenant, HolderType: string(h.Type), InstanceID: h.Instance, HolderID: h.ID,
	}))
}

// LockPolicy implements store.PolicyTx.
func (t *tx) LockPolicy(ctx context.Context, tenant, instance uuid.UUID) (policy.Policy, error) {
	return t.Policy(ctx, tenant, instance)
}

// SavePolicy implements store.PolicyTx.
func (t *tx) SavePolicy(ctx context.Context, p policy.Policy) error {
	skills, err := toDBStrings(p.RequiredSkills)
	if err != nil {
		return err
	}
	return t.fault(ctx, t.q.SavePolicy(ctx, t.db, gen.SavePolicyParams{
		TenantID: p.Tenant, InstanceID: p.Instance, AppliesTo: string(p.AppliesTo),
		RequiredSkills: skills, SessionTTLMinutes: int64(p.SessionTTLMinutes), Version: p.Version,
	}))
}

// SaveSession implements store.SessionTx.
func (t *tx) SaveSession(ctx context.Context, s confirmation.Session) error {
	return t.fault(ctx, t.q.SaveSession(ctx, t.db, gen.SaveSessionParams{
		TenantID: s.Holder.Tenant, ID: s.ID, InstanceID: s.Instance, HolderType: string(s.Holder.Type),
		HolderInstanceID: s.Holder.Instance, HolderID: s.Holder.ID, Role: string(s.Role), PINID: s.PINID,
		LockEpoch: s.LockEpoch, AuthTime: toDBTime(s.AuthTime), TTLUs: s.TTL.Microseconds(),
	}))
}

// EndSessions implements store.SessionTx.
func (t *tx) EndSessions(ctx context.Context, h pin.Holder, instance uuid.UUID) ([]confirmation.Session, error) {
	var rows []gen.PINSession
	var err error
	if instance == uuid.Nil {
		rows, err = t.q.EndAllSessions(ctx, t.db, gen.EndAllSessionsParams{
			TenantID: h.Tenant, HolderType: string(h.Type), HolderInstanceID: h.Instance, HolderID: h.ID,
		})
	} else {
		rows, err = t.q.EndSessions(ctx, t.db, gen.EndSessionsParams{
			TenantID: h.Tenant, HolderType: string(h.Type), HolderInstanceID: h.Instance, HolderID: h.ID,
			InstanceID: instance,
		})
	}
	if err != nil {
		return nil, t.fault(ctx, err)
	}
	// RETURNING promises no order.
	slices.SortFunc(rows, func(a, b gen.PINSession) int {
		return cmp.Or(cmp.Compare(a.AuthTime, b.AuthTime), bytes.Compare(a.ID[:], b.ID[:]))
	})
	return fromDBSessions(rows), nil
}

// SweepSessions implements store.SessionTx.
func (t *tx) SweepSessions(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := t.q.SweepSessions(ctx, t.db, gen.SweepSessionsParams{Before: toDBTime(before), Limit: int64(limit)})
	return int(n), t.fault(ctx, err)
}

// LockConfirmation implements store.ConfirmationTx.
func (t *tx) LockConfirmation(ctx context.Context, tenant, instance, id uuid.UUID) (confirmation.Confirmation, error) {
	c, _, err := t.Confirmation(ctx, tenant, instance, id)
	return c, err
}

// InsertConfirmation implements store.ConfirmationTx.
func (t *tx) InsertConfirmation(ctx context.Context, c confirmation.Confirmation) (bool, error) {
	n, err := t.q.InsertConfirmation(ctx, t.db, toDBNewConfirmation(c))
	return n == 1, t.fault(ctx, err)
}

// SaveConfirmation implements store.ConfirmationTx. It returns store.ErrNotFound
// for one that was not inserted.
func (t *tx) SaveConfirmation(ctx context.Context, c confirmation.Confirmation) error {
	n, err := t.q.UpdateConfirmation(ctx, t.db, toDBConfirmation(c))
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return t.fault(ctx, err)
}

// LockOpenConfirmations implements store.ConfirmationTx.
func (t *tx) LockOpenConfirmations(ctx context.Context, h pin.Holder, instance uuid.UUID) ([]confirmation.Confirmation, error) {
	var rows []gen.Confirmation
	var err error
	if instance == uuid.Nil {
		rows, err = t.q.ListAllOpenConfirmations(ctx, t.db, gen.ListAllOpenConfirmationsParams{
			TenantID: h.Tenant, HolderType: string(h.Type), HolderInstanceID: h.Instance, HolderID: h.ID,
		})
	} else {
		rows, err = t.q.ListOpenConfirmations(ctx, t.db, gen.ListOpenConfirmationsParams{
			TenantID: h.Tenant, HolderType: string(h.Type), HolderInstanceID: h.Instance, HolderID: h.ID,
			InstanceID: instance,
		})
	}
	if err != nil {
		return nil, t.fault(ctx, err)
	}
	return fromDBConfirmations(rows), nil
}

// PendingConfirmations implements store.ConfirmationTx.
func (t *tx) PendingConfirmations(ctx context.Context, h pin.Holder, instance uuid.UUID, now time.Time) (int, time.Time, error) {
	row, err := t.q.CountPendingConfirmations(ctx, t.db, gen.CountPendingConfirmationsParams{
		TenantID: h.Tenant, HolderType: string(h.Type), HolderInstanceID: h.Instance, HolderID: h.ID,
		InstanceID: instance, Now: toDBTime(now),
	})
	if err != nil || row.Pending == 0 {
		return 0, time.Time{}, t.fault(ctx, err)
	}
	return int(row.Pending), fromDBTime(row.FirstExpiry), nil
}

// TrySweepLock implements store.ConfirmationTx: whoever is in a transaction has
// the database for itself.
func (*tx) TrySweepLock(context.Context) (bool, error) { return true, nil }

// LockExpiredConfirmations implements store.ConfirmationTx.
func (t *tx) LockExpiredConfirmations(ctx context.Context, now time.Time, limit int) ([]confirmation.Confirmation, error) {
	rows, err := t.q.ListExpiredConfirmations(ctx, t.db, gen.ListExpiredConfirmationsParams{
		Now: toDBTime(now), Limit: int64(limit),
	})
	if err != nil {
		return nil, t.fault(ctx, err)
	}
	return fromDBConfirmations(rows), nil
}

// DeleteConfirmations implements store.ConfirmationTx.
func (t *tx) DeleteConfirmations(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := t.q.DeleteConfirmations(ctx, t.db, gen.DeleteConfirmationsParams{
		Before: new(toDBTime(before)), Limit: int64(limit),
	})
	return int(n), t.fault(ctx, err)
}

// InsertAPIKey implements store.KeyTx.
func (t *tx) InsertAPIKey(ctx context.Context, k auth.APIKey) error {
	scopes, err := toDBStrings(k.Scopes)
	if err != nil {
		return err
	}
	return t.fault(ctx, t.q.InsertAPIKey(ctx, t.db, gen.InsertAPIKeyParams{
		TenantID: k.Tenant, ID: k.ID, Kind: string(k.Kind), Hash: k.Hash[:], InstanceID: k.Instance,
		Scopes: scopes, Name: k.Name, CreatedAt: toDBTime(k.CreatedAt),
		ExpiresAt: toDBNullTime(k.ExpiresAt), RevokedAt: toDBNullTime(k.RevokedAt),
	}))
}

// RevokeAPIKey implements store.KeyTx.
func (t *tx) RevokeAPIKey(ctx context.Context, id string, at time.Time) (bool, error) {
	n, err := t.q.RevokeAPIKey(ctx, t.db, gen.RevokeAPIKeyParams{RevokedAt: new(toDBTime(at)), ID: id})
	if err != nil {
		return false, t.fault(ctx, err)
	}
	if n == 0 {
		// Either there is no such key, or it keeps the time that it has.
		_, err := t.APIKey(ctx, id)
		return false, err
	}
	return true, nil
}

// SaveKeyCheck implements store.KeyTx.
func (t *tx) SaveKeyCheck(ctx context.Context, kind store.CheckKind, id string, value []byte) ([]byte, error) {
	err := t.q.InsertKeyCheck(ctx, t.db, gen.InsertKeyCheckParams{Kind: string(kind), ID: id, Value: value})
	if err != nil {
		return nil, t.fault(ctx, err)
	}
	stored, err := t.q.GetKeyCheck(ctx, t.db, gen.GetKeyCheckParams{Kind: string(kind), ID: id})
	return stored, t.fault(ctx, err)
}
