package postgres_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hydracore/hydrapin/internal/pgtest"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/store/postgres"
)

// fixtures is a row for every table; a new table has to be named here.
var fixtures = map[string]string{
	"pins": `INSERT INTO pins (tenant_id, holder_type, instance_id, holder_id, pin_id, hash, pepper_id, created_at)
		VALUES (gen_random_uuid(), 'customer', '00000000-0000-0000-0000-000000000000', gen_random_uuid(),
			gen_random_uuid(), 'h', 'p1', now())`,
	"freezes":      `INSERT INTO freezes VALUES (gen_random_uuid(), gen_random_uuid(), true, now(), 'jwt', 'ada', '', 1)`,
	"sprayings":    `INSERT INTO sprayings VALUES (gen_random_uuid(), gen_random_uuid(), now())`,
	"pin_policies": `INSERT INTO pin_policies VALUES (gen_random_uuid(), gen_random_uuid(), 'owner', '{pay}', 5, 1)`,
	"pin_sessions": `INSERT INTO pin_sessions VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
		'customer', '00000000-0000-0000-0000-000000000000', gen_random_uuid(), 'owner', gen_random_uuid(), 0, now(), '30 min', 0)`,
	"confirmations": `INSERT INTO confirmations (tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id,
			role, skill, lifetime, idempotency_key, status, created_at, expires_at)
		VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'customer',
			'00000000-0000-0000-0000-000000000000', gen_random_uuid(), 'owner', 'pay', '5 min', 'k', 'pending', now(), now())`,
	"api_keys": `INSERT INTO api_keys (tenant_id, id, kind, hash, instance_id, created_at)
		VALUES (gen_random_uuid(), 'k', 'runtime_key', sha256('k'), gen_random_uuid(), now())`,
	"key_checks": `INSERT INTO key_checks VALUES ('pepper', 'p1', '\x00')`,
	"pin_event_queue": `INSERT INTO pin_event_queue (tenant_id, id, occurred_at, type, actor_kind, actor_id, leaf)
		VALUES (gen_random_uuid(), gen_random_uuid(), now(), 'pin.set', 'operator', 'o', '{}')`,
	"pin_events": `INSERT INTO pin_events (tenant_id, event_index, id, occurred_at, type, actor_kind, actor_id, leaf)
		VALUES (gen_random_uuid(), 0, gen_random_uuid(), now(), 'pin.set', 'operator', 'o', '{}')`,
	"pin_event_hashes": `INSERT INTO pin_event_hashes VALUES (gen_random_uuid(), 0, sha256('l'))`,
	"pin_event_trees":  `INSERT INTO pin_event_trees VALUES (gen_random_uuid(), 1, 'h', now(), 0, now())`,
	"pin_event_heads":  `INSERT INTO pin_event_heads VALUES (gen_random_uuid(), 1, 'h', now(), now())`,
	"trail_log":        `INSERT INTO trail_log (name, created_at) VALUES ('pin.example', now())`,
	"trail_keys":       `INSERT INTO trail_keys VALUES ('r1', sha256('k'), now())`,
	"pin_attempts": `INSERT INTO pin_attempts VALUES (gen_random_uuid(), gen_random_uuid(), 'customer',
		'00000000-0000-0000-0000-000000000000', gen_random_uuid(), now())`,
	"pin_links": `INSERT INTO pin_links VALUES (gen_random_uuid(), gen_random_uuid(), 'customer',
		'00000000-0000-0000-0000-000000000000', gen_random_uuid(), 'admin', now(), now(), NULL, NULL, 'jwt', 'ada')`,
	"webhooks": `INSERT INTO webhooks VALUES (gen_random_uuid(), gen_random_uuid(), 1, 'https://a.example', '{pin.*}', '', '',
		now(), now(), 'jwt', 'ada', 'jwt', 'ada', '\x00', 'p1')`,
	"webhook_deliveries": `INSERT INTO webhook_deliveries VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
		gen_random_uuid(), 0, 'pin.set', '', '00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000',
		'pending', 0, 0, now(), now())`,
	"schema_compat": "SELECT 1",
	"write_probes":  "SELECT 1",
	"duties":        "SELECT 1",
}

func tables(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	return scan[[]string](t, conn, `SELECT COALESCE(array_agg(table_name::text ORDER BY table_name), '{}')
		FROM information_schema.tables WHERE table_schema = 'public' AND table_name NOT IN ('goose_db_version', 'migration_lease')`)
}

func TestMigrateUpDownUp(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	s, conn := open(t, url), connect(t, url)
	newest := int64(0)
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrNotMigrated) {
		t.Fatalf("Ping of an empty database = %v", err)
	}
	if err := s.Reads().Fetch(t.Context()); !errors.Is(err, store.ErrNotMigrated) {
		t.Fatalf("a read of an empty database = %v", err)
	}
	status := func(want bool) {
		t.Helper()
		list, err := s.MigrationStatus(t.Context())
		if err != nil || len(list) == 0 {
			t.Fatalf("MigrationStatus = %v, %v", list, err)
		}
		for _, m := range list {
			newest = m.Version
			if m.Applied != want || !strings.HasSuffix(m.Name, ".sql") {
				t.Fatalf("migration %+v, applied should be %t", m, want)
			}
		}
	}
	status(false)

	for range 2 {
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		status(true)
		if err := s.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.MigrateTo(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		status(false)
		if left := tables(t, conn); len(left) != 0 {
			t.Fatalf("down left %v", left)
		}
		if n := scan[int](t, conn, "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"); n != 0 {
			t.Fatalf("down left %d functions", n)
		}
	}

	// Each step up keeps a row of every table there is.
	for v := int64(1); v <= newest; v++ {
		if err := s.MigrateTo(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		for _, table := range tables(t, conn) {
			name := pgx.Identifier{table}.Sanitize()
			if scan[int](t, conn, "SELECT count(*) FROM "+name) == 0 {
				exec(t, conn, fixtures[table])
			}
			if scan[int](t, conn, "SELECT count(*) FROM "+name) == 0 {
				t.Fatalf("table %s has no fixture", table)
			}
		}
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := tables(t, conn); len(got) != len(fixtures) {
		t.Fatalf("tables %v", got)
	}
	for table := range fixtures {
		if scan[int](t, conn, "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()) == 0 {
			t.Errorf("the row of %s is gone", table)
		}
	}
}

// A table of a tenant is found by the tenant first, and a constraint has a name
// that says what it is of.
func TestSchemaRules(t *testing.T) {
	t.Parallel()
	_, url := fresh(t)
	conn := connect(t, url)
	for _, table := range tables(t, conn) {
		if slices.Contains([]string{"schema_compat", "key_checks", "write_probes", "duties", "trail_log", "trail_keys"}, table) {
			continue
		}
		first := scan[string](t, conn, `SELECT a.attname FROM pg_index i
			JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
			WHERE i.indrelid = $1::text::regclass AND i.indisprimary`, table)
		if first != "tenant_id" {
			t.Errorf("the key of %s begins with %s", table, first)
		}
	}
	unnamed := scan[[]string](t, conn, `SELECT COALESCE(array_agg(c.conname::text), '{}')
		FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
		WHERE c.connamespace = 'public'::regnamespace AND r.relname <> 'goose_db_version' AND c.contype <> 'n'
			AND (c.conname NOT LIKE r.relname || '%' OR c.conname ~ '_(check|key)[0-9]*$') AND c.conname NOT LIKE '%idempotency_key'`)
	if len(unnamed) != 0 {
		t.Errorf("constraints without a name of their own: %v", unnamed)
	}
}

func TestMigrateManyAtOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	errs := make([]error, 3)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = migrate(t.Context(), url) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if err := open(t, url).Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A node that waits for another says so after a second, with its name, and takes over
// when the other's lease runs out.
func TestMigrateWaitsForTheLease(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	conn := connect(t, url)
	notices := make(chan string, 10)
	s, err := postgres.Open(t.Context(), postgres.Config{URL: url, MaxConns: 4, Notice: func(msg string, args ...any) {
		notices <- fmt.Sprint(append([]any{msg, " "}, args...)...)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	exec(t, conn, `CREATE TABLE migration_lease (one boolean PRIMARY KEY DEFAULT true, holder text NOT NULL,
		expires_at timestamptz NOT NULL)`)
	exec(t, conn, "INSERT INTO migration_lease (holder, expires_at) VALUES ('the other node', now() + interval '1 hour')")
	done := make(chan error, 1)
	began := time.Now()
	go func() { done <- s.Migrate(t.Context()) }()
	if told := <-notices; !strings.Contains(told, "the other node") || time.Since(began) < time.Second {
		t.Errorf("after %v: %s", time.Since(began), told)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrNotMigrated) {
		t.Errorf("Ping while another migrates = %v", err)
	}
	exec(t, conn, "UPDATE migration_lease SET expires_at = now()")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if n := scan[int](t, conn, "SELECT count(*) FROM migration_lease"); n != 0 {
		t.Error("the lease was not released")
	}
	// What is up to date waits for nobody.
	exec(t, conn, "INSERT INTO migration_lease (holder, expires_at) VALUES ('the other node', now() + interval '1 hour')")
	if err := s.Migrate(t.Context()); err != nil {
		t.Error(err)
	}
	// A caller that leaves does not wait on.
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := s.MigrateTo(ctx, 0); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("MigrateTo = %v", err)
	}
}

// No statement asks for what belongs to a session or what only PostgreSQL has to lock
// by: engines that speak its protocol lack advisory locks.
func TestNoAdvisoryLocks(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	proxy := pgtest.NewProxy(t, url)
	s := open(t, proxy.URL)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	inTx(t, s, func(tx store.Tx) { tx.LockSweep(new(bool)); fetch(t, tx) })
	for _, sql := range proxy.Log() {
		if strings.Contains(sql, "advisory") {
			t.Error(sql)
		}
	}
}

func TestNewerSchema(t *testing.T) {
	t.Parallel()
	s, url := fresh(t)
	conn := connect(t, url)

	// A newer program was here, and says that this one may stay.
	exec(t, conn, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, true)")
	if err := errors.Join(s.Ping(t.Context()), s.Migrate(t.Context())); err != nil {
		t.Fatalf("a compatible newer database: %v", err)
	}

	exec(t, conn, "UPDATE schema_compat SET min_program_schema = 9000")
	for what, err := range map[string]error{
		"Ping": s.Ping(t.Context()), "Migrate": s.Migrate(t.Context()), "MigrateTo": s.MigrateTo(t.Context(), 1),
	} {
		if !errors.Is(err, store.ErrNewerSchema) {
			t.Errorf("%s = %v", what, err)
		}
	}
	// A program that runs already stops to write, with or without a read in front; it
	// may still answer from what it reads.
	for what, step := range map[string]func(tx store.Tx) error{
		"a step":      func(tx store.Tx) error { return tx.Fetch(t.Context()) },
		"a bare save": func(store.Tx) error { return nil },
	} {
		err := s.InTx(t.Context(), func(tx store.Tx) error {
			if err := step(tx); err != nil {
				return err
			}
			tx.SavePIN(record(customer(), time.Now()))
			return nil
		})
		if !errors.Is(err, store.ErrNewerSchema) {
			t.Errorf("%s = %v", what, err)
		}
	}
	if n := scan[int](t, conn, "SELECT count(*) FROM pins"); n != 0 {
		t.Errorf("%d PINs were saved", n)
	}
	fetch(t, s.Reads())
	_, err := postgres.Open(context.Background(), postgres.Config{URL: url})
	if !errors.Is(err, store.ErrNewerSchema) || !strings.Contains(err.Error(), "schema 9000") {
		t.Errorf("Open = %v", err)
	}
}

// A database of a development version has no way up; it is refused in one sentence. The
// one of testdata was dumped when nothing had been released.
func TestOldSchema(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	s := open(t, url)
	_, err := connect(t, url).PgConn().Exec(t.Context(), unpacked(t, "development.sql.gz")).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	_, err = postgres.Open(t.Context(), postgres.Config{URL: url})
	if !errors.Is(err, postgres.ErrOldSchema) || strings.Contains(err.Error(), "\n") {
		t.Errorf("Open = %v", err)
	}
	if err := s.Migrate(t.Context()); !errors.Is(err, postgres.ErrOldSchema) {
		t.Errorf("Migrate = %v", err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, postgres.ErrOldSchema) {
		t.Errorf("Ping = %v", err)
	}
}

// unpacked returns the content of a compressed file of testdata.
func unpacked(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A first migration that was interrupted before it was marked is completed, and one with
// another text is not.
func TestSchemaOrigin(t *testing.T) {
	t.Parallel()
	s, url := fresh(t)
	conn := connect(t, url)
	own := scan[string](t, conn, "SELECT origin FROM schema_compat")
	exec(t, conn, "UPDATE schema_compat SET origin = NULL")
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrNotMigrated) {
		t.Errorf("Ping before the mark = %v", err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := scan[string](t, conn, "SELECT origin FROM schema_compat"); got != own || own == "" {
		t.Errorf("the origin is %q, and was %q", got, own)
	}
	exec(t, conn, "UPDATE schema_compat SET origin = 'another'")
	if err := s.Migrate(t.Context()); !errors.Is(err, postgres.ErrOldSchema) {
		t.Errorf("Migrate with another origin = %v", err)
	}
}

func TestEventsAreAppendOnly(t *testing.T) {
	t.Parallel()
	_, url := fresh(t)
	conn := connect(t, url)
	for _, table := range []string{"pin_events", "pin_event_hashes", "pin_event_heads"} {
		exec(t, conn, fixtures[table])
		for _, sql := range []string{
			"UPDATE " + table + " SET tenant_id = gen_random_uuid()", "DELETE FROM " + table, "TRUNCATE " + table,
		} {
			if _, err := conn.Exec(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "23001") {
				t.Errorf("%s = %v", sql, err)
			}
		}
	}
}

// The one event that may be deleted is one that was sealed.
func TestSealedEventsCanBeDeleted(t *testing.T) {
	t.Parallel()
	_, url := fresh(t)
	conn := connect(t, url)
	exec(t, conn, fixtures["pin_events"])
	exec(t, conn, "INSERT INTO pin_event_trees (tenant_id, size, head, latest_at, kept_at, sealed_size) SELECT tenant_id, 2, 'h', now(), now(), 1 FROM pin_events")
	exec(t, conn, `INSERT INTO pin_events (tenant_id, event_index, id, occurred_at, type, actor_kind, actor_id, leaf)
		SELECT tenant_id, 1, gen_random_uuid(), now(), 'pin.set', 'operator', 'o', '{}' FROM pin_events`)
	if _, err := conn.Exec(t.Context(), "DELETE FROM pin_events"); err == nil {
		t.Error("an event was deleted that is not sealed")
	}
	exec(t, conn, "DELETE FROM pin_events WHERE event_index = 0")
}
