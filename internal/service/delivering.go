package service

import (
	"slices"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/webhook"
)

// deliver queues a delivery of each event for each endpoint of its tenant that gets it. The endpoints
// are those of the events' tenants.
func (st *step) deliver(endpoints []webhook.Endpoint, events []audit.Placed) {
	of := map[uuid.UUID][]webhook.Endpoint{}
	for _, e := range endpoints {
		of[e.Tenant] = append(of[e.Tenant], e)
	}
	var all []webhook.Delivery
	for _, p := range events {
		for _, e := range of[p.Tenant] {
			if e.Gets(p.Type, p.Leaf) {
				all = append(all, webhook.NewDelivery(st.newID(), e.Ref,
					webhook.Event{ID: p.ID, Index: p.Index, Type: p.Type, Holder: p.Holder}, st.Now()))
			}
		}
	}
	st.InsertDeliveries(all...)
}

// disableWebhooksOf disables those of the endpoints that one of the revoked keys created, or that it
// says where their events go.
func (st *step) disableWebhooksOf(revoked []auth.APIKey, endpoints []webhook.Endpoint) {
	for _, e := range endpoints {
		if e.Enabled() && slices.ContainsFunc(revoked, e.MadeBy) {
			st.disableWebhook(e.Disable(webhook.KeyRevoked, st.Now()))
		}
	}
}

// disableWebhook stores an endpoint that the server has disabled.
func (st *step) disableWebhook(e webhook.Endpoint) {
	st.SaveWebhook(e)
	st.recordAs(system(e.Tenant), about{}, audit.WebhookDisabled{Webhook: e.ID.String(), Reason: string(e.Disabled)})
}
