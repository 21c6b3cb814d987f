package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

func saveSessions(t *testing.T, s store.Store, sessions ...confirmation.Session) {
	t.Helper()
	inTx(t, s, func(ctx context.Context, tx store.Tx) error {
		for _, one := range sessions {
			if err := tx.SaveSession(ctx, one); err != nil {
				return err
			}
		}
		return nil
	})
}

// byID sorts sessions, whose order a store need not keep.
func byID(sessions []confirmation.Session) []confirmation.Session {
	slices.SortFunc(sessions, func(a, b confirmation.Session) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return sessions
}

func testSessionAsSaved(t *testing.T, s store.Store) {
	for n, h := range []pin.Holder{customer(1), identity()} {
		want := session(h, instance(1), n)
		want.LockEpoch = 1 << 40
		saveSessions(t, s, want)
		equal(t, "Session", must(s.Session(t.Context(), h.Tenant, want.ID))(t), want)
		equal(t, "Sessions", must(s.Sessions(t.Context(), h, instance(1)))(t), []confirmation.Session{want})

		want.Role, want.PINID, want.AuthTime, want.TTL = policy.Owner, id('p', 9), after(99), 0
		saveSessions(t, s, want)
		equal(t, "Session, saved again", must(s.Session(t.Context(), h.Tenant, want.ID))(t), want)
	}
}

func testSessionsApart(t *testing.T, s store.Store) {
	same := id('x', 1)
	all := []confirmation.Session{
		session(pin.CustomerHolder(tenant(1), same), instance(1), 1),
		session(pin.CustomerHolder(tenant(1), same), instance(2), 2),
		session(pin.CustomerHolder(tenant(2), same), instance(1), 3),
		session(pin.IdentityHolder(tenant(1), instance(1), same), instance(1), 4),
		session(pin.IdentityHolder(tenant(1), instance(2), same), instance(2), 5),
	}
	saveSessions(t, s, all...)
	for _, one := range all {
		got := must(s.Sessions(t.Context(), one.Holder, one.Instance))(t)
		equal(t, "Sessions", got, []confirmation.Session{one})
	}
	equal(t, "Sessions of nobody", must(s.Sessions(t.Context(), customer(9), instance(1)))(t), []confirmation.Session(nil))
	_, err := s.Session(t.Context(), tenant(2), all[0].ID)
	notFound(t, "Session of another tenant", err)
	_, err = s.Session(t.Context(), tenant(1), id('s', 99))
	notFound(t, "Session never saved", err)
}

func testEndSessions(t *testing.T, s store.Store) {
	h := customer(1)
	first, second := session(h, instance(1), 1), session(h, instance(1), 2)
	elsewhere, other := session(h, instance(2), 3), session(customer(2), instance(1), 4)
	foreign := session(pin.CustomerHolder(tenant(2), h.ID), instance(1), 5)
	end := func(inst uuid.UUID) (ended []confirmation.Session) {
		t.Helper()
		inTx(t, s, func(ctx context.Context, tx store.Tx) (err error) {
			ended, err = tx.EndSessions(ctx, h, inst)
			return err
		})
		return byID(ended)
	}
	saveSessions(t, s, first, second, elsewhere, other, foreign)

	equal(t, "ended on an instance", end(instance(1)), []confirmation.Session{first, second})
	equal(t, "ended twice", end(instance(1)), []confirmation.Session(nil))
	_, err := s.Session(t.Context(), h.Tenant, first.ID)
	notFound(t, "Session that ended", err)
	equal(t, "Session elsewhere", must(s.Session(t.Context(), h.Tenant, elsewhere.ID))(t), elsewhere)

	saveSessions(t, s, first)
	equal(t, "ended everywhere", end(uuid.Nil), []confirmation.Session{first, elsewhere})
	equal(t, "Session of another", must(s.Session(t.Context(), h.Tenant, other.ID))(t), other)
	equal(t, "Session of another tenant", must(s.Session(t.Context(), tenant(2), foreign.ID))(t), foreign)
}

func testSweepSessions(t *testing.T, s store.Store) {
	for n := range 5 {
		saveSessions(t, s, session(customer(n), instance(1), n))
	}
	sweep := func(limit int) (swept int) {
		t.Helper()
		inTx(t, s, func(ctx context.Context, tx store.Tx) (err error) {
			swept, err = tx.SweepSessions(ctx, after(3), limit)
			return err
		})
		return swept
	}
	equal(t, "swept up to a limit", sweep(2), 2)
	equal(t, "swept the rest", sweep(2), 1)
	equal(t, "swept all", sweep(2), 0)
	for n := range 5 {
		got := must(s.Sessions(t.Context(), customer(n), instance(1)))(t)
		if left := len(got) == 1; left != (n >= 3) {
			t.Errorf("session %d is left: %v", n, left)
		}
	}
}
