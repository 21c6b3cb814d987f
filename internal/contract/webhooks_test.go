package contract_test

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// webhooksStory is the life of webhooks, up to one too many. They are of the story's tenant alone.
func webhooksStory(c client) {
	const hook = `{"url":"https://hooks.example.com/a?token=b","events":["key.minted","webhook.*"],"description":"d"}`
	create := request{op: "createWebhook", body: raw(hook)}
	made := c.want(201, create)
	at := map[string]string{"webhook_id": made.text(c, "id")}
	c.want(200, request{op: "listWebhooks"})
	c.want(200, request{op: "getWebhook", path: at})
	if a := c.want(200, request{op: "rotateWebhookSecret", path: at}); a.text(c, "secret") == made.text(c, "secret") {
		c.Errorf("the secret is the old one")
	}
	update := request{op: "updateWebhook", path: at, body: raw(`{"description":"","events":["webhook.tested"],"url":null}`)}
	if a := c.want(200, update); a.field(c, "description") != nil {
		c.Errorf("after an update: %s", a.body)
	}
	event := c.want(202, request{op: "testWebhook", path: at}).text(c, "event_id")
	_, delivery := firstDelivery(c, request{op: "listWebhookDeliveries", path: at, query: url.Values{"status": {"pending"}}})
	hydratest.Eventually(c, "the test is queued", func() bool {
		return strings.Contains(string(c.want(200, request{op: "listWebhookDeliveries", path: at}).body), event)
	})
	retry := request{op: "retryWebhookDelivery", path: map[string]string{"delivery_id": delivery}}
	c.want(200, retry)

	key := c.want(201, request{op: "createApiKey", body: raw(`{"name":"n","scopes":["webhooks:write"]}`)}).text(c, "key")
	blind := http.Header{"X-Api-Key": {key}}
	c.refused(403, "forbidden", request{op: "createWebhook", body: raw(hook), header: blind})
	c.refused(403, "forbidden", request{op: "updateWebhook", path: at, body: raw(`{"events":["pin.*"]}`), header: blind})
	c.want(200, request{op: "updateWebhook", path: at, body: raw(`{"enabled":false}`), header: blind})
	c.refused(409, "webhook-disabled", request{op: "testWebhook", path: at})
	c.refused(409, "webhook-disabled", retry)

	for _, body := range []string{
		`{}`, `{"url":"http://hooks.example.com","events":["pin.*"]}`, `{"url":"https://hooks.example.com","events":["*"]}`,
		`{"url":"https://hooks.example.com","events":[]}`, `{"url":"https://127.0.0.1","events":["pin.*"]}`,
		`{"url":"https://hooks.example.com","events":["pin.*"],"description":"\u0007"}`,
	} {
		c.want(422, request{op: "createWebhook", body: raw(body)})
	}
	c.want(422, request{op: "updateWebhook", path: at, body: raw(`{"url":"https://[::1]/"}`)})
	c.want(422, request{op: "listWebhooks", query: url.Values{"page": {"501"}}})
	c.want(422, request{op: "listWebhookDeliveries", path: at, query: url.Values{"status": {"sent"}}})
	create.body = raw(`{"url":"https://hooks.example.com","events":["pin.*"],"enabled":false}`)
	c.want(201, create)
	for c.do(create).status == http.StatusCreated {
	}
	c.refused(409, "too-many-webhooks", create)
	c.want(204, request{op: "deleteWebhook", path: at})
	for _, op := range []string{"getWebhook", "updateWebhook", "deleteWebhook", "rotateWebhookSecret", "testWebhook", "listWebhookDeliveries"} {
		r := request{op: op, path: at}
		if op == "updateWebhook" {
			r.body = raw(`{"enabled":true}`)
		}
		c.refused(404, "not-found", r)
	}
	c.refused(404, "not-found", retry)
	retry.path = map[string]string{"delivery_id": uuid.NewString()}
	c.refused(404, "not-found", retry)
}
