package service_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/service"
)

// outcomeName names how a call of the service ended, as the model does.
func outcomeName(err error) string {
	var wrongPIN *service.WrongPINError
	var locked *service.LockedError
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &wrongPIN):
		return wrongName(wrongPIN.Remaining, !wrongPIN.LockedUntil.IsZero())
	case errors.As(err, &locked):
		return unusableName(pin.Locked)
	}
	for sentinel, name := range map[error]string{
		service.ErrInactive:            unusableName(pin.Inactive),
		service.ErrCurrentPINMissing:   "current PIN missing",
		service.ErrIdempotencyConflict: "conflict",
		service.ErrNotPending:          string(confirmation.NotPending),
		service.ErrNotApproved:         string(confirmation.NotApproved),
		service.ErrExpired:             string(confirmation.HasExpired),
		service.ErrAlreadyRedeemed:     string(confirmation.AlreadyRedeemed),
		service.ErrParamsMismatch:      string(confirmation.ParamsMismatch),
		service.ErrChanged:             string(confirmation.Changed),
		service.ErrOutdatedForm:        string(confirmation.IsOutdated),
		service.ErrNoTriesLeft:         string(confirmation.NoTriesLeft),
		service.ErrLinkOver:            linkOver,
		service.ErrPINUnchanged:        pinUnchanged,
		service.ErrPINNotSet:           pinNotSet,
		service.ErrPageOnly:            string(confirmation.IsPageOnly),
		service.ErrPINNotOwn:           string(confirmation.IsNotOwn),
	} {
		if errors.Is(err, sentinel) {
			return name
		}
	}
	return err.Error()
}

// machine drives service and model side by side.
type machine struct {
	*model
	w       *world
	service *node
	action  *confirmation.Action
}

func (c *machine) same(t *rapid.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: the service says %q, the model %q", what, got, want)
	}
}

func (c *machine) holder(t *rapid.T) pin.Holder {
	return rapid.SampledFrom([]pin.Holder{c.w.customer, c.w.identity}).Draw(t, "holder")
}

func digits(t *rapid.T, name string, more ...string) string {
	return rapid.SampledFrom(append([]string{right, other}, more...)).Draw(t, name)
}

// conf picks one of the last confirmations. The first is asked before all else.
func (c *machine) conf(t *rapid.T) uuid.UUID {
	last := c.asked[max(0, len(c.asked)-6):]
	return last[rapid.IntRange(0, len(last)-1).Draw(t, "confirmation")]
}

func (c *machine) actions() map[string]func(*rapid.T) {
	w, n := c.w, c.service
	ctx := w.t.Context()
	verify := func(t *rapid.T, entered string) {
		id := c.conf(t)
		_, err := n.Verify(ctx, w.runtime, to(w.instance, id), number(w.t, entered))
		c.same(t, "verify", outcomeName(err), c.verify(id, entered))
	}
	ask := func(t *rapid.T) {
		q := w.question(from(c.holder(t)))
		q.Role = rapid.SampledFrom([]policy.Role{policy.Customer, policy.Customer, policy.Owner}).Draw(t, "role")
		q.Skill = rapid.SampledFrom([]string{skill, skill, "other.skill"}).Draw(t, "skill")
		q.Lifetime = rapid.SampledFrom([]time.Duration{5 * time.Minute, time.Hour}).Draw(t, "lifetime")
		q.IdempotencyKey = rapid.SampledFrom([]string{"", "", "a", "b"}).Draw(t, "key")
		if rapid.IntRange(0, 2).Draw(t, "action") == 0 {
			q.Action = c.action
		}
		v, created, err := n.Ask(ctx, w.runtime, q)
		want, how := c.ask(q)
		if how == "conflict" {
			c.same(t, "ask", outcomeName(err), how)
			return
		}
		if err != nil {
			t.Fatalf("ask: %v", err)
		}
		c.same(t, "created", fmt.Sprint(created), fmt.Sprint(how == "created"))
		if how == "created" {
			want.ID = v.ID
			c.confs[v.ID] = want
			c.asked = append(c.asked, v.ID)
		}
		c.compare(t, v, want)
	}
	all := map[string]func(*rapid.T){
		"ask": ask, "ask again": ask, "ask and again": ask,
		"verify right":        func(t *rapid.T) { verify(t, right) },
		"verify right again":  func(t *rapid.T) { verify(t, right) },
		"verify wrong":        func(t *rapid.T) { verify(t, wrong) },
		"verify and fail":     func(t *rapid.T) { verify(t, wrong) },
		"verify another's":    func(t *rapid.T) { verify(t, other) },
		"a burst of guessing": func(t *rapid.T) { verify(t, wrong); verify(t, wrong); verify(t, wrong); verify(t, wrong) },
		"set": func(t *rapid.T) {
			h, d := c.holder(t), digits(t, "digits", right, right)
			_, err := n.SetPIN(ctx, w.admin, h, number(w.t, d))
			c.same(t, "set", outcomeName(err), "done")
			c.setByAdmin(h, d)
		},
		"remove": func(t *rapid.T) {
			h := c.holder(t)
			c.same(t, "remove", outcomeName(n.RemovePIN(ctx, w.admin, h)), "done")
			c.removeByAdmin(h)
		},
		"unlock": func(t *rapid.T) {
			h := c.holder(t)
			_, err := n.UnlockPIN(ctx, w.admin, h)
			c.same(t, "unlock", outcomeName(err), "done")
			c.pins[h] = c.record(h).Unlock()
		},
		"set by the runtime": func(t *rapid.T) {
			d, current := digits(t, "digits", right), digits(t, "current", "", wrong)
			var p *pin.PIN
			if current != "" {
				entered := number(w.t, current)
				p = &entered
			}
			_, err := n.SetPINByRuntime(ctx, w.runtime, w.identity, service.NewPIN{PIN: number(w.t, d), Current: p})
			c.same(t, "set", outcomeName(err), c.setByRuntime(w.identity, d, current))
		},
		"set one's own": func(t *rapid.T) {
			d, current := digits(t, "digits"), digits(t, "current", "", wrong)
			choice := service.NewPIN{PIN: number(w.t, d)}
			if current != "" {
				choice.Current = new(number(w.t, current))
			}
			_, err := n.SetOwnPIN(ctx, w.admin, w.customer, choice)
			c.same(t, "set one's own", outcomeName(err), c.setOwn(w.customer, d, current))
		},
		"remove by the runtime": func(t *rapid.T) {
			err := n.RemovePINByRuntime(ctx, w.runtime, w.identity)
			c.same(t, "remove", outcomeName(err), c.removeByRuntime(w.identity))
		},
		"redeem": func(t *rapid.T) {
			id := c.conf(t)
			p := confirmation.Proof{Digest: c.confs[id].ActionDigest()}
			p.Skill = rapid.SampledFrom([]string{"", c.confs[id].Skill, "a.third"}).Draw(t, "skill")
			if rapid.IntRange(0, 4).Draw(t, "params") == 0 {
				p.Digest = "sha-256:0"
			}
			_, err := n.Redeem(ctx, w.runtime, to(w.instance, id), p)
			c.same(t, "redeem", outcomeName(err), c.redeem(id, p))
		},
		"decline": func(t *rapid.T) {
			id := c.conf(t)
			c.same(t, "decline", outcomeName(n.Decline(ctx, w.runtime, to(w.instance, id))), c.declineOne(id))
		},
		"lock now": func(t *rapid.T) {
			h := c.holder(t)
			c.same(t, "lock now", outcomeName(n.EndSessions(ctx, w.runtime, h, w.instance)), "done")
			c.lockNow(h)
		},
		"change the policy": func(t *rapid.T) {
			patch := policy.Patch{RequiredSkills: rapid.SampledFrom([][]string{nil, {"*"}, {skill}}).Draw(t, "skills")}
			ttl := rapid.SampledFrom([]int{0, 5, 30, 1440}).Draw(t, "ttl")
			applies := rapid.SampledFrom([]policy.AppliesTo{policy.AppliesToAll, policy.AppliesToCustomer}).Draw(t, "applies to")
			patch.SessionTTLMinutes, patch.AppliesTo = &ttl, &applies
			// Most of the time every PIN counts, wherever it is entered.
			own := rapid.SampledFrom([]bool{false, false, true}).Draw(t, "must be own")
			channels := rapid.SampledFrom([]policy.Channels{policy.AnyChannel, policy.AnyChannel, policy.PageOnly}).Draw(t, "channels")
			patch.MustBeOwn, patch.Channels = &own, &channels
			_, err := n.UpdatePolicy(ctx, w.admin, service.PolicyUpdate{Instance: w.instance, Patch: patch, Match: anyVersion})
			c.same(t, "policy", outcomeName(err), "done")
			c.policy, _ = c.policy.Apply(patch)
		},
		"time passes": func(t *rapid.T) {
			d := time.Duration(rapid.SampledFrom([]int{1, 2, 5, 15, 30, 60, 1440}).Draw(t, "minutes")) * time.Minute
			w.elapse(d)
			c.elapse(d)
		},
		"sweep": func(t *rapid.T) {
			_, err := n.SweepOnce(ctx)
			c.same(t, "sweep", outcomeName(err), "done")
			c.sweep()
		},
		"": c.check,
	}
	maps.Copy(all, c.pageActions())
	maps.Copy(all, c.linkActions())
	return all
}

func about(got, want time.Time) bool {
	return got.IsZero() == want.IsZero() && (got.IsZero() || got.Sub(want).Abs() < 30*time.Second)
}

// compare holds what the service tells of a confirmation against the model.
func (c *machine) compare(t *rapid.T, v service.View, m confirmation.Confirmation) {
	t.Helper()
	now := c.now()
	m = m.At(now)
	what := fmt.Sprintf("confirmation %s", v.ID)
	c.same(t, what, fmt.Sprint(v.Status, "/", v.Reason), fmt.Sprint(m.Status, "/", m.Reason))
	if !about(v.ExpiresAt, m.ExpiresAt) || !about(v.EndedAt, m.EndedAt) || !about(v.CreatedAt, m.CreatedAt) {
		t.Fatalf("%s: its times are %s, %s, %s, the model's %s, %s, %s", what,
			v.CreatedAt, v.ExpiresAt, v.EndedAt, m.CreatedAt, m.ExpiresAt, m.EndedAt)
	}
	c.same(t, what+": on its page", fmt.Sprint(v.PageTries, v.PageFailures), fmt.Sprint(m.PageTries, m.PageFailures))
	c.same(t, what+": receipt", fmt.Sprint(v.Receipt != ""), fmt.Sprint(m.Status == confirmation.Approved))
	remaining, until := "none", time.Time{}
	if r := c.record(m.Holder); r.ID != uuid.Nil && (m.Status == confirmation.Pending || m.Status == confirmation.Blocked) {
		n, lock := r.Remaining(c.limits, now)
		remaining, until = fmt.Sprint(n), lock
	}
	got := "none"
	if v.AttemptsRemaining != nil {
		got = fmt.Sprint(*v.AttemptsRemaining)
	}
	c.same(t, what+": remaining", got, remaining)
	ends := time.Time{}
	if s := c.approving(m); s != nil {
		ends = s.Until(c.policy)
	}
	if !about(v.LockedUntil, until) || !about(v.SessionExpiresAt, ends) {
		t.Fatalf("%s: locked until %s, session until %s, the model's %s, %s", what, v.LockedUntil, v.SessionExpiresAt, until, ends)
	}
}

// check compares everything that can be seen after each step.
func (c *machine) check(t *rapid.T) {
	ctx := c.w.t.Context()
	now := c.now()
	for _, h := range []pin.Holder{c.w.customer, c.w.identity} {
		var r pin.Record
		var sessions []confirmation.Session
		reads := c.service.store.Reads()
		reads.PIN(h, &r)
		reads.Sessions(h, c.w.instance, &sessions)
		if err := reads.Fetch(ctx); err != nil {
			t.Fatal(err)
		}
		m := c.record(h)
		seen := func(r pin.Record) string {
			return fmt.Sprint(r.State(now), r.Failures, r.Inactive, r.LockEpoch, r.Generation, r.RemovedByRuntime, r.ID != uuid.Nil)
		}
		c.same(t, "PIN of the "+string(h.Type), seen(r), seen(m))
		if !about(r.BucketEmptyAt, m.BucketEmptyAt) || !about(r.LockedUntil, m.LockedUntil) || !about(r.CountsFrom, m.CountsFrom) {
			t.Fatalf("the times of %+v, the model's %+v", r, m)
		}
		c.same(t, "sessions", fmt.Sprint(len(sessions)), fmt.Sprint(len(c.sessionsOf(h))))
	}
	for _, id := range c.asked[max(0, len(c.asked)-4):] {
		v, err := c.service.Confirmation(ctx, c.w.runtime, to(c.w.instance, id), 0)
		if err != nil {
			t.Fatal(err)
		}
		c.compare(t, v, c.confs[id])
	}
}

// Random operations lead service and model to the same answers and the same state,
// on both stores.
func TestTheServiceIsItsModel(t *testing.T) {
	t.Parallel()
	isItsModel(t)
}

// A step that the database runs again leaves the same as one that runs once; here customers may
// set their first PIN themselves.
func TestTheServiceIsItsModelWhenStepsRunAgain(t *testing.T) {
	t.Parallel()
	isItsModel(t, runTwice, func(s *settings) { s.config.SelfSetup = true })
}

func isItsModel(t *testing.T, with ...setting) {
	t.Helper()
	alone(t, func(t *testing.T, w *world) {
		rapid.Check(t, func(rt *rapid.T) {
			w.newTenant()
			c := &machine{w: w, service: w.node, action: send250(t, params), model: &model{
				limits: w.config.Limits, within: w.config.RedeemWithin, cooling: w.config.CoolingOff, selfSetup: w.config.SelfSetup,
				pins: map[pin.Holder]pin.Record{}, sessions: map[uuid.UUID]confirmation.Session{},
				confs: map[uuid.UUID]confirmation.Confirmation{}, links: map[uuid.UUID]pin.Link{},
			}}
			c.policy = w.require(30)
			for _, h := range []pin.Holder{w.customer, w.identity} {
				w.setPIN(h, right)
				c.setByAdmin(h, right)
			}
			first := w.pending()
			c.confs[first.ID] = confirmation.Ask(w.question(), first.ID, c.now())
			c.asked = append(c.asked, first.ID)
			rt.Repeat(c.actions())
			for _, id := range slices.Backward(c.asked) {
				v, err := w.Confirmation(t.Context(), w.runtime, to(w.instance, id), 0)
				must(t, err)
				c.compare(rt, v, c.confs[id])
			}
		})
	}, append(with, func(s *settings) {
		s.config.Retention = 100_000 * time.Hour
		s.config.Limits = pin.Limits{LockAfter: 3, LockBase: 15 * time.Minute, HardLimit: 8, Bucket: 12}
	})...)
}
