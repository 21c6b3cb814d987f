package httpapi_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/contract"
	"github.com/hydracore/hydrapin/internal/httpapi"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/receipt"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/store/sqlite"
)

const (
	goodPIN  = "804615"
	otherPIN = "492750"
)

var jwtSecret = auth.NewSecret(bytes.Repeat([]byte("s"), 32))

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// lockedBuffer is a log that is written while it is read.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// bench is a server over a real store, and credentials for it.
type bench struct {
	echo     *echo.Echo
	server   *httptest.Server
	service  *service.Service
	pool     *argon2id.Pool
	store    *sqlite.Store
	clock    *clock
	log      *lockedBuffer
	path     string
	tenant   uuid.UUID
	instance uuid.UUID
	customer uuid.UUID
	identity uuid.UUID
	// live has every scope, runtime opens the instance.
	live, runtime string
	liveKey       auth.APIKey
}

type options struct {
	rules    pin.Rules
	proxies  []netip.Prefix
	verifier *auth.VerifierConfig
	register func(*echo.Echo)
}

func setup(tb testing.TB, opts ...func(*options)) *bench {
	tb.Helper()
	o := options{rules: pin.DefaultRules(), verifier: &auth.VerifierConfig{Secret: jwtSecret}}
	for _, opt := range opts {
		opt(&o)
	}
	b := &bench{
		clock: &clock{now: time.Now().UTC().Truncate(time.Microsecond)}, log: &lockedBuffer{},
		tenant: uuid.New(), instance: uuid.New(), customer: uuid.New(), identity: uuid.New(),
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("the log:\n%s", b.log)
		}
	})
	b.path = filepath.Join(tb.TempDir(), "db")
	st, err := sqlite.Open(context.Background(), sqlite.Config{Path: b.path, Now: b.clock.Now})
	must(tb, err)
	tb.Cleanup(func() { _ = st.Close() })
	must(tb, st.Migrate(context.Background()))
	b.store = st

	peppers, err := argon2id.ParseRing("p1:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("p"), 32)))
	must(tb, err)
	pool, err := argon2id.NewPool(argon2id.PoolConfig{
		Ring: peppers, Params: argon2id.Params{MemoryKiB: 8, Time: 1, Parallelism: 1}, Workers: 1, Queue: 100,
	})
	must(tb, err)
	tb.Cleanup(pool.Close)
	b.pool = pool
	receipts, err := receipt.ParseRing("r1:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("r"), 32)))
	must(tb, err)
	log := slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b.service = service.New(service.Config{
		Store: st, Hasher: pool, Receipts: receipts, Log: log, Issuer: "https://pin.example",
		Limits: pin.DefaultLimits(), Rules: o.rules, RedeemWithin: 120 * time.Second,
		CoolingOff: 24 * time.Hour, Retention: 720 * time.Hour, Now: b.clock.Now,
	})
	o.verifier.Now = b.clock.Now
	verifier, err := auth.NewVerifier(*o.verifier)
	must(tb, err)
	tb.Cleanup(verifier.Close)

	b.echo = echo.New()
	must(tb, httpapi.Register(b.echo, httpapi.Deps{
		Service: b.service, Verifier: verifier, Log: log, Rules: o.rules, TrustedProxies: o.proxies,
	}))
	if o.register != nil {
		o.register(b.echo)
	}
	b.server = httptest.NewServer(b.echo)
	tb.Cleanup(b.server.Close)
	b.liveKey, b.live = b.mint(tb, service.KeySpec{Tenant: b.tenant, Scopes: auth.Scopes()})
	_, b.runtime = b.mint(tb, service.KeySpec{Tenant: b.tenant, Instance: b.instance})
	return b
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func (b *bench) mint(tb testing.TB, spec service.KeySpec) (auth.APIKey, string) {
	tb.Helper()
	key, secret, err := b.service.MintKey(context.Background(), service.Operator(spec.Tenant), spec)
	must(tb, err)
	return key, secret.Reveal()
}

// token mints a JWT of the tenant.
func (b *bench) token(tb testing.TB, edit func(*auth.Claims)) string {
	tb.Helper()
	claims := auth.Claims{Subject: "user-1", Tenant: b.tenant, IssuedAt: b.clock.Now()}
	if edit != nil {
		edit(&claims)
	}
	token, err := auth.MintHS256(jwtSecret, claims, time.Hour)
	must(tb, err)
	return token
}

func (b *bench) admin(tb testing.TB) string {
	tb.Helper()
	return b.token(tb, func(c *auth.Claims) { c.Admin = true })
}

// reply is an answer that was read to its end.
type reply struct {
	*http.Response
	text string
}

// agreed is the contract that every answer is held against.
var agreed = sync.OnceValue(func() *contract.Spec {
	spec, err := contract.Current()
	if err != nil {
		panic(err)
	}
	return spec
})

type edit func(*http.Request)

func header(name, value string) edit { return func(r *http.Request) { r.Header.Add(name, value) } }

func key(k string) edit { return header("X-Api-Key", k) }

func bearer(t string) edit { return header("Authorization", "Bearer "+t) }

// call sends a request; a body is JSON unless an edit says otherwise.
func (b *bench) call(tb testing.TB, method, path, body string, edits ...edit) reply {
	tb.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, b.server.URL+path, reader)
	must(tb, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, e := range edits {
		e(req)
	}
	resp, err := b.server.Client().Do(req)
	must(tb, err)
	text, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	must(tb, err)
	// Whatever a test asks, the answer is one that the contract knows.
	for _, fault := range agreed().Check(contract.Exchange{
		Method: method, Path: req.URL.EscapedPath(), Status: resp.StatusCode, Header: resp.Header, Body: text,
	}) {
		tb.Errorf("%s %s answered %d against the contract: %s", method, req.URL.Path, resp.StatusCode, fault)
	}
	return reply{Response: resp, text: string(text)}
}

func (r reply) want(tb testing.TB, status int) reply {
	tb.Helper()
	if r.StatusCode != status {
		tb.Fatalf("%s %s: status %d, want %d: %s", r.Request.Method, r.Request.URL.Path, r.StatusCode, status, r.text)
	}
	return r
}

// fields decodes a JSON object.
func (r reply) fields(tb testing.TB) map[string]any {
	tb.Helper()
	var m map[string]any
	must(tb, json.Unmarshal([]byte(r.text), &m))
	return m
}

// problem checks the form of a problem document and returns it.
func (r reply) problem(tb testing.TB, status int, kind string) map[string]any {
	tb.Helper()
	r.want(tb, status)
	if ct := r.Header.Get("Content-Type"); ct != "application/problem+json" {
		tb.Errorf("Content-Type %q", ct)
	}
	m := r.fields(tb)
	if m["type"] != "urn:hydrapin:problem:"+kind || m["status"] != float64(status) ||
		m["request_id"] != r.Header.Get("X-Request-Id") || m["request_id"] == "" ||
		m["title"] == "" || m["detail"] == "" {
		tb.Errorf("problem %s, want %s", r.text, kind)
	}
	return m
}

// faults returns a 422's faults as "loc type", in order.
func (r reply) faults(tb testing.TB) []string {
	tb.Helper()
	r.want(tb, http.StatusUnprocessableEntity)
	if ct := r.Header.Get("Content-Type"); ct != "application/json" {
		tb.Errorf("Content-Type %q", ct)
	}
	var body struct {
		Detail []struct {
			Loc  []any
			Msg  string
			Type string
		}
	}
	must(tb, json.Unmarshal([]byte(r.text), &body))
	var out []string
	for _, f := range body.Detail {
		steps := make([]string, len(f.Loc))
		for i, step := range f.Loc {
			steps[i] = fmt.Sprint(step)
		}
		if f.Msg == "" {
			tb.Errorf("no msg: %s", r.text)
		}
		out = append(out, strings.Join(steps, ".")+" "+f.Type)
	}
	return out
}

func (b *bench) customerPIN() string { return "/v1/customers/" + b.customer.String() + "/pin" }

func (b *bench) policyPath() string { return "/v1/instances/" + b.instance.String() + "/pin-policy" }

func (b *bench) internalPath(rest string) string {
	return "/internal/v1/instances/" + b.instance.String() + rest
}

func (b *bench) identityPIN() string {
	return b.internalPath("/identities/" + b.identity.String() + "/pin")
}

// events returns the tenant's events.
func (b *bench) events(tb testing.TB) []audit.Entry {
	tb.Helper()
	stored, err := b.service.Events(context.Background(), audit.Filter{Tenant: b.tenant, Limit: 1000})
	must(tb, err)
	entries := make([]audit.Entry, len(stored))
	for i, e := range stored {
		entries[i], err = e.Entry()
		must(tb, err)
	}
	return entries
}

// damage changes the database behind the store's back.
func damage(tb testing.TB, b *bench, statement string) {
	tb.Helper()
	db, err := sql.Open("sqlite", "file:"+b.path+"?_pragma=busy_timeout(5000)")
	must(tb, err)
	_, err = db.ExecContext(context.Background(), statement)
	must(tb, errors.Join(err, db.Close()))
}
