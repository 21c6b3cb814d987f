package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// A link takes ten forms a minute, whoever sends them, and its page can still be read.
func TestALinkTakesTenFormsAMinute(t *testing.T) {
	t.Parallel()
	clock := hydratest.NewClock()
	p := person{hydratest.Start(t, hydratest.Options{Now: clock.Now}), t}
	p.api("POST", p.pin(), `{"pin":"`+own+`"}`, 200)
	p.api("PATCH", p.policy(), `{"pin_required_skills":["pay"]}`, 200)
	_, link := p.asks("")
	for range 12 {
		resp, _ := p.send("POST", link, "decision=decline", "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://example.com")
		if resp.StatusCode != http.StatusForbidden {
			t.Fatalf("another site's form: %d", resp.StatusCode)
		}
	}
	_, other := p.asks("")
	for range 10 {
		p.post(link, http.StatusUnprocessableEntity, "decision", "nothing")
	}
	resp, page := p.send("POST", link, "decision=decline", "Content-Type", "application/x-www-form-urlencoded")
	if resp.StatusCode != http.StatusTooManyRequests || !strings.Contains(page, "Too many requests") {
		t.Fatalf("the eleventh: %d %s", resp.StatusCode, page)
	}
	for name, want := range map[string]string{"RateLimit-Policy": `"link";q=10;w=60`, "RateLimit": `"link";r=0;t=6`, "Retry-After": "6"} {
		if resp.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, resp.Header.Get(name), want)
		}
	}
	if resp, _ := p.send("GET", link, ""); resp.StatusCode != http.StatusOK {
		t.Errorf("GET: %d", resp.StatusCode)
	}
	p.post(other, http.StatusSeeOther, "decision", "decline")
	clock.Add(6 * time.Second)
	p.post(link, http.StatusSeeOther, "decision", "decline")
}

// The pages are limited by address, as the operations are.
func TestPagesAreLimitedByAddress(t *testing.T) {
	t.Parallel()
	clock := hydratest.NewClock()
	p := person{hydratest.Start(t, hydratest.Options{Now: clock.Now, Settings: []string{"HYDRAPIN_RATE_PER_ADDRESS=2"}}), t}
	for range 4 {
		if resp, _ := p.send("GET", p.URL+"/confirm/made-up", ""); resp.StatusCode != http.StatusNotFound {
			t.Fatalf("a made-up link: %d", resp.StatusCode)
		}
	}
	for _, path := range []string{"/confirm/made-up", "/set-pin/made-up"} {
		resp, page := p.send("GET", p.URL+path, "")
		if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("RateLimit-Policy") != `"address";q=4;w=2` ||
			!strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") || !strings.Contains(page, "Too many requests") {
			t.Errorf("%s: %d %v", path, resp.StatusCode, resp.Header)
		}
	}
}
