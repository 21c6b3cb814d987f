package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/pgtest"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
)

// A connection that is lost after the COMMIT was sent leaves its outcome unknown, both
// where it took effect and where it did not; the step does not run again. Lost before
// that, nothing happened, and it does.
func TestOutcomeOfALostConnection(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		when   pgtest.Moment
		at     string
		want   error
		runs   int
		stored bool
	}{
		"before the read":     {pgtest.BeforeServer, "LockNewPIN", nil, 2, true},
		"after the read":      {pgtest.AfterServer, "LockNewPIN", nil, 2, true},
		"before the commit":   {pgtest.BeforeServer, "SavePIN", store.ErrOutcomeUnknown, 1, false},
		"after the commit":    {pgtest.AfterServer, "SavePIN", store.ErrOutcomeUnknown, 1, true},
		"as nothing is there": {pgtest.BeforeServer, "no such statement", nil, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, url := fresh(t)
			proxy := pgtest.NewProxy(t, url)
			s := open(t, proxy.URL)
			runs := 0
			step := func(h pin.Holder) error {
				runs = 0
				return s.InTx(t.Context(), func(tx store.Tx) error {
					runs++
					tx.LockNewPIN(h, new(pin.Record))
					if err := tx.Fetch(t.Context()); err != nil {
						return err
					}
					tx.SavePIN(record(h, time.Now()))
					tx.Append(event(h.Tenant, time.Now()))
					return nil
				})
			}
			if err := step(customer()); err != nil { // the statements are prepared
				t.Fatal(err)
			}
			h := customer()
			proxy.Cut(test.when, test.at)
			err := step(h)
			if !errors.Is(err, test.want) || runs != test.runs {
				t.Errorf("after %d runs InTx = %v, want %v after %d", runs, err, test.want, test.runs)
			}
			if test.want != nil && !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("InTx = %v, want it to be ErrUnavailable too", err)
			}
			r, err := read(t.Context(), s, h)
			if err != nil || (r.ID != uuid.Nil) != test.stored {
				t.Errorf("PIN = %+v, %v; stored should be %t", r, err, test.stored)
			}
			if err := step(h); err != nil {
				t.Errorf("the next step: %v", err)
			}
		})
	}
}

// failing makes a write to pins, or its commit, fail a number of times with a code, as
// engines do that spread over machines.
func failing(t *testing.T, url, code, timing string, times int) {
	t.Helper()
	conn := connect(t, url)
	exec(t, conn, "CREATE SEQUENCE tries")
	exec(t, conn, `CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF nextval('tries') <= TG_ARGV[0]::bigint THEN
				RAISE EXCEPTION 'once more' USING ERRCODE = TG_ARGV[1];
			END IF;
			RETURN NULL;
		END $$`)
	sql := "CREATE CONSTRAINT TRIGGER conflict AFTER INSERT OR UPDATE ON pins " + timing + " FOR EACH ROW EXECUTE FUNCTION conflict("
	exec(t, conn, sql+quoted(times)+", '"+code+"')")
}

func quoted(n int) string { return "'" + string(rune('0'+n)) + "'" }

// A step runs again as often as five times when the server asks for it, at a statement
// and at the commit, and what it did before is undone.
func TestConflicts(t *testing.T) {
	t.Parallel()
	const now, atCommit = "NOT DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"
	for name, test := range map[string]struct {
		code, timing string
		times, runs  int
		want         error
	}{
		"serialization":            {"40001", now, 2, 3, nil},
		"deadlock":                 {"40P01", now, 5, 6, nil},
		"serialization, for ever":  {"40001", now, 9, 6, store.ErrUnavailable},
		"serialization, at commit": {"40001", atCommit, 3, 4, nil},
		"deadlock, at commit":      {"40P01", atCommit, 9, 6, store.ErrUnavailable},
		"unknown":                  {"40003", now, 1, 1, store.ErrOutcomeUnknown},
		"unknown, at commit":       {"40003", atCommit, 1, 1, store.ErrOutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, url := fresh(t)
			failing(t, url, test.code, test.timing, test.times)
			h, runs := customer(), 0
			err := s.InTx(t.Context(), func(tx store.Tx) error {
				runs++
				if err := tx.Fetch(t.Context()); err != nil {
					return err
				}
				tx.Append(event(h.Tenant, time.Now()))
				tx.SavePIN(record(h, time.Now()))
				return nil
			})
			if !errors.Is(err, test.want) || runs != test.runs {
				t.Errorf("after %d runs InTx = %v, want %v after %d", runs, err, test.want, test.runs)
			}
			want := 0
			if test.want == nil {
				want = 1
			}
			if n := scan[int](t, connect(t, url), "SELECT count(*) FROM pin_event_queue"); n != want {
				t.Errorf("%d events are there, want %d", n, want)
			}
		})
	}
}

// Two steps that lock two holders in opposite order: the server ends one, which runs
// again.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	s, _ := fresh(t)
	holders := []pin.Holder{customer(), customer()}
	for _, h := range holders {
		inTx(t, s, func(tx store.Tx) { tx.SavePIN(record(h, time.Now())) })
	}
	met := make(chan struct{}, 2)
	both := make(chan struct{})
	done := make(chan error, 2)
	for n := range holders {
		go func() {
			first := true
			done <- s.InTx(t.Context(), func(tx store.Tx) error {
				tx.LockPIN(holders[n], new(pin.Record))
				if err := tx.Fetch(t.Context()); err != nil {
					return err
				}
				if first {
					first = false
					met <- struct{}{}
					<-both
				}
				var r pin.Record
				tx.LockPIN(holders[1-n], &r)
				if err := tx.Fetch(t.Context()); err != nil {
					return err
				}
				r.Failures++
				tx.SavePIN(r)
				return nil
			})
		}()
	}
	<-met
	<-met
	close(both)
	for range holders {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	for _, h := range holders {
		if r, err := read(t.Context(), s, h); err != nil || r.Failures != 1 {
			t.Errorf("PIN = %+v, %v", r, err)
		}
	}
}
