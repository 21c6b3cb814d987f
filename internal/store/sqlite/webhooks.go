package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/sqlite"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/webhook"
)

// Webhooks implements store.WebhookLists.
func (s *Store) Webhooks(ctx context.Context, tenant uuid.UUID) ([]webhook.Endpoint, error) {
	return list(ctx, s, func(ctx context.Context, db gen.DBTX) ([]gen.Webhook, error) {
		return queries.ListWebhooks(ctx, db, tenant)
	}, fromDBWebhook)
}

// Deliveries implements store.WebhookLists.
func (s *Store) Deliveries(ctx context.Context, f store.DeliveryFilter) ([]webhook.Delivery, int, error) {
	at := f.Webhook
	page, err := list(ctx, s, func(ctx context.Context, db gen.DBTX) ([]gen.WebhookDelivery, error) {
		if f.Status == "" {
			return queries.ListDeliveries(ctx, db, gen.ListDeliveriesParams{
				TenantID: at.Tenant, WebhookID: at.ID, SkipRows: int64(f.Skip), MaxRows: int64(f.Limit),
			})
		}
		return queries.ListDeliveriesByStatus(ctx, db, gen.ListDeliveriesByStatusParams{
			TenantID: at.Tenant, WebhookID: at.ID, Status: string(f.Status), SkipRows: int64(f.Skip), MaxRows: int64(f.Limit),
		})
	}, infallible(fromDBDelivery))
	if err != nil {
		return nil, 0, err
	}
	var total int64
	if f.Status == "" {
		total, err = queries.CountDeliveries(ctx, s.reading, gen.CountDeliveriesParams{
			TenantID: at.Tenant, WebhookID: at.ID, MaxRows: int64(f.MaxCount),
		})
	} else {
		total, err = queries.CountDeliveriesByStatus(ctx, s.reading, gen.CountDeliveriesByStatusParams{
			TenantID: at.Tenant, WebhookID: at.ID, Status: string(f.Status), MaxRows: int64(f.MaxCount),
		})
	}
	return page, int(total), interpretError(ctx, err)
}

// AnyWebhookDue implements store.WebhookLists.
func (s *Store) AnyWebhookDue(ctx context.Context) (bool, error) {
	due, err := queries.AnyWebhookDue(ctx, s.reading, toDBNullTime(s.clock.read()))
	return due, interpretError(ctx, err)
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
	}, infallible(fromDBDelivery))
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
	}, infallible(fromDBDelivery))
}

// DeliveriesAgain implements store.WebhookReads.
func (q *queue) DeliveriesAgain(ref webhook.Ref, limit int, into *[]webhook.Delivery) {
	addRows(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.WebhookDelivery, error) {
		return queries.DeliveriesAgain(ctx, db, gen.DeliveriesAgainParams{
			TenantID: ref.Tenant, WebhookID: ref.ID, MaxRows: int64(limit),
		})
	}, infallible(fromDBDelivery))
}

// LeasedDeliveries implements store.WebhookReads.
func (q *queue) LeasedDeliveries(tenant uuid.UUID, into *[]webhook.Taken) {
	addRows(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.LeasedDeliveriesRow, error) {
		return queries.LeasedDeliveries(ctx, db, tenant)
	}, infallible(func(row gen.LeasedDeliveriesRow) webhook.Taken {
		return webhook.Taken{Endpoint: webhook.Ref{Tenant: tenant, ID: row.WebhookID}, Until: fromDBNullTime(row.LeaseUntil)}
	}))
}

// EventLeaf implements store.WebhookReads.
func (q *queue) EventLeaf(tenant uuid.UUID, index int64, into *[]byte) {
	addRow(q, into, nil, func(ctx context.Context, db gen.DBTX) ([]byte, error) {
		return queries.EventLeaf(ctx, db, gen.EventLeafParams{TenantID: tenant, EventIndex: index})
	}, infallible(func(leaf []byte) []byte { return leaf }))
}

// LockWebhook implements store.WebhookLocks.
func (t *tx) LockWebhook(ref webhook.Ref, into *webhook.Endpoint) {
	t.Webhook(ref, into)
}

// LockWebhooks implements store.WebhookLocks.
func (t *tx) LockWebhooks(tenant uuid.UUID, into *[]webhook.Endpoint) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.Webhook, error) {
		return queries.LockWebhooks(ctx, db, tenant)
	}, fromDBWebhook)
}

// LockDelivery implements store.WebhookLocks.
func (t *tx) LockDelivery(ref webhook.DeliveryRef, into *webhook.Delivery) {
	t.Delivery(ref, into)
}

// LockDispatch implements store.WebhookLocks: whoever is in a transaction has the database for
// itself.
func (t *tx) LockDispatch(into *bool) { t.LockSweep(into) }

// LockDueWebhooks implements store.WebhookLocks.
func (t *tx) LockDueWebhooks(limit int, into *[]webhook.Endpoint) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.Webhook, error) {
		return queries.LockDueWebhooks(ctx, db, gen.LockDueWebhooksParams{
			Now: toDBNullTime(t.clock.read()), MaxRows: int64(limit),
		})
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
	params, err := toDBWebhook(e)
	if err != nil {
		t.fail(err)
		return
	}
	t.insert("webhooks", func(ctx context.Context, db gen.DBTX) error { return queries.InsertWebhook(ctx, db, params) })
}

// SaveWebhook implements store.WebhookWrites.
func (t *tx) SaveWebhook(e webhook.Endpoint) {
	p, err := toDBWebhook(e)
	if err != nil {
		t.fail(err)
		return
	}
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return found(queries.SaveWebhook(ctx, db, gen.SaveWebhookParams{
			TenantID: p.TenantID, ID: p.ID, Url: p.Url, Events: p.Events, Description: p.Description,
			Disabled: p.Disabled, UpdatedAt: p.UpdatedAt, DirectedByKind: p.DirectedByKind, DirectedBy: p.DirectedBy,
			Secret: p.Secret, SecretPepperID: p.SecretPepperID,
			OldSecret: p.OldSecret, OldPepperID: p.OldPepperID, OldUntil: p.OldUntil,
			FailingSince: p.FailingSince, DueAt: p.DueAt,
		}))
	})
}

// SaveWebhookDue implements store.WebhookWrites.
func (t *tx) SaveWebhookDue(ref webhook.Ref, at time.Time) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.SaveWebhookDue(ctx, db, gen.SaveWebhookDueParams{TenantID: ref.Tenant, ID: ref.ID, DueAt: toDBNullTime(at)})
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
	woken := map[webhook.Ref]bool{}
	for _, d := range ds {
		t.write(func(ctx context.Context, db gen.DBTX) error {
			return queries.InsertDelivery(ctx, db, gen.InsertDeliveryParams{
				TenantID: d.Tenant, ID: d.ID, WebhookID: d.Endpoint,
				EventID: d.Event.ID, EventIndex: d.Event.Index, EventType: string(d.Event.Type),
				HolderType: string(d.Event.Holder.Type), HolderInstanceID: d.Event.Holder.Instance, HolderID: d.Event.Holder.ID,
				Status: string(webhook.Pending), CreatedAt: toDBTime(d.CreatedAt), DueAt: toDBTime(d.DueAt),
			})
		})
		ref := webhook.Ref{Tenant: d.Tenant, ID: d.Endpoint}
		if woken[ref] {
			continue
		}
		woken[ref] = true
		t.write(func(ctx context.Context, db gen.DBTX) error {
			return queries.WakeWebhook(ctx, db, gen.WakeWebhookParams{TenantID: ref.Tenant, ID: ref.ID, DueAt: toDBNullTime(d.DueAt)})
		})
	}
}

// SaveDelivery implements store.WebhookWrites.
func (t *tx) SaveDelivery(d webhook.Delivery) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.SaveDelivery(ctx, db, gen.SaveDeliveryParams{
			TenantID: d.Tenant, ID: d.ID, Status: string(d.Status), Attempts: int64(d.Attempts), Failures: int64(d.Failures),
			DueAt: toDBTime(d.DueAt), LeaseID: optional(d.LeaseID), LeaseUntil: toDBNullTime(d.LeaseUntil),
			LastAt: toDBNullTime(d.LastAt), LastStatus: optional(int64(d.LastStatus)), LastFailure: string(d.LastFailure),
		})
	})
}

func fromDBWebhook(row gen.Webhook) (webhook.Endpoint, error) {
	e := webhook.Endpoint{
		Ref: webhook.Ref{Tenant: row.TenantID, ID: row.ID}, Place: int(row.Place), URL: row.Url,
		Description: row.Description, Disabled: webhook.Reason(row.Disabled),
		CreatedAt: fromDBTime(row.CreatedAt), UpdatedAt: fromDBTime(row.UpdatedAt),
		CreatedBy:  audit.Actor{Kind: auth.Kind(row.CreatedByKind), ID: row.CreatedBy},
		DirectedBy: audit.Actor{Kind: auth.Kind(row.DirectedByKind), ID: row.DirectedBy},
		Secret:     webhook.Sealed{PepperID: row.SecretPepperID, Box: row.Secret},
		Old:        webhook.Sealed{PepperID: value(row.OldPepperID), Box: row.OldSecret},
		OldUntil:   fromDBNullTime(row.OldUntil), FailingSince: fromDBNullTime(row.FailingSince), DueAt: fromDBNullTime(row.DueAt),
	}
	if err := json.Unmarshal([]byte(row.Events), &e.Events); err != nil {
		return webhook.Endpoint{}, fmt.Errorf("sqlite: the events of webhook %s: %w", e.ID, err)
	}
	return e, nil
}

func toDBWebhook(e webhook.Endpoint) (gen.InsertWebhookParams, error) {
	events, err := toDBStrings(e.Events)
	return gen.InsertWebhookParams{
		TenantID: e.Tenant, ID: e.ID, Place: int64(e.Place), Url: e.URL, Events: events, Description: e.Description,
		Disabled: string(e.Disabled), CreatedAt: toDBTime(e.CreatedAt), UpdatedAt: toDBTime(e.UpdatedAt),
		CreatedByKind: string(e.CreatedBy.Kind), CreatedBy: e.CreatedBy.ID,
		DirectedByKind: string(e.DirectedBy.Kind), DirectedBy: e.DirectedBy.ID,
		Secret: e.Secret.Box, SecretPepperID: e.Secret.PepperID,
		OldSecret: e.Old.Box, OldPepperID: optional(e.Old.PepperID), OldUntil: toDBNullTime(e.OldUntil),
		FailingSince: toDBNullTime(e.FailingSince), DueAt: toDBNullTime(e.DueAt),
	}, err
}

func fromDBDelivery(row gen.WebhookDelivery) webhook.Delivery {
	d := webhook.Delivery{
		DeliveryRef: webhook.DeliveryRef{Tenant: row.TenantID, ID: row.ID}, Endpoint: row.WebhookID,
		Event:  webhook.Event{ID: row.EventID, Index: row.EventIndex, Type: audit.Type(row.EventType)},
		Status: webhook.Status(row.Status), Attempts: int(row.Attempts), Failures: int(row.Failures),
		CreatedAt: fromDBTime(row.CreatedAt), DueAt: fromDBTime(row.DueAt),
		LeaseID: value(row.LeaseID), LeaseUntil: fromDBNullTime(row.LeaseUntil),
		LastAt: fromDBNullTime(row.LastAt), LastStatus: int(value(row.LastStatus)), LastFailure: webhook.Failure(row.LastFailure),
	}
	if row.HolderType != "" {
		d.Event.Holder = pin.Holder{
			Type: pin.HolderType(row.HolderType), Tenant: row.TenantID, Instance: row.HolderInstanceID, ID: row.HolderID,
		}
	}
	return d
}
