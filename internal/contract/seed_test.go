package contract_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/contract"
	"github.com/hydracore/hydrapin/internal/hydratest"
)

// TestSeedIsKept calls the six HydraCore operations as its page shows them, and
// compares answers with the frozen contract. It also has what that cannot check:
// the defaults.
func TestSeedIsKept(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(contract.Root(), "internal", "contract", "testdata", "seed.yaml"))
	must(t, err)
	seed, err := contract.Load(text)
	must(t, err)
	if n := len(seed.Operations()); n != 6 {
		t.Fatalf("the seed has %d operations", n)
	}
	for _, e := range hydratest.Engines() {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			n := start(t, nil, e)
			instance, who := uuid.NewString(), uuid.NewString()
			pin, policy := "/v1/customers/"+who+"/pin", "/v1/instances/"+instance+"/pin-policy"
			key := http.Header{"X-Api-Key": {n.key}}
			withBody := http.Header{"X-Api-Key": {n.key}, "Content-Type": {"application/json"}}
			none := `{"created_at":null,"has_pin":false,"is_active":false,"is_locked":false,"locked_until":null}`
			defaults := `{"instance_id":"` + instance + `","pin_applies_to":"all","pin_required_skills":[],"pin_session_ttl_minutes":30}`
			for _, call := range []struct {
				method, path string
				header       http.Header
				body         string
				status       int
				want         string // any, when empty
			}{
				{"GET", pin, key, "", 200, none},
				{"POST", pin, withBody, `{"pin":"` + goodPIN + `"}`, 200, ""},
				{"POST", pin, withBody, `{"pin":"1"}`, 422, ""},
				{"GET", pin, key, "", 200, ""},
				{"DELETE", pin, key, "", 204, ""},
				{"GET", pin, key, "", 200, none},
				{"GET", "/v1/customers/x/pin", key, "", 422, ""},
				{"GET", policy, key, "", 200, defaults},
				{"PATCH", policy, withBody, `{}`, 200, defaults},
				{"PATCH", policy, withBody, `{"pin_applies_to":null,"pin_session_ttl_minutes":15}`, 200, strings.Replace(defaults, ":30", ":15", 1)},
				{"PATCH", policy, withBody, `{"pin_session_ttl_minutes":"15"}`, 422, ""},
				{"GET", "/v1/me/pin", http.Header{"Authorization": {"Bearer " + n.mine}}, "", 200, none},
			} {
				var body []byte
				if call.body != "" {
					body = raw(call.body)
				}
				a := n.send(call.method, call.path, call.header, body)
				if a.status != call.status {
					t.Errorf("%s %s answered %d, want %d: %s", call.method, call.path, a.status, call.status, a.body)
				}
				a.body = withoutLater(t, a.body)
				if call.want != "" && !sameJSON(t, a.body, raw(call.want)) {
					t.Errorf("%s %s answered %s, want %s", call.method, call.path, a.body, call.want)
				}
				got := contract.Exchange{Method: call.method, Path: call.path, Status: a.status, Header: a.header, Body: a.body}
				for _, difference := range seed.Check(got) {
					// Headers came later; they break nobody.
					if !strings.HasPrefix(difference, "header ") {
						t.Errorf("%s %s answered %d against the seed: %s", call.method, call.path, a.status, difference)
					}
				}
			}
		})
	}
}

// later are the fields of answers that came after the seed. A client of the seed does not look at them.
var later = []string{"set_by", "pin_must_be_own", "pin_channels"}

func withoutLater(t *testing.T, body []byte) []byte {
	t.Helper()
	var fields map[string]any
	if json.Unmarshal(body, &fields) != nil {
		return body
	}
	for _, name := range later {
		delete(fields, name)
	}
	return encode(t, fields)
}
