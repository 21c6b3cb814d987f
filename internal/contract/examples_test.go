package contract_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/contract"
	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/internal/problem"
)

// clicks are the operations in an order in which a reader of /docs can try them on
// a fresh server: with every field as it is prefilled, and only the id of a
// confirmation copied from the answer that has it.
var clicks = []string{
	"createApiKey", "listApiKeys", "revokeApiKey",
	"createWebhook", "listWebhooks", "getWebhook", "updateWebhook", "rotateWebhookSecret", "testWebhook",
	"listWebhookDeliveries", "retryWebhookDelivery", "deleteWebhook",
	"setCustomerPin", "listPins", "deactivateCustomerPin", "unlockCustomerPin", "getCustomerPinStatus", "updatePinPolicy", "getPinPolicy", "getPinPolicyDecision",
	"askConfirmation", "getConfirmation", "getConfirmationQr", "listConfirmations", "verifyConfirmation", "redeemConfirmation",
	"reportOutcome", "setInstanceFreeze", "getInstanceFreeze", "liftInstanceFreeze",
	"setTenantFreeze", "getTenantFreeze", "liftTenantFreeze",
	"askConfirmation", "declineConfirmation", "endPinSessions", "getMyPinStatus",
	"runtimeSetPin", "runtimeGetPinStatus", "getIdentityPinStatus", "deactivateIdentityPin", "unlockIdentityPin",
	"runtimeRemovePin", "removeIdentityPin", "unlockCustomerPin", "setMyPin",
	"createCustomerPinLink", "endCustomerPinLinks", "createIdentityPinLink", "endIdentityPinLinks",
	"runtimeCreatePinLink", "runtimeEndPinLinks", "removeCustomerPin",
	"listPinEvents", "getPinEvent", "getPinEventCheckpoint", "getPinEventProof", "getPinEventConsistency",
}

func TestExamplesWorkAsPrefilled(t *testing.T) {
	t.Parallel()
	n := start(t, nil, hydratest.Engines()[0])
	text, err := os.ReadFile(filepath.Join(contract.Root(), "openapi.yaml"))
	hydratest.Must(t, err)
	// The reader's token is that of the customer whose id is prefilled.
	reader := uuid.MustParse(n.spec.Document().Components.Parameters["CustomerId"].Value.Example.(string))
	n.mine = n.stack.Token(t, func(c *auth.Claims) { c.CustomerID = reader })
	tried, confirmation, key := map[string]bool{}, "", ""
	hook, delivery := "", ""
	for _, id := range clicks {
		op := n.spec.Operation(id)
		if op == nil {
			t.Fatalf("the contract has no operation %s", id)
		}
		r := prefilled(t, op, string(text))
		if r.path["instance_id"] != "" {
			// A runtime key is made for one instance: here for that of the node.
			r.path["instance_id"] = n.instance.String()
		}
		if r.path["confirmation_id"] != "" {
			r.path["confirmation_id"] = confirmation
		}
		if r.path["api_key_id"] != "" {
			r.path["api_key_id"] = key
		}
		if r.path["webhook_id"] != "" {
			r.path["webhook_id"] = hook
		}
		if r.path["delivery_id"] != "" {
			r.path["delivery_id"] = delivery
		}
		a := n.do(r)
		if id == "listWebhookDeliveries" {
			a, delivery = firstDelivery(n.client, r)
		}
		if id == "createWebhook" {
			hook = a.text(n, "id")
		}
		if id == "createApiKey" {
			key = a.text(n, "id")
		}
		if a.status >= http.StatusMultipleChoices {
			t.Errorf("%s as prefilled answered %d: %s", id, a.status, a.body)
		}
		if id == "askConfirmation" {
			confirmation = a.text(n, "id")
		}
		tried[id] = true
	}
	for _, op := range n.spec.Operations() {
		if !tried[op.ID] {
			t.Errorf("%s is not among the clicks", op.ID)
		}
	}
}

// firstDelivery waits for a delivery of a webhook, and returns the list that has it, with its id.
func firstDelivery(c client, r request) (list answer, id string) {
	hydratest.Eventually(c, "the delivery is queued", func() bool {
		list = c.do(r)
		deliveries, _ := list.field(c, "deliveries").([]any)
		if len(deliveries) > 0 {
			id, _ = deliveries[0].(map[string]any)["id"].(string)
		}
		return id != ""
	})
	return list, id
}

// prefilled is the request that Swagger UI has ready: each parameter with an example
// or a default, and the first example of the body.
func prefilled(t *testing.T, op *contract.Operation, text string) request {
	t.Helper()
	r := request{op: op.ID, path: map[string]string{}, query: url.Values{}, header: http.Header{}}
	for _, p := range op.Spec.Parameters {
		value := prefill(p.Value)
		switch {
		case value == nil:
			if p.Value.Required {
				t.Errorf("%s: the parameter %s is not prefilled", op.ID, p.Value.Name)
			}
		case p.Value.In == openapi3.ParameterInPath:
			r.path[p.Value.Name] = fmt.Sprint(value)
		case p.Value.In == openapi3.ParameterInQuery:
			r.query.Set(p.Value.Name, fmt.Sprint(value))
		default:
			r.header.Set(p.Value.Name, fmt.Sprint(value))
		}
	}
	if op.Spec.RequestBody == nil {
		return r
	}
	examples := op.Spec.RequestBody.Value.Content["application/json"].Examples
	_, block, _ := strings.Cut(text, "operationId: "+op.ID+"\n")
	first := slices.MinFunc(slices.Collect(maps.Keys(examples)), func(a, b string) int {
		return strings.Index(block, " "+a+":\n") - strings.Index(block, " "+b+":\n")
	})
	r.body = encode(t, examples[first].Value.Value)
	return r
}

func prefill(p *openapi3.Parameter) any {
	schema := p.Schema.Value
	for _, value := range []any{p.Example, schema.Example, schema.Default} {
		if value != nil {
			return value
		}
	}
	return nil
}

// TestExamplesAgree: one id stands for one thing, wherever it is shown, and two
// things have two ids.
func TestExamplesAgree(t *testing.T) {
	t.Parallel()
	spec, err := contract.Current()
	hydratest.Must(t, err)
	ids := map[string]string{}
	for _, p := range spec.Document().Components.Parameters {
		if id, ok := p.Value.Example.(string); ok && strings.HasSuffix(p.Value.Name, "_id") {
			ids[p.Value.Name] = id
		}
	}
	if distinct := slices.Compact(slices.Sorted(maps.Values(ids))); len(ids) < 4 || len(distinct) != len(ids) {
		t.Errorf("the parameters' examples are %v", ids)
	}
	for name, e := range spec.Document().Components.Examples {
		fields, _ := e.Value.Value.(map[string]any)
		for field, want := range ids {
			if got, ok := fields[field].(string); ok && got != want {
				t.Errorf("the example %s has the %s %s, and the parameter %s", name, field, got, want)
			}
		}
	}
}

// TestExamplesOfRefusals: a refusal is shown as the operation can give it.
func TestExamplesOfRefusals(t *testing.T) {
	t.Parallel()
	spec, err := contract.Current()
	hydratest.Must(t, err)
	for _, op := range spec.Operations() {
		if op.Spec.Summary == "" || op.Spec.Description == "" {
			t.Errorf("%s has no summary or no description", op.ID)
		}
		for status, response := range op.Spec.Responses.Map() {
			for mime, media := range response.Value.Content {
				if len(media.Examples) == 0 && media.Example == nil && !strings.HasPrefix(mime, "image/") {
					t.Errorf("%s %s %s has no example", op.ID, status, mime)
				}
				for name, e := range media.Examples {
					checkRefusal(t, op, status, name, encode(t, e.Value.Value))
				}
			}
		}
	}
}

// TestExamplesOfProblems: a problem is shown with the status, the title and the detail that the
// server sends, and each problem that an operation can give is shown.
func TestExamplesOfProblems(t *testing.T) {
	t.Parallel()
	spec, err := contract.Current()
	must(t, err)
	type sent struct {
		Type, Title, Detail string
		Status              int
	}
	shown := map[sent]bool{}
	for _, p := range problem.All() {
		if p.Code != "" {
			shown[sent{p.Type(), p.Title, p.Detail, p.Status}] = false
		}
	}
	for name, e := range spec.Document().Components.Examples {
		body := encode(t, e.Value.Value)
		if contract.ParseProblem(body).Code() == "" {
			continue
		}
		var p sent
		must(t, json.Unmarshal(body, &p))
		if _, ok := shown[p]; !ok {
			t.Errorf("the server sends no problem like the example %s: %+v", name, p)
		}
		shown[p] = true
	}
	for p, ok := range shown {
		// They are given before an operation is found.
		outside := p.Status == http.StatusMethodNotAllowed || p.Detail == "There is no such route."
		if !ok && !outside {
			t.Errorf("no example shows %+v", p)
		}
	}
}

func checkRefusal(t *testing.T, op *contract.Operation, status, name string, body []byte) {
	t.Helper()
	switch status {
	case "403":
		kind := contract.ParseProblem(body).Code()
		allowed := []string{"forbidden"}
		if fields := bodyFields(op); fields["pin"] {
			allowed = append(allowed, "wrong-pin")
		} else if fields["params"] {
			allowed = append(allowed, "changed-since-approval")
		}
		switch op.ID {
		case "verifyConfirmation":
			allowed = append(allowed, "frozen", "page-only", "pin-not-own")
		case "redeemConfirmation":
			allowed = append(allowed, "frozen")
		case "runtimeSetPin":
			allowed = append(allowed, "page-only")
		}
		if !slices.Contains(allowed, kind) {
			t.Errorf("%s 403 shows %s", op.ID, kind)
		}
	case "422":
		var shown struct{ Detail []struct{ Loc []any } }
		must(t, json.Unmarshal(body, &shown))
		for _, d := range shown.Detail {
			if !hasPlace(op, d.Loc) {
				t.Errorf("%s 422 shows %s at %v, which it does not have", op.ID, name, d.Loc)
			}
		}
	}
}

// hasPlace says whether the operation has what a location names.
func hasPlace(op *contract.Operation, loc []any) bool {
	if len(loc) == 0 {
		return false
	}
	if loc[0] == "body" {
		return op.Spec.RequestBody != nil && (len(loc) == 1 || bodyFields(op)[fmt.Sprint(loc[1])])
	}
	return slices.ContainsFunc(op.Spec.Parameters, func(p *openapi3.ParameterRef) bool {
		return p.Value.In == loc[0] && (len(loc) == 1 || p.Value.Name == loc[1])
	})
}

func bodyFields(op *contract.Operation) map[string]bool {
	fields := map[string]bool{}
	if op.Spec.RequestBody != nil {
		for name := range op.Spec.RequestBody.Value.Content["application/json"].Schema.Value.Properties {
			fields[name] = true
		}
	}
	return fields
}
