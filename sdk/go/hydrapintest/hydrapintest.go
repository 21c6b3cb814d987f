// Package hydrapintest is a test kit for programs that use hydrapin: a real server on an empty
// database of its own, people who answer, and a clock that the test moves. Nobody has to enter a
// PIN, and nothing is faked.
//
//	srv := hydrapintest.Start(t)
//	srv.Require("payments.transfer")
//	ada := srv.Person("804615")
//	person := srv.Runtime.For(ada.Holder(), hydrapin.RoleOwner)
//	person.OnPending = ada.Confirm
//	err := person.Guard(t.Context(), "payments.transfer", action, transfer)
//
// It is for tests alone. Unlike package hydrapin, it belongs to the server's module, whose
// dependencies come with it.
package hydrapintest

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// Server is a running server, with one tenant, one agent instance, and clients for both. It ends
// with the test. It is safe for concurrent use.
type Server struct {
	// URL is the address of the server: http on a loopback address.
	URL string
	// Tenant and Instance are what Admin and Runtime are for.
	Tenant, Instance uuid.UUID
	// APIKey has every scope of the tenant, and RuntimeKey opens the instance.
	APIKey, RuntimeKey string
	// Admin and Runtime are ready to use. Make others with the keys.
	Admin   *hydrapin.Admin
	Runtime *hydrapin.Runtime

	tb        testing.TB
	stack     *hydratest.Stack
	transport *http.Transport

	mu     sync.Mutex
	ahead  time.Duration
	skills []string
}

// Start starts a server that ends with the test. If the test fails, the server's log is printed.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{tb: tb, transport: &http.Transport{}}
	s.stack = hydratest.Start(tb, hydratest.Options{Now: s.now})
	// Registered later, so that it runs before the server ends.
	tb.Cleanup(s.transport.CloseIdleConnections)
	s.URL, s.Tenant, s.Instance = s.stack.URL, s.stack.Tenant, s.stack.Instance
	s.APIKey, s.RuntimeKey = s.stack.Key, s.stack.RuntimeKey
	client := hydrapin.WithHTTPClient(&http.Client{Transport: s.transport})
	var err error
	if s.Admin, err = hydrapin.NewAdmin(s.URL, hydrapin.NewKey(s.APIKey), client); err != nil {
		tb.Fatal(err)
	}
	if s.Runtime, err = hydrapin.NewRuntime(s.URL, hydrapin.NewKey(s.RuntimeKey), s.Instance, client); err != nil {
		tb.Fatal(err)
	}
	return s
}

func (s *Server) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}

// Advance moves the server's clock forward: questions expire, locks and sessions end.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

// Require makes skills of the instance need a PIN, besides those that need it already.
func (s *Server) Require(skills ...string) {
	s.tb.Helper()
	s.mu.Lock()
	s.skills = append(s.skills, skills...)
	all := append([]string(nil), s.skills...)
	s.mu.Unlock()
	if _, err := s.Admin.UpdatePolicy(s.tb.Context(), s.Instance, hydrapin.PolicyUpdate{RequiredSkills: all}); err != nil {
		s.tb.Fatal(err)
	}
}

// Person is a customer of the tenant who has a PIN and answers questions.
type Person struct {
	server *Server
	id     uuid.UUID
	digits string // the PIN, made up by a test
}

// Person returns a new customer with that PIN, which must be one that the server accepts, such as
// "804615".
func (s *Server) Person(pin string) *Person {
	s.tb.Helper()
	p := &Person{server: s, id: uuid.New(), digits: pin}
	if _, err := s.Admin.SetCustomerPIN(s.tb.Context(), p.id, hydrapin.NewPIN(pin)); err != nil {
		s.tb.Fatal(err)
	}
	return p
}

// ID is the customer's id.
func (p *Person) ID() uuid.UUID { return p.id }

// Holder is the person as the holder of a question.
func (p *Person) Holder() hydrapin.Holder { return hydrapin.Customer(p.id) }

// Confirm answers a question with the person's PIN, on its page if it has one. It has the form of
// [hydrapin.Person].OnPending.
func (p *Person) Confirm(ctx context.Context, c hydrapin.Confirmation) error {
	return p.Enter(ctx, c, p.digits)
}

// Enter answers a question with other digits than the person's PIN, such as incorrect ones.
func (p *Person) Enter(ctx context.Context, c hydrapin.Confirmation, digits string) error {
	if c.ConfirmURL != "" {
		return p.answer(ctx, c.ConfirmURL, url.Values{"decision": {"confirm"}, "pin": {digits}})
	}
	_, err := p.server.Runtime.Verify(ctx, c.ID, hydrapin.NewPIN(digits))
	return err
}

// Decline says no to a question. It has the form of [hydrapin.Person].OnPending.
func (p *Person) Decline(ctx context.Context, c hydrapin.Confirmation) error {
	if c.ConfirmURL != "" {
		return p.answer(ctx, c.ConfirmURL, url.Values{"decision": {"decline"}})
	}
	return p.server.Runtime.Decline(ctx, c.ID)
}
