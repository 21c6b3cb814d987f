package httpapi_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/pin"
)

const anID = "497f6eca-6276-4993-bfeb-53cbbbba6f08"

// list returns a JSON list of n texts.
func list(n int, text string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(`"`+text+`",`, n), ",") + "]"
}

// invalidBodies are bodies and the faults that each must be answered with, by
// operation.
var invalidBodies = map[string][]struct {
	body   string
	faults []string
}{
	"set": {
		{`{}`, []string{"body.pin missing"}},
		{`{"pin":null}`, []string{"body.pin string_type"}},
		{`{"pin":804615}`, []string{"body.pin string_type"}},
		{`{"pin":["804615"]}`, []string{"body.pin string_type"}},
		{`{"pin":true}`, []string{"body.pin string_type"}},
		{`{"pin":""}`, []string{"body.pin string_too_short"}},
		{`{"pin":"804"}`, []string{"body.pin string_too_short"}},
		{`{"pin":"8046158046158"}`, []string{"body.pin string_too_long"}},
		{`{"pin":"80461x"}`, []string{"body.pin string_pattern_mismatch"}},
		{`{"pin":"８０４６１５"}`, []string{"body.pin string_pattern_mismatch"}},
		{`{"pin":"804615\n"}`, []string{"body.pin string_pattern_mismatch"}},
		{`{"pin":"😀😀😀"}`, []string{"body.pin string_too_short"}},
		{`{"pin":"1111"}`, []string{"body.pin pin_too_weak"}},
		{`{"pin":"123123"}`, []string{"body.pin pin_too_weak"}},
		{`{"PIN":"804615"}`, []string{"body.pin missing", "body.PIN extra_forbidden"}},
		{`{"pin":"804","x":1,"":2}`, []string{"body.pin string_too_short", "body.x extra_forbidden", "body. extra_forbidden"}},
		{`{"` + strings.Repeat("é", 70) + `":1,"pin":"804615"}`, []string{"body." + strings.Repeat("é", 64) + "… extra_forbidden"}},
		{``, []string{"body missing"}},
		{` `, []string{"body.0 json_invalid"}},
		{`null`, []string{"body dict_type"}},
		{`[]`, []string{"body dict_type"}},
		{`"804615"`, []string{"body dict_type"}},
		{`804615`, []string{"body dict_type"}},
		{`{"pin":"804615"`, []string{"body.15 json_invalid"}},
		{`{"pin":"804615"} {}`, []string{"body.18 json_invalid"}},
		{`{"pin":"804615"}x`, []string{"body.16 json_invalid"}},
		{`{"pin":"804615","pin":"492750"}`, []string{"body.16 json_invalid"}},
		{`{"pin":"804615","p\u0069n":"492750"}`, []string{"body.16 json_invalid"}},
		{"{\"pin\":\"80\xff4615\"}", []string{"body.10 json_invalid"}},
		{`{"pin":"\ud800"}`, []string{"body.8 json_invalid"}},
		{`{"pin":'804615'}`, []string{"body.7 json_invalid"}},
		{"\ufeff" + `{"pin":"804615"}`, []string{"body.0 json_invalid"}},
		{`{"pin":NaN}`, []string{"body.7 json_invalid"}},
		{`{"pin":08}`, []string{"body.8 json_invalid"}},
		{strings.Repeat("[", 100) + strings.Repeat("]", 100), []string{"body.65 json_invalid"}},
	},
	"runtimeSet": {
		{`{}`, []string{"body.pin missing"}},
		{`{"pin":"1111","current_pin":"1"}`, []string{"body.pin pin_too_weak", "body.current_pin string_too_short"}},
		{`{"pin":"804615","current_pin":null}`, []string{"body.current_pin string_type"}},
		{`{"pin":"804615","current_pin":"1234567890123"}`, []string{"body.current_pin string_too_long"}},
		{`{"pin":"804615","current_pin":"80461x"}`, []string{"body.current_pin string_pattern_mismatch"}},
	},
	"verify": {
		{`{}`, []string{"body.pin missing"}},
		{`{"pin":"123"}`, []string{"body.pin string_too_short"}},
		{`{"pin":"1234567890123"}`, []string{"body.pin string_too_long"}},
		{`{"pin":"12 34"}`, []string{"body.pin string_pattern_mismatch"}},
		{`{"pin":1111}`, []string{"body.pin string_type"}},
	},
	"policy": {
		{``, []string{"body missing"}},
		{`[]`, []string{"body dict_type"}},
		{
			`{"pin_applies_to":"none","pin_required_skills":"mail","pin_session_ttl_minutes":"30","pin_session_ttl":1}`,
			[]string{"body.pin_applies_to literal_error", "body.pin_required_skills list_type", "body.pin_session_ttl_minutes int_type", "body.pin_session_ttl extra_forbidden"},
		},
		{`{"pin_applies_to":1}`, []string{"body.pin_applies_to literal_error"}},
		{`{"pin_applies_to":"Owner"}`, []string{"body.pin_applies_to literal_error"}},
		{`{"pin_applies_to":"<nil>"}`, []string{"body.pin_applies_to literal_error"}},
		{`{"pin_required_skills":["ok",""," a",null,1,"*","**","a\u0007","a*b","a＊b"]}`, []string{
			"body.pin_required_skills.1 string_too_short", "body.pin_required_skills.2 string_pattern_mismatch",
			"body.pin_required_skills.3 string_type", "body.pin_required_skills.4 string_type",
			"body.pin_required_skills.6 string_pattern_mismatch", "body.pin_required_skills.7 unsafe_text",
			"body.pin_required_skills.8 string_pattern_mismatch", "body.pin_required_skills.9 string_pattern_mismatch",
		}},
		{`{"pin_required_skills":` + list(200, strings.Repeat("é", 100)) + `}`, []string{"body.pin_required_skills value_error"}},
		{`{"pin_required_skills":["` + strings.Repeat("s", 129) + `"]}`, []string{"body.pin_required_skills.0 string_too_long"}},
		{`{"pin_required_skills":{}}`, []string{"body.pin_required_skills list_type"}},
		{`{"pin_required_skills":` + list(257, "s") + `}`, []string{"body.pin_required_skills too_long"}},
		{`{"pin_session_ttl_minutes":-1}`, []string{"body.pin_session_ttl_minutes greater_than_equal"}},
		{`{"pin_session_ttl_minutes":1441}`, []string{"body.pin_session_ttl_minutes less_than_equal"}},
		{`{"pin_session_ttl_minutes":5.5}`, []string{"body.pin_session_ttl_minutes int_from_float"}},
		{`{"pin_session_ttl_minutes":5.0}`, []string{"body.pin_session_ttl_minutes int_from_float"}},
		{`{"pin_session_ttl_minutes":1e1}`, []string{"body.pin_session_ttl_minutes int_from_float"}},
		{`{"pin_session_ttl_minutes":true}`, []string{"body.pin_session_ttl_minutes int_type"}},
		{`{"pin_session_ttl_minutes":[]}`, []string{"body.pin_session_ttl_minutes int_type"}},
		{`{"pin_session_ttl_minutes":` + strings.Repeat("9", 400) + `}`, []string{"body.pin_session_ttl_minutes less_than_equal"}},
		{`{"pin_session_ttl_minutes":-` + strings.Repeat("9", 400) + `}`, []string{"body.pin_session_ttl_minutes greater_than_equal"}},
	},
	"ask": {
		{`{}`, []string{"body.skill missing", "body.role missing", "body value_error"}},
		{`{"skill":"mail.*","role":"owner","customer_id":"` + anID + `"}`, []string{"body.skill string_pattern_mismatch"}},
		{`{"skill":"mail\u2028","role":"owner","customer_id":"` + anID + `"}`, []string{"body.skill string_pattern_mismatch"}},
		{`{"skill":"mail\u0378","role":"owner","customer_id":"` + anID + `"}`, []string{"body.skill unsafe_text"}},
		{`{"skill":"*","role":"admin"}`, []string{"body.skill string_pattern_mismatch", "body.role literal_error", "body value_error"}},
		{
			`{"skill":"s","role":null,"customer_id":"` + anID + `","identity_id":"` + anID + `"}`,
			[]string{"body.role literal_error", "body value_error"},
		},
		{`{"skill":"s","role":"owner","customer_id":null}`, []string{"body.customer_id uuid_parsing"}},
		{`{"skill":"s","role":"owner","customer_id":7}`, []string{"body.customer_id uuid_parsing"}},
		{`{"skill":"s","role":"owner","identity_id":"{` + anID + `}"}`, []string{"body.identity_id uuid_parsing"}},
		{`{"skill":"s","role":"owner","identity_id":"urn:uuid:` + anID + `"}`, []string{"body.identity_id uuid_parsing"}},
		{`{"skill":"s","role":"owner","customer_id":"` + strings.ReplaceAll(anID, "-", "") + `"}`, []string{"body.customer_id uuid_parsing"}},
		{ask(`"idempotency_key":""`), []string{"body.idempotency_key string_too_short"}},
		{ask(`"idempotency_key":"a b"`), []string{"body.idempotency_key string_pattern_mismatch"}},
		{ask(`"idempotency_key":"` + strings.Repeat("k", 65) + `"`), []string{"body.idempotency_key string_too_long"}},
		{ask(`"idempotency_key":null`), []string{"body.idempotency_key string_type"}},
		{ask(`"expires_in_seconds":0`), []string{"body.expires_in_seconds greater_than_equal"}},
		{ask(`"expires_in_seconds":3601`), []string{"body.expires_in_seconds less_than_equal"}},
		{ask(`"expires_in_seconds":null`), []string{"body.expires_in_seconds int_type"}},
		{ask(`"action":null`), []string{"body.action dict_type"}},
		{ask(`"action":{}`), []string{"body.action.summary missing", "body.action.params missing"}},
		{ask(`"action":{"summary":"","params":[],"x":1}`), []string{"body.action.summary string_too_short", "body.action.params dict_type", "body.action.x extra_forbidden"}},
		{ask(`"action":{"summary":"` + strings.Repeat("é", 501) + `","params":null}`), []string{"body.action.summary string_too_long", "body.action.params dict_type"}},
		{ask(`"action":{"summary":"a\u0000b","params":{}}`), []string{"body.action.summary unsafe_text"}},
		{ask(`"action":{"summary":"  ","params":{}}`), []string{"body.action.summary unsafe_text"}},
		{ask(`"action":{"summary":"eve\rSend 1.00 EUR to Mum\u001b[K","params":{}}`), []string{"body.action.summary unsafe_text"}},
		{ask(`"action":{"summary":"Pay\u202e00.1","params":{}}`), []string{"body.action.summary unsafe_text"}},
		{ask(`"action":{"summary":"a","params":{"amount":9007199254740993}}`), []string{"body.action.params.amount value_error"}},
		{ask(`"action":{"summary":"a","params":{"a":{"b":[0,1e999]},"c":1e999}}`), []string{"body.action.params.a.b.1 value_error", "body.action.params.c value_error"}},
		{ask(`"action":{"summary":"a","params":{"` + strings.Repeat("é", 70) + `":1e999}}`), []string{"body.action.params." + strings.Repeat("é", 64) + "… value_error"}},
		{ask(`"action":{"summary":"a","params":{"a":"` + strings.Repeat("x", 16<<10) + `"}}`), []string{"body.action.params value_error"}},
		{ask(`"action":{"summary":"a","params":{"a":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}}`), []string{"body.action.params.a" + strings.Repeat(".0", 31) + " value_error"}},
		{`{"action":{"params":{"a":1,"a":1}}}`, []string{"body.27 json_invalid"}},
		{`{"action":{"params":{"a":"\ud800"}}}`, []string{"body.26 json_invalid"}},
	},
	"redeem": {
		{``, []string{"body missing"}},
		{`{"skill":null,"params":null}`, []string{"body.params dict_type", "body.skill string_type"}},
		{`{"skill":"*","params":"{}"}`, []string{"body.params dict_type", "body.skill string_pattern_mismatch"}},
		{`{"skill":"mail.＊"}`, []string{"body.skill string_pattern_mismatch"}},
		{`{"params":{"a":0.10000000000000000001}}`, []string{"body.params.a value_error"}},
		{`{"param":{}}`, []string{"body.param extra_forbidden"}},
	},
}

// ask returns a valid question with one field more.
func ask(field string) string {
	return `{"skill":"s","role":"owner","customer_id":"` + anID + `",` + field + `}`
}

func TestInvalidBodies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	confirmation := b.internalPath("/confirmations/" + anID)
	for name, op := range map[string]struct{ method, path, key string }{
		"set":        {"POST", b.customerPIN(), b.live},
		"policy":     {"PATCH", b.policyPath(), b.live},
		"runtimeSet": {"POST", b.identityPIN(), b.runtime},
		"ask":        {"POST", b.internalPath("/confirmations"), b.runtime},
		"verify":     {"POST", confirmation + "/verify", b.runtime},
		"redeem":     {"POST", confirmation + "/redeem", b.runtime},
	} {
		for _, c := range invalidBodies[name] {
			got := b.call(t, op.method, op.path, c.body, key(op.key))
			if faults := got.faults(t); !slices.Equal(faults, c.faults) {
				t.Errorf("%s %.80s\n got %q\nwant %q", name, c.body, faults, c.faults)
			}
		}
	}
	if events := b.events(t); len(events) != 2 { // the two keys
		t.Errorf("%d events after invalid requests", len(events))
	}
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
		b.call(t, "PATCH", b.policyPath(), body, key(b.live)).want(t, http.StatusOK)
	}
	for _, field := range []string{
		`"idempotency_key":"` + strings.Repeat("~", 64) + `"`, `"expires_in_seconds":1`, `"expires_in_seconds":3600`,
		`"action":{"summary":"` + strings.Repeat("é", 500) + `","params":{}}`,
		`"action":{"summary":"a","params":{"a":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}}`,
	} {
		b.call(t, "POST", b.internalPath("/confirmations"), ask(field), key(b.runtime)).want(t, http.StatusOK)
	}
	for _, digits := range []string{"8046", "804615273948"} {
		b.call(t, "POST", b.customerPIN(), `{"pin":"`+digits+`"}`, key(b.live)).want(t, http.StatusOK)
	}
}

// pydantic's words, and nothing of the value.
func TestMessages(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *options) { o.rules = pin.Rules{MinLength: 6, MaxLength: 8} })
	for _, c := range []struct{ method, path, key, body, want string }{
		{"POST", b.customerPIN(), b.live, `{}`, `{"detail":[{"loc":["body","pin"],"msg":"Field required","type":"missing"}]}`},
		{"POST", b.customerPIN(), b.live, `{"pin":"8046"}`, `{"detail":[{"loc":["body","pin"],"msg":"String should have at least 6 characters","type":"string_too_short"}]}`},
		{"POST", b.customerPIN(), b.live, `{"pin":"804615804"}`, `{"detail":[{"loc":["body","pin"],"msg":"String should have at most 8 characters","type":"string_too_long"}]}`},
		{"POST", b.customerPIN(), b.live, `{"pin":"80461x"}`, `{"detail":[{"loc":["body","pin"],"msg":"String should match pattern '^[0-9]+$'","type":"string_pattern_mismatch"}]}`},
		{"POST", b.customerPIN(), b.live, `{"pin":"123456"}`, `{"detail":[{"loc":["body","pin"],"msg":"PIN is too easy to guess","type":"pin_too_weak"}]}`},
		{"POST", b.customerPIN(), b.live, `{"pin":7,"a":1}`, `{"detail":[{"loc":["body","pin"],"msg":"Input should be a valid string","type":"string_type"},{"loc":["body","a"],"msg":"Extra inputs are not permitted","type":"extra_forbidden"}]}`},
		{"POST", b.customerPIN(), b.live, `x`, `{"detail":[{"loc":["body",0],"msg":"JSON decode error","type":"json_invalid"}]}`},
		{"POST", b.customerPIN(), b.live, `[]`, `{"detail":[{"loc":["body"],"msg":"Input should be a valid dictionary","type":"dict_type"}]}`},
		{"GET", "/v1/customers/x/pin", b.live, ``, `{"detail":[{"loc":["path","customer_id"],"msg":"Input should be a valid UUID","type":"uuid_parsing"}]}`},
		{"PATCH", b.policyPath(), b.live, `{"pin_applies_to":"x"}`, `{"detail":[{"loc":["body","pin_applies_to"],"msg":"Input should be 'owner', 'customer' or 'all'","type":"literal_error"}]}`},
		{"PATCH", b.policyPath(), b.live, `{"pin_session_ttl_minutes":1441}`, `{"detail":[{"loc":["body","pin_session_ttl_minutes"],"msg":"Input should be less than or equal to 1440","type":"less_than_equal"}]}`},
		{"PATCH", b.policyPath(), b.live, `{"pin_session_ttl_minutes":-1}`, `{"detail":[{"loc":["body","pin_session_ttl_minutes"],"msg":"Input should be greater than or equal to 0","type":"greater_than_equal"}]}`},
		{"PATCH", b.policyPath(), b.live, `{"pin_session_ttl_minutes":0.5}`, `{"detail":[{"loc":["body","pin_session_ttl_minutes"],"msg":"Input should be a valid integer, got a number with a fractional part","type":"int_from_float"}]}`},
		{"PATCH", b.policyPath(), b.live, `{"pin_session_ttl_minutes":"1"}`, `{"detail":[{"loc":["body","pin_session_ttl_minutes"],"msg":"Input should be a valid integer","type":"int_type"}]}`},
		{"PATCH", b.policyPath(), b.live, `{"pin_required_skills":1}`, `{"detail":[{"loc":["body","pin_required_skills"],"msg":"Input should be a valid list","type":"list_type"}]}`},
		{"PATCH", b.policyPath(), b.live, `{"pin_required_skills":[""]}`, `{"detail":[{"loc":["body","pin_required_skills",0],"msg":"String should have at least 1 character","type":"string_too_short"}]}`},
		{"PATCH", b.policyPath(), b.live, `{"pin_required_skills":` + list(300, "s") + `}`, `{"detail":[{"loc":["body","pin_required_skills"],"msg":"List should have at most 256 items after validation, not 300","type":"too_long"}]}`},
		{"POST", b.internalPath("/confirmations"), b.runtime, `{"skill":"s","role":"x","customer_id":"` + anID + `"}`, `{"detail":[{"loc":["body","role"],"msg":"Input should be 'owner' or 'customer'","type":"literal_error"}]}`},
		{"POST", b.internalPath("/confirmations"), b.runtime, `{"skill":"s","role":"owner"}`, `{"detail":[{"loc":["body"],"msg":"Value error, name the holder by exactly one of customer_id and identity_id","type":"value_error"}]}`},
		{"POST", b.internalPath("/confirmations"), b.runtime, ask(`"action":{"summary":"s","params":{"n":1e999}}`), `{"detail":[{"loc":["body","action","params","n"],"msg":"Value error, a number in params does not survive as a double","type":"value_error"}]}`},
		{"GET", b.internalPath("/confirmations/" + anID + "?wait_seconds=x"), b.runtime, ``, `{"detail":[{"loc":["query","wait_seconds"],"msg":"Input should be a valid integer, unable to parse string as an integer","type":"int_parsing"}]}`},
	} {
		got := b.call(t, c.method, c.path, c.body, key(c.key)).want(t, 422)
		if strings.TrimSpace(got.text) != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.body, got.text, c.want)
		}
	}
	// What is entered may be of any length that a PIN can have.
	b.call(t, "POST", b.internalPath("/confirmations/"+anID+"/verify"), `{"pin":"1111"}`, key(b.runtime)).problem(t, 404, "not-found")
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
		{"GET", "/v1/customers/7/pin", b.live, nil, []string{"path.customer_id uuid_parsing"}},
		{"GET", "/v1/customers//pin", b.live, nil, []string{"path.customer_id uuid_parsing"}},
		{"GET", "/v1/customers/" + anID + "%20/pin", b.live, nil, []string{"path.customer_id uuid_parsing"}},
		{"GET", "/v1/customers/" + anID + "%2Fx/pin", b.live, nil, []string{"path.customer_id uuid_parsing"}},
		{"GET", "/v1/customers/%00/pin", b.live, nil, []string{"path.customer_id uuid_parsing"}},
		{"GET", "/v1/customers/{" + anID + "}/pin", b.live, nil, []string{"path.customer_id uuid_parsing"}},
		{"DELETE", "/v1/customers/" + strings.ReplaceAll(anID, "-", "") + "/pin", b.live, nil, []string{"path.customer_id uuid_parsing"}},
		{"POST", "/v1/customers/urn:uuid:" + anID + "/pin/unlock", b.live, nil, []string{"path.customer_id uuid_parsing"}},
		{"GET", "/v1/instances/x/identities/y/pin", b.live, nil, []string{"path.instance_id uuid_parsing", "path.identity_id uuid_parsing"}},
		{"GET", b.internalPath("/identities/x/pin"), b.runtime, nil, []string{"path.identity_id uuid_parsing"}},
		{"GET", b.internalPath("/confirmations/x?wait_seconds=31"), b.runtime, nil, []string{"path.confirmation_id uuid_parsing", "query.wait_seconds less_than_equal"}},
		{"GET", wait + "wait_seconds=-1", b.runtime, nil, []string{"query.wait_seconds greater_than_equal"}},
		{"GET", wait + "wait_seconds=", b.runtime, nil, []string{"query.wait_seconds int_parsing"}},
		{"GET", wait + "wait_seconds", b.runtime, nil, []string{"query.wait_seconds int_parsing"}},
		{"GET", wait + "wait_seconds=5.0", b.runtime, nil, []string{"query.wait_seconds int_parsing"}},
		{"GET", wait + "wait_seconds=1_0", b.runtime, nil, []string{"query.wait_seconds int_parsing"}},
		{"GET", wait + "wait_seconds=99999999999999999999", b.runtime, nil, []string{"query.wait_seconds less_than_equal"}},
		{"GET", wait + "wait_seconds=1&wait_seconds=1", b.runtime, nil, []string{"query.wait_seconds value_error"}},
		{"GET", wait + "wait_seconds=%zz", b.runtime, nil, []string{"query value_error"}},
		{"DELETE", end, b.runtime, nil, []string{"query value_error"}},
		{"DELETE", end + "customer_id=" + anID + "&identity_id=" + anID, b.runtime, nil, []string{"query value_error"}},
		{"DELETE", end + "customer_id=x", b.runtime, nil, []string{"query.customer_id uuid_parsing"}},
		{"DELETE", end + "identity_id=", b.runtime, nil, []string{"query.identity_id uuid_parsing"}},
		{"DELETE", end + "customer_id=" + anID + "&customer_id=" + anID, b.runtime, nil, []string{"query.customer_id value_error"}},
		{"PATCH", b.policyPath(), b.live, header("If-Match", ""), []string{"header.If-Match string_too_short"}},
		{"PATCH", b.policyPath(), b.live, header("If-Match", "1"), []string{"header.If-Match string_pattern_mismatch"}},
		{"PATCH", b.policyPath(), b.live, header("If-Match", `"1", "2"`), []string{"header.If-Match string_pattern_mismatch"}},
		{"PATCH", b.policyPath(), b.live, header("If-Match", `"`+strings.Repeat("1", 127)+`"`), []string{"header.If-Match string_too_long"}},
		{"PATCH", "/v1/instances/x/pin-policy", b.live, header("If-Match", "x"), []string{"path.instance_id uuid_parsing", "header.If-Match string_pattern_mismatch"}},
		{"PATCH", b.policyPath(), b.live, func(r *http.Request) { r.Header["If-Match"] = []string{`"1"`, `"1"`} }, []string{"header.If-Match value_error"}},
	} {
		body := ""
		if c.method == "PATCH" {
			body = "{}"
		}
		got := b.call(t, c.method, c.path, body, append([]edit{key(c.key)}, edits(c.edit)...)...)
		if faults := got.faults(t); !slices.Equal(faults, c.want) {
			t.Errorf("%s %s\n got %q\nwant %q", c.method, c.path, faults, c.want)
		}
	}
	// Unknown parameters, and other spellings of the same, are nobody's business.
	encoded := "/v1/customers/%34" + anID[1:] + "/pin?x=1&x=2"
	b.call(t, "GET", encoded, "", key(b.live)).want(t, 200)
	b.call(t, "GET", wait+"wait_seconds=000&x=%zz", "", key(b.runtime)).want(t, 422)
	b.call(t, "GET", wait+"wait_seconds=000&other", "", key(b.runtime)).problem(t, 404, "not-found")
}

func edits(e edit) []edit {
	if e == nil {
		return nil
	}
	return []edit{e}
}

// A body that is nothing but faults does not make an answer without end.
func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var body strings.Builder
	body.WriteString(`{"pin":"8"`)
	for i := range 5000 {
		fmt.Fprintf(&body, `,"%d":1`, i)
	}
	body.WriteString("}")
	got := b.call(t, "POST", b.customerPIN(), body.String(), key(b.live)).faults(t)
	if len(got) != 512 || got[0] != "body.pin string_too_short" {
		t.Errorf("%d faults, first %q", len(got), got[0])
	}
}
