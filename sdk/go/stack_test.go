package hydrapin_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/contract"
	"github.com/hydracore/hydrapin/internal/httpapi"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/receipt"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/store/sqlite"
	hydrapin "github.com/hydracore/hydrapin/sdk/go"
)

const issuer = "https://pin.example.com"

// stack is the server itself, on a database of its own, and clients for it.
type stack struct {
	url       string
	jwks      []byte
	tenant    uuid.UUID
	instance  uuid.UUID
	customer  uuid.UUID
	identity  uuid.UUID
	key       hydrapin.Key // every scope
	agentKey  hydrapin.Key // of the instance
	admin     *hydrapin.Admin
	runtime   *hydrapin.Runtime
	transport *http.Transport

	mu      sync.Mutex
	ahead   time.Duration
	stopped []func()
}

func start(tb testing.TB) *stack {
	tb.Helper()
	s, err := startIn(tb.TempDir())
	tb.Cleanup(s.stop)
	must(tb, err)
	return s
}

// startIn starts a stack in a folder; it is to be stopped, even with an error.
func startIn(folder string) (*stack, error) {
	s := &stack{tenant: uuid.New(), instance: uuid.New(), customer: uuid.New(), identity: uuid.New(), transport: &http.Transport{}}
	ctx, cancel := context.WithCancel(context.Background())
	s.later(cancel)
	db, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(folder, "hydrapin.db"), Now: s.now})
	if err != nil {
		return s, err
	}
	s.later(func() { _ = db.Close() })
	if err := db.Migrate(ctx); err != nil {
		return s, err
	}
	peppers, err := argon2id.ParseRing("p1:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("p"), 32)))
	if err != nil {
		return s, err
	}
	// The least memory: what hashing costs is not what is tested here.
	pool, err := argon2id.NewPool(argon2id.PoolConfig{
		Ring: peppers, Params: argon2id.Params{MemoryKiB: 8, Time: 1, Parallelism: 1}, Workers: 1,
	})
	if err != nil {
		return s, err
	}
	s.later(pool.Close)
	receipts, err := receipt.ParseRing("r1:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("r"), 32)))
	if err != nil {
		return s, err
	}
	s.jwks = receipts.JWKS()
	log := slog.New(slog.DiscardHandler)
	svc := service.New(service.Config{
		Store: db, Hasher: pool, Receipts: receipts, Log: log, Issuer: issuer,
		Limits: pin.DefaultLimits(), Rules: pin.DefaultRules(), RedeemWithin: 2 * time.Minute,
		CoolingOff: 24 * time.Hour, Retention: 720 * time.Hour,
	})
	verifier, err := auth.NewVerifier(auth.VerifierConfig{Secret: jwtSecret})
	if err != nil {
		return s, err
	}
	s.later(verifier.Close)
	e := echo.New()
	if err := httpapi.Register(e, httpapi.Deps{Service: svc, Verifier: verifier, Log: log}); err != nil {
		return s, err
	}
	background := make(chan struct{})
	go func() {
		defer close(background)
		_ = svc.Run(ctx)
	}()
	s.later(func() {
		cancel()
		<-background
	})
	// Under a prefix, as behind a proxy.
	server := httptest.NewServer(http.StripPrefix("/pin-api", e))
	s.later(server.Close)
	s.later(s.transport.CloseIdleConnections)
	s.url = server.URL + "/pin-api"

	mint := func(spec service.KeySpec) (hydrapin.Key, error) {
		spec.Tenant = s.tenant
		_, secret, err := svc.MintKey(ctx, service.Operator(s.tenant), spec)
		return hydrapin.NewKey(secret.Reveal()), err
	}
	if s.key, err = mint(service.KeySpec{Scopes: auth.Scopes()}); err != nil {
		return s, err
	}
	if s.agentKey, err = mint(service.KeySpec{Instance: s.instance}); err != nil {
		return s, err
	}
	if s.admin, err = hydrapin.NewAdmin(s.url, s.key, s.client()); err != nil {
		return s, err
	}
	s.runtime, err = hydrapin.NewRuntime(s.url, s.agentKey, s.instance, s.client())
	return s, err
}

var jwtSecret = auth.NewSecret(bytes.Repeat([]byte("s"), 32))

// agreed is the contract that every answer is held against.
var agreed = sync.OnceValue(func() *contract.Spec {
	spec, err := contract.Current()
	if err != nil {
		panic(err)
	}
	return spec
})

// client is the option for the stack's own connections, which end with it; every
// answer is held against the contract.
func (s *stack) client() hydrapin.Option {
	return hydrapin.WithHTTPClient(&http.Client{Transport: &contract.Transport{
		Spec: agreed(), Base: s.transport, Prefix: "/pin-api",
		Report: func(args ...any) { panic(fmt.Sprint(args...)) }, // an Example has nothing else
	}})
}

func (s *stack) later(f func()) { s.stopped = append(s.stopped, f) }

func (s *stack) stop() {
	for i := range s.stopped {
		s.stopped[len(s.stopped)-1-i]()
	}
}

func (s *stack) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}

// pass makes time pass for the server's records.
func (s *stack) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

// token is a user's token.
func (s *stack) token(tb testing.TB, edit func(*auth.Claims)) hydrapin.TokenSource {
	tb.Helper()
	claims := auth.Claims{Subject: "user-1", Tenant: s.tenant}
	edit(&claims)
	jwt, err := auth.MintHS256(jwtSecret, claims, time.Hour)
	must(tb, err)
	return hydrapin.Token(jwt)
}

// require sets a PIN for the customer and makes the skill need it.
func (s *stack) require(tb testing.TB) {
	tb.Helper()
	_, err := s.admin.SetCustomerPIN(tb.Context(), s.customer, goodPIN)
	must(tb, err)
	_, err = s.admin.UpdatePolicy(tb.Context(), s.instance, hydrapin.PolicyUpdate{RequiredSkills: []string{skill}})
	must(tb, err)
}

func (s *stack) question() hydrapin.Question {
	return hydrapin.Question{Holder: hydrapin.Customer(s.customer), Role: hydrapin.RoleOwner, Skill: skill}
}

// exampleStack is the server that an example talks to.
func exampleStack() *stack {
	folder, err := os.MkdirTemp("", "hydrapin-example")
	if err != nil {
		panic(err)
	}
	s, err := startIn(folder)
	s.stopped = append([]func(){func() { _ = os.RemoveAll(folder) }}, s.stopped...)
	if err != nil {
		panic(err)
	}
	return s
}
