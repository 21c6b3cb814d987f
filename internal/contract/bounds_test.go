package contract_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/contract"
	"github.com/hydracore/hydrapin/internal/openapi"
	"github.com/hydracore/hydrapin/internal/paging"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/webhook"
)

// bounds are all bounds and defaults of the contract, by the place of their schema, each with the
// constant that the program enforces or applies.
var bounds = map[string]map[string]int{
	"Pin":                               {"minLength": pin.MinLength, "maxLength": pin.MaxLength},
	"NewPin":                            {"minLength": pin.MinLength, "maxLength": pin.MaxLength},
	"Skill":                             {"minLength": policy.MinSkillLength, "maxLength": policy.MaxSkillLength},
	"PolicySkill":                       {"minLength": policy.MinSkillLength, "maxLength": policy.MaxSkillLength},
	"PinPolicy.pin_required_skills":     {"maxItems": policy.MaxSkills},
	"PinPolicy.pin_session_ttl_minutes": {"minimum": policy.MinSessionTTLMinutes, "maximum": policy.MaxSessionTTLMinutes},
	"PinPolicyUpdate.pin_required_skills": {
		"maxItems": policy.MaxSkills,
	},
	"PinPolicyUpdate.pin_session_ttl_minutes": {
		"minimum": policy.MinSessionTTLMinutes, "maximum": policy.MaxSessionTTLMinutes,
	},
	"Action.summary":                  {"minLength": 1, "maxLength": confirmation.MaxSummaryLength},
	"AskConfirmation.idempotency_key": {"minLength": 1, "maxLength": confirmation.MaxKeyLength},
	"AskConfirmation.call_key":        {"minLength": 1, "maxLength": confirmation.MaxKeyLength},
	"AskConfirmation.expires_in_seconds": {
		"minimum": seconds(confirmation.MinLifetime), "maximum": seconds(confirmation.MaxLifetime),
		"default": seconds(confirmation.DefaultLifetime),
	},
	"CreatePinLink.expires_in_seconds": {
		"minimum": seconds(pin.MinAdminLink), "maximum": seconds(pin.MaxAdminLink), "default": seconds(pin.DefaultAdminLink),
	},
	"CreateRuntimePinLink.expires_in_seconds": {
		"minimum": seconds(pin.MinRuntimeLink), "maximum": seconds(pin.MaxRuntimeLink), "default": seconds(pin.DefaultRuntimeLink),
	},
	"ReportOutcome.detail":            {"minLength": 1, "maxLength": confirmation.MaxDetailLength},
	"SetFreeze.reason":                {"minLength": 1, "maxLength": confirmation.MaxDetailLength},
	"CreateApiKey.name":               {"minLength": 1, "maxLength": auth.MaxKeyName},
	"CreateApiKey.scopes":             {"minItems": 1, "maxItems": 32}, // more than there are
	"PinList.page":                    {"minimum": 1},
	"PinList.per_page":                {"minimum": 1},
	"PinList.total":                   {"minimum": 0, "maximum": paging.MaxRows},
	"PinList.total_pages":             {"minimum": 0},
	"ApiKeyList.page":                 {"minimum": 1},
	"ApiKeyList.per_page":             {"minimum": 1},
	"ApiKeyList.total":                {"minimum": 0, "maximum": paging.MaxRows},
	"ApiKeyList.total_pages":          {"minimum": 0},
	"EventPattern":                    {"minLength": 1, "maxLength": 64},
	"CreateWebhook.url":               {"minLength": 1, "maxLength": webhook.MaxURLLength},
	"CreateWebhook.events":            {"minItems": 1, "maxItems": webhook.MaxEvents},
	"CreateWebhook.description":       {"maxLength": webhook.MaxDescriptionLength},
	"UpdateWebhook.url":               {"minLength": 1, "maxLength": webhook.MaxURLLength},
	"UpdateWebhook.events":            {"minItems": 1, "maxItems": webhook.MaxEvents},
	"UpdateWebhook.description":       {"maxLength": webhook.MaxDescriptionLength},
	"WebhookDelivery.event_index":     {"minimum": 0},
	"WebhookDelivery.attempts":        {"minimum": 0},
	"WebhookList.page":                {"minimum": 1},
	"WebhookList.per_page":            {"minimum": 1},
	"WebhookList.total":               {"minimum": 0, "maximum": paging.MaxRows},
	"WebhookList.total_pages":         {"minimum": 0},
	"WebhookDeliveryList.page":        {"minimum": 1},
	"WebhookDeliveryList.per_page":    {"minimum": 1},
	"WebhookDeliveryList.total":       {"minimum": 0, "maximum": paging.MaxRows},
	"WebhookDeliveryList.total_pages": {"minimum": 0},
	"QueryPage":                       {"minimum": 1, "maximum": paging.MaxRows, "default": 1},
	"QueryPerPage":                    {"minimum": 1, "maximum": 100, "default": paging.DefaultSize},
	"Confirmation.attempts_remaining": {"minimum": 0},
	"Problem.attempts_remaining":      {"minimum": 0},
	"QueryLimit":                      {"minimum": 1, "maximum": confirmation.MaxPage, "default": confirmation.DefaultPage},
	"WaitSeconds":                     {"minimum": 0, "maximum": seconds(confirmation.MaxWait), "default": 0},
	"RetryAfter":                      {"minimum": 1},
	"QueryEventLimit":                 {"minimum": 1, "maximum": audit.MaxPage, "default": audit.DefaultPage},
	"EventIndex":                      {"minimum": 0, "maximum": maxExact},
	"QueryProofSize":                  {"minimum": 1, "maximum": maxExact},
	"QueryConsistencyFrom":            {"minimum": 1, "maximum": maxExact},
	"QueryConsistencyTo":              {"minimum": 1, "maximum": maxExact},
	// They only keep what is parsed short.
	"QueryEventAfter": {"minLength": 1, "maxLength": 64},
	"QueryEventActor": {"minLength": 1, "maxLength": 256},
	"QueryEventFrom":  {"minLength": 20, "maxLength": 35},
	"QueryEventTo":    {"minLength": 20, "maxLength": 35},
	"ApiKeyId":        {"minLength": 1, "maxLength": 64},
	"QueryAfter":      {"minLength": 1, "maxLength": 64},
	"IfMatch":         {"minLength": 1, "maxLength": 1024},
	"IfNoneMatch":     {"minLength": 1, "maxLength": 1024},
}

// maxExact is the largest integer that a program which reads JSON numbers as doubles has exactly.
const maxExact = 1<<53 - 1

func seconds(d time.Duration) int { return int(d / time.Second) }

// TestBounds compares every bound and default of the contract with the constants of the program. A
// bound that is new in the contract fails until it has its constant here.
func TestBounds(t *testing.T) {
	t.Parallel()
	spec, err := contract.Current()
	must(t, err)
	got := boundsOf(spec.Document())
	for _, place := range slices.Sorted(maps.Keys(got)) {
		if !maps.Equal(got[place], bounds[place]) {
			t.Errorf("%s has %v in the contract, and %v in the program", place, got[place], bounds[place])
		}
	}
	for place := range bounds {
		if got[place] == nil {
			t.Errorf("%s has no bounds in the contract", place)
		}
	}
}

// boundsOf returns the bounds and defaults of all components, by name, and for a field by the name
// of its schema and its own.
func boundsOf(doc *openapi3.T) map[string]map[string]int {
	all := map[string]map[string]int{}
	add := func(place string, ref *openapi3.SchemaRef) {
		if found := boundsOfSchema(ref.Value); len(found) > 0 && ref.Ref == "" {
			all[place] = found
		}
	}
	for name, ref := range doc.Components.Schemas {
		add(name, ref)
		for field, of := range ref.Value.Properties {
			add(name+"."+field, of)
		}
	}
	for name, p := range doc.Components.Parameters {
		add(name, p.Value.Schema)
	}
	for name, h := range doc.Components.Headers {
		add(name, h.Value.Schema)
	}
	return all
}

func boundsOfSchema(s *openapi3.Schema) map[string]int {
	found := map[string]int{}
	if s.MinLength > 0 {
		found["minLength"] = int(s.MinLength)
	}
	if s.MaxLength != nil {
		found["maxLength"] = int(*s.MaxLength)
	}
	if s.MinItems > 0 {
		found["minItems"] = int(s.MinItems)
	}
	if s.MaxItems != nil {
		found["maxItems"] = int(*s.MaxItems)
	}
	if s.Min != nil {
		found["minimum"] = int(*s.Min)
	}
	if s.Max != nil {
		found["maximum"] = int(*s.Max)
	}
	if n, ok := s.Default.(float64); ok {
		found["default"] = int(n)
	}
	return found
}

// TestBoundsInTexts finds the bounds in the sentences that have them for people.
func TestBoundsInTexts(t *testing.T) {
	t.Parallel()
	const (
		kib   = 1 << 10
		spec  = "openapi.yaml"
		pages = "docs/errors.md"
	)
	for _, c := range []struct{ file, says string }{
		{spec, fmt.Sprintf("A request body is at most %d KiB.", openapi.MaxBody/kib)},
		{spec, fmt.Sprintf("%d to %d ASCII digits", pin.MinLength, pin.MaxLength)},
		{pages, fmt.Sprintf("The body is larger than %d KiB.", openapi.MaxBody/kib)},
		{pages, fmt.Sprintf("narrower lengths than %d to %d", pin.MinLength, pin.MaxLength)},
		{pages, fmt.Sprintf("All entries of a policy together have at most %d KiB", policy.MaxSkillsBytes/kib)},
		{pages, fmt.Sprintf("%d pending confirmations, or %d that are approved", confirmation.MaxPending, confirmation.MaxApproved)},
	} {
		text, err := os.ReadFile(filepath.Join(contract.Root(), c.file))
		must(t, err)
		if !strings.Contains(strings.Join(strings.Fields(string(text)), " "), c.says) {
			t.Errorf("%s does not say %q", c.file, c.says)
		}
	}
}

// redacted are the places of the contract whose values must not be logged. Confirmation.confirm_url is
// not one of them: a program hands it on as text, and it confirms nothing without the PIN. PinLink.url is:
// whoever holds it chooses the PIN.
var redacted = []string{"Confirmation.receipt", "CreatedApiKey.key", "CreatedWebhook.secret", "NewPin", "Pin", "PinLink.url"}

// TestRedacted compares the contract's x-redact with the list: what is redacted stays so, and what is
// new is decided here.
func TestRedacted(t *testing.T) {
	t.Parallel()
	spec, err := contract.Current()
	must(t, err)
	var got []string
	add := func(place string, ref *openapi3.SchemaRef) {
		if marked, _ := ref.Value.Extensions["x-redact"].(bool); marked && ref.Ref == "" {
			got = append(got, place)
		}
	}
	for name, ref := range spec.Document().Components.Schemas {
		add(name, ref)
		for field, of := range ref.Value.Properties {
			add(name+"."+field, of)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, redacted) {
		t.Errorf("the contract redacts %q, want %q", got, redacted)
	}
}
