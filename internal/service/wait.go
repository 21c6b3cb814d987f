package service

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/limit"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
)

// rereadEvery is how often a node looks at everything that it waits for, in one
// query: what a lost wake-up costs at most.
const rereadEvery = 2 * time.Second

// maxWaits and maxKeyWaits bound how many requests wait for a confirmation on this node, of all
// credentials and of one.
const (
	maxWaits    = 4000
	maxKeyWaits = 1000
)

// Confirmation returns a confirmation as it is now. While it is pending it waits
// up to wait for it to leave that, on whichever node: subscribe, then read, then
// wait, so that no wake-up falls between. It answers at once when the server
// stops.
func (s *Service) Confirmation(ctx context.Context, c Caller, t Target, wait time.Duration) (View, error) {
	ref := c.ref(t)
	if wait > 0 {
		if err := s.awaitOutcome(ctx, c, ref, min(wait, confirmation.MaxWait)); err != nil {
			return View{}, err
		}
	}
	var conf confirmation.Confirmation
	var session confirmation.Session
	var p policy.Policy
	var r pin.Record
	reads := s.config.Store.Reads()
	reads.Confirmation(ref, &conf)
	reads.SessionOf(ref, &session)
	reads.Policy(ref.Instance, &p)
	if err := reads.Fetch(ctx); err != nil {
		return View{}, notFound(err)
	}
	v := seen(conf.At(reads.Now()))
	if v.Status == confirmation.Pending {
		reads.PIN(conf.Holder, &r)
		if err := reads.Fetch(ctx); err != nil {
			return View{}, err
		}
	}
	return v.withAttempts(r, s.config.Limits, reads.Now()).withSession(session, p), nil
}

// awaitOutcome returns when a confirmation is no longer pending, or the wait is over
// or the server stops. It returns [ErrNotFound], [ErrTooManyWaiting], [ErrTooBusy], or the error of
// ctx.
func (s *Service) awaitOutcome(ctx context.Context, c Caller, ref confirmation.Ref, wait time.Duration) error {
	woken, done, err := s.waiting.subscribe(c, ref.ID)
	if err != nil {
		return err
	}
	defer done()
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		conf, now, err := s.readConfirmation(ctx, ref)
		if err != nil || !conf.Waiting(now) {
			return err
		}
		expiry := time.NewTimer(conf.ExpiresAt.Sub(now))
		over := false
		select {
		case <-woken:
		case <-expiry.C:
		case <-deadline.C:
			over = true
		case <-s.waiting.closed:
			over = true
		case <-ctx.Done():
			expiry.Stop()
			return ctx.Err()
		}
		expiry.Stop()
		if over {
			return nil
		}
	}
}

// Waiters returns how many requests wait for a confirmation now.
func (s *Service) Waiters() int { return s.waiting.count() }

// waiting is who waits on this node for which confirmation.
type waiting struct {
	mu       sync.Mutex
	held     limit.Ledger
	channels map[uuid.UUID]map[chan struct{}]bool
	closed   chan struct{}
	once     sync.Once
}

func newWaiting() *waiting {
	return &waiting{channels: map[uuid.UUID]map[chan struct{}]bool{}, closed: make(chan struct{})}
}

// subscribe returns a channel that holds a wake-up of the confirmation, and the
// function that ends the subscription.
func (w *waiting) subscribe(c Caller, id uuid.UUID) (<-chan struct{}, func(), error) {
	woken := make(chan struct{}, 1)
	caller := c.shares()
	w.mu.Lock()
	defer w.mu.Unlock()
	switch (limit.Bounds{Total: maxWaits, Credential: maxKeyWaits}).Admit(w.held.Held(caller)) {
	case limit.OverBound:
		return nil, nil, ErrTooManyWaiting
	case limit.Full:
		return nil, nil, ErrTooBusy
	case limit.Admitted:
	}
	w.held.Take(caller)
	if w.channels[id] == nil {
		w.channels[id] = map[chan struct{}]bool{}
	}
	w.channels[id][woken] = true
	return woken, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.held.Give(caller)
		if delete(w.channels[id], woken); len(w.channels[id]) == 0 {
			delete(w.channels, id)
		}
	}, nil
}

func (w *waiting) wake(id uuid.UUID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for woken := range w.channels[id] {
		select {
		case woken <- struct{}{}:
		default: // it has one already
		}
	}
}

func (w *waiting) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, channels := range w.channels {
		n += len(channels)
	}
	return n
}

func (w *waiting) ids() []uuid.UUID {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := make([]uuid.UUID, 0, len(w.channels))
	for id := range w.channels {
		ids = append(ids, id)
	}
	return ids
}

// close answers everybody who waits, now and from now on.
func (w *waiting) close() { w.once.Do(func() { close(w.closed) }) }

// watch passes on what any node woke.
func (s *Service) watch(ctx context.Context) error {
	return s.config.Store.Watch(ctx, s.waiting.wake, func() { s.wakeChanged(ctx) })
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
	changed, err := s.config.Store.NoLongerPending(ctx, ids)
	if err != nil {
		if ctx.Err() == nil {
			s.config.Log.WarnContext(ctx, "what is waited for could not be read", "waiting", len(ids), "error", err)
		}
		return
	}
	for _, id := range changed {
		s.waiting.wake(id)
	}
}
