package httpapi_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const anID = "497f6eca-6276-4993-bfeb-53cbbbba6f08"

// list returns a JSON list of n texts.
func list(n int, text string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(`"`+text+`",`, n), ",") + "]"
}

// ask returns a valid question with one field more.
func ask(field string) string {
	return `{"skill":"s","role":"owner","customer_id":"` + anID + `",` + field + `}`
}

// What is in no schema and in no table above: everything at its limit passes.
func TestValidBodies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, body := range []string{
		`{"pin_required_skills":` + list(256, strings.Repeat("s", 128)) + `}`,
		`{"pin_required_skills":["*"],"pin_session_ttl_minutes":0}`,
		`{"pin_required_skills":["payments.*","Send money","@scope/tool","größe","送金","` + strings.Repeat("語", 128) + `"]}`,
		`{"pin_session_ttl_minutes":1440}`, `{"pin_session_ttl_minutes":-0}`, ` { } `,
	} {
		b.call(t, "PATCH", b.policyPath(), body, key(b.Key)).want(t, http.StatusOK)
	}
	for _, field := range []string{
		`"idempotency_key":"` + strings.Repeat("~", 64) + `"`, `"expires_in_seconds":1`, `"expires_in_seconds":86400`, `"call_key":"!"`,
		`"action":{"summary":"` + strings.Repeat("é", 500) + `","params":{}}`,
		`"action":{"summary":"a","params":{"a":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}}`,
	} {
		b.call(t, "POST", b.internalPath("/confirmations"), ask(field), key(b.RuntimeKey)).want(t, http.StatusOK)
	}
	for _, digits := range []string{"8046", "804615273948"} {
		b.call(t, "POST", b.customerPIN(), `{"pin":"`+digits+`"}`, key(b.Key)).want(t, http.StatusOK)
	}
}

// pydantic's words, and nothing of the value.
func TestMessages(t *testing.T) {
	t.Parallel()
	b := setup(t, "HYDRAPIN_PIN_MIN_LENGTH=6", "HYDRAPIN_PIN_MAX_LENGTH=8")
	for _, c := range []struct{ method, path, key, body, want string }{
		{"POST", b.customerPIN(), b.Key, `{}`, `{"detail":[{"loc":["body","pin"],"msg":"Field required","type":"missing"}]}`},
		{"POST", b.customerPIN(), b.Key, `{"pin":"8046"}`, `{"detail":[{"loc":["body","pin"],"msg":"String should have at least 6 characters","type":"string_too_short"}]}`},
		{"POST", b.customerPIN(), b.Key, `{"pin":"804615804"}`, `{"detail":[{"loc":["body","pin"],"msg":"String should have at most 8 characters","type":"string_too_long"}]}`},
		{"POST", b.customerPIN(), b.Key, `{"pin":"80461x"}`, `{"detail":[{"loc":["body","pin"],"msg":"String should match pattern '^[0-9]+$'","type":"string_pattern_mismatch"}]}`},
		{"POST", b.customerPIN(), b.Key, `{"pin":"123456"}`, `{"detail":[{"loc":["body","pin"],"msg":"PIN is too easy to guess","type":"pin_too_weak"}]}`},
		{"POST", b.customerPIN(), b.Key, `{"pin":7,"a":1}`, `{"detail":[{"loc":["body","pin"],"msg":"Input should be a valid string","type":"string_type"},{"loc":["body","a"],"msg":"Extra inputs are not permitted","type":"extra_forbidden"}]}`},
		{"POST", b.customerPIN(), b.Key, `x`, `{"detail":[{"loc":["body",0],"msg":"JSON decode error","type":"json_invalid"}]}`},
		{"POST", b.customerPIN(), b.Key, `[]`, `{"detail":[{"loc":["body"],"msg":"Input should be a valid dictionary","type":"dict_type"}]}`},
		{"GET", "/v1/customers/x/pin", b.Key, ``, `{"detail":[{"loc":["path","customer_id"],"msg":"Input should be a valid UUID","type":"uuid_parsing"}]}`},
		{"PATCH", b.policyPath(), b.Key, `{"pin_applies_to":"x"}`, `{"detail":[{"loc":["body","pin_applies_to"],"msg":"Input should be 'owner', 'customer' or 'all'","type":"literal_error"}]}`},
		{"PATCH", b.policyPath(), b.Key, `{"pin_session_ttl_minutes":1441}`, `{"detail":[{"loc":["body","pin_session_ttl_minutes"],"msg":"Input should be less than or equal to 1440","type":"less_than_equal"}]}`},
		{"PATCH", b.policyPath(), b.Key, `{"pin_session_ttl_minutes":-1}`, `{"detail":[{"loc":["body","pin_session_ttl_minutes"],"msg":"Input should be greater than or equal to 0","type":"greater_than_equal"}]}`},
		{"PATCH", b.policyPath(), b.Key, `{"pin_session_ttl_minutes":0.5}`, `{"detail":[{"loc":["body","pin_session_ttl_minutes"],"msg":"Input should be a valid integer, got a number with a fractional part","type":"int_from_float"}]}`},
		{"PATCH", b.policyPath(), b.Key, `{"pin_session_ttl_minutes":"1"}`, `{"detail":[{"loc":["body","pin_session_ttl_minutes"],"msg":"Input should be a valid integer","type":"int_type"}]}`},
		{"PATCH", b.policyPath(), b.Key, `{"pin_required_skills":1}`, `{"detail":[{"loc":["body","pin_required_skills"],"msg":"Input should be a valid list","type":"list_type"}]}`},
		{"PATCH", b.policyPath(), b.Key, `{"pin_required_skills":[""]}`, `{"detail":[{"loc":["body","pin_required_skills",0],"msg":"String should have at least 1 character","type":"string_too_short"}]}`},
		{"PATCH", b.policyPath(), b.Key, `{"pin_required_skills":` + list(300, "s") + `}`, `{"detail":[{"loc":["body","pin_required_skills"],"msg":"List should have at most 256 items after validation, not 300","type":"too_long"}]}`},
		{"POST", b.internalPath("/confirmations"), b.RuntimeKey, `{"skill":"s","role":"x","customer_id":"` + anID + `"}`, `{"detail":[{"loc":["body","role"],"msg":"Input should be 'owner' or 'customer'","type":"literal_error"}]}`},
		{"POST", b.internalPath("/confirmations"), b.RuntimeKey, `{"skill":"s","role":"owner"}`, `{"detail":[{"loc":["body"],"msg":"Value error, exactly one of customer_id and identity_id is required","type":"value_error"}]}`},
		{"POST", b.internalPath("/confirmations"), b.RuntimeKey, ask(`"action":{"summary":"s","params":{"n":1e999}}`), `{"detail":[{"loc":["body","action","params","n"],"msg":"Value error, a number in params does not survive as a double","type":"value_error"}]}`},
		{"GET", b.internalPath("/confirmations/" + anID + "?wait_seconds=x"), b.RuntimeKey, ``, `{"detail":[{"loc":["query","wait_seconds"],"msg":"Input should be a valid integer, unable to parse string as an integer","type":"int_parsing"}]}`},
	} {
		got := b.call(t, c.method, c.path, c.body, key(c.key)).want(t, 422)
		if strings.TrimSpace(got.text) != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.body, got.text, c.want)
		}
	}
	if events := b.events(t); len(events) != 2 { // the two keys
		t.Errorf("%d events after invalid requests", len(events))
	}
	// What is entered may be of any length that a PIN can have.
	b.call(t, "POST", b.internalPath("/confirmations/"+anID+"/verify"), `{"pin":"1111"}`, key(b.RuntimeKey)).problem(t, 404, "not-found")
}

func TestInvalidParameters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wait := b.internalPath("/confirmations/" + anID + "?")
	end := b.internalPath("/pin-sessions?")
	for _, c := range []struct {
		method, path, key string
		edit              edit
		want              []string
	}{
		{"GET", "/v1/customers/7/pin", b.Key, nil, []string{"path.customer_id uuid_parsing"}},
		{"GET", "/v1/customers//pin", b.Key, nil, []string{"path.customer_id uuid_parsing"}},
		{"GET", "/v1/customers/" + anID + "%20/pin", b.Key, nil, []string{"path.customer_id uuid_parsing"}},
		{"GET", "/v1/customers/" + anID + "%2Fx/pin", b.Key, nil, []string{"path.customer_id uuid_parsing"}},
		{"GET", "/v1/customers/%00/pin", b.Key, nil, []string{"path.customer_id uuid_parsing"}},
		{"GET", "/v1/customers/{" + anID + "}/pin", b.Key, nil, []string{"path.customer_id uuid_parsing"}},
		{"DELETE", "/v1/customers/" + strings.ReplaceAll(anID, "-", "") + "/pin", b.Key, nil, []string{"path.customer_id uuid_parsing"}},
		{"POST", "/v1/customers/urn:uuid:" + anID + "/pin/unlock", b.Key, nil, []string{"path.customer_id uuid_parsing"}},
		{"GET", "/v1/instances/x/identities/y/pin", b.Key, nil, []string{"path.instance_id uuid_parsing", "path.identity_id uuid_parsing"}},
		{"GET", b.internalPath("/identities/x/pin"), b.RuntimeKey, nil, []string{"path.identity_id uuid_parsing"}},
		{"GET", b.internalPath("/confirmations/x?wait_seconds=31"), b.RuntimeKey, nil, []string{"path.confirmation_id uuid_parsing", "query.wait_seconds less_than_equal"}},
		{"GET", wait + "wait_seconds=-1", b.RuntimeKey, nil, []string{"query.wait_seconds greater_than_equal"}},
		{"GET", wait + "wait_seconds=", b.RuntimeKey, nil, []string{"query.wait_seconds int_parsing"}},
		{"GET", wait + "wait_seconds", b.RuntimeKey, nil, []string{"query.wait_seconds int_parsing"}},
		{"GET", wait + "wait_seconds=5.0", b.RuntimeKey, nil, []string{"query.wait_seconds int_parsing"}},
		{"GET", wait + "wait_seconds=1_0", b.RuntimeKey, nil, []string{"query.wait_seconds int_parsing"}},
		{"GET", wait + "wait_seconds=99999999999999999999", b.RuntimeKey, nil, []string{"query.wait_seconds less_than_equal"}},
		{"GET", wait + "wait_seconds=1&wait_seconds=1", b.RuntimeKey, nil, []string{"query.wait_seconds value_error"}},
		{"GET", wait + "wait_seconds=%zz", b.RuntimeKey, nil, []string{"query value_error"}},
		{"DELETE", end, b.RuntimeKey, nil, []string{"query value_error"}},
		{"DELETE", end + "customer_id=" + anID + "&identity_id=" + anID, b.RuntimeKey, nil, []string{"query value_error"}},
		{"DELETE", end + "customer_id=x", b.RuntimeKey, nil, []string{"query.customer_id uuid_parsing"}},
		{"DELETE", end + "identity_id=", b.RuntimeKey, nil, []string{"query.identity_id uuid_parsing"}},
		{"DELETE", end + "customer_id=" + anID + "&customer_id=" + anID, b.RuntimeKey, nil, []string{"query.customer_id value_error"}},
		{"PATCH", b.policyPath(), b.Key, header("If-Match", ""), []string{"header.If-Match string_too_short"}},
		{"PATCH", b.policyPath(), b.Key, header("If-Match", "1"), []string{"header.If-Match string_pattern_mismatch"}},
		{"PATCH", b.policyPath(), b.Key, header("If-Match", `"`+strings.Repeat("1", 1023)+`"`), []string{"header.If-Match string_too_long"}},
		{"PATCH", "/v1/instances/x/pin-policy", b.Key, header("If-Match", "x"), []string{"path.instance_id uuid_parsing", "header.If-Match string_pattern_mismatch"}},
		{"PATCH", b.policyPath(), b.Key, func(r *http.Request) { r.Header["If-Match"] = []string{`"1"`, `*`} }, []string{"header.If-Match string_pattern_mismatch"}},
		{"GET", b.policyPath(), b.Key, header("If-None-Match", "1"), []string{"header.If-None-Match string_pattern_mismatch"}},
		{"GET", b.policyPath() + "?%zz", b.Key, nil, []string{"query value_error"}},
		{"POST", b.customerPIN() + "/unlock?a=%", b.Key, nil, []string{"query value_error"}},
	} {
		body := ""
		if c.method == "PATCH" {
			body = "{}"
		}
		got := b.call(t, c.method, c.path, body, append([]edit{key(c.key)}, edits(c.edit)...)...)
		if errs := got.invalid(t); !slices.Equal(errs, c.want) {
			t.Errorf("%s %s\n got %q\nwant %q", c.method, c.path, errs, c.want)
		}
	}
	// Unknown parameters, and other spellings of the same, are ignored.
	encoded := "/v1/customers/%34" + anID[1:] + "/pin?x=1&x=2"
	b.call(t, "GET", encoded, "", key(b.Key)).want(t, 200)
	b.call(t, "GET", wait+"wait_seconds=000&x=%zz", "", key(b.RuntimeKey)).want(t, 422)
	b.call(t, "GET", wait+"wait_seconds=000&other", "", key(b.RuntimeKey)).problem(t, 404, "not-found")
}

func edits(e edit) []edit {
	if e == nil {
		return nil
	}
	return []edit{e}
}

// A body that is nothing but errors does not make an answer without end.
func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var body strings.Builder
	body.WriteString(`{"pin":"8"`)
	for i := range 5000 {
		fmt.Fprintf(&body, `,"%d":1`, i)
	}
	body.WriteString("}")
	got := b.call(t, "POST", b.customerPIN(), body.String(), key(b.Key)).invalid(t)
	if len(got) != 512 || got[0] != "body.pin string_too_short" {
		t.Errorf("%d errs, first %q", len(got), got[0])
	}
}
