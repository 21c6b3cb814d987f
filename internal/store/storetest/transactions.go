package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// checkID is the check value that the tests speak of.
func checkID() store.CheckID { return store.CheckID{Kind: store.CheckPepper, ID: "a"} }

// everything writes into every table.
func everything(tx store.Tx) {
	p := policy.Default(tenant(1), instance(1))
	p.Version = 1
	tx.SavePolicy(p)
	tx.SavePIN(setPIN(customer(1), 1))
	tx.InsertAttempt(attempt(customer(1), 1))
	tx.SaveSession(session(customer(1), instance(1), 1))
	tx.InsertConfirmation(ask(customer(1), instance(1), 1))
	tx.InsertAPIKey(key(tenant(1), 1))
	tx.InsertKeyCheck(checkID(), []byte{1})
	tx.Append(event(tenant(1), 1))
}

// saved counts in how many tables everything is found.
func saved(t *testing.T, s store.Store) int {
	t.Helper()
	n := 0
	count := func(there bool) {
		if there {
			n++
		}
	}
	count(policyOf(t, s, on(1)).Version == 1)
	count(pinOf(t, s, customer(1)) == setPIN(customer(1), 1))
	count(len(sessionsOf(t, s, customer(1), instance(1))) == 1)
	r, c := s.Reads(), ask(customer(1), instance(1), 1)
	r.Confirmation(c.Ref(), new(confirmation.Confirmation))
	count(r.Fetch(t.Context()) == nil)
	count(len(must(s.APIKeys(t.Context(), tenant(1)))(t)) == 1)
	count(len(must(s.KeyChecks(t.Context()))(t)) == 1)
	count(len(events(t, s, audit.Filter{Tenant: tenant(1), Limit: 10})) == 1)
	if err := s.InTx(t.Context(), func(tx store.Tx) error {
		count(get(t, tx, func(into *pin.Attempt) { tx.LockAttempt(tenant(1), id('a', 1), into) }).ID == id('a', 1))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

const tables = 8

func testRollback(t *testing.T, s store.Store) {
	wanted := errors.New("the caller's own")
	err := s.InTx(t.Context(), func(tx store.Tx) error {
		fetch(t, tx)
		everything(tx)
		return wanted
	})
	if err != wanted { //nolint:errorlint // it has to come back as it is
		t.Errorf("got %v, want the caller's own error", err)
	}
	equal(t, "saved after a rollback", saved(t, s), 0)
	inTx(t, s, everything)
	equal(t, "saved after a commit", saved(t, s), tables)
}

func testPanic(t *testing.T, s store.Store) {
	func() {
		defer func() { equal(t, "what was recovered", recover(), any("as it is")) }()
		_ = s.InTx(t.Context(), func(tx store.Tx) error {
			fetch(t, tx)
			everything(tx)
			panic("as it is")
		})
	}()
	equal(t, "saved after a panic", saved(t, s), 0)
	inTx(t, s, everything)
	equal(t, "saved after the next", saved(t, s), tables)
}

// testIsolated also says that a reader waits for no writer.
func testIsolated(t *testing.T, s store.Store) {
	inTx(t, s, func(tx store.Tx) {
		tx.LockPolicy(on(1), new(policy.Policy))
		tx.LockNewPIN(customer(1), new(pin.Record))
		fetch(t, tx)
		everything(tx)
		equal(t, "PIN seen outside before the commit", pinOf(t, s, customer(1)), pin.Record{Holder: customer(1)})
		equal(t, "policy seen outside before the commit", policyOf(t, s, on(1)).Version, int64(0))
	})
	equal(t, "seen outside after the commit", saved(t, s), tables)
}

// testTakenKey says that a transaction cannot be committed in part: neither what was
// queued before the insert nor what was queued after it, nor its event.
func testTakenKey(t *testing.T, s store.Store) {
	first := ask(customer(2), instance(1), 2)
	first.IdempotencyKey = "key"
	inTx(t, s, func(tx store.Tx) {
		tx.InsertAPIKey(key(tenant(2), 1))
		tx.InsertKeyCheck(checkID(), []byte{0})
		tx.InsertAttempt(attempt(customer(2), 2))
		tx.InsertConfirmation(first)
	})
	again := ask(customer(1), instance(1), 3)
	again.IdempotencyKey = "key"
	for what, insert := range map[string]func(tx store.Tx){
		"api key":         func(tx store.Tx) { tx.InsertAPIKey(key(tenant(2), 1)) },
		"check":           func(tx store.Tx) { tx.InsertKeyCheck(checkID(), []byte{2}) },
		"attempt":         func(tx store.Tx) { tx.InsertAttempt(attempt(customer(2), 2)) },
		"idempotency key": func(tx store.Tx) { tx.InsertConfirmation(again) },
		"confirmation":    func(tx store.Tx) { tx.InsertConfirmation(ask(customer(1), instance(1), 2)) },
	} {
		refused(t, s, store.ErrKeyTaken, func(tx store.Tx) {
			fetch(t, tx)
			tx.Append(event(tenant(1), 1))
			tx.SavePIN(setPIN(customer(1), 1))
			insert(tx)
			tx.SavePIN(setPIN(customer(3), 3))
		})
		for _, h := range []pin.Holder{customer(1), customer(3)} {
			equal(t, "PIN beside a taken "+what, pinOf(t, s, h), pin.Record{Holder: h})
		}
		equal(t, "events beside a taken "+what, len(events(t, s, audit.Filter{Tenant: tenant(1), Limit: 9})), 0)
	}
	equal(t, "check", must(s.KeyChecks(t.Context()))(t)[checkID()], []byte{0})
	equal(t, "confirmation", read(t, s, first), first)
}

// testNotFoundIsAnAnswer says that what was not found fails nothing.
func testNotFoundIsAnAnswer(t *testing.T, s store.Store) {
	inTx(t, s, func(tx store.Tx) {
		c := ask(customer(1), instance(1), 1)
		var got pin.Record
		tx.LockConfirmation(c.Ref(), new(confirmation.Confirmation))
		tx.PIN(customer(1), &got)
		missing(t, "LockConfirmation", tx)
		equal(t, "what was read beside it", got, pin.Record{Holder: customer(1)})
		tx.SavePIN(setPIN(customer(1), 1))
	})
	equal(t, "after what was not found", pinOf(t, s, customer(1)), setPIN(customer(1), 1))
}

func testWithoutWrites(t *testing.T, s store.Store) {
	inTx(t, s, func(store.Tx) {})
	inTx(t, s, func(tx store.Tx) {
		tx.LockNewPIN(customer(1), new(pin.Record))
		fetch(t, tx)
	})
	// The lock was released.
	inTx(t, s, func(tx store.Tx) {
		tx.LockNewPIN(customer(1), new(pin.Record))
		fetch(t, tx)
		tx.SavePIN(setPIN(customer(1), 1))
	})
	equal(t, "PIN", pinOf(t, s, customer(1)), setPIN(customer(1), 1))
}

// testReadAfterWrite says that a mistake of a step is not committed, even where the
// step does not look.
func testReadAfterWrite(t *testing.T, s store.Store) {
	for what, write := range map[string]func(store.Tx){
		"write": func(tx store.Tx) { tx.SavePIN(setPIN(customer(1), 1)) },
		"wake":  func(tx store.Tx) { tx.Wake(id('q', 1)) },
	} {
		refused(t, s, store.ErrReadAfterWrite, func(tx store.Tx) {
			fetch(t, tx)
			write(tx)
			if err := tx.Fetch(t.Context()); !errors.Is(err, store.ErrReadAfterWrite) {
				t.Errorf("Fetch after a %s: got %v, want ErrReadAfterWrite", what, err)
			}
		})
	}
	equal(t, "PIN", pinOf(t, s, customer(1)), pin.Record{Holder: customer(1)})
}

func testEndedContext(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.InTx(ctx, func(store.Tx) error {
		t.Error("a transaction began")
		return nil
	})
	if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("InTx: got %v, want ErrUnavailable and Canceled", err)
	}
	r := s.Reads()
	r.PIN(customer(1), new(pin.Record))
	if err = r.Fetch(ctx); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Fetch: got %v, want ErrUnavailable", err)
	}
}

func testContextEnds(t *testing.T, s store.Store) {
	for what, step := range map[string]func(ctx context.Context, tx store.Tx) error{
		"before anything": func(context.Context, store.Tx) error { return nil },
		"after a read":    func(ctx context.Context, tx store.Tx) error { return tx.Fetch(ctx) },
		"after a lock": func(ctx context.Context, tx store.Tx) error {
			tx.LockNewPIN(customer(1), new(pin.Record))
			return tx.Fetch(ctx)
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		err := s.InTx(ctx, func(tx store.Tx) error {
			if err := step(ctx, tx); err != nil {
				return err
			}
			tx.SavePIN(setPIN(customer(1), 1))
			cancel()
			tx.SavePIN(setPIN(customer(2), 2))
			return nil
		})
		if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want ErrUnavailable and Canceled", what, err)
		}
		for n := 1; n <= 2; n++ {
			equal(t, "PIN", pinOf(t, s, customer(n)), pin.Record{Holder: customer(n)})
		}
	}
	// The connection is as good as new.
	inTx(t, s, func(tx store.Tx) { tx.SavePIN(setPIN(customer(1), 1)) })
	equal(t, "PIN", pinOf(t, s, customer(1)), setPIN(customer(1), 1))
}
