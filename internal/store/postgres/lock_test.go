package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// world is what a test of locks finds stored.
type world struct {
	holder       pin.Holder
	unseen       pin.Holder
	policy       policy.Policy
	confirmation confirmation.Confirmation
}

// The time of a transaction is read after the lock that it waited for, however
// the lock was held and let go: a lock that changed nothing too, and a row that
// was inserted or deleted meanwhile.
func TestNowIsReadAfterTheLock(t *testing.T) {
	t.Parallel()
	const (
		lockPin    = "SELECT 1 FROM pins WHERE holder_id = $1 FOR UPDATE"
		insertPin  = "INSERT INTO pins (tenant_id, holder_id, holder_type, instance_id) SELECT $2, $1, 'customer', '00000000-0000-0000-0000-000000000000'"
		lockPolicy = "SELECT 1 FROM pin_policies WHERE instance_id = $1 FOR UPDATE"
		lockConf   = "SELECT 1 FROM confirmations WHERE id = $1 FOR UPDATE"
	)
	type story struct {
		hold   func(w world) (sql string, args []any)
		commit bool
		take   func(t *testing.T, w world, tx store.Tx) error
	}
	seen := func(sql string) func(world) (string, []any) {
		return func(w world) (string, []any) { return sql, []any{w.holder.ID} }
	}
	takePin := func(t *testing.T, w world, tx store.Tx) error {
		r, err := tx.LockPin(t.Context(), w.holder)
		if err == nil && r.ID == uuid.Nil {
			t.Error("LockPin found no PIN")
		}
		return err
	}
	takeNew := func(t *testing.T, w world, tx store.Tx) error {
		r, err := tx.LockNewPin(t.Context(), w.unseen)
		if r != (pin.Record{Holder: w.unseen}) {
			t.Errorf("LockNewPin = %+v", r)
		}
		return err
	}
	unseen := func(sql string) func(world) (string, []any) {
		return func(w world) (string, []any) { return sql, []any{w.unseen.ID, w.unseen.Tenant} }
	}
	for name, st := range map[string]story{
		"LockPin":        {hold: seen(lockPin), take: takePin},
		"LockPin update": {hold: seen("UPDATE pins SET failures = 3 WHERE holder_id = $1"), commit: true, take: takePin},
		"LockPin of a deleted": {
			hold: seen("DELETE FROM pins WHERE holder_id = $1"), commit: true,
			take: func(t *testing.T, w world, tx store.Tx) error {
				// A time from before the wait must not be given out after it.
				if _, err := tx.Now(t.Context()); err != nil {
					return err
				}
				r, err := tx.LockPin(t.Context(), w.holder)
				if r != (pin.Record{Holder: w.holder}) {
					t.Errorf("LockPin = %+v", r)
				}
				return err
			},
		},
		"LockNewPin seen": {hold: seen(lockPin), take: func(t *testing.T, w world, tx store.Tx) error {
			_, err := tx.LockNewPin(t.Context(), w.holder)
			return err
		}},
		"LockNewPin deleted": {
			hold: seen("DELETE FROM pins WHERE holder_id = $1"), commit: true,
			take: func(t *testing.T, w world, tx store.Tx) error {
				r, err := tx.LockNewPin(t.Context(), w.holder)
				if r != (pin.Record{Holder: w.holder}) {
					t.Errorf("LockNewPin = %+v", r)
				}
				return err
			},
		},
		"LockNewPin unseen, rolled back": {hold: unseen(insertPin), take: takeNew},
		"LockNewPin unseen, committed":   {hold: unseen(insertPin), commit: true, take: takeNew},
		"LockPolicy": {
			hold: func(w world) (string, []any) { return lockPolicy, []any{w.policy.Instance} },
			take: func(t *testing.T, w world, tx store.Tx) error {
				p, err := tx.LockPolicy(t.Context(), w.policy.Tenant, w.policy.Instance)
				if p.Version != w.policy.Version {
					t.Errorf("LockPolicy = %+v", p)
				}
				return err
			},
		},
		"LockPolicy unseen": {
			hold: func(w world) (string, []any) {
				return "INSERT INTO pin_policies (tenant_id, instance_id) VALUES ($1, $1)", []any{w.holder.ID}
			},
			take: func(t *testing.T, w world, tx store.Tx) error {
				p, err := tx.LockPolicy(t.Context(), w.holder.ID, w.holder.ID)
				if p.Version != 0 || p.AppliesTo != policy.AppliesToAll {
					t.Errorf("LockPolicy = %+v", p)
				}
				return err
			},
		},
		"LockConfirmation": {
			hold: func(w world) (string, []any) { return lockConf, []any{w.confirmation.ID} },
			take: func(t *testing.T, w world, tx store.Tx) error {
				_, err := tx.LockConfirmation(t.Context(), w.holder.Tenant, w.confirmation.Instance, w.confirmation.ID)
				return err
			},
		},
		"LockOpenConfirmations": {
			hold: func(w world) (string, []any) { return lockConf, []any{w.confirmation.ID} },
			take: func(t *testing.T, w world, tx store.Tx) error {
				open, err := tx.LockOpenConfirmations(t.Context(), w.holder, uuid.Nil)
				if len(open) != 1 {
					t.Errorf("LockOpenConfirmations = %v", open)
				}
				return err
			},
		},
		"LockOpenConfirmations, ended meanwhile": {
			hold: func(w world) (string, []any) {
				return "UPDATE confirmations SET status = 'expired', ended_at = now() WHERE id = $1", []any{w.confirmation.ID}
			},
			commit: true,
			take: func(t *testing.T, w world, tx store.Tx) error {
				open, err := tx.LockOpenConfirmations(t.Context(), w.holder, uuid.Nil)
				if len(open) != 0 {
					t.Errorf("LockOpenConfirmations = %v", open)
				}
				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, url := fresh(t)
			w := furnish(t, s)
			holder, watcher := connect(t, url), connect(t, url)
			held, err := holder.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			sql, args := st.hold(w)
			exec(t, holder, sql, args...)

			var now time.Time
			done := make(chan error, 1)
			go func() {
				done <- s.InTx(t.Context(), func(tx store.Tx) (err error) {
					if err := st.take(t, w, tx); err != nil {
						return err
					}
					if now, err = tx.Now(t.Context()); err != nil {
						return err
					}
					return tx.Append(t.Context(), audit.Event{Tenant: w.holder.Tenant, Type: audit.PINAttempted})
				})
			}()
			until(t, "the store waits for the lock", func() bool { return waiting(t, watcher) == 1 })
			released := scan[time.Time](t, holder, "SELECT clock_timestamp() FROM pg_sleep(0.3)")
			finish := held.Rollback
			if st.commit {
				finish = held.Commit
			}
			if err := finish(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if !now.After(released) {
				t.Errorf("Now() is %v before the lock was free", released.Sub(now))
			}
			events, err := s.Events(t.Context(), audit.Filter{Tenant: w.holder.Tenant, Limit: 10})
			if err != nil || len(events) != 1 || !events[0].Time.Equal(now) {
				t.Errorf("Events = %+v, %v; Now was %v", events, err, now)
			}
		})
	}
}

// furnish stores a PIN, a policy and a confirmation.
func furnish(t *testing.T, s store.Store) world {
	t.Helper()
	now := time.Now()
	w := world{holder: customer(), unseen: customer()}
	w.policy = policy.Default(uuid.New(), uuid.New())
	w.policy.Version = 7
	w.confirmation = pending(w.holder, now)
	inTx(t, s, func(tx store.Tx) error {
		if err := tx.SavePolicy(t.Context(), w.policy); err != nil {
			return err
		}
		if err := tx.SavePin(t.Context(), record(w.holder, now), "p1"); err != nil {
			return err
		}
		_, err := tx.InsertConfirmation(t.Context(), w.confirmation)
		return err
	})
	return w
}

// Two that set the first PIN of a holder do so one after the other.
func TestLockNewPinExcludes(t *testing.T) {
	t.Parallel()
	s, url := fresh(t)
	watcher := connect(t, url)
	h := customer()
	locked, release := make(chan struct{}), make(chan struct{})
	first, second := make(chan error, 1), make(chan error, 1)
	var found pin.Record
	set := func(tx store.Tx) error { return tx.SavePin(t.Context(), record(h, time.Now()), "p1") }
	go func() {
		first <- s.InTx(t.Context(), func(tx store.Tx) error {
			if _, err := tx.LockNewPin(t.Context(), h); err != nil {
				return err
			}
			close(locked)
			<-release
			return set(tx)
		})
	}()
	<-locked
	go func() {
		second <- s.InTx(t.Context(), func(tx store.Tx) (err error) {
			found, err = tx.LockNewPin(t.Context(), h)
			return err
		})
	}()
	until(t, "the second waits", func() bool { return waiting(t, watcher) == 1 })
	close(release)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	if err := <-second; err != nil {
		t.Fatal(err)
	}
	if found.ID == uuid.Nil {
		t.Error("the second did not see what the first had set")
	}
}

// Transactions that wait for one row leave connections for reads.
func TestReadsBesideWaitingTransactions(t *testing.T) {
	t.Parallel()
	s, url := fresh(t)
	w := furnish(t, s)
	holder, watcher := connect(t, url), connect(t, url)
	held, err := holder.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	exec(t, holder, "SELECT 1 FROM pins FOR UPDATE")
	const many = 40
	done := make(chan error, many)
	for range many {
		go func() {
			done <- s.InTx(t.Context(), func(tx store.Tx) error {
				_, err := tx.LockPin(t.Context(), w.holder)
				return err
			})
		}()
	}
	until(t, "six of eight connections wait", func() bool { return waiting(t, watcher) == 6 })
	for range 10 {
		if _, _, err := s.Pin(t.Context(), w.holder); err != nil {
			t.Fatal(err)
		}
	}
	if err := held.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range many {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
