package hydrapin

import (
	"context"
	"iter"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/internal/client"
)

// Webhook is where events of the tenant are sent.
type Webhook struct {
	ID  uuid.UUID
	URL string
	// Events are the types of events that it gets ("pin.locked"), and families of them ("pin.*").
	Events []string
	// Description is for people, and may be "".
	Description string
	Enabled     bool
	// DisabledReason is "by_hand", "gone", "failing" or "key_revoked"; "" while it is enabled. A
	// server that is newer than this package may send others.
	DisabledReason string
	// FailingSince is when the first of the failures was that no success followed, or zero.
	FailingSince         time.Time
	CreatedAt, UpdatedAt time.Time
	// CreatedBy is the kind and the id of the credential that created it, as in "jwt:ada".
	CreatedBy string
}

// CreatedWebhook is a webhook with its secret, which is shown only this once: store what
// [WebhookSecret.Reveal] returns, and pass the secret to [VerifyWebhook].
type CreatedWebhook struct {
	Webhook
	Secret WebhookSecret
}

// NewWebhook is a webhook to create.
type NewWebhook struct {
	URL         string
	Events      []string
	Description string
	// Disabled creates it disabled.
	Disabled bool
}

// WebhookUpdate says what to change of a webhook. What is nil stays as it is; an empty description
// removes it.
type WebhookUpdate struct {
	URL         *string
	Events      []string
	Description *string
	Enabled     *bool
}

// DeliveryStatus says whether a delivery will be tried, has arrived, or was given up.
type DeliveryStatus string

// The states of a delivery.
const (
	DeliveryPending   DeliveryStatus = "pending"
	DeliveryDelivered DeliveryStatus = "delivered"
	DeliveryDead      DeliveryStatus = "dead"
)

// WebhookDelivery is one event on its way to one webhook.
type WebhookDelivery struct {
	ID, Webhook, Event uuid.UUID
	// EventIndex is the place of the event in the audit trail of the tenant.
	EventIndex int64
	EventType  string
	Status     DeliveryStatus
	Attempts   int
	CreatedAt  time.Time
	// NextAttemptAt is zero unless it is pending, LastAttemptAt if there was none.
	NextAttemptAt, LastAttemptAt time.Time
	// LastStatus is the HTTP status of the last answer, or 0, and LastError what went wrong, or "".
	LastStatus int
	LastError  string
}

// CreateWebhook creates a webhook. An API key as credential needs the scope events:read too. It
// returns [ErrTooManyWebhooks] when the tenant has as many as it can have. A call whose answer is lost
// is not repeated; [Admin.Webhooks] shows whether the webhook exists.
func (a *Admin) CreateWebhook(ctx context.Context, n NewWebhook) (CreatedWebhook, error) {
	create := client.CreateWebhook{Url: n.URL, Events: n.Events}
	if n.Description != "" {
		create.Description = &n.Description
	}
	if n.Disabled {
		enabled := false
		create.Enabled = &enabled
	}
	body, err := encode(create)
	if err != nil {
		return CreatedWebhook{}, err
	}
	return read(ctx, a.c, call{op: client.OpCreateWebhook, body: body}, fromCreatedWebhook)
}

// Webhooks iterates over the webhooks of the tenant, the oldest first.
func (a *Admin) Webhooks(ctx context.Context) iter.Seq2[Webhook, error] {
	return numbered(url.Values{}, func(query url.Values) ([]Webhook, int, error) {
		list, err := read(ctx, a.c, call{op: client.OpListWebhooks, query: query}, func(w client.WebhookList) (client.WebhookList, error) {
			return w, nil
		})
		hooks := make([]Webhook, len(list.Webhooks))
		for i, w := range list.Webhooks {
			hooks[i], _ = fromWebhook(w)
		}
		return hooks, list.TotalPages, err
	})
}

// Webhook returns a webhook, or [ErrNotFound].
func (a *Admin) Webhook(ctx context.Context, webhook uuid.UUID) (Webhook, error) {
	return read(ctx, a.c, call{op: client.OpGetWebhook, at: ids(webhook)}, fromWebhook)
}

// UpdateWebhook changes the fields that are set. To change URL or Events, an API key as credential
// needs the scope events:read too.
func (a *Admin) UpdateWebhook(ctx context.Context, webhook uuid.UUID, u WebhookUpdate) (Webhook, error) {
	update := client.UpdateWebhook{Url: u.URL, Description: u.Description, Enabled: u.Enabled}
	if u.Events != nil {
		update.Events = &u.Events
	}
	body, err := encode(update)
	if err != nil {
		return Webhook{}, err
	}
	return read(ctx, a.c, call{op: client.OpUpdateWebhook, at: ids(webhook), body: body}, fromWebhook)
}

// DeleteWebhook deletes a webhook, or returns [ErrNotFound]. Nothing more is sent to it.
func (a *Admin) DeleteWebhook(ctx context.Context, webhook uuid.UUID) error {
	return a.c.nothing(ctx, call{op: client.OpDeleteWebhook, at: ids(webhook)})
}

// RotateWebhookSecret gives a webhook a new secret. For 24 hours the old one signs too.
func (a *Admin) RotateWebhookSecret(ctx context.Context, webhook uuid.UUID) (CreatedWebhook, error) {
	return read(ctx, a.c, call{op: client.OpRotateWebhookSecret, at: ids(webhook)}, fromCreatedWebhook)
}

// TestWebhook has an event of the type webhook.tested sent to a webhook, and returns the event's id:
// the webhook-id of the message. It returns [ErrWebhookDisabled] for one that is disabled.
func (a *Admin) TestWebhook(ctx context.Context, webhook uuid.UUID) (uuid.UUID, error) {
	return read(ctx, a.c, call{op: client.OpTestWebhook, at: ids(webhook)}, func(w client.WebhookTest) (uuid.UUID, error) {
		return w.EventId, nil
	})
}

// WebhookDeliveries iterates over the deliveries of a webhook, those of the newest events first, all
// or those with a status. A list reaches its first 10,000 entries.
func (a *Admin) WebhookDeliveries(ctx context.Context, webhook uuid.UUID, status DeliveryStatus) iter.Seq2[WebhookDelivery, error] {
	query := url.Values{}
	if status != "" {
		query.Set("status", string(status))
	}
	return numbered(query, func(query url.Values) ([]WebhookDelivery, int, error) {
		k := call{op: client.OpListWebhookDeliveries, at: ids(webhook), query: query}
		list, err := read(ctx, a.c, k, func(w client.WebhookDeliveryList) (client.WebhookDeliveryList, error) { return w, nil })
		deliveries := make([]WebhookDelivery, len(list.Deliveries))
		for i, w := range list.Deliveries {
			deliveries[i], _ = fromDelivery(w)
		}
		return deliveries, list.TotalPages, err
	})
}

// RetryWebhookDelivery has a delivery tried again now, whatever became of it before. It returns
// [ErrWebhookDisabled] if its webhook is disabled.
func (a *Admin) RetryWebhookDelivery(ctx context.Context, delivery uuid.UUID) (WebhookDelivery, error) {
	return read(ctx, a.c, call{op: client.OpRetryWebhookDelivery, at: ids(delivery)}, fromDelivery)
}

func fromWebhook(w client.Webhook) (Webhook, error) {
	return Webhook{
		ID: w.Id, URL: w.Url, Events: w.Events, Description: valueOf(w.Description), Enabled: w.Enabled,
		DisabledReason: valueOf((*string)(w.DisabledReason)), FailingSince: timeOf(w.FailingSince),
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, CreatedBy: w.CreatedBy,
	}, nil
}

func fromCreatedWebhook(w client.CreatedWebhook) (CreatedWebhook, error) {
	hook, err := fromWebhook(client.Webhook{
		Id: w.Id, Url: w.Url, Events: w.Events, Description: w.Description, Enabled: w.Enabled,
		DisabledReason: (*client.WebhookDisabledReason)(w.DisabledReason), FailingSince: w.FailingSince,
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, CreatedBy: w.CreatedBy,
	})
	return CreatedWebhook{Webhook: hook, Secret: NewWebhookSecret(w.Secret)}, err
}

func fromDelivery(w client.WebhookDelivery) (WebhookDelivery, error) {
	d := WebhookDelivery{
		ID: w.Id, Webhook: w.WebhookId, Event: w.EventId, EventIndex: w.EventIndex, EventType: w.EventType,
		Status: DeliveryStatus(w.Status), Attempts: w.Attempts, CreatedAt: w.CreatedAt,
		NextAttemptAt: timeOf(w.NextAttemptAt), LastAttemptAt: timeOf(w.LastAttemptAt),
		LastError: valueOf((*string)(w.LastError)),
	}
	if w.LastStatus != nil {
		d.LastStatus = *w.LastStatus
	}
	return d, nil
}
