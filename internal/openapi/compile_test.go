package openapi_test

import (
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/hydracore/hydrapin/gen/api"
	"github.com/hydracore/hydrapin/internal/openapi"
	"github.com/hydracore/hydrapin/internal/pin"
)

// A contract that is not understood completely is refused.
func TestContractIsUnderstood(t *testing.T) {
	t.Parallel()
	operation := func(d *openapi3.T) *openapi3.Operation { return d.Paths.Value("/v1/customers/{customer_id}/pin").Post }
	body := func(d *openapi3.T) *openapi3.Schema {
		return operation(d).RequestBody.Value.Content["application/json"].Schema.Value
	}
	for want, change := range map[string]func(*openapi3.T){
		"no x-access":               func(d *openapi3.T) { operation(d).Extensions = nil },
		`unknown "admins"`:          func(d *openapi3.T) { operation(d).Extensions["x-access"] = map[string]any{"admins": true} },
		`unknown "admin"`:           func(d *openapi3.T) { operation(d).Extensions["x-access"] = map[string]any{"admin": "true"} },
		`unknown "user"`:            func(d *openapi3.T) { operation(d).Extensions["x-access"] = map[string]any{"user": false} },
		`unknown "scope"`:           func(d *openapi3.T) { operation(d).Extensions["x-access"] = map[string]any{"scope": "pins:*"} },
		"no operationId":            func(d *openapi3.T) { operation(d).OperationID = "" },
		"is not required JSON":      func(d *openapi3.T) { operation(d).RequestBody.Value.Required = false },
		"anyOf, which is not":       func(d *openapi3.T) { body(d).AnyOf = openapi3.SchemaRefs{} },
		"additionalProperties":      func(d *openapi3.T) { body(d).AdditionalProperties = openapi3.AdditionalProperties{} },
		"without exactly one type":  func(d *openapi3.T) { body(d).Type = nil },
		`the format "email"`:        func(d *openapi3.T) { body(d).Properties["pin"].Value.Format = "email" },
		`the type "number"`:         func(d *openapi3.T) { body(d).Properties["pin"].Value.Type = &openapi3.Types{"number"} },
		"an integer without bounds": func(d *openapi3.T) { body(d).Properties["pin"].Value.Type = &openapi3.Types{"integer"} },
		"holds more than text":      func(d *openapi3.T) { body(d).Properties["pin"].Value.Enum = []any{1} },
		"error parsing regexp":      func(d *openapi3.T) { body(d).Properties["pin"].Value.Pattern = "(" },
		"with fields and with any":  func(d *openapi3.T) { body(d).AdditionalProperties.Has = new(true) },
		`is in "cookie"`:            func(d *openapi3.T) { operation(d).Parameters[0].Value.In = "cookie" },
		`x-check is "old-pin"`:      func(d *openapi3.T) { body(d).Properties["pin"].Value.Extensions["x-check"] = "old-pin" },
		`x-check is "[new-pin]"`: func(d *openapi3.T) {
			body(d).Properties["pin"].Value.Extensions["x-check"] = []any{"new-pin"}
		},
		`x-check is "action-params"`: func(d *openapi3.T) {
			body(d).Properties["pin"].Value.Extensions["x-check"] = "action-params"
		},
		"any fields and no x-check": func(d *openapi3.T) {
			body(d).Properties = nil
			body(d).Required = nil
			body(d).AdditionalProperties.Has = new(true)
		},
		`extension "x-acess" is unknown`: func(d *openapi3.T) { operation(d).Extensions["x-acess"] = true },
		`extension "x-chek" is unknown`:  func(d *openapi3.T) { body(d).Extensions = map[string]any{"x-chek": "new-pin"} },
		"x-spends-attempt is not true":   func(d *openapi3.T) { operation(d).Extensions["x-spends-attempt"] = "yes" },
		"x-list is not true":             func(d *openapi3.T) { operation(d).Parameters[0].Value.Extensions = map[string]any{"x-list": true} },
		`extension "x-lst" is unknown`:   func(d *openapi3.T) { operation(d).Parameters[0].Value.Extensions = map[string]any{"x-lst": true} },
		"x-exactly-one is not a list":    func(d *openapi3.T) { body(d).Extensions = map[string]any{"x-exactly-one": "pin"} },
		`x-exactly-one names the unknown "pan"`: func(d *openapi3.T) {
			body(d).Extensions = map[string]any{"x-exactly-one": []any{"pin", "pan"}}
		},
		`x-exactly-one names the unknown "customer_id"`: func(d *openapi3.T) {
			operation(d).Extensions["x-exactly-one"] = []any{"customer_id", "identity_id"}
		},
	} {
		doc, err := api.GetSpec()
		must(t, err)
		change(doc)
		if _, err := openapi.Compile(doc, pin.DefaultRules()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
