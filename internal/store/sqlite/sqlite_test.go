package sqlite_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/store/sqlite"
	"github.com/hydracore/hydrapin/internal/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store {
		t.Helper()
		return migrated(t, filepath.Join(t.TempDir(), "hydrapin.db"))
	})
}

// open opens a database that the test closes at its end.
func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func migrated(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s := open(t, path)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatalf("Migrate: %v", err)
	}
	return s
}

// inTx runs fn in a transaction that must be committed.
func inTx(t *testing.T, s store.Store, fn func(tx store.Tx)) {
	t.Helper()
	if err := s.InTx(t.Context(), func(tx store.Tx) error { fn(tx); return nil }); err != nil {
		t.Fatalf("transaction: %v", err)
	}
}

// event is an event of the first tenant, with a request id that makes it as long as is
// asked for.
func event(length int) audit.Event {
	return audit.Event{
		ID: uuid.New(), Time: time.Unix(1, 0), Tenant: uuid.UUID{1}, Details: audit.PINSet{},
		RequestID: strings.Repeat("x", length),
	}
}
