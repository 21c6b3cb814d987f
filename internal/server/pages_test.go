package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/hydratest"
)

// person is a stack with a customer who has a PIN, and an instance that asks for it.
type person struct {
	*hydratest.Stack
	t *testing.T
}

const (
	own   = "804615"
	wrong = "804616"
	fresh = "492750"
)

// onEngines tells a story on both stores.
func onEngines(t *testing.T, story func(p person), settings ...string) {
	t.Helper()
	for _, engine := range hydratest.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			p := person{hydratest.Start(t, hydratest.Options{Engine: engine, Settings: settings}), t}
			p.api("POST", p.pin(), `{"pin":"`+own+`"}`, 200)
			p.api("PATCH", p.policy(), `{"pin_required_skills":["pay"]}`, 200)
			story(p)
		})
	}
}

func (p person) pin() string    { return "/v1/customers/" + p.Customer.String() + "/pin" }
func (p person) policy() string { return "/v1/instances/" + p.Instance.String() + "/pin-policy" }
func (p person) internal(rest string) string {
	return "/internal/v1/instances/" + p.Instance.String() + rest
}

// send sends a request and returns its answer, read to its end.
func (p person) send(method, address, body string, headers ...string) (*http.Response, string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, address, strings.NewReader(body))
	hydratest.Must(p.t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := p.Server.Client().Transport.RoundTrip(req)
	hydratest.Must(p.t, err)
	text, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	hydratest.Must(p.t, err)
	return resp, string(text)
}

// api calls an operation with the key that opens it, and returns the fields of the answer.
func (p person) api(method, path, body string, want int) map[string]any {
	p.t.Helper()
	key := p.Key
	if strings.HasPrefix(path, "/internal/") {
		key = p.RuntimeKey
	}
	return p.as("X-Api-Key", key, method, path, body, want)
}

func (p person) as(header, credential, method, path, body string, want int) map[string]any {
	p.t.Helper()
	resp, text := p.send(method, p.URL+path, body, header, credential, "Content-Type", "application/json")
	if resp.StatusCode != want {
		p.t.Fatalf("%s %s: %d %s, want %d", method, path, resp.StatusCode, text, want)
	}
	var fields map[string]any
	_ = json.Unmarshal([]byte(text), &fields) // a 204 has none
	return fields
}

// asks asks for the skill, and returns the id and the link.
func (p person) asks(more string) (id, link string) {
	p.t.Helper()
	got := p.api("POST", p.internal("/confirmations"),
		`{"skill":"pay","role":"owner","customer_id":"`+p.Customer.String()+`"`+more+`}`, 201)
	return text(got["id"]), text(got["confirm_url"])
}

func text(v any) string { s, _ := v.(string); return s }

func (p person) confirmation(id string) map[string]any {
	p.t.Helper()
	return p.api("GET", p.internal("/confirmations/"+id), "", 200)
}

// post sends a form, and returns the page.
func (p person) post(link string, want int, fields ...string) string {
	p.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	resp, page := p.send("POST", link, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	if resp.StatusCode != want {
		p.t.Fatalf("POST %q: %d, want %d:\n%s", fields, resp.StatusCode, want, page)
	}
	return page
}

func (p person) events() []audit.Entry {
	p.t.Helper()
	stored, err := p.Node.Service().Events(p.t.Context(), audit.Filter{Tenant: p.Tenant, Limit: 1000})
	hydratest.Must(p.t, err)
	entries := make([]audit.Entry, len(stored))
	for i, e := range stored {
		entries[i], err = e.Entry()
		hydratest.Must(p.t, err)
	}
	return entries
}

// wants fails unless the fields have the values.
func (p person) wants(got map[string]any, fields ...any) {
	p.t.Helper()
	for i := 0; i < len(fields); i += 2 {
		if name, _ := fields[i].(string); got[name] != fields[i+1] {
			p.t.Fatalf("%s is %v, want %v", name, got[name], fields[i+1])
		}
	}
}

// The whole way of a person: two incorrect PINs, the correct one, and a runtime that waits.
func TestPageConfirms(t *testing.T) {
	t.Parallel()
	onEngines(t, func(p person) {
		id, link := p.asks(`,"action":{"summary":"Pay 5","params":{"amount":5}}`)
		for range 2 {
			resp, page := p.send("GET", link, "")
			if resp.StatusCode != http.StatusOK || !strings.Contains(page, "Pay 5") || resp.Header.Get("X-Request-Id") == "" {
				p.t.Fatalf("GET: %d %s", resp.StatusCode, page)
			}
		}
		if resp, body := p.send("HEAD", link, ""); resp.StatusCode != http.StatusOK || body != "" {
			p.t.Fatalf("HEAD: %d %q", resp.StatusCode, body)
		}
		if resp, _ := p.send("BREW", link, ""); resp.StatusCode != http.StatusMethodNotAllowed {
			p.t.Fatalf("BREW: %d", resp.StatusCode)
		}
		p.post(link, 422, "decision", "confirm", "pin", "x", "used", "0")
		p.post(link, 403, "decision", "confirm", "pin", wrong, "used", "0")
		if page := p.post(link, 200, "decision", "confirm", "pin", wrong, "used", "0"); !strings.Contains(page, `name="used" value="1"`) {
			p.t.Fatalf("an outdated form: %s", page)
		}
		p.post(link, 403, "decision", "confirm", "pin", wrong, "used", "1")
		p.wants(p.confirmation(id), "attempts_remaining", 3.0)
		answered := make(chan map[string]any, 1)
		go func() { answered <- p.api("GET", p.internal("/confirmations/"+id+"?wait_seconds=30"), "", 200) }()
		hydratest.Eventually(p.t, "somebody waits", func() bool {
			_, metrics := p.send("GET", p.URL+"/metrics", "")
			return strings.Contains(metrics, "hydrapin_waiters 1") || !strings.Contains(metrics, "hydrapin_waiters")
		})
		p.post(link, 303, "decision", "confirm", "pin", own, "used", "2")
		select {
		case got := <-answered:
			p.wants(got, "status", "approved", "reason", "pin", "confirm_url", nil)
		case <-time.After(20 * time.Second):
			p.t.Fatal("the long poll did not answer")
		}
		if _, page := p.send("GET", link, ""); strings.Contains(page, "Pay 5") {
			p.t.Fatal("a decided page shows the summary")
		}
		p.post(link, 410, "decision", "confirm", "pin", own, "used", "3")
		p.api("POST", p.internal("/confirmations/"+id+"/redeem"), `{"params":{"amount":5}}`, 200)
		for _, e := range p.events() {
			if e.Type == audit.TypePINVerified && (e.ActorKind != string(auth.KindLink) || e.ActorID != id) {
				p.t.Errorf("the actor is %v %v", e.ActorKind, e.ActorID)
			}
		}
		token := link[strings.LastIndexByte(link, '/')+1:]
		if strings.Contains(p.Log.String(), token) {
			p.t.Error("the log holds the token")
		}
	})
}

// The third incorrect PIN declines, and a fourth is over.
func TestPageTakesThreeTries(t *testing.T) {
	t.Parallel()
	onEngines(t, func(p person) {
		id, link := p.asks("")
		for _, used := range []string{"0", "1", "2"} {
			p.post(link, 403, "decision", "confirm", "pin", wrong, "used", used)
		}
		p.wants(p.confirmation(id), "status", "declined", "reason", "wrong_pin", "confirm_url", nil)
		p.post(link, 410, "decision", "confirm", "pin", own, "used", "3")
		_, second := p.asks("")
		p.post(second, 403, "decision", "confirm", "pin", wrong, "used", "0")
		p.post(second, 403, "decision", "confirm", "pin", wrong, "used", "1")
		p.post(second, 423, "decision", "confirm", "pin", own, "used", "2")
	})
}

func TestPageDeclinesAndDisputes(t *testing.T) {
	t.Parallel()
	onEngines(t, func(p person) {
		first, link := p.asks("")
		p.api("PUT", "/v1/instances/"+p.Instance.String()+"/freeze", "", 200)
		p.post(link, 403, "decision", "confirm", "pin", own, "used", "0")
		p.post(link, 303, "decision", "decline")
		p.api("DELETE", "/v1/instances/"+p.Instance.String()+"/freeze", "", 204)
		p.wants(p.confirmation(first), "status", "declined", "reason", "holder")
		second, link := p.asks("")
		p.post(link, 303, "decision", "dispute")
		p.wants(p.confirmation(second), "status", "declined", "reason", "holder")
		p.post(link, 410, "decision", "dispute")
		disputed := 0
		for _, e := range p.events() {
			if e.Type == audit.TypeConfirmationDisputed {
				disputed++
				if e.ActorKind != string(auth.KindLink) || e.ActorID != second {
					p.t.Errorf("the actor is %v %v", e.ActorKind, e.ActorID)
				}
			}
		}
		if disputed != 1 {
			p.t.Errorf("%d disputes", disputed)
		}
	})
}

func TestPageOnlyAndOwnPINs(t *testing.T) {
	t.Parallel()
	onEngines(t, func(p person) {
		p.asks("")
		verified, _ := p.asks("")
		p.api("POST", p.internal("/confirmations/"+verified+"/verify"), `{"pin":"`+own+`"}`, 200)
		open, link := p.asks(`,"action":{"summary":"Pay 5","params":{}}`)
		p.api("PATCH", p.policy(), `{"pin_channels":"page"}`, 200)
		got := p.api("POST", p.internal("/confirmations/"+open+"/verify"), `{"pin":"`+own+`"}`, 403)
		p.wants(got, "type", "urn:hydrapin:problem:page-only")
		got = p.api("POST", p.internal("/confirmations/"+verified+"/redeem"), `{}`, 403)
		p.wants(got, "type", "urn:hydrapin:problem:changed-since-approval")
		p.api("POST", p.internal("/identities/"+p.Identity.String()+"/pin"), `{"pin":"804615"}`, 403)
		p.post(link, 303, "decision", "confirm", "pin", own, "used", "0")
		p.api("POST", p.internal("/confirmations/"+open+"/redeem"), `{"params":{}}`, 200)

		_, link = p.asks("")
		p.wants(p.api("PATCH", p.policy(), `{"pin_must_be_own":true,"pin_channels":"any"}`, 200), "pin_must_be_own", true)
		p.post(link, 403, "decision", "confirm", "pin", own, "used", "0")
		asked := `{"skill":"pay","role":"owner","customer_id":"` + p.Customer.String() + `"}`
		p.wants(p.api("POST", p.internal("/confirmations"), asked, 200), "status", "blocked", "reason", "pin_not_own")
		token := p.Token(p.t, func(c *auth.Claims) { c.CustomerID = p.Customer })
		mine := `{"pin":"` + fresh + `","current_pin":"` + own + `"}`
		p.wants(p.as("Authorization", "Bearer "+token, "PUT", "/v1/me/pin", mine, 200), "set_by", "holder")
		p.wants(p.api("POST", p.internal("/confirmations"), asked, 201), "status", "pending")
	})
}

func TestPINLinks(t *testing.T) {
	t.Parallel()
	onEngines(t, func(p person) {
		path := "/v1/customers/" + p.Customer.String() + "/pin-links"
		first := text(p.api("POST", path, "", 201)["url"])
		link := text(p.api("POST", path, `{"expires_in_seconds":300}`, 201)["url"])
		p.api("POST", path, `{"expires_in_seconds":299}`, 422)
		p.post(first, 410, "pin", fresh, "pin_again", fresh)
		p.post(link, 422, "pin", "1234", "pin_again", "1234")
		p.post(link, 422, "pin", fresh, "pin_again", own)
		if page := p.post(link, 422, "pin", own, "pin_again", own); !strings.Contains(page, "current PIN") {
			p.t.Fatalf("the present PIN: %s", page)
		}
		p.wants(p.api("GET", p.pin(), "", 200), "set_by", "admin")
		p.post(link, 303, "pin", fresh, "pin_again", fresh)
		p.wants(p.api("GET", p.pin(), "", 200), "set_by", "holder")
		if resp, page := p.send("GET", link, ""); resp.StatusCode != http.StatusOK || strings.Contains(page, `name="pin"`) {
			p.t.Fatalf("a used link: %d", resp.StatusCode)
		}
		p.post(link, 410, "pin", own, "pin_again", own)
		ended := text(p.api("POST", path, `{"expires_in_seconds":null}`, 201)["url"])
		p.api("DELETE", path, "", 204)
		p.post(ended, 410, "pin", own, "pin_again", own)
		ended = text(p.api("POST", path, "{}", 201)["url"])
		p.api("POST", p.pin(), `{"pin":"`+own+`"}`, 200)
		p.post(ended, 410, "pin", fresh, "pin_again", fresh)
	})
}

func TestRuntimePINLinks(t *testing.T) {
	t.Parallel()
	onEngines(t, func(p person) {
		identity := p.internal("/identities/" + p.Identity.String())
		admins := text(p.api("POST", "/v1/instances/"+p.Instance.String()+"/identities/"+p.Identity.String()+"/pin-links", "", 201)["url"])
		link := text(p.api("POST", identity+"/pin-links", `{"expires_in_seconds":60}`, 201)["url"])
		if resp, _ := p.send("GET", admins, ""); resp.StatusCode != http.StatusOK {
			p.t.Fatalf("the admin's link: %d", resp.StatusCode)
		}
		p.post(link, 303, "pin", own, "pin_again", own)
		p.post(admins, 410, "pin", own, "pin_again", own)
		p.wants(p.api("GET", identity+"/pin", "", 200), "set_by", "holder")
		link = text(p.api("POST", identity+"/pin-links", "", 201)["url"])
		p.post(link, 422, "pin", fresh, "pin_again", fresh)
		p.post(link, 422, "pin", own, "pin_again", own, "current_pin", own)
		p.post(link, 403, "pin", fresh, "pin_again", fresh, "current_pin", wrong)
		p.post(link, 303, "pin", fresh, "pin_again", fresh, "current_pin", own)
		p.api("DELETE", identity+"/pin", "", 204)
		link = text(p.api("POST", identity+"/pin-links", "", 201)["url"])
		p.post(link, 303, "pin", own, "pin_again", own)
		asked := `{"skill":"pay","role":"owner","identity_id":"` + p.Identity.String() + `"}`
		p.wants(p.api("POST", p.internal("/confirmations"), asked, 200), "status", "blocked", "reason", "pin_cooling_off")
	})
}

func TestOwnPINOverTheAPI(t *testing.T) {
	t.Parallel()
	onEngines(t, func(p person) { p.setsOwn(409) })
}

func TestOwnFirstPIN(t *testing.T) {
	t.Parallel()
	onEngines(t, func(p person) { p.setsOwn(200) }, "HYDRAPIN_SELF_SETUP=true")
}

// setsOwn replaces the PIN with the customer's token, and then sets a first one, which is answered with
// a status.
func (p person) setsOwn(first int) {
	token := "Bearer " + p.Token(p.t, func(c *auth.Claims) { c.CustomerID = p.Customer })
	put := func(body string, want int) map[string]any {
		return p.as("Authorization", token, "PUT", "/v1/me/pin", body, want)
	}
	put(`{"pin":"`+fresh+`"}`, 422)
	put(`{"pin":"`+own+`","current_pin":"`+own+`"}`, 422)
	p.wants(put(`{"pin":"`+fresh+`","current_pin":"`+wrong+`"}`, 403), "type", "urn:hydrapin:problem:wrong-pin")
	put(`{"pin":"`+fresh+`","current_pin":"`+own+`"}`, 200)
	p.as("X-Api-Key", p.Key, "PUT", "/v1/me/pin", `{"pin":"`+fresh+`"}`, 403)
	p.api("DELETE", p.pin(), "", 204)
	got := put(`{"pin":"`+own+`"}`, first)
	if first == 200 {
		p.wants(got, "set_by", "holder")
	} else {
		p.wants(got, "type", "urn:hydrapin:problem:pin-not-set")
	}
}

func TestQRCode(t *testing.T) {
	t.Parallel()
	onEngines(t, func(p person) {
		id, link := p.asks("")
		path := p.URL + p.internal("/confirmations/"+id+"/qr")
		resp, image := p.send("GET", path, "", "X-Api-Key", p.RuntimeKey)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "image/svg+xml" || !strings.HasPrefix(image, "<svg") {
			p.t.Fatalf("QR: %d %s", resp.StatusCode, image)
		}
		p.post(link, 303, "decision", "decline")
		p.api("GET", p.internal("/confirmations/"+id+"/qr"), "", 410)
		p.api("GET", p.internal("/confirmations/"+p.Customer.String()+"/qr"), "", 404)
	})
}

// What does not verify is the same page for every reason.
func TestForeignTokens(t *testing.T) {
	t.Parallel()
	onEngines(t, func(p person) {
		_, link := p.asks("")
		at := strings.LastIndexByte(link, '/') + 1
		for _, address := range []string{
			link + "A", link[:len(link)-1], p.URL + "/confirm/", p.URL + "/set-pin/" + link[at:], link + "/", p.URL + "/confirm/x/y",
		} {
			if resp, _ := p.send("GET", address, ""); resp.StatusCode != http.StatusNotFound {
				p.t.Errorf("%d", resp.StatusCode)
			}
		}
	})
}
