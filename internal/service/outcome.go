package service

import (
	"context"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/policy"
)

// ReportOutcome records what became of the skill that ran after a redeem.
func (s *Service) ReportOutcome(ctx context.Context, c Caller, t Target, o confirmation.Outcome) (View, error) {
	ref := c.ref(t)
	return run(ctx, s, act{op: OpReportOutcome, caller: c, repeats: true}, func(ctx context.Context, st *step) (View, error) {
		var conf confirmation.Confirmation
		var session confirmation.Session
		var p policy.Policy
		st.LockConfirmation(ref, &conf)
		st.SessionOf(ref, &session)
		st.Policy(ref.Instance, &p)
		if err := st.Fetch(ctx); err != nil {
			return View{}, notFound(err)
		}
		reported := o
		reported.At = st.Now()
		next, why := conf.Report(reported)
		if why != confirmation.None {
			return View{}, refuse(refused(why))
		}
		if next.Outcome != conf.Outcome {
			st.SaveOutcome(next)
			st.record(of(next), audit.ConfirmationOutcome{Outcome: string(next.Outcome.Kind)})
		}
		return seen(next).withSession(session, p), nil
	})
}
