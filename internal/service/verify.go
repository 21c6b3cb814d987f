package service

import (
	"context"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
)

// Verify compares a PIN for a confirmation: look at the confirmation, take a
// place in the hash queue, spend an attempt, hash, settle.
func (s *Service) Verify(ctx context.Context, c Caller, t Target, entered pin.PIN) (View, error) {
	ref := c.ref(t)
	conf, p, now, err := s.readUnder(ctx, ref)
	if err != nil {
		return View{}, err
	}
	if err := refused(conf.CanVerify(p, now)); err != nil {
		return View{}, err
	}
	place, err := s.config.Hasher.Reserve(c.Tenant)
	if err != nil {
		return View{}, err
	}
	defer place.Release()
	g, err := s.guess(ctx, c, place, guess{holder: conf.Holder, entered: entered, instance: t.Instance, conf: ref})
	if err != nil {
		return View{}, err
	}
	ctx = context.WithoutCancel(ctx)
	v, err := s.settle(ctx, c, g)
	if err == nil {
		s.rehash(ctx, c, g)
	}
	return v, err
}

// settle records the outcome of a guess, with policy, PIN and confirmation as
// they are now. Repeated, it answers with what the first run stored.
func (s *Service) settle(ctx context.Context, c Caller, g compared) (View, error) {
	return run(ctx, s, act{op: OpSettle, caller: c, repeats: true}, func(ctx context.Context, st *step) (View, error) {
		var x settling
		var conf confirmation.Confirmation
		var session confirmation.Session
		var p policy.Policy
		var open []confirmation.Confirmation
		st.lockSettling(g, &x)
		if g.match {
			st.LockOpenConfirmations(g.holder, g.instance, &open)
		}
		st.LockConfirmation(g.conf, &conf)
		if st.repeated {
			st.SessionOf(g.conf, &session)
		}
		st.Policy(g.conf.Instance, &p)
		if err := st.Fetch(ctx); err != nil {
			return View{}, notFound(err)
		}
		if !g.match {
			return View{}, refuse(s.incorrect(st, g, x))
		}
		if x.settled() && conf.Approval != nil && conf.Approval.Attempt == g.attempt.ID {
			return seen(conf.At(st.Now())).withSession(session, p), nil
		}
		next, ok := x.pin.SettleCorrect(g.ticket)
		if !ok || x.settled() || conf.CanVerify(p, st.Now()) != confirmation.None {
			return View{}, refuse(st.late(conf, p, x))
		}
		st.correct(g, x, next)
		st.SavePIN(next)
		return s.approve(st, approving{guess: g, conf: conf, open: open, pin: next, policy: p})
	})
}

// late records a correct guess that approves nothing, because something changed
// since it was paid for, and returns what the caller gets.
func (st *step) late(conf confirmation.Confirmation, p policy.Policy, x settling) error {
	now := st.Now()
	if !x.settled() {
		st.DeleteAttempt(x.attempt.Ref())
		st.record(of(conf), audit.ConfirmationRefused{Question: question(conf.At(now)), Refusal: "changed-since-spend"})
	}
	if p.Frozen {
		return ErrFrozen
	}
	if err := unusable(x.pin, now); err != nil {
		return err
	}
	if err := refused(conf.CanVerify(p, now)); err != nil {
		return err
	}
	return ErrNotPending
}
