package audit_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/hydracore/hydrapin/internal/audit"
)

// stored are the types as they are in databases. A value that changes makes old
// events unreadable; a new event comes with a new line.
var stored = map[audit.Type]string{
	audit.TypePINSet:                  "pin.set",
	audit.TypePINRemoved:              "pin.removed",
	audit.TypePINAttempted:            "pin.attempted",
	audit.TypePINVerified:             "pin.verified",
	audit.TypePINFailed:               "pin.failed",
	audit.TypePINRefused:              "pin.refused",
	audit.TypePINLocked:               "pin.locked",
	audit.TypePINDeactivated:          "pin.deactivated",
	audit.TypePINUnlocked:             "pin.unlocked",
	audit.TypePINLinkCreated:          "pin_link.created",
	audit.TypePINLinkEnded:            "pin_link.ended",
	audit.TypePolicyUpdated:           "policy.updated",
	audit.TypeFreezeSet:               "freeze.set",
	audit.TypeFreezeLifted:            "freeze.lifted",
	audit.TypeInstanceSpraying:        "instance.spraying",
	audit.TypeSessionOpened:           "session.opened",
	audit.TypeSessionEnded:            "session.ended",
	audit.TypeConfirmationNotRequired: "confirmation.not_required",
	audit.TypeConfirmationBlocked:     "confirmation.blocked",
	audit.TypeConfirmationAsked:       "confirmation.asked",
	audit.TypeConfirmationApproved:    "confirmation.approved",
	audit.TypeConfirmationDeclined:    "confirmation.declined",
	audit.TypeConfirmationDisputed:    "confirmation.disputed",
	audit.TypeConfirmationExpired:     "confirmation.expired",
	audit.TypeConfirmationRedeemed:    "confirmation.redeemed",
	audit.TypeConfirmationRefused:     "confirmation.refused",
	audit.TypeConfirmationOutcome:     "confirmation.outcome",
	audit.TypeKeyMinted:               "key.minted",
	audit.TypeKeyRevoked:              "key.revoked",
	audit.TypeAccessDenied:            "access.denied",
	audit.TypeDatabaseRestored:        "database.restored",
	audit.TypeRefusalsCounted:         "refusals.counted",
	audit.TypeAuditSealed:             "audit.sealed",
	audit.TypeWebhookCreated:          "webhook.created",
	audit.TypeWebhookUpdated:          "webhook.updated",
	audit.TypeWebhookDeleted:          "webhook.deleted",
	audit.TypeWebhookDisabled:         "webhook.disabled",
	audit.TypeWebhookSecretRotated:    "webhook.secret_rotated",
	audit.TypeWebhookTested:           "webhook.tested",
	audit.TypeWebhookDeliveryRetried:  "webhook.delivery_retried",
	audit.TypeAuditPruned:             "audit.pruned",
}

func TestStoredTypesStayAsTheyAre(t *testing.T) {
	t.Parallel()
	for typ, want := range stored {
		if string(typ) != want {
			t.Errorf("type %q, stored as %q", typ, want)
		}
	}
	// Every constant of the type is in the table, and none is another's value.
	file, err := parser.ParseFile(token.NewFileSet(), "audit.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Type" {
			return true
		}
		for _, v := range spec.Values {
			if lit, ok := v.(*ast.BasicLit); ok {
				value, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				declared = append(declared, value)
			}
		}
		return true
	})
	slices.Sort(declared)
	if want := slices.Sorted(maps.Values(stored)); !slices.Equal(declared, want) {
		t.Errorf("declared %q, in the table %q", declared, want)
	}
}
