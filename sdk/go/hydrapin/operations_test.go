package hydrapin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// network is what answers instead of one: it produces the faults that a server does not have on demand.
type network func(r *http.Request) (*http.Response, error)

func (n network) RoundTrip(r *http.Request) (*http.Response, error) { return n(r) }

// say makes an answer.
func say(r *http.Request, status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
	}
}

var errLost = errors.New("the wire is cut")

var (
	instance = uuid.MustParse("0d8bf4c6-2f0e-4f1c-9a55-9d3f3f8d3a11")
	customer = uuid.MustParse("497f6eca-6276-4993-bfeb-53cbbbba6f08")
	identity = uuid.MustParse("a1f0b3a2-55a7-4d37-8f8e-1f8f0b3c2d4e")
	asked    = uuid.MustParse("7c0e2b54-7f0b-4c53-8f0e-5b8e5a3f9d21")
)

var (
	liveKey  = hydrapin.NewKey("hc_live_test_secret")
	agentKey = hydrapin.NewKey("hc_agent_test_secret")
	goodPIN  = hydrapin.NewPIN("804615")
	wrongPIN = hydrapin.NewPIN("111222")
)

const skill = "payments.transfer"

// clients are both clients, over one network.
type clients struct {
	admin   *hydrapin.Admin
	runtime *hydrapin.Runtime
}

func over(tb testing.TB, n http.RoundTripper, options ...hydrapin.Option) clients {
	tb.Helper()
	options = append([]hydrapin.Option{hydrapin.WithHTTPClient(&http.Client{Transport: n})}, options...)
	admin, err := hydrapin.NewAdmin("https://pin.example.com/prefix", liveKey, options...)
	must(tb, err)
	runtime, err := hydrapin.NewRuntime("https://pin.example.com/prefix/", agentKey, instance, options...)
	must(tb, err)
	return clients{admin, runtime}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func question(key string) hydrapin.Question {
	return hydrapin.Question{
		Holder: hydrapin.Customer(customer), Role: hydrapin.RoleOwner, Skill: skill, IdempotencyKey: key,
	}
}

// operation is one operation of the contract as the SDK calls it.
type operation struct {
	id, method, path string
	// repeatable says that it may be sent again by itself.
	repeatable bool
	call       func(context.Context, clients) error
}

func operations() []operation {
	const (
		customerPIN   = "/v1/customers/{customer}/pin"
		identityPIN   = "/v1/instances/{instance}/identities/{identity}/pin"
		identityLinks = "/v1/instances/{instance}/identities/{identity}/pin-links"
		policy        = "/v1/instances/{instance}/pin-policy"
		internal      = "/internal/v1/instances/{instance}"
		confirmation  = internal + "/confirmations/{confirmation}"
	)
	return []operation{
		{"getCustomerPinStatus", "GET", customerPIN, true, func(ctx context.Context, c clients) error {
			_, err := c.admin.CustomerPIN(ctx, customer)
			return err
		}},
		{"setCustomerPin", "POST", customerPIN, false, func(ctx context.Context, c clients) error {
			_, err := c.admin.SetCustomerPIN(ctx, customer, goodPIN)
			return err
		}},
		{"removeCustomerPin", "DELETE", customerPIN, false, func(ctx context.Context, c clients) error {
			return c.admin.RemoveCustomerPIN(ctx, customer)
		}},
		{"unlockCustomerPin", "POST", customerPIN + "/unlock", false, func(ctx context.Context, c clients) error {
			_, err := c.admin.UnlockCustomerPIN(ctx, customer)
			return err
		}},
		{"getPinPolicy", "GET", policy, true, func(ctx context.Context, c clients) error {
			_, err := c.admin.Policy(ctx, instance)
			return err
		}},
		{"updatePinPolicy", "PATCH", policy, false, func(ctx context.Context, c clients) error {
			_, err := c.admin.UpdatePolicy(ctx, instance, hydrapin.PolicyUpdate{RequiredSkills: []string{skill}})
			return err
		}},
		{"getIdentityPinStatus", "GET", identityPIN, true, func(ctx context.Context, c clients) error {
			_, err := c.admin.IdentityPIN(ctx, instance, identity)
			return err
		}},
		{"removeIdentityPin", "DELETE", identityPIN, false, func(ctx context.Context, c clients) error {
			return c.admin.RemoveIdentityPIN(ctx, instance, identity)
		}},
		{"unlockIdentityPin", "POST", identityPIN + "/unlock", false, func(ctx context.Context, c clients) error {
			_, err := c.admin.UnlockIdentityPIN(ctx, instance, identity)
			return err
		}},
		{"getMyPinStatus", "GET", "/v1/me/pin", true, func(ctx context.Context, c clients) error {
			_, err := c.admin.MyPIN(ctx)
			return err
		}},
		{"setMyPin", "PUT", "/v1/me/pin", false, func(ctx context.Context, c clients) error {
			_, err := c.admin.SetMyPIN(ctx, wrongPIN, goodPIN)
			return err
		}},
		{"createCustomerPinLink", "POST", "/v1/customers/{customer}/pin-links", false, func(ctx context.Context, c clients) error {
			_, err := c.admin.CreateCustomerPINLink(ctx, customer, time.Hour)
			return err
		}},
		{"endCustomerPinLinks", "DELETE", "/v1/customers/{customer}/pin-links", false, func(ctx context.Context, c clients) error {
			return c.admin.EndCustomerPINLinks(ctx, customer)
		}},
		{"createIdentityPinLink", "POST", identityLinks, false, func(ctx context.Context, c clients) error {
			_, err := c.admin.CreateIdentityPINLink(ctx, instance, identity, 0)
			return err
		}},
		{"endIdentityPinLinks", "DELETE", identityLinks, false, func(ctx context.Context, c clients) error {
			return c.admin.EndIdentityPINLinks(ctx, instance, identity)
		}},
		{"runtimeCreatePinLink", "POST", internal + "/identities/{identity}/pin-links", false, func(ctx context.Context, c clients) error {
			_, err := c.runtime.CreatePINLink(ctx, identity, time.Minute)
			return err
		}},
		{"runtimeEndPinLinks", "DELETE", internal + "/identities/{identity}/pin-links", false, func(ctx context.Context, c clients) error {
			return c.runtime.EndPINLinks(ctx, identity)
		}},
		{"getConfirmationQr", "GET", confirmation + "/qr", true, func(ctx context.Context, c clients) error {
			_, err := c.runtime.QR(ctx, asked)
			return err
		}},
		{"runtimeGetPinStatus", "GET", internal + "/identities/{identity}/pin", true, func(ctx context.Context, c clients) error {
			_, err := c.runtime.PIN(ctx, identity)
			return err
		}},
		{"runtimeSetPin", "POST", internal + "/identities/{identity}/pin", false, func(ctx context.Context, c clients) error {
			_, err := c.runtime.SetPIN(ctx, identity, goodPIN)
			return err
		}},
		{"runtimeSetPin", "POST", internal + "/identities/{identity}/pin", false, func(ctx context.Context, c clients) error {
			_, err := c.runtime.ReplacePIN(ctx, identity, goodPIN, wrongPIN)
			return err
		}},
		{"runtimeRemovePin", "DELETE", internal + "/identities/{identity}/pin", false, func(ctx context.Context, c clients) error {
			return c.runtime.RemovePIN(ctx, identity)
		}},
		{"askConfirmation", "POST", internal + "/confirmations", false, func(ctx context.Context, c clients) error {
			_, err := c.runtime.Ask(ctx, question(""))
			return err
		}},
		{"askConfirmation", "POST", internal + "/confirmations", true, func(ctx context.Context, c clients) error {
			_, err := c.runtime.Ask(ctx, question("once"))
			return err
		}},
		{"getConfirmation", "GET", confirmation, true, func(ctx context.Context, c clients) error {
			_, err := c.runtime.Confirmation(ctx, asked, 0)
			return err
		}},
		{"getConfirmation", "GET", confirmation + "?wait_seconds=25", true, func(ctx context.Context, c clients) error {
			_, err := c.runtime.Wait(ctx, asked)
			return err
		}},
		{"verifyConfirmation", "POST", confirmation + "/verify", false, func(ctx context.Context, c clients) error {
			_, err := c.runtime.Verify(ctx, asked, goodPIN)
			return err
		}},
		{"redeemConfirmation", "POST", confirmation + "/redeem", false, func(ctx context.Context, c clients) error {
			_, err := c.runtime.Redeem(ctx, asked, skill, nil)
			return err
		}},
		{"reportOutcome", "POST", confirmation + "/outcome", true, func(ctx context.Context, c clients) error {
			_, err := c.runtime.ReportOutcome(ctx, asked, hydrapin.OutcomeExecuted, "")
			return err
		}},
		{"listConfirmations", "GET", internal + "/confirmations", true, func(ctx context.Context, c clients) error {
			for _, err := range c.runtime.Confirmations(ctx, hydrapin.Open{}) {
				return err
			}
			return nil
		}},
		{"listConfirmations", "GET", internal + "/confirmations?customer_id={customer}&status=pending", true, func(ctx context.Context, c clients) error {
			for _, err := range c.runtime.Confirmations(ctx, hydrapin.Open{Status: hydrapin.StatusPending, Holder: hydrapin.Customer(customer)}) {
				return err
			}
			return nil
		}},
		{"getPinPolicyDecision", "GET", internal + "/pin-policy/decision?role=owner&skill=payments.transfer", true, func(ctx context.Context, c clients) error {
			_, err := c.runtime.Decision(ctx, skill, hydrapin.RoleOwner)
			return err
		}},
		{"listPinEvents", "GET", "/v1/pin-events", true, func(ctx context.Context, c clients) error {
			for _, err := range c.admin.Events(ctx, hydrapin.Events{}) {
				return err
			}
			return nil
		}},
		{"listPinEvents", "GET", "/v1/pin-events?actor=ada&customer_id={customer}&order=desc&type=pin.set", true, func(ctx context.Context, c clients) error {
			which := hydrapin.Events{Actor: "ada", Type: "pin.set", Holder: hydrapin.Customer(customer), NewestFirst: true}
			for _, err := range c.admin.Events(ctx, which) {
				return err
			}
			return nil
		}},
		{"getPinEvent", "GET", "/v1/pin-events/7", true, func(ctx context.Context, c clients) error {
			_, err := c.admin.Event(ctx, 7)
			return err
		}},
		{"getPinEventCheckpoint", "GET", "/v1/pin-events/checkpoint", true, func(ctx context.Context, c clients) error {
			_, err := c.admin.EventsCheckpoint(ctx)
			return err
		}},
		{"getPinEventProof", "GET", "/v1/pin-events/7/proof?size=9", true, func(ctx context.Context, c clients) error {
			_, err := c.admin.ProveEvent(ctx, 7, 9)
			return err
		}},
		{"getPinEventConsistency", "GET", "/v1/pin-events/consistency?from=7", true, func(ctx context.Context, c clients) error {
			_, err := c.admin.ProveConsistency(ctx, 7, 0)
			return err
		}},
		{"getTenantFreeze", "GET", "/v1/freeze", true, func(ctx context.Context, c clients) error {
			_, err := c.admin.TenantFreeze(ctx)
			return err
		}},
		{"setTenantFreeze", "PUT", "/v1/freeze", false, func(ctx context.Context, c clients) error {
			_, err := c.admin.FreezeTenant(ctx, "stolen")
			return err
		}},
		{"liftTenantFreeze", "DELETE", "/v1/freeze", false, func(ctx context.Context, c clients) error {
			return c.admin.LiftTenantFreeze(ctx)
		}},
		{"getInstanceFreeze", "GET", "/v1/instances/{instance}/freeze", true, func(ctx context.Context, c clients) error {
			_, err := c.admin.InstanceFreeze(ctx, instance)
			return err
		}},
		{"setInstanceFreeze", "PUT", "/v1/instances/{instance}/freeze", false, func(ctx context.Context, c clients) error {
			_, err := c.admin.FreezeInstance(ctx, instance, "")
			return err
		}},
		{"liftInstanceFreeze", "DELETE", "/v1/instances/{instance}/freeze", false, func(ctx context.Context, c clients) error {
			return c.admin.LiftInstanceFreeze(ctx, instance)
		}},
		{"declineConfirmation", "DELETE", confirmation, true, func(ctx context.Context, c clients) error {
			return c.runtime.Decline(ctx, asked)
		}},
		{"endPinSessions", "DELETE", internal + "/pin-sessions?customer_id={customer}", true, func(ctx context.Context, c clients) error {
			return c.runtime.EndSessions(ctx, hydrapin.Customer(customer))
		}},
		{"endPinSessions", "DELETE", internal + "/pin-sessions?identity_id={identity}", true, func(ctx context.Context, c clients) error {
			return c.runtime.EndSessions(ctx, hydrapin.Identity(identity))
		}},
	}
}

// forEachOperation runs a test for each operation.
func forEachOperation(t *testing.T, test func(*testing.T, operation)) {
	t.Helper()
	for i, op := range operations() {
		t.Run(fmt.Sprintf("%02d %s", i, op.id), func(t *testing.T) {
			t.Parallel()
			test(t, op)
		})
	}
}

// confirmationJSON is a confirmation as the server writes it.
func confirmationJSON(id any, status, reason string) string {
	quoted := func(s any) string {
		if s == nil || s == "" {
			return "null"
		}
		return fmt.Sprintf("%q", fmt.Sprint(s))
	}
	return fmt.Sprintf(`{"id":%s,"status":%q,"reason":%s,"skill":%q,"role":"owner","customer_id":%q,"identity_id":null,`+
		`"action_summary":null,"action_digest":null,"created_at":null,"expires_at":null,"session_expires_at":null,`+
		`"attempts_remaining":null,"locked_until":null,"confirm_url":null,"outcome":null,"outcome_at":null,"receipt":null}`,
		quoted(id), status, quoted(reason), skill, customer)
}

// problem is a problem document.
func problem(r *http.Request, status int, code string, header http.Header) *http.Response {
	return say(r, status, header, fmt.Sprintf(
		`{"type":"urn:hydrapin:problem:%s","title":"t","status":%d,"detail":"d","request_id":"r1"}`, code, status))
}

const testTimeout = 20 * time.Second

type rawJSON = json.RawMessage

// ran records whether a guarded skill ran, and with what.
type ran struct {
	count    int
	approval hydrapin.Approval
}

func (r *ran) fn(_ context.Context, a hydrapin.Approval) error {
	r.count++
	r.approval = a
	return nil
}

// wantNo checks that nothing ran, and returns the error.
func (r *ran) wantNo(tb testing.TB, err error) *hydrapin.NotConfirmedError {
	tb.Helper()
	no := r.no(err)
	if no == nil {
		tb.Fatalf("ran %d times: %v", r.count, err)
	}
	return no
}

// no returns the error if nothing ran, and otherwise nil.
func (r *ran) no(err error) *hydrapin.NotConfirmedError {
	var no *hydrapin.NotConfirmedError
	if r.count != 0 || !errors.Is(err, hydrapin.ErrNotConfirmed) || !errors.As(err, &no) {
		return nil
	}
	return no
}
