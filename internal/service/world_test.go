package service_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/limit"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/receipt"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/trail"
)

const issuer = "https://pin.example"

// The PINs of the stories: so long that no id and no time holds their digits by
// chance.
const (
	right = "739184620517"
	wrong = "604913857260"
	other = "285071639468"
)

// settings are what a node of a story differs in.
type settings struct {
	pool     argon2id.PoolConfig
	peppers  string
	receipts string
	config   service.Config
}

type setting func(*settings)

// node is one process of the service.
type node struct {
	*service.Service
	config service.Config
	pool   *argon2id.Pool
	store  store.Store
	// ahead is how far the process's clock is ahead.
	ahead *atomic.Int64
}

// world is one tenant with one instance on a database of its own.
type world struct {
	t  *testing.T
	db *database
	*node
	tenant, instance uuid.UUID
	admin, runtime   service.Caller
	customer         pin.Holder
	identity         pin.Holder
}

// onBoth tells a story on each store, beside others.
func onBoth(t *testing.T, story func(t *testing.T, w *world), with ...setting) {
	t.Helper()
	onEach(t, shared(), story, with...)
}

// alone tells a story on each store, with a database of its own.
func alone(t *testing.T, story func(t *testing.T, w *world), with ...setting) {
	t.Helper()
	onEach(t, apart(), story, with...)
}

func onEach(t *testing.T, engines map[string]engine, story func(t *testing.T, w *world), with ...setting) {
	t.Helper()
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, newWorld(t, open(t), with...))
		})
	}
}

func newWorld(t *testing.T, db *database, with ...setting) *world {
	t.Helper()
	w := &world{t: t, db: db}
	w.node = w.another(with...)
	w.newTenant()
	return w
}

// newTenant begins afresh on the same database.
func (w *world) newTenant() {
	w.tenant, w.instance = uuid.New(), uuid.New()
	w.admin = service.Caller{
		Principal: auth.Principal{Kind: auth.KindJWT, ID: "the-admin", Tenant: w.tenant, Admin: true},
		RequestID: "req-admin", Peer: "192.0.2.1",
	}
	w.runtime = service.Caller{
		Principal: auth.Principal{Kind: auth.KindRuntimeKey, ID: "the-runtime", Tenant: w.tenant, Instance: w.instance},
		RequestID: "req-runtime", Peer: "192.0.2.2",
	}
	w.customer = pin.CustomerHolder(w.tenant, uuid.New())
	w.identity = pin.IdentityHolder(w.tenant, w.instance, uuid.New())
}

// another starts one more node on the same database, with a store, a pool and a
// clock of its own.
func (w *world) another(with ...setting) *node {
	t := w.t
	t.Helper()
	n := &node{store: w.db.open(t), ahead: new(atomic.Int64)}
	s := settings{
		pool:    argon2id.PoolConfig{Params: argon2id.Params{MemoryKiB: 64, Time: 1, Parallelism: 1}, Workers: 1, Queue: 500},
		peppers: secrets("p1"), receipts: secrets("r1"),
		config: service.Config{
			Store: n.store, Log: slog.New(slog.DiscardHandler), Issuer: issuer,
			Limits: pin.DefaultLimits(), Rules: pin.DefaultRules(),
			RedeemWithin: 2 * time.Minute, CoolingOff: 24 * time.Hour, Retention: 720 * time.Hour,
			Now: func() time.Time { return time.Now().Add(time.Duration(n.ahead.Load())) },
		},
	}
	for _, set := range with {
		set(&s)
	}
	var err error
	s.pool.Ring, err = argon2id.ParseRing(s.peppers)
	must(t, err)
	s.config.Receipts, err = receipt.ParseRing(s.receipts)
	must(t, err)
	s.config.HeadKeys, err = trail.ParseRing(s.receipts)
	must(t, err)
	n.pool, err = argon2id.NewPool(s.pool)
	must(t, err)
	t.Cleanup(n.pool.Close)
	s.config.Hasher = n.pool
	n.config = s.config
	n.Service = service.New(s.config)
	return n
}

// secrets makes a ring of those ids, each with bytes that follow from its id.
func secrets(ids ...string) string {
	var ring []byte
	for i, id := range ids {
		if i > 0 {
			ring = append(ring, ',')
		}
		seed := append(bytes.Repeat([]byte{'-'}, 32-len(id)), id...)
		ring = append(append(ring, id+":"...), base64.StdEncoding.EncodeToString(seed)...)
	}
	return string(ring)
}

// run runs the node's background work until stop is called or the test ends.
func (n *node) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// stuck is a context that keeps whoever asks for its error waiting. A worker of
// the pool asks just before it hashes.
type stuck struct {
	context.Context
	asked, freed chan struct{}
	once         *sync.Once
}

func (stuck) Done() <-chan struct{} { return nil }

func (s stuck) Err() error {
	s.once.Do(func() { close(s.asked) })
	<-s.freed
	return context.Canceled
}

// plug keeps the node's one worker busy until free is called: attempts are spent
// meanwhile, and nothing is hashed.
func (n *node) plug(t *testing.T) (free func()) {
	t.Helper()
	place, err := n.pool.Reserve(limit.Caller{Tenant: uuid.New()})
	must(t, err)
	s := stuck{Context: t.Context(), asked: make(chan struct{}), freed: make(chan struct{}), once: new(sync.Once)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = place.Hash(s, pin.Holder{}, number(t, right))
	}()
	<-s.asked
	free = sync.OnceFunc(func() { close(s.freed); <-done })
	t.Cleanup(free)
	return free
}

// fill takes every place of the hash queue that the tenant can have, until release is called or the
// test ends.
func (n *node) fill(t *testing.T, tenant uuid.UUID) (release func()) {
	t.Helper()
	var places []*argon2id.Place
	for {
		place, err := n.pool.Reserve(limit.Caller{Tenant: tenant, Credential: uuid.NewString()})
		if err != nil {
			break
		}
		places = append(places, place)
	}
	release = func() {
		for _, place := range places {
			place.Release()
		}
	}
	t.Cleanup(release)
	return release
}

// held is how many places of the node's pool are held.
func (n *node) held() int {
	held, _ := n.pool.Held()
	return held
}

// later runs what a caller does and gives its outcome when asked for it.
func later[T any](call func() (T, error)) func() (T, error) {
	type outcome struct {
		v   T
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		v, err := call()
		done <- outcome{v, err}
	}()
	return func() (T, error) {
		o := <-done
		return o.v, o.err
	}
}

// number is a PIN of those digits.
func number(t *testing.T, digits string) pin.PIN {
	t.Helper()
	p, err := pin.Parse(digits)
	must(t, err)
	return p
}

// wants fails unless err is the sentinel, or nil for nil.
func wants(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

// as returns the error of that type.
func as[E error](t *testing.T, err error) E {
	t.Helper()
	var e E
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want a %T", err, e)
	}
	return e
}

// is fails unless err is of that type.
func is[E error](t *testing.T, err error) {
	t.Helper()
	_ = as[E](t, err)
}

// equal fails unless both are the same.
func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// near fails unless a time is about that far from now.
func near(t *testing.T, what string, got time.Time, in time.Duration) {
	t.Helper()
	if d := time.Until(got) - in; d.Abs() > 30*time.Second {
		t.Fatalf("%s: got %s, which is %s, want %s from now", what, got, time.Until(got), in)
	}
}

// to names a confirmation.
func to(instance, id uuid.UUID) service.Target {
	return service.Target{Instance: instance, Confirmation: id}
}

// events returns the tenant's trail.
func (w *world) events() []audit.Entry {
	w.t.Helper()
	stored, err := w.Events(w.t.Context(), audit.Filter{Tenant: w.tenant, Limit: 10_000})
	must(w.t, err)
	entries := make([]audit.Entry, len(stored))
	for i, e := range stored {
		entries[i], err = e.Entry()
		must(w.t, err)
	}
	return entries
}

// told is how many events of a type there are.
func (w *world) told(t audit.Type) int {
	w.t.Helper()
	n := 0
	for _, e := range w.events() {
		if e.Type == t {
			n++
		}
	}
	return n
}
