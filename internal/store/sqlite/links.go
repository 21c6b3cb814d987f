package sqlite

import (
	"context"
	"time"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/sqlite"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
)

// ConfirmationByID implements store.Reads.
func (q *queue) ConfirmationByID(id uuid.UUID, into *confirmation.Confirmation) {
	addExisting(q, into, func(ctx context.Context, db gen.DBTX) (gen.Confirmation, error) {
		return queries.GetConfirmationByID(ctx, db, id)
	}, infallible(fromDBConfirmation))
}

// PINLink implements store.Reads.
func (q *queue) PINLink(id uuid.UUID, into *pin.Link) {
	addExisting(q, into, func(ctx context.Context, db gen.DBTX) (gen.PINLink, error) {
		return queries.GetLink(ctx, db, id)
	}, infallible(fromDBLink))
}

// LockPINLink implements store.Locks.
func (t *tx) LockPINLink(ref pin.LinkRef, into *pin.Link) {
	addExisting(&t.queue, into, func(ctx context.Context, db gen.DBTX) (gen.PINLink, error) {
		return queries.LockLink(ctx, db, gen.LockLinkParams{TenantID: ref.Tenant, ID: ref.ID})
	}, infallible(fromDBLink))
}

// LockPINLinks implements store.Locks.
func (t *tx) LockPINLinks(h pin.Holder, into *[]pin.Link) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.PINLink, error) {
		return queries.LockOpenLinks(ctx, db, gen.LockOpenLinksParams{
			TenantID: h.Tenant, HolderID: h.ID, HolderInstanceID: h.Instance, HolderType: string(h.Type),
		})
	}, infallible(fromDBLink))
}

// InsertPINLink implements store.PINWrites.
func (t *tx) InsertPINLink(l pin.Link) {
	t.insert("pin_links", func(ctx context.Context, db gen.DBTX) error {
		return queries.InsertLink(ctx, db, toDBLink(l))
	})
}

// SavePINLink implements store.PINWrites.
func (t *tx) SavePINLink(l pin.Link) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return found(queries.SaveLink(ctx, db, gen.SaveLinkParams{
			TenantID: l.Holder.Tenant, ID: l.ID, EndedAt: toDBNullTime(l.EndedAt), UsedAt: toDBNullTime(l.UsedAt),
		}))
	})
}

// EndPINLinks implements store.PINWrites.
func (t *tx) EndPINLinks(h pin.Holder, at time.Time, except uuid.UUID) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.EndLinks(ctx, db, gen.EndLinksParams{
			EndedAt: toDBTime(at), TenantID: h.Tenant, HolderID: h.ID, HolderInstanceID: h.Instance,
			HolderType: string(h.Type), ExceptID: except,
		})
	})
}

// EndPINLinksOf implements store.PINWrites.
func (t *tx) EndPINLinksOf(k auth.APIKey, at time.Time) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.EndLinksOf(ctx, db, gen.EndLinksOfParams{
			EndedAt: toDBTime(at), TenantID: k.Tenant, CreatedBy: k.ID, CreatedByKind: string(k.Kind),
		})
	})
}

func fromDBLink(row gen.PINLink) pin.Link {
	return pin.Link{
		ID: row.ID,
		Holder: pin.Holder{
			Type: pin.HolderType(row.HolderType), Tenant: row.TenantID,
			Instance: row.HolderInstanceID, ID: row.HolderID,
		},
		Kind: pin.LinkKind(row.Kind), CreatedAt: fromDBTime(row.CreatedAt), ExpiresAt: fromDBTime(row.ExpiresAt),
		EndedAt: fromDBNullTime(row.EndedAt), UsedAt: fromDBNullTime(row.UsedAt),
		CreatedByKind: auth.Kind(row.CreatedByKind), CreatedBy: row.CreatedBy,
	}
}

func toDBLink(l pin.Link) gen.InsertLinkParams {
	return gen.InsertLinkParams{
		TenantID: l.Holder.Tenant, ID: l.ID, HolderType: string(l.Holder.Type),
		HolderInstanceID: l.Holder.Instance, HolderID: l.Holder.ID, Kind: string(l.Kind),
		CreatedAt: toDBTime(l.CreatedAt), ExpiresAt: toDBTime(l.ExpiresAt),
		EndedAt: toDBNullTime(l.EndedAt), UsedAt: toDBNullTime(l.UsedAt),
		CreatedByKind: string(l.CreatedByKind), CreatedBy: l.CreatedBy,
	}
}
