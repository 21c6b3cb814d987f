package service

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// Ask answers whether a skill may run now. created says whether the answer was
// stored by this call.
func (s *Service) Ask(ctx context.Context, c Caller, q confirmation.Question) (v View, created bool, err error) {
	// Losing a race for a key means that the next look finds its confirmation; a
	// second loss means that it was just removed.
	for range 3 {
		v, created, err = s.ask(ctx, c, q)
		if !errors.Is(err, store.ErrKeyTaken) {
			return v, created, err
		}
	}
	return View{}, false, ErrUnavailable
}

func (s *Service) ask(ctx context.Context, c Caller, q confirmation.Question) (v View, created bool, err error) {
	var p policy.Policy
	reads := s.config.Store.Reads()
	reads.Policy(c.of(q.Instance), &p)
	held, err := s.asked(ctx, reads, c, q)
	if err != nil {
		return View{}, false, err
	}
	if held.ID != uuid.Nil {
		v, err := s.view(ctx, reads, held)
		return v, false, err
	}
	// What needs no PIN needs no lock either.
	if !s.config.AuditNotRequired && policy.Decide(p, q.Role, q.Skill) != policy.Required {
		d := confirmation.Decide(q, p, pin.Record{}, nil, time.Time{})
		return View{Confirmation: confirmation.Unstored(q, d.Status, d.Reason)}, false, nil
	}
	v, err = s.askNew(ctx, c, q)
	if errors.Is(err, store.ErrOutcomeUnknown) && v.ID != uuid.Nil && q.IdempotencyKey != "" {
		return s.afterUnknownAsk(ctx, c, q, v)
	}
	return v, err == nil && v.ID != uuid.Nil, err
}

// asked reads what was queued, and the confirmation that holds the question's key:
// the zero Confirmation when there is none.
func (s *Service) asked(ctx context.Context, reads store.Reads, c Caller, q confirmation.Question) (confirmation.Confirmation, error) {
	var held confirmation.Confirmation
	if q.IdempotencyKey != "" {
		reads.ConfirmationByKey(c.of(q.Instance), q.IdempotencyKey, &held)
	}
	if err := reads.Fetch(ctx); err != nil {
		return confirmation.Confirmation{}, err
	}
	if held.ID != uuid.Nil && !held.Same(q) {
		return confirmation.Confirmation{}, ErrIdempotencyConflict
	}
	return held, nil
}

// afterUnknownAsk answers a question whose commit was lost: with what its key finds,
// else not at all.
func (s *Service) afterUnknownAsk(ctx context.Context, c Caller, q confirmation.Question, mine View) (v View, created bool, err error) {
	ctx, cancel := detached(ctx)
	defer cancel()
	reads := s.config.Store.Reads()
	held, err := s.asked(ctx, reads, c, q)
	switch {
	case err != nil:
		return View{}, false, err
	case held.ID == uuid.Nil:
		return View{}, false, ErrUnavailable
	}
	v, err = s.view(ctx, reads, held)
	return v, err == nil && held.ID == mine.ID, err
}

// askNew decides a question that was not asked before. It returns
// [store.ErrKeyTaken] when another holds its key.
func (s *Service) askNew(ctx context.Context, c Caller, q confirmation.Question) (View, error) {
	return run(ctx, s, act{op: OpAsk, caller: c}, func(ctx context.Context, st *step) (View, error) {
		var r pin.Record
		var p policy.Policy
		var sessions []confirmation.Session
		var open confirmation.OpenCounts
		st.LockPIN(q.Holder, &r)
		// Read without a lock, so after the lock, which may have been waited for.
		st.Policy(c.of(q.Instance), &p)
		st.Sessions(q.Holder, q.Instance, &sessions)
		st.OpenCounts(q.Holder, q.Instance, &open)
		if err := st.Fetch(ctx); err != nil {
			return View{}, err
		}
		switch d := confirmation.Decide(q, p, r, sessions, st.Now()); d.Status {
		case confirmation.Pending:
			return s.askPending(st, q, r, open)
		case confirmation.Approved:
			return s.approveBySession(st, q, p, *d.Session)
		case confirmation.NotRequired:
			conf := confirmation.Unstored(q, d.Status, d.Reason)
			st.record(of(conf), audit.ConfirmationNotRequired{Question: question(conf)})
			return View{Confirmation: conf}, nil
		default:
			conf := confirmation.Unstored(q, confirmation.Blocked, d.Reason)
			st.record(of(conf), audit.ConfirmationBlocked{Question: question(conf)})
			return seen(conf).withAttempts(r, s.config.Limits, st.Now()), nil
		}
	})
}

func (s *Service) askPending(st *step, q confirmation.Question, r pin.Record, open confirmation.OpenCounts) (View, error) {
	if open.Pending >= confirmation.MaxPending {
		return View{}, refuse(&TooManyPendingError{RetryAfter: open.FirstPending.Sub(st.Now())})
	}
	conf := confirmation.Ask(q, st.newID(), st.Now())
	st.InsertConfirmation(conf)
	st.record(of(conf), audit.ConfirmationAsked{Question: question(conf)})
	return seen(conf).withAttempts(r, s.config.Limits, st.Now()), nil
}

func (s *Service) approveBySession(st *step, q confirmation.Question, p policy.Policy, session confirmation.Session) (View, error) {
	asked := confirmation.Ask(q, st.newID(), st.Now())
	conf, err := s.approved(asked, confirmation.BySession, session.Approval(st.Now()))
	if err != nil {
		return View{}, err
	}
	st.InsertConfirmation(conf)
	st.record(of(asked), audit.ConfirmationAsked{Question: question(asked)})
	st.record(of(conf), audit.ConfirmationApproved{Question: question(conf)})
	return seen(conf).withSession(session, p), nil
}
