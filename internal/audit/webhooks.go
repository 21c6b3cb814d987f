package audit

// The details of the events of webhooks. A URL may hold a token in its path or query, so that events
// have the host alone.
type (
	// WebhookCreated says that an endpoint was created.
	WebhookCreated struct {
		Webhook string   `json:"webhook"`
		Host    string   `json:"host"`
		Events  []string `json:"events"`
	}
	// WebhookUpdated says that an endpoint was changed, and to what.
	WebhookUpdated struct {
		Webhook string   `json:"webhook"`
		Host    string   `json:"host"`
		Events  []string `json:"events"`
		Enabled bool     `json:"enabled"`
	}
	// WebhookDeleted says that an endpoint was deleted.
	WebhookDeleted struct {
		Webhook string `json:"webhook"`
	}
	// WebhookDisabled says that the server disabled an endpoint, and why.
	WebhookDisabled struct {
		Webhook string `json:"webhook"`
		Reason  string `json:"reason"`
	}
	// WebhookSecretRotated says that an endpoint got a new secret.
	WebhookSecretRotated struct {
		Webhook string `json:"webhook"`
	}
	// WebhookTested says that somebody had a test sent to an endpoint. The event is the test.
	WebhookTested struct {
		Webhook string `json:"webhook"`
	}
	// WebhookDeliveryRetried says that somebody had a delivery sent again.
	WebhookDeliveryRetried struct {
		Webhook  string `json:"webhook"`
		Delivery string `json:"delivery"`
	}
)

// Type implements [Details].
func (WebhookCreated) Type() Type { return TypeWebhookCreated }

// Type implements [Details].
func (WebhookUpdated) Type() Type { return TypeWebhookUpdated }

// Type implements [Details].
func (WebhookDeleted) Type() Type { return TypeWebhookDeleted }

// Type implements [Details].
func (WebhookDisabled) Type() Type { return TypeWebhookDisabled }

// Type implements [Details].
func (WebhookSecretRotated) Type() Type { return TypeWebhookSecretRotated }

// Type implements [Details].
func (WebhookTested) Type() Type { return TypeWebhookTested }

// Type implements [Details].
func (WebhookDeliveryRetried) Type() Type { return TypeWebhookDeliveryRetried }
