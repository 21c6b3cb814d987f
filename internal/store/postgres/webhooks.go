package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/postgres"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/webhook"
)

// dispatchDuty is the row that a node locks which chooses deliveries.
const dispatchDuty = "webhooks"

// Webhooks implements store.WebhookLists.
func (s *Store) Webhooks(ctx context.Context, tenant uuid.UUID) ([]webhook.Endpoint, error) {
	return list(ctx, s, func(ctx context.Context, db gen.DBTX) ([]gen.Webhook, error) {
		return queries.ListWebhooks(ctx, db, tenant)
	}, fromDBWebhook)
}

// Deliveries implements store.WebhookLists.
func (s *Store) Deliveries(ctx context.Context, f store.DeliveryFilter) ([]webhook.Delivery, int, error) {
	var rows []gen.WebhookDelivery
	var total int64
	at := f.Webhook
	err := s.read(ctx, func(ctx context.Context, db gen.DBTX) (err error) {
		if f.Status == "" {
			rows, err = queries.ListDeliveries(ctx, db, gen.ListDeliveriesParams{
				TenantID: at.Tenant, WebhookID: at.ID, SkipRows: int64(f.Skip), MaxRows: int64(f.Limit),
			})
			return err
		}
		rows, err = queries.ListDeliveriesByStatus(ctx, db, gen.ListDeliveriesByStatusParams{
			TenantID: at.Tenant, WebhookID: at.ID, Status: string(f.Status), SkipRows: int64(f.Skip), MaxRows: int64(f.Limit),
		})
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	err = s.read(ctx, func(ctx context.Context, db gen.DBTX) (err error) {
		if f.Status == "" {
			total, err = queries.CountDeliveries(ctx, db, gen.CountDeliveriesParams{
				TenantID: at.Tenant, WebhookID: at.ID, MaxRows: int64(f.MaxCount),
			})
			return err
		}
		total, err = queries.CountDeliveriesByStatus(ctx, db, gen.CountDeliveriesByStatusParams{
			TenantID: at.Tenant, WebhookID: at.ID, Status: string(f.Status), MaxRows: int64(f.MaxCount),
		})
		return err
	})
	return convert(rows, fromDBDelivery), int(total), err
}

// AnyWebhookDue implements store.WebhookLists.
func (s *Store) AnyWebhookDue(ctx context.Context) (due bool, err error) {
	err = s.read(ctx, func(ctx context.Context, db gen.DBTX) (err error) {
		due, err = queries.AnyWebhookDue(ctx, db)
		return err
	})
	return due, err
}

// Webhook implements store.WebhookReads.
func (q *queue) Webhook(ref webhook.Ref, into *webhook.Endpoint) {
	addExisting(q, into, func(ctx context.Context, db gen.DBTX) (gen.Webhook, error) {
		return queries.GetWebhook(ctx, db, gen.GetWebhookParams{TenantID: ref.Tenant, ID: ref.ID})
	}, fromDBWebhook)
}

// Delivery implements store.WebhookReads.
func (q *queue) Delivery(ref webhook.DeliveryRef, into *webhook.Delivery) {
	addExisting(q, into, func(ctx context.Context, db gen.DBTX) (gen.WebhookDelivery, error) {
		return queries.GetDelivery(ctx, db, gen.GetDeliveryParams{TenantID: ref.Tenant, ID: ref.ID})
	}, fromDBDelivery)
}

// WebhooksOf implements store.WebhookReads.
func (q *queue) WebhooksOf(tenant uuid.UUID, into *[]webhook.Endpoint) {
	addRows(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.Webhook, error) {
		return queries.ListWebhooks(ctx, db, tenant)
	}, fromDBWebhook)
}

// FreshDeliveries implements store.WebhookReads.
func (q *queue) FreshDeliveries(ref webhook.Ref, limit int, into *[]webhook.Delivery) {
	addRows(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.WebhookDelivery, error) {
		return queries.FreshDeliveries(ctx, db, gen.FreshDeliveriesParams{
			TenantID: ref.Tenant, WebhookID: ref.ID, MaxRows: int64(limit),
		})
	}, fromDBDelivery)
}

// DeliveriesAgain implements store.WebhookReads.
func (q *queue) DeliveriesAgain(ref webhook.Ref, limit int, into *[]webhook.Delivery) {
	addRows(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.WebhookDelivery, error) {
		return queries.DeliveriesAgain(ctx, db, gen.DeliveriesAgainParams{
			TenantID: ref.Tenant, WebhookID: ref.ID, MaxRows: int64(limit),
		})
	}, fromDBDelivery)
}

// LeasedDeliveries implements store.WebhookReads.
func (q *queue) LeasedDeliveries(tenant uuid.UUID, into *[]webhook.Taken) {
	addRows(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.LeasedDeliveriesRow, error) {
		return queries.LeasedDeliveries(ctx, db, tenant)
	}, func(row gen.LeasedDeliveriesRow) webhook.Taken {
		return webhook.Taken{Endpoint: webhook.Ref{Tenant: tenant, ID: row.WebhookID}, Until: row.LeaseUntil}
	})
}

// EventLeaf implements store.WebhookReads.
func (q *queue) EventLeaf(tenant uuid.UUID, index int64, into *[]byte) {
	addRow(q, into, nil, func(ctx context.Context, db gen.DBTX) ([]byte, error) {
		return queries.EventLeaf(ctx, db, gen.EventLeafParams{TenantID: tenant, EventIndex: index})
	}, same)
}

// LockWebhook implements store.WebhookLocks.
func (t *tx) LockWebhook(ref webhook.Ref, into *webhook.Endpoint) {
	addExisting(&t.queue, into, func(ctx context.Context, db gen.DBTX) (gen.Webhook, error) {
		return queries.LockWebhook(ctx, db, gen.LockWebhookParams{TenantID: ref.Tenant, ID: ref.ID})
	}, fromDBWebhook)
}

// LockWebhooks implements store.WebhookLocks.
func (t *tx) LockWebhooks(tenant uuid.UUID, into *[]webhook.Endpoint) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.Webhook, error) {
		return queries.LockWebhooks(ctx, db, tenant)
	}, fromDBWebhook)
}

// LockDelivery implements store.WebhookLocks.
func (t *tx) LockDelivery(ref webhook.DeliveryRef, into *webhook.Delivery) {
	addExisting(&t.queue, into, func(ctx context.Context, db gen.DBTX) (gen.WebhookDelivery, error) {
		return queries.LockDelivery(ctx, db, gen.LockDeliveryParams{TenantID: ref.Tenant, ID: ref.ID})
	}, fromDBDelivery)
}

// LockDispatch implements store.WebhookLocks.
func (t *tx) LockDispatch(into *bool) { t.lockDuty(dispatchDuty, into) }

// LockDueWebhooks implements store.WebhookLocks.
func (t *tx) LockDueWebhooks(limit int, into *[]webhook.Endpoint) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.Webhook, error) {
		return queries.LockDueWebhooks(ctx, db, int64(limit))
	}, fromDBWebhook)
}

// LockWebhooksSealedElse implements store.WebhookLocks.
func (t *tx) LockWebhooksSealedElse(pepper string, limit int, into *[]webhook.Endpoint) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.Webhook, error) {
		return queries.LockWebhooksSealedElse(ctx, db, gen.LockWebhooksSealedElseParams{PepperID: pepper, MaxRows: int64(limit)})
	}, fromDBWebhook)
}

// InsertWebhook implements store.WebhookWrites.
func (t *tx) InsertWebhook(e webhook.Endpoint) {
	t.write(func(ctx context.Context, db gen.DBTX) error { return queries.InsertWebhook(ctx, db, toDBWebhook(e)) })
}

// SaveWebhook implements store.WebhookWrites.
func (t *tx) SaveWebhook(e webhook.Endpoint) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.SaveWebhook(ctx, db, gen.SaveWebhookParams{
			TenantID: e.Tenant, ID: e.ID, Url: e.URL, Events: e.Events, Description: e.Description,
			Disabled: string(e.Disabled), UpdatedAt: e.UpdatedAt,
			DirectedByKind: string(e.DirectedBy.Kind), DirectedBy: e.DirectedBy.ID,
			Secret: e.Secret.Box, SecretPepperID: e.Secret.PepperID,
			OldSecret: e.Old.Box, OldPepperID: optional(e.Old.PepperID), OldUntil: optional(e.OldUntil),
			FailingSince: optional(e.FailingSince), DueAt: optional(e.DueAt),
		})
	})
}

// SaveWebhookDue implements store.WebhookWrites.
func (t *tx) SaveWebhookDue(ref webhook.Ref, at time.Time) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.SaveWebhookDue(ctx, db, gen.SaveWebhookDueParams{TenantID: ref.Tenant, ID: ref.ID, DueAt: optional(at)})
	})
}

// DeleteWebhook implements store.WebhookWrites.
func (t *tx) DeleteWebhook(ref webhook.Ref) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.DeleteWebhook(ctx, db, gen.DeleteWebhookParams{TenantID: ref.Tenant, ID: ref.ID})
	})
}

// InsertDeliveries implements store.WebhookWrites.
func (t *tx) InsertDeliveries(ds ...webhook.Delivery) {
	if len(ds) == 0 {
		return
	}
	p := gen.InsertDeliveriesParams{At: ds[0].CreatedAt}
	woken := map[webhook.Ref]bool{}
	for _, d := range ds {
		p.TenantIds, p.Ids = append(p.TenantIds, d.Tenant), append(p.Ids, d.ID)
		p.WebhookIds, p.EventIds = append(p.WebhookIds, d.Endpoint), append(p.EventIds, d.Event.ID)
		p.EventIndexes, p.EventTypes = append(p.EventIndexes, d.Event.Index), append(p.EventTypes, string(d.Event.Type))
		p.HolderTypes = append(p.HolderTypes, string(d.Event.Holder.Type))
		p.HolderInstanceIds = append(p.HolderInstanceIds, d.Event.Holder.Instance)
		p.HolderIds = append(p.HolderIds, d.Event.Holder.ID)
	}
	t.write(func(ctx context.Context, db gen.DBTX) error { return queries.InsertDeliveries(ctx, db, p) })
	for _, d := range ds {
		ref := webhook.Ref{Tenant: d.Tenant, ID: d.Endpoint}
		if woken[ref] {
			continue
		}
		woken[ref] = true
		t.write(func(ctx context.Context, db gen.DBTX) error {
			return queries.WakeWebhook(ctx, db, gen.WakeWebhookParams{TenantID: ref.Tenant, ID: ref.ID, DueAt: d.DueAt})
		})
	}
}

// SaveDelivery implements store.WebhookWrites.
func (t *tx) SaveDelivery(d webhook.Delivery) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		p := gen.SaveDeliveryParams{
			TenantID: d.Tenant, ID: d.ID, Status: string(d.Status), Attempts: toInt32(d.Attempts), Failures: toInt32(d.Failures),
			DueAt: d.DueAt, LeaseID: optional(d.LeaseID), LeaseUntil: optional(d.LeaseUntil), LastAt: optional(d.LastAt),
			LastFailure: string(d.LastFailure),
		}
		if d.LastStatus != 0 {
			p.LastStatus = optional(toInt32(d.LastStatus))
		}
		return queries.SaveDelivery(ctx, db, p)
	})
}

func fromDBWebhook(row gen.Webhook) webhook.Endpoint {
	return webhook.Endpoint{
		Ref: webhook.Ref{Tenant: row.TenantID, ID: row.ID}, Place: int(row.Place), URL: row.Url, Events: row.Events,
		Description: row.Description, Disabled: webhook.Reason(row.Disabled),
		CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt,
		CreatedBy:  audit.Actor{Kind: auth.Kind(row.CreatedByKind), ID: row.CreatedBy},
		DirectedBy: audit.Actor{Kind: auth.Kind(row.DirectedByKind), ID: row.DirectedBy},
		Secret:     webhook.Sealed{PepperID: row.SecretPepperID, Box: row.Secret},
		Old:        webhook.Sealed{PepperID: value(row.OldPepperID), Box: row.OldSecret},
		OldUntil:   value(row.OldUntil), FailingSince: value(row.FailingSince), DueAt: value(row.DueAt),
	}
}

func toDBWebhook(e webhook.Endpoint) gen.InsertWebhookParams {
	return gen.InsertWebhookParams{
		TenantID: e.Tenant, ID: e.ID, Place: int16(e.Place), //nolint:gosec // a check of the table bounds it
		Url: e.URL, Events: e.Events, Description: e.Description, Disabled: string(e.Disabled),
		CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
		CreatedByKind: string(e.CreatedBy.Kind), CreatedBy: e.CreatedBy.ID,
		DirectedByKind: string(e.DirectedBy.Kind), DirectedBy: e.DirectedBy.ID,
		Secret: e.Secret.Box, SecretPepperID: e.Secret.PepperID,
		OldSecret: e.Old.Box, OldPepperID: optional(e.Old.PepperID), OldUntil: optional(e.OldUntil),
		FailingSince: optional(e.FailingSince), DueAt: optional(e.DueAt),
	}
}

func fromDBDelivery(row gen.WebhookDelivery) webhook.Delivery {
	d := webhook.Delivery{
		DeliveryRef: webhook.DeliveryRef{Tenant: row.TenantID, ID: row.ID}, Endpoint: row.WebhookID,
		Event:  webhook.Event{ID: row.EventID, Index: row.EventIndex, Type: audit.Type(row.EventType)},
		Status: webhook.Status(row.Status), Attempts: int(row.Attempts), Failures: int(row.Failures),
		CreatedAt: row.CreatedAt, DueAt: row.DueAt, LeaseID: value(row.LeaseID), LeaseUntil: value(row.LeaseUntil),
		LastAt: value(row.LastAt), LastStatus: int(value(row.LastStatus)), LastFailure: webhook.Failure(row.LastFailure),
	}
	if row.HolderType != "" {
		d.Event.Holder = pin.Holder{
			Type: pin.HolderType(row.HolderType), Tenant: row.TenantID, Instance: row.HolderInstanceID, ID: row.HolderID,
		}
	}
	return d
}
