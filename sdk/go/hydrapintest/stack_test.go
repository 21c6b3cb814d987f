package hydrapintest_test

import (
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/contract"
	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

const issuer = "https://pin.example.com"

// stack is the server itself, on a database of its own, and clients for it.
type stack struct {
	*hydratest.Stack
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
	folder    string // to be removed, or empty

	mu    sync.Mutex
	ahead time.Duration
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
	s := &stack{transport: &http.Transport{}}
	var err error
	// Under a prefix, as behind a proxy.
	s.Stack, err = hydratest.Open(folder, hydratest.Options{
		Prefix: "/pin-api", Now: s.now, Settings: []string{"HYDRAPIN_PUBLIC_URL=" + issuer},
	})
	if err != nil {
		return s, err
	}
	s.url, s.jwks = s.URL, s.Node.Receipts().JWKS()
	s.tenant, s.instance, s.customer, s.identity = s.Tenant, s.Instance, s.Customer, s.Identity
	s.key, s.agentKey = hydrapin.NewKey(s.Key), hydrapin.NewKey(s.RuntimeKey)
	if s.admin, err = hydrapin.NewAdmin(s.url, s.key, s.client()); err != nil {
		return s, err
	}
	s.runtime, err = hydrapin.NewRuntime(s.url, s.agentKey, s.instance, s.client())
	return s, err
}

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

func (s *stack) stop() {
	s.transport.CloseIdleConnections()
	s.Close()
	if s.folder != "" {
		_ = os.RemoveAll(s.folder)
	}
}

func (s *stack) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}

// pass makes time pass for the server.
func (s *stack) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

// token is a user's token.
func (s *stack) token(tb testing.TB, edit func(*auth.Claims)) hydrapin.TokenSource {
	tb.Helper()
	return hydrapin.Token(s.Stack.Token(tb, edit))
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
	if err != nil {
		panic(err)
	}
	s.folder = folder
	return s
}
