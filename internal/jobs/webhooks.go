package jobs

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/webhook"
)

const (
	// lookEvery is how often the dispatcher looks for what is due, when nothing wakes it.
	lookEvery = 500 * time.Millisecond
	// sendPlaces is how many deliveries a node sends at once. One tenant has at most
	// [webhook.MaxPerTenantAtOnce] of them.
	sendPlaces = 256
	// claimBatch is how many deliveries are taken in one transaction.
	claimBatch = 64
	// drainFor is how long what is being sent may take once the server stops. What is cut off
	// is sent again, by whoever finds its lease over.
	drainFor = time.Second
)

// Webhooks sends what is due to webhooks. Any number of nodes may do it at once: a delivery is taken
// under a lease, and one whose node died is taken by another when its lease is over.
type Webhooks struct {
	service *service.Service
	sender  *webhook.Sender
	log     *slog.Logger

	places  chan struct{}
	settled chan struct{}
	sending sync.WaitGroup
	failed  time.Time // when an error was logged last; of the loop alone
}

// NewWebhooks returns the dispatcher of a server.
func NewWebhooks(s *service.Service, sender *webhook.Sender, log *slog.Logger) *Webhooks {
	return &Webhooks{
		service: s, sender: sender, log: log,
		places: make(chan struct{}, sendPlaces), settled: make(chan struct{}, 1),
	}
}

// Run sends until ctx ends, and then waits a moment for what is under way.
func (w *Webhooks) Run(ctx context.Context) error {
	defer w.sender.Close()
	sends, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer w.sending.Wait()
	defer cut()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		w.pass(ctx, sends)
		select {
		case <-ctx.Done():
			w.drain()
			return nil
		case <-tick.C:
		case <-w.settled:
		}
	}
}

// drain waits until nothing is being sent, at most drainFor.
func (w *Webhooks) drain() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.sending.Wait()
	}()
	select {
	case <-done:
	case <-time.After(drainFor):
	}
}

// pass takes what is due and has a place, and starts to send it.
func (w *Webhooks) pass(ctx, sends context.Context) {
	for more := true; more && ctx.Err() == nil; {
		free := cap(w.places) - len(w.places)
		if free == 0 {
			return // whoever settles next wakes the loop
		}
		due, err := w.service.WebhooksDue(ctx)
		if err == nil && !due {
			return
		}
		var claims []service.Claim
		if err == nil {
			claims, more, err = w.service.ClaimDeliveries(ctx, min(free, claimBatch))
		}
		if err != nil {
			w.logError(ctx, err)
			return
		}
		for _, c := range claims {
			w.places <- struct{}{} // there is one: nobody else takes places
			w.sending.Go(func() { w.send(sends, c) })
		}
	}
}

// send tries one delivery and stores what became of it. A try that is cut off by the end of the
// server is not stored: its lease ends by itself.
func (w *Webhooks) send(ctx context.Context, c service.Claim) {
	defer func() {
		<-w.places
		select {
		case w.settled <- struct{}{}:
		default:
		}
	}()
	r := webhook.Result{Failure: c.Failure}
	if c.Failure == webhook.NoFailure {
		r = w.sender.Send(ctx, c.Message, time.Now())
	}
	if ctx.Err() != nil {
		return
	}
	if err := w.service.SettleDelivery(ctx, c, r); err != nil {
		w.log.WarnContext(ctx, "what became of a webhook could not be stored; it is sent again",
			"tenant", c.Delivery.Tenant, "delivery", c.Delivery.ID, "error", err)
	}
}

// logError logs an error that lasts once a minute.
func (w *Webhooks) logError(ctx context.Context, err error) {
	if ctx.Err() == nil && time.Since(w.failed) >= time.Minute {
		w.failed = time.Now()
		w.log.WarnContext(ctx, "webhooks could not be looked at; it is tried again", "error", err)
	}
}
