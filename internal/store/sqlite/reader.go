package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// reader reads through the pool of readers, or inside a transaction.
type reader struct {
	db    gen.DBTX
	q     *gen.Queries
	clock *clock
	// failed is told of each failed statement; nil outside a transaction.
	failed func(error)
}

// fault names a driver's error.
func (r reader) fault(ctx context.Context, err error) error {
	err = interpretError(ctx, err)
	if err != nil && r.failed != nil && !errors.Is(err, store.ErrNotFound) {
		r.failed(err)
	}
	return err
}

// Pin implements store.Reader.
func (r reader) Pin(ctx context.Context, h pin.Holder) (pin.Record, time.Time, error) {
	row, err := r.q.GetPin(ctx, r.db, gen.GetPinParams{
		TenantID: h.Tenant, HolderType: string(h.Type), InstanceID: h.Instance, HolderID: h.ID,
	})
	err = r.fault(ctx, err)
	if errors.Is(err, store.ErrNotFound) {
		return pin.Record{Holder: h}, r.clock.read(), nil
	}
	if err != nil {
		return pin.Record{}, time.Time{}, err
	}
	return fromDBPIN(row), r.clock.read(), nil
}

// Policy implements store.Reader.
func (r reader) Policy(ctx context.Context, tenant, instance uuid.UUID) (policy.Policy, error) {
	row, err := r.q.GetPolicy(ctx, r.db, gen.GetPolicyParams{TenantID: tenant, InstanceID: instance})
	err = r.fault(ctx, err)
	if errors.Is(err, store.ErrNotFound) {
		return policy.Default(tenant, instance), nil
	}
	if err != nil {
		return policy.Policy{}, err
	}
	return fromDBPolicy(row)
}

// Confirmation implements store.Reader.
func (r reader) Confirmation(ctx context.Context, tenant, instance, id uuid.UUID) (confirmation.Confirmation, time.Time, error) {
	row, err := r.q.GetConfirmation(ctx, r.db, gen.GetConfirmationParams{
		TenantID: tenant, InstanceID: instance, ID: id,
	})
	if err != nil {
		return confirmation.Confirmation{}, time.Time{}, r.fault(ctx, err)
	}
	return fromDBConfirmation(row), r.clock.read(), nil
}

// ConfirmationByKey implements store.Reader.
func (r reader) ConfirmationByKey(ctx context.Context, tenant, instance uuid.UUID, key string) (confirmation.Confirmation, time.Time, error) {
	row, err := r.q.GetConfirmationByKey(ctx, r.db, gen.GetConfirmationByKeyParams{
		TenantID: tenant, InstanceID: instance, IdempotencyKey: &key,
	})
	if err != nil {
		return confirmation.Confirmation{}, time.Time{}, r.fault(ctx, err)
	}
	return fromDBConfirmation(row), r.clock.read(), nil
}

// NoLongerPending implements store.Reader.
func (r reader) NoLongerPending(ctx context.Context, ids []uuid.UUID) ([]uuid.UUID, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, fmt.Errorf("sqlite: a list of ids: %w", err)
	}
	rows, err := r.q.ListStillPending(ctx, r.db, gen.ListStillPendingParams{
		Now: toDBTime(r.clock.read()), Ids: string(list),
	})
	if err != nil {
		return nil, r.fault(ctx, err)
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

// Sessions implements store.Reader.
func (r reader) Sessions(ctx context.Context, h pin.Holder, instance uuid.UUID) ([]confirmation.Session, error) {
	rows, err := r.q.ListSessions(ctx, r.db, gen.ListSessionsParams{
		TenantID: h.Tenant, HolderType: string(h.Type), HolderInstanceID: h.Instance, HolderID: h.ID, InstanceID: instance,
	})
	if err != nil {
		return nil, r.fault(ctx, err)
	}
	return fromDBSessions(rows), nil
}

// Session implements store.Reader.
func (r reader) Session(ctx context.Context, tenant, id uuid.UUID) (confirmation.Session, error) {
	row, err := r.q.GetSession(ctx, r.db, gen.GetSessionParams{TenantID: tenant, ID: id})
	if err != nil {
		return confirmation.Session{}, r.fault(ctx, err)
	}
	return fromDBSession(row), nil
}

// APIKey implements store.Reader.
func (r reader) APIKey(ctx context.Context, id string) (auth.APIKey, error) {
	row, err := r.q.GetAPIKey(ctx, r.db, id)
	if err != nil {
		return auth.APIKey{}, r.fault(ctx, err)
	}
	return fromDBAPIKey(row)
}

// APIKeys implements store.Reader.
func (r reader) APIKeys(ctx context.Context, tenant uuid.UUID) ([]auth.APIKey, error) {
	var rows []gen.APIKey
	var err error
	if tenant == uuid.Nil {
		rows, err = r.q.ListAllAPIKeys(ctx, r.db)
	} else {
		rows, err = r.q.ListAPIKeys(ctx, r.db, tenant)
	}
	if err != nil {
		return nil, r.fault(ctx, err)
	}
	return fromDBAPIKeys(rows)
}

// Events implements store.Reader.
func (r reader) Events(ctx context.Context, f audit.Filter) ([]audit.Event, error) {
	rows, err := r.q.ListEvents(ctx, r.db, gen.ListEventsParams{
		TenantID: f.Tenant, After: f.After, Limit: int64(f.Limit),
	})
	if err != nil {
		return nil, r.fault(ctx, err)
	}
	events := make([]audit.Event, len(rows))
	for i, row := range rows {
		if events[i], err = fromDBEvent(row); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// KeyChecks implements store.Reader.
func (r reader) KeyChecks(ctx context.Context, kind store.CheckKind) (map[string][]byte, error) {
	rows, err := r.q.ListKeyChecks(ctx, r.db, string(kind))
	if err != nil {
		return nil, r.fault(ctx, err)
	}
	checks := make(map[string][]byte, len(rows))
	for _, row := range rows {
		checks[row.ID] = row.Value
	}
	return checks, nil
}

// PeppersInUse implements store.Reader.
func (r reader) PeppersInUse(ctx context.Context) ([]string, error) {
	rows, err := r.q.ListPeppersInUse(ctx, r.db)
	if err != nil {
		return nil, r.fault(ctx, err)
	}
	ids := make([]string, len(rows))
	for i, id := range rows {
		ids[i] = value(id)
	}
	return ids, nil
}

// Clock implements store.Reader.
func (r reader) Clock(context.Context) (time.Time, error) { return r.clock.read(), nil }
