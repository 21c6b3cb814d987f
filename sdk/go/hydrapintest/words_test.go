package hydrapintest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// The SDK knows every word that the contract may answer.
func TestTheContractsWordsAreKnown(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromFile("../../../openapi.yaml")
	must(t, err)
	schema := func(name, property string) map[string]bool {
		s := doc.Components.Schemas[name].Value
		if property != "" {
			s = s.Properties[property].Value
		}
		words := map[string]bool{}
		for _, w := range s.Enum {
			if w != nil {
				words[strings.TrimPrefix(fmt.Sprint(w), "urn:hydrapin:problem:")] = true
			}
		}
		return words
	}
	known := func(words ...string) map[string]bool {
		m := map[string]bool{}
		for _, w := range words {
			m[w] = true
		}
		return m
	}
	for name, test := range map[string]struct{ contract, sdk map[string]bool }{
		"codes": {schema("ProblemType", ""), known(toStrings(
			hydrapin.ErrUnauthorized, hydrapin.ErrForbidden, hydrapin.ErrWrongPIN, hydrapin.ErrPINLocked,
			hydrapin.ErrPINInactive, hydrapin.ErrNotPending, hydrapin.ErrNotApproved, hydrapin.ErrExpired,
			hydrapin.ErrAlreadyRedeemed, hydrapin.ErrParamsMismatch, hydrapin.ErrChangedSinceApproval,
			hydrapin.ErrIdempotencyConflict, hydrapin.ErrPreconditionFailed, hydrapin.ErrNotFound,
			hydrapin.ErrMethodNotAllowed, hydrapin.ErrTooLarge, hydrapin.ErrUnsupportedMediaType,
			hydrapin.ErrTooManyRequests, hydrapin.ErrBusy, hydrapin.ErrUnavailable, hydrapin.ErrInternal, hydrapin.ErrPageOnly,
			hydrapin.ErrPINNotOwn, hydrapin.ErrPINNotSet, hydrapin.ErrFrozen, hydrapin.ErrOutcomeAlreadySet, hydrapin.ErrNotRedeemed,
			hydrapin.ErrTooManyWebhooks, hydrapin.ErrWebhookDisabled)...)},
		"statuses": {schema("ConfirmationStatus", ""), known(toStrings(
			hydrapin.StatusNotRequired, hydrapin.StatusPending, hydrapin.StatusApproved, hydrapin.StatusBlocked,
			hydrapin.StatusDeclined, hydrapin.StatusExpired, hydrapin.StatusRedeemed)...)},
		"reasons": {schema("Confirmation", "reason"), known(toStrings(
			hydrapin.ReasonRoleExcluded, hydrapin.ReasonSkillNotListed, hydrapin.ReasonPIN, hydrapin.ReasonSession,
			hydrapin.ReasonPINNotSet, hydrapin.ReasonPINInactive, hydrapin.ReasonPINLocked, hydrapin.ReasonPINCoolingOff,
			hydrapin.ReasonRuntime, hydrapin.ReasonHolder, hydrapin.ReasonPINChanged, hydrapin.ReasonSessionEnded,
			hydrapin.ReasonFrozen, hydrapin.ReasonPINNotOwn, hydrapin.ReasonWrongPIN)...)},
		"roles":      {schema("Role", ""), known(toStrings(hydrapin.RoleOwner, hydrapin.RoleCustomer)...)},
		"applies to": {schema("PinAppliesTo", ""), known(toStrings(hydrapin.AppliesToOwner, hydrapin.AppliesToCustomer, hydrapin.AppliesToAll)...)},
	} {
		for word := range test.contract {
			if !test.sdk[word] {
				t.Errorf("%s: the SDK does not know %s", name, word)
			}
		}
		if len(test.contract) == 0 {
			t.Errorf("%s: none in the contract", name)
		}
	}
}

func toStrings[S ~string](words ...S) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return out
}
