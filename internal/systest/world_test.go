package systest_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/pgtest"
)

// The costs of a hash. No test uses less memory than there is in a real hash where
// the time of hashing matters.
const (
	cheapHash = "HYDRAPIN_ARGON2_MEMORY_KIB=64 HYDRAPIN_ARGON2_TIME=1"
	realHash  = "HYDRAPIN_ARGON2_MEMORY_KIB=19456 HYDRAPIN_ARGON2_TIME=2"
	// slowHash takes a second of an idle core, so that whatever is done once a guess
	// was paid for falls into its hash.
	slowHash = "HYDRAPIN_ARGON2_MEMORY_KIB=19456 HYDRAPIN_ARGON2_TIME=64"
)

// skill is what every test asks for; the policy of a world wants a PIN for it.
const skill = "payments.transfer"

// world is one database with its nodes, a tenant, and an instance with a policy.
type world struct {
	*machine
	nodes            []*node
	tenant, instance uuid.UUID
	admin, runtime   string
}

// store is one of the two kinds of database; how many nodes it is tested with.
type store struct {
	name  string
	nodes int
	env   func(t *testing.T) []string
}

var (
	onSQLite   = store{"SQLite", 1, func(*testing.T) []string { return nil }}
	onPostgres = store{"PostgreSQL", 3, func(t *testing.T) []string {
		t.Helper()
		return postgresEnv(pgtest.Empty(t))
	}}
)

func randomBytes() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // documented never to fail
	return b
}

// ringEnv are the secrets of a node that has no data folder to find them in.
func ringEnv() []string {
	key := func() string { return "k1:" + base64.StdEncoding.EncodeToString(randomBytes()) }
	return []string{
		"HYDRAPIN_PEPPERS=" + key(), "HYDRAPIN_RECEIPT_KEYS=" + key(),
		"HYDRAPIN_JWT_HS256_SECRET=" + base64.RawURLEncoding.EncodeToString(randomBytes()),
	}
}

func postgresEnv(address string) []string { return []string{"HYDRAPIN_DATABASE_URL=" + address} }

// noteSecrets marks what the environment holds.
func (m *machine) noteSecrets() {
	for _, entry := range m.env {
		name, value, _ := strings.Cut(entry, "=")
		switch name {
		case "HYDRAPIN_PEPPERS", "HYDRAPIN_RECEIPT_KEYS":
			for ring := range strings.SplitSeq(value, ",") {
				_, key, _ := strings.Cut(ring, ":")
				m.secret(name, key)
			}
		case "HYDRAPIN_JWT_HS256_SECRET":
			m.secret(name, value)
		case "HYDRAPIN_DATABASE_URL":
			if u, err := url.Parse(value); err == nil {
				if password, ok := u.User.Password(); ok && len(password) > 8 {
					m.secret("password of the database", password)
				}
			}
		}
	}
}

// newWorld starts all nodes at once on an empty database.
func newWorld(t *testing.T, s store, nodes int, hash string, env ...string) *world {
	t.Helper()
	all := append(s.env(t), ringEnv()...)
	all = append(append(all, strings.Fields(hash)...), env...)
	w := &world{machine: newMachine(t, all...), tenant: uuid.New(), instance: uuid.New()}
	w.noteSecrets()
	for range nodes {
		w.nodes = append(w.nodes, w.launch())
	}
	for _, n := range w.nodes {
		n.awaitReady()
	}
	w.admin = w.key("--tenant", w.tenant.String(), "--scopes", "pins:read,pins:write,pin-policies:read,pin-policies:write")
	w.runtime = w.key("--tenant", w.tenant.String(), "--instance", w.instance.String())
	w.nodes[0].call(w.admin, http.MethodPatch, "/v1/instances/"+w.instance.String()+"/pin-policy",
		`{"pin_required_skills":["*"],"pin_session_ttl_minutes":0}`).want(t, http.StatusOK)
	return w
}

// restart brings a node that was killed back on the same database.
func (w *world) restart(i int) {
	w.t.Helper()
	w.nodes[i] = w.serve()
}

// newPIN returns a PIN of twelve digits, so many that no other number in a log is
// taken for one.
func (m *machine) newPIN() string {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(12), nil)
	n, err := rand.Int(rand.Reader, limit)
	if err != nil {
		m.t.Fatal(err)
	}
	return m.secret("PIN", fmt.Sprintf("%012d", n))
}

// customer sets the PIN of a new customer.
func (w *world) customer() (id uuid.UUID, pin string) {
	w.t.Helper()
	id, pin = uuid.New(), w.newPIN()
	w.nodes[0].call(w.admin, http.MethodPost, pinPath(id), `{"pin":"`+pin+`"}`).want(w.t, http.StatusOK)
	return id, pin
}

func pinPath(customer uuid.UUID) string { return "/v1/customers/" + customer.String() + "/pin" }

// status is what an admin sees of a PIN.
type status struct {
	HasPIN      bool       `json:"has_pin"`
	IsActive    bool       `json:"is_active"`
	IsLocked    bool       `json:"is_locked"`
	LockedUntil *time.Time `json:"locked_until"`
}

func (w *world) status(n *node, customer uuid.UUID) status {
	w.t.Helper()
	var s status
	n.call(w.admin, http.MethodGet, pinPath(customer), "").into(w.t, &s, http.StatusOK)
	return s
}

// confirmation is what a runtime sees of one.
type confirmation struct {
	ID                *uuid.UUID `json:"id"`
	Status            string     `json:"status"`
	Reason            *string    `json:"reason"`
	AttemptsRemaining *int       `json:"attempts_remaining"`
	LockedUntil       *time.Time `json:"locked_until"`
	Receipt           *string    `json:"receipt"`
}

func (w *world) confirmations() string {
	return "/internal/v1/instances/" + w.instance.String() + "/confirmations"
}

// ask asks whether the skill may run for the customer.
func (w *world) ask(n *node, customer uuid.UUID) confirmation {
	w.t.Helper()
	var c confirmation
	n.call(w.runtime, http.MethodPost, w.confirmations(),
		fmt.Sprintf(`{"skill":%q,"role":"owner","customer_id":%q}`, skill, customer)).into(w.t, &c, http.StatusCreated, http.StatusOK)
	return c
}

// pending is ask for a question that must become pending.
func (w *world) pending(n *node, customer uuid.UUID) uuid.UUID {
	w.t.Helper()
	c := w.ask(n, customer)
	if c.Status != "pending" || c.ID == nil {
		w.t.Fatalf("asked, and got %+v", c)
	}
	return *c.ID
}

func (w *world) look(n *node, id uuid.UUID) confirmation {
	w.t.Helper()
	var c confirmation
	n.call(w.runtime, http.MethodGet, w.confirmations()+"/"+id.String(), "").into(w.t, &c, http.StatusOK)
	return c
}

func (w *world) verify(n *node, id uuid.UUID, pin string) answer {
	return n.call(w.runtime, http.MethodPost, w.confirmations()+"/"+id.String()+"/verify", `{"pin":"`+pin+`"}`)
}

func (w *world) redeem(n *node, id uuid.UUID) answer {
	return n.call(w.runtime, http.MethodPost, w.confirmations()+"/"+id.String()+"/redeem", `{"skill":"`+skill+`"}`)
}

// verifyAnswered is verify, again for as long as the hash queue is full: that
// spends nothing.
func (w *world) verifyAnswered(ctx context.Context, n *node, id uuid.UUID, pin string) answer {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		a := w.verify(n, id, pin)
		if a.err != nil || a.status != http.StatusServiceUnavailable || a.kind() != "busy" {
			return a
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return answer{err: ctx.Err()}
		}
	}
}

// event is a line of the audit trail.
type event struct {
	Index          int64
	Time           time.Time
	Type           string
	CustomerID     *uuid.UUID `json:"customer_id"`
	ConfirmationID *uuid.UUID `json:"confirmation_id"`
	RequestID      string     `json:"request_id"`
	Details        map[string]any
}

// events returns the trail of a customer.
func (w *world) events(customer uuid.UUID) []event {
	w.t.Helper()
	return w.trails()[customer]
}

// trails returns the trails of all customers.
func (w *world) trails() map[uuid.UUID][]event {
	w.t.Helper()
	all := map[uuid.UUID][]event{}
	for line := range strings.Lines(w.must("events", "--tenant", w.tenant.String(), "--json")) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			w.t.Fatalf("%s: %v", line, err)
		}
		if e.CustomerID != nil {
			all[*e.CustomerID] = append(all[*e.CustomerID], e)
		}
	}
	return all
}

// count returns how many events are of a type.
func count(events []event, kind string) int {
	n := 0
	for _, e := range events {
		if e.Type == kind {
			n++
		}
	}
	return n
}
