package openapi_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/gen/api"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
)

// errorTypes are pydantic's, and our own.
const errorTypes = " missing string_type string_too_short string_too_long string_pattern_mismatch int_type int_parsing " +
	"int_from_float less_than_equal greater_than_equal literal_error list_type dict_type too_long uuid_parsing json_invalid " +
	"extra_forbidden value_error pin_too_weak unsafe_text "

// Whatever the bytes: a valid body is decoded to the same by the generated types, and an error is of
// a known type and quotes no PIN.
func FuzzBody(f *testing.F) {
	operations := compiled(f)
	bodies := map[string]struct {
		id   string
		into func() any
	}{
		"set": {"setCustomerPin", func() any { return new(api.SetPin) }}, "runtimeSet": {"runtimeSetPin", func() any { return new(api.SetIdentityPin) }},
		"verify": {"verifyConfirmation", func() any { return new(api.VerifyPin) }}, "policy": {"updatePinPolicy", func() any { return new(api.PinPolicyUpdate) }},
		"ask": {"askConfirmation", func() any { return new(api.AskConfirmation) }}, "redeem": {"redeemConfirmation", func() any { return new(api.RedeemConfirmation) }},
	}
	for name, b := range bodies {
		for _, c := range invalidBodies[b.id] {
			f.Add(name, []byte(c.body))
		}
	}
	f.Add("ask", []byte(ask(`"action":{"summary":"a","params":{"a":[1.0,-0,"\u00e4"]}},"idempotency_key":"k"`)))
	f.Add("policy", []byte(`{"pin_applies_to":null,"pin_required_skills":["*"],"pin_session_ttl_minutes":0}`))
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		op, ok := bodies[name]
		if !ok {
			return
		}
		errs := checkBody(t, operations[op.id], body)
		for _, e := range errs {
			if !strings.Contains(errorTypes, " "+e.Type+" ") || e.Msg == "" || e.Loc[0] != "body" {
				t.Errorf("error %+v", e)
			}
			if strings.Contains(e.Msg, "804615") {
				t.Errorf("an error quotes the value: %+v", e)
			}
		}
		if _, err := json.Marshal(errs); err != nil {
			t.Errorf("the errors cannot be encoded: %v", err)
		}
		if len(errs) > 0 {
			return
		}
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.DisallowUnknownFields()
		into := op.into()
		if err := decoder.Decode(into); err != nil {
			t.Fatalf("%s passed as %s and cannot be decoded: %v", body, name, err)
		}
		checkDecoded(t, into)
	})
}

// checkDecoded holds what was decoded against the rules, read another way.
func checkDecoded(t *testing.T, v any) {
	t.Helper()
	setPIN := func(p pin.PIN) {
		if _, fault := pin.ParseNew(p.Reveal(), pin.DefaultRules()); fault.Kind != pin.NoFault {
			t.Errorf("a PIN with %s passed", fault.Kind)
		}
	}
	switch b := v.(type) {
	case *api.SetPin:
		setPIN(b.Pin)
	case *api.SetIdentityPin:
		setPIN(b.Pin)
	case *api.VerifyPin:
		if b.Pin.Len() == 0 {
			t.Error("no PIN passed")
		}
	case *api.PinPolicyUpdate:
		if b.PinAppliesTo != nil && !api.PinAppliesTo(*b.PinAppliesTo).Valid() {
			t.Errorf("%s passed", *b.PinAppliesTo)
		}
		if n := b.PinSessionTtlMinutes; n != nil && (*n < 0 || *n > 1440) {
			t.Errorf("%d minutes passed", *n)
		}
	case *api.AskConfirmation:
		if !b.Role.Valid() || (b.CustomerId == nil) == (b.IdentityId == nil) || b.Skill == "" {
			t.Errorf("%+v passed", b)
		}
		if b.Action != nil {
			checkRaw(t, b.Action.Params)
		}
	case *api.RedeemConfirmation:
		if b.Params != nil {
			checkRaw(t, *b.Params)
		}
	}
}

func checkRaw(t *testing.T, raw []byte) {
	t.Helper()
	if _, err := canonical.Params(raw); err != nil {
		t.Errorf("params passed: %v", err)
	}
}

// A path parameter passes exactly when it is 36 characters of one form.
func FuzzPath(f *testing.F) {
	op := compiled(f)["getCustomerPinStatus"]
	for _, s := range []string{
		anID, strings.ToUpper(anID), "", "x", "{" + anID + "}", "urn:uuid:" + anID, strings.ReplaceAll(anID, "-", ""),
		anID + " ", anID + "\x00", "%34" + anID[1:], strings.ReplaceAll(anID, "-", "_"), "00000000-0000-0000-0000-000000000000", "018f4c6e-7a2b-7c3d-8e4f-5a6b7c8d9e0f",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := len(s) == 36
		for i := 0; want && i < len(s); i++ {
			if i == 8 || i == 13 || i == 18 || i == 23 {
				want = s[i] == '-'
			} else {
				want = strings.ContainsRune("0123456789abcdefABCDEF", rune(s[i]))
			}
		}
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		if _, err := op.Check(req, func(string) string { return s }); (err == nil) != want {
			t.Errorf("%q: %v", s, err)
		}
	})
}
