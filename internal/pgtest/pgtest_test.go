package pgtest_test

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hydracore/hydrapin/internal/pgtest"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func makeThing(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `CREATE TABLE thing (id int)`); err != nil {
		return err
	}
	return conn.Close(ctx)
}

func countThings(t *testing.T, url string) int {
	t.Helper()
	var n int
	if err := connect(t, url).QueryRow(t.Context(), `SELECT count(*) FROM thing`).Scan(&n); err != nil {
		t.Fatalf("count: %v", err)
	}
	return n
}

func TestNewGivesEachTestItsOwnMigratedDatabase(t *testing.T) {
	t.Parallel()
	first, second := pgtest.New(t, makeThing), pgtest.New(t, makeThing)
	if _, err := connect(t, first).Exec(t.Context(), `INSERT INTO thing VALUES (1)`); err != nil {
		t.Fatalf("insert: %v", err)
	}
	if got := countThings(t, first); got != 1 {
		t.Errorf("the first database has %d rows, want 1", got)
	}
	if got := countThings(t, second); got != 0 {
		t.Errorf("the second database has %d rows, want 0", got)
	}
}

func TestEmptyHasNoTables(t *testing.T) {
	t.Parallel()
	var tables int
	err := connect(t, pgtest.Empty(t)).QueryRow(t.Context(),
		`SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`).Scan(&tables)
	if err != nil || tables != 0 {
		t.Errorf("tables = %d, %v; want none", tables, err)
	}
}

func TestOwnKeepsItsDataOverARestart(t *testing.T) {
	t.Parallel()
	own := pgtest.StartOwn(t)
	if err := makeThing(t.Context(), own.URL); err != nil {
		t.Fatalf("make: %v", err)
	}
	open := connect(t, own.URL)

	own.Stop()
	if err := open.Ping(t.Context()); err == nil {
		t.Error("a connection outlived the server")
	}
	if conn, err := pgx.Connect(t.Context(), own.URL); err == nil {
		_ = conn.Close(t.Context())
		t.Error("a stopped server took a connection")
	}

	own.Start()
	if got := countThings(t, own.URL); got != 0 {
		t.Errorf("rows = %d, want an empty table", got)
	}
}

// TestServerEndsWithItsProcess kills a process that started a server, with the
// signal that leaves it no time to clean up.
func TestServerEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	const asChild = "PGTEST_CHILD"
	if os.Getenv(asChild) != "" {
		own := pgtest.StartOwn(t)
		conn := connect(t, own.URL)
		var dir string
		if err := conn.QueryRow(t.Context(), `SHOW data_directory`).Scan(&dir); err != nil {
			t.Fatalf("ask: %v", err)
		}
		// The parent reads it from here, then this process does not come back.
		if _, err := os.Stdout.WriteString(dir + "\n"); err != nil {
			t.Fatalf("tell: %v", err)
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			t.Fatalf("kill: %v", err)
		}
		select {}
	}

	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServerEndsWithItsProcess$")
	child.Env = append(os.Environ(), asChild+"=1")
	out, err := child.Output()
	if err == nil {
		t.Fatalf("the child lived: %s", out)
	}
	dir := strings.TrimSpace(string(out))
	if !strings.HasPrefix(dir, "/") {
		t.Fatalf("the child said %q, want a directory", out)
	}
	deadline := time.After(30 * time.Second)
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			tick.Stop()
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			pid, _ := os.ReadFile(dir + "/postmaster.pid")
			t.Fatalf("%s is still there; the server's process: %s", dir, strconv.Quote(string(pid)))
		}
	}
}

func TestNoBinariesSaysWhatToDo(t *testing.T) {
	t.Parallel()
	if text := pgtest.ErrNoBinaries.Error(); !strings.Contains(text, "apt-get install postgresql") {
		t.Errorf("the error does not name the command: %s", text)
	}
}
