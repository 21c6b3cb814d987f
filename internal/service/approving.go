package service

import (
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
)

// approving is what a correct guess approves: its confirmation, with the holder's
// others that are open, the settled record and the policy.
type approving struct {
	guess  compared
	conf   confirmation.Confirmation
	open   []confirmation.Confirmation
	pin    pin.Record
	policy policy.Policy
}

// approve approves a confirmation by its PIN, opens the session that the PIN opens,
// approves by that session what else it covers, and signs the receipts.
func (s *Service) approve(st *step, a approving) (View, error) {
	now := st.Now()
	approval := confirmation.Approval{
		At: now, Attempt: a.guess.attempt.ID, PINID: a.pin.ID, LockEpoch: a.pin.LockEpoch,
		FreezeEpoch: a.policy.FreezeEpoch, AuthTime: now, ByPage: a.guess.onPage,
	}
	session, opens := confirmation.Open(a.conf, a.policy, a.pin,
		confirmation.Opening{ID: st.newID(), At: now, ByPage: a.guess.onPage})
	if opens {
		approval.Session = session.ID
		st.SaveSession(session)
		st.record(of(a.conf), audit.SessionOpened{
			Session: session.ID.String(), Role: string(session.Role), Until: audit.FormatTime(session.Until(a.policy)),
		})
	}
	next, err := s.approved(a.conf, confirmation.ByPIN, approval)
	if err != nil {
		return View{}, err
	}
	all := []confirmation.Confirmation{next}
	for _, conf := range a.open {
		if !opens || conf.ID == next.ID || !session.Covers(conf, now) {
			continue
		}
		covered, err := s.approved(conf, confirmation.BySession, session.Approval(now))
		if err != nil {
			return View{}, err
		}
		all = append(all, covered)
	}
	st.SaveConfirmations(all...)
	for _, conf := range all {
		st.record(of(conf), audit.ConfirmationApproved{Question: question(conf)})
		st.wake(conf.ID)
	}
	return seen(next).withSession(session, a.policy), nil
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
