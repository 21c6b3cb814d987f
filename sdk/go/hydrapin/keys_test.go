package hydrapin_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

const keyJSON = `"id":"4fTz0aQmW9xL2bKc","prefix":"hc_live_4fTz0aQmW9xL2bKc","kind":"api_key","name":null,"scopes":["pins:read"],` +
	`"instance_id":null,"created_at":"2026-11-01T09:00:00.000000Z","created_by":"jwt:ada","expires_at":null,"revoked_at":null,` +
	`"last_used_at":"2026-11-01T09:30:00.000000Z"`

func TestAKeyIsCreated(t *testing.T) {
	t.Parallel()
	sent := ""
	c := over(t, network(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		sent = string(body)
		return say(r, 201, nil, `{"key":"hc_live_secret",`+keyJSON+`}`), err
	}))
	until := time.Date(2099, 12, 31, 1, 0, 0, 0, time.FixedZone("", 3600))
	got, err := c.admin.CreateAPIKey(t.Context(), hydrapin.NewAPIKey{Name: "n", Scopes: []hydrapin.Scope{hydrapin.ScopePINsRead}, ExpiresAt: until})
	must(t, err)
	if sent != `{"expires_at":"2099-12-31T00:00:00Z","name":"n","scopes":["pins:read"]}` {
		t.Errorf("sent %s", sent)
	}
	if got.Key.Reveal() != "hc_live_secret" || strings.Contains(fmt.Sprintf("%+v", got), "secret") {
		t.Errorf("got %+v", got)
	}
	if got.ID != "4fTz0aQmW9xL2bKc" || got.CreatedBy != "jwt:ada" || got.LastUsedAt.IsZero() || !got.ExpiresAt.IsZero() {
		t.Errorf("got %+v", got.APIKey)
	}
	_, err = c.admin.CreateAPIKey(t.Context(), hydrapin.NewAPIKey{Name: "n", Instance: instance})
	must(t, err)
	if sent != `{"instance_id":"`+instance.String()+`","name":"n"}` {
		t.Errorf("sent %s", sent)
	}
	if err := c.admin.RevokeAPIKey(t.Context(), ""); !errors.Is(err, hydrapin.ErrArgument) {
		t.Errorf("revoked without an id: %v", err)
	}
}

// A list is read page by page, and not beyond what the server says or has.
func TestNumberedPages(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		pages  int
		full   func(page string) bool
		want   int
		asked  int
		broken bool
	}{
		"empty":         {0, func(string) bool { return false }, 0, 1, false},
		"three pages":   {3, func(string) bool { return true }, 3, 3, false},
		"fewer by then": {3, func(page string) bool { return page == "1" }, 1, 2, false},
		"an error":      {3, func(page string) bool { return page == "1" }, 1, 2, true},
	} {
		asked, got := 0, 0
		c := over(t, network(func(r *http.Request) (*http.Response, error) {
			asked++
			page := r.URL.Query().Get("page")
			if tt.broken && page == "2" {
				return problem(r, 403, "forbidden", nil), nil
			}
			items := ""
			if tt.full(page) {
				items = "{" + keyJSON + "}"
			}
			return say(r, 200, nil, fmt.Sprintf(`{"api_keys":[%s],"page":%s,"per_page":100,"total":%d,"total_pages":%d}`, items, page, tt.pages, tt.pages)), nil
		}))
		var failed error
		for _, err := range c.admin.APIKeys(t.Context()) {
			if err != nil {
				failed = err
				break
			}
			got++
		}
		if got != tt.want || asked != tt.asked || errors.Is(failed, hydrapin.ErrForbidden) != tt.broken {
			t.Errorf("%s: %d entries by %d requests, and %v", name, got, asked, failed)
		}
	}
}

func TestAHolderThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, ids := range []string{
		`"customer_id":null,"instance_id":null,"identity_id":null`,
		`"customer_id":null,"instance_id":"` + instance.String() + `","identity_id":"` + identity.String() + `"`,
	} {
		c := over(t, network(func(r *http.Request) (*http.Response, error) {
			return say(r, 200, nil, `{"pins":[{"holder_type":"customer",`+ids+`,"has_pin":true,"is_active":true,"is_locked":false,`+
				`"locked_until":null,"created_at":null,"set_by":null}],"page":1,"per_page":100,"total":1,"total_pages":1}`), nil
		}))
		for _, err := range c.admin.PINs(t.Context(), hydrapin.PINFilter{}) {
			if !errors.Is(err, hydrapin.ErrUnexpectedAnswer) {
				t.Errorf("%s: %v", ids, err)
			}
		}
	}
}
