// Package service owns the order of things: what is loaded, decided, saved,
// hashed, signed and told, and every transaction. The rules themselves are the
// nouns'; the package knows neither HTTP nor a driver. Every fault ends in "no":
// nothing is allowed but by a transaction that committed it.
package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/receipt"
	"github.com/hydracore/hydrapin/internal/store"
)

// Config are the settings of a Service. All but Now and NewID must be set.
type Config struct {
	Store    store.Store
	Hasher   *argon2id.Pool
	Receipts receipt.Ring
	Log      *slog.Logger

	// Issuer is the public URL of the server, the receipts' issuer.
	Issuer string
	Limits pin.Limits
	// Rules are what a PIN that is set must be like.
	Rules pin.Rules
	// RedeemWithin is how long an approval can be redeemed.
	RedeemWithin time.Duration
	// CoolingOff is when a PIN counts that the runtime set after removing one.
	CoolingOff time.Duration
	// Retention is how long a confirmation is kept after it ended.
	Retention time.Duration
	// AuditNotRequired makes not_required answers events.
	AuditNotRequired bool

	// Now is this process's clock, for credentials alone; nil for time.Now.
	// Records go by the database's clock.
	Now func() time.Time
	// NewID makes random ids; nil for uuid.New.
	NewID func() uuid.UUID
}

// Service does what the API promises.
type Service struct {
	Config
	keys    *keyCache
	denials *denials
	waiting *waiting
}

// New returns a Service. [Service.Run] must run for waiters to be woken and old
// rows to be swept.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = uuid.New
	}
	return &Service{Config: c, keys: newKeyCache(), denials: newDenials(), waiting: newWaiting()}
}

// Caller is who makes a request, and the request.
type Caller struct {
	auth.Principal
	RequestID string
	// Peer is the address that the request came from.
	Peer string
}

// Operator is the caller of commands on the machine itself.
func Operator(tenant uuid.UUID) Caller {
	return Caller{Principal: auth.Principal{Kind: auth.KindOperator, ID: "cli", Tenant: tenant}}
}

// system is the caller of what the server does by itself.
func system(tenant uuid.UUID) Caller {
	return Caller{Principal: auth.Principal{Kind: auth.KindOperator, ID: "system", Tenant: tenant}}
}

// Run wakes waiters and sweeps until ctx ends. Waiters that are left then are
// answered at once.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.watch(ctx) })
	g.Go(func() error { return s.reread(ctx) })
	g.Go(func() error { return s.sweep(ctx) })
	g.Go(func() error {
		<-ctx.Done()
		s.waiting.close()
		return nil
	})
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("service: %w", err)
	}
	return nil
}

// Ready says whether the database can be reached and is migrated.
func (s *Service) Ready(ctx context.Context) error { return s.Store.Ping(ctx) }

// event returns an event of the caller, to be completed.
func (c Caller) event(t audit.Type) audit.Event {
	return audit.Event{
		Tenant: c.Tenant, Type: t, Actor: audit.Actor{Kind: c.Kind, ID: c.ID},
		RequestID: c.RequestID, Peer: c.Peer,
	}
}

// holderEvent returns an event about a holder. A customer's is of the instance
// that asks, an identity's of its own.
func (c Caller) holderEvent(t audit.Type, h pin.Holder, instance uuid.UUID, details map[string]any) audit.Event {
	e := c.event(t)
	e.Holder, e.Instance, e.Details = h, instance, details
	return e
}

// detached is for what must be finished although the caller has gone: an attempt
// that was spent is settled all the same.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
}

const settleTimeout = 30 * time.Second
