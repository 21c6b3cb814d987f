package storetest

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

type confirmations = []confirmation.Confirmation

func insert(t *testing.T, s store.Store, list ...confirmation.Confirmation) {
	t.Helper()
	inTx(t, s, func(tx store.Tx) {
		for _, c := range list {
			tx.InsertConfirmation(c)
		}
	})
}

func save(t *testing.T, s store.Store, list ...confirmation.Confirmation) {
	t.Helper()
	inTx(t, s, func(tx store.Tx) { tx.SaveConfirmations(list...) })
}

func read(t *testing.T, s store.Store, c confirmation.Confirmation) confirmation.Confirmation {
	t.Helper()
	r := s.Reads()
	return get(t, r, func(into *confirmation.Confirmation) { r.Confirmation(c.Ref(), into) })
}

func byKey(t *testing.T, s store.Store, i policy.Instance, key string) confirmation.Confirmation {
	t.Helper()
	r := s.Reads()
	return get(t, r, func(into *confirmation.Confirmation) { r.ConfirmationByKey(i, key, into) })
}

func noConfirmation(t *testing.T, what string, s store.Store, ref confirmation.Ref) {
	t.Helper()
	r := s.Reads()
	r.Confirmation(ref, new(confirmation.Confirmation))
	missing(t, what, r)
}

// inOrder sorts confirmations, whose order a store need not keep.
func inOrder(list confirmations) confirmations {
	slices.SortFunc(list, func(a, b confirmation.Confirmation) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return list
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
	session.Approval.Attempt = uuid.Nil
	insert(t, s, plain, rich, session)

	chains := []confirmations{
		{plain, approve(plain), redeem(approve(plain))},
		{rich, approve(rich), decline(approve(rich))},
		{session, expire(session)},
	}
	for _, chain := range chains {
		for n, c := range chain {
			if n > 0 {
				inTx(t, s, func(tx store.Tx) {
					was := get(t, tx, func(into *confirmation.Confirmation) { tx.LockConfirmation(c.Ref(), into) })
					equal(t, "LockConfirmation", was, chain[n-1])
					tx.SaveConfirmations(c)
				})
			}
			equal(t, "Confirmation", read(t, s, c), c)
			if c.IdempotencyKey != "" {
				equal(t, "ConfirmationByKey", byKey(t, s, c.Ref().Instance, c.IdempotencyKey), c)
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
		i := policy.Instance{Tenant: where[0], ID: where[1]}
		ref := confirmation.Ref{Instance: i, ID: where[2]}
		noConfirmation(t, "Confirmation", s, ref)
		inTx(t, s, func(tx store.Tx) {
			tx.LockConfirmation(ref, new(confirmation.Confirmation))
			missing(t, "LockConfirmation", tx)
		})
		if where[2] == c.ID {
			equal(t, "ConfirmationByKey", byKey(t, s, i, "key"), confirmation.Confirmation{})
		}
	}
	for _, other := range []string{"KEY", "ke", "key ", ""} {
		equal(t, "ConfirmationByKey of "+other, byKey(t, s, c.Ref().Instance, other), confirmation.Confirmation{})
	}
}

func testConfirmationMissing(t *testing.T, s store.Store) {
	there := ask(customer(1), instance(1), 1)
	insert(t, s, there)
	refused(t, s, store.ErrNotFound, func(tx store.Tx) {
		tx.SaveConfirmations(decline(there), decline(ask(customer(1), instance(1), 2)))
		tx.Append(event(tenant(1), 1))
	})
	equal(t, "the one beside it", read(t, s, there), there)
	equal(t, "events", len(events(t, s, audit.Filter{Tenant: tenant(1), Limit: 9})), 0)
}

// testEndedConfirmation says that an end is an end, whoever forgot to lock.
func testEndedConfirmation(t *testing.T, s store.Store) {
	c := approve(ask(customer(1), instance(1), 1))
	insert(t, s, c)
	save(t, s, redeem(c))
	again := redeem(c)
	again.RedeemID = id('r', 2)
	refused(t, s, store.ErrNotFound, func(tx store.Tx) { tx.SaveConfirmations(again) })
	refused(t, s, store.ErrNotFound, func(tx store.Tx) { tx.SaveConfirmations(c) })
	equal(t, "Confirmation", read(t, s, c), redeem(c))
}

func testSaveMany(t *testing.T, s store.Store) {
	const many = 1000
	var asked, moved confirmations
	for n := range many {
		c := ask(customer(n%7), instance(n%3), n)
		asked = append(asked, c)
		switch n % 3 {
		case 0:
			moved = append(moved, decline(c))
		case 1:
			moved = append(moved, approve(c))
		default:
			moved = append(moved, expire(c))
		}
	}
	insert(t, s, asked...)
	save(t, s, moved...)
	for n := range many {
		if n%50 < 3 {
			equal(t, "Confirmation", read(t, s, moved[n]), moved[n])
		}
	}
	save(t, s) // nothing at all
}

func testIdempotencyKey(t *testing.T, s store.Store) {
	first := ask(customer(1), instance(1), 1)
	first.IdempotencyKey = "key"
	second := ask(customer(2), instance(1), 2)
	second.IdempotencyKey = "key"
	insert(t, s, first)
	refused(t, s, store.ErrKeyTaken, func(tx store.Tx) { tx.InsertConfirmation(second) })
	noConfirmation(t, "the second", s, second.Ref())
	equal(t, "the first", read(t, s, first), first)

	// The key belongs to one instance; its end does not free it.
	save(t, s, decline(first))
	elsewhere := ask(customer(1), instance(2), 3)
	foreign := ask(pin.CustomerHolder(tenant(2), id('c', 1)), instance(1), 4)
	another := ask(customer(1), instance(1), 5)
	elsewhere.IdempotencyKey, foreign.IdempotencyKey, another.IdempotencyKey = "key", "key", "KEY"
	insert(t, s, elsewhere, foreign, another)
	refused(t, s, store.ErrKeyTaken, func(tx store.Tx) { tx.InsertConfirmation(second) })
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
			err := s.InTx(t.Context(), func(tx store.Tx) error {
				tx.InsertConfirmation(c)
				return nil
			})
			switch {
			case err == nil:
				stored.Add(1)
			case !errors.Is(err, store.ErrKeyTaken):
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
	save(t, s, decline(declined), redeem(redeemed), expire(expired))
	inTx(t, s, func(tx store.Tx) {
		open := func(h pin.Holder, inst uuid.UUID) confirmations {
			return get(t, tx, func(into *confirmations) { tx.LockOpenConfirmations(h, inst, into) })
		}
		equal(t, "open on an instance", open(h, instance(1)), confirmations{approved, pending})
		equal(t, "open everywhere", open(h, uuid.Nil), confirmations{approved, pending, elsewhere})
		equal(t, "open of nobody", open(customer(9), uuid.Nil), confirmations(nil))
	})
}

// expiring is a pending confirmation that ends at a time of the database's clock.
func expiring(h pin.Holder, inst uuid.UUID, n int, at time.Time) confirmation.Confirmation {
	c := ask(h, inst, n)
	c.CreatedAt, c.ExpiresAt = at.Add(-2*time.Hour), at
	return c
}

// testOpenCounts goes by the database's clock.
func testOpenCounts(t *testing.T, s store.Store) {
	h, now := customer(1), clock(t, s.Reads())
	counts := func(h pin.Holder, inst uuid.UUID) confirmation.OpenCounts {
		t.Helper()
		r := s.Reads()
		return get(t, r, func(into *confirmation.OpenCounts) { r.OpenCounts(h, inst, into) })
	}
	equal(t, "counts of nobody", counts(h, instance(1)), confirmation.OpenCounts{})
	at := func(n int) time.Time { return now.Add(time.Duration(n) * time.Hour) }
	declined, approved := expiring(h, instance(1), 4, at(4)), expiring(h, instance(1), 5, at(5))
	ranOut := expiring(h, instance(1), 11, at(1))
	insert(t, s, expiring(h, instance(1), 3, at(3)), expiring(h, instance(1), 1, at(1)), expiring(h, instance(1), 2, at(2)),
		declined, approved, ranOut, expiring(h, instance(1), 10, now),
		expiring(h, instance(2), 6, at(6)), expiring(customer(2), instance(1), 7, at(7)),
		expiring(pin.CustomerHolder(tenant(2), h.ID), instance(1), 8, at(8)), expiring(identity(), instance(1), 9, at(9)))
	approved, ranOut = approve(approved), approve(ranOut)
	approved.ExpiresAt, ranOut.ExpiresAt = at(5), now.Add(-time.Microsecond)
	save(t, s, decline(declined), approved, ranOut)
	equal(t, "counts", counts(h, instance(1)), confirmation.OpenCounts{
		Pending: 3, Approved: 1, FirstPending: at(1), FirstApproved: at(5),
	})
	equal(t, "counts elsewhere", counts(h, instance(2)), confirmation.OpenCounts{Pending: 1, FirstPending: at(6)})
}

// testNoLongerPending goes by the database's clock.
func testNoLongerPending(t *testing.T, s store.Store) {
	now := clock(t, s.Reads())
	at := func(n int, expires time.Time) confirmation.Confirmation {
		return expiring(customer(1), instance(1), n, expires)
	}
	pending, ranOut := at(1, now.Add(time.Hour)), at(2, now)
	approved, declined := at(3, now.Add(time.Hour)), at(4, now.Add(time.Hour))
	insert(t, s, pending, ranOut, approved, declined)
	save(t, s, approve(approved), decline(declined))
	unknown := id('q', 99)
	got := must(s.NoLongerPending(t.Context(), []uuid.UUID{declined.ID, pending.ID, ranOut.ID, unknown, approved.ID}))(t)
	slices.SortFunc(got, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	equal(t, "NoLongerPending", got, []uuid.UUID{ranOut.ID, approved.ID, declined.ID, unknown})
	equal(t, "NoLongerPending of none", must(s.NoLongerPending(t.Context(), nil))(t), []uuid.UUID(nil))
}

// testNoLongerPendingMany asks for more than a query can have parameters.
func testNoLongerPendingMany(t *testing.T, s store.Store) {
	pending := expiring(customer(1), instance(1), 0, clock(t, s.Reads()).Add(time.Hour))
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
	now := clock(t, s.Reads())
	oldest := expiring(customer(1), instance(1), 3, now.Add(-time.Hour))
	approved := approve(ask(identity(), instance(1), 2))
	approved.ExpiresAt = now.Add(-time.Minute)
	foreign := expiring(pin.CustomerHolder(tenant(2), id('c', 1)), instance(2), 1, now)
	declined := expiring(customer(1), instance(1), 4, now.Add(-time.Hour))
	insert(t, s, oldest, approved, foreign, declined, expiring(customer(1), instance(1), 5, now.Add(time.Hour)))
	save(t, s, decline(declined))

	var got confirmations
	for range 3 { // in steps of two, as a sweeper does
		inTx(t, s, func(tx store.Tx) {
			some := get(t, tx, func(into *confirmations) { tx.LockExpired(2, into) })
			if len(some) > 2 {
				t.Errorf("%d of 2", len(some))
			}
			for _, c := range some {
				tx.SaveConfirmations(c.At(tx.Now()))
			}
			got = append(got, some...)
		})
	}
	equal(t, "expired", inOrder(got), confirmations{foreign, approved, oldest})
	equal(t, "swept", read(t, s, oldest), oldest.At(now))
}

func testDeleteStale(t *testing.T, s store.Store) {
	now := clock(t, s.Reads())
	age := store.StaleAge{Confirmation: 3 * time.Hour, Session: 5 * time.Hour, Attempt: 2 * time.Hour}
	hoursAgo := func(n int) time.Time { return now.Add(-time.Duration(n)*time.Hour - time.Minute) }
	const many = 7
	for n := range many {
		c := ask(customer(1), instance(1), n)
		c.IdempotencyKey = "key" + c.ID.String()
		insert(t, s, c)
		c = decline(c)
		c.EndedAt = hoursAgo(n)
		save(t, s, c)
		one, a := session(customer(n), instance(1), n), attempt(customer(1), n)
		one.AuthTime, a.SpentAt = hoursAgo(n), hoursAgo(n)
		inTx(t, s, func(tx store.Tx) {
			tx.SaveSession(one)
			tx.InsertAttempt(a)
		})
	}
	open := approve(ask(customer(1), instance(1), 9))
	open.ExpiresAt = hoursAgo(99)
	insert(t, s, open)
	sweep := func(limit int) (confirmations, sessions, attempts int) {
		t.Helper()
		inTx(t, s, func(tx store.Tx) {
			old := get(t, tx, func(into *store.Stale) { tx.LockStale(age, limit, into) })
			tx.DeleteStale(old)
			confirmations, sessions, attempts = len(old.Confirmations), len(old.Sessions), len(old.Attempts)
		})
		return confirmations, sessions, attempts
	}
	for _, want := range [][3]int{{3, 2, 3}, {1, 0, 2}, {0, 0, 0}} {
		c, one, a := sweep(3)
		equal(t, "swept", [3]int{c, one, a}, want)
	}
	for n := range many {
		r := s.Reads()
		r.Confirmation(ask(customer(1), instance(1), n).Ref(), new(confirmation.Confirmation))
		equal(t, "a confirmation is left", r.Fetch(t.Context()) == nil, n < 3)
		equal(t, "a session is left", len(sessionsOf(t, s, customer(n), instance(1))) == 1, n < 5)
		inTx(t, s, func(tx store.Tx) {
			a := get(t, tx, func(into *pin.Attempt) { tx.LockAttempt(tenant(1), id('a', n), into) })
			equal(t, "an attempt is left", a.ID != uuid.Nil, n < 2)
		})
	}
	equal(t, "an open one", read(t, s, open), open)
	again := ask(customer(1), instance(1), 10)
	again.IdempotencyKey = "key" + id('q', 6).String()
	insert(t, s, again)
}
