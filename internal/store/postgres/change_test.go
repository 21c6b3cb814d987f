package postgres_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
)

// While writes fail for want of the disk a ping fails too, and says so; it recovers
// with the disk.
func TestPingOfAFullDisk(t *testing.T) {
	t.Parallel()
	s, url := fresh(t)
	conn := connect(t, url)
	exec(t, conn, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$`)
	// A small change fits, as it does into a page that is there.
	for _, on := range []string{"INSERT ON pins FOR EACH ROW", "UPDATE ON write_probes FOR EACH ROW WHEN (NEW.filler IS NOT NULL)"} {
		exec(t, conn, "CREATE TRIGGER full_disk BEFORE "+on+" EXECUTE FUNCTION full_disk()")
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"InTx": save(t.Context(), s, record(customer(), time.Now())), "Ping": s.Ping(t.Context()),
	} {
		if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "disk") {
			t.Errorf("%s with a full disk = %v", what, err)
		}
	}
	for range 20 {
		if s.Ping(t.Context()) == nil {
			t.Fatal("Ping recovered by itself")
		}
	}
	exec(t, conn, "DROP FUNCTION full_disk CASCADE")
	until(t, "Ping recovers", func() bool { return s.Ping(t.Context()) == nil })
	if err := save(t.Context(), s, record(customer(), time.Now())); err != nil {
		t.Error(err)
	}
}

// A column whose type changed beside a running server makes prepared statements stale:
// they are prepared again, and nobody notices. What cannot be read by this program any
// more is unavailable, as it may be by the next.
func TestChangedColumn(t *testing.T) {
	t.Parallel()
	s, url := fresh(t)
	conn := connect(t, url)
	w := furnish(t, s)
	step := func() error {
		return s.InTx(t.Context(), func(tx store.Tx) error {
			var r pin.Record
			tx.LockPIN(w.holder, &r)
			if err := tx.Fetch(t.Context()); err != nil {
				return err
			}
			r.Failures++
			tx.SavePIN(r)
			return nil
		})
	}
	both := func() error {
		_, err := read(t.Context(), s, w.holder)
		return errors.Join(err, step())
	}
	// Every connection of the pool prepares.
	for range 3 {
		var together sync.WaitGroup
		for range 16 {
			together.Go(func() {
				if err := both(); err != nil {
					t.Error(err)
				}
			})
		}
		together.Wait()
	}
	for _, change := range []string{
		"ALTER TABLE pins ALTER COLUMN failures TYPE bigint",
		"ALTER TABLE pins ALTER COLUMN hash TYPE varchar(200)",
		"ALTER TABLE pins ALTER COLUMN failures TYPE integer",
	} {
		exec(t, conn, change)
		for range 20 {
			if err := both(); err != nil {
				t.Fatalf("after %s: %v", change, err)
			}
		}
	}
	exec(t, conn, "ALTER TABLE pins ALTER COLUMN locked_until TYPE bigint USING 7")
	for range 3 {
		if err := both(); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("a time that is a number: %v", err)
		}
	}
	exec(t, conn, "ALTER TABLE pins DROP COLUMN counts_from")
	for range 3 {
		if err := both(); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("a column that is gone: %v", err)
		}
	}
}
