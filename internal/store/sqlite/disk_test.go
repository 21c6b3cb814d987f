package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/store/sqlite"
)

// diskEnv is set for a process that fills a file that may not grow.
const diskEnv = "HYDRAPIN_TEST_SQLITE_DISK"

// While writes fail for want of the disk a ping fails too, and says so; it recovers
// with the disk. The process has its own limit for the size of files, so it is another.
func TestPingOfAFullDisk(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), diskEnv+"="+filepath.Join(t.TempDir(), "hydrapin.db"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// fillDisk is that process.
func fillDisk(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	ctx := context.Background()
	s, err := sqlite.Open(ctx, sqlite.Config{Path: path})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if err := errors.Join(s.Migrate(ctx), s.Ping(ctx)); err != nil {
		return err
	}
	var all syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &all); err != nil {
		return err
	}
	// Room for what is there, and a little.
	info, err := os.Stat(path + "-wal")
	if err != nil {
		return err
	}
	full := syscall.Rlimit{Cur: uint64(info.Size()) + 100_000, Max: all.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		return err
	}
	for err = nil; err == nil; {
		err = s.InTx(ctx, func(tx store.Tx) error {
			tx.Append(event(10_000))
			return nil
		})
	}
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "disk") {
		return fmt.Errorf("a write to a full disk: %w", err)
	}
	if err := s.Ping(ctx); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "disk") {
		return fmt.Errorf("Ping of a full disk: %w", err)
	}
	if err := s.Reads().Fetch(ctx); err != nil {
		return fmt.Errorf("a read on a full disk: %w", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &all); err != nil {
		return err
	}
	for began := time.Now(); s.Ping(ctx) != nil; {
		if time.Since(began) > 20*time.Second {
			return fmt.Errorf("with room again: %w", s.Ping(ctx))
		}
	}
	return appendEvent(ctx, s)
}

// After a long read the log is cut, once nobody needs it.
func TestLogIsCutWhenIdle(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hydrapin.db")
	s := migrated(t, path)
	length := func() int64 {
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	long, err := s.Readers().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = long.Close() }()
	reader := func(sql string) {
		t.Helper()
		if _, err := long.ExecContext(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	reader("BEGIN DEFERRED")
	var n int
	if err := long.QueryRowContext(t.Context(), "SELECT count(*) FROM pins").Scan(&n); err != nil {
		t.Fatal(err)
	}
	for length() < 8<<20 {
		inTx(t, s, func(tx store.Tx) { tx.Append(event(1 << 20)) })
	}
	reader("ROLLBACK")
	for began := time.Now(); length() > 0; {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("the log is still %d bytes long", length())
		}
	}
}
