package cli_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/pgtest"
	"github.com/hydracore/hydrapin/internal/server"
	"github.com/hydracore/hydrapin/internal/store"
)

type key struct {
	ID, Kind, State, Name string
	TenantID              string  `json:"tenant_id"`
	InstanceID            *string `json:"instance_id"`
	Scopes                []string
	ExpiresAt             *string `json:"expires_at"`
	RevokedAt             *string `json:"revoked_at"`
}

func (m *machine) keys(args ...string) []key {
	m.t.Helper()
	var all []key
	if err := json.Unmarshal([]byte(m.must(append([]string{"keys", "list", "--json"}, args...)...)), &all); err != nil {
		m.t.Fatal(err)
	}
	return all
}

// Keys are created, used and revoked beside a running server.
func TestKeys(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	s := m.serve()
	stdout, _ := s.printed()
	g := parseGreeting(t, stdout)

	r := m.run("keys", "create", "--tenant", someTenant, "--scopes", "pins:write,pins:read,pins:write", "--name", "dash board", "--expires-in", "720h")
	secret := strings.TrimSuffix(r.stdout, "\n")
	if r.code != 0 || !regexp.MustCompile(`^hc_live_[0-9A-Za-z]{16}_[0-9A-Za-z]{43}$`).MatchString(secret) || strings.Contains(r.stderr, secret) {
		t.Fatalf("keys create: exit code %d, stdout %q, want the key alone there\n%s", r.code, r.stdout, r.stderr)
	}
	runtime := m.must("keys", "create", "--tenant", someTenant, "--instance", strings.ToUpper(someInstance))
	if !regexp.MustCompile(`^hc_agent_[0-9A-Za-z]{16}_[0-9A-Za-z]{43}\n$`).MatchString(runtime) {
		t.Errorf("the runtime key is %q", runtime)
	}
	if n := len(m.keys()); n != 3 {
		t.Errorf("%d keys, want the first admin key and two", n)
	}
	all := m.keys("--tenant", someTenant)
	if len(all) != 2 {
		t.Fatalf("%d keys of the tenant, want 2", len(all))
	}
	first, second := all[0], all[1]
	if first.Kind != "api_key" || first.State != "live" || first.Name != "dash board" || first.TenantID != someTenant ||
		first.InstanceID != nil || !slices.Equal(first.Scopes, []string{"pins:write", "pins:read"}) || first.ExpiresAt == nil || first.RevokedAt != nil {
		t.Errorf("key = %+v", first)
	}
	if second.Kind != "runtime_key" || second.InstanceID == nil || *second.InstanceID != someInstance || second.ExpiresAt != nil || len(second.Scopes) != 0 {
		t.Errorf("runtime key = %+v", second)
	}
	if table := m.must("keys", "list"); strings.Count(table, "\n") != 4 || !strings.Contains(table, "dash board") || !strings.Contains(table, "instance "+someInstance) {
		t.Errorf("keys list:\n%s", table)
	}

	url := g.url + "/v1/customers/" + uuid.NewString() + "/pin"
	if status, answer := call(t, http.MethodPost, url, `{"pin":"4719"}`, "X-Api-Key", secret); status != http.StatusOK {
		t.Errorf("with the new key: %d %s", status, answer)
	}
	m.must("keys", "revoke", first.ID)
	// A write of a PIN reads the key again.
	if status, answer := call(t, http.MethodPost, url, `{"pin":"4719"}`, "X-Api-Key", secret); status != http.StatusUnauthorized {
		t.Errorf("with the revoked key: %d %s", status, answer)
	}
	m.must("keys", "revoke", strings.TrimSpace(runtime)) // the whole key is accepted, too
	m.must("keys", "revoke", first.ID)
	for _, k := range m.keys("--tenant", someTenant) {
		if k.State != "revoked" || k.RevokedAt == nil {
			t.Errorf("key after revoke = %+v", k)
		}
	}
	m.refused(1, m.run("keys", "revoke", "nosuchkey"), "no key has this id", "keys list")

	var types []string
	for line := range strings.Lines(m.must("events", "--tenant", someTenant, "--json")) {
		var e struct {
			Type      string
			ActorKind string `json:"actor_kind"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		types = append(types, e.Type+" by "+e.ActorKind)
	}
	if want := []string{
		"key.minted by operator", "key.minted by operator", "pin.set by api_key", "key.revoked by operator", "key.revoked by operator",
	}; !slices.Equal(types, want) {
		t.Errorf("events = %q, want %q", types, want)
	}
	for _, args := range [][]string{{"keys", "list"}, {"events", "--tenant", someTenant}, {"events", "--tenant", g.tenant, "--json"}, {"doctor"}} {
		out := m.must(args...)
		for _, secret := range append(m.secrets(), secret, strings.TrimSpace(runtime), g.key) {
			if strings.Contains(out, secret) {
				t.Errorf("%v prints a secret", args)
			}
		}
	}
	s.stop()
}

// The documented first key: a tenant of its own, every right, and the key alone on
// stdout.
func TestFirstKeyOnPostgres(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "HYDRAPIN_DATABASE_URL="+pgtest.Empty(t), "HYDRAPIN_PEPPERS="+ring, "HYDRAPIN_RECEIPT_KEYS="+ring)
	s := m.serve()
	stdout, _ := s.printed()
	step := regexp.MustCompile(`(?m)^  \S+ (keys create --new-tenant --all-scopes --name \S+)$`).FindStringSubmatch(stdout)
	if step == nil {
		t.Fatalf("the first start does not say how to create the first key:\n%s", stdout)
	}
	r := m.run(strings.Fields(step[1])...)
	said := regexp.MustCompile(`(?s)^tenant  ([0-9a-f-]{36})\nkey id  ([0-9A-Za-z]{16})\n.*shown only this once`).FindStringSubmatch(r.stderr)
	if r.code != 0 || said == nil || !regexp.MustCompile(`^hc_live_[0-9A-Za-z]{16}_[0-9A-Za-z]{43}\n$`).MatchString(r.stdout) {
		t.Fatalf("keys create: exit code %d, %q\n%s", r.code, r.stdout, r.stderr)
	}
	all := m.keys()
	if len(all) != 1 || all[0].TenantID != said[1] || all[0].ID != said[2] || len(all[0].Scopes) != len(auth.Scopes()) {
		t.Errorf("keys = %+v", all)
	}
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(stdout)
	for _, path := range []string{"/v1/customers/" + uuid.NewString() + "/pin", "/v1/instances/" + someInstance + "/pin-policy"} {
		if status, answer := call(t, http.MethodGet, url+path, "", "X-Api-Key", strings.TrimSpace(r.stdout)); status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
	s.stop()
	if stdout, _ := m.serve().stop(); strings.Contains(stdout, "keys create") {
		t.Errorf("the second start speaks of a first key:\n%s", stdout)
	}
	// Each new tenant is another one, also for a runtime key.
	m.must("keys", "create", "--new-tenant", "--instance", someInstance)
	if all := m.keys(); len(all) != 2 || all[1].TenantID == all[0].TenantID || all[1].InstanceID == nil {
		t.Errorf("keys = %+v", all)
	}
}

// However many events there are, all are printed, once, in their order, and what
// others wrote cannot look like something else.
func TestEventsPages(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.serve().stop()
	cfg, err := config.LoadDatabase([]string{"HYDRAPIN_DATA_DIR=" + m.dir + "/data"})
	if err != nil {
		t.Fatal(err)
	}
	st, err := server.OpenStore(t.Context(), cfg, false)
	if err != nil {
		t.Fatal(err)
	}
	const n = 1201
	err = st.InTx(t.Context(), func(tx store.Tx) error {
		for range n {
			tx.Append(audit.Event{
				ID: uuid.New(), Time: time.Now(), Tenant: uuid.MustParse(someTenant),
				Actor:   audit.Actor{Kind: auth.KindJWT, ID: "mallory peer=1.2.3.4\x1b[2J"},
				Details: audit.AccessDenied{Operation: "x\ny"},
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	count := 0
	for line := range strings.Lines(m.must("events", "--tenant", someTenant, "--json")) {
		// No server runs, so that none has its index.
		e := struct{ Index *int64 }{new(int64)}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Index != nil {
			t.Fatalf("line %d: index %v, %v", count, e.Index, err)
		}
		count++
	}
	if count != n {
		t.Errorf("%d events, want %d", count, n)
	}
	text := m.must("events", "--tenant", someTenant)
	if strings.Count(text, "\n") != n || strings.ContainsRune(text, 0x1b) || !strings.Contains(text, `jwt:"mallory peer=1.2.3.4\x1b[2J"`) {
		t.Errorf("events:\n%.300s", text)
	}
	if out := m.must("events", "--tenant", someInstance); out != "" {
		t.Errorf("events of another tenant:\n%s", out)
	}
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "HYDRAPIN_DATABASE_URL="+pgtest.Empty(t))
	r := m.run("serve")
	if r.code != 1 || !strings.Contains(r.stderr, "HYDRAPIN_PEPPERS is missing") || !strings.Contains(r.stderr, "HYDRAPIN_RECEIPT_KEYS is missing") {
		t.Errorf("serve without secrets: exit code %d\n%s", r.code, r.stderr)
	}
	if r := m.run("migrate", "status"); r.code != 1 || !strings.Contains(r.stdout, "missing") || !strings.Contains(r.stderr, "migrate up") {
		t.Errorf("migrate status: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	m.refused(1, m.run("keys", "list"), "not migrated")
	m.must("migrate", "up")
	if out := m.must("migrate", "status", "--json"); !json.Valid([]byte(out)) || strings.Contains(out, "false") {
		t.Errorf("migrate status:\n%s", out)
	}
	m.must("migrate", "up")
	m.must("keys", "create", "--tenant", someTenant, "--scopes", "pins:read")
	if n := len(m.keys()); n != 1 {
		t.Errorf("%d keys, want 1", n)
	}

	m.env = append(m.env, "HYDRAPIN_PEPPERS="+ring, "HYDRAPIN_RECEIPT_KEYS="+ring)
	stdout, stderr := m.serve().stop()
	if !strings.HasPrefix(stdout, "\n  docs    http") || strings.Contains(stderr, ring[3:]) {
		t.Errorf("serve printed\n%s\n%s", stdout, stderr)
	}
	// The server of the tests does not wait for its disk, and doctor says so.
	r = m.run("doctor")
	if r.code != 1 || !strings.Contains(r.stdout, "1 wrong") || !strings.Contains(r.stdout, "fsync or full_page_writes is off") ||
		!strings.Contains(r.stdout, "no synchronous standby") || !strings.Contains(r.stdout, "[redacted] ids k1") || strings.Contains(r.stdout, ring[3:]) {
		t.Errorf("doctor: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if files := m.files("."); len(files) != 0 {
		t.Errorf("a node created files: %q", files)
	}
	nowhere := []string{"HYDRAPIN_DATABASE_URL=postgres://u:hunter2@127.0.0.1:1/x"}
	m.refused(1, m.runWith(nowhere, "keys", "list"), "postgres://127.0.0.1:1/x cannot be used", "connection refused")
	m.refused(1, m.runWith(nowhere, "serve"), "postgres://127.0.0.1:1/x cannot be used", "connection refused")
	if r := m.runWith(nowhere, "doctor"); r.code != 1 || strings.Contains(r.stdout+r.stderr, "hunter2") {
		t.Errorf("doctor of a database that is not there: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}
