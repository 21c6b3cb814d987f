package argon2id_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/limit"
	"github.com/hydracore/hydrapin/internal/pin"
)

// doorman stands in for the hash function: it notes whose salt came, in order,
// and lets each hash end when the test says so.
type doorman struct {
	mu     sync.Mutex
	order  []string
	finish chan struct{}
}

func newDoorman() *doorman { return &doorman{finish: make(chan struct{})} }

func (d *doorman) derive(_, salt []byte, _ argon2id.Params, size uint32) []byte {
	d.mu.Lock()
	d.order = append(d.order, strings.TrimRight(string(salt), "."))
	d.mu.Unlock()
	<-d.finish
	return make([]byte, size)
}

func (d *doorman) seen() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.order)
}

// storedAs returns a stored hash whose salt is the name.
func storedAs(name string) argon2id.Stored {
	salt := name + strings.Repeat(".", 16-len(name))
	return parsed(goodHead + b64(salt) + "$" + goodTag)
}

// parsed is a stored hash that is known to be well formed.
func parsed(phc string) argon2id.Stored {
	stored, err := argon2id.Parse(phc)
	if err != nil {
		panic(err)
	}
	return stored
}

func pooled(t *testing.T, workers, queue int, derive argon2id.Derive) *argon2id.Pool {
	t.Helper()
	pool, err := argon2id.NewPoolWith(argon2id.PoolConfig{
		Ring: mustRing(t, "p1"), Params: quick, Workers: workers, Queue: queue,
	}, derive, nil)
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

func TestNewPoolRefuses(t *testing.T) {
	t.Parallel()
	ring := mustRing(t, "p1")
	for name, c := range map[string]struct {
		cfg  argon2id.PoolConfig
		want error
	}{
		"no pepper":        {argon2id.PoolConfig{Params: quick}, argon2id.ErrPool},
		"no costs":         {argon2id.PoolConfig{Ring: ring}, argon2id.ErrParams},
		"negative workers": {argon2id.PoolConfig{Ring: ring, Params: quick, Workers: -1}, argon2id.ErrPool},
		"too many workers": {argon2id.PoolConfig{Ring: ring, Params: quick, Workers: 1025}, argon2id.ErrPool},
		"too long a queue": {argon2id.PoolConfig{Ring: ring, Params: quick, Workers: 1, Queue: 10_001}, argon2id.ErrPool},
		"negative queue":   {argon2id.PoolConfig{Ring: ring, Params: quick, Queue: -1}, argon2id.ErrPool},
	} {
		if _, err := argon2id.NewPool(c.cfg); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	pool, err := argon2id.NewPool(argon2id.PoolConfig{Ring: mustRing(t, "p1"), Params: quick})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if held, capacity := pool.Held(); held != 0 || capacity != 20*argon2id.DefaultWorkers() {
		t.Errorf("%d of %d held", held, capacity)
	}
	if argon2id.DefaultWorkers() < 1 {
		t.Error("no worker")
	}
}

// A tenant alone may hold every place; one that holds none always gets one; and who holds its share
// gets no further one, though nothing is taken back.
func TestPlacesAreShared(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ workers, queue int }{{1, 1}, {1, 2}, {1, 3}, {2, 5}, {1, 20}} {
		t.Run(fmt.Sprintf("%dx%d", c.workers, c.queue), func(t *testing.T) {
			t.Parallel()
			pool := pooled(t, c.workers, c.queue, nil)
			defer pool.Close()
			capacity := c.workers * c.queue
			var places []*argon2id.Place
			for range capacity {
				places = append(places, mustReserve(t, pool, tenantA))
			}
			refuses(t, pool, tenantA)
			for range capacity {
				tenant := uuid.New()
				places = append(places, mustReserve(t, pool, tenant))
				refuses(t, pool, tenant)
			}
			refuses(t, pool, tenantB)
			places[0].Release()
			places[0].Release()
			if held, _ := pool.Held(); held != 2*capacity-1 {
				t.Errorf("%d held after one was released twice", held)
			}
			mustReserve(t, pool, tenantB).Release()
			for _, p := range places {
				p.Release()
			}
			if held, _ := pool.Held(); held != 0 {
				t.Errorf("%d held at the end", held)
			}
		})
	}
}

// refuses fails unless the tenant gets no place, and a time to come back after.
func refuses(t *testing.T, pool *argon2id.Pool, tenant uuid.UUID) {
	t.Helper()
	_, err := pool.Reserve(of(tenant))
	var busy *argon2id.BusyError
	if !errors.As(err, &busy) || !errors.Is(err, argon2id.ErrBusy) {
		t.Fatalf("got %v, want busy", err)
	}
	if busy.RetryAfter < time.Second || busy.RetryAfter > time.Minute || busy.RetryAfter%time.Second != 0 {
		t.Errorf("retry after %s", busy.RetryAfter)
	}
}

// The estimate is how long what is in the queue lasts at the measured pace.
func TestRetryAfterFollowsThePace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pool := pooled(t, 1, 20, func(_, _ []byte, _ argon2id.Params, size uint32) []byte {
			<-time.After(600 * time.Millisecond)
			return make([]byte, size)
		})
		defer pool.Close()
		for range 100 {
			if _, err := mustReserve(t, pool, tenantA).Hash(t.Context(), someone, mustPIN(t, "2580")); err != nil {
				t.Fatal(err)
			}
		}
		for range 20 {
			mustReserve(t, pool, tenantA)
		}
		_, err := pool.Reserve(of(tenantA))
		var busy *argon2id.BusyError
		if !errors.As(err, &busy) || busy.RetryAfter != 12*time.Second {
			t.Errorf("twenty hashes of 0.6 s: %v", err)
		}
	})
}

// Tenants are served in turn, a tenant's credentials in turn, and each one's jobs in the order they
// came.
func TestCallersAreServedInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		door := newDoorman()
		pool := pooled(t, 1, 20, door.derive)
		var callers sync.WaitGroup
		ask := func(tenant uuid.UUID, name string) {
			place, err := pool.Reserve(limit.Caller{Tenant: tenant, Credential: name[:2]})
			if err != nil {
				t.Fatal(err)
			}
			callers.Go(func() {
				if r, err := place.Verify(t.Context(), someone, mustPIN(t, "2580"), storedAs(name)); err != nil || r.Match {
					t.Errorf("%s: %+v, %v", name, r, err)
				}
			})
			synctest.Wait()
		}
		for _, name := range []string{"ax1", "ax2", "ax3", "ax4", "ay1"} {
			ask(tenantA, name)
		}
		ask(tenantB, "bx1")
		ask(tenantB, "bx2")
		ask(someone.ID, "cx1")
		close(door.finish)
		callers.Wait()
		pool.Close()
		if got, want := door.seen(), []string{"ax1", "ax2", "bx1", "cx1", "ay1", "bx2", "ax3", "ax4"}; !slices.Equal(got, want) {
			t.Errorf("served %v, want %v", got, want)
		}
	})
}

func TestNoMoreRunThanWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		door := newDoorman()
		pool := pooled(t, 2, 20, door.derive)
		var callers sync.WaitGroup
		for i := range 10 {
			place := mustReserve(t, pool, tenantA)
			callers.Go(func() {
				_, _ = place.Verify(t.Context(), someone, mustPIN(t, "2580"), storedAs(strconv.Itoa(i)))
			})
		}
		synctest.Wait()
		if n := len(door.seen()); n != 2 {
			t.Errorf("%d run at once", n)
		}
		if held, _ := pool.Held(); held != 10 {
			t.Errorf("%d held: what runs holds its place too", held)
		}
		close(door.finish)
		callers.Wait()
		pool.Close()
	})
}

func TestCallerGoneBeforeTheHash(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		door := newDoorman()
		pool := pooled(t, 1, 20, door.derive)
		var callers sync.WaitGroup
		ask := func(ctx context.Context, name string, want error) {
			place := mustReserve(t, pool, tenantA)
			callers.Go(func() {
				if _, err := place.Verify(ctx, someone, mustPIN(t, "2580"), storedAs(name)); !errors.Is(err, want) {
					t.Errorf("%s: %v, want %v", name, err, want)
				}
			})
			synctest.Wait()
		}
		running, leaveRunning := context.WithCancel(t.Context())
		waiting, leaveWaiting := context.WithCancel(t.Context())
		ask(running, "running", nil)
		ask(waiting, "gone", context.Canceled)
		ask(context.WithoutCancel(waiting), "spent", nil)
		leaveRunning()
		leaveWaiting()
		synctest.Wait()
		if held, _ := pool.Held(); held != 2 {
			t.Errorf("%d held", held)
		}
		ask(waiting, "late", context.Canceled)
		close(door.finish)
		callers.Wait()
		pool.Close()
		if got, want := door.seen(), []string{"running", "spent"}; !slices.Equal(got, want) {
			t.Errorf("hashed %v, want %v", got, want)
		}
		if held, _ := pool.Held(); held != 0 {
			t.Errorf("%d held at the end", held)
		}
	})
}

// What waits when the pool closes has been paid for with an attempt.
func TestCloseFinishesWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		door := newDoorman()
		pool := pooled(t, 1, 20, door.derive)
		var callers sync.WaitGroup
		for _, name := range []string{"1", "2", "3"} {
			place := mustReserve(t, pool, tenantA)
			callers.Go(func() {
				if _, err := place.Verify(t.Context(), someone, mustPIN(t, "2580"), storedAs(name)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
			synctest.Wait()
		}
		late := mustReserve(t, pool, tenantA)
		var closed atomic.Bool
		callers.Go(func() { pool.Close(); closed.Store(true) })
		synctest.Wait()
		if closed.Load() {
			t.Error("closed with a hash running")
		}
		if _, err := pool.Reserve(of(tenantA)); !errors.Is(err, argon2id.ErrClosed) {
			t.Errorf("reserve: %v", err)
		}
		if _, err := late.Hash(t.Context(), someone, mustPIN(t, "2580")); !errors.Is(err, argon2id.ErrClosed) {
			t.Errorf("hash: %v", err)
		}
		close(door.finish)
		callers.Wait()
		pool.Close()
		if n := len(door.seen()); n != 3 {
			t.Errorf("%d hashed", n)
		}
		if held, _ := pool.Held(); held != 0 {
			t.Errorf("%d held at the end", held)
		}
	})
}

func TestPlaceIsForOneHash(t *testing.T) {
	t.Parallel()
	pool := pooled(t, 1, 20, nil)
	defer pool.Close()
	secret := mustPIN(t, "2580")
	place := mustReserve(t, pool, tenantA)
	if _, err := place.Hash(t.Context(), someone, secret); err != nil {
		t.Fatal(err)
	}
	if _, err := place.Hash(t.Context(), someone, secret); !errors.Is(err, argon2id.ErrPlaceUsed) {
		t.Errorf("second hash: %v", err)
	}
	place.Release()
	released := mustReserve(t, pool, tenantA)
	released.Release()
	if _, err := released.Verify(t.Context(), someone, secret, parsed(good)); !errors.Is(err, argon2id.ErrPlaceUsed) {
		t.Errorf("released: %v", err)
	}
	unknown := parsed(strings.Replace(good, "cDE", "cDI", 1))
	if _, err := mustReserve(t, pool, tenantA).Verify(t.Context(), someone, secret, unknown); !errors.Is(err, argon2id.ErrUnknownPepper) {
		t.Errorf("unknown pepper: %v", err)
	}
	if held, _ := pool.Held(); held != 0 {
		t.Errorf("%d held at the end", held)
	}
}

func TestRehash(t *testing.T) {
	t.Parallel()
	made := func(cfg argon2id.PoolConfig) argon2id.Stored {
		cfg.Workers = 1
		pool, err := argon2id.NewPool(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		phc, err := mustReserve(t, pool, tenantA).Hash(t.Context(), someone, mustPIN(t, "2580"))
		if err != nil {
			t.Fatal(err)
		}
		return phc
	}
	both := mustRing(t, "p2", "p1")
	slower := argon2id.Params{MemoryKiB: 64, Time: 2, Parallelism: 1}
	short := byHand(someone, "2580", "p2", "8 bytes.", quick)
	pool, err := argon2id.NewPool(argon2id.PoolConfig{Ring: both, Params: quick, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for name, c := range map[string]struct {
		stored argon2id.Stored
		rehash bool
	}{
		"current":     {made(argon2id.PoolConfig{Ring: both, Params: quick}), false},
		"old pepper":  {made(argon2id.PoolConfig{Ring: mustRing(t, "p1"), Params: quick}), true},
		"other costs": {made(argon2id.PoolConfig{Ring: both, Params: slower}), true},
		"short salt":  {parsed(short), true},
	} {
		got, err := mustReserve(t, pool, tenantA).Verify(t.Context(), someone, mustPIN(t, "2580"), c.stored)
		if err != nil || got != (argon2id.Result{Match: true, Rehash: c.rehash}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		got, err = mustReserve(t, pool, tenantA).Verify(t.Context(), someone, mustPIN(t, "2581"), c.stored)
		if err != nil || got != (argon2id.Result{}) {
			t.Errorf("%s, wrong PIN: %+v, %v", name, got, err)
		}
	}
}

func TestSaltsDiffer(t *testing.T) {
	t.Parallel()
	pool := pooled(t, 1, 20, nil)
	defer pool.Close()
	seen := map[string]bool{}
	for range 5 {
		stored, err := mustReserve(t, pool, tenantA).Hash(t.Context(), someone, mustPIN(t, "2580"))
		if err != nil || seen[stored.PHC()] {
			t.Fatalf("%s twice (%v)", stored.PHC(), err)
		}
		seen[stored.PHC()] = true
	}
}

// A panic costs the job, not the worker, and tells nothing of what was hashed.
func TestPanicBecomesAnError(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	pool := pooled(t, 1, 20, func(_, _ []byte, _ argon2id.Params, size uint32) []byte {
		if calls.Add(1) == 1 {
			panic("while hashing 2580")
		}
		return make([]byte, size)
	})
	defer pool.Close()
	_, err := mustReserve(t, pool, tenantA).Hash(t.Context(), someone, mustPIN(t, "2580"))
	if !errors.Is(err, argon2id.ErrPanicked) || strings.Contains(err.Error(), "2580") {
		t.Errorf("panic: %v", err)
	}
	if _, err := mustReserve(t, pool, tenantA).Hash(t.Context(), someone, mustPIN(t, "2580")); err != nil {
		t.Errorf("after the panic: %v", err)
	}
	if held, _ := pool.Held(); held != 0 {
		t.Errorf("%d held at the end", held)
	}
}

// Many callers, some of whom leave, must neither lose a place nor a result.
func TestManyCallers(t *testing.T) {
	t.Parallel()
	pool := pooled(t, 2, 8, nil)
	secret, wrong := mustPIN(t, "2580"), mustPIN(t, "2581")
	phc, err := mustReserve(t, pool, tenantA).Hash(t.Context(), someone, secret)
	if err != nil {
		t.Fatal(err)
	}
	tenants := []uuid.UUID{tenantA, tenantB, someone.ID}
	var callers sync.WaitGroup
	var done, busy atomic.Int64
	for i := range 32 {
		callers.Go(func() {
			for n := range 25 {
				place, err := pool.Reserve(of(tenants[i%len(tenants)]))
				if errors.Is(err, argon2id.ErrBusy) {
					busy.Add(1)
					continue
				}
				ctx, leave := context.WithCancel(t.Context())
				guess := []pin.PIN{secret, wrong}[n%2]
				switch n % 5 {
				case 3:
					leave()
				case 4:
					go leave()
				}
				got, err := place.Verify(ctx, someone, guess, phc)
				leave()
				switch {
				case n%5 == 3 && !errors.Is(err, context.Canceled):
					t.Errorf("gone: %v", err)
				case err == nil && got.Match != (n%2 == 0):
					t.Errorf("guess %d: %+v", n%2, got)
				case err != nil && n%5 < 3:
					t.Error(err)
				}
				place.Release()
				done.Add(1)
			}
		})
	}
	callers.Wait()
	pool.Close()
	if held, _ := pool.Held(); held != 0 || done.Load()+busy.Load() != 32*25 {
		t.Errorf("%d held, %d done, %d busy", held, done.Load(), busy.Load())
	}
}
