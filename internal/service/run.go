package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/hydracore/hydrapin/internal/limit"
)

// New returns a Service. [Service.Run] must run for waiters to be woken and old
// rows to be swept.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = uuid.New
	}
	if c.Observer == nil {
		c.Observer = unobserved{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.KeyUseEvery == 0 {
		c.KeyUseEvery = useEvery
	}
	return &Service{
		config: c, keys: newKeyCache(), uses: newKeyUses(), refusals: newRefusals(), waiting: newWaiting(),
		slots: limit.NewSlots(c.Store.Transactions(), limit.Bounds{Total: maxWaitingSteps, Tenant: maxTenantSteps}),
	}
}

// Run wakes waiters, sweeps, and stores which keys were used, until ctx ends. Waiters that are left then are
// answered at once.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.watch(ctx) })
	g.Go(func() error { return s.reread(ctx) })
	g.Go(func() error { return s.sweep(ctx) })
	g.Go(func() error { return s.recordUses(ctx) })
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
func (s *Service) Ready(ctx context.Context) error { return s.config.Store.Ping(ctx) }

// StopWaiting answers everybody who waits for a confirmation, now and from now
// on: the first step of a shutdown.
func (s *Service) StopWaiting() { s.waiting.close() }
