package audit_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/pin"
)

// each has details of every type of event.
var each = []audit.Details{
	audit.PINSet{Replaced: true, SetBy: "holder"},
	audit.PINRemoved{Was: "ready", Failures: 2},
	audit.PINAttempted{Failures: 3},
	audit.PINVerified{},
	audit.PINFailed{AttemptsRemaining: 4},
	audit.PINRefused{Reason: "locked"},
	audit.PINLocked{LockedUntil: "2026-11-27T09:15:00.000000Z"},
	audit.PINDeactivated{},
	audit.PINUnlocked{Was: "locked", Reason: "own_correct_guess", Failures: 5},
	audit.PolicyUpdated{
		Before: audit.PolicyState{AppliesTo: "all", RequiredSkills: []string{}, SessionTTLMinutes: 30, Channels: "any"},
		After:  audit.PolicyState{AppliesTo: "all", RequiredSkills: []string{"*"}, Version: 1, MustBeOwn: true, Channels: "page"},
	},
	audit.PINLinkCreated{Link: "l", Kind: "admin", ExpiresAt: "e"},
	audit.PINLinkEnded{Link: "l", Kind: "runtime"},
	audit.ConfirmationDisputed{Question: asked},
	audit.FreezeSet{Reason: "odd calls"},
	audit.FreezeLifted{},
	audit.InstanceSpraying{Holders: 50, Until: "2026-11-27T10:00:00.000000Z"},
	audit.SessionOpened{Session: "s", Role: "owner", Until: "u"},
	audit.SessionEnded{Session: "s", Reason: "runtime"},
	audit.ConfirmationNotRequired{Question: asked},
	audit.ConfirmationBlocked{Question: asked},
	audit.ConfirmationAsked{Question: asked},
	audit.ConfirmationApproved{Question: asked},
	audit.ConfirmationDeclined{Question: asked},
	audit.ConfirmationExpired{Question: asked},
	audit.ConfirmationRedeemed{Question: asked},
	audit.ConfirmationRefused{Question: asked, Refusal: "expired"},
	audit.ConfirmationOutcome{Outcome: "executed"},
	audit.KeyMinted{Key: "k", Kind: "api_key", Name: "n", Scopes: []string{"pins:read"}},
	audit.KeyRevoked{Key: "k", Kind: "api_key", Name: "n"},
	audit.AccessDenied{Operation: "setCustomerPin"},
	audit.DatabaseRestored{},
	audit.RefusalsCounted{Of: "access.denied", Count: 7, Since: "t"},
	audit.AuditSealed{Size: 7, Root: "r"},
	audit.WebhookCreated{Webhook: "w", Host: "a.example", Events: []string{"pin.*"}},
	audit.WebhookUpdated{Webhook: "w", Host: "a.example", Events: []string{"pin.*"}, Enabled: true},
	audit.WebhookDeleted{Webhook: "w"},
	audit.WebhookDisabled{Webhook: "w", Reason: "gone"},
	audit.WebhookSecretRotated{Webhook: "w"},
	audit.WebhookTested{Webhook: "w"},
	audit.WebhookDeliveryRetried{Webhook: "w", Delivery: "d"},
	audit.AuditPruned{From: 1, To: 5},
}

var asked = audit.Question{Skill: "mail.send", Role: "owner", Status: "pending", Reason: "pin", ActionDigest: "sha-256:00"}

func event(d audit.Details) audit.Event {
	return audit.Event{
		ID: uuid.UUID{1}, Time: time.Date(2026, time.November, 27, 9, 0, 0, 5000, time.FixedZone("", 3600)),
		Tenant: uuid.UUID{2}, Actor: audit.Actor{Kind: auth.KindRuntimeKey, ID: "key"}, Details: d,
	}
}

func TestEveryEventHasALeafThatReadsBack(t *testing.T) {
	t.Parallel()
	seen := map[audit.Type]bool{}
	for _, d := range each {
		leaf, err := event(d).Leaf()
		if err != nil {
			t.Fatalf("%s: %v", d.Type(), err)
		}
		entry, err := audit.Stored{Index: 1, Leaf: leaf}.Entry()
		if err != nil {
			t.Fatalf("%s: %v", d.Type(), err)
		}
		if entry.Type != d.Type() || seen[entry.Type] {
			t.Errorf("%T has the type %s", d, entry.Type)
		}
		seen[entry.Type] = true
		want, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(entry.Details, &fields); err != nil || strings.Contains(string(want), `":""`) {
			t.Errorf("%s: details %s, %v", d.Type(), entry.Details, err)
		}
	}
	for typ := range stored {
		if !seen[typ] {
			t.Errorf("no details of type %s", typ)
		}
	}
}

func TestALeafIsCanonical(t *testing.T) {
	t.Parallel()
	e := event(audit.PINSet{})
	e.Holder = pin.IdentityHolder(e.Tenant, uuid.UUID{3}, uuid.UUID{4})
	e.Instance, e.Confirmation, e.RequestID, e.Peer = uuid.UUID{3}, uuid.UUID{5}, "req", "192.0.2.1"
	leaf, err := e.Leaf()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"actor_id":"key","actor_kind":"runtime_key","confirmation_id":"05000000-0000-0000-0000-000000000000",` +
		`"customer_id":null,"details":{"replaced":false},"holder_type":"identity","id":"01000000-0000-0000-0000-000000000000",` +
		`"identity_id":"04000000-0000-0000-0000-000000000000","instance_id":"03000000-0000-0000-0000-000000000000",` +
		`"peer":"192.0.2.1","request_id":"req","tenant_id":"02000000-0000-0000-0000-000000000000",` +
		`"time":"2026-11-27T08:00:00.000005Z","type":"pin.set"}`
	if string(leaf) != want {
		t.Errorf("leaf\n%s, want\n%s", leaf, want)
	}
}

func TestAnIncompleteEventHasNoLeaf(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*audit.Event){
		"no id":      func(e *audit.Event) { e.ID = uuid.Nil },
		"no time":    func(e *audit.Event) { e.Time = time.Time{} },
		"no tenant":  func(e *audit.Event) { e.Tenant = uuid.Nil },
		"no details": func(e *audit.Event) { e.Details = nil },
	} {
		e := event(audit.PINSet{})
		spoil(&e)
		if leaf, err := e.Leaf(); err == nil {
			t.Errorf("%s: %s", name, leaf)
		}
	}
}
