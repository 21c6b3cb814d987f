package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Each refusal of a frozen instance has its place: after 404, before all else.
func TestFreezeOverHTTP(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const action = `,"action":{"summary":"Pay 5","params":{"amount":5}}`
	approved := b.pending(t)
	id := b.ask(t, action).want(t, 201).fields(t)["id"].(string)
	b.on(t, "POST", approved, "/verify", `{"pin":"804615"}`).want(t, http.StatusOK)
	path := "/v1/instances/" + b.Instance.String() + "/freeze"
	admin := bearer(b.admin(t))
	wantFields(t, b.call(t, "GET", path, "", admin).want(t, 200), map[string]any{"frozen": false, "since": nil, "by": nil, "reason": nil})
	got := b.call(t, "PUT", path, `{"reason":"odd calls"}`, admin).want(t, 200)
	wantFields(t, got, map[string]any{"frozen": true, "reason": "odd calls"})
	if by, _ := got.fields(t)["by"].(string); !strings.HasPrefix(by, "jwt:") {
		t.Errorf("by %q", by)
	}
	b.call(t, "PUT", path, "", admin).want(t, 200)
	b.call(t, "PUT", path, `{"reason":"a\nb"}`, admin).want(t, 422)

	b.on(t, "POST", id, "/verify", `{"pin":"804615"}`).problem(t, 403, "frozen")
	b.on(t, "POST", id, "/verify", `{"pin":"1"}`).want(t, 422)
	b.on(t, "POST", approved, "/redeem", `{}`).problem(t, 403, "frozen")
	b.on(t, "POST", b.Identity.String(), "/redeem", `{}`).problem(t, 404, "not-found")
	wantFields(t, b.ask(t, "").want(t, 200), map[string]any{"status": "blocked", "reason": "frozen"})
	decision := b.internalPath("/pin-policy/decision?skill=PAY&role=owner")
	wantFields(t, b.call(t, "GET", decision, "", key(b.RuntimeKey)).want(t, 200), map[string]any{"required": true, "reason": "frozen"})

	b.call(t, "DELETE", path, "", key(b.Key)).problem(t, 403, "forbidden")
	b.call(t, "DELETE", path, "", admin).want(t, 204)
	wantFields(t, b.on(t, "GET", approved, "", "").want(t, 200), map[string]any{"status": "declined", "reason": "frozen"})
	wantFields(t, b.call(t, "GET", decision, "", key(b.RuntimeKey)).want(t, 200), map[string]any{"required": true, "reason": nil})

	b.call(t, "PUT", "/v1/freeze", "", key(b.Key)).want(t, 200)
	b.on(t, "POST", id, "/verify", `{"pin":"804615"}`).problem(t, 403, "frozen")
	b.call(t, "DELETE", "/v1/freeze", "", key(b.Key)).want(t, 204)
	b.on(t, "POST", id, "/verify", `{"pin":"804615"}`).want(t, 200)
}

func TestOutcomeAndListOverHTTP(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id, open := b.pending(t), ""
	b.on(t, "POST", id, "/outcome", `{"outcome":"executed"}`).problem(t, 409, "not-redeemed")
	b.on(t, "POST", id, "/verify", `{"pin":"804615"}`).want(t, 200)
	b.on(t, "POST", id, "/redeem", `{}`).want(t, 200)
	wantFields(t, b.on(t, "POST", id, "/outcome", `{"outcome":"unknown","detail":null}`).want(t, 200), map[string]any{"outcome": "unknown"})
	wantFields(t, b.on(t, "POST", id, "/outcome", `{"outcome":"failed","detail":"no funds"}`).want(t, 200), map[string]any{"outcome": "failed", "status": "redeemed"})
	b.on(t, "POST", id, "/outcome", `{"outcome":"executed"}`).problem(t, 409, "outcome-already-set")
	b.on(t, "POST", id, "/outcome", `{"outcome":"failed","detail":"\u0007"}`).want(t, 422)

	list := b.internalPath("/confirmations")
	for range 3 {
		b.clock.Add(time.Second)
		open = b.ask(t, `,"action":{"summary":"Pay 5","params":{"amount":5}}`).want(t, 201).fields(t)["id"].(string)
	}
	page := b.call(t, "GET", list+"?limit=2", "", key(b.RuntimeKey)).want(t, 200).fields(t)
	first := page["confirmations"].([]any)
	next, _ := page["next"].(string)
	if len(first) != 2 || first[0].(map[string]any)["id"] != open || next == "" {
		t.Fatalf("the first page: %v", page)
	}
	page = b.call(t, "GET", list+"?status=pending&limit=2&after="+next, "", key(b.RuntimeKey)).want(t, 200).fields(t)
	if n := len(page["confirmations"].([]any)); n != 1 || page["next"] != nil {
		t.Fatalf("the second page: %v", page)
	}
	for query, want := range map[string]string{
		"?limit=0": `["query","limit"]`, "?limit=101": `["query","limit"]`, "?status=declined": `["query","status"]`,
		"?after=x": `["query","after"]`, "?customer_id=" + b.Customer.String() + "&identity_id=" + b.Identity.String(): `["query"]`,
	} {
		if got := b.call(t, "GET", list+query, "", key(b.RuntimeKey)).want(t, 422); !strings.Contains(got.text, want) {
			t.Errorf("%s: %s", query, got.text)
		}
	}
}

func wantFields(t *testing.T, got reply, want map[string]any) {
	t.Helper()
	fields := got.fields(t)
	for name, value := range want {
		if fields[name] != value {
			t.Errorf("%s is %v, want %v", name, fields[name], value)
		}
	}
}

// The nil UUID is not an instance: whoever names it neither freezes the tenant nor lifts its freeze.
func TestNilInstanceIsNotTheTenant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const none = "/v1/instances/00000000-0000-0000-0000-000000000000/freeze"
	frozen := func(want string) {
		t.Helper()
		if got := b.call(t, "GET", "/v1/freeze", "", key(b.Key)).want(t, 200); !strings.Contains(got.text, want) {
			t.Errorf("the freeze of the tenant is %s, want %s", got.text, want)
		}
	}
	b.call(t, "GET", none, "", key(b.Key)).want(t, 422)
	b.call(t, "PUT", none, "", key(b.Key)).want(t, 422)
	frozen(`"frozen":false`)
	b.call(t, "PUT", "/v1/freeze", "", key(b.Key)).want(t, 200)
	b.call(t, "DELETE", none, "", key(b.Key)).want(t, 422)
	frozen(`"frozen":true`)
}
