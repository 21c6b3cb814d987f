package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/postgres"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
)

// ConfirmationByID implements store.Reads.
func (q *queue) ConfirmationByID(id uuid.UUID, into *confirmation.Confirmation) {
	addExisting(q, into, func(ctx context.Context, db gen.DBTX) (gen.Confirmation, error) {
		return queries.GetConfirmationByID(ctx, db, id)
	}, fromDBConfirmation)
}

// PINLink implements store.Reads.
func (q *queue) PINLink(id uuid.UUID, into *pin.Link) {
	addExisting(q, into, func(ctx context.Context, db gen.DBTX) (gen.PINLink, error) {
		return queries.GetLink(ctx, db, id)
	}, fromDBLink)
}

// LockPINLink implements store.Locks.
func (t *tx) LockPINLink(ref pin.LinkRef, into *pin.Link) {
	addExisting(&t.queue, into, func(ctx context.Context, db gen.DBTX) (gen.PINLink, error) {
		return queries.LockLink(ctx, db, gen.LockLinkParams{TenantID: ref.Tenant, ID: ref.ID})
	}, fromDBLink)
}

// LockPINLinks implements store.Locks.
func (t *tx) LockPINLinks(h pin.Holder, into *[]pin.Link) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.PINLink, error) {
		return queries.LockOpenLinks(ctx, db, gen.LockOpenLinksParams{
			TenantID: h.Tenant, HolderID: h.ID, HolderInstanceID: h.Instance, HolderType: string(h.Type),
		})
	}, fromDBLink)
}

// InsertPINLink implements store.PINWrites.
func (t *tx) InsertPINLink(l pin.Link) {
	t.write(func(ctx context.Context, db gen.DBTX) error { return queries.InsertLink(ctx, db, toDBLink(l)) })
}

// SavePINLink implements store.PINWrites.
func (t *tx) SavePINLink(l pin.Link) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.SaveLink(ctx, db, gen.SaveLinkParams{
			TenantID: l.Holder.Tenant, ID: l.ID, EndedAt: optional(l.EndedAt), UsedAt: optional(l.UsedAt),
		})
	})
}

// EndPINLinks implements store.PINWrites.
func (t *tx) EndPINLinks(h pin.Holder, at time.Time, except uuid.UUID) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.EndLinks(ctx, db, gen.EndLinksParams{
			EndedAt: at, TenantID: h.Tenant, HolderID: h.ID, HolderInstanceID: h.Instance,
			HolderType: string(h.Type), ExceptID: except,
		})
	})
}

// EndPINLinksOf implements store.PINWrites.
func (t *tx) EndPINLinksOf(k auth.APIKey, at time.Time) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.EndLinksOf(ctx, db, gen.EndLinksOfParams{
			EndedAt: at, TenantID: k.Tenant, CreatedBy: k.ID, CreatedByKind: string(k.Kind),
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
		Kind: pin.LinkKind(row.Kind), CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt,
		EndedAt: value(row.EndedAt), UsedAt: value(row.UsedAt),
		CreatedByKind: auth.Kind(row.CreatedByKind), CreatedBy: row.CreatedBy,
	}
}

func toDBLink(l pin.Link) gen.InsertLinkParams {
	return gen.InsertLinkParams{
		TenantID: l.Holder.Tenant, ID: l.ID, HolderType: string(l.Holder.Type),
		HolderInstanceID: l.Holder.Instance, HolderID: l.Holder.ID, Kind: string(l.Kind),
		CreatedAt: l.CreatedAt, ExpiresAt: l.ExpiresAt, EndedAt: optional(l.EndedAt), UsedAt: optional(l.UsedAt),
		CreatedByKind: string(l.CreatedByKind), CreatedBy: l.CreatedBy,
	}
}
