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
	conf, now, err := s.readConfirmation(ctx, ref)
	if err != nil {
		return View{}, err
	}
	if err := refused(conf.CanVerify(now)); err != nil {
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
		st.lockSettling(g, &x)
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
		if !ok || x.settled() || conf.CanVerify(st.Now()) != confirmation.None {
			return View{}, refuse(st.late(conf, x))
		}
		st.correct(g, x, next)
		st.SavePIN(next)
		return s.approve(st, g, conf, next, p)
	})
}

// late records a correct guess that approves nothing, because something changed
// since it was paid for, and returns what the caller gets.
func (st *step) late(conf confirmation.Confirmation, x settling) error {
	now := st.Now()
	if !x.settled() {
		st.DeleteAttempt(x.attempt.Ref())
		st.record(of(conf), audit.ConfirmationRefused{Question: question(conf.At(now)), Refusal: "changed-since-spend"})
	}
	if err := unusable(x.pin, now); err != nil {
		return err
	}
	if err := refused(conf.CanVerify(now)); err != nil {
		return err
	}
	return ErrNotPending
}

// approve approves a confirmation by its PIN, opens the session that the PIN opens
// and signs the receipt.
func (s *Service) approve(st *step, g compared, conf confirmation.Confirmation, r pin.Record, p policy.Policy) (View, error) {
	now := st.Now()
	approval := confirmation.Approval{At: now, Attempt: g.attempt.ID, PINID: r.ID, LockEpoch: r.LockEpoch, AuthTime: now}
	session, opens := confirmation.Open(conf, p, r, st.newID(), now)
	if opens {
		approval.Session = session.ID
		st.SaveSession(session)
		st.record(of(conf), audit.SessionOpened{
			Session: session.ID.String(), Role: string(session.Role), Until: audit.FormatTime(session.Until(p)),
		})
	}
	next, err := s.approved(conf, confirmation.ByPIN, approval)
	if err != nil {
		return View{}, err
	}
	st.SaveConfirmations(next)
	st.record(of(next), audit.ConfirmationApproved{Question: question(next)})
	st.wake(next.ID)
	return seen(next).withSession(session, p), nil
}

// approved is a confirmation with its approval and its receipt.
func (s *Service) approved(conf confirmation.Confirmation, why confirmation.Reason, a confirmation.Approval) (confirmation.Confirmation, error) {
	next, refusal := conf.Approve(why, a, s.config.RedeemWithin)
	if refusal != confirmation.None {
		return confirmation.Confirmation{}, refused(refusal)
	}
	var err error
	next.Receipt, err = s.sign(next)
	return next, err
}
