package systest_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// The groups of valid credentials. Those of the other tenant are as good as ours
// for an operation, and see nothing of ours; see [accessTable].
var (
	admins    = []string{"jwt admin", "foreign jwt admin"}
	users     = []string{"jwt admin", "jwt user", "jwt customer", "foreign jwt admin", "foreign jwt user", "foreign jwt customer"}
	customers = []string{"jwt customer", "foreign jwt customer"}
	runtimes  = []string{"runtime key", "foreign runtime key"}
)

// scoped are the API keys with a scope.
func scoped(scope string) []string { return []string{"key " + scope, "foreign key"} }

// access is one operation: a request for it, who may make it, and what ours and
// the other tenant's are answered.
type access struct {
	operation, method, path, body string
	allowed                       []string
	own, foreign                  int
}

// accessTable is every operation of the contract, in an order in which each of
// ours succeeds. {a}, {b} and {c} are confirmations of the runtime's.
func accessTable() []access {
	const (
		customer, identity = "/v1/customers/{customer}/pin", "/v1/instances/{instance}/identities/{identity}/pin"
		policy             = "/v1/instances/{instance}/pin-policy"
		internal           = "/internal/v1/instances/{instance}"
		pin                = `{"pin":"{pin}"}`
	)
	readers, writers := slices.Concat(admins, scoped("pins:read")), slices.Concat(admins, scoped("pins:write"))
	freezeReaders := slices.Concat(admins, scoped("pin-policies:read"))
	keyWriters := slices.Concat(admins, scoped("api-keys:write"))
	eventReaders := slices.Concat(admins, scoped("events:read"))
	hookReaders, hookWriters := slices.Concat(admins, scoped("webhooks:read")), slices.Concat(admins, scoped("webhooks:write"))
	freezeWriters := slices.Concat(admins, scoped("pin-policies:write"))
	return []access{
		{"setCustomerPin", http.MethodPost, customer, pin, writers, 200, 200},
		{"getCustomerPinStatus", http.MethodGet, "/v1/customers/{holder}/pin", "", readers, 200, 200},
		{"unlockCustomerPin", http.MethodPost, customer + "/unlock", "", writers, 200, 200},
		{"removeCustomerPin", http.MethodDelete, customer, "", writers, 204, 204},
		{"getIdentityPinStatus", http.MethodGet, identity, "", readers, 200, 200},
		{"unlockIdentityPin", http.MethodPost, identity + "/unlock", "", writers, 200, 200},
		{"removeIdentityPin", http.MethodDelete, identity, "", writers, 204, 204},
		{"getPinPolicy", http.MethodGet, policy, "", slices.Concat(users, scoped("pin-policies:read")), 200, 200},
		{"updatePinPolicy", http.MethodPatch, policy, `{"pin_session_ttl_minutes":5}`, slices.Concat(admins, scoped("pin-policies:write")), 200, 200},
		{"getMyPinStatus", http.MethodGet, "/v1/me/pin", "", customers, 200, 200},
		{"setMyPin", http.MethodPut, "/v1/me/pin", pin, customers, 409, 409},
		{"createCustomerPinLink", http.MethodPost, customer + "-links", `{}`, writers, 201, 201},
		{"endCustomerPinLinks", http.MethodDelete, customer + "-links", "", writers, 204, 204},
		{"createIdentityPinLink", http.MethodPost, identity + "-links", `{}`, writers, 201, 201},
		{"endIdentityPinLinks", http.MethodDelete, identity + "-links", "", writers, 204, 204},
		{"runtimeCreatePinLink", http.MethodPost, internal + "/identities/{identity}/pin-links", `{}`, runtimes, 201, 201},
		{"runtimeEndPinLinks", http.MethodDelete, internal + "/identities/{identity}/pin-links", "", runtimes, 204, 204},
		{"runtimeGetPinStatus", http.MethodGet, internal + "/identities/{identity}/pin", "", runtimes, 200, 200},
		{"runtimeSetPin", http.MethodPost, internal + "/identities/{identity}/pin", pin, runtimes, 200, 200},
		{"runtimeRemovePin", http.MethodDelete, internal + "/identities/{identity}/pin", "", runtimes, 204, 204},
		{"askConfirmation", http.MethodPost, internal + "/confirmations", `{"skill":"a.b","role":"owner","customer_id":"{holder}"}`, runtimes, 201, 200},
		{"getPinPolicyDecision", http.MethodGet, internal + "/pin-policy/decision?skill=a.b&role=owner", "", runtimes, 200, 200},
		{"listConfirmations", http.MethodGet, internal + "/confirmations", "", runtimes, 200, 200},
		{"getConfirmationQr", http.MethodGet, internal + "/confirmations/{b}/qr", "", runtimes, 200, 404},
		{"getConfirmation", http.MethodGet, internal + "/confirmations/{a}", "", runtimes, 200, 404},
		{"verifyConfirmation", http.MethodPost, internal + "/confirmations/{a}/verify", `{"pin":"{holderpin}"}`, runtimes, 200, 404},
		{"redeemConfirmation", http.MethodPost, internal + "/confirmations/{a}/redeem", `{}`, runtimes, 200, 404},
		{"reportOutcome", http.MethodPost, internal + "/confirmations/{a}/outcome", `{"outcome":"executed"}`, runtimes, 200, 404},
		{"declineConfirmation", http.MethodDelete, internal + "/confirmations/{b}", "", runtimes, 204, 404},
		{"endPinSessions", http.MethodDelete, internal + "/pin-sessions?customer_id={holder}", "", runtimes, 204, 204},
		{"deactivateCustomerPin", http.MethodPost, customer + "/deactivate", "", writers, 200, 200},
		{"deactivateIdentityPin", http.MethodPost, identity + "/deactivate", "", writers, 200, 200},
		{"listPins", http.MethodGet, "/v1/pins?per_page=100", "", readers, 200, 200},
		{"listWebhooks", http.MethodGet, "/v1/webhooks?per_page=100", "", hookReaders, 200, 200},
		{"createWebhook", http.MethodPost, "/v1/webhooks", `{"url":"https://a.example","events":["pin.*"],"enabled":false}`, slices.Concat(admins, []string{"foreign key"}), 201, 201},
		{"getWebhook", http.MethodGet, "/v1/webhooks/{hook}", "", hookReaders, 200, 404},
		{"updateWebhook", http.MethodPatch, "/v1/webhooks/{hook}", `{"enabled":false}`, hookWriters, 200, 404},
		{"rotateWebhookSecret", http.MethodPost, "/v1/webhooks/{hook}/rotate-secret", "", hookWriters, 200, 404},
		{"testWebhook", http.MethodPost, "/v1/webhooks/{hook}/test", "", hookWriters, 409, 404},
		{"listWebhookDeliveries", http.MethodGet, "/v1/webhooks/{hook}/deliveries", "", hookReaders, 200, 404},
		// Deleting twice, or retrying what is not there, is a 404 for everybody who may.
		{"retryWebhookDelivery", http.MethodPost, "/v1/webhook-deliveries/{identity}/retry", "", hookWriters, 404, 404},
		{"deleteWebhook", http.MethodDelete, "/v1/webhooks/{identity}", "", hookWriters, 404, 404},
		{"listApiKeys", http.MethodGet, "/v1/api-keys?per_page=100", "", slices.Concat(admins, scoped("api-keys:read")), 200, 200},
		{"createApiKey", http.MethodPost, "/v1/api-keys", `{"name":"n","scopes":["api-keys:write"]}`, keyWriters, 201, 201},
		{"revokeApiKey", http.MethodDelete, "/v1/api-keys/{made}", "", keyWriters, 204, 404},
		// Each tenant has the events of its keys.
		{"listPinEvents", http.MethodGet, "/v1/pin-events", "", eventReaders, 200, 200},
		{"getPinEvent", http.MethodGet, "/v1/pin-events/0", "", eventReaders, 200, 200},
		{"getPinEventCheckpoint", http.MethodGet, "/v1/pin-events/checkpoint", "", eventReaders, 200, 200},
		{"getPinEventProof", http.MethodGet, "/v1/pin-events/0/proof", "", eventReaders, 200, 200},
		{"getPinEventConsistency", http.MethodGet, "/v1/pin-events/consistency?from=1", "", eventReaders, 200, 200},
		{"getTenantFreeze", http.MethodGet, "/v1/freeze", "", freezeReaders, 200, 200},
		{"getInstanceFreeze", http.MethodGet, "/v1/instances/{instance}/freeze", "", freezeReaders, 200, 200},
		// Lifted first: what an admin froze a key cannot lift.
		{"liftTenantFreeze", http.MethodDelete, "/v1/freeze", "", freezeWriters, 204, 204},
		{"liftInstanceFreeze", http.MethodDelete, "/v1/instances/{instance}/freeze", "", freezeWriters, 204, 204},
		{"setInstanceFreeze", http.MethodPut, "/v1/instances/{instance}/freeze", `{}`, freezeWriters, 200, 200},
		{"setTenantFreeze", http.MethodPut, "/v1/freeze", `{}`, freezeWriters, 200, 200},
	}
}

// credentials returns the headers of every kind of credential: first those that
// are worth nothing, by name of what is wrong with them, then the valid ones.
func (w *world) credentials(secret string) (bad, valid map[string][]string) {
	w.t.Helper()
	foreign, customer := uuid.New(), uuid.New()
	bearer := func(claims jwt.MapClaims, method jwt.SigningMethod, key any) []string {
		w.t.Helper()
		token, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			w.t.Fatal(err)
		}
		if signature := token[strings.LastIndex(token, ".")+1:]; signature != "" {
			w.secret("token", signature)
		}
		return []string{"Authorization", "Bearer " + token}
	}
	claims := func(tenant uuid.UUID, exp time.Time, more jwt.MapClaims) jwt.MapClaims {
		c := jwt.MapClaims{"sub": "someone", "tenant_id": tenant.String(), "exp": exp.Unix()}
		maps.Copy(c, more)
		return c
	}
	soon := time.Now().Add(time.Hour)
	token := func(tenant uuid.UUID, more jwt.MapClaims) []string {
		return bearer(claims(tenant, soon, more), jwt.SigningMethodHS256, []byte(secret))
	}
	admin, me := jwt.MapClaims{"is_admin": true}, jwt.MapClaims{"customer_id": customer.String()}
	key := func(tenant uuid.UUID, args ...string) []string {
		return []string{"X-Api-Key", w.key(append([]string{"--tenant", tenant.String()}, args...)...)}
	}
	const all = "pins:read,pins:write,pin-policies:read,pin-policies:write,api-keys:read,api-keys:write,events:read,webhooks:read,webhooks:write"
	valid = map[string][]string{
		"jwt admin": token(w.tenant, admin), "jwt user": token(w.tenant, nil), "jwt customer": token(w.tenant, me),
		"foreign jwt admin": token(foreign, admin), "foreign jwt user": token(foreign, nil), "foreign jwt customer": token(foreign, me),
		"runtime key":                   {"X-Api-Key", w.runtime},
		"runtime key of another":        key(w.tenant, "--instance", uuid.NewString()),
		"foreign runtime key":           key(foreign, "--instance", w.instance.String()),
		"foreign key":                   key(foreign, "--scopes", all),
		"foreign runtime key elsewhere": key(foreign, "--instance", uuid.NewString()),
	}
	for scope := range strings.SplitSeq(all, ",") {
		valid["key "+scope] = key(w.tenant, "--scopes", scope)
	}
	revoked, revokedRuntime := key(w.tenant, "--scopes", all), key(w.tenant, "--instance", w.instance.String())
	w.must("keys", "revoke", revoked[1])
	w.must("keys", "revoke", revokedRuntime[1])
	good := valid["key pins:read"][1]
	bad = map[string][]string{
		"nothing":             nil,
		"another scheme":      {"Authorization", "Basic " + good},
		"a key as a token":    {"Authorization", "Bearer " + good},
		"a token as a key":    {"X-Api-Key", strings.TrimPrefix(valid["jwt admin"][1], "Bearer ")},
		"an unknown key":      {"X-Api-Key", "hc_live_" + strings.Repeat("0", 16) + "_" + strings.Repeat("0", 43)},
		"a wrong secret":      {"X-Api-Key", good[:len(good)-43] + strings.Repeat("0", 43)},
		"a key of other kind": {"X-Api-Key", strings.Replace(good, "hc_live_", "hc_agent_", 1)},
		"no key":              {"X-Api-Key", "hc_live_"},
		"a bad key beside a good token": {
			"X-Api-Key", "hc_live_", "Authorization", valid["jwt admin"][1],
		},
		"another secret's token": bearer(claims(w.tenant, soon, admin), jwt.SigningMethodHS256, []byte(strings.Repeat("x", 48))),
		"an unsigned token":      bearer(claims(w.tenant, soon, admin), jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType),
		"another algorithm":      bearer(claims(w.tenant, soon, admin), jwt.SigningMethodHS512, []byte(secret)),
		"an expired token":       bearer(claims(w.tenant, time.Now().Add(-time.Hour), admin), jwt.SigningMethodHS256, []byte(secret)),
		"a token for too long":   bearer(claims(w.tenant, time.Now().Add(48*time.Hour), admin), jwt.SigningMethodHS256, []byte(secret)),
		"an admin as text":       token(w.tenant, jwt.MapClaims{"is_admin": "true"}),
		"an expired key":         key(w.tenant, "--scopes", all, "--expires-in", "1s"),
		"an expired runtime key": key(w.tenant, "--instance", w.instance.String(), "--expires-in", "1s"),
		"a revoked key":          revoked,
		"a revoked runtime key":  revokedRuntime,
	}
	return bad, valid
}

// Every credential opens what the contract says, and nothing else; nothing opens
// another tenant's.
func TestEveryCredentialOnEveryOperation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onSQLite, 1, cheapHash)
	n := w.nodes[0]
	secret := ""
	for _, entry := range w.env {
		if value, ok := strings.CutPrefix(entry, "HYDRAPIN_JWT_HS256_SECRET="); ok {
			secret = value
		}
	}
	bad, valid := w.credentials(secret)
	holder, holderPIN := w.customer()
	replaced := []string{
		"{instance}", w.instance.String(), "{customer}", uuid.NewString(), "{identity}", uuid.NewString(),
		"{holder}", holder.String(), "{holderpin}", holderPIN, "{pin}", w.newPIN(),
		"{a}", w.pending(n, holder).String(), "{b}", w.pending(n, holder).String(),
	}
	target := strings.NewReplacer(replaced...)
	request := func(a access, credential []string) answer {
		return call(t.Context(), browser, a.method, n.url+target.Replace(a.path), target.Replace(a.body), credential...)
	}
	// A key that the key with the scope has created.
	var made struct{ ID string }
	call(t.Context(), browser, http.MethodPost, n.url+"/v1/api-keys", `{"name":"n","scopes":["api-keys:write"]}`,
		valid["key api-keys:write"]...).into(t, &made, http.StatusCreated)
	var hook struct{ ID string }
	call(t.Context(), browser, http.MethodPost, n.url+"/v1/webhooks", `{"url":"https://a.example","events":["pin.*"],"enabled":false}`,
		valid["jwt admin"]...).into(t, &hook, http.StatusCreated)
	target = strings.NewReplacer(append(replaced, "{made}", made.ID, "{hook}", hook.ID)...)
	ours := []string{holder.String(), made.ID, hook.ID, w.tenant.String()}
	table := accessTable()
	w.complete(table)
	for _, name := range []string{"an expired key", "an expired runtime key"} {
		hydratest.Eventually(t, name+" has expired", func() bool { return request(table[0], bad[name]).status == http.StatusUnauthorized })
	}
	for _, op := range table {
		for name, credential := range bad {
			if a := request(op, credential); a.status != http.StatusUnauthorized || a.kind() != "unauthorized" ||
				!strings.HasPrefix(a.header.Get("Www-Authenticate"), `Bearer realm="hydrapin"`) {
				t.Errorf("%s with %s: %d %s", op.operation, name, a.status, a.body)
			}
		}
		// Whoever may not comes first, then the other tenant, so that ours find all as
		// it was.
		names := slices.SortedFunc(maps.Keys(valid), func(a, b string) int { return op.turn(a) - op.turn(b) })
		for _, name := range names {
			a := request(op, valid[name])
			switch op.turn(name) {
			case 0:
				if a.status != http.StatusForbidden || a.kind() != "forbidden" {
					t.Errorf("%s with a %s: %d %s, want 403", op.operation, name, a.status, a.body)
				}
			case 1:
				if a.status != op.foreign || op.method == http.MethodGet && op.foreign == http.StatusOK && !nothing(string(a.body), ours) {
					t.Errorf("%s with a %s: %d %s, want %d, and nothing of ours", op.operation, name, a.status, a.body, op.foreign)
				}
			default:
				if a.status != op.own {
					t.Errorf("%s with a %s: %d %s, want %d", op.operation, name, a.status, a.body, op.own)
				}
				if op.operation == "getCustomerPinStatus" && nothing(string(a.body), ours) {
					t.Errorf("%s with a %s: nothing is seen of the PIN that is set: %s", op.operation, name, a.body)
				}
			}
		}
	}
	n.stop()
}

// turn is 0 for a credential that does not open the operation, 1 for one of the
// other tenant that does, 2 for ours.
func (a access) turn(name string) int {
	switch {
	case !slices.Contains(a.allowed, name):
		return 0
	case strings.HasPrefix(name, "foreign "):
		return 1
	default:
		return 2
	}
}

// nothing says whether an answer is what is answered for what was never seen.
func nothing(body string, ours []string) bool {
	// Lists and the trail have what is the other tenant's own.
	if slices.ContainsFunc([]string{`"total_pages":`, `"event":`, `"events":`, `"hashes":`, "\n\n— "}, func(of string) bool {
		return strings.Contains(body, of)
	}) {
		return !slices.ContainsFunc(ours, func(id string) bool { return strings.Contains(body, id) })
	}
	return strings.Contains(body, `"has_pin":false`) || strings.Contains(body, `"frozen":false`) ||
		strings.Contains(body, `"confirmations":[]`) || strings.Contains(body, `"required":false`) ||
		strings.Contains(body, `"pin_required_skills":[]`) && strings.Contains(body, `"pin_session_ttl_minutes":30`)
}

// complete fails unless the table is about every operation that the server has.
func (w *world) complete(table []access) {
	w.t.Helper()
	var contract struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		}
	}
	w.nodes[0].call("", http.MethodGet, "/openapi.json", "").into(w.t, &contract, http.StatusOK)
	var have, want []string
	for _, item := range contract.Paths {
		for _, op := range item {
			if op.OperationID != "" {
				want = append(want, op.OperationID)
			}
		}
	}
	for _, a := range table {
		have = append(have, a.operation)
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		w.t.Fatalf("the table is about\n%v\nand the contract has\n%v", have, want)
	}
}
