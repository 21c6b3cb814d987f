package httpapi_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/service"
)

const noPIN = `{"created_at":null,"has_pin":false,"is_active":false,"is_locked":false,"locked_until":null,"set_by":null}`

var activePIN = regexp.MustCompile(`^\{"created_at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z","has_pin":true,"is_active":true,"is_locked":false,"locked_until":null,"set_by":"admin"\}$`)

func TestCustomerPIN(t *testing.T) {
	t.Parallel()
	b := setup(t)
	as := key(b.Key)
	if got := b.call(t, "GET", b.customerPIN(), "", as).want(t, 200); strings.TrimSpace(got.text) != noPIN {
		t.Errorf("never seen: %s", got.text)
	}
	set := b.call(t, "POST", b.customerPIN(), `{"pin":"804615"}`, as).want(t, 200)
	if !activePIN.MatchString(strings.TrimSpace(set.text)) {
		t.Errorf("set: %s", set.text)
	}
	for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"} {
		if got := set.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	upper := "/v1/customers/" + strings.ToUpper(b.Customer.String()) + "/pin"
	if got := b.call(t, "GET", upper, "", bearer(b.admin(t))).want(t, 200); got.text != set.text {
		t.Errorf("upper case: %s, want %s", got.text, set.text)
	}
	mine := b.Token(t, func(c *auth.Claims) { c.CustomerID = b.Customer })
	if got := b.call(t, "GET", "/v1/me/pin", "", bearer(mine)).want(t, 200); got.text != set.text {
		t.Errorf("me: %s, want %s", got.text, set.text)
	}
	b.call(t, "POST", b.customerPIN()+"/unlock", "", as).want(t, 200)
	for range 2 {
		if got := b.call(t, "DELETE", b.customerPIN(), "", as).want(t, 204); got.text != "" {
			t.Errorf("removed: %q", got.text)
		}
	}
	if got := b.call(t, "GET", b.customerPIN(), "", as).want(t, 200); strings.TrimSpace(got.text) != noPIN {
		t.Errorf("removed: %s", got.text)
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	as := key(b.Key)
	check := func(got reply, etag, body string) {
		t.Helper()
		got.want(t, 200)
		want := `{"instance_id":"` + b.Instance.String() + `",` + body + `}`
		if got.Header.Get("ETag") != etag || strings.TrimSpace(got.text) != want {
			t.Errorf("%s %s, want %s %s", got.Header.Get("ETag"), got.text, etag, want)
		}
	}
	const defaults = `"pin_applies_to":"all","pin_channels":"any","pin_must_be_own":false,"pin_required_skills":[],"pin_session_ttl_minutes":30`
	check(b.call(t, "GET", b.policyPath(), "", bearer(b.Token(t, nil))), `"0"`, defaults)
	for _, nothing := range []string{`{}`, `{"pin_applies_to":null,"pin_required_skills":null,"pin_session_ttl_minutes":null}`, `{"pin_required_skills":[]}`} {
		check(b.call(t, "PATCH", b.policyPath(), nothing, as), `"0"`, defaults)
	}
	check(b.call(t, "PATCH", b.policyPath(), `{"pin_required_skills":["Mail.Send","mail.send","*"]}`, as), `"1"`,
		`"pin_applies_to":"all","pin_channels":"any","pin_must_be_own":false,"pin_required_skills":["Mail.Send","*"],"pin_session_ttl_minutes":30`)
	check(b.call(t, "PATCH", b.policyPath(), `{"pin_applies_to":"owner","pin_session_ttl_minutes":0}`, as, header("If-Match", `"1"`)), `"2"`,
		`"pin_applies_to":"owner","pin_channels":"any","pin_must_be_own":false,"pin_required_skills":["Mail.Send","*"],"pin_session_ttl_minutes":0`)
	check(b.call(t, "PATCH", b.policyPath(), `{"pin_required_skills":[]}`, as, header("If-Match", "*")), `"3"`,
		`"pin_applies_to":"owner","pin_channels":"any","pin_must_be_own":false,"pin_required_skills":[],"pin_session_ttl_minutes":0`)
	for _, stale := range []string{`"2"`, `"03"`, `""`, `"1", "2"`, `"3-zstd"`, `"-gzip"`} {
		b.call(t, "PATCH", b.policyPath(), `{"pin_applies_to":"all"}`, as, header("If-Match", stale)).problem(t, 412, "precondition-failed")
	}
	// Proxies that compress change an ETag; a client may know several versions.
	for _, current := range []string{
		`"3"`, `W/"3"`, `"3-gzip"`, `"3-br"`, `"3;gzip"`, `W/"3-gzip"`, `"3"-gzip`, `"3";gzip`, `"1", "3"`, `"1",W/"3-gzip" , "x"`,
	} {
		check(b.call(t, "PATCH", b.policyPath(), `{}`, as, header("If-Match", current)), `"3"`,
			`"pin_applies_to":"owner","pin_channels":"any","pin_must_be_own":false,"pin_required_skills":[],"pin_session_ttl_minutes":0`)
	}
	check(b.call(t, "PATCH", b.policyPath(), `{}`, as, header("If-Match", `"1"`), header("If-Match", `"3"`)), `"3"`,
		`"pin_applies_to":"owner","pin_channels":"any","pin_must_be_own":false,"pin_required_skills":[],"pin_session_ttl_minutes":0`)
	check(b.call(t, "GET", b.policyPath(), "", as), `"3"`,
		`"pin_applies_to":"owner","pin_channels":"any","pin_must_be_own":false,"pin_required_skills":[],"pin_session_ttl_minutes":0`)
}

// A client that has the policy is not sent it again, and one that expects none does not overwrite it.
func TestPolicyIfNoneMatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	as := key(b.Key)
	unless := func(etag string) edit { return header("If-None-Match", etag) }
	notModified := func(etags ...string) {
		t.Helper()
		for _, etag := range etags {
			for _, method := range []string{"GET", "HEAD"} {
				got := b.call(t, method, b.policyPath(), "", as, unless(etag)).want(t, http.StatusNotModified)
				if got.text != "" || got.Header.Get("ETag") == "" || got.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("304 of %s: %v %s", etag, got.Header, got.text)
				}
			}
		}
	}
	notModified(`"0"`, `W/"0"`, "*")
	b.call(t, "GET", b.policyPath(), "", as, unless(`"1"`)).want(t, 200)
	// Nothing is stored: "*" lets the first policy in, and no second one.
	b.call(t, "PATCH", b.policyPath(), `{"pin_applies_to":"owner"}`, as, unless(`"0"`)).problem(t, 412, "precondition-failed")
	b.call(t, "PATCH", b.policyPath(), `{"pin_applies_to":"owner"}`, as, unless("*")).want(t, 200)
	b.call(t, "PATCH", b.policyPath(), `{"pin_applies_to":"all"}`, as, unless("*")).problem(t, 412, "precondition-failed")
	b.call(t, "PATCH", b.policyPath(), `{"pin_applies_to":"all"}`, as, unless(`"1-gzip"`)).problem(t, 412, "precondition-failed")
	b.call(t, "PATCH", b.policyPath(), `{"pin_applies_to":"all"}`, as, unless(`"1"`), header("If-Match", `"1"`)).problem(t, 412, "precondition-failed")
	notModified(`"1"`, `W/"1"`, `"1-gzip"`, `"1;gzip"`, `"7", "1"`, "*")
	for _, other := range []string{`"0"`, `"2"`, `"1-zstd"`} {
		if got := b.call(t, "GET", b.policyPath(), "", as, unless(other)).want(t, 200); !strings.Contains(got.text, `"pin_applies_to":"owner"`) {
			t.Errorf("the policy: %s", got.text)
		}
	}
	b.call(t, "PATCH", b.policyPath(), `{"pin_applies_to":"all"}`, as, unless(`"0"`), header("If-Match", `"1"`)).want(t, 200)
}

// A record of another tenant is answered byte for byte, but for the request id, as
// one that does not exist.
func TestMissingAndForeignAreAlike(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := uuid.New()
	_, foreign := b.Mint(t, service.KeySpec{Tenant: other, Scopes: auth.Scopes()})
	_, foreignRuntime := b.Mint(t, service.KeySpec{Tenant: other, Instance: b.Instance})
	b.call(t, "POST", b.customerPIN(), `{"pin":"804615"}`, key(b.Key)).want(t, 200)
	b.call(t, "PATCH", b.policyPath(), `{"pin_required_skills":["*"]}`, key(b.Key)).want(t, 200)
	b.call(t, "POST", b.identityPIN(), `{"pin":"804615"}`, key(b.RuntimeKey)).want(t, 200)
	asked := b.call(t, "POST", b.internalPath("/confirmations"),
		`{"skill":"s","role":"owner","customer_id":"`+b.Customer.String()+`"}`, key(b.RuntimeKey)).want(t, 201)
	id := asked.fields(t)["id"].(string)

	missing := uuid.NewString()
	adminIdentity := "/v1/instances/" + b.Instance.String() + "/identities/"
	for _, c := range []struct{ method, there, missing, body, key string }{
		{"GET", b.customerPIN(), "/v1/customers/" + missing + "/pin", "", foreign},
		{"POST", b.customerPIN() + "/unlock", "/v1/customers/" + missing + "/pin/unlock", "", foreign},
		{"DELETE", b.customerPIN(), "/v1/customers/" + missing + "/pin", "", foreign},
		{"GET", adminIdentity + b.Identity.String() + "/pin", adminIdentity + missing + "/pin", "", foreign},
		{"POST", adminIdentity + b.Identity.String() + "/pin/unlock", adminIdentity + missing + "/pin/unlock", "", foreign},
		{"DELETE", adminIdentity + b.Identity.String() + "/pin", adminIdentity + missing + "/pin", "", foreign},
		{"GET", b.identityPIN(), b.internalPath("/identities/" + missing + "/pin"), "", foreignRuntime},
		{"GET", b.internalPath("/confirmations/" + id), b.internalPath("/confirmations/" + missing), "", foreignRuntime},
		{"POST", b.internalPath("/confirmations/" + id + "/verify"), b.internalPath("/confirmations/" + missing + "/verify"), `{"pin":"804615"}`, foreignRuntime},
		{"POST", b.internalPath("/confirmations/" + id + "/redeem"), b.internalPath("/confirmations/" + missing + "/redeem"), `{}`, foreignRuntime},
		{"DELETE", b.internalPath("/confirmations/" + id), b.internalPath("/confirmations/" + missing), "", foreignRuntime},
	} {
		there := b.call(t, c.method, c.there, c.body, key(c.key))
		gone := b.call(t, c.method, c.missing, c.body, key(c.key))
		if a, b := anonymous(there), anonymous(gone); a != b {
			t.Errorf("%s %s\nanother tenant's: %s\nmissing:          %s", c.method, c.there, a, b)
		}
	}
	b.call(t, "GET", b.policyPath(), "", key(foreign)).want(t, 200)
	if got := b.call(t, "GET", b.policyPath(), "", key(foreign)); got.Header.Get("ETag") != `"0"` {
		t.Errorf("another tenant's policy: %s", got.text)
	}
	if got := b.call(t, "GET", b.customerPIN(), "", key(b.Key)); !activePIN.MatchString(strings.TrimSpace(got.text)) {
		t.Errorf("another tenant changed the PIN: %s", got.text)
	}
}

// anonymous is everything of an answer but what names the request and the time.
func anonymous(r reply) string {
	h := r.Header.Clone()
	id := h.Get("X-Request-Id")
	h.Del("X-Request-Id")
	h.Del("Date")
	var b strings.Builder
	_ = h.Write(&b)
	return http.StatusText(r.StatusCode) + " " + b.String() + strings.ReplaceAll(r.text, id, "ID")
}
