package httpapi_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// pending sets the customer's PIN and asks about a skill that needs it.
func (b *bench) pending(tb testing.TB) string {
	tb.Helper()
	b.call(tb, "POST", b.customerPIN(), `{"pin":"804615"}`, key(b.Key)).want(tb, 200)
	b.call(tb, "PATCH", b.policyPath(), `{"pin_required_skills":["pay"]}`, key(b.Key)).want(tb, 200)
	got := b.ask(tb, "").want(tb, 201).fields(tb)
	return got["id"].(string)
}

// ask asks about the skill, with more fields.
func (b *bench) ask(tb testing.TB, more string) reply {
	tb.Helper()
	body := `{"skill":"pay","role":"owner","customer_id":"` + b.Customer.String() + `"` + more + `}`
	return b.call(tb, "POST", b.internalPath("/confirmations"), body, key(b.RuntimeKey))
}

func (b *bench) on(tb testing.TB, method, id, rest, body string) reply {
	tb.Helper()
	return b.call(tb, method, b.internalPath("/confirmations/"+id+rest), body, key(b.RuntimeKey))
}

var confirmationFields = []string{
	"action_digest", "action_summary", "attempts_remaining", "confirm_url", "created_at", "customer_id", "expires_at", "id",
	"identity_id", "locked_until", "outcome", "outcome_at", "reason", "receipt", "role", "session_expires_at", "skill", "status",
}

// wantConfirmation checks that every field is there, and those that are given.
func wantConfirmation(tb testing.TB, r reply, want map[string]any) map[string]any {
	tb.Helper()
	got := r.fields(tb)
	var names []string
	for name := range got {
		names = append(names, name)
	}
	slices.Sort(names)
	if !slices.Equal(names, confirmationFields) {
		tb.Errorf("fields %q", names)
	}
	for k, v := range want {
		if fmt.Sprint(got[k]) != fmt.Sprint(v) {
			tb.Errorf("%s: %v, want %v in %s", k, got[k], v, r.text)
		}
	}
	return got
}

var wireTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`)

func TestConfirmationStory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wantConfirmation(t, b.ask(t, "").want(t, 200), map[string]any{
		"id": nil, "status": "not_required", "reason": "skill_not_listed", "created_at": nil, "expires_at": nil, "customer_id": b.Customer,
	})
	b.call(t, "PATCH", b.policyPath(), `{"pin_required_skills":["PAY"]}`, key(b.Key)).want(t, 200)
	wantConfirmation(t, b.ask(t, "").want(t, 200), map[string]any{"id": nil, "status": "blocked", "reason": "pin_not_set", "attempts_remaining": nil})
	b.call(t, "POST", b.customerPIN(), `{"pin":"804615"}`, key(b.Key)).want(t, 200)

	const action = `,"action":{"summary":"Pay 5","params":{"b":1.0,"a":"ä"}},"idempotency_key":"k1","expires_in_seconds":60`
	asked := wantConfirmation(t, b.ask(t, action).want(t, 201), map[string]any{
		"status": "pending", "reason": nil, "skill": "pay", "role": "owner", "customer_id": b.Customer, "identity_id": nil,
		"action_summary": "Pay 5", "attempts_remaining": 5, "locked_until": nil, "receipt": nil, "session_expires_at": nil,
		"action_digest": "sha-256:507aab815f2bdfce1c740c0b1ae7b1c874f56b9aa5b9ab109a07b57365148233",
	})
	if !wireTime.MatchString(asked["created_at"].(string)) || !wireTime.MatchString(asked["expires_at"].(string)) {
		t.Errorf("times %v, %v", asked["created_at"], asked["expires_at"])
	}
	if link, _ := asked["confirm_url"].(string); !strings.HasPrefix(link, b.URL+"/confirm/") {
		t.Errorf("confirm_url %q", link)
	}
	id := asked["id"].(string)
	b.on(t, "GET", id, "/qr", "").want(t, 200)
	again := b.ask(t, strings.Replace(action, `"b":1.0,"a":"ä"`, `"a":"\u00e4","b":1`, 1)).want(t, 200)
	wantConfirmation(t, again, map[string]any{"id": id, "status": "pending"})
	b.ask(t, strings.Replace(action, "Pay 5", "Pay 6", 1)).problem(t, 409, "idempotency-conflict")

	wrong := b.on(t, "POST", id, "/verify", `{"pin":"492750"}`).problem(t, 403, "wrong-pin")
	if wrong["attempts_remaining"] != 4.0 || wrong["locked_until"] != nil {
		t.Errorf("wrong: %v", wrong)
	}
	b.on(t, "POST", id, "/redeem", `{}`).problem(t, 409, "not-approved")
	approved := wantConfirmation(t, b.on(t, "POST", id, "/verify", `{"pin":"804615"}`).want(t, 200), map[string]any{
		"status": "approved", "reason": "pin", "attempts_remaining": nil, "session_expires_at": nil, "confirm_url": nil,
	})
	wantConfirmation(t, b.on(t, "GET", id, "?wait_seconds=30", "").want(t, 200), map[string]any{"status": "approved", "receipt": approved["receipt"]})
	b.on(t, "POST", id, "/verify", `{"pin":"804615"}`).problem(t, 409, "not-pending")
	b.on(t, "GET", id, "/qr", "").problem(t, 410, "expired")
	for _, other := range []string{`{}`, `{"params":{}}`, `{"params":{"a":"ä","b":2}}`, `{"skill":"x","params":{"a":"ä","b":1}}`} {
		b.on(t, "POST", id, "/redeem", other).problem(t, 409, "params-mismatch")
	}
	wantConfirmation(t, b.on(t, "POST", id, "/redeem", `{"skill":"Pay","params":{"a":"ä","b":1e0}}`).want(t, 200), map[string]any{"status": "redeemed", "receipt": nil})
	b.on(t, "POST", id, "/redeem", `{"params":{"a":"ä","b":1}}`).problem(t, 409, "already-redeemed")
	b.on(t, "DELETE", id, "", "").problem(t, 409, "already-redeemed")
}

func TestSessions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.pending(t)
	opened := b.on(t, "POST", id, "/verify", `{"pin":"804615"}`).want(t, 200).fields(t)
	if opened["session_expires_at"] == nil || !wireTime.MatchString(opened["session_expires_at"].(string)) {
		t.Errorf("opened %v", opened)
	}
	bySession := wantConfirmation(t, b.ask(t, "").want(t, 201), map[string]any{"status": "approved", "reason": "session"})
	b.call(t, "DELETE", b.internalPath("/pin-sessions?customer_id="+b.Customer.String()), "", key(b.RuntimeKey)).want(t, 204)
	wantConfirmation(t, b.on(t, "GET", bySession["id"].(string), "", "").want(t, 200), map[string]any{"status": "declined", "reason": "session_ended"})
	wantConfirmation(t, b.ask(t, "").want(t, 201), map[string]any{"status": "pending"})
	b.call(t, "DELETE", b.internalPath("/pin-sessions?identity_id="+b.Identity.String()), "", key(b.RuntimeKey)).want(t, 204)
}

func TestLock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.pending(t)
	for left := 4; left >= 0; left-- {
		got := b.on(t, "POST", id, "/verify", `{"pin":"1111"}`).problem(t, 403, "wrong-pin")
		if got["attempts_remaining"] != float64(left) || (left == 0) != (got["locked_until"] != nil) {
			t.Errorf("%d left: %v", left, got)
		}
	}
	b.clock.Add(100*time.Millisecond + time.Microsecond)
	got := b.on(t, "POST", id, "/verify", `{"pin":"804615"}`)
	locked := got.problem(t, 423, "pin-locked")
	if locked["attempts_remaining"] != 0.0 || !wireTime.MatchString(locked["locked_until"].(string)) {
		t.Errorf("locked: %v", locked)
	}
	retryWithin(t, got, 900, 900)
	wantConfirmation(t, b.on(t, "GET", id, "", "").want(t, 200), map[string]any{"status": "pending", "attempts_remaining": 0, "locked_until": locked["locked_until"]})
	wantConfirmation(t, b.ask(t, "").want(t, 200), map[string]any{"status": "blocked", "reason": "pin_locked", "locked_until": locked["locked_until"]})
	status := b.call(t, "GET", b.customerPIN(), "", key(b.Key)).want(t, 200).fields(t)
	if status["is_locked"] != true || status["is_active"] != true || status["locked_until"] != locked["locked_until"] {
		t.Errorf("status %v", status)
	}
	b.call(t, "POST", b.customerPIN()+"/unlock", "", key(b.Key)).want(t, 200)
	b.on(t, "POST", id, "/verify", `{"pin":"804615"}`).want(t, 200)
	b.call(t, "POST", b.customerPIN(), `{"pin":"492750"}`, key(b.Key)).want(t, 200)
	b.on(t, "POST", id, "/redeem", `{}`).problem(t, 409, "not-approved")
}

func TestDeactivation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.pending(t)
	for n := range 20 {
		id := b.ask(t, `,"expires_in_seconds":3600`).want(t, 201).fields(t)["id"].(string)
		b.on(t, "POST", id, "/verify", `{"pin":"1111"}`).problem(t, 403, "wrong-pin")
		if n == 19 {
			got := b.on(t, "POST", id, "/verify", `{"pin":"804615"}`)
			if m := got.problem(t, 423, "pin-inactive"); m["attempts_remaining"] != 0.0 || m["locked_until"] != nil || got.Header.Get("Retry-After") != "" {
				t.Errorf("inactive: %v", m)
			}
			break
		}
		b.clock.Add(3 * time.Hour)
	}
	wantConfirmation(t, b.ask(t, "").want(t, 200), map[string]any{"status": "blocked", "reason": "pin_inactive"})
}

func TestExpiryAndLimits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.pending(t)
	b.on(t, "DELETE", id, "", "").want(t, 204)
	b.on(t, "DELETE", id, "", "").want(t, 204)
	b.on(t, "POST", id, "/verify", `{"pin":"804615"}`).problem(t, 409, "not-pending")
	for range 50 {
		id = b.ask(t, "").want(t, 201).fields(t)["id"].(string)
	}
	got := b.ask(t, "")
	got.problem(t, 429, "too-many-requests")
	retryWithin(t, got, 300, 300)
	b.clock.Add(300 * time.Second)
	b.on(t, "POST", id, "/verify", `{"pin":"804615"}`).problem(t, 410, "expired")
	b.on(t, "DELETE", id, "", "").problem(t, 410, "expired")
	wantConfirmation(t, b.on(t, "GET", id, "", "").want(t, 200), map[string]any{"status": "expired", "attempts_remaining": nil})
}

func TestIdentityPIN(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := "/v1/instances/" + b.Instance.String() + "/identities/" + b.Identity.String() + "/pin"
	b.call(t, "POST", b.identityPIN(), `{"pin":"804615","current_pin":"1111"}`, key(b.RuntimeKey)).want(t, 200)
	b.call(t, "POST", b.identityPIN(), `{"pin":"492750","current_pin":"804615"}`, key(b.RuntimeKey)).want(t, 200)
	b.call(t, "DELETE", b.identityPIN(), "", key(b.RuntimeKey)).want(t, 204)
	b.call(t, "POST", b.identityPIN(), `{"pin":"804615"}`, key(b.RuntimeKey)).want(t, 200)
	b.call(t, "PATCH", b.policyPath(), `{"pin_required_skills":["pay"]}`, key(b.Key)).want(t, 200)
	ask := `{"skill":"pay","role":"customer","identity_id":"` + strings.ToUpper(b.Identity.String()) + `"}`
	got := b.call(t, "POST", b.internalPath("/confirmations"), ask, key(b.RuntimeKey)).want(t, 200)
	wantConfirmation(t, got, map[string]any{"status": "blocked", "reason": "pin_cooling_off", "identity_id": b.Identity, "customer_id": nil, "role": "customer"})
	b.call(t, "POST", admin+"/unlock", "", key(b.Key)).want(t, 200)
	got = b.call(t, "POST", b.internalPath("/confirmations"), ask, key(b.RuntimeKey)).want(t, 201)
	wantConfirmation(t, got, map[string]any{"status": "pending", "identity_id": b.Identity})
	b.call(t, "DELETE", admin, "", key(b.Key)).want(t, 204)
	if got := b.call(t, "GET", b.identityPIN(), "", key(b.RuntimeKey)).want(t, 200); strings.TrimSpace(got.text) != noPIN {
		t.Errorf("removed: %s", got.text)
	}
	if got := b.call(t, "GET", admin, "", key(b.Key)).want(t, 200); strings.TrimSpace(got.text) != noPIN {
		t.Errorf("removed: %s", got.text)
	}
}

// Asking answers with the address of the confirmation, relative to its own.
func TestAskHasALocation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.pending(t)
	asked := b.ask(t, "").want(t, 201)
	at, err := asked.Request.URL.Parse(asked.Header.Get("Location"))
	must(t, err)
	got := b.call(t, "GET", at.Path, "", key(b.RuntimeKey)).want(t, 200)
	if got.fields(t)["id"] != asked.fields(t)["id"] {
		t.Errorf("%s has %s", at, got.text)
	}
}
