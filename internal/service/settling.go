package service

import (
	"context"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/policy"
)

// settle records the outcome of a guess, with policy, PIN and confirmation as
// they are now. Repeated, it answers with what the first run stored.
func (s *Service) settle(ctx context.Context, c Caller, g compared) (View, error) {
	return run(ctx, s, act{op: OpSettle, caller: c, insists: true, repeats: true}, func(ctx context.Context, st *step) (View, error) {
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
			if !x.settled() {
				st.failOnPage(g, conf)
			}
			return View{}, refuse(s.incorrect(st, g, x))
		}
		if x.settled() && conf.Approval != nil && conf.Approval.Attempt == g.attempt.ID {
			return seen(conf.At(st.Now())).withSession(session, p), nil
		}
		next, ok := x.pin.SettleCorrect(g.ticket)
		entry := confirmation.Entry{PIN: x.pin, Policy: p, ByPage: g.onPage}
		if !ok || x.settled() || conf.CanVerify(entry, st.Now()) != confirmation.None {
			return View{}, refuse(st.late(conf, entry, x))
		}
		st.correct(g, x, next)
		st.SavePIN(next)
		return s.approve(st, approving{guess: g, conf: conf, open: open, pin: next, policy: p})
	})
}

// late records a correct guess that approves nothing, because something changed
// since it was paid for, and returns what the caller gets.
func (st *step) late(conf confirmation.Confirmation, e confirmation.Entry, x settling) error {
	now := st.Now()
	if !x.settled() {
		st.DeleteAttempt(x.attempt.Ref())
		st.record(of(conf), audit.ConfirmationRefused{Question: question(conf.At(now)), Refusal: "changed-since-spend"})
	}
	if e.Policy.Frozen {
		return ErrFrozen
	}
	if err := unusable(x.pin, now); err != nil {
		return err
	}
	if err := refused(conf.CanVerify(e, now)); err != nil {
		return err
	}
	return ErrNotPending
}

// failOnPage counts an incorrect guess of the page of a confirmation; the last one
// declines it.
func (st *step) failOnPage(g compared, conf confirmation.Confirmation) {
	if !g.onPage {
		return
	}
	next := conf.FailOnPage(st.Now())
	if next.PageFailures == conf.PageFailures {
		return
	}
	st.SaveConfirmations(next)
	if next.Status == confirmation.Declined {
		st.record(of(next), audit.ConfirmationDeclined{Question: question(next)})
		st.wake(next.ID)
	}
}
