package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

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
		take   func(t *testing.T, w world, tx store.Tx)
	}
	seen := func(sql string) func(world) (string, []any) {
		return func(w world) (string, []any) { return sql, []any{w.holder.ID} }
	}
	pinOf := func(t *testing.T, tx store.Tx, lock func(into *pin.Record)) pin.Record {
		t.Helper()
		var r pin.Record
		lock(&r)
		fetch(t, tx)
		return r
	}
	takePin := func(t *testing.T, w world, tx store.Tx) {
		t.Helper()
		if r := pinOf(t, tx, func(r *pin.Record) { tx.LockPIN(w.holder, r) }); r.ID == uuid.Nil {
			t.Error("LockPIN found no PIN")
		}
	}
	takeNew := func(t *testing.T, w world, tx store.Tx) {
		t.Helper()
		if r := pinOf(t, tx, func(r *pin.Record) { tx.LockNewPIN(w.unseen, r) }); r != (pin.Record{Holder: w.unseen}) {
			t.Errorf("LockNewPIN = %+v", r)
		}
	}
	unseen := func(sql string) func(world) (string, []any) {
		return func(w world) (string, []any) { return sql, []any{w.unseen.ID, w.unseen.Tenant} }
	}
	for name, st := range map[string]story{
		"LockPIN":        {hold: seen(lockPin), take: takePin},
		"LockPIN update": {hold: seen("UPDATE pins SET failures = 3 WHERE holder_id = $1"), commit: true, take: takePin},
		"LockPIN of a deleted": {
			hold: seen("DELETE FROM pins WHERE holder_id = $1"), commit: true,
			take: func(t *testing.T, w world, tx store.Tx) {
				t.Helper()
				fetch(t, tx) // a time from before the wait must not be given out after it
				if r := pinOf(t, tx, func(r *pin.Record) { tx.LockPIN(w.holder, r) }); r != (pin.Record{Holder: w.holder}) {
					t.Errorf("LockPIN = %+v", r)
				}
			},
		},
		"LockNewPIN seen": {hold: seen(lockPin), take: func(t *testing.T, w world, tx store.Tx) {
			t.Helper()
			if r := pinOf(t, tx, func(r *pin.Record) { tx.LockNewPIN(w.holder, r) }); r.ID == uuid.Nil {
				t.Error("LockNewPIN found no PIN")
			}
		}},
		"LockNewPIN updated": {
			hold: seen("UPDATE pins SET failures = 3 WHERE holder_id = $1"), commit: true,
			take: func(t *testing.T, w world, tx store.Tx) {
				t.Helper()
				if r := pinOf(t, tx, func(r *pin.Record) { tx.LockNewPIN(w.holder, r) }); r.Failures != 3 {
					t.Errorf("LockNewPIN = %+v", r)
				}
			},
		},
		"LockNewPIN deleted": {
			hold: seen("DELETE FROM pins WHERE holder_id = $1"), commit: true,
			take: func(t *testing.T, w world, tx store.Tx) {
				t.Helper()
				if r := pinOf(t, tx, func(r *pin.Record) { tx.LockNewPIN(w.holder, r) }); r != (pin.Record{Holder: w.holder}) {
					t.Errorf("LockNewPIN = %+v", r)
				}
			},
		},
		"LockNewPIN unseen, rolled back": {hold: unseen(insertPin), take: takeNew},
		"LockNewPIN unseen, committed":   {hold: unseen(insertPin), commit: true, take: takeNew},
		"LockPolicy": {
			hold: func(w world) (string, []any) { return lockPolicy, []any{w.policy.Instance} },
			take: func(t *testing.T, w world, tx store.Tx) {
				t.Helper()
				var p policy.Policy
				tx.LockPolicy(w.policy.Of(), &p)
				if fetch(t, tx); p.Version != w.policy.Version {
					t.Errorf("LockPolicy = %+v", p)
				}
			},
		},
		"LockPolicy unseen": {
			hold: func(w world) (string, []any) {
				return "INSERT INTO pin_policies (tenant_id, instance_id) VALUES ($1, $1)", []any{w.holder.ID}
			},
			take: func(t *testing.T, w world, tx store.Tx) {
				t.Helper()
				var p policy.Policy
				tx.LockPolicy(policy.Instance{Tenant: w.holder.ID, ID: w.holder.ID}, &p)
				if fetch(t, tx); p.Version != 0 || p.AppliesTo != policy.AppliesToAll {
					t.Errorf("LockPolicy = %+v", p)
				}
			},
		},
		"LockConfirmation": {
			hold: func(w world) (string, []any) { return lockConf, []any{w.confirmation.ID} },
			take: func(t *testing.T, w world, tx store.Tx) {
				t.Helper()
				tx.LockConfirmation(w.confirmation.Ref(), new(confirmation.Confirmation))
				fetch(t, tx)
			},
		},
		"LockOpenConfirmations": {
			hold: func(w world) (string, []any) { return lockConf, []any{w.confirmation.ID} },
			take: func(t *testing.T, w world, tx store.Tx) {
				t.Helper()
				var open []confirmation.Confirmation
				tx.LockOpenConfirmations(w.holder, uuid.Nil, &open)
				if fetch(t, tx); len(open) != 1 {
					t.Errorf("LockOpenConfirmations = %v", open)
				}
			},
		},
		"LockOpenConfirmations, ended meanwhile": {
			hold: func(w world) (string, []any) {
				return "UPDATE confirmations SET status = 'expired', ended_at = now() WHERE id = $1", []any{w.confirmation.ID}
			},
			commit: true,
			take: func(t *testing.T, w world, tx store.Tx) {
				t.Helper()
				var open []confirmation.Confirmation
				tx.LockOpenConfirmations(w.holder, uuid.Nil, &open)
				if fetch(t, tx); len(open) != 0 {
					t.Errorf("LockOpenConfirmations = %v", open)
				}
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
				done <- s.InTx(t.Context(), func(tx store.Tx) error {
					st.take(t, w, tx)
					now = tx.Now()
					return nil
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
	inTx(t, s, func(tx store.Tx) {
		tx.SavePolicy(w.policy)
		tx.SavePIN(record(w.holder, now))
		tx.InsertConfirmation(w.confirmation)
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
	go func() {
		first <- s.InTx(t.Context(), func(tx store.Tx) error {
			tx.LockNewPIN(h, new(pin.Record))
			if err := tx.Fetch(t.Context()); err != nil {
				return err
			}
			close(locked)
			<-release
			tx.SavePIN(record(h, time.Now()))
			return nil
		})
	}()
	<-locked
	go func() {
		second <- s.InTx(t.Context(), func(tx store.Tx) error {
			tx.LockNewPIN(h, &found)
			return tx.Fetch(t.Context())
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
				tx.LockPIN(w.holder, new(pin.Record))
				return tx.Fetch(t.Context())
			})
		}()
	}
	until(t, "six of eight connections wait", func() bool { return waiting(t, watcher) == 6 })
	for range 10 {
		if _, err := read(t.Context(), s, w.holder); err != nil {
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
