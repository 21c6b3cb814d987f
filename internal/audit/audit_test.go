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

// stored are the types as they stand in databases. A value that changes makes old
// events unreadable; a new event comes with a new line.
var stored = map[audit.Type]string{
	audit.PINSet:                  "pin.set",
	audit.PINRemoved:              "pin.removed",
	audit.PINAttempted:            "pin.attempted",
	audit.PINVerified:             "pin.verified",
	audit.PINFailed:               "pin.failed",
	audit.PINRefused:              "pin.refused",
	audit.PINLocked:               "pin.locked",
	audit.PINDeactivated:          "pin.deactivated",
	audit.PINUnlocked:             "pin.unlocked",
	audit.PolicyUpdated:           "policy.updated",
	audit.SessionOpened:           "session.opened",
	audit.SessionEnded:            "session.ended",
	audit.ConfirmationNotRequired: "confirmation.not_required",
	audit.ConfirmationBlocked:     "confirmation.blocked",
	audit.ConfirmationAsked:       "confirmation.asked",
	audit.ConfirmationApproved:    "confirmation.approved",
	audit.ConfirmationDeclined:    "confirmation.declined",
	audit.ConfirmationExpired:     "confirmation.expired",
	audit.ConfirmationRedeemed:    "confirmation.redeemed",
	audit.ConfirmationRefused:     "confirmation.refused",
	audit.KeyMinted:               "key.minted",
	audit.KeyRevoked:              "key.revoked",
	audit.AccessDenied:            "access.denied",
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
