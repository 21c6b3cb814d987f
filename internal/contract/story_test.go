package contract_test

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
)

const (
	goodPIN  = "804615"
	otherPIN = "492750"
	wrongPIN = "375920"
	skill    = "payments.transfer"
	// lockAfter is how many incorrect guesses lock, which is the default.
	lockAfter = 5
)

// stories are what happens to a tenant over and over, as requests. Together
// they reach every documented answer that a healthy server gives.
func stories() map[string]func(client) {
	return map[string]func(client){
		"customer":     customerStory,
		"policy":       policyStory,
		"identity":     identityStory,
		"confirmation": confirmationStory,
		"session":      sessionStory,
		"verify":       verifyStory,
		"redeem":       redeemStory,
		"too many":     tooManyStory,
		"expired":      expiredStory,
		"refusals":     refusalsStory,
		"invalid":      invalidStory,
		"links":        linksStory,
		"own PIN":      ownPINStory,
		"keys":         keysStory,
		"webhooks":     webhooksStory,
		"holders":      holdersStory,
	}
}

// runStories runs every story on a node, each on a tenant's instance that the others
// leave alone: they name other holders.
func runStories(t *testing.T, c client) {
	t.Helper()
	for name, story := range stories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(c.as(t))
		})
	}
	t.Run("outside", func(t *testing.T) {
		t.Parallel()
		outsideStory(c.as(t))
	})
}

// who is one holder, as paths and bodies name it.
type who struct{ path, id string }

func customer() who { return who{"customer_id", uuid.NewString()} }
func identity() who { return who{"identity_id", uuid.NewString()} }

func (w who) in() map[string]string { return map[string]string{w.path: w.id} }

func customerStory(c client) {
	w := customer()
	status := request{op: "getCustomerPinStatus", path: w.in()}
	c.want(200, status)
	c.want(200, request{op: "setCustomerPin", path: w.in(), body: raw(`{"pin":"` + goodPIN + `"}`)})
	if a := c.want(200, status); a.field(c, "has_pin") != true {
		c.Errorf("after setting a PIN: %s", a.body)
	}
	lock(c, w)
	if a := c.want(200, status); a.field(c, "is_locked") != true {
		c.Errorf("after %d incorrect guesses: %s", lockAfter, a.body)
	}
	c.want(200, request{op: "unlockCustomerPin", path: w.in()})
	c.want(204, request{op: "removeCustomerPin", path: w.in()})
	c.want(204, request{op: "removeCustomerPin", path: w.in()})
	c.want(200, request{op: "getMyPinStatus"})
}

func policyStory(c client) {
	// What the runtime key opens plays no part here, so another instance will do.
	in := map[string]string{"instance_id": uuid.NewString()}
	a := c.want(200, request{op: "getPinPolicy", path: in})
	if got := a.header.Get("ETag"); got != `"0"` {
		c.Errorf("the defaults have the ETag %s", got)
	}
	update := request{op: "updatePinPolicy", path: in, body: raw(`{"pin_required_skills":["*","a.b"],"pin_applies_to":null}`)}
	update.header = http.Header{"If-Match": {`"0"`}}
	if got := c.want(200, update).header.Get("ETag"); got != `"1"` {
		c.Errorf("the first version has the ETag %s", got)
	}
	c.refused(412, "precondition-failed", update)
	c.want(304, request{op: "getPinPolicy", path: in, header: http.Header{"If-None-Match": {`W/"1-gzip"`}}})
	update.header = http.Header{"If-None-Match": {"*"}}
	c.refused(412, "precondition-failed", update)
}

// identityStory is the life of a PIN that the runtime sets.
func identityStory(c client) {
	w := identity()
	c.want(200, request{op: "runtimeGetPinStatus", path: w.in()})
	c.want(200, request{op: "getIdentityPinStatus", path: w.in()})
	set := request{op: "runtimeSetPin", path: w.in(), body: raw(`{"pin":"` + goodPIN + `"}`)}
	c.want(200, set)
	c.want(422, set)
	set.body = raw(`{"pin":"` + otherPIN + `","current_pin":"` + wrongPIN + `"}`)
	c.refused(403, "wrong-pin", set)
	lock(c, w)
	c.refused(423, "pin-locked", set)
	c.refused(423, "pin-locked", request{op: "runtimeRemovePin", path: w.in()})
	c.want(200, request{op: "unlockIdentityPin", path: w.in()})
	c.want(204, request{op: "runtimeRemovePin", path: w.in()})
	c.want(204, request{op: "removeIdentityPin", path: w.in()})
}

// requireSkill makes the instance ask for a PIN for the skill of the stories.
func requireSkill(c client) {
	c.want(200, request{op: "updatePinPolicy", body: raw(`{"pin_required_skills":["` + skill + `"]}`)})
}

// setPIN gives a holder a PIN.
func setPIN(c client, w who) {
	op := "setCustomerPin"
	if w.path == "identity_id" {
		op = "runtimeSetPin"
	}
	c.want(200, request{op: op, path: w.in(), body: raw(`{"pin":"` + goodPIN + `"}`)})
}

// ask asks for the skill of the stories and returns the confirmation's place.
func ask(c client, w who, more string) map[string]string {
	a := c.want(201, question(w, more))
	return map[string]string{"confirmation_id": a.text(c, "id")}
}

func question(w who, more string) request {
	return request{op: "askConfirmation", body: raw(`{"skill":"` + skill + `","role":"owner","` + w.path + `":"` + w.id + `"` + more + `}`)}
}

// guess makes n incorrect guesses.
func guess(c client, at map[string]string, n int) {
	for range n {
		c.refused(403, "wrong-pin", request{op: "verifyConfirmation", path: at, body: raw(`{"pin":"` + wrongPIN + `"}`)})
	}
}

// lock has incorrect guesses lock the holder's PIN.
func lock(c client, w who) map[string]string {
	requireSkill(c)
	at := ask(c, w, "")
	for {
		a := c.do(request{op: "verifyConfirmation", path: at, body: raw(`{"pin":"` + wrongPIN + `"}`)})
		if a.status == http.StatusLocked {
			return at
		}
		if a.status != http.StatusForbidden {
			c.Fatalf("an incorrect guess answered %d: %s", a.status, a.body)
		}
	}
}

func approve(c client, at map[string]string) {
	c.want(200, request{op: "verifyConfirmation", path: at, body: raw(`{"pin":"` + goodPIN + `"}`)})
}

func confirmationStory(c client) {
	w := customer()
	requireSkill(c)
	blocked := c.want(200, question(w, ""))
	if blocked.text(c, "reason") != "pin_not_set" {
		c.Errorf("asked without a PIN: %s", blocked.body)
	}
	setPIN(c, w)
	at := ask(c, w, `,"idempotency_key":"`+w.id+`"`)
	c.want(200, question(w, `,"idempotency_key":"`+w.id+`"`))
	c.refused(409, "idempotency-conflict", question(w, `,"idempotency_key":"`+w.id+`","expires_in_seconds":5`))
	c.want(201, question(w, `,"call_key":"`+w.id+`"`))
	if a := c.refused(409, "idempotency-conflict", question(w, `,"call_key":"`+w.id+`","expires_in_seconds":5`)); !strings.Contains(a.text(c, "detail"), "call key") {
		c.Errorf("the conflict of a call key says %s", a.body)
	}
	c.want(200, request{op: "getConfirmation", path: at, query: url.Values{"wait_seconds": {"0"}}})
	c.want(200, request{op: "getConfirmationQr", path: at})
	c.want(204, request{op: "declineConfirmation", path: at})
	c.refused(410, "expired", request{op: "getConfirmationQr", path: at})
	c.want(204, request{op: "declineConfirmation", path: at})
	c.refused(409, "not-pending", request{op: "verifyConfirmation", path: at, body: raw(`{"pin":"` + goodPIN + `"}`)})
	c.refused(409, "not-approved", request{op: "redeemConfirmation", path: at, body: raw(`{}`)})
	unknown := map[string]string{"confirmation_id": uuid.NewString()}
	for op, body := range map[string][]byte{
		"getConfirmation": nil, "getConfirmationQr": nil, "declineConfirmation": nil,
		"verifyConfirmation": raw(`{"pin":"` + goodPIN + `"}`), "redeemConfirmation": raw(`{}`),
	} {
		c.refused(404, "not-found", request{op: op, path: unknown, body: body})
	}
}

func sessionStory(c client) {
	w := customer()
	requireSkill(c)
	setPIN(c, w)
	approve(c, ask(c, w, ""))
	bySession := c.want(201, question(w, ""))
	if bySession.text(c, "reason") != "session" || bySession.text(c, "receipt") == "" {
		c.Errorf("asked within a session: %s", bySession.body)
	}
	c.want(204, request{op: "endPinSessions", query: url.Values{w.path: {w.id}}})
	at := map[string]string{"confirmation_id": bySession.text(c, "id")}
	c.refused(409, "not-approved", request{op: "redeemConfirmation", path: at, body: raw(`{}`)})
}

func verifyStory(c client) {
	w := identity()
	requireSkill(c)
	setPIN(c, w)
	at := ask(c, w, "")
	guess(c, at, 1)
	approve(c, at)
	again := lock(c, who{"customer_id", lockable(c)})
	c.refused(423, "pin-locked", request{op: "verifyConfirmation", path: again, body: raw(`{"pin":"` + goodPIN + `"}`)})
}

// lockable returns a new customer with a PIN.
func lockable(c client) string {
	w := customer()
	setPIN(c, w)
	return w.id
}

func redeemStory(c client) {
	w := customer()
	requireSkill(c)
	setPIN(c, w)
	at := ask(c, w, `,"action":{"summary":"Send 5","params":{"amount":"5"}}`)
	approve(c, at)
	redeem := request{op: "redeemConfirmation", path: at, body: raw(`{"skill":"` + skill + `","params":{"amount":"6"}}`)}
	c.refused(409, "params-mismatch", redeem)
	redeem.body = raw(`{"skill":"` + skill + `","params":{"amount":"5"}}`)
	c.want(200, redeem)
	c.refused(409, "already-redeemed", redeem)
	c.refused(409, "already-redeemed", request{op: "declineConfirmation", path: at})

	// A lock that came after the approval takes it back.
	approved := ask(c, w, `,"action":{"summary":"Send 7","params":{}}`)
	approve(c, approved)
	other := ask(c, w, `,"action":{"summary":"Send 8","params":{}}`)
	guess(c, other, lockAfter)
	redeem = request{op: "redeemConfirmation", path: approved, body: raw(`{"skill":"` + skill + `","params":{}}`)}
	c.refused(403, "changed-since-approval", redeem)
}

func tooManyStory(c client) {
	w := customer()
	requireSkill(c)
	setPIN(c, w)
	for range 50 {
		ask(c, w, "")
	}
	c.refused(429, "too-many-requests", question(w, ""))
}

// expiredStory waits for a confirmation to expire, as a runtime does: by a wait
// that ends with it.
func expiredStory(c client) {
	w := customer()
	requireSkill(c)
	setPIN(c, w)
	at := ask(c, w, `,"expires_in_seconds":1`)
	a := c.want(200, request{op: "getConfirmation", path: at, query: url.Values{"wait_seconds": {"30"}}})
	if a.text(c, "status") != "expired" {
		c.Fatalf("after its time: %s", a.body)
	}
	c.refused(410, "expired", request{op: "verifyConfirmation", path: at, body: raw(`{"pin":"` + goodPIN + `"}`)})
	c.refused(410, "expired", request{op: "redeemConfirmation", path: at, body: raw(`{}`)})
	c.refused(410, "expired", request{op: "declineConfirmation", path: at})
}

// refusalsStory is what every operation refuses alike.
func refusalsStory(c client) {
	for _, op := range c.spec.Operations() {
		body := example(c, op)
		name, _ := c.credential(op)
		none := http.Header{name: nil}
		c.refused(401, "unauthorized", request{op: op.ID, body: body, header: none})
		bad := http.Header{name: nil, "X-Api-Key": {"hc_live_0000000000000000_0000000000000000"}}
		c.refused(401, "unauthorized", request{op: op.ID, body: body, header: bad})
		// Each of the two keys opens what the other does not; neither opens "me".
		key := c.agent
		if agentOpens(op.Path) {
			key = c.key
		}
		c.refused(403, "forbidden", request{op: op.ID, body: body, header: http.Header{name: nil, "X-Api-Key": {key}}})
		if body == nil {
			continue
		}
		c.refused(413, "too-large", request{op: op.ID, body: raw(`{"x":"` + strings.Repeat("x", 64<<10) + `"}`)})
		c.refused(415, "unsupported-media-type", request{op: op.ID, body: body, header: http.Header{"Content-Type": {"text/plain"}}})
	}
}

// agentOpens says whether a path is the runtime key's.
func agentOpens(path string) bool {
	return strings.HasPrefix(path, "/internal/")
}

// outsideStory is what a proxy that reads JSON and knows the contract would not
// let through as it is.
func outsideStory(c client) {
	if a := c.want(422, request{op: "setCustomerPin", body: raw(`{"pin":"804615","pin":"804615"}`)}); !hasFault(a, "json_invalid") {
		c.Errorf("a name twice: %s", a.body)
	}
	for _, method := range []string{"PUT", "PATCH"} {
		c.send(method, "/v1/customers/"+uuid.NewString()+"/pin", nil, nil)
	}
	for _, path := range []string{"/v1", "/v1/", "/v1/pinss", "/internal/v1/instances/x", "/v1/customers//pin", "/v1/me/pin/"} {
		c.send("GET", path, nil, nil)
	}
}

// invalidStory has a request for every type of a 422.
func invalidStory(c client) {
	for i, f := range []struct {
		kind string
		request
	}{
		{"missing", request{op: "setCustomerPin", body: raw(`{}`)}},
		{"string_type", request{op: "setCustomerPin", body: raw(`{"pin":804615}`)}},
		{"string_too_short", request{op: "setCustomerPin", body: raw(`{"pin":"804"}`)}},
		{"string_too_long", request{op: "setCustomerPin", body: raw(`{"pin":"8046158046158"}`)}},
		{"string_pattern_mismatch", request{op: "setCustomerPin", body: raw(`{"pin":"80461a"}`)}},
		{"pin_too_weak", request{op: "setCustomerPin", body: raw(`{"pin":"1234"}`)}},
		{"unsafe_text", request{op: "updatePinPolicy", body: raw(`{"pin_required_skills":["a\u0007"]}`)}},
		{"extra_forbidden", request{op: "setCustomerPin", body: raw(`{"pin":"804615","PIN":"1"}`)}},
		{"dict_type", request{op: "setCustomerPin", body: raw(`[]`)}},
		{"uuid_parsing", request{op: "getCustomerPinStatus", path: map[string]string{"customer_id": "x"}}},
		{"bool_type", request{op: "updatePinPolicy", body: raw(`{"pin_must_be_own":"yes"}`)}},
		{"int_type", request{op: "updatePinPolicy", body: raw(`{"pin_session_ttl_minutes":"5"}`)}},
		{"int_from_float", request{op: "updatePinPolicy", body: raw(`{"pin_session_ttl_minutes":5.5}`)}},
		{"int_parsing", request{op: "getConfirmation", query: url.Values{"wait_seconds": {"soon"}}}},
		{"less_than_equal", request{op: "getConfirmation", query: url.Values{"wait_seconds": {"31"}}}},
		{"greater_than_equal", request{op: "updatePinPolicy", body: raw(`{"pin_session_ttl_minutes":-1}`)}},
		{"literal_error", request{op: "updatePinPolicy", body: raw(`{"pin_applies_to":"nobody"}`)}},
		{"list_type", request{op: "updatePinPolicy", body: raw(`{"pin_required_skills":"*"}`)}},
		{"too_short", request{op: "createApiKey", body: raw(`{"name":"n","scopes":[]}`)}},
		{"datetime_parsing", request{op: "createApiKey", body: raw(`{"name":"n","scopes":["pins:read"],"expires_at":"tomorrow"}`)}},
		{"too_long", request{op: "updatePinPolicy", body: raw(`{"pin_required_skills":[` + skills(257) + `]}`)}},
		{"value_error", request{op: "endPinSessions"}},
	} {
		a := c.want(422, f.request)
		if !hasFault(a, f.kind) {
			c.Errorf("request %d: no %s in %s", i, f.kind, a.body)
		}
	}
	// Every operation refuses what its path cannot be.
	for _, op := range c.spec.Operations() {
		for _, p := range op.Spec.Parameters {
			if p.Value.In != "path" {
				continue
			}
			// Of another instance than its own a runtime key learns nothing, not even
			// that it is none.
			want := 422
			if p.Value.Name == "api_key_id" {
				continue // any text may be one; see keysStory
			}
			if p.Value.Name == "instance_id" && agentOpens(op.Path) {
				want = 403
			}
			c.want(want, request{op: op.ID, path: map[string]string{p.Value.Name: "x"}, body: example(c, op)})
		}
	}
	c.want(422, request{op: "askConfirmation", body: raw(`{}`)})
}

// linksStory creates and ends each kind of PIN link.
func linksStory(c client) {
	ends := map[string]string{
		"createCustomerPinLink": "endCustomerPinLinks", "createIdentityPinLink": "endIdentityPinLinks",
		"runtimeCreatePinLink": "runtimeEndPinLinks",
	}
	for create, end := range ends {
		w := customer()
		if create != "createCustomerPinLink" {
			w = identity()
		}
		first := c.want(201, request{op: create, path: w.in()})
		second := c.want(201, request{op: create, path: w.in(), body: raw(`{"expires_in_seconds":600}`)})
		if first.text(c, "url") == second.text(c, "url") {
			c.Errorf("%s gave one link twice", create)
		}
		c.want(204, request{op: end, path: w.in()})
		c.want(204, request{op: end, path: w.in()})
	}
}

// ownPINStory is the life of the PIN of the customer whose token the client has.
func ownPINStory(c client) {
	w := who{"customer_id", c.customer.String()}
	set := request{op: "setMyPin", body: raw(`{"pin":"` + goodPIN + `"}`)}
	c.refused(409, "pin-not-set", set)
	setPIN(c, w)
	c.want(422, set)
	set.body = raw(`{"pin":"` + goodPIN + `","current_pin":"` + goodPIN + `"}`)
	if a := c.want(422, set); !hasFault(a, "pin_unchanged") {
		c.Errorf("the current PIN again: %s", a.body)
	}
	set.body = raw(`{"pin":"` + otherPIN + `","current_pin":"` + wrongPIN + `"}`)
	c.refused(403, "wrong-pin", set)
	set.body = raw(`{"pin":"` + otherPIN + `","current_pin":"` + goodPIN + `"}`)
	if a := c.want(200, set); a.text(c, "set_by") != "holder" {
		c.Errorf("after setting one's own: %s", a.body)
	}
	lock(c, w)
	c.refused(423, "pin-locked", set)
}

// keysStory is the life of a key that a key creates.
func keysStory(c client) {
	create := request{op: "createApiKey", body: raw(`{"name":"n","scopes":["pins:read","pins:read"],"expires_at":"2099-12-31T00:00:00+01:00"}`)}
	made := c.want(201, create)
	if got := made.text(c, "expires_at"); got != "2099-12-30T23:00:00.000000Z" {
		c.Errorf("it expires at %s", got)
	}
	if !strings.HasPrefix(made.text(c, "key"), made.text(c, "prefix")+"_") {
		c.Errorf("the key does not begin with its prefix: %s", made.text(c, "prefix"))
	}
	c.want(200, request{op: "listApiKeys", query: url.Values{"per_page": {"100"}}})
	mine := http.Header{"X-Api-Key": {made.text(c, "key")}}
	c.refused(403, "forbidden", request{op: "createApiKey", body: create.body, header: mine})
	// An API key creates no runtime key, and revokes none that it did not create.
	create.body = raw(`{"name":"n","instance_id":"` + uuid.NewString() + `"}`)
	c.refused(403, "forbidden", create)
	for _, body := range []string{
		`{"name":"n"}`, `{"name":"n","scopes":["pins:read"],"instance_id":"` + uuid.NewString() + `"}`,
		`{"name":"n","instance_id":"` + uuid.Nil.String() + `"}`, `{"name":"\u0007","scopes":["pins:read"]}`,
		`{"name":"n","scopes":["pins:read"],"expires_at":"2001-01-01T00:00:00Z"}`, `{"name":"n","scopes":["admin"]}`,
	} {
		create.body = raw(body)
		c.want(422, create)
	}
	runtime, _, _ := strings.Cut(strings.TrimPrefix(c.agent, "hc_agent_"), "_")
	revoke := request{op: "revokeApiKey", path: map[string]string{"api_key_id": runtime}}
	c.refused(403, "forbidden", revoke)
	for _, unknown := range []string{"0000000000000000", uuid.NewString()} {
		revoke.path = map[string]string{"api_key_id": unknown}
		c.refused(404, "not-found", revoke)
	}
	revoke.path = map[string]string{"api_key_id": strings.Repeat("x", 65)}
	c.want(422, revoke)
	revoke.path = map[string]string{"api_key_id": made.text(c, "id")}
	c.want(204, revoke)
	c.want(204, revoke)
	c.want(422, request{op: "listApiKeys", query: url.Values{"page": {"0"}}})
}

// holdersStory deactivates PINs and finds them in the list.
func holdersStory(c client) {
	for deactivate, w := range map[string]who{"deactivateCustomerPin": customer(), "deactivateIdentityPin": identity()} {
		if w.path == "customer_id" {
			setPIN(c, w)
		}
		c.want(200, request{op: deactivate, path: w.in()})
		c.want(200, request{op: deactivate, path: w.in()})
	}
	if a := c.want(200, request{op: "listPins", query: url.Values{"status": {"inactive"}, "holder_type": {"customer"}}}); a.field(c, "total") == 0.0 {
		c.Errorf("no PIN is inactive: %s", a.body)
	}
	for query, want := range map[string]int{"page=100&per_page=100": 200, "page=101&per_page=100": 422, "page=500": 200, "page=501": 422, "status=on": 422} {
		values, err := url.ParseQuery(query)
		if err != nil {
			c.Fatal(err)
		}
		c.want(want, request{op: "listPins", query: values})
	}
}

func skills(n int) string {
	var b bytes.Buffer
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"s` + strconv.Itoa(i) + `"`)
	}
	return b.String()
}
