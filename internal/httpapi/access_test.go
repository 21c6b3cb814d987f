package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/pgtest"
	"github.com/hydracore/hydrapin/internal/service"
)

// operations are all of the contract's, and which credentials open each.
var operations = []struct {
	id, method, path, body string
	open                   []string
}{
	{"getCustomerPinStatus", "GET", "/v1/customers/{c}/pin", "", []string{"admin", "pins:read", "all"}},
	{"setCustomerPin", "POST", "/v1/customers/{c}/pin", `{"pin":"804615"}`, []string{"admin", "pins:write", "all"}},
	{"removeCustomerPin", "DELETE", "/v1/customers/{c}/pin", "", []string{"admin", "pins:write", "all"}},
	{"unlockCustomerPin", "POST", "/v1/customers/{c}/pin/unlock", "", []string{"admin", "pins:write", "all"}},
	{"getPinPolicy", "GET", "/v1/instances/{i}/pin-policy", "", []string{"admin", "user", "customer", "pin-policies:read", "all"}},
	{"updatePinPolicy", "PATCH", "/v1/instances/{i}/pin-policy", `{}`, []string{"admin", "pin-policies:write", "all"}},
	{"createCustomerPinLink", "POST", "/v1/customers/{c}/pin-links", `{"expires_in_seconds":300}`, []string{"admin", "pins:write", "all"}},
	{"endCustomerPinLinks", "DELETE", "/v1/customers/{c}/pin-links", "", []string{"admin", "pins:write", "all"}},
	{"createIdentityPinLink", "POST", "/v1/instances/{i}/identities/{d}/pin-links", `{"expires_in_seconds":300}`, []string{"admin", "pins:write", "all"}},
	{"endIdentityPinLinks", "DELETE", "/v1/instances/{i}/identities/{d}/pin-links", "", []string{"admin", "pins:write", "all"}},
	{"runtimeCreatePinLink", "POST", "/internal/v1/instances/{i}/identities/{d}/pin-links", `{"expires_in_seconds":300}`, []string{"runtime"}},
	{"runtimeEndPinLinks", "DELETE", "/internal/v1/instances/{i}/identities/{d}/pin-links", "", []string{"runtime"}},
	{"setMyPin", "PUT", "/v1/me/pin", `{"pin":"804615"}`, []string{"customer"}},
	{"getMyPinStatus", "GET", "/v1/me/pin", "", []string{"customer"}},
	{"getIdentityPinStatus", "GET", "/v1/instances/{i}/identities/{d}/pin", "", []string{"admin", "pins:read", "all"}},
	{"removeIdentityPin", "DELETE", "/v1/instances/{i}/identities/{d}/pin", "", []string{"admin", "pins:write", "all"}},
	{"unlockIdentityPin", "POST", "/v1/instances/{i}/identities/{d}/pin/unlock", "", []string{"admin", "pins:write", "all"}},
	{"runtimeGetPinStatus", "GET", "/internal/v1/instances/{i}/identities/{d}/pin", "", []string{"runtime"}},
	{"runtimeSetPin", "POST", "/internal/v1/instances/{i}/identities/{d}/pin", `{"pin":"804615"}`, []string{"runtime"}},
	{"runtimeRemovePin", "DELETE", "/internal/v1/instances/{i}/identities/{d}/pin", "", []string{"runtime"}},
	{"askConfirmation", "POST", "/internal/v1/instances/{i}/confirmations", `{"skill":"s","role":"owner","customer_id":"{c}"}`, []string{"runtime"}},
	{"getConfirmation", "GET", "/internal/v1/instances/{i}/confirmations/{d}", "", []string{"runtime"}},
	{"getConfirmationQr", "GET", "/internal/v1/instances/{i}/confirmations/{d}/qr", "", []string{"runtime"}},
	{"declineConfirmation", "DELETE", "/internal/v1/instances/{i}/confirmations/{d}", "", []string{"runtime"}},
	{"verifyConfirmation", "POST", "/internal/v1/instances/{i}/confirmations/{d}/verify", `{"pin":"804615"}`, []string{"runtime"}},
	{"redeemConfirmation", "POST", "/internal/v1/instances/{i}/confirmations/{d}/redeem", `{}`, []string{"runtime"}},
	{"getPinPolicyDecision", "GET", "/internal/v1/instances/{i}/pin-policy/decision?skill=s&role=owner", "", []string{"runtime"}},
	{"listConfirmations", "GET", "/internal/v1/instances/{i}/confirmations", "", []string{"runtime"}},
	{"reportOutcome", "POST", "/internal/v1/instances/{i}/confirmations/{d}/outcome", `{"outcome":"executed"}`, []string{"runtime"}},
	{"endPinSessions", "DELETE", "/internal/v1/instances/{i}/pin-sessions?customer_id={c}", "", []string{"runtime"}},
	{"listPins", "GET", "/v1/pins", "", []string{"admin", "pins:read", "all"}},
	{"deactivateCustomerPin", "POST", "/v1/customers/{c}/pin/deactivate", "", []string{"admin", "pins:write", "all"}},
	{"deactivateIdentityPin", "POST", "/v1/instances/{i}/identities/{d}/pin/deactivate", "", []string{"admin", "pins:write", "all"}},
	{"listWebhooks", "GET", "/v1/webhooks", "", []string{"admin", "webhooks:read", "all"}},
	{"createWebhook", "POST", "/v1/webhooks", `{"url":"https://a.example","events":["pin.*"],"enabled":false}`, []string{"admin", "all"}},
	{"getWebhook", "GET", "/v1/webhooks/{d}", "", []string{"admin", "webhooks:read", "all"}},
	{"updateWebhook", "PATCH", "/v1/webhooks/{d}", `{"enabled":false}`, []string{"admin", "webhooks:write", "all"}},
	{"deleteWebhook", "DELETE", "/v1/webhooks/{d}", "", []string{"admin", "webhooks:write", "all"}},
	{"rotateWebhookSecret", "POST", "/v1/webhooks/{d}/rotate-secret", "", []string{"admin", "webhooks:write", "all"}},
	{"testWebhook", "POST", "/v1/webhooks/{d}/test", "", []string{"admin", "webhooks:write", "all"}},
	{"listWebhookDeliveries", "GET", "/v1/webhooks/{d}/deliveries", "", []string{"admin", "webhooks:read", "all"}},
	{"retryWebhookDelivery", "POST", "/v1/webhook-deliveries/{d}/retry", "", []string{"admin", "webhooks:write", "all"}},
	{"listApiKeys", "GET", "/v1/api-keys", "", []string{"admin", "api-keys:read", "all"}},
	{"createApiKey", "POST", "/v1/api-keys", `{"name":"n","scopes":["api-keys:write"]}`, []string{"admin", "api-keys:write", "all"}},
	{"revokeApiKey", "DELETE", "/v1/api-keys/nobody", "", []string{"admin", "api-keys:write", "all"}},
	{"listPinEvents", "GET", "/v1/pin-events", "", []string{"admin", "events:read", "all"}},
	{"getPinEvent", "GET", "/v1/pin-events/0", "", []string{"admin", "events:read", "all"}},
	{"getPinEventCheckpoint", "GET", "/v1/pin-events/checkpoint", "", []string{"admin", "events:read", "all"}},
	{"getPinEventProof", "GET", "/v1/pin-events/0/proof", "", []string{"admin", "events:read", "all"}},
	{"getPinEventConsistency", "GET", "/v1/pin-events/consistency?from=1", "", []string{"admin", "events:read", "all"}},
	// What freezes comes last: nothing else is open afterwards.
	{"getInstanceFreeze", "GET", "/v1/instances/{i}/freeze", "", []string{"admin", "pin-policies:read", "all"}},
	{"getTenantFreeze", "GET", "/v1/freeze", "", []string{"admin", "pin-policies:read", "all"}},
	{"liftInstanceFreeze", "DELETE", "/v1/instances/{i}/freeze", "", []string{"admin", "pin-policies:write", "all"}},
	{"liftTenantFreeze", "DELETE", "/v1/freeze", "", []string{"admin", "pin-policies:write", "all"}},
	{"setInstanceFreeze", "PUT", "/v1/instances/{i}/freeze", "", []string{"admin", "pin-policies:write", "all"}},
	{"setTenantFreeze", "PUT", "/v1/freeze", `{"reason":"odd calls"}`, []string{"admin", "pin-policies:write", "all"}},
}

// at puts the stack's ids into a path or body.
func (b *bench) at(s string) string {
	return strings.NewReplacer("{i}", b.Instance.String(), "{c}", b.Customer.String(), "{d}", b.Identity.String()).Replace(s)
}

// Every operation with every kind of credential: it opens what the table says,
// and nothing else.
func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	b := setup(t)
	credentials := map[string]edit{
		"user":     bearer(b.Token(t, nil)),
		"admin":    bearer(b.admin(t)),
		"customer": bearer(b.Token(t, func(c *auth.Claims) { c.CustomerID = b.Customer })),
		"all":      key(b.Key), "runtime": key(b.RuntimeKey),
	}
	for _, scope := range auth.Scopes() {
		_, k := b.Mint(t, service.KeySpec{Tenant: b.Tenant, Scopes: []auth.Scope{scope}})
		credentials[string(scope)] = key(k)
	}
	_, elsewhere := b.Mint(t, service.KeySpec{Tenant: b.Tenant, Instance: uuid.New()})
	credentials["another instance's"] = key(elsewhere)
	// Another tenant's runtime key of an instance of the same id finds its own
	// tenant's records.
	for _, op := range operations {
		for name, credential := range credentials {
			got := b.call(t, op.method, b.at(op.path), b.at(op.body), credential)
			if open := slices.Contains(op.open, name); open == (got.StatusCode == http.StatusForbidden) || got.StatusCode == http.StatusUnauthorized {
				t.Errorf("%s with %s: %d %s", op.id, name, got.StatusCode, got.text)
			}
		}
		b.call(t, op.method, b.at(op.path), b.at(op.body)).problem(t, http.StatusUnauthorized, "unauthorized")
	}
}

// No route is without a guard, and the table above has all of them.
func TestEveryRouteIsGuarded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := 0
	for _, route := range b.Node.Handler().(*echo.Echo).Routes() {
		if !strings.HasPrefix(route.Path, "/v1/") && !strings.HasPrefix(route.Path, "/internal/") {
			continue
		}
		path := strings.NewReplacer(":instance_id", "x", ":customer_id", "x", ":identity_id", "x", ":confirmation_id", "x", ":api_key_id", "x", ":webhook_id", "x", ":delivery_id", "x", ":index", "x").Replace(route.Path)
		got := b.call(t, route.Method, path, "").want(t, http.StatusUnauthorized)
		if route.Method == http.MethodHead {
			continue // GET's twin
		}
		got.problem(t, http.StatusUnauthorized, "unauthorized")
		n++
	}
	if n != len(operations) {
		t.Errorf("%d routes, %d operations in the table", n, len(operations))
	}
}

func TestDenialsAreEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.call(t, "POST", b.customerPIN(), `{"pin":"804615"}`, bearer(b.Token(t, nil)))
	got.problem(t, http.StatusForbidden, "forbidden")
	b.call(t, "GET", b.policyPath(), "", key(b.RuntimeKey)).problem(t, http.StatusForbidden, "forbidden")
	b.call(t, "GET", "/v1/instances/x/pin-policy", "", key(b.RuntimeKey)).problem(t, http.StatusForbidden, "forbidden")
	b.call(t, "GET", b.customerPIN(), "").want(t, http.StatusUnauthorized)
	var denied []audit.Entry
	for _, e := range b.events(t) {
		if e.Type == audit.TypeAccessDenied {
			denied = append(denied, e)
		}
	}
	if len(denied) != 3 {
		t.Fatalf("%d denials", len(denied))
	}
	e := denied[0]
	if e.ActorKind != string(auth.KindJWT) || e.ActorID != "user-1" || *e.RequestID != got.Header.Get("X-Request-Id") ||
		*e.Peer != "127.0.0.1" || string(e.Details) != `{"operation":"setCustomerPin"}` {
		t.Errorf("denial %+v", e)
	}
	if *denied[1].InstanceID != b.Instance || denied[2].InstanceID != nil {
		t.Errorf("denials of instances %s, %s", denied[1].InstanceID, denied[2].InstanceID)
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.admin(t)
	expired := b.Token(t, func(c *auth.Claims) { c.Admin, c.IssuedAt = true, b.clock.Now().Add(-2*time.Hour) })
	const none, invalid = `Bearer realm="hydrapin"`, `Bearer realm="hydrapin", error="invalid_token"`
	twice := func(name, value string) edit {
		return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = []string{value, value} }
	}
	for name, c := range map[string]struct {
		edits     []edit
		challenge string // empty: let in
	}{
		"nothing":                       {nil, none},
		"another scheme":                {[]edit{header("Authorization", "Basic "+admin)}, none},
		"an empty Authorization":        {[]edit{header("Authorization", "")}, none},
		"a bare token":                  {[]edit{header("Authorization", admin)}, none},
		"a scheme without a token":      {[]edit{header("Authorization", "Bearer")}, invalid},
		"a token with something behind": {[]edit{header("Authorization", "Bearer "+admin+" x")}, invalid},
		"two tokens with a comma":       {[]edit{header("Authorization", "Bearer "+admin+", Bearer "+admin)}, invalid},
		"a repeated Authorization":      {[]edit{twice("Authorization", "Bearer "+admin)}, invalid},
		"a repeated key":                {[]edit{twice("X-Api-Key", b.Key)}, invalid},
		"two keys with a comma":         {[]edit{key(b.Key + "," + b.Key)}, invalid},
		"a repeated token and a key":    {[]edit{twice("Authorization", "Bearer "+admin), key(b.Key)}, invalid},
		"an empty key":                  {[]edit{key("")}, invalid},
		"an empty key and a token":      {[]edit{key(""), bearer(admin)}, invalid},
		"a bad key and a good token":    {[]edit{key(b.Key + "x"), bearer(admin)}, invalid},
		"an expired token":              {[]edit{bearer(expired)}, invalid},
		"a key as a token":              {[]edit{bearer(b.Key)}, invalid},
		"a token as a key":              {[]edit{key(admin)}, invalid},
		"a changed key":                 {[]edit{key(changeLast(b.Key))}, invalid},
		"a long token":                  {[]edit{bearer(strings.Repeat("x", 20<<10))}, invalid},
		"a token":                       {[]edit{bearer(admin)}, ""},
		"a scheme in other case":        {[]edit{header("Authorization", "bEARER   "+admin)}, ""},
		"a key":                         {[]edit{key(b.Key)}, ""},
		"a key and a bad token":         {[]edit{key(b.Key), bearer("x")}, ""},
	} {
		for _, method := range []string{"GET", "DELETE"} {
			got := b.call(t, method, b.customerPIN(), "", c.edits...)
			if c.challenge == "" {
				if got.StatusCode >= 300 {
					t.Errorf("%s: %d %s", name, got.StatusCode, got.text)
				}
				continue
			}
			got.problem(t, http.StatusUnauthorized, "unauthorized")
			if h := got.Header.Values("WWW-Authenticate"); !slices.Equal(h, []string{c.challenge}) {
				t.Errorf("%s: WWW-Authenticate %q, want %q", name, h, c.challenge)
			}
		}
	}
	refused := 0
	for _, line := range b.requests(t) {
		if line["status"] == 401.0 && line["reason"] == "credential refused" && line["error"] != "" && line["level"] == "INFO" {
			refused++
		}
	}
	// One line for each: the log of a server that is probed must not grow twice as fast.
	if refused != 2*19 || strings.Count(b.Log.String(), "credential refused") != refused {
		t.Errorf("%d refused credentials logged", refused)
	}
}

func changeLast(s string) string {
	last := byte('A')
	if s[len(s)-1] == last {
		last = 'B'
	}
	return s[:len(s)-1] + string(last)
}

// A key that another node revoked is dead at once for whatever writes, and within five seconds for
// what reads.
func TestRevokedKey(t *testing.T) {
	t.Parallel()
	shared := "HYDRAPIN_DATABASE_URL=" + pgtest.Empty(t)
	b, another := setup(t, shared), setup(t, shared)
	reads := func() reply { return b.call(t, "GET", b.customerPIN(), "", key(b.Key)) }
	revoke := func(by *bench, id string) {
		must(t, by.Node.Service().RevokeKey(t.Context(), service.Operator(b.Tenant), id))
	}
	reads().want(t, 200)
	revoke(another, b.KeyID)
	reads().want(t, 200)
	b.call(t, "POST", b.customerPIN(), `{"pin":"804615"}`, key(b.Key)).problem(t, 401, "unauthorized")
	reads().problem(t, 401, "unauthorized")
	b.clock.Add(5 * time.Second)
	reads().problem(t, 401, "unauthorized")

	// Nothing writes: only the time ends it.
	made, text := b.Mint(t, service.KeySpec{Tenant: b.Tenant, Scopes: auth.Scopes()})
	b.Key = text
	reads().want(t, 200)
	revoke(another, made.ID)
	b.clock.Add(5*time.Second - 1)
	reads().want(t, 200)
	b.clock.Add(1)
	reads().problem(t, 401, "unauthorized")

	// The node that revokes a key knows it at once.
	made, b.Key = b.Mint(t, service.KeySpec{Tenant: b.Tenant, Scopes: auth.Scopes()})
	reads().want(t, 200)
	revoke(b, made.ID)
	reads().problem(t, 401, "unauthorized")
}

// Before the issuer's keys are loaded, tokens get 503, and keys work.
func TestKeysNotLoaded(t *testing.T) {
	t.Parallel()
	b := setup(t, "HYDRAPIN_JWT_JWKS=http://127.0.0.1:1/jwks", "HYDRAPIN_JWT_ISSUER=i", "HYDRAPIN_JWT_AUDIENCE=a")
	token := "eyJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.e30.AAAA"
	got := b.call(t, "GET", b.customerPIN(), "", bearer(token))
	got.problem(t, http.StatusServiceUnavailable, "unavailable")
	retryWithin(t, got, 1, 5)
	b.call(t, "GET", b.customerPIN(), "", key(b.Key)).want(t, 200)
}
