package webhook_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/webhook"
)

func TestPatterns(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]bool{
		"pin.set": true, "pin.*": true, "pin_link.*": true, "webhook.tested": true,
		"*": false, ".*": false, "pin": false, "pin.": false, "pin.sets": false, "pi.*": false, "pin*": false, "PIN.*": false, "": false,
	} {
		if got := webhook.KnowsPattern(pattern); got != want {
			t.Errorf("%q is known: %v", pattern, got)
		}
	}
	e := webhook.Endpoint{Events: []string{"pin.*", "confirmation.redeemed"}}
	for kind, want := range map[audit.Type]bool{
		audit.TypePINSet: true, audit.TypePINLocked: true, audit.TypePINLinkCreated: false,
		audit.TypeConfirmationRedeemed: true, audit.TypeConfirmationAsked: false,
	} {
		if got := e.Wants(kind); got != want {
			t.Errorf("%s is wanted: %v", kind, got)
		}
	}
}

func TestATestGoesToItsEndpointAlone(t *testing.T) {
	t.Parallel()
	a, b := webhook.Endpoint{Ref: webhook.Ref{ID: uuid.New()}}, webhook.Endpoint{Ref: webhook.Ref{ID: uuid.New()}}
	leaf := []byte(`{"details":{"webhook":"` + a.ID.String() + `"}}`)
	if !a.Gets(audit.TypeWebhookTested, leaf) || b.Gets(audit.TypeWebhookTested, leaf) ||
		a.Gets(audit.TypeWebhookUpdated, leaf) || a.Gets(audit.TypeWebhookTested, []byte("{")) {
		t.Error("a test went elsewhere")
	}
	if a.Disable(webhook.ByHand, start).Gets(audit.TypeWebhookTested, leaf) {
		t.Error("a disabled endpoint gets a test")
	}
}

func TestTheBodyIsTheEventWithItsIndex(t *testing.T) {
	t.Parallel()
	e := audit.Event{
		ID: uuid.New(), Time: start, Tenant: uuid.New(), Actor: audit.Actor{Kind: "jwt", ID: "ada"}, Details: audit.PINSet{SetBy: "admin"},
	}
	leaf := must(e.Leaf())(t)
	var body struct {
		Type, Timestamp string
		Data            map[string]any
	}
	text := must(webhook.Body(7, leaf))(t)
	must(0, json.Unmarshal(text, &body))(t)
	if body.Type != "pin.set" || body.Timestamp != audit.FormatTime(start) || body.Data["index"] != 7.0 ||
		body.Data["id"] != e.ID.String() || body.Data["type"] != "pin.set" {
		t.Errorf("the body is %s", text)
	}
	if strings.Count(string(text), `"index"`) != 1 {
		t.Errorf("the body is %s", text)
	}
	if _, err := webhook.Body(7, []byte("{")); err == nil {
		t.Error("a body of half an event")
	}
}
