package systest_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/internal/pgtest"
)

// sql runs statements in a database.
func sql(t *testing.T, address string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	for _, s := range statements {
		if _, err := conn.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func ring(id string) string { return id + ":" + base64.StdEncoding.EncodeToString(randomBytes()) }

// A node says what it lacks, and starts with none of it.
func TestPostgresWithoutKeys(t *testing.T) {
	t.Parallel()
	m := newMachine(t, postgresEnv(pgtest.Empty(t))...)
	m.noteSecrets()
	r := m.run(nil, "serve")
	if r.code != 1 || r.stdout != "" || !strings.HasPrefix(r.stderr, "hydrapin: 2 things are wrong:\n") {
		t.Errorf("exit code %d, stdout %q\n%s", r.code, r.stdout, r.stderr)
	}
	for _, name := range []string{"PEPPERS", "RECEIPT_KEYS"} {
		if !strings.Contains(r.stderr, "\n  HYDRAPIN_"+name+" is missing: ") {
			t.Errorf("nothing is said of HYDRAPIN_%s:\n%s", name, r.stderr)
		}
	}
	m.refused(m.run([]string{"HYDRAPIN_PEPPERS=" + ring("k1")}, "serve"), "HYDRAPIN_RECEIPT_KEYS is missing")
}

// Nodes that start at once on an empty database migrate it once.
func TestPostgresTwoMigrate(t *testing.T) {
	t.Parallel()
	m := newMachine(t, append(postgresEnv(pgtest.Empty(t)), ringEnv()...)...)
	m.noteSecrets()
	first, second := m.launch(), m.launch()
	first.awaitReady()
	second.awaitReady()
	if out := m.must("migrate", "status"); strings.Contains(strings.ToLower(out), "pending") {
		t.Errorf("after both are ready:\n%s", out)
	}
	first.stop()
	second.stop()
}

// A node whose peppers do not fit the database does not start, and says which.
func TestPostgresPeppers(t *testing.T) {
	t.Parallel()
	address := pgtest.Empty(t)
	m := newMachine(t, append(postgresEnv(address), strings.Fields(cheapHash)...)...)
	receipts, used := "HYDRAPIN_RECEIPT_KEYS="+ring("r1"), ring("used")
	node := func(peppers ...string) []string {
		for _, p := range peppers {
			_, key, _ := strings.Cut(p, ":")
			m.secret("pepper", key)
		}
		return []string{receipts, "HYDRAPIN_PEPPERS=" + strings.Join(peppers, ",")}
	}
	n := m.serve(node(used)...)
	tenant := uuid.New()
	key := m.key("--tenant", tenant.String(), "--scopes", "pins:write,pins:read")
	n.call(key, http.MethodPost, pinPath(uuid.New()), `{"pin":"`+m.newPIN()+`"}`).want(t, http.StatusOK)
	m.refused(m.run(node(ring("used")), "serve"), `the pepper "used" has other bytes here than where it was first used`)
	m.refused(m.run(node(ring("fresh")), "serve"), `the pepper "used" is missing, and stored PINs need it`)
	m.refused(m.run([]string{"HYDRAPIN_PEPPERS=" + used, "HYDRAPIN_RECEIPT_KEYS=" + ring("r1")}, "serve"),
		`the receipt key "r1" has other bytes here than where it was first used`)
	// What was refused has left nothing: a rotation with that id works.
	m.serve(node(used, ring("fresh"))...).stop()
	n.stop()
}

// A database that a newer program has made incompatible is refused. A server that runs meanwhile
// refuses writes with a 503, so that a load balancer sends them to one that can.
func TestPostgresNewer(t *testing.T) {
	t.Parallel()
	address := pgtest.Empty(t)
	m := newMachine(t, append(postgresEnv(address), ringEnv()...)...)
	m.noteSecrets()
	n := m.serve()
	key := m.key("--tenant", uuid.NewString(), "--all-scopes")
	sql(t, address, "UPDATE schema_compat SET min_program_schema = 99")
	a := n.call(key, http.MethodPost, pinPath(uuid.New()), `{"pin":"804615"}`)
	a.want(t, http.StatusServiceUnavailable)
	if a.kind() != "unavailable" || a.header.Get("Retry-After") == "" {
		t.Errorf("a write was answered %s %v", a.body, a.header)
	}
	n.call("", http.MethodGet, "/readyz", "").want(t, http.StatusServiceUnavailable)
	n.stop()
	m.refused(m.run(nil, "serve"), "newer", "99")
	m.refused(m.run(nil, "migrate", "up"), "newer", "99")
}

// While another node migrates, a starting server says whom it waits for and answers that it is
// alive.
func TestPostgresStartWaitsForAMigration(t *testing.T) {
	t.Parallel()
	address := pgtest.Empty(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	_ = free.Close()
	m := newMachine(t, append(append(postgresEnv(address), ringEnv()...), "HYDRAPIN_ADDR="+addr)...)
	m.noteSecrets()
	sql(t, address, `CREATE TABLE migration_lease (one boolean NOT NULL DEFAULT true PRIMARY KEY, holder text NOT NULL, expires_at timestamptz NOT NULL)`,
		"INSERT INTO migration_lease (holder, expires_at) VALUES ('another node', now() + interval '1 hour')")
	n := m.launch()
	n.url = "http://" + addr
	hydratest.Eventually(t, "the log names what is waited for", func() bool {
		return n.logged("msg", "waiting for another node that migrates the database", "node", "another node") != nil
	})
	n.call("", http.MethodGet, "/healthz", "").want(t, http.StatusOK)
	n.call("", http.MethodGet, "/readyz", "").want(t, http.StatusServiceUnavailable)
	a := n.call("", http.MethodGet, "/v1/me/pin", "")
	a.want(t, http.StatusServiceUnavailable)
	if a.kind() != "unavailable" || a.header.Get("Retry-After") == "" {
		t.Errorf("a call while starting was answered %s %v", a.body, a.header)
	}
	// One that is told to stop while it waits has nothing to report.
	stopped := m.launch("HYDRAPIN_ADDR=127.0.0.1:0")
	hydratest.Eventually(t, "the second one waits too", func() bool {
		return stopped.logged("msg", "waiting for another node that migrates the database") != nil
	})
	stopped.stop()
	if stopped.logged("msg", "stopped") == nil || strings.Contains(stopped.text(&stopped.stderr), "cannot") {
		t.Errorf("stopped while it waited, it says\n%s", stopped.text(&stopped.stderr))
	}
	sql(t, address, "DELETE FROM migration_lease")
	n.awaitReady()
	n.call("", http.MethodGet, "/readyz", "").want(t, http.StatusOK)
	n.stop()
}

// A database that is gone for a while makes everything 503 and the node not ready;
// when it is back, so is the node, without a restart. A guess that was paid for and
// could not be settled stays paid for, and approves nothing.
func TestPostgresOutage(t *testing.T) {
	t.Parallel()
	server := pgtest.StartOwn(t)
	own := store{"PostgreSQL of its own", 1, func(*testing.T) []string { return postgresEnv(server.URL) }}
	w := newWorld(t, own, 1, slowHash)
	n := w.nodes[0]
	customer, pin := w.customer()
	id := w.pending(n, customer)
	unsettled := w.send(n, http.MethodPost, w.confirmations()+"/"+id.String()+"/verify", `{"pin":"`+pin+`"}`)
	hydratest.Eventually(t, "the guess is paid for", func() bool { return *w.look(n, id).AttemptsRemaining == lockAfter-1 })
	server.Stop()
	if a := <-unsettled; a.status != http.StatusServiceUnavailable || a.kind() != "unavailable" {
		t.Errorf("a guess that could not be settled was answered %d %s %v", a.status, a.body, a.err)
	}
	for _, c := range []struct{ key, method, path, body string }{
		{w.admin, http.MethodGet, pinPath(customer), ""},
		{w.admin, http.MethodPost, pinPath(customer), `{"pin":"` + w.newPIN() + `"}`},
		{w.runtime, http.MethodPost, w.confirmations() + "/" + id.String() + "/verify", `{"pin":"` + pin + `"}`},
		{w.runtime, http.MethodPost, w.confirmations() + "/" + id.String() + "/redeem", `{}`},
	} {
		a := n.call(c.key, c.method, c.path, c.body)
		a.want(t, http.StatusServiceUnavailable)
		if seconds, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || seconds < 1 || a.kind() != "unavailable" {
			t.Errorf("%s %s: Retry-After %q, %s", c.method, c.path, a.header.Get("Retry-After"), a.body)
		}
	}
	n.call("", http.MethodGet, "/readyz", "").want(t, http.StatusServiceUnavailable)
	n.call("", http.MethodGet, "/healthz", "").want(t, http.StatusOK)
	server.Start()
	hydratest.Eventually(t, "the node is ready again", func() bool {
		return n.call("", http.MethodGet, "/readyz", "").status == http.StatusOK
	})
	// What was refused meanwhile has cost nothing more.
	if c := w.look(n, id); c.Status != "pending" || *c.AttemptsRemaining != lockAfter-1 {
		t.Errorf("after the outage the confirmation is %+v", c)
	}
	poll := w.send(n, http.MethodGet, w.confirmations()+"/"+id.String()+"?wait_seconds=30", "")
	w.verify(n, id, pin).want(t, http.StatusOK)
	verified := time.Now()
	var c confirmation
	if (<-poll).into(t, &c, http.StatusOK); c.Status != "approved" || time.Since(verified) > 5*time.Second {
		t.Errorf("after the outage a wait was answered %+v %s after the approval", c, time.Since(verified))
	}
	w.redeem(n, id).want(t, http.StatusOK)
	n.stop()
}

// A database that is damaged makes 500s that say nothing but their request id,
// which the log explains.
func TestPostgresDamaged(t *testing.T) {
	t.Parallel()
	address := pgtest.Empty(t)
	damaged := store{"PostgreSQL", 1, func(*testing.T) []string { return postgresEnv(address) }}
	w := newWorld(t, damaged, 1, cheapHash)
	n := w.nodes[0]
	customer, pin := w.customer()
	id := w.pending(n, customer)
	sql(t, address, "ALTER TABLE pins RENAME COLUMN failures TO mistakes", "DROP TABLE pin_policies")
	for _, c := range []struct{ key, method, path, body string }{
		{w.admin, http.MethodGet, pinPath(customer), ""},
		{w.admin, http.MethodGet, "/v1/instances/" + w.instance.String() + "/pin-policy", ""},
		{w.runtime, http.MethodPost, w.confirmations() + "/" + id.String() + "/verify", `{"pin":"` + pin + `"}`},
	} {
		a := n.call(c.key, c.method, c.path, c.body)
		// A schema that changed beside the server is a database that cannot be used now.
		a.want(t, http.StatusServiceUnavailable)
		var p map[string]any
		if err := json.Unmarshal(a.body, &p); err != nil {
			t.Fatal(err)
		}
		request := a.header.Get("X-Request-Id")
		if p["request_id"] != request || request == "" || p["detail"] != "A service that is needed cannot be reached. Nothing was allowed." ||
			p["title"] != "Unavailable" || p["type"] != "urn:hydrapin:problem:unavailable" || a.header.Get("Retry-After") == "" || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %s", c.method, c.path, a.body)
		}
		for name, value := range p {
			if value != nil && !slices.Contains([]string{"type", "title", "status", "detail", "request_id"}, name) {
				t.Errorf("%s %s mentions %s: %v", c.method, c.path, name, value)
			}
		}
		hydratest.Eventually(t, "the log explains the request", func() bool {
			line := n.logged("request_id", request, "msg", "request")
			return line != nil && line["error"] != nil
		})
	}
	n.stop()
}
