package service

import (
	"context"
	"errors"

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
	if err := s.mayStep(c); err != nil {
		return View{}, false, err
	}
	// Losing a race for a key means that the next look finds its confirmation; a
	// second loss means that it has just let go of the key.
	for range 3 {
		v, created, err = s.ask(ctx, c, q)
		if !errors.Is(err, store.ErrKeyTaken) {
			return v, created, err
		}
	}
	return View{}, false, ErrUnavailable
}

// ask looks without a lock, which is enough for a question that was asked before, or
// that needs no PIN. A freeze comes before both.
func (s *Service) ask(ctx context.Context, c Caller, q confirmation.Question) (v View, created bool, err error) {
	reads := s.config.Store.Reads()
	found, err := s.lookUp(ctx, reads, c, q)
	if err != nil {
		return View{}, false, err
	}
	need := policy.Decide(found.policy, q.Role, q.Skill)
	switch {
	case need == policy.Frozen:
	case found.held.ID != uuid.Nil && !found.held.Same(q) && q.CallKey != "":
		return View{}, false, ErrCallKeyConflict
	case found.held.ID != uuid.Nil && !found.held.Same(q):
		return View{}, false, ErrIdempotencyConflict
	case found.held.ID != uuid.Nil:
		v, err := s.view(ctx, reads, found.held)
		return v, false, err
	case need != policy.Required && !s.config.AuditNotRequired:
		d := confirmation.Decide(q, found.policy, pin.Record{}, nil, reads.Now())
		return View{Confirmation: confirmation.Unstored(q, d.Status, d.Reason)}, false, nil
	}
	v, err = s.askNew(ctx, c, q)
	if errors.Is(err, store.ErrOutcomeUnknown) && v.ID != uuid.Nil && q.HasKey() {
		return s.afterUnknownAsk(ctx, c, q, v.ID)
	}
	return v, err == nil && v.ID != uuid.Nil, err
}

// lookedUp is what an ask finds without a lock: the policy, and the confirmation
// that holds the question's key, the zero Confirmation when there is none.
type lookedUp struct {
	policy policy.Policy
	held   confirmation.Confirmation
}

func (s *Service) lookUp(ctx context.Context, reads store.Reads, c Caller, q confirmation.Question) (lookedUp, error) {
	var found lookedUp
	i := c.of(q.Instance)
	reads.Policy(i, &found.policy)
	switch {
	case q.IdempotencyKey != "":
		reads.ConfirmationByKey(i, q.IdempotencyKey, &found.held)
	case q.CallKey != "":
		reads.ConfirmationByCallKey(i, q.CallKey, &found.held)
	}
	err := reads.Fetch(ctx)
	if q.CallKey != "" && !found.held.HoldsCallKey(reads.Now()) {
		found.held = confirmation.Confirmation{}
	}
	return found, err
}

// afterUnknownAsk answers a question whose commit was lost: with what its key finds,
// else not at all.
func (s *Service) afterUnknownAsk(ctx context.Context, c Caller, q confirmation.Question, mine uuid.UUID) (v View, created bool, err error) {
	ctx, cancel := detached(ctx)
	defer cancel()
	reads := s.config.Store.Reads()
	found, err := s.lookUp(ctx, reads, c, q)
	switch {
	case err != nil:
		return View{}, false, err
	case found.held.ID == uuid.Nil || !found.held.Same(q):
		return View{}, false, ErrUnavailable
	}
	v, err = s.view(ctx, reads, found.held)
	return v, err == nil && found.held.ID == mine, err
}

// asking is what an ask decides by, under the holder's lock.
type asking struct {
	question confirmation.Question
	pin      pin.Record
	policy   policy.Policy
	open     confirmation.OpenCounts
	// before is the confirmation that was the last to hold the question's call key.
	before confirmation.Confirmation
}

// askNew decides a question that was not asked before. It returns
// [store.ErrKeyTaken] when another holds its key.
func (s *Service) askNew(ctx context.Context, c Caller, q confirmation.Question) (View, error) {
	return run(ctx, s, act{op: OpAsk, caller: c}, func(ctx context.Context, st *step) (View, error) {
		a := asking{question: q}
		var sessions []confirmation.Session
		i := c.of(q.Instance)
		st.LockPIN(q.Holder, &a.pin)
		if q.CallKey != "" {
			st.LockConfirmationByCallKey(i, q.CallKey, &a.before)
		}
		// Read without a lock, so after the locks, which may have been waited for.
		st.Policy(i, &a.policy)
		st.Sessions(q.Holder, q.Instance, &sessions)
		st.OpenCounts(q.Holder, q.Instance, &a.open)
		if err := st.Fetch(ctx); err != nil {
			return View{}, err
		}
		d := confirmation.Decide(q, a.policy, a.pin, sessions, st.Now())
		conf := confirmation.Unstored(q, d.Status, d.Reason)
		switch d.Status {
		case confirmation.Pending:
			return s.askPending(st, a)
		case confirmation.Approved:
			return s.approveBySession(st, a, *d.Session)
		case confirmation.NotRequired:
			st.record(of(conf), audit.ConfirmationNotRequired{Question: question(conf)})
			return seen(conf), nil
		default:
			st.record(of(conf), audit.ConfirmationBlocked{Question: question(conf)})
			return seen(conf).withAttempts(a.pin, s.config.Limits, st.Now()), nil
		}
	})
}

func (s *Service) askPending(st *step, a asking) (View, error) {
	if a.open.Pending >= confirmation.MaxPending {
		return View{}, refuse(&TooManyPendingError{RetryAfter: a.open.FirstPending.Sub(st.Now())})
	}
	conf := confirmation.Ask(a.question, st.newID(), st.Now())
	if err := st.insert(a, conf); err != nil {
		return View{}, err
	}
	st.record(of(conf), audit.ConfirmationAsked{Question: question(conf)})
	return seen(conf).withAttempts(a.pin, s.config.Limits, st.Now()), nil
}

func (s *Service) approveBySession(st *step, a asking, session confirmation.Session) (View, error) {
	asked := confirmation.Ask(a.question, st.newID(), st.Now())
	conf, err := s.approved(asked, confirmation.BySession, session.Approval(st.Now()))
	if err != nil {
		return View{}, err
	}
	if err := st.insert(a, conf); err != nil {
		return View{}, err
	}
	st.record(of(asked), audit.ConfirmationAsked{Question: question(asked)})
	st.record(of(conf), audit.ConfirmationApproved{Question: question(conf)})
	return seen(conf).withSession(session, a.policy), nil
}

// insert stores a new confirmation, and frees its call key where the one before holds
// it no more. It refuses past the cap of approved ones, and with [store.ErrKeyTaken]
// where the one before still holds the key.
func (st *step) insert(a asking, conf confirmation.Confirmation) error {
	if a.open.Approved >= confirmation.MaxApproved {
		return refuse(&TooManyPendingError{RetryAfter: a.open.FirstApproved.Sub(st.Now())})
	}
	if a.before.HoldsCallKey(st.Now()) {
		return refuse(store.ErrKeyTaken)
	}
	if a.before.ID != uuid.Nil {
		st.ReleaseCallKey(a.before.Ref())
	}
	st.InsertConfirmation(conf)
	return nil
}
