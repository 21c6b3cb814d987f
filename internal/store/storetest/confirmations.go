package storetest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

type confirmations = []confirmation.Confirmation

func insert(t *testing.T, s store.Store, list ...confirmation.Confirmation) {
	t.Helper()
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		for _, c := range list {
			if !must(tx.InsertConfirmation(ctx, c))(t) {
				t.Errorf("confirmation %v was not inserted", c.ID)
			}
		}
		return nil
	})
}

func read(t *testing.T, s store.Reader, c confirmation.Confirmation) confirmation.Confirmation {
	t.Helper()
	got, now, err := s.Confirmation(t.Context(), c.Holder.Tenant, c.Instance, c.ID)
	if err != nil {
		t.Fatalf("Confirmation: %v", err)
	}
	wellFormed(t, "time of a read", now)
	return got
}

func testConfirmationAsSaved(t *testing.T, s store.Store) {
	plain := ask(customer(1), instance(1), 1)
	rich := ask(identity(), instance(1), 2)
	rich.Role, rich.Skill, rich.Lifetime = policy.Customer, "a:b/c.d-e_F", confirmation.MaxLifetime
	rich.IdempotencyKey = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
	// Bytes that a JSON column would change: order, escapes, spaces, numbers.
	rich.Action = &confirmation.Action{
		Summary: "Päy 5 € \u2028 'now'; --", Params: []byte(`{"b":1.0E+2,"a":"\u00e9 €", "a2":[ ]}`), Digest: "sha-256:00ff",
	}
	session := approve(ask(customer(1), instance(1), 3))
	session.Reason, session.Approval.Session, session.Approval.AuthTime = confirmation.BySession, id('s', 1), after(-60)
	insert(t, s, plain, rich, session)

	chains := []confirmations{
		{plain, approve(plain), redeem(approve(plain))},
		{rich, decline(rich)},
		{session, expire(session)},
	}
	for _, chain := range chains {
		for n, c := range chain {
			if n > 0 {
				inTx(t, s, func(ctx context.Context, tx store.Tx) error {
					was := must(tx.LockConfirmation(ctx, c.Holder.Tenant, c.Instance, c.ID))(t)
					equal(t, "LockConfirmation", was, chain[n-1])
					return tx.SaveConfirmation(ctx, c)
				})
			}
			equal(t, "Confirmation", read(t, s, c), c)
			if c.IdempotencyKey != "" {
				got, _, err := s.ConfirmationByKey(t.Context(), c.Holder.Tenant, c.Instance, c.IdempotencyKey)
				if err != nil {
					t.Fatalf("ConfirmationByKey: %v", err)
				}
				equal(t, "ConfirmationByKey", got, c)
			}
		}
	}
}

func testConfirmationsApart(t *testing.T, s store.Store) {
	// The neighbours are on both sides: a comparison that is not equality shows.
	c := ask(pin.CustomerHolder(tenant(2), id('c', 1)), instance(2), 2)
	c.IdempotencyKey = "key"
	insert(t, s, c)
	for _, where := range [][3]uuid.UUID{
		{tenant(1), instance(2), c.ID},
		{tenant(3), instance(2), c.ID},
		{tenant(2), instance(1), c.ID},
		{tenant(2), instance(3), c.ID},
		{tenant(2), instance(2), id('q', 1)},
		{tenant(2), instance(2), id('q', 3)},
	} {
		_, _, err := s.Confirmation(t.Context(), where[0], where[1], where[2])
		notFound(t, "Confirmation", err)
		err = s.InTx(t.Context(), func(tx store.Tx) error {
			_, err := tx.LockConfirmation(t.Context(), where[0], where[1], where[2])
			return err
		})
		notFound(t, "LockConfirmation", err)
		if where[2] == c.ID {
			_, _, err = s.ConfirmationByKey(t.Context(), where[0], where[1], "key")
			notFound(t, "ConfirmationByKey", err)
		}
	}
	for _, other := range []string{"KEY", "ke", "key ", ""} {
		_, _, err := s.ConfirmationByKey(t.Context(), tenant(2), instance(2), other)
		notFound(t, "ConfirmationByKey of "+other, err)
	}
}

func testConfirmationMissing(t *testing.T, s store.Store) {
	err := s.InTx(t.Context(), func(tx store.Tx) error {
		return tx.SaveConfirmation(t.Context(), ask(customer(1), instance(1), 1))
	})
	notFound(t, "SaveConfirmation", err)
}

func testIdempotencyKey(t *testing.T, s store.Store) {
	first := ask(customer(1), instance(1), 1)
	first.IdempotencyKey = "key"
	second := ask(customer(2), instance(1), 2)
	second.IdempotencyKey = "key"
	insert(t, s, first)
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		if must(tx.InsertConfirmation(ctx, second))(t) {
			t.Error("a key was given to two confirmations")
		}
		// The transaction is whole: what it does besides counts.
		return tx.SavePin(ctx, setPIN(customer(1), 1), "pepper")
	})
	_, _, err := s.Confirmation(t.Context(), tenant(1), instance(1), second.ID)
	notFound(t, "the second", err)
	equal(t, "the first", read(t, s, first), first)
	equal(t, "what the transaction did besides", pinOf(t, s, customer(1)), setPIN(customer(1), 1))

	// The key belongs to one instance; its end does not free it.
	inTx(t, s, func(ctx context.Context, tx store.Tx) error { return tx.SaveConfirmation(ctx, decline(first)) })
	elsewhere := ask(customer(1), instance(2), 3)
	foreign := ask(pin.CustomerHolder(tenant(2), id('c', 1)), instance(1), 4)
	another := ask(customer(1), instance(1), 5)
	elsewhere.IdempotencyKey, foreign.IdempotencyKey, another.IdempotencyKey = "key", "key", "KEY"
	insert(t, s, elsewhere, foreign, another)
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		if must(tx.InsertConfirmation(ctx, second))(t) {
			t.Error("the key of a declined confirmation was given away")
		}
		return nil
	})
	// No key is nobody's key.
	insert(t, s, ask(customer(1), instance(1), 6), ask(customer(1), instance(1), 7))
}

func testIdempotencyKeyAtOnce(t *testing.T, s store.Store) {
	const askers = 16
	var stored atomic.Int32
	var group sync.WaitGroup
	for n := range askers {
		c := ask(customer(n), instance(1), n)
		c.IdempotencyKey = "key"
		group.Go(func() {
			if err := s.InTx(t.Context(), func(tx store.Tx) error {
				ok, err := tx.InsertConfirmation(t.Context(), c)
				if ok {
					stored.Add(1)
				}
				return err
			}); err != nil {
				t.Errorf("InsertConfirmation: %v", err)
			}
		})
	}
	group.Wait()
	equal(t, "how many got the key", stored.Load(), int32(1))
}

func testOpenConfirmations(t *testing.T, s store.Store) {
	h := customer(1)
	pending, approved := ask(h, instance(1), 2), approve(ask(h, instance(1), 1))
	elsewhere := ask(h, instance(2), 3)
	declined, redeemed, expired := ask(h, instance(1), 4), approve(ask(h, instance(1), 5)), ask(h, instance(1), 6)
	insert(t, s, pending, approved, elsewhere, declined, redeemed, expired,
		ask(customer(2), instance(1), 7),
		ask(identity(), instance(1), 8),
		ask(pin.CustomerHolder(tenant(2), h.ID), instance(1), 9))
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		for _, c := range (confirmations{decline(declined), redeem(redeemed), expire(expired)}) {
			if err := tx.SaveConfirmation(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		got := must(tx.LockOpenConfirmations(ctx, h, instance(1)))(t)
		equal(t, "open on an instance", got, confirmations{approved, pending})
		got = must(tx.LockOpenConfirmations(ctx, h, uuid.Nil))(t)
		equal(t, "open everywhere", got, confirmations{approved, pending, elsewhere})
		got = must(tx.LockOpenConfirmations(ctx, customer(9), uuid.Nil))(t)
		equal(t, "open of nobody", got, confirmations(nil))
		return nil
	})
}

func testPendingConfirmations(t *testing.T, s store.Store) {
	h := customer(1)
	declined := ask(h, instance(1), 4)
	insert(t, s, ask(h, instance(1), 3), ask(h, instance(1), 1), ask(h, instance(1), 2), declined,
		approve(ask(h, instance(1), 5)), ask(h, instance(2), 6), ask(customer(2), instance(1), 7),
		ask(pin.CustomerHolder(tenant(2), h.ID), instance(1), 8), ask(identity(), instance(1), 9))
	inTx(t, s, func(ctx context.Context, tx store.Tx) error { return tx.SaveConfirmation(ctx, decline(declined)) })
	ends := func(n int) time.Time { return after(n).Add(5 * time.Minute) }
	for _, want := range []struct {
		now   time.Time
		n     int
		first time.Time
	}{
		{after(0), 3, ends(1)},
		{ends(1).Add(-time.Microsecond), 3, ends(1)},
		{ends(1), 2, ends(2)}, // at its end it has expired
		{ends(2).Add(time.Microsecond), 1, ends(3)},
		{ends(3), 0, time.Time{}},
	} {
		inTx(t, s, func(ctx context.Context, tx store.Tx) error {
			n, first, err := tx.PendingConfirmations(ctx, h, instance(1), want.now)
			equal(t, "how many are pending", n, want.n)
			equal(t, "when the first expires", first, want.first)
			return err
		})
	}
}

// testNoLongerPending goes by the database's clock.
func testNoLongerPending(t *testing.T, s store.Store) {
	now := must(s.Clock(t.Context()))(t)
	at := func(n int, expires time.Time) confirmation.Confirmation {
		c := ask(customer(1), instance(1), n)
		c.CreatedAt, c.ExpiresAt = now.Add(-2*time.Hour), expires
		return c
	}
	pending, ranOut := at(1, now.Add(time.Hour)), at(2, now)
	approved, declined := at(3, now.Add(time.Hour)), at(4, now.Add(time.Hour))
	insert(t, s, pending, ranOut, approved, declined)
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		if err := tx.SaveConfirmation(ctx, approve(approved)); err != nil {
			return err
		}
		return tx.SaveConfirmation(ctx, decline(declined))
	})
	unknown := id('q', 99)
	got := must(s.NoLongerPending(t.Context(), []uuid.UUID{declined.ID, pending.ID, ranOut.ID, unknown, approved.ID}))(t)
	slices.SortFunc(got, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	equal(t, "NoLongerPending", got, []uuid.UUID{ranOut.ID, approved.ID, declined.ID, unknown})
	equal(t, "NoLongerPending of none", must(s.NoLongerPending(t.Context(), nil))(t), []uuid.UUID(nil))
}

// testNoLongerPendingMany asks for more than a query can have parameters.
func testNoLongerPendingMany(t *testing.T, s store.Store) {
	now := must(s.Clock(t.Context()))(t)
	pending := ask(customer(1), instance(1), 0)
	pending.CreatedAt, pending.ExpiresAt = now, now.Add(time.Hour)
	insert(t, s, pending)
	const many = 40_000
	ids := make([]uuid.UUID, many)
	for n := range ids {
		ids[n] = uuid.UUID{0: byte(n >> 16), 1: byte(n >> 8), 2: byte(n), 15: 'm'}
	}
	ids[many-1] = pending.ID
	got := must(s.NoLongerPending(t.Context(), ids))(t)
	equal(t, "how many", len(got), many-1)
	equal(t, "the pending one is among them", slices.Contains(got, pending.ID), false)
}

func testExpiredConfirmations(t *testing.T, s store.Store) {
	now := after(1000)
	ends := func(c confirmation.Confirmation, at time.Time) confirmation.Confirmation {
		c.ExpiresAt = at
		return c
	}
	oldest := ends(ask(customer(1), instance(1), 3), now.Add(-time.Hour))
	approved := ends(approve(ask(identity(), instance(1), 2)), now.Add(-time.Minute))
	foreign := ends(ask(pin.CustomerHolder(tenant(2), id('c', 1)), instance(2), 1), now)
	declined := ask(customer(1), instance(1), 4)
	insert(t, s, oldest, approved, foreign, declined, ends(ask(customer(1), instance(1), 5), now.Add(time.Microsecond)))
	inTx(t, s, func(ctx context.Context, tx store.Tx) error { return tx.SaveConfirmation(ctx, decline(declined)) })

	var got confirmations
	for range 3 { // in steps of two, as a sweeper does
		inTx(t, s, func(ctx context.Context, tx store.Tx) error {
			some := must(tx.LockExpiredConfirmations(ctx, now, 2))(t)
			if len(some) > 2 {
				t.Errorf("%d of 2", len(some))
			}
			for _, c := range some {
				if err := tx.SaveConfirmation(ctx, c.At(now)); err != nil {
					return err
				}
			}
			got = append(got, some...)
			return nil
		})
	}
	slices.SortFunc(got, func(a, b confirmation.Confirmation) int { return slices.Compare(a.ID[:], b.ID[:]) })
	equal(t, "expired", got, confirmations{foreign, approved, oldest})
	equal(t, "swept", read(t, s, oldest), oldest.At(now))
}

func testDeleteConfirmations(t *testing.T, s store.Store) {
	for n := range 5 {
		c := ask(customer(1), instance(1), n)
		c.IdempotencyKey = "key" + c.ID.String()
		insert(t, s, c)
		inTx(t, s, func(ctx context.Context, tx store.Tx) error { return tx.SaveConfirmation(ctx, decline(c)) })
	}
	open := approve(ask(customer(1), instance(1), 9))
	open.ExpiresAt = after(-1000)
	insert(t, s, open)
	// Each was declined two seconds after it was asked.
	del := func(limit int) (n int) {
		t.Helper()
		inTx(t, s, func(ctx context.Context, tx store.Tx) (err error) {
			n, err = tx.DeleteConfirmations(ctx, after(3+2), limit)
			return err
		})
		return n
	}
	equal(t, "deleted up to a limit", del(2), 2)
	equal(t, "deleted the rest", del(2), 1)
	equal(t, "deleted all", del(2), 0)
	for n := range 5 {
		_, _, err := s.Confirmation(t.Context(), tenant(1), instance(1), id('q', n))
		if left := err == nil; left != (n >= 3) {
			t.Errorf("confirmation %d is left: %v", n, left)
		}
	}
	equal(t, "an open one", read(t, s, open), open)
	again := ask(customer(1), instance(1), 10)
	again.IdempotencyKey = "key" + id('q', 0).String()
	insert(t, s, again)
}
