package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/store/sqlite"
)

// A test binary that finds childEnv set is a second process on the database of
// that path and does nothing else.
const (
	childEnv  = "HYDRAPIN_TEST_SQLITE_CHILD"
	eventsEnv = "HYDRAPIN_TEST_SQLITE_EVENTS"
)

func TestMain(m *testing.M) {
	run, path := beChild, os.Getenv(childEnv)
	if disk := os.Getenv(diskEnv); disk != "" {
		run, path = fillDisk, disk
	}
	if path == "" {
		os.Exit(m.Run())
	}
	if err := run(path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// beChild migrates, says so, and appends events when it is told to go.
func beChild(path string) error {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, sqlite.Config{Path: path})
	if err != nil {
		return fmt.Errorf("Open: %w", err)
	}
	if err := s.Migrate(ctx); err != nil {
		return fmt.Errorf("Migrate: %w", err)
	}
	n, err := strconv.Atoi(os.Getenv(eventsEnv))
	if err != nil {
		return err
	}
	for range n {
		if err := appendEvent(ctx, s); err != nil {
			return err
		}
	}
	return s.Close()
}

func appendEvent(ctx context.Context, s store.Store) error {
	return s.InTx(ctx, func(tx store.Tx) error {
		tx.Append(event(0))
		return nil
	})
}

// child is a second process.
type child struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
}

func startChild(t *testing.T, path string, events int) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.CommandContext(t.Context(), self)}
	c.cmd.Env = append(os.Environ(), childEnv+"="+path, eventsEnv+"="+strconv.Itoa(events))
	c.cmd.Stderr = &c.stderr
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *child) wait(t *testing.T) {
	t.Helper()
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("second process: %v: %s", err, c.stderr.String())
	}
}
