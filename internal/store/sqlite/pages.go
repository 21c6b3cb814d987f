package sqlite

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/sqlite"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/paging"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
)

// addPage queues the two queries of a page.
func addPage[Row, T any](
	q *queue, into *paging.Of[T],
	rows func(context.Context, gen.DBTX) ([]Row, error), count func(context.Context, gen.DBTX) (int64, error),
	from func(Row) (T, error),
) {
	addRows(q, &into.Rows, rows, from)
	addExisting(q, &into.Total, count, infallible(func(n int64) int { return int(n) }))
}

// PINs implements store.Reads.
func (q *queue) PINs(f store.PINFilter, page paging.Page, into *paging.Of[pin.Record]) {
	into.Page = page
	switch {
	case f.State == store.PINUnset && f.SetBy != "": // nobody set what is not set
	case f.State == store.PINUnset:
		q.unsetPINs(f, into)
	case f.State == store.PINLocked:
		q.lockedPINs(f, into)
	case f.State == store.PINInactive:
		q.inactivePINs(f, into)
	case f.SetBy != "":
		q.pinsSetBy(f, into)
	default:
		q.allPINs(f, into)
	}
}

func (q *queue) lockedPINs(f store.PINFilter, into *paging.Of[pin.Record]) {
	first, last := f.Range()
	addPage(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.PIN, error) {
		return queries.PageLockedPINs(ctx, db, gen.PageLockedPINsParams{
			TenantID: f.Tenant, FromType: string(first.Type), FromInstance: first.Instance.String(),
			ToType: string(last.Type), ToInstance: last.Instance.String(),
			SetBy: string(f.SetBy), Now: toDBTime(q.clock.read()), Skipped: int64(into.Skipped()), MaxRows: int64(into.Page.Rows()),
		})
	}, func(ctx context.Context, db gen.DBTX) (int64, error) {
		return queries.CountLockedPINs(ctx, db, gen.CountLockedPINsParams{
			TenantID: f.Tenant, FromType: string(first.Type), FromInstance: first.Instance.String(),
			ToType: string(last.Type), ToInstance: last.Instance.String(),
			SetBy: string(f.SetBy), Now: toDBTime(q.clock.read()), MaxRows: paging.MaxRows,
		})
	}, infallible(fromDBPIN))
}

func (q *queue) inactivePINs(f store.PINFilter, into *paging.Of[pin.Record]) {
	first, last := f.Range()
	addPage(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.PIN, error) {
		return queries.PageInactivePINs(ctx, db, gen.PageInactivePINsParams{
			TenantID: f.Tenant, FromType: string(first.Type), FromInstance: first.Instance.String(),
			ToType: string(last.Type), ToInstance: last.Instance.String(),
			SetBy: string(f.SetBy), Skipped: int64(into.Skipped()), MaxRows: int64(into.Page.Rows()),
		})
	}, func(ctx context.Context, db gen.DBTX) (int64, error) {
		return queries.CountInactivePINs(ctx, db, gen.CountInactivePINsParams{
			TenantID: f.Tenant, FromType: string(first.Type), FromInstance: first.Instance.String(),
			ToType: string(last.Type), ToInstance: last.Instance.String(),
			SetBy: string(f.SetBy), MaxRows: paging.MaxRows,
		})
	}, infallible(fromDBPIN))
}

func (q *queue) unsetPINs(f store.PINFilter, into *paging.Of[pin.Record]) {
	first, last := f.Range()
	addPage(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.PIN, error) {
		return queries.PageUnsetPINs(ctx, db, gen.PageUnsetPINsParams{
			TenantID: f.Tenant, FromType: string(first.Type), FromInstance: first.Instance.String(),
			ToType: string(last.Type), ToInstance: last.Instance.String(),
			Skipped: int64(into.Skipped()), MaxRows: int64(into.Page.Rows()),
		})
	}, func(ctx context.Context, db gen.DBTX) (int64, error) {
		return queries.CountUnsetPINs(ctx, db, gen.CountUnsetPINsParams{
			TenantID: f.Tenant, FromType: string(first.Type), FromInstance: first.Instance.String(),
			ToType: string(last.Type), ToInstance: last.Instance.String(),
			MaxRows: paging.MaxRows,
		})
	}, infallible(fromDBPIN))
}

func (q *queue) pinsSetBy(f store.PINFilter, into *paging.Of[pin.Record]) {
	first, last := f.Range()
	addPage(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.PIN, error) {
		return queries.PagePINsSetBy(ctx, db, gen.PagePINsSetByParams{
			TenantID: f.Tenant, FromType: string(first.Type), FromInstance: first.Instance.String(),
			ToType: string(last.Type), ToInstance: last.Instance.String(),
			SetBy: string(f.SetBy), OnlyActive: toDBBool(f.State == store.PINActive), Now: toDBTime(q.clock.read()), Skipped: int64(into.Skipped()), MaxRows: int64(into.Page.Rows()),
		})
	}, func(ctx context.Context, db gen.DBTX) (int64, error) {
		return queries.CountPINsSetBy(ctx, db, gen.CountPINsSetByParams{
			TenantID: f.Tenant, FromType: string(first.Type), FromInstance: first.Instance.String(),
			ToType: string(last.Type), ToInstance: last.Instance.String(),
			SetBy: string(f.SetBy), OnlyActive: toDBBool(f.State == store.PINActive), Now: toDBTime(q.clock.read()), MaxRows: paging.MaxRows,
		})
	}, infallible(fromDBPIN))
}

func (q *queue) allPINs(f store.PINFilter, into *paging.Of[pin.Record]) {
	first, last := f.Range()
	addPage(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.PIN, error) {
		return queries.PagePINs(ctx, db, gen.PagePINsParams{
			TenantID: f.Tenant, FromType: string(first.Type), FromInstance: first.Instance.String(),
			ToType: string(last.Type), ToInstance: last.Instance.String(),
			OnlyActive: toDBBool(f.State == store.PINActive), Now: toDBTime(q.clock.read()), Skipped: int64(into.Skipped()), MaxRows: int64(into.Page.Rows()),
		})
	}, func(ctx context.Context, db gen.DBTX) (int64, error) {
		return queries.CountPINs(ctx, db, gen.CountPINsParams{
			TenantID: f.Tenant, FromType: string(first.Type), FromInstance: first.Instance.String(),
			ToType: string(last.Type), ToInstance: last.Instance.String(),
			OnlyActive: toDBBool(f.State == store.PINActive), Now: toDBTime(q.clock.read()), MaxRows: paging.MaxRows,
		})
	}, infallible(fromDBPIN))
}

// APIKeyPage implements store.Reads.
func (q *queue) APIKeyPage(tenant uuid.UUID, page paging.Page, into *paging.Of[auth.APIKey]) {
	into.Page = page
	addPage(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.APIKey, error) {
		return queries.PageAPIKeys(ctx, db, gen.PageAPIKeysParams{
			TenantID: tenant, Skipped: int64(page.Skipped()), MaxRows: int64(page.Rows()),
		})
	}, func(ctx context.Context, db gen.DBTX) (int64, error) {
		return queries.CountAPIKeys(ctx, db, gen.CountAPIKeysParams{TenantID: tenant, MaxRows: paging.MaxRows})
	}, fromDBAPIKey)
}

// LockAPIKeysMadeBy implements store.Locks.
func (t *tx) LockAPIKeysMadeBy(tenant uuid.UUID, makers []string, into *[]auth.APIKey) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.APIKey, error) {
		ids, err := json.Marshal(makers)
		if err != nil {
			return nil, err
		}
		return queries.LockAPIKeysMadeBy(ctx, db, gen.LockAPIKeysMadeByParams{TenantID: tenant, Makers: string(ids)})
	}, fromDBAPIKey)
}

// TouchAPIKeys implements store.KeyWrites.
func (t *tx) TouchAPIKeys(uses ...auth.KeyUse) {
	now := t.clock.read()
	for _, use := range uses {
		t.write(func(ctx context.Context, db gen.DBTX) error {
			return queries.TouchAPIKeys(ctx, db, gen.TouchAPIKeysParams{
				ID: use.ID, UsedAt: toDBNullTime(now.Add(-use.Ago)),
			})
		})
	}
}

// toDBBool is for an argument; columns that are booleans are converted by the driver.
func toDBBool(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
