package hydrapintest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// until asks again until the answer is there. The trail and the deliveries follow what happened
// within a second or so.
func until(t *testing.T, what string, there func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !there() {
		select {
		case <-ctx.Done():
			t.Fatalf("never came: %s", what)
		case <-tick.C:
		}
	}
}

func TestTheTrail(t *testing.T) {
	t.Parallel()
	s := start(t)
	ctx := t.Context()
	_, err := s.admin.SetCustomerPIN(ctx, s.customer, goodPIN)
	must(t, err)
	status, err := s.admin.DeactivateCustomerPIN(ctx, s.customer)
	if err != nil || status.Active || !status.HasPIN {
		t.Fatalf("deactivated: %+v, %v", status, err)
	}
	var events []hydrapin.Event
	until(t, "both events", func() bool {
		events = nil
		for e, err := range s.admin.Events(ctx, hydrapin.EventFilter{Customer: s.customer, NewestFirst: true}) {
			must(t, err)
			events = append(events, e)
		}
		return len(events) >= 2
	})
	if events[0].Type != "pin.deactivated" || events[len(events)-1].Type != "pin.set" {
		t.Errorf("%+v", events)
	}
	for _, e := range events {
		if e.Customer != s.customer || e.Tenant != s.tenant || e.Index < 0 {
			t.Errorf("%+v", e)
		}
	}
	deactivated := events[0]
	leaf, err := s.admin.Event(ctx, deactivated.Index)
	if err != nil || leaf.Event.ID != deactivated.ID || !strings.Contains(string(leaf.Leaf), deactivated.ID.String()) {
		t.Errorf("%+v, %v", leaf, err)
	}
	proof, err := s.admin.EventProof(ctx, deactivated.Index, deactivated.Index+1)
	if err != nil || proof.LeafHash != leaf.LeafHash || proof.Size != deactivated.Index+1 {
		t.Errorf("%+v, %v", proof, err)
	}
	consistent, err := s.admin.EventConsistency(ctx, 1, deactivated.Index+1)
	if err != nil || consistent.From != 1 || consistent.To != deactivated.Index+1 {
		t.Errorf("%+v, %v", consistent, err)
	}
	head, err := s.admin.Checkpoint(ctx)
	if err != nil || !strings.Contains(head, "\n\n— ") {
		t.Errorf("%q, %v", head, err)
	}
	if _, err := s.admin.Event(ctx, 1<<40); !errors.Is(err, hydrapin.ErrNotFound) {
		t.Errorf("an event that is not there: %v", err)
	}
}

// The name is that of a loopback address, which the server does not send to unless its operator allows that,
// so that every attempt fails without a word on the wire.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	s := start(t)
	ctx := t.Context()
	made, err := s.admin.CreateWebhook(ctx, hydrapin.NewWebhook{URL: "https://localhost:9/in", Events: []string{"pin.*"}, Description: "audit"})
	if err != nil || !made.Enabled || made.Description != "audit" || !strings.HasPrefix(made.Secret.Reveal(), "whsec_") {
		t.Fatalf("%+v, %v", made, err)
	}
	event, err := s.admin.TestWebhook(ctx, made.ID)
	must(t, err)
	var failed hydrapin.WebhookDelivery
	until(t, "a failed attempt", func() bool {
		for d, err := range s.admin.WebhookDeliveries(ctx, made.ID, hydrapin.DeliveryPending) {
			must(t, err)
			failed = d
		}
		return failed.Attempts > 0
	})
	if failed.Event != event || failed.Webhook != made.ID || failed.EventType != "webhook.tested" || failed.LastError == "" {
		t.Errorf("%+v", failed)
	}
	if again, err := s.admin.RetryWebhookDelivery(ctx, failed.ID); err != nil || again.ID != failed.ID {
		t.Errorf("%+v, %v", again, err)
	}
	rotated, err := s.admin.RotateWebhookSecret(ctx, made.ID)
	if err != nil || rotated.ID != made.ID || rotated.Secret.Reveal() == made.Secret.Reveal() {
		t.Errorf("rotated: %v", err)
	}
	off, none := false, ""
	changed, err := s.admin.UpdateWebhook(ctx, made.ID, hydrapin.WebhookUpdate{Events: []string{"pin.locked"}, Description: &none, Enabled: &off})
	if err != nil || changed.Enabled || changed.DisabledReason != "by_hand" || changed.Description != "" || !slices.Equal(changed.Events, []string{"pin.locked"}) {
		t.Errorf("%+v, %v", changed, err)
	}
	if _, err := s.admin.TestWebhook(ctx, made.ID); !errors.Is(err, hydrapin.ErrWebhookDisabled) {
		t.Errorf("a test of a disabled one: %v", err)
	}
	for w, err := range s.admin.Webhooks(ctx) {
		if err != nil || w.ID != made.ID {
			t.Errorf("%+v, %v", w, err)
		}
	}
	must(t, s.admin.DeleteWebhook(ctx, made.ID))
	if _, err := s.admin.Webhook(ctx, made.ID); !errors.Is(err, hydrapin.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	if _, err := s.admin.RetryWebhookDelivery(ctx, uuid.New()); !errors.Is(err, hydrapin.ErrNotFound) {
		t.Errorf("a delivery that is not there: %v", err)
	}
}

func TestKeysAndLists(t *testing.T) {
	t.Parallel()
	s := start(t)
	ctx := t.Context()
	made, err := s.admin.CreateAPIKey(ctx, hydrapin.NewAPIKey{Name: "reader", Scopes: []hydrapin.Scope{hydrapin.ScopePINsRead}})
	must(t, err)
	reader, err := hydrapin.NewAdmin(s.url, made.Key, s.client())
	must(t, err)
	_, err = s.admin.SetCustomerPIN(ctx, s.customer, goodPIN)
	must(t, err)
	_, err = s.runtime.SetPIN(ctx, s.identity, goodPIN)
	must(t, err)
	status, err := s.admin.DeactivateIdentityPIN(ctx, s.instance, s.identity)
	if err != nil || status.Active {
		t.Errorf("%+v, %v", status, err)
	}
	var inactive []hydrapin.HolderPIN
	for pin, err := range reader.PINs(ctx, hydrapin.PINFilter{State: hydrapin.PINInactive}) {
		must(t, err)
		inactive = append(inactive, pin)
	}
	if len(inactive) != 1 || inactive[0].Identity != s.identity || inactive[0].Instance != s.instance {
		t.Errorf("%+v", inactive)
	}
	if _, err := reader.SetCustomerPIN(ctx, s.customer, goodPIN); !errors.Is(err, hydrapin.ErrForbidden) {
		t.Errorf("a reader sets a PIN: %v", err)
	}
	for range 2 {
		must(t, s.admin.RevokeAPIKey(ctx, made.ID))
	}
	for pin, err := range reader.PINs(ctx, hydrapin.PINFilter{}) {
		if !errors.Is(err, hydrapin.ErrUnauthorized) {
			t.Errorf("a revoked key: %+v, %v", pin, err)
		}
	}
	revoked := 0
	for k, err := range s.admin.APIKeys(ctx) {
		must(t, err)
		if !k.RevokedAt.IsZero() {
			revoked++
		}
	}
	if revoked != 1 {
		t.Errorf("%d revoked keys", revoked)
	}
}
