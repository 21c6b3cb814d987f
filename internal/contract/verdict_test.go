package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/hydracore/hydrapin/internal/contract"
)

// judge fails the test when an answer is not as wanted. That it is documented was
// checked on its way.
func judge(c client, op *contract.Operation, r request, a answer, want wanted) {
	c.Helper()
	fault := ""
	switch {
	case a.status == 0:
		return // reported already
	case a.status >= 500:
		fault = "an error of the server"
	case want.statuses == nil:
		fault = blames(op, r, a)
	case !slices.Contains(want.statuses, a.status):
		fault = fmt.Sprintf("want %v", want.statuses)
	case want.loc != nil && a.status == 422 && !blamesPlace(a, want.loc):
		fault = fmt.Sprintf("no error at %v", want.loc)
	}
	if fault != "" {
		c.Errorf("%s (%s): %s\nanswered %d %.600s\npath %q query %q header %q body %.1500q",
			r.op, want.why, fault, a.status, a.body, r.path, r.query, r.header, r.body)
	}
}

func hasCurrentPIN(body []byte) bool {
	var b map[string]json.RawMessage
	_ = json.Unmarshal(body, &b)
	return given(b["current_pin"])
}

// blames says what is wrong with an answer to a request that the contract allows.
func blames(op *contract.Operation, r request, a answer) string {
	code := contract.ParseProblem(a.body).Code()
	switch {
	case a.status == 422 && (op.ID == "runtimeSetPin" || op.ID == "setMyPin") && !hasCurrentPIN(r.body):
		if blamesPlace(a, []any{"body", "current_pin"}) {
			return "" // the rule that depends on whether there is a PIN
		}
		return "refused for what is allowed"
	case op.ID == "createApiKey" && code == "forbidden" && bytes.Contains(r.body, []byte(`"instance_id"`)):
		return "" // an API key creates no runtime key
	case a.status == 401, a.status == 413, a.status == 415, a.status == 422, code == "forbidden":
		return "refused for what is allowed"
	default:
		return ""
	}
}

// blamesPlace reports whether a 422 has an error at, or within, the place.
func blamesPlace(a answer, loc []any) bool {
	return slices.ContainsFunc(contract.ParseFieldErrors(a.body), func(f contract.FieldError) bool {
		return len(f.Loc) >= len(loc) && slices.EqualFunc(f.Loc[:len(loc)], loc, func(got, want any) bool {
			return fmt.Sprint(got) == fmt.Sprint(want)
		})
	})
}
