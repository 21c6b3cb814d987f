package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/pgtest"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/store/postgres"
)

func TestDatabaseGoesAway(t *testing.T) {
	t.Parallel()
	server := pgtest.StartOwn(t)
	if err := migrate(t.Context(), server.URL); err != nil {
		t.Fatal(err)
	}
	s := open(t, server.URL)
	h := customer()
	save := func() error { return save(t.Context(), s, record(h, time.Now())) }
	if err := save(); err != nil {
		t.Fatal(err)
	}

	watched := watch(t, s)
	until(t, "Watch listens", func() bool { return watched.missed() == 1 })

	// The server goes in the middle of a transaction, and under idle connections.
	err := s.InTx(t.Context(), func(tx store.Tx) error {
		tx.LockPIN(h, new(pin.Record))
		if err := tx.Fetch(t.Context()); err != nil {
			return err
		}
		server.Stop()
		tx.PIN(h, new(pin.Record))
		return tx.Fetch(t.Context())
	})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a transaction cut off = %v", err)
	}
	_, err = read(t.Context(), s, h)
	for what, err := range map[string]error{"Pin": err, "Ping": s.Ping(t.Context()), "InTx": save()} {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s without a server = %v", what, err)
		}
	}
	if _, err := postgres.Open(t.Context(), postgres.Config{URL: server.URL}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Open without a server = %v", err)
	}

	server.Start()
	if r, err := read(t.Context(), s, h); err != nil || r.ID == uuid.Nil {
		t.Errorf("PIN of the server that is back = %+v, %v", r, err)
	}
	if err := save(); err != nil {
		t.Errorf("InTx of the server that is back = %v", err)
	}
	until(t, "Watch listens again", func() bool { return watched.missed() == 2 })
	id := uuid.New()
	inTx(t, s, func(tx store.Tx) { tx.Wake(id) })
	until(t, "the confirmation is woken", func() bool { return watched.saw(id) })
}

// A single lost connection does not show: a read is done again on another.
func TestLostConnections(t *testing.T) {
	t.Parallel()
	s, url := fresh(t)
	conn := connect(t, url)
	h := customer()
	const kill = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'hydrapin'`
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if _, err := read(t.Context(), s, h); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 3 {
		exec(t, conn, kill)
	}
	wg.Wait()

	// Nothing was committed when a connection is lost before the COMMIT was sent, so the
	// step runs again on another one.
	runs := 0
	inTx(t, s, func(tx store.Tx) {
		_ = tx.Fetch(t.Context())
		if runs++; runs == 1 {
			exec(t, conn, kill)
			_ = tx.Fetch(t.Context())
		}
		tx.SavePIN(record(h, time.Now()))
	})
	if r, err := read(t.Context(), s, h); runs != 2 || err != nil || r.ID == uuid.Nil {
		t.Errorf("after %d runs PIN = %+v, %v", runs, r, err)
	}
	// Nor is anything done when a transaction cannot begin.
	exec(t, conn, kill)
	inTx(t, s, func(tx store.Tx) { _ = tx.Fetch(t.Context()) })
}

// A server that takes no writes, as an old primary does, is left for another.
func TestReadOnlyServer(t *testing.T) {
	t.Parallel()
	server := pgtest.StartOwn(t)
	if err := migrate(t.Context(), server.URL); err != nil {
		t.Fatal(err)
	}
	s, conn := open(t, server.URL), connect(t, server.URL)
	save := func() error { return save(t.Context(), s, record(customer(), time.Now())) }
	readOnly := func(value string) {
		t.Helper()
		exec(t, conn, "ALTER SYSTEM SET default_transaction_read_only = "+value)
		exec(t, conn, "SELECT pg_reload_conf()")
		until(t, "the setting is read", func() bool {
			return scan[string](t, conn, "SHOW default_transaction_read_only") == value
		})
	}
	if err := save(); err != nil {
		t.Fatal(err)
	}
	readOnly("on")
	_, err := postgres.Open(t.Context(), postgres.Config{URL: server.URL + "&target_session_attrs=any"})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Open of a read-only server = %v", err)
	}
	// The first may meet an open connection, the others find no server for writes.
	for range 3 {
		if err := save(); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("InTx on a read-only server = %v", err)
		}
	}
	readOnly("off")
	if err := save(); err != nil {
		t.Errorf("InTx on the server that takes writes again = %v", err)
	}
}

func TestSeveralHosts(t *testing.T) {
	t.Parallel()
	_, address := fresh(t)
	several, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	several.Host = "127.0.0.1:1," + several.Host
	if err := open(t, several.String()).Ping(t.Context()); err != nil {
		t.Errorf("Ping with a dead host in front = %v", err)
	}
}

// Whatever default there is, a spent attempt is on disk when its commit returns;
// the one setting above that is kept.
func TestSynchronousCommit(t *testing.T) {
	t.Parallel()
	for set, want := range map[string]string{
		"off": "on", "local": "on", "remote_write": "on", "on": "on", "remote_apply": "remote_apply",
	} {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			_, address := fresh(t)
			conn := connect(t, address)
			exec(t, conn, "ALTER DATABASE "+scan[string](t, conn, "SELECT quote_ident(current_database())")+
				" SET synchronous_commit = "+set)
			d, err := open(t, address).Examine(t.Context())
			if err != nil || d.SynchronousCommit != want {
				t.Errorf("by the database: %+v, %v", d, err)
			}
			if d, err = open(t, address+"&synchronous_commit="+set).Examine(t.Context()); err != nil || d.SynchronousCommit != want {
				t.Errorf("by the URL: %+v, %v", d, err)
			}
			if !strings.HasPrefix(d.Version, "1") || d.SynchronousStandbys != "" || d.RoundTrip <= 0 ||
				d.ClockOffset.Abs() > time.Minute {
				t.Errorf("Diagnose = %+v", d)
			}
		})
	}
}

func TestOpenRefusesBadURLs(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"postgres://u:s3cret@h:port/d", "postgres://u:s3cret@[::1/d", "mysql://u:s3cret@h/d", "u:s3cret",
		"postgres://u:s3cret@h/d?sslmode=maybe", "postgres://u:s3%cret@h/d",
	} {
		_, err := postgres.Open(t.Context(), postgres.Config{URL: address})
		if !errors.Is(err, postgres.ErrInvalidURL) {
			t.Errorf("Open(%q) = %v", address, err)
		}
	}
	// Nobody listens: the error says where it was looked for, and no password.
	_, err := postgres.Open(t.Context(), postgres.Config{URL: "postgres://u:s3cret@127.0.0.1:1/d"})
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "127.0.0.1:1") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("Open = %v", err)
	}
}

func TestErrorsHoldNoValues(t *testing.T) {
	t.Parallel()
	s, _ := fresh(t)
	const secret = "do-not-show"
	key := auth.APIKey{ID: secret, Kind: auth.KindAPIKey, Tenant: uuid.New(), Name: secret, CreatedAt: time.Now()}
	insert := func(k auth.APIKey) error {
		return s.InTx(t.Context(), func(tx store.Tx) error {
			tx.InsertAPIKey(k)
			return nil
		})
	}
	if err := insert(key); err != nil {
		t.Fatal(err)
	}
	badKind, badText := key, key
	badKind.Kind, badText.ID = secret, secret+"\x00"
	for name, err := range map[string]error{
		"the same id":     insert(key),
		"an unknown kind": insert(badKind),
		"not a text":      insert(badText),
	} {
		if err == nil || strings.Contains(fmt.Sprintf("%+v", err), secret) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := insert(key); err == nil || !strings.Contains(err.Error(), "api_keys_id") && !strings.Contains(err.Error(), "api_keys_pkey") {
		t.Errorf("the constraint has no name: %v", err)
	}
}

func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	s, url := fresh(t)
	h := customer()
	stored := func() bool {
		r, err := read(t.Context(), s, h)
		if err != nil {
			t.Error(err)
		}
		return r.ID != uuid.Nil
	}

	ctx, cancel := context.WithCancel(t.Context())
	err := s.InTx(ctx, func(tx store.Tx) error {
		defer cancel()
		tx.SavePIN(record(h, time.Now()))
		return nil
	})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, store.ErrUnavailable) || stored() {
		t.Errorf("a caller who left before the commit: %v, stored %t", err, stored())
	}

	// A deadline while waiting for a lock is the database's not answering.
	inTx(t, s, func(tx store.Tx) { tx.SavePIN(record(h, time.Now())) })
	holder, watcher := connect(t, url), connect(t, url)
	exec(t, holder, "BEGIN")
	exec(t, holder, "SELECT 1 FROM pins FOR UPDATE")
	ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err = s.InTx(ctx, func(tx store.Tx) error {
		tx.LockPIN(h, new(pin.Record))
		return tx.Fetch(ctx)
	})
	if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a lock that does not come = %v", err)
	}
	exec(t, holder, "ROLLBACK")
	until(t, "nobody waits", func() bool { return waiting(t, watcher) == 0 })

	// A panic rolls back, and gives its place back.
	for range 20 {
		func() {
			defer func() { _ = recover() }()
			_ = s.InTx(t.Context(), func(tx store.Tx) error {
				tx.LockPIN(h, new(pin.Record))
				if err := tx.Fetch(t.Context()); err != nil {
					t.Error(err)
				}
				tx.SavePIN(pin.Record{Holder: h})
				panic("fn")
			})
		}()
	}
	if !stored() {
		t.Error("a panic committed")
	}
	inTx(t, s, func(tx store.Tx) { fetch(t, tx) })
}

// A statement that failed cannot be passed over.
func TestFailedStatementIsNotCommitted(t *testing.T) {
	t.Parallel()
	s, _ := fresh(t)
	h := customer()
	err := s.InTx(t.Context(), func(tx store.Tx) error {
		fetch(t, tx)
		tx.SavePIN(record(h, time.Now()))
		tx.SavePIN(record(pin.Holder{Type: "nobody"}, time.Now()))
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "constraint pins_holder") {
		t.Errorf("InTx = %v", err)
	}
	if r, err := read(t.Context(), s, h); err != nil || r.ID != uuid.Nil {
		t.Errorf("PIN = %+v, %v", r, err)
	}
	// One that failed in a Fetch whose error nobody looked at neither.
	err = s.InTx(t.Context(), func(tx store.Tx) error {
		tx.APIKey("\x00", new(auth.APIKey))
		_ = tx.Fetch(t.Context())
		tx.SavePIN(record(h, time.Now()))
		return nil
	})
	if err == nil || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("InTx = %v", err)
	}
	if r, err := read(t.Context(), s, h); err != nil || r.ID != uuid.Nil {
		t.Errorf("PIN = %+v, %v", r, err)
	}
}

func TestAfterClose(t *testing.T) {
	t.Parallel()
	s, _ := fresh(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		s.Reads().Fetch(t.Context()), s.Ping(t.Context()), save(t.Context(), s, record(customer(), time.Now())),
	} {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("after Close: %v", err)
		}
	}
}

// Anybody on the database may notify; what is no id wakes nobody.
func TestWatchIgnoresForeignNotifications(t *testing.T) {
	t.Parallel()
	s, url := fresh(t)
	conn := connect(t, url)
	watched := watch(t, s)
	until(t, "Watch listens", func() bool { return watched.missed() == 1 })
	exec(t, conn, "NOTIFY hydrapin_confirmations, 'rubbish'")
	exec(t, conn, "NOTIFY hydrapin_confirmations")
	id := uuid.New()
	exec(t, conn, "SELECT pg_notify('hydrapin_confirmations', $1)", id.String())
	until(t, "the confirmation is woken", func() bool { return watched.saw(id) })
	if n := len(watched.woken()); n != 1 {
		t.Errorf("%d were woken", n)
	}
}

// A caller that hangs up in the middle of a transaction costs its own connection,
// not everybody's.
func TestHungUpCallerLeavesThePool(t *testing.T) {
	t.Parallel()
	s, url := fresh(t)
	// Several connections are in the pool once several transactions held one.
	var together sync.WaitGroup
	held, release := make(chan struct{}), make(chan struct{})
	for range 4 {
		together.Go(func() {
			if err := s.InTx(t.Context(), func(tx store.Tx) error {
				err := tx.Fetch(t.Context())
				held <- struct{}{}
				<-release
				return err
			}); err != nil {
				t.Error(err)
			}
		})
	}
	for range 4 {
		<-held
	}
	close(release)
	together.Wait()
	made := s.PoolMade()

	h := pin.CustomerHolder(uuid.New(), uuid.New())
	blocker := connect(t, url)
	if _, err := blocker.Exec(t.Context(), "BEGIN; LOCK TABLE pins"); err != nil {
		t.Fatal(err)
	}
	ctx, hangUp := context.WithCancel(t.Context())
	err := s.InTx(ctx, func(tx store.Tx) error {
		hangUp()
		tx.LockPIN(h, new(pin.Record))
		return tx.Fetch(ctx)
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("InTx of a caller that hung up: %v", err)
	}
	if _, err := blocker.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		fetch(t, s.Reads())
	}
	if again := s.PoolMade(); again > made {
		t.Errorf("%d connections were opened anew", again-made)
	}
}
