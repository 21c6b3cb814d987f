package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hydracore/hydrapin/internal/pgtest"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
)

// A standby that was promoted is written to within a second, by every writer, whoever
// was in the middle of what.
func TestFailover(t *testing.T) {
	t.Parallel()
	for round := range 3 {
		pair := pgtest.StartPair(t)
		if err := migrate(t.Context(), pair.URL); err != nil {
			t.Fatal(err)
		}
		failOver(t, pair, round)
	}
}

func failOver(t *testing.T, pair *pgtest.Pair, round int) {
	t.Helper()
	const writers = 12
	s := open(t, pair.URL)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var (
		mu       sync.Mutex
		promoted time.Time
		first    = map[int]time.Duration{}
		group    sync.WaitGroup
	)
	for n := range writers {
		h := customer()
		group.Go(func() {
			for ctx.Err() == nil {
				err := s.InTx(ctx, func(tx store.Tx) error {
					var r pin.Record
					tx.LockNewPIN(h, &r)
					if err := tx.Fetch(ctx); err != nil {
						return err
					}
					tx.SavePIN(record(h, time.Now()))
					tx.Append(event(h.Tenant, time.Now()))
					return nil
				})
				mu.Lock()
				if err == nil && !promoted.IsZero() && first[n] == 0 {
					first[n] = time.Since(promoted)
				}
				mu.Unlock()
				if err != nil {
					select { // as a client that asks again
					case <-time.After(20 * time.Millisecond):
					case <-ctx.Done():
					}
				}
			}
		})
	}
	until(t, "all write", func() bool {
		return scan[int](t, connect(t, pair.Primary.URL), "SELECT count(DISTINCT tenant_id) FROM pin_event_queue") == writers
	})
	pair.Primary.Kill()
	<-time.After(time.Duration(round) * 400 * time.Millisecond) // whoever promotes takes its time
	pair.Promote()
	// The standby takes writes when it says so and a bare connection succeeds.
	until(t, "the standby takes writes", func() bool {
		conn, err := pgx.Connect(ctx, pair.Standby.URL)
		if err != nil {
			return false
		}
		defer func() { _ = conn.Close(ctx) }()
		_, err = conn.Exec(ctx, "UPDATE write_probes SET probed_at = now()")
		return err == nil
	})
	mu.Lock()
	promoted = time.Now()
	mu.Unlock()
	until(t, "all write again", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(first) == writers
	})
	stop()
	group.Wait()
	for n, gap := range first {
		if gap > time.Second {
			t.Errorf("round %d: writer %d was back after %v", round, n, gap)
		}
	}
	t.Logf("round %d: %v", round, first)
}
