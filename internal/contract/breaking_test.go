package contract_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/hydracore/hydrapin/internal/contract"
)

// breaking runs the comparison of `make contract/breaking` and returns what it
// says, empty when nothing breaks.
func breaking(t *testing.T, arguments ...string) string {
	t.Helper()
	script := filepath.Join(contract.Root(), "tools", "breaking.sh")
	out, err := exec.CommandContext(t.Context(), script, arguments...).CombinedOutput()
	if err == nil {
		return ""
	}
	if len(out) == 0 {
		t.Fatalf("%s: %v", script, err)
	}
	return string(out)
}

// TestNothingBreaks compares the contract with the last release's and with the
// six HydraCore operations.
func TestNothingBreaks(t *testing.T) {
	t.Parallel()
	if said := breaking(t); said != "" {
		t.Error(said)
	}
}

// TestPlantedBreaksAreFound plants breaks into the contract. Without them, and
// with what only adds, nothing is said.
func TestPlantedBreaksAreFound(t *testing.T) {
	t.Parallel()
	schema := func(d *openapi3.T, name string) *openapi3.Schema { return d.Components.Schemas[name].Value }
	for name, plant := range map[string]struct {
		change func(*openapi3.T)
		want   string
	}{
		"nothing":         {func(*openapi3.T) {}, ""},
		"a new operation": {func(d *openapi3.T) { d.Paths.Set("/v1/new", &openapi3.PathItem{Get: d.Paths.Value("/v1/me/pin").Get}) }, ""},
		"a new field": {func(d *openapi3.T) {
			schema(d, "PinStatus").Properties["new"] = openapi3.NewSchemaRef("", openapi3.NewBoolSchema())
		}, ""},
		"a new wish": {func(d *openapi3.T) {
			schema(d, "SetPin").Properties["new"] = openapi3.NewSchemaRef("", openapi3.NewBoolSchema())
		}, ""},
		"operation gone":   {func(d *openapi3.T) { d.Paths.Value("/v1/customers/{customer_id}/pin").Delete = nil }, "api-removed"},
		"path gone":        {func(d *openapi3.T) { d.Paths.Delete("/v1/me/pin") }, "api-path-removed"},
		"operation's name": {func(d *openapi3.T) { d.Paths.Value("/v1/me/pin").Get.OperationID = "mine" }, "api-operation-id-removed"},
		"field gone": {func(d *openapi3.T) {
			s := schema(d, "PinStatus")
			delete(s.Properties, "locked_until")
			s.Required = without(s.Required, "locked_until")
		}, "response-required-property-removed"},
		"optional field gone": {func(d *openapi3.T) { delete(schema(d, "Problem").Properties, "attempts_remaining") }, "response-optional-property-removed"},
		"field no longer promised": {func(d *openapi3.T) {
			s := schema(d, "PinStatus")
			s.Required = without(s.Required, "has_pin")
		}, "response-property-became-optional"},
		"field now nullable": {func(d *openapi3.T) { schema(d, "PinStatus").Properties["has_pin"].Value.Nullable = true }, "response-property-became-nullable"},
		"field's type": {func(d *openapi3.T) {
			schema(d, "PinStatus").Properties["has_pin"] = openapi3.NewSchemaRef("", openapi3.NewStringSchema())
		}, "response-property-type-changed"},
		"new required field": {func(d *openapi3.T) {
			s := schema(d, "SetPin")
			s.Properties["new"] = openapi3.NewSchemaRef("", openapi3.NewStringSchema())
			s.Required = append(s.Required, "new")
		}, "new-required-request-property"},
		"field no longer taken": {func(d *openapi3.T) { delete(schema(d, "AskConfirmation").Properties, "action") }, "request-property-removed"},
		"choice gone":           {func(d *openapi3.T) { schema(d, "Role").Enum = []any{"owner"} }, "request-property-enum-value-removed"},
		"narrower bound":        {func(d *openapi3.T) { schema(d, "Pin").MinLength = 6 }, "request-property-min-length-increased"},
		"default gone":          {func(d *openapi3.T) { schema(d, "AskConfirmation").Properties["expires_in_seconds"].Value.Default = nil }, "request-property-default-value-removed"},
		"header gone": {func(d *openapi3.T) {
			delete(d.Paths.Value("/v1/instances/{instance_id}/pin-policy").Get.Responses.Value("200").Value.Headers, "ETag")
		}, "required-response-header-removed"},
		"success gone": {func(d *openapi3.T) { d.Paths.Value("/v1/me/pin").Get.Responses.Delete("200") }, "response-success-status-removed"},
		"refusal gone": {func(d *openapi3.T) { d.Paths.Value("/v1/me/pin").Get.Responses.Delete("403") }, "response-non-success-status-removed"},
		"credential gone": {func(d *openapi3.T) {
			d.Paths.Value("/v1/customers/{customer_id}/pin").Get.Security = &openapi3.SecurityRequirements{{"bearer": {}}}
		}, "api-security-removed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec, err := contract.Current()
			must(t, err)
			plant.change(spec.Document())
			text, err := json.Marshal(spec.Document())
			must(t, err)
			file := filepath.Join(t.TempDir(), "openapi.json")
			must(t, os.WriteFile(file, text, 0o600))
			said := breaking(t, filepath.Join(contract.Root(), "openapi.yaml"), file)
			if plant.want == "" && said != "" || !strings.Contains(said, plant.want) {
				t.Errorf("want %q, and it said %q", plant.want, said)
			}
		})
	}
}

func without(all []string, one string) []string {
	var rest []string
	for _, s := range all {
		if s != one {
			rest = append(rest, s)
		}
	}
	return rest
}
