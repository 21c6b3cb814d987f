package argon2id

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/hydracore/hydrapin/internal/limit"
	"github.com/hydracore/hydrapin/internal/pin"
)

// DefaultQueue is the number of places for each worker when none is configured.
const DefaultQueue = 20

const (
	// maxWorkers and maxQueue bound what a mistyped setting can ask for.
	maxWorkers = 1024
	maxQueue   = 10_000
	// firstGuess is how long a hash is assumed to take before one has been timed.
	firstGuess = 40 * time.Millisecond
	// maxRetryAfter bounds the wait that a machine which stalled once asks for.
	maxRetryAfter = time.Minute
)

// Errors of the pool.
var (
	// ErrBusy matches every [BusyError], which [Pool.Reserve] returns.
	ErrBusy = errors.New("argon2id: no free place in the hash queue")
	// ErrClosed is returned by [Pool.Reserve], [Place.Hash] and [Place.Verify]
	// after [Pool.Close].
	ErrClosed = errors.New("argon2id: the hash pool is closed")
	// ErrPlaceUsed is returned by [Place.Hash] and [Place.Verify] for a place that
	// was used or released before.
	ErrPlaceUsed = errors.New("argon2id: the place was used or released before")
	// ErrPanicked is returned by [Place.Hash] and [Place.Verify] when the hash
	// function panicked. It contains only the type of the panic's value.
	ErrPanicked = errors.New("argon2id: the hash function panicked")
	// ErrPool is returned by [NewPool] for a configuration it cannot work with.
	ErrPool = errors.New("argon2id: bad pool configuration")
)

// BusyError is an [ErrBusy] that says when to come back.
type BusyError struct {
	// RetryAfter is when the hashes that are now in the queue should be done: whole seconds, from
	// one second to one minute.
	RetryAfter time.Duration
}

// Error implements error.
func (e *BusyError) Error() string {
	return fmt.Sprintf("%s, retry after %s", ErrBusy.Error(), e.RetryAfter)
}

// Is makes a BusyError an [ErrBusy].
func (e *BusyError) Is(target error) bool { return target == ErrBusy }

// PoolConfig configures a [Pool].
type PoolConfig struct {
	// Ring has at least one pepper.
	Ring Ring
	// Params are the costs of new hashes; see [Params.Validate].
	Params Params
	// Workers is the number of hashes that run at once, up to 1024; 0 means
	// [DefaultWorkers].
	Workers int
	// Queue is the number of places for each worker, up to 10,000; 0 means
	// [DefaultQueue].
	Queue int
	// Observe is called after each hash, with its caller's context, how long it waited for a worker
	// and how long it took. It must return at once. It may be nil.
	Observe func(ctx context.Context, wait, took time.Duration) `json:"-"`
}

// Pool runs hashes on a fixed number of workers, behind a fixed number of places.
// A place is held from [Pool.Reserve] until its hash is done, so places bound
// what waits and what runs together. They are shared by the rule of [limit.Shares], and
// those that wait are served tenant by tenant, and within a tenant credential by
// credential, so a flood on one costs the others little.
type Pool struct {
	ring     Ring
	params   Params
	workers  int
	capacity int

	// derive and fillSalt are argon2.IDKey and crypto/rand, but in tests.
	derive   func(input, salt []byte, p Params, size uint32) []byte
	fillSalt func([]byte)
	observe  func(ctx context.Context, wait, took time.Duration)

	running sync.WaitGroup

	mu      sync.Mutex
	arrived *sync.Cond
	closed  bool
	held    limit.Ledger
	turns   limit.Turns[*job]
	// mean is the moving average of how long a hash takes.
	mean time.Duration
}

type job struct {
	caller limit.Caller
	// gone returns an error when the caller no longer waits for the result.
	gone func() error
	work func() (outcome, error)
	done chan answer
}

type outcome struct {
	stored Stored
	result Result
}

type answer struct {
	outcome
	err  error
	took time.Duration
}

// NewPool starts a pool's workers, which run until [Pool.Close]. A configuration
// it cannot work with is [ErrPool] or [ErrParams].
func NewPool(cfg PoolConfig) (*Pool, error) {
	p, err := newPool(cfg)
	if err != nil {
		return nil, err
	}
	p.start()
	return p, nil
}

func newPool(cfg PoolConfig) (*Pool, error) {
	if cfg.Workers == 0 {
		cfg.Workers = DefaultWorkers()
	}
	if cfg.Queue == 0 {
		cfg.Queue = DefaultQueue
	}
	switch {
	case cfg.Ring.Len() == 0:
		return nil, fmt.Errorf("%w: no pepper", ErrPool)
	case cfg.Workers < 0 || cfg.Workers > maxWorkers:
		return nil, fmt.Errorf("%w: %d workers are not within 1 and %d", ErrPool, cfg.Workers, maxWorkers)
	case cfg.Queue < 0 || cfg.Queue > maxQueue:
		return nil, fmt.Errorf("%w: %d places for each worker are not within 1 and %d", ErrPool, cfg.Queue, maxQueue)
	}
	if err := cfg.Params.Validate(); err != nil {
		return nil, err
	}
	p := &Pool{
		ring:     cfg.Ring,
		params:   cfg.Params,
		workers:  cfg.Workers,
		capacity: cfg.Workers * cfg.Queue,
		derive: func(input, salt []byte, c Params, size uint32) []byte {
			return argon2.IDKey(input, salt, c.Time, c.MemoryKiB, c.Parallelism, size)
		},
		fillSalt: func(b []byte) { _, _ = rand.Read(b) }, // never fails, says crypto/rand
		observe:  cfg.Observe,
		mean:     firstGuess,
	}
	p.arrived = sync.NewCond(&p.mu)
	return p, nil
}

func (p *Pool) start() {
	for range p.workers {
		p.running.Go(p.serve)
	}
}

// Close takes no more jobs, lets the workers finish those already waiting (their
// attempts are spent), and returns when the last worker has ended. It may be
// called more than once.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	p.arrived.Broadcast()
	p.mu.Unlock()
	p.running.Wait()
}

// Ring returns the pool's peppers.
func (p *Pool) Ring() Ring { return p.ring }

// Held returns how many of the pool's places are held now, and how many it has. More are
// held while tenants that held none got an extra one.
func (p *Pool) Held() (held, capacity int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held.Total(), p.capacity
}

// Reserve takes a place in the queue for the caller, without waiting. When there is none
// for it the error is a [*BusyError]; after [Pool.Close] it is [ErrClosed]. The place must be
// used or released.
func (p *Pool) Reserve(c limit.Caller) (*Place, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	if !limit.Shares(p.capacity, p.held.Held(c)) {
		return nil, &BusyError{RetryAfter: p.retryAfter()}
	}
	p.held.Take(c)
	return &Place{pool: p, caller: c}, nil
}

func (p *Pool) retryAfter() time.Duration {
	left := p.mean * time.Duration(p.held.Total()) / time.Duration(p.workers)
	whole := (left + time.Second - 1).Truncate(time.Second)
	return min(max(whole, time.Second), maxRetryAfter)
}

// withdraw takes back a job that no worker has begun, and says whether it did.
func (p *Pool) withdraw(j *job) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.turns.Remove(j.caller, j) {
		return false
	}
	p.held.Give(j.caller)
	return true
}

// Place is one place in a pool's queue, for one hash. It is safe for use by
// several goroutines, of which one gets the hash.
type Place struct {
	pool   *Pool
	caller limit.Caller
	// used is guarded by the pool's lock.
	used bool
}

// Release gives the place back unused. It does nothing when the place was used
// or released before, so it can be deferred right after [Pool.Reserve].
func (l *Place) Release() {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	if !l.used {
		l.used = true
		l.pool.held.Give(l.caller)
	}
}

// Hash waits for a worker and returns the stored form of the holder's PIN, made with the first
// pepper, the pool's costs and a new salt. The place cannot be used again.
//
// A context that ends before a worker has begun gives the context's error, and nothing is hashed;
// after that it has no effect. Other errors are [ErrClosed], [ErrPlaceUsed] and [ErrPanicked].
func (l *Place) Hash(ctx context.Context, h pin.Holder, secret pin.PIN) (Stored, error) {
	p := l.pool
	first, err := p.ring.First()
	if err != nil {
		return Stored{}, ErrUnknownPepper
	}
	out, err := l.run(ctx, func() (outcome, error) {
		s := Stored{params: p.params, pepper: first.ID, salt: make([]byte, saltSize)}
		p.fillSalt(s.salt)
		input := first.Key().mix(h, secret)
		defer clear(input)
		s.tag = p.derive(input, s.salt, s.params, tagSize)
		s.phc = s.text()
		return outcome{stored: s}, nil
	})
	return out.stored, err
}

// Result is the outcome of [Place.Verify].
type Result struct {
	// Match says whether the PIN is the one that was hashed for this holder.
	Match bool
	// Rehash says that the PIN matched a hash that [Place.Hash] would now make with another pepper
	// or other costs.
	Rehash bool
}

// Verify waits for a worker and returns whether the holder's PIN is that of the stored hash,
// compared in constant time. The place cannot be used again, whatever it returns. An incorrect PIN
// is a Result, not an error.
//
// For a stored hash whose pepper the ring lacks it returns [ErrUnknownPepper]; [Ring.Knows] finds
// that out before an attempt is spent. A context that ends before a worker has begun gives the
// context's error, and nothing is hashed: after an attempt was spent, pass a context without
// cancellation. Other errors are [ErrClosed], [ErrPlaceUsed] and [ErrPanicked].
func (l *Place) Verify(ctx context.Context, h pin.Holder, secret pin.PIN, s Stored) (Result, error) {
	p := l.pool
	with, err := p.ring.find(s.pepper)
	if err != nil {
		l.Release()
		return Result{}, err
	}
	out, err := l.run(ctx, func() (outcome, error) {
		input := with.Key().mix(h, secret)
		defer clear(input)
		tag := p.derive(input, s.salt, s.params, uint32(len(s.tag))) //nolint:gosec // at most maxTag
		defer clear(tag)
		match := subtle.ConstantTimeCompare(tag, s.tag) == 1
		current := s.pepper == p.ring.IDs()[0] && s.params == p.params &&
			len(s.salt) == saltSize && len(s.tag) == tagSize
		return outcome{result: Result{Match: match, Rehash: match && !current}}, nil
	})
	return out.result, err
}

// run queues the work and waits for its end.
func (l *Place) run(ctx context.Context, work func() (outcome, error)) (outcome, error) {
	j := &job{caller: l.caller, gone: ctx.Err, work: work, done: make(chan answer, 1)}
	if err := l.enqueue(j); err != nil {
		return outcome{}, err
	}
	queued := time.Now()
	var a answer
	select {
	case a = <-j.done:
	case <-ctx.Done():
		if l.pool.withdraw(j) {
			return outcome{}, ctx.Err()
		}
		a = <-j.done
	}
	if l.pool.observe != nil && a.err == nil {
		l.pool.observe(ctx, max(0, time.Since(queued)-a.took), a.took)
	}
	return a.outcome, a.err
}

func (l *Place) enqueue(j *job) error {
	p := l.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.used {
		return ErrPlaceUsed
	}
	l.used = true
	if p.closed {
		p.held.Give(l.caller)
		return ErrClosed
	}
	p.turns.Push(l.caller, j)
	p.arrived.Signal()
	return nil
}
