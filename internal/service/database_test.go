package service_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/pgtest"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/store/postgres"
	"github.com/hydracore/hydrapin/internal/store/sqlite"
)

const (
	onPostgres = "postgres"
	onSQLite   = "sqlite"
)

// database is a migrated database of a test's own, and a connection beside the
// stores for what only an operator could do.
type database struct {
	name string
	sql  *sql.DB
	open func(t *testing.T) store.Store
}

type engine func(*testing.T) *database

// shared are the databases on which many stories go on at once, each of a tenant
// of its own: making one takes PostgreSQL longer than most stories do.
func shared() map[string]engine {
	return map[string]engine{
		onPostgres: func(t *testing.T) *database { return onServer(t, common(t)) },
		onSQLite:   newSQLite,
	}
}

// apart are databases for one story each.
func apart() map[string]engine {
	return map[string]engine{
		onPostgres: func(t *testing.T) *database { return onServer(t, pgtest.New(t, migratePostgres)) },
		onSQLite:   newSQLite,
	}
}

// kept is a test whose database outlives it. It goes with the throwaway server.
type kept struct{ testing.TB }

func (kept) Cleanup(func()) {}

var commonOnce struct {
	sync.Once
	url string
}

func common(t *testing.T) string {
	t.Helper()
	commonOnce.Do(func() { commonOnce.url = pgtest.New(kept{t}, migratePostgres) })
	return commonOnce.url
}

func onServer(t *testing.T, url string) *database {
	t.Helper()
	return &database{
		name: onPostgres, sql: openSQL(t, "pgx", url),
		open: func(t *testing.T) store.Store {
			t.Helper()
			st, err := postgres.Open(t.Context(), postgres.Config{URL: url, MaxConns: 6})
			must(t, err)
			return closing(t, st)
		},
	}
}

func migratePostgres(ctx context.Context, url string) error {
	st, err := postgres.Open(ctx, postgres.Config{URL: url})
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	return st.Migrate(ctx)
}

func newSQLite(t *testing.T) *database {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hydrapin.db")
	first, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	must(t, err)
	must(t, first.Migrate(t.Context()))
	must(t, first.Close())
	return &database{
		name: onSQLite, sql: openSQL(t, "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_txlock=immediate"),
		open: func(t *testing.T) store.Store {
			t.Helper()
			st, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
			must(t, err)
			return closing(t, st)
		},
	}
}

func openSQL(t *testing.T, driver, source string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, source)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

func closing(t *testing.T, st store.Store) store.Store {
	t.Helper()
	t.Cleanup(func() { must(t, st.Close()) })
	return st
}

// times are the columns that tell when; events keep theirs, as nobody may change
// them.
var times = map[string][]string{
	"pins":               {"created_at", "counts_from", "locked_until", "bucket_empty_at"},
	"pin_sessions":       {"auth_time"},
	"confirmations":      {"created_at", "expires_at", "ended_at", "approved_at", "auth_time"},
	"sprayings":          {"until"},
	"pin_links":          {"created_at", "expires_at", "ended_at", "used_at"},
	"webhooks":           {"created_at", "updated_at", "old_until", "failing_since", "due_at"},
	"webhook_deliveries": {"created_at", "due_at", "lease_until", "last_at"},
	"api_keys":           {"created_at", "expires_at", "revoked_at", "last_used_at"},
}

// elapse lets time pass: everything that is stored of the tenant happened that
// much earlier, so that a story goes the same way on both stores and under any
// clock.
func (w *world) elapse(by time.Duration) {
	t, d := w.t, w.db
	t.Helper()
	shift := fmt.Sprintf("%d", by.Microseconds())
	if d.name == onPostgres {
		shift = fmt.Sprintf("interval '%d microseconds'", by.Microseconds())
	}
	tx, err := d.sql.BeginTx(t.Context(), nil)
	must(t, err)
	for table, columns := range times {
		sets := make([]string, len(columns))
		for i, c := range columns {
			sets[i] = c + " = " + c + " - " + shift
		}
		_, err := tx.ExecContext(t.Context(), "UPDATE "+table+" SET "+strings.Join(sets, ", ")+" WHERE tenant_id = '"+w.tenant.String()+"'")
		must(t, err)
	}
	must(t, tx.Commit())
}

// alter changes what is stored of the PINs of the tenant.
func (w *world) alter(format string, values ...any) {
	w.t.Helper()
	set := fmt.Sprintf(format, values...)
	_, err := w.db.sql.ExecContext(w.t.Context(), "UPDATE pins SET "+set+" WHERE tenant_id = '"+w.tenant.String()+"'")
	must(w.t, err)
}

// count runs a query that returns one number.
func (d *database) count(t *testing.T, format string, values ...any) int {
	t.Helper()
	var n int
	must(t, d.sql.QueryRowContext(t.Context(), fmt.Sprintf(format, values...)).Scan(&n))
	return n
}

// hold locks a holder's record against every node until release is called. On
// SQLite that is the whole file.
func (d *database) hold(t *testing.T, h pin.Holder) (release func()) {
	t.Helper()
	tx, err := d.sql.BeginTx(context.WithoutCancel(t.Context()), nil)
	must(t, err)
	if d.name == onPostgres {
		_, err := tx.ExecContext(t.Context(), "SELECT 1 FROM pins WHERE tenant_id = $1 AND holder_id = $2 FOR UPDATE", h.Tenant, h.ID)
		must(t, err)
	}
	return func() {
		t.Helper()
		must(t, tx.Rollback())
	}
}

// waitForLock waits until n statements wait for a lock. SQLite does not tell: there
// it returns at once, and the story must be true whichever comes first.
func (d *database) waitForLock(t *testing.T, n int) {
	t.Helper()
	if d.name == onPostgres {
		eventually(t, "statements wait for the lock", func() bool {
			return d.count(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") >= n
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a condition that another goroutine or process makes true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not in time: %s", what)
		}
	}
}
