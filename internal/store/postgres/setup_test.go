package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pgtest"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/store/postgres"
)

// migrate is a pgtest.Migrate.
func migrate(ctx context.Context, url string) error {
	s, err := postgres.Open(ctx, postgres.Config{URL: url, MaxConns: 2})
	if err != nil {
		return err
	}
	return errors.Join(s.Migrate(ctx), s.Close())
}

// fresh gives a migrated database of its own and a store on it.
func fresh(t *testing.T) (s *postgres.Store, url string) {
	t.Helper()
	url = pgtest.New(t, migrate)
	return open(t, url), url
}

func open(t *testing.T, url string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), postgres.Config{URL: url, MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// connect opens a bare connection beside the store.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func scan[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// until returns when the condition holds.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for tick := time.NewTicker(5 * time.Millisecond); !condition(); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("in vain: %s", what)
		}
	}
}

// waiting says how many of the store's connections wait for a lock.
func waiting(t *testing.T, conn *pgx.Conn) int {
	t.Helper()
	return scan[int](t, conn, `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'hydrapin' AND wait_event_type = 'Lock'`)
}

func customer() pin.Holder { return pin.CustomerHolder(uuid.New(), uuid.New()) }

func record(h pin.Holder, at time.Time) pin.Record {
	return pin.Record{Holder: h, ID: uuid.New(), Hash: "$argon2id$", PepperID: "p1", CreatedAt: at}
}

func pending(h pin.Holder, at time.Time) confirmation.Confirmation {
	return confirmation.Ask(confirmation.Question{
		Holder: h, Instance: uuid.New(), Role: policy.Customer, Skill: "pay", Lifetime: time.Hour,
	}, uuid.New(), at)
}

func event(tenant uuid.UUID, at time.Time) audit.Event {
	return audit.Event{ID: uuid.New(), Time: at, Tenant: tenant, Details: audit.PINAttempted{}}
}

// inTx runs fn in a transaction that must be committed.
func inTx(t *testing.T, s store.Store, fn func(tx store.Tx)) {
	t.Helper()
	if err := s.InTx(t.Context(), func(tx store.Tx) error { fn(tx); return nil }); err != nil {
		t.Fatal(err)
	}
}

// save stores a PIN in a transaction of its own.
func save(ctx context.Context, s store.Store, r pin.Record) error {
	return s.InTx(ctx, func(tx store.Tx) error {
		tx.SavePIN(r)
		return nil
	})
}

// read reads a PIN.
func read(ctx context.Context, s store.Store, h pin.Holder) (pin.Record, error) {
	var r pin.Record
	reads := s.Reads()
	reads.PIN(h, &r)
	err := reads.Fetch(ctx)
	return r, err
}

func fetch(t *testing.T, r store.Reads) {
	t.Helper()
	if err := r.Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// watcher records what Watch tells.
type watcher struct {
	mu    sync.Mutex
	begun int
	ids   []uuid.UUID
}

func watch(t *testing.T, s store.Store) *watcher {
	t.Helper()
	w := &watcher{}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- s.Watch(ctx, func(id uuid.UUID) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.ids = append(w.ids, id)
		}, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.begun++
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Watch = %v", err)
		}
	})
	return w
}

func (w *watcher) missed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun
}

func (w *watcher) woken() []uuid.UUID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]uuid.UUID{}, w.ids...)
}

func (w *watcher) saw(id uuid.UUID) bool {
	for _, seen := range w.woken() {
		if seen == id {
			return true
		}
	}
	return false
}
