package store

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/webhook"
)

// WebhookLists are reads of webhooks and deliveries, each a round trip of its own.
type WebhookLists interface {
	// Webhooks returns the webhooks of a tenant, oldest first.
	Webhooks(ctx context.Context, tenant uuid.UUID) ([]webhook.Endpoint, error)
	// Deliveries returns a page of the deliveries of a webhook, those of the newest events first,
	// and how many there are, counted up to MaxCount.
	Deliveries(ctx context.Context, f DeliveryFilter) ([]webhook.Delivery, int, error)
	// AnyWebhookDue says whether there is a webhook to look at now, by the database's clock.
	AnyWebhookDue(ctx context.Context) (bool, error)
}

// DeliveryFilter narrows a list of deliveries.
type DeliveryFilter struct {
	Webhook webhook.Ref
	// Status is empty for all.
	Status webhook.Status
	// Skip and Limit say which of them.
	Skip, Limit int
	// MaxCount is where counting stops.
	MaxCount int
}

// WebhookReads queue reads of webhooks and deliveries.
type WebhookReads interface {
	// Webhook reads a webhook. Fetch returns [ErrNotFound] when there is none.
	Webhook(ref webhook.Ref, into *webhook.Endpoint)
	// Delivery reads a delivery. Fetch returns [ErrNotFound] when there is none.
	Delivery(ref webhook.DeliveryRef, into *webhook.Delivery)
	// WebhooksOf reads the webhooks of a tenant, oldest first.
	WebhooksOf(tenant uuid.UUID, into *[]webhook.Endpoint)
	// FreshDeliveries reads up to limit pending deliveries of a webhook that were never tried, in
	// the order of their events.
	FreshDeliveries(ref webhook.Ref, limit int, into *[]webhook.Delivery)
	// DeliveriesAgain reads up to limit pending deliveries of a webhook that were tried, the first
	// due first.
	DeliveriesAgain(ref webhook.Ref, limit int, into *[]webhook.Delivery)
	// LeasedDeliveries reads what is being tried of a tenant's deliveries, ended leases too.
	LeasedDeliveries(tenant uuid.UUID, into *[]webhook.Taken)
	// EventLeaf reads the text of an event of a tenant by its index; nil when it is no longer there.
	EventLeaf(tenant uuid.UUID, index int64, into *[]byte)
}

// WebhookLocks are the reads that lock rows. A webhook is locked before its deliveries.
type WebhookLocks interface {
	// LockWebhook locks and reads a webhook. Fetch returns [ErrNotFound] when there is none.
	LockWebhook(ref webhook.Ref, into *webhook.Endpoint)
	// LockWebhooks locks and reads the webhooks of a tenant, in the order of their ids.
	LockWebhooks(tenant uuid.UUID, into *[]webhook.Endpoint)
	// LockDelivery locks and reads a delivery. Fetch returns [ErrNotFound] when there is none.
	LockDelivery(ref webhook.DeliveryRef, into *webhook.Delivery)
	// LockDispatch takes, until the transaction ends, the lock that lets one node choose
	// deliveries at a time; false when another has it.
	LockDispatch(into *bool)
	// LockDueWebhooks locks and reads up to limit webhooks that are due by the database's clock,
	// the first due first, and skips those that another transaction holds.
	LockDueWebhooks(limit int, into *[]webhook.Endpoint)
	// LockWebhooksSealedElse locks and reads up to limit webhooks whose secret is sealed under
	// another pepper, and skips those that another transaction holds.
	LockWebhooksSealedElse(pepper string, limit int, into *[]webhook.Endpoint)
}

// WebhookWrites save webhooks and deliveries.
type WebhookWrites interface {
	// InsertWebhook stores a new webhook. InTx returns [ErrKeyTaken] when another of the tenant
	// has its place.
	InsertWebhook(e webhook.Endpoint)
	// SaveWebhook stores what a transition changed of a webhook that was locked before.
	SaveWebhook(e webhook.Endpoint)
	// SaveWebhookDue stores when to look at a webhook next, or with the zero time never. The
	// webhook was locked before.
	SaveWebhookDue(ref webhook.Ref, at time.Time)
	// DeleteWebhook removes a webhook that was locked before. Its deliveries stay until they are
	// stale.
	DeleteWebhook(ref webhook.Ref)
	// InsertDeliveries stores new deliveries and has their webhooks looked at.
	InsertDeliveries(ds ...webhook.Delivery)
	// SaveDelivery stores what a transition changed of a delivery that was locked before.
	SaveDelivery(d webhook.Delivery)
}
