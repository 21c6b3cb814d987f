package storetest

import (
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

type sessions = []confirmation.Session

func saveSessions(t *testing.T, s store.Store, list ...confirmation.Session) {
	t.Helper()
	inTx(t, s, func(tx store.Tx) {
		for _, one := range list {
			tx.SaveSession(one)
		}
	})
}

func testSessionAsSaved(t *testing.T, s store.Store) {
	for n, h := range []pin.Holder{customer(1), identity()} {
		want := session(h, instance(1), n)
		want.LockEpoch = 1 << 40
		saveSessions(t, s, want)
		equal(t, "Sessions", sessionsOf(t, s, h, instance(1)), sessions{want})

		want.Role, want.PINID, want.AuthTime, want.TTL = policy.Owner, id('p', 9), after(99), 0
		saveSessions(t, s, want)
		equal(t, "Sessions, saved again", sessionsOf(t, s, h, instance(1)), sessions{want})
	}
}

func testSessionsApart(t *testing.T, s store.Store) {
	same := id('x', 1)
	all := sessions{
		session(pin.CustomerHolder(tenant(1), same), instance(1), 1),
		session(pin.CustomerHolder(tenant(1), same), instance(2), 2),
		session(pin.CustomerHolder(tenant(2), same), instance(1), 3),
		session(pin.IdentityHolder(tenant(1), instance(1), same), instance(1), 4),
		session(pin.IdentityHolder(tenant(1), instance(2), same), instance(2), 5),
	}
	saveSessions(t, s, all...)
	for _, one := range all {
		equal(t, "Sessions", sessionsOf(t, s, one.Holder, one.Instance), sessions{one})
	}
	equal(t, "Sessions on every instance", sessionsOf(t, s, all[0].Holder, uuid.Nil), all[:2])
	equal(t, "Sessions of nobody", sessionsOf(t, s, customer(9), instance(1)), sessions(nil))

	// The time of the PIN orders them, then the id.
	early, late := session(customer(1), instance(1), 9), session(customer(1), instance(1), 8)
	late.AuthTime = early.AuthTime
	first := session(customer(1), instance(1), 7)
	saveSessions(t, s, early, late, first)
	equal(t, "order", sessionsOf(t, s, customer(1), instance(1)), sessions{first, late, early})
}

func testSessionOf(t *testing.T, s store.Store) {
	one := session(customer(1), instance(1), 1)
	resting, other := approve(ask(customer(1), instance(1), 1)), approve(ask(customer(1), instance(1), 2))
	resting.Approval.Session = one.ID
	saveSessions(t, s, one)
	insert(t, s, resting, other)
	sessionOf := func(ref confirmation.Ref) confirmation.Session {
		t.Helper()
		r := s.Reads()
		return get(t, r, func(into *confirmation.Session) { r.SessionOf(ref, into) })
	}
	equal(t, "SessionOf", sessionOf(resting.Ref()), one)
	equal(t, "SessionOf one without", sessionOf(other.Ref()), confirmation.Session{})
	foreign := resting.Ref()
	foreign.Tenant = tenant(2)
	equal(t, "SessionOf another tenant's", sessionOf(foreign), confirmation.Session{})
	inTx(t, s, func(tx store.Tx) { tx.DeleteSessions(customer(1), instance(1)) })
	equal(t, "SessionOf, ended", sessionOf(resting.Ref()), confirmation.Session{})
}

func testDeleteSessions(t *testing.T, s store.Store) {
	h := customer(1)
	first, second := session(h, instance(1), 1), session(h, instance(1), 2)
	elsewhere, other := session(h, instance(2), 3), session(customer(2), instance(1), 4)
	foreign := session(pin.CustomerHolder(tenant(2), h.ID), instance(1), 5)
	end := func(inst uuid.UUID) {
		t.Helper()
		inTx(t, s, func(tx store.Tx) { tx.DeleteSessions(h, inst) })
	}
	saveSessions(t, s, first, second, elsewhere, other, foreign)

	end(instance(1))
	equal(t, "left", sessionsOf(t, s, h, uuid.Nil), sessions{elsewhere})
	end(instance(1)) // nothing is left to end

	saveSessions(t, s, first)
	end(uuid.Nil)
	equal(t, "left", sessionsOf(t, s, h, uuid.Nil), sessions(nil))
	equal(t, "of another", sessionsOf(t, s, other.Holder, instance(1)), sessions{other})
	equal(t, "of another tenant", sessionsOf(t, s, foreign.Holder, instance(1)), sessions{foreign})
}
