package contract_test

import (
	"net/url"
	"strings"

	"github.com/hydracore/hydrapin/internal/contract"
)

// recordsFor makes, for each operation on a webhook or on a delivery, one of its own: a tenant has few
// webhooks, and what one operation deletes or disables is not there for another.
func recordsFor(c client) map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, op := range c.spec.Operations() {
		if !strings.Contains(op.Path, "{webhook_id}") && !strings.Contains(op.Path, "{delivery_id}") {
			continue
		}
		made := c.want(201, request{op: "createWebhook", body: raw(`{"url":"https://hooks.example.com","events":["webhook.tested"]}`)})
		at := map[string]string{"webhook_id": made.text(c, "id")}
		if strings.Contains(op.Path, "{delivery_id}") {
			c.want(202, request{op: "testWebhook", path: at})
			_, at["delivery_id"] = firstDelivery(c, request{op: "listWebhookDeliveries", path: at, query: url.Values{}})
		}
		all[op.ID] = at
	}
	return all
}

// recordAt returns a record that is there for some of the requests.
func recordAt(c client, g *gen, op *contract.Operation, there map[string]string) map[string]string {
	if g.chance(2) {
		return nil
	}
	switch {
	case op.ID == "revokeApiKey":
		made := c.want(201, request{op: "createApiKey", body: raw(`{"name":"n","scopes":["pins:read"]}`)})
		return map[string]string{"api_key_id": made.text(c, "id")}
	case !strings.Contains(op.Path, "{confirmation_id}"):
		return there
	}
	w := customer()
	setPIN(c, w)
	at := ask(c, w, "")
	if g.chance(2) {
		approve(c, at)
		if op.ID == "reportOutcome" {
			c.want(200, request{op: "redeemConfirmation", path: at, body: raw(`{"skill":"` + skill + `"}`)})
		}
	}
	return at
}
