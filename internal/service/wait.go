package service

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/confirmation"
)

// rereadEvery is how often a node looks at everything that it waits for, in one
// query: what a lost wake-up costs at most.
const rereadEvery = 2 * time.Second

// Confirmation returns a confirmation as it is now. While it is pending it waits
// up to wait for it to leave that, on whichever node: subscribe, then read, then
// wait, so that no wake-up falls between. It answers at once when the server
// stops.
func (s *Service) Confirmation(ctx context.Context, c Caller, instance, id uuid.UUID, wait time.Duration) (View, error) {
	woken, done := s.waiting.subscribe(id)
	defer done()
	deadline := time.NewTimer(min(wait, confirmation.MaxWait))
	defer deadline.Stop()
	for {
		conf, now, err := s.Store.Confirmation(ctx, c.Tenant, instance, id)
		if err != nil {
			return View{}, notFound(err)
		}
		if wait <= 0 || !conf.Waiting(now) {
			return s.view(ctx, s.Store, conf, now)
		}
		expiry := time.NewTimer(conf.ExpiresAt.Sub(now))
		select {
		case <-woken:
		case <-expiry.C:
		case <-deadline.C:
			wait = 0
		case <-s.waiting.closed:
			wait = 0
		case <-ctx.Done():
			expiry.Stop()
			return View{}, ctx.Err()
		}
		expiry.Stop()
	}
}

// waiting is who waits on this node for which confirmation.
type waiting struct {
	mu     sync.Mutex
	by     map[uuid.UUID]map[chan struct{}]bool
	closed chan struct{}
	once   sync.Once
}

func newWaiting() *waiting {
	return &waiting{by: map[uuid.UUID]map[chan struct{}]bool{}, closed: make(chan struct{})}
}

// subscribe returns a channel that holds a wake-up of the confirmation, and the
// function that ends the subscription.
func (w *waiting) subscribe(id uuid.UUID) (<-chan struct{}, func()) {
	woken := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.by[id] == nil {
		w.by[id] = map[chan struct{}]bool{}
	}
	w.by[id][woken] = true
	return woken, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if delete(w.by[id], woken); len(w.by[id]) == 0 {
			delete(w.by, id)
		}
	}
}

func (w *waiting) wake(id uuid.UUID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for woken := range w.by[id] {
		select {
		case woken <- struct{}{}:
		default: // it has one already
		}
	}
}

func (w *waiting) ids() []uuid.UUID {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := make([]uuid.UUID, 0, len(w.by))
	for id := range w.by {
		ids = append(ids, id)
	}
	return ids
}

// close answers everybody who waits, now and from now on.
func (w *waiting) close() { w.once.Do(func() { close(w.closed) }) }

// StopWaiting answers everybody who waits for a confirmation, now and from now
// on: the first step of a shutdown.
func (s *Service) StopWaiting() { s.waiting.close() }

// watch passes on what any node woke.
func (s *Service) watch(ctx context.Context) error {
	return s.Store.Watch(ctx, s.waiting.wake, func() { s.wakeChanged(ctx) })
}

// reread catches wake-ups that were lost.
func (s *Service) reread(ctx context.Context) error {
	tick := time.NewTicker(rereadEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			s.wakeChanged(ctx)
		}
	}
}

// wakeChanged wakes whoever waits for what is no longer pending.
func (s *Service) wakeChanged(ctx context.Context) {
	ids := s.waiting.ids()
	if len(ids) == 0 {
		return
	}
	changed, err := s.Store.NoLongerPending(ctx, ids)
	if err != nil {
		if ctx.Err() == nil {
			s.Log.WarnContext(ctx, "what is waited for could not be read", "waiting", len(ids), "error", err)
		}
		return
	}
	for _, id := range changed {
		s.waiting.wake(id)
	}
}
