package bench_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

const (
	skill    = "payments.transfer"
	rightPIN = "471938"
	// connections are what throughput is measured with, verifiers the clients that
	// verify without pause.
	connections = 16
	verifiers   = 64
)

// tenant is a tenant with its keys, and one instance whose policy wants a PIN for
// everything.
type tenant struct {
	admin, runtime string
	instance       uuid.UUID
}

// newTenant makes a tenant. A session lasts ttl minutes; with 0 none is opened.
func newTenant(b *testing.B, p *process, c *conn, ttl int) tenant {
	b.Helper()
	id, t := uuid.New(), tenant{instance: uuid.New()}
	key := func(args ...string) string {
		cmd := exec.Command(hydratest.Binary(b), append([]string{"keys", "create", "--tenant", id.String()}, args...)...)
		cmd.Env = p.env
		out, err := cmd.Output()
		if err != nil {
			b.Fatalf("keys create: %v\n%s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	t.admin = key("--scopes", "pins:read,pins:write,pin-policies:write")
	t.runtime = key("--instance", t.instance.String())
	policy := fmt.Sprintf(`{"pin_required_skills":["*"],"pin_session_ttl_minutes":%d}`, ttl)
	path := "/v1/instances/" + t.instance.String() + "/pin-policy"
	if _, err := c.want(http.StatusOK, request(http.MethodPatch, path, t.admin, policy)); err != nil {
		b.Fatal(err)
	}
	return t
}

func pinPath(customer uuid.UUID) string { return "/v1/customers/" + customer.String() + "/pin" }

// newCustomers returns customers that have a PIN.
func (t tenant) newCustomers(b *testing.B, cs clients, n int) []uuid.UUID {
	b.Helper()
	customers := make([]uuid.UUID, n)
	cs.each(b, n, func(c *conn, i int) error {
		customers[i] = uuid.New()
		_, err := c.want(http.StatusOK, request(http.MethodPost, pinPath(customers[i]), t.admin, `{"pin":"`+rightPIN+`"}`))
		return err
	})
	return customers
}

func (t tenant) confirmations() string {
	return "/internal/v1/instances/" + t.instance.String() + "/confirmations"
}

func (t tenant) statusRequest(customer uuid.UUID) []byte {
	return request(http.MethodGet, pinPath(customer), t.admin, "")
}

func (t tenant) askRequest(customer uuid.UUID) []byte {
	return request(http.MethodPost, t.confirmations(), t.runtime,
		fmt.Sprintf(`{"skill":%q,"role":"owner","customer_id":%q}`, skill, customer))
}

func (t tenant) verifyRequest(id uuid.UUID) []byte {
	return request(http.MethodPost, t.confirmations()+"/"+id.String()+"/verify", t.runtime, `{"pin":"`+rightPIN+`"}`)
}

func (t tenant) redeemRequest(id uuid.UUID) []byte {
	return request(http.MethodPost, t.confirmations()+"/"+id.String()+"/redeem", t.runtime, `{"skill":"`+skill+`"}`)
}

// asked sends a question and returns its confirmation, which must have the status.
func asked(c *conn, ask []byte, status string) (uuid.UUID, error) {
	body, err := c.want(http.StatusCreated, ask)
	if err != nil {
		return uuid.Nil, err
	}
	var answer struct {
		ID     uuid.UUID
		Status string
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return uuid.Nil, err
	}
	if answer.Status != status {
		return uuid.Nil, fmt.Errorf("bench: the confirmation is %s, want %s", answer.Status, status)
	}
	return answer.ID, nil
}

// withSession returns customers who entered the PIN a moment ago.
func (t tenant) withSession(b *testing.B, cs clients) []uuid.UUID {
	b.Helper()
	customers := t.newCustomers(b, cs, 200)
	cs.each(b, len(customers), func(c *conn, i int) error {
		id, err := asked(c, t.askRequest(customers[i]), "pending")
		if err != nil {
			return err
		}
		_, err = c.want(http.StatusOK, t.verifyRequest(id))
		return err
	})
	return customers
}
