package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// everything writes into every table.
func everything(ctx context.Context, t *testing.T, tx store.Tx) {
	t.Helper()
	p := policy.Default(tenant(1), instance(1))
	p.Version = 1
	_, insertErr := tx.InsertConfirmation(ctx, ask(customer(1), instance(1), 1))
	_, checkErr := tx.SaveKeyCheck(ctx, store.CheckPepper, "a", []byte{1})
	if err := errors.Join(
		tx.SavePolicy(ctx, p),
		tx.SavePin(ctx, setPIN(customer(1), 1), "pepper"),
		tx.SaveSession(ctx, session(customer(1), instance(1), 1)),
		insertErr,
		tx.InsertAPIKey(ctx, key(tenant(1), 1)),
		checkErr,
		tx.Append(ctx, audit.Event{Tenant: tenant(1), Type: audit.PINSet}),
	); err != nil {
		t.Error(err)
	}
}

// saved counts in how many tables everything is found.
func saved(t *testing.T, s store.Reader) int {
	t.Helper()
	ctx, n := t.Context(), 0
	count := func(there bool) {
		if there {
			n++
		}
	}
	count(must(s.Policy(ctx, tenant(1), instance(1)))(t).Version == 1)
	count(pinOf(t, s, customer(1)) == setPIN(customer(1), 1))
	count(len(must(s.Sessions(ctx, customer(1), instance(1)))(t)) == 1)
	_, _, err := s.Confirmation(ctx, tenant(1), instance(1), id('q', 1))
	count(err == nil)
	count(len(must(s.APIKeys(ctx, tenant(1)))(t)) == 1)
	count(len(must(s.KeyChecks(ctx, store.CheckPepper))(t)) == 1)
	count(len(events(t, s, audit.Filter{Tenant: tenant(1), Limit: 10})) == 1)
	return n
}

const tables = 7

func testRollback(t *testing.T, s store.Store) {
	wanted := errors.New("the caller's own")
	err := s.InTx(t.Context(), func(tx store.Tx) error {
		everything(t.Context(), t, tx)
		equal(t, "seen inside", saved(t, tx), tables)
		return wanted
	})
	if err != wanted { //nolint:errorlint // it has to come back as it is
		t.Errorf("got %v, want the caller's own error", err)
	}
	equal(t, "saved after a rollback", saved(t, s), 0)
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		everything(ctx, t, tx)
		return nil
	})
	equal(t, "saved after a commit", saved(t, s), tables)
}

func testPanic(t *testing.T, s store.Store) {
	func() {
		defer func() { equal(t, "what was recovered", recover(), any("as it is")) }()
		_ = s.InTx(t.Context(), func(tx store.Tx) error {
			everything(t.Context(), t, tx)
			panic("as it is")
		})
	}()
	equal(t, "saved after a panic", saved(t, s), 0)
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		everything(ctx, t, tx)
		return nil
	})
	equal(t, "saved after the next", saved(t, s), tables)
}

// testIsolated also says that a reader waits for no writer.
func testIsolated(t *testing.T, s store.Store) {
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		must(tx.LockPolicy(ctx, tenant(1), instance(1)))(t)
		must(tx.LockNewPin(ctx, customer(1)))(t)
		everything(ctx, t, tx)
		equal(t, "seen outside before the commit", saved(t, s), 0)
		return nil
	})
	equal(t, "seen outside after the commit", saved(t, s), tables)
}

// testFailedStatement says that a transaction cannot be committed in part by a
// caller who did not look at an error.
func testFailedStatement(t *testing.T, s store.Store) {
	insertKeys(t, s, key(tenant(2), 1))
	err := s.InTx(t.Context(), func(tx store.Tx) error {
		if err := tx.SavePin(t.Context(), setPIN(customer(1), 1), "pepper"); err != nil {
			return err
		}
		if tx.InsertAPIKey(t.Context(), key(tenant(2), 1)) == nil {
			t.Error("a key was inserted twice")
		}
		_ = tx.SavePin(t.Context(), setPIN(customer(2), 2), "pepper")
		return nil
	})
	if err == nil {
		t.Error("a transaction with a failed statement was committed")
	}
	equal(t, "before the failed statement", pinOf(t, s, customer(1)), pin.Record{Holder: customer(1)})
	equal(t, "after the failed statement", pinOf(t, s, customer(2)), pin.Record{Holder: customer(2)})

	// What was not found is an answer, and fails nothing.
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		_, err := tx.LockConfirmation(ctx, tenant(1), instance(1), id('q', 1))
		notFound(t, "LockConfirmation", err)
		_, err = tx.RevokeAPIKey(ctx, "nobody", after(1))
		notFound(t, "RevokeAPIKey", err)
		notFound(t, "SaveConfirmation", tx.SaveConfirmation(ctx, ask(customer(1), instance(1), 1)))
		return tx.SavePin(ctx, setPIN(customer(1), 1), "pepper")
	})
	equal(t, "after what was not found", pinOf(t, s, customer(1)), setPIN(customer(1), 1))
}

func testEndedContext(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.InTx(ctx, func(store.Tx) error {
		t.Error("a transaction began")
		return nil
	})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("InTx: got %v, want ErrUnavailable", err)
	}
	if _, _, err = s.Pin(ctx, customer(1)); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Pin: got %v, want ErrUnavailable", err)
	}
}

func testContextEnds(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	err := s.InTx(ctx, func(tx store.Tx) error {
		if err := tx.SavePin(ctx, setPIN(customer(1), 1), "pepper"); err != nil {
			return err
		}
		cancel()
		return tx.SavePin(ctx, setPIN(customer(2), 2), "pepper")
	})
	if err == nil {
		t.Error("a transaction outlived its context")
	}
	for n := 1; n <= 2; n++ {
		equal(t, "Pin", pinOf(t, s, customer(n)), pin.Record{Holder: customer(n)})
	}
	// The connection is as good as new.
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		return tx.SavePin(ctx, setPIN(customer(1), 1), "pepper")
	})
	equal(t, "Pin", pinOf(t, s, customer(1)), setPIN(customer(1), 1))
}
