package storetest

import (
	"cmp"
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

// step queues what it reads and locks, and returns what it does then to the
// transaction and to the model. Steps of one transaction speak of different holders, as
// none sees what another has queued; h is the step's, n its place.
type step func(t *testing.T, rng *rand.Rand, tx store.Tx, h pin.Holder, n int) func(m model) error

// testModel runs random transactions, a quarter of them undone, and compares all
// that the store holds with the model.
func testModel(t *testing.T, s store.Store) {
	rng := rand.New(rand.NewPCG(20261123, 1))
	m := model{
		pins: map[pin.Holder]pin.Record{}, policies: map[uuid.UUID]policy.Policy{},
		sessions: map[uuid.UUID]confirmation.Session{}, confirmations: map[uuid.UUID]confirmation.Confirmation{},
	}
	steps := []step{stepPin, stepPin, stepPolicy, stepSession, stepEndSessions, stepAsk, stepAsk, stepMove, stepMove}
	undone := errors.New("undone")
	for n := range 160 {
		next := m.clone()
		undo := rng.IntN(4) == 0
		var want error
		err := s.InTx(t.Context(), func(tx store.Tx) error {
			holders := slices.Collect(allHolders)
			rng.Shuffle(len(holders), func(i, j int) { holders[i], holders[j] = holders[j], holders[i] })
			var acts []func(model) error
			for place := range 1 + rng.IntN(3) {
				acts = append(acts, steps[rng.IntN(len(steps))](t, rng, tx, holders[place], place))
			}
			fetch(t, tx)
			for _, act := range acts {
				want = cmp.Or(want, act(next))
			}
			if undo {
				want = undone
			}
			if undo {
				return undone
			}
			return nil
		})
		if !errors.Is(err, want) {
			t.Fatalf("transaction %d: got %v, want %v", n, err, want)
		}
		if want == nil {
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

func (m model) compare(t *testing.T, s store.Store) {
	t.Helper()
	for h := range allHolders {
		equal(t, "PIN", pinOf(t, s, h), cmp.Or(m.pins[h], pin.Record{Holder: h}))
		for i := range 3 {
			equal(t, "Sessions", sessionsOf(t, s, h, instance(i)), m.sessionsOf(h, instance(i)))
		}
		equal(t, "Sessions everywhere", sessionsOf(t, s, h, uuid.Nil), m.sessionsOf(h, uuid.Nil))
	}
	for i := range 3 {
		equal(t, "Policy", policyOf(t, s, on(i)), m.policy(on(i)))
	}
	for n := range 40 {
		want, ok := m.confirmations[id('q', n)]
		if !ok {
			noConfirmation(t, "Confirmation", s, confirmation.Ref{Instance: on(0), ID: id('q', n)})
			continue
		}
		equal(t, "Confirmation", read(t, s, want), want)
	}
}

func (m model) policy(i policy.Instance) policy.Policy {
	if p, ok := m.policies[i.ID]; ok {
		return p
	}
	return policy.Default(i.Tenant, i.ID)
}

// sessionsOf returns the sessions of a holder in the order of AuthTime and id.
func (m model) sessionsOf(h pin.Holder, inst uuid.UUID) (list sessions) {
	for _, one := range m.sessions {
		if one.Holder == h && (inst == uuid.Nil || one.Instance == inst) {
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(a, b confirmation.Session) int {
		return cmp.Or(a.AuthTime.Compare(b.AuthTime), slices.Compare(a.ID[:], b.ID[:]))
	})
	return list
}

// allHolders yields the few holders that the model knows.
func allHolders(yield func(pin.Holder) bool) {
	for n := range 3 {
		if !yield(customer(n)) || !yield(pin.IdentityHolder(tenant(1), instance(n), id('c', n))) {
			return
		}
	}
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

func stepPin(t *testing.T, rng *rand.Rand, tx store.Tx, h pin.Holder, _ int) func(model) error {
	var r pin.Record
	tx.LockNewPIN(h, &r)
	return func(m model) error {
		equal(t, "LockNewPIN", r, cmp.Or(m.pins[h], pin.Record{Holder: h}))
		switch rng.IntN(6) {
		case 0:
			epoch, generation := r.LockEpoch, r.Generation
			r = setPIN(h, rng.IntN(1000))
			r.LockEpoch, r.Generation = epoch, generation+1
		case 1:
			r = r.RemoveByRuntime()
			r.PepperID = ""
		case 2:
			r = r.Unlock()
		case 3:
			r = pin.Record{Holder: h, LockEpoch: r.LockEpoch, Generation: r.Generation + 1}
		default:
			r, _, _ = r.Spend(pin.DefaultLimits(), anyTime(rng))
		}
		m.pins[h] = r
		tx.SavePIN(r)
		return nil
	}
}

func stepPolicy(t *testing.T, rng *rand.Rand, tx store.Tx, _ pin.Holder, n int) func(model) error {
	var p policy.Policy
	tx.LockPolicy(on(n), &p)
	return func(m model) error {
		equal(t, "LockPolicy", p, m.policy(on(n)))
		minutes := rng.IntN(policy.MaxSessionTTLMinutes + 1)
		skills := []string{"b", "A", "c"}[:rng.IntN(4)]
		next, changed := p.Apply(policy.Patch{RequiredSkills: skills, SessionTTLMinutes: &minutes})
		if changed {
			m.policies[p.Instance] = next
			tx.SavePolicy(next)
		}
		return nil
	}
}

func stepSession(_ *testing.T, rng *rand.Rand, tx store.Tx, h pin.Holder, n int) func(model) error {
	return func(m model) error {
		one := session(h, anyInstance(rng, h), 3*(len(m.sessions)+rng.IntN(1000))+n)
		one.AuthTime = anyTime(rng)
		m.sessions[one.ID] = one
		tx.SaveSession(one)
		return nil
	}
}

func stepEndSessions(t *testing.T, rng *rand.Rand, tx store.Tx, h pin.Holder, _ int) func(model) error {
	where := uuid.Nil
	if rng.IntN(2) == 0 {
		where = anyInstance(rng, h)
	}
	var ended sessions
	tx.Sessions(h, where, &ended)
	return func(m model) error {
		equal(t, "Sessions to end", ended, m.sessionsOf(h, where))
		for _, one := range ended {
			delete(m.sessions, one.ID)
		}
		tx.DeleteSessions(h, where)
		return nil
	}
}

func stepAsk(t *testing.T, rng *rand.Rand, tx store.Tx, h pin.Holder, n int) func(model) error {
	c := ask(h, anyInstance(rng, h), 3*rng.IntN(13)+n)
	if rng.IntN(2) == 0 {
		c.IdempotencyKey = string(rune('a' + rng.IntN(10)))
	}
	var holding confirmation.Confirmation
	tx.ConfirmationByKey(c.Ref().Instance, c.IdempotencyKey, &holding)
	return func(m model) error {
		_, taken := m.confirmations[c.ID]
		for _, other := range m.confirmations {
			if c.IdempotencyKey != "" && other.Instance == c.Instance && other.IdempotencyKey == c.IdempotencyKey {
				taken = true
				if holding.ID != uuid.Nil {
					equal(t, "ConfirmationByKey", holding, other)
				}
			}
		}
		tx.InsertConfirmation(c)
		if taken {
			return store.ErrKeyTaken
		}
		m.confirmations[c.ID] = c
		return nil
	}
}

func stepMove(t *testing.T, rng *rand.Rand, tx store.Tx, h pin.Holder, _ int) func(model) error {
	var open confirmations
	tx.LockOpenConfirmations(h, uuid.Nil, &open)
	return func(m model) error {
		var want confirmations
		for _, c := range m.confirmations {
			if c.Holder == h && c.EndedAt.IsZero() {
				want = append(want, c)
			}
		}
		equal(t, "LockOpenConfirmations", open, inOrder(want))
		var moved confirmations
		for _, c := range open {
			switch {
			case rng.IntN(2) == 0:
				continue
			case c.Status == confirmation.Pending && rng.IntN(2) == 0:
				c = approve(c)
			case c.Status == confirmation.Approved && rng.IntN(2) == 0:
				c = redeem(c)
			default:
				c = decline(c)
			}
			m.confirmations[c.ID] = c
			moved = append(moved, c)
		}
		tx.SaveConfirmations(moved...)
		return nil
	}
}
