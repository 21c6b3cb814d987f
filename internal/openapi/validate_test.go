package openapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/gen/api"
	"github.com/hydracore/hydrapin/internal/openapi"
	"github.com/hydracore/hydrapin/internal/pin"
)

const anID = "497f6eca-6276-4993-bfeb-53cbbbba6f08"

// list returns a JSON list of n texts.
func list(n int, text string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(`"`+text+`",`, n), ",") + "]"
}

// invalidBodies are bodies and the errors that each must be answered with, by operation.
var invalidBodies = map[string][]struct {
	body   string
	errors []string
}{
	"setCustomerPin": {
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
	"runtimeSetPin": {
		{`{}`, []string{"body.pin missing"}},
		{`{"pin":"1111","current_pin":"1"}`, []string{"body.pin pin_too_weak", "body.current_pin string_too_short"}},
		{`{"pin":"804615","current_pin":"1234567890123"}`, []string{"body.current_pin string_too_long"}},
		{`{"pin":"804615","current_pin":"80461x"}`, []string{"body.current_pin string_pattern_mismatch"}},
	},
	"verifyConfirmation": {
		{`{}`, []string{"body.pin missing"}},
		{`{"pin":"123"}`, []string{"body.pin string_too_short"}},
		{`{"pin":"1234567890123"}`, []string{"body.pin string_too_long"}},
		{`{"pin":"12 34"}`, []string{"body.pin string_pattern_mismatch"}},
		{`{"pin":1111}`, []string{"body.pin string_type"}},
	},
	"updatePinPolicy": {
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
	"askConfirmation": {
		{`{}`, []string{"body.skill missing", "body.role missing", "body value_error"}},
		{`{"skill":"mail.*","role":"owner","customer_id":"` + anID + `"}`, []string{"body.skill string_pattern_mismatch"}},
		{`{"skill":"mail\u0378","role":"owner","customer_id":"` + anID + `"}`, []string{"body.skill unsafe_text"}},
		{`{"skill":"*","role":"admin"}`, []string{"body.skill string_pattern_mismatch", "body.role literal_error", "body value_error"}},
		{
			`{"skill":"s","role":null,"customer_id":"` + anID + `","identity_id":"` + anID + `"}`,
			[]string{"body.role literal_error", "body value_error"},
		},
		{`{"skill":"s","role":"owner","customer_id":null}`, []string{"body value_error"}},
		{`{"skill":"s","role":"owner","customer_id":null,"identity_id":null}`, []string{"body value_error"}},
		{`{"skill":null,"role":"owner","customer_id":"` + anID + `"}`, []string{"body.skill string_type"}},
		{`{"skill":"s","role":"owner","customer_id":7}`, []string{"body.customer_id uuid_parsing"}},
		{`{"skill":"s","role":"owner","identity_id":"{` + anID + `}"}`, []string{"body.identity_id uuid_parsing"}},
		{`{"skill":"s","role":"owner","identity_id":"urn:uuid:` + anID + `"}`, []string{"body.identity_id uuid_parsing"}},
		{`{"skill":"s","role":"owner","customer_id":"` + strings.ReplaceAll(anID, "-", "") + `"}`, []string{"body.customer_id uuid_parsing"}},
		{ask(`"idempotency_key":""`), []string{"body.idempotency_key string_too_short"}},
		{ask(`"idempotency_key":"a b"`), []string{"body.idempotency_key string_pattern_mismatch"}},
		{ask(`"idempotency_key":"` + strings.Repeat("k", 65) + `"`), []string{"body.idempotency_key string_too_long"}},
		{ask(`"expires_in_seconds":0`), []string{"body.expires_in_seconds greater_than_equal"}},
		{ask(`"expires_in_seconds":86400`), nil},
		{ask(`"expires_in_seconds":86401`), []string{"body.expires_in_seconds less_than_equal"}},
		{ask(`"call_key":"c"`), nil},
		{ask(`"call_key":"c","idempotency_key":null`), nil},
		{ask(`"call_key":"c","idempotency_key":"k"`), []string{"body value_error"}},
		{ask(`"call_key":""`), []string{"body.call_key string_too_short"}},
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
	"redeemConfirmation": {
		{``, []string{"body missing"}},
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

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func compiled(tb testing.TB) map[string]*openapi.Operation {
	tb.Helper()
	doc, err := api.GetSpec()
	must(tb, err)
	contract, err := openapi.Compile(doc, pin.DefaultRules())
	must(tb, err)
	return contract.Operations()
}

// checkBody returns the validation errors of a body.
func checkBody(tb testing.TB, op *openapi.Operation, body []byte) []openapi.FieldError {
	tb.Helper()
	req := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/", strings.NewReader(string(body)))
	req.Header.Set("Content-Type", "application/json")
	_, err := op.Check(req, func(string) string { return anID })
	invalid, ok := errors.AsType[*openapi.ValidationError](err)
	switch {
	case err == nil:
		return nil
	case !ok:
		if !errors.Is(err, openapi.ErrTooLarge) {
			tb.Errorf("%v", err)
		}
		return []openapi.FieldError{{Loc: []any{"body"}, Msg: "too large", Type: "value_error"}}
	default:
		return invalid.Errors
	}
}

// summary returns an error as "loc type".
func summary(e openapi.FieldError) string {
	steps := make([]string, len(e.Loc))
	for i, step := range e.Loc {
		steps[i] = fmt.Sprint(step)
	}
	return strings.Join(steps, ".") + " " + e.Type
}

func TestInvalidBodies(t *testing.T) {
	t.Parallel()
	operations := compiled(t)
	for id, cases := range invalidBodies {
		for _, c := range cases {
			var got []string
			for _, e := range checkBody(t, operations[id], []byte(c.body)) {
				if e.Msg == "" {
					t.Errorf("%s %.80s: no msg", id, c.body)
				}
				got = append(got, summary(e))
			}
			if !slices.Equal(got, c.errors) {
				t.Errorf("%s %.80s\n got %q\nwant %q", id, c.body, got, c.errors)
			}
		}
	}
}

// In a request, null for an optional field means that the field is absent; within params it is data.
func TestNullIsAbsent(t *testing.T) {
	t.Parallel()
	operations := compiled(t)
	for id, bodies := range map[string][]string{
		"runtimeSetPin":   {`{"pin":"804615","current_pin":null}`},
		"updatePinPolicy": {`{"pin_applies_to":null,"pin_required_skills":null,"pin_session_ttl_minutes":null}`},
		"askConfirmation": {
			ask(`"identity_id":null,"action":null,"idempotency_key":null,"expires_in_seconds":null`),
			`{"skill":"s","role":"owner","customer_id":null,"identity_id":"` + anID + `"}`,
			ask(`"action":{"summary":"a","params":{"a":null,"b":[null]}}`),
		},
		"redeemConfirmation": {`{"skill":null,"params":null}`, `{"params":{"a":null}}`},
	} {
		for _, body := range bodies {
			if errs := checkBody(t, operations[id], []byte(body)); len(errs) > 0 {
				t.Errorf("%s %s: %+v", id, body, errs)
			}
		}
	}
}

// The lines of a header that is a list become one; of any other, two lines are an error.
func TestHeaderLines(t *testing.T) {
	t.Parallel()
	op := compiled(t)["updatePinPolicy"]
	for _, c := range []struct {
		name   string
		values []string
		want   string // the value that the handler gets; empty for an error
	}{
		{"If-Match", []string{`"1"`}, `"1"`},
		{"If-Match", []string{`"1"`, `W/"2"`}, `"1", W/"2"`},
		{"If-Match", []string{`"1","2" , "3-gzip",,"4"-gzip , "5;gzip"`}, `"1","2" , "3-gzip",,"4"-gzip , "5;gzip"`},
		{"If-Match", []string{`"1",`}, `"1",`},
		{"If-Match", []string{`, "1" ,, W/"2" , `}, `, "1" ,, W/"2" , `},
		{"If-Match", []string{`,`}, ""},
		{"If-Match", []string{`*`}, `*`},
		{"If-Match", []string{`*,`}, ""},
		{"If-Match", []string{`*`, `"1"`}, ""},
		{"If-Match", []string{`*, "1"`}, ""},
		{"If-Match", []string{`1`}, ""},
		{"If-Match", []string{`"1" "2"`}, ""},
		{"If-Match", []string{`"1", 2`}, ""},
		{"If-None-Match", []string{`"1"`, `"2"`}, `"1", "2"`},
		{"If-None-Match", []string{``}, ""},
		{"Content-Encoding", []string{"identity"}, "identity"},
		{"Content-Encoding", []string{"Identity"}, "Identity"},
		{"Content-Encoding", []string{"identity", "gzip"}, ""},
		{"Content-Encoding", []string{"identity", "identity"}, ""},
		{"Content-Encoding", []string{"identity, gzip"}, ""},
		{"Content-Encoding", []string{"", "br"}, ""},
		{"Content-Type", []string{"application/json", "application/json"}, ""},
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPatch, "/", strings.NewReader("{}"))
		req.Header.Set("Content-Type", "application/json")
		req.Header[c.name] = c.values
		_, err := op.Check(req, func(string) string { return anID })
		if (err == nil) != (c.want != "") || err == nil && req.Header.Get(c.name) != c.want {
			t.Errorf("%s %q: %v, and then %q", c.name, c.values, err, req.Header.Values(c.name))
		}
	}
}

// A query string that cannot be read is refused wherever it is.
func TestMalformedQuery(t *testing.T) {
	t.Parallel()
	for id, op := range compiled(t) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?x=%zz", strings.NewReader("{}"))
		req.Header.Set("Content-Type", "application/json")
		_, err := op.Check(req, func(name string) string {
			if name == "index" {
				return "0"
			}
			return anID
		})
		invalid, ok := errors.AsType[*openapi.ValidationError](err)
		if !ok || summary(invalid.Errors[0]) != "query value_error" {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// The id of an operation begins with a lower-case letter, whatever the generator makes of it.
func TestOperationIDs(t *testing.T) {
	t.Parallel()
	for id, op := range compiled(t) {
		if id != op.ID || id[:1] != strings.ToLower(id[:1]) {
			t.Errorf("%s is under %s", op.ID, id)
		}
	}
}
