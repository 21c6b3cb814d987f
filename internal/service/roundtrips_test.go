package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pgtest"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/store/postgres"
)

// counted is a world whose node reaches PostgreSQL through a proxy that counts.
type counted struct {
	*world
	proxy *pgtest.Proxy
	near  *node
	// agent and live are keys of the instance's runtime and of an admin.
	agent, live string
}

func countRoundTrips(t *testing.T) *counted {
	t.Helper()
	url := common(t)
	c := &counted{world: newWorld(t, onServer(t, url)), proxy: pgtest.NewProxy(t, url)}
	c.near = c.another(func(s *settings) {
		st, err := postgres.Open(t.Context(), postgres.Config{URL: c.proxy.URL, MaxConns: 2})
		must(t, err)
		s.config.Store = closing(t, st)
	})
	key := func(spec service.KeySpec) string {
		spec.Tenant = c.tenant
		_, secret, err := c.MintKey(t.Context(), c.admin, spec)
		must(t, err)
		return secret.Reveal()
	}
	c.agent, c.live = key(service.KeySpec{Instance: c.instance}), key(service.KeySpec{Scopes: auth.Scopes()})
	return c
}

// costs returns the round trips of an act in the steady state, its credential
// included: the fewest of several tries, as the first ones connect and prepare, and a
// connection that was idle for a second is looked at first. ready, which is not
// counted, makes what the act needs.
func (c *counted) costs(credential string, fresh bool, ready func(), act func() error) int {
	c.t.Helper()
	fewest := 0
	for run := range 6 {
		if ready != nil {
			ready()
		}
		before := c.proxy.RoundTrips()
		c.proxy.Log()
		must(c.t, second(c.near.AuthenticateKey(c.t.Context(), credential, fresh)))
		must(c.t, act())
		n := c.proxy.RoundTrips() - before
		if run == 1 || run > 1 && n < fewest {
			fewest = n
		}
	}
	return fewest
}

// PostgreSQL is often a millisecond away, so what an operation asks it is counted on
// the wire, credential included. A number that grows is a decision.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	c := countRoundTrips(t)
	ctx := t.Context()
	c.require(30)
	c.setPIN(c.customer, right)
	c.setPIN(c.identity, right)
	var v service.View
	pending := func() { v = c.pending(doing(t, params)) }
	approved := func() { v = c.approved(doing(t, params)) }
	// rests makes what a change of the PIN ends: sessions and confirmations.
	rests := func(h pin.Holder) func() {
		return func() {
			c.setPIN(h, right)
			for range 3 {
				c.pending(from(h), doing(t, params))
				c.approved(from(h), doing(t, params))
			}
			c.approved(from(h))
			c.ask(from(h))
		}
	}
	proof := func() confirmation.Proof { return confirmation.Proof{Digest: v.ActionDigest()} }
	current := number(t, right)
	for _, test := range []struct {
		name  string
		want  int
		agent bool
		fresh bool
		ready func()
		act   func() error
	}{
		{"status", 1, false, false, nil, func() error { return second(c.near.PINStatus(ctx, c.customer)) }},
		{"status with a key that is read", 2, false, true, nil, func() error { return second(c.near.PINStatus(ctx, c.customer)) }},
		{"policy", 1, false, false, nil, func() error { return second(c.near.Policy(ctx, c.admin, c.instance)) }},
		{"need", 1, true, false, nil, func() error { return second(c.near.Need(ctx, c.runtime, c.instance, policy.Owner, skill)) }},
		{"read", 2, true, false, pending, func() error {
			return second(c.near.Confirmation(ctx, c.runtime, to(c.instance, v.ID), 0))
		}},
		{"list", 2, true, false, pending, func() error {
			_, _, err := c.near.OpenConfirmations(ctx, c.runtime, service.OpenFilter{Instance: c.instance, Limit: 20})
			return err
		}},
		{"ask", 4, true, true, rests(c.identity), func() error {
			_, _, err := c.near.Ask(ctx, c.runtime, c.question(from(c.identity), doing(t, params), keyed(uuid.NewString())))
			return err
		}},
		{"ask with a call key", 4, true, true, rests(c.identity), func() error {
			_, _, err := c.near.Ask(ctx, c.runtime, c.question(from(c.identity), doing(t, params), called(uuid.NewString())))
			return err
		}},
		{"ask by session", 4, true, true, rests(c.identity), func() error {
			_, _, err := c.near.Ask(ctx, c.runtime, c.question(from(c.identity)))
			return err
		}},
		{"ask again", 3, true, true, nil, func() error {
			_, _, err := c.near.Ask(ctx, c.runtime, c.question(from(c.identity), doing(t, params), keyed("again")))
			return err
		}},
		{"verify", 6, true, true, pending, func() error {
			return second(c.near.Verify(ctx, c.runtime, to(c.instance, v.ID), current))
		}},
		{"verify that opens a session and approves more", 6, true, true, func() {
			c.setPIN(c.customer, right)
			v = c.pending()
			for range 10 {
				c.pending()
			}
		}, func() error { return second(c.near.Verify(ctx, c.runtime, to(c.instance, v.ID), current)) }},
		{"redeem", 4, true, true, approved, func() error {
			return second(c.near.Redeem(ctx, c.runtime, to(c.instance, v.ID), proof()))
		}},
		{"decline", 3, true, true, pending, func() error { return c.near.Decline(ctx, c.runtime, to(c.instance, v.ID)) }},
		{
			"outcome", 3, true, true, func() { approved(); must(t, second(c.Redeem(ctx, c.runtime, to(c.instance, v.ID), proof()))) },
			func() error {
				return second(c.near.ReportOutcome(ctx, c.runtime, to(c.instance, v.ID), confirmation.Outcome{Kind: confirmation.OutcomeExecuted}))
			},
		},
		{"end sessions", 3, true, true, rests(c.customer), func() error { return c.near.EndSessions(ctx, c.runtime, c.customer, c.instance) }},
		{"set", 3, false, true, rests(c.customer), func() error { return second(c.near.SetPIN(ctx, c.admin, c.customer, current)) }},
		{
			"unlock", 3, false, true, func() { c.setPIN(c.customer, right); c.fail(c.pending(), 5) },
			func() error { return second(c.near.UnlockPIN(ctx, c.admin, c.customer)) },
		},
		{"remove", 3, false, true, rests(c.customer), func() error { return c.near.RemovePIN(ctx, c.admin, c.customer) }},
		{"replace by the runtime", 6, true, true, rests(c.identity), func() error {
			return second(c.near.SetPINByRuntime(ctx, c.runtime, c.identity, service.NewPIN{PIN: current, Current: &current}))
		}},
		{"update the policy", 3, false, true, nil, func() error {
			ttl := int(time.Now().UnixMicro() % 1000)
			return second(c.near.UpdatePolicy(ctx, c.admin, service.PolicyUpdate{
				Instance: c.instance, Patch: policy.Patch{SessionTTLMinutes: &ttl}, Match: anyVersion,
			}))
		}},
		{
			"freeze", 5, false, true, func() { must(t, c.Unfreeze(ctx, c.admin, c.instance)) },
			func() error { return second(c.near.Freeze(ctx, c.admin, c.instance, "")) },
		},
	} {
		credential := c.live
		if test.agent {
			credential = c.agent
		}
		if got := c.costs(credential, test.fresh, test.ready, test.act); got != test.want {
			t.Errorf("%s: %d round trips, want %d; the last:\n%q", test.name, got, test.want, c.proxy.Log())
		}
	}
}

// What needs no PIN costs the credential and one look.
func TestRoundTripsOfWhatNeedsNoPIN(t *testing.T) {
	t.Parallel()
	c := countRoundTrips(t)
	got := c.costs(c.agent, true, nil, func() error {
		_, _, err := c.near.Ask(t.Context(), c.runtime, c.question(keyed("k")))
		return err
	})
	equal(t, "round trips", got, 2)
}

// Whoever tries keys asks the database once: for an id that is not there, and for an
// incorrect secret.
func TestRoundTripsOfUnknownKeys(t *testing.T) {
	t.Parallel()
	c := countRoundTrips(t)
	must(t, second(c.near.AuthenticateKey(t.Context(), c.live, true)))
	_, _, unknown, err := auth.NewKey(auth.KindAPIKey)
	must(t, err)
	wants(t, second(c.near.AuthenticateKey(t.Context(), unknown.Reveal(), true)), service.ErrUnauthorized)
	incorrect := c.live[:len(c.live)-1] + map[bool]string{true: "A", false: "B"}[strings.HasSuffix(c.live, "B")]
	before := c.proxy.RoundTrips()
	for range 20 {
		wants(t, second(c.near.AuthenticateKey(t.Context(), unknown.Reveal(), true)), service.ErrUnauthorized)
		wants(t, second(c.near.AuthenticateKey(t.Context(), incorrect, true)), service.ErrUnauthorized)
	}
	equal(t, "round trips", c.proxy.RoundTrips()-before, 0)
	c.near.ahead.Store(int64(5 * time.Second))
	wants(t, second(c.near.AuthenticateKey(t.Context(), unknown.Reveal(), true)), service.ErrUnauthorized)
	if c.proxy.RoundTrips() == before {
		t.Error("an unknown key stays unknown")
	}
}

// The outcomes of a lost commit, with a connection that really breaks.
func TestACutConnection(t *testing.T) {
	t.Parallel()
	for _, when := range []pgtest.Moment{pgtest.BeforeServer, pgtest.AfterServer} {
		c := countRoundTrips(t)
		c.require(30)
		c.setPIN(c.customer, right)
		ctx := t.Context()
		// Every statement is prepared, and the cut meets the batch that has the COMMIT.
		must(t, second(c.near.Verify(ctx, c.runtime, to(c.instance, c.pending(doing(t, params)).ID), number(t, right))))

		v := c.pending(doing(t, params))
		c.proxy.Cut(when, "name: InsertAttempt")
		_, err := c.near.Verify(ctx, c.runtime, to(c.instance, v.ID), number(t, right))
		wants(t, err, store.ErrUnavailable)
		spent := map[pgtest.Moment]int{pgtest.BeforeServer: 0, pgtest.AfterServer: 1}[when]
		equal(t, "failures", c.record(c.customer).Failures, spent)

		c.proxy.Cut(when, "name: DeleteAttempt")
		got, err := c.near.Verify(ctx, c.runtime, to(c.instance, v.ID), number(t, right))
		must(t, err)
		answer(t, got, confirmation.Approved, confirmation.ByPIN)

		c.proxy.Cut(when, "name: SaveConfirmations")
		_, err = c.near.Redeem(ctx, c.runtime, to(c.instance, v.ID), confirmation.Proof{Digest: v.ActionDigest()})
		if when == pgtest.AfterServer {
			must(t, err)
		} else {
			wants(t, err, service.ErrUnavailable)
		}

		c.proxy.Cut(when, "name: SavePIN")
		must(t, second(c.near.SetPIN(ctx, c.admin, c.customer, number(t, other))))
		c.proxy.Cut(when, "name: InsertConfirmation")
		_, created, err := c.near.Ask(ctx, c.runtime, c.question(keyed("k"), doing(t, params)))
		if when == pgtest.AfterServer {
			must(t, err)
			equal(t, "created", created, true)
		} else {
			wants(t, err, service.ErrUnavailable)
		}
	}
}
