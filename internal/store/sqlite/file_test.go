package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/store/sqlite"
)

// soon is how long a test waits for what never comes.
const soon = 100 * time.Millisecond

// read reads a PIN.
func read(ctx context.Context, s store.Store) error {
	r := s.Reads()
	r.PIN(pin.CustomerHolder(uuid.UUID{1}, uuid.UUID{2}), new(pin.Record))
	return r.Fetch(ctx)
}

func run(t *testing.T, s *sqlite.Store, query string) {
	t.Helper()
	if _, err := s.Writer().ExecContext(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}

// pragmas asks every connection of a pool what is in force on it.
func pragmas(t *testing.T, db *sql.DB, want map[string]string) {
	t.Helper()
	// All are held until the last was asked, so that each is another.
	var held []*sql.Conn
	defer func() {
		for _, conn := range held {
			_ = conn.Close()
		}
	}()
	for n := range db.Stats().MaxOpenConnections {
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, conn)
		for name, value := range want {
			var got string
			if err := conn.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if got != value {
				t.Errorf("connection %d: %s is %s, want %s", n, name, got, value)
			}
		}
	}
}

func TestPragmasOfEveryConnection(t *testing.T) {
	t.Parallel()
	s := migrated(t, filepath.Join(t.TempDir(), "hydrapin.db"))
	want := map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "query_only": "0",
	}
	pragmas(t, s.Writer(), want)
	want["query_only"] = "1"
	pragmas(t, s.Readers(), want)
	if n := s.Writer().Stats().MaxOpenConnections; n != 1 {
		t.Errorf("%d connections write", n)
	}
}

func TestFileModes(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := migrated(t, filepath.Join(folder, "hydrapin.db"))
	if err := appendEvent(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, e := range entries {
		seen[e.Name()] = true
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode(); mode != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), mode)
		}
	}
	for _, name := range []string{"hydrapin.db", "hydrapin.db-wal", "hydrapin.db-shm"} {
		if !seen[name] {
			t.Errorf("there is no %s", name)
		}
	}
}

func TestOddPaths(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, name := range []string{"a b", "q?mode=memory", "h#sh", "100%41", "ünï:cödé", "a&b=c;d+e"} {
		path := filepath.Join(folder, name)
		s := migrated(t, path)
		if err := appendEvent(t.Context(), s); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%q was not written: %v", name, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	if _, err := sqlite.Open(t.Context(), sqlite.Config{}); !errors.Is(err, sqlite.ErrNoPath) {
		t.Errorf("no path: %v", err)
	}
	path := filepath.Join(t.TempDir(), "none", "hydrapin.db")
	if _, err := sqlite.Open(t.Context(), sqlite.Config{Path: path}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

// TestManyWriters is the load under which a store without a busy timeout and
// immediate transactions loses nearly every write.
func TestManyWriters(t *testing.T) {
	t.Parallel()
	const processes, writers, each, ofChild = 2, 16, 75, 200
	path := filepath.Join(t.TempDir(), "hydrapin.db")
	s := migrated(t, path)
	var children []*child
	for range processes {
		children = append(children, startChild(t, path, ofChild))
	}
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for range each {
				if err := appendEvent(t.Context(), s); err != nil {
					t.Errorf("append: %v", err)
				}
			}
		})
	}
	group.Wait()
	for _, c := range children {
		c.wait(t)
	}
	events, err := s.Events(t.Context(), audit.Filter{Tenant: uuid.UUID{1}, Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	if want := writers*each + processes*ofChild; len(events) != want {
		t.Errorf("%d of %d events are there", len(events), want)
	}
}

// TestAnotherProcessWrites says that waiting for another's transaction ends with
// the context, and that reading waits for nobody.
func TestAnotherProcessWrites(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hydrapin.db")
	s, other := migrated(t, path), open(t, path)
	inTx(t, other, func(store.Tx) {
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		began := time.Now()
		err := appendEvent(ctx, s)
		if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want ErrUnavailable and DeadlineExceeded", err)
		}
		if waited := time.Since(began); waited > 3*time.Second {
			t.Errorf("waited %v", waited)
		}
		if err := read(t.Context(), s); err != nil {
			t.Errorf("Fetch: %v", err)
		}
	})
	if err := appendEvent(t.Context(), s); err != nil {
		t.Errorf("after the other: %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := migrated(t, filepath.Join(t.TempDir(), "hydrapin.db"))
	run(t, s, "PRAGMA max_page_count = 1") // as many as there are
	big := func() error {
		return s.InTx(t.Context(), func(tx store.Tx) error {
			tx.Append(event(1 << 20))
			return nil
		})
	}
	if err := big(); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	run(t, s, "PRAGMA max_page_count = 100000")
	if err := big(); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// TestUndoneBySQLite lets SQLite end a transaction by itself, as it does for some
// errors: what comes after it would be written at once, outside of any.
func TestUndoneBySQLite(t *testing.T) {
	t.Parallel()
	s := migrated(t, filepath.Join(t.TempDir(), "hydrapin.db"))
	run(t, s, "CREATE TRIGGER undo BEFORE INSERT ON pin_policies BEGIN SELECT RAISE(ROLLBACK, 'undone'); END")
	err := s.InTx(t.Context(), func(tx store.Tx) error {
		p := policy.Default(uuid.UUID{1}, uuid.UUID{2})
		p.Version = 1
		tx.SavePolicy(p)
		tx.Append(event(0))
		return nil
	})
	if err == nil {
		t.Error("a transaction that SQLite undid was committed")
	}
	events, err := s.Events(t.Context(), audit.Filter{Tenant: uuid.UUID{1}, Limit: 10})
	if err != nil || len(events) != 0 {
		t.Errorf("written outside of the transaction: %d, %v", len(events), err)
	}
	if err := appendEvent(t.Context(), s); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
}

// TestDamagedFile holds that damage is a fault, not a passing condition.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(file []byte) []byte{
		"no database":   func(file []byte) []byte { copy(file, "This is not a database at all."); return file },
		"garbage pages": func(file []byte) []byte { clear(file[4096:]); return file },
		"cut short":     func(file []byte) []byte { return file[:4096+100] },
	} {
		path := filepath.Join(t.TempDir(), "hydrapin.db")
		s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Migrate(t.Context()), s.Close()); err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, damage(file), 0o600); err != nil {
			t.Fatal(err)
		}
		err = use(t, path)
		if err == nil || errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrNotFound) ||
			errors.Is(err, store.ErrNotMigrated) {
			t.Errorf("%s: got %v, want a plain error", name, err)
		}
	}
}

func use(t *testing.T, path string) error {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if err := s.Ping(t.Context()); err != nil {
		return err
	}
	return read(t.Context(), s)
}

func TestDiagnose(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hydrapin.db")
	s := migrated(t, path)
	d, err := s.Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d.Version == "" || d.JournalMode != "wal" || !d.Synchronous || len(d.Problems) != 0 ||
		d.FileMode != 0o600 || d.Schema != s.Newest() || d.Newest != s.Newest() {
		t.Errorf("of a good database: %+v", d)
	}

	// An index entry without its row is damage that only a check finds.
	for n := range 3 {
		inTx(t, s, func(tx store.Tx) {
			tx.InsertAPIKey(auth.APIKey{ID: fmt.Sprint(n), Kind: auth.KindAPIKey, Tenant: uuid.UUID{1}})
		})
	}
	run(t, s, "PRAGMA writable_schema = ON")
	run(t, s, `UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'api_keys_id')
		WHERE name = 'pin_sessions_auth_time'`)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	d, err = open(t, path).Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Problems) == 0 || d.FileMode != 0o640 {
		t.Errorf("of a bad database: %+v", d)
	}
}

func TestEventsAreAppendOnly(t *testing.T) {
	t.Parallel()
	s := migrated(t, filepath.Join(t.TempDir(), "hydrapin.db"))
	exec := func(query string) error {
		_, err := s.Writer().ExecContext(t.Context(), query)
		return err
	}
	for _, row := range []string{
		"INSERT INTO pin_events (tenant_id, event_index, id, occurred_at, type, actor_kind, actor_id, leaf) VALUES ('t', 0, 'e', 1, 'pin.set', 'o', 'o', x'7b7d')",
		"INSERT INTO pin_events (tenant_id, event_index, id, occurred_at, type, actor_kind, actor_id, leaf) VALUES ('t', 1, 'f', 1, 'pin.set', 'o', 'o', x'7b7d')",
		"INSERT INTO pin_event_hashes VALUES ('t', 0, zeroblob(32))",
		"INSERT INTO pin_event_heads VALUES ('t', 1, 'h', 1, 1)",
	} {
		if err := exec(row); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range []string{"pin_events", "pin_event_hashes", "pin_event_heads"} {
		for _, query := range []string{
			"UPDATE " + table + " SET tenant_id = 'x'", "DELETE FROM " + table,
			"INSERT OR REPLACE INTO " + table + " SELECT * FROM " + table,
		} {
			if err := exec(query); err == nil {
				t.Errorf("%s: the trail was changed", query)
			}
		}
	}
	// The one event that may be deleted is one that was sealed.
	if err := exec("INSERT INTO pin_event_trees (tenant_id, size, head, latest_at, kept_at, sealed_size) VALUES ('t', 2, 'h', 1, 1, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := exec("DELETE FROM pin_events WHERE event_index = 1"); err == nil {
		t.Error("an event was deleted that is not sealed")
	}
	if err := exec("DELETE FROM pin_events WHERE event_index = 0"); err != nil {
		t.Errorf("an event that is sealed: %v", err)
	}
}

func TestErrorsHoldNoValues(t *testing.T) {
	t.Parallel()
	s := migrated(t, filepath.Join(t.TempDir(), "hydrapin.db"))
	const value = "v41u3"
	k := auth.APIKey{ID: value, Kind: auth.KindAPIKey, Tenant: uuid.UUID{1}, Name: value}
	insert := func(k auth.APIKey) error {
		return s.InTx(t.Context(), func(tx store.Tx) error {
			tx.InsertAPIKey(k)
			return nil
		})
	}
	if err := insert(k); err != nil {
		t.Fatal(err)
	}
	bad := k
	bad.ID, bad.Kind = value+"2", value
	for _, err := range []error{insert(k), insert(bad)} {
		if err == nil || strings.Contains(err.Error(), value) {
			t.Errorf("got %v", err)
		}
	}
}
