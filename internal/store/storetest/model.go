package storetest

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// model is what a store should hold, in maps.
type model struct {
	pins          map[pin.Holder]pin.Record
	policies      map[uuid.UUID]policy.Policy
	sessions      map[uuid.UUID]confirmation.Session
	confirmations map[uuid.UUID]confirmation.Confirmation
}

func (m model) clone() model {
	return model{maps.Clone(m.pins), maps.Clone(m.policies), maps.Clone(m.sessions), maps.Clone(m.confirmations)}
}

// step does one thing to the transaction and the same to the model.
type step func(ctx context.Context, t *testing.T, rng *rand.Rand, tx store.Tx, m model)

// testModel runs random transactions, a quarter of them undone, and compares all
// that the store holds with the model.
func testModel(t *testing.T, s store.Store) {
	rng := rand.New(rand.NewPCG(20261123, 1))
	m := model{
		pins: map[pin.Holder]pin.Record{}, policies: map[uuid.UUID]policy.Policy{},
		sessions: map[uuid.UUID]confirmation.Session{}, confirmations: map[uuid.UUID]confirmation.Confirmation{},
	}
	steps := []step{stepPin, stepPin, stepPolicy, stepSession, stepEndSessions, stepAsk, stepAsk, stepMove, stepMove, stepSweep}
	undone := errors.New("undone")
	for n := range 120 {
		next := m.clone()
		undo := rng.IntN(4) == 0
		err := s.InTx(t.Context(), func(tx store.Tx) error {
			for range 1 + rng.IntN(4) {
				steps[rng.IntN(len(steps))](t.Context(), t, rng, tx, next)
			}
			if n%40 == 0 {
				next.compare(t, tx)
			}
			if undo {
				return undone
			}
			return nil
		})
		if undo != errors.Is(err, undone) || !undo && err != nil {
			t.Fatalf("transaction %d: %v", n, err)
		}
		if !undo {
			m = next
		}
		if n%20 == 19 {
			m.compare(t, s)
		}
		if t.Failed() {
			t.Fatalf("after transaction %d", n)
		}
	}
}

func (m model) compare(t *testing.T, s store.Reader) {
	t.Helper()
	for h := range allHolders {
		equal(t, "Pin", pinOf(t, s, h), cmp.Or(m.pins[h], pin.Record{Holder: h}))
		for i := range 3 {
			var want []confirmation.Session
			for _, one := range m.sessions {
				if one.Holder == h && one.Instance == instance(i) {
					want = append(want, one)
				}
			}
			equal(t, "Sessions", byID(must(s.Sessions(t.Context(), h, instance(i)))(t)), byID(want))
		}
	}
	for i := range 3 {
		want, ok := m.policies[instance(i)]
		if !ok {
			want = policy.Default(tenant(1), instance(i))
		}
		equal(t, "Policy", must(s.Policy(t.Context(), tenant(1), instance(i)))(t), want)
	}
	for n := range 40 {
		want, ok := m.confirmations[id('q', n)]
		if !ok {
			_, _, err := s.Confirmation(t.Context(), tenant(1), instance(0), id('q', n))
			notFound(t, "Confirmation", err)
			continue
		}
		equal(t, "Confirmation", read(t, s, want), want)
	}
}

// allHolders yields the few holders that the model knows.
func allHolders(yield func(pin.Holder) bool) {
	for n := range 3 {
		if !yield(customer(n)) || !yield(pin.IdentityHolder(tenant(1), instance(n), id('c', n))) {
			return
		}
	}
}

func anyHolder(rng *rand.Rand) pin.Holder {
	all := slices.Collect(allHolders)
	return all[rng.IntN(len(all))]
}

// anyInstance is one on which the holder can be.
func anyInstance(rng *rand.Rand, h pin.Holder) uuid.UUID {
	if h.Type == pin.Identity {
		return h.Instance
	}
	return instance(rng.IntN(3))
}

func anyTime(rng *rand.Rand) time.Time {
	return base.Add(time.Duration(rng.Int64N(int64(48*time.Hour/time.Microsecond))) * time.Microsecond)
}

func stepPin(ctx context.Context, t *testing.T, rng *rand.Rand, tx store.Tx, m model) {
	t.Helper()
	h := anyHolder(rng)
	r := must(tx.LockNewPin(ctx, h))(t)
	equal(t, "LockNewPin", r, cmp.Or(m.pins[h], pin.Record{Holder: h}))
	fresh := pin.Fresh{ID: id('p', rng.IntN(1000)), Hash: "$argon2id$x", At: anyTime(rng)}
	switch rng.IntN(7) {
	case 0:
		r = r.SetByAdmin(fresh)
	case 1:
		r = r.SetByRuntime(fresh, 24*time.Hour)
	case 2:
		r = r.RemoveByRuntime()
	case 3:
		r = r.Unlock()
	case 4:
		delete(m.pins, h)
		if err := tx.DeletePin(ctx, h); err != nil {
			t.Fatal(err)
		}
		return
	default:
		r, _, _ = r.Spend(pin.DefaultLimits(), anyTime(rng))
	}
	m.pins[h] = r
	if err := tx.SavePin(ctx, r, "pepper"); err != nil {
		t.Fatal(err)
	}
}

func stepPolicy(ctx context.Context, t *testing.T, rng *rand.Rand, tx store.Tx, m model) {
	t.Helper()
	p := must(tx.LockPolicy(ctx, tenant(1), instance(rng.IntN(3))))(t)
	minutes := rng.IntN(policy.MaxSessionTTLMinutes + 1)
	skills := []string{"b", "A", "c"}[:rng.IntN(4)]
	p, changed := p.Apply(policy.Patch{RequiredSkills: skills, SessionTTLMinutes: &minutes})
	if !changed {
		return
	}
	m.policies[p.Instance] = p
	if err := tx.SavePolicy(ctx, p); err != nil {
		t.Fatal(err)
	}
}

func stepSession(ctx context.Context, t *testing.T, rng *rand.Rand, tx store.Tx, m model) {
	t.Helper()
	h := anyHolder(rng)
	one := session(h, anyInstance(rng, h), len(m.sessions)+rng.IntN(1000))
	one.AuthTime = anyTime(rng)
	m.sessions[one.ID] = one
	if err := tx.SaveSession(ctx, one); err != nil {
		t.Fatal(err)
	}
}

func stepEndSessions(ctx context.Context, t *testing.T, rng *rand.Rand, tx store.Tx, m model) {
	t.Helper()
	h, where := anyHolder(rng), uuid.Nil
	if rng.IntN(2) == 0 {
		where = anyInstance(rng, h)
	}
	var want []confirmation.Session
	for key, one := range m.sessions {
		if one.Holder == h && (where == uuid.Nil || one.Instance == where) {
			want = append(want, one)
			delete(m.sessions, key)
		}
	}
	equal(t, "EndSessions", byID(must(tx.EndSessions(ctx, h, where))(t)), byID(want))
}

func stepAsk(ctx context.Context, t *testing.T, rng *rand.Rand, tx store.Tx, m model) {
	t.Helper()
	h := anyHolder(rng)
	c := ask(h, anyInstance(rng, h), rng.IntN(40))
	if _, ok := m.confirmations[c.ID]; ok {
		return
	}
	if rng.IntN(2) == 0 {
		c.IdempotencyKey = string(rune('a' + rng.IntN(10)))
	}
	free := true
	for _, other := range m.confirmations {
		free = free && (c.IdempotencyKey == "" || other.Instance != c.Instance || other.IdempotencyKey != c.IdempotencyKey)
	}
	equal(t, "InsertConfirmation", must(tx.InsertConfirmation(ctx, c))(t), free)
	if free {
		m.confirmations[c.ID] = c
	}
}

func stepMove(ctx context.Context, t *testing.T, rng *rand.Rand, tx store.Tx, m model) {
	t.Helper()
	h := anyHolder(rng)
	var want confirmations
	for _, c := range m.confirmations {
		if c.Holder == h && (c.Status == confirmation.Pending || c.Status == confirmation.Approved) {
			want = append(want, c)
		}
	}
	slices.SortFunc(want, func(a, b confirmation.Confirmation) int { return slices.Compare(a.ID[:], b.ID[:]) })
	open := must(tx.LockOpenConfirmations(ctx, h, uuid.Nil))(t)
	equal(t, "LockOpenConfirmations", open, want)
	if len(open) == 0 {
		return
	}
	c := open[rng.IntN(len(open))]
	switch {
	case c.Status == confirmation.Pending && rng.IntN(2) == 0:
		c = approve(c)
	case c.Status == confirmation.Approved && rng.IntN(2) == 0:
		c = redeem(c)
	default:
		c = decline(c)
	}
	m.confirmations[c.ID] = c
	if err := tx.SaveConfirmation(ctx, c); err != nil {
		t.Fatal(err)
	}
}

// stepSweep deletes what ended before a time.
func stepSweep(ctx context.Context, t *testing.T, rng *rand.Rand, tx store.Tx, m model) {
	t.Helper()
	before, swept := after(rng.IntN(20)), 0
	for key, c := range m.confirmations {
		if !c.EndedAt.IsZero() && c.EndedAt.Before(before) {
			delete(m.confirmations, key)
			swept++
		}
	}
	equal(t, "DeleteConfirmations", must(tx.DeleteConfirmations(ctx, before, 1000))(t), swept)
}
