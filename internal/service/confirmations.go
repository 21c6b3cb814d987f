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
	"github.com/hydracore/hydrapin/internal/receipt"
	"github.com/hydracore/hydrapin/internal/store"
)

// View is a confirmation as the runtime sees it now.
type View struct {
	confirmation.Confirmation
	// AttemptsRemaining is nil where it does not apply.
	AttemptsRemaining *int
	// LockedUntil and SessionExpiresAt are zero where they do not apply.
	LockedUntil      time.Time
	SessionExpiresAt time.Time
}

// Ask answers whether a skill may run now. created says whether the answer was
// stored by this call.
func (s *Service) Ask(ctx context.Context, c Caller, q confirmation.Question) (v View, created bool, err error) {
	// Losing a race for an idempotency key means that the next look finds it; a
	// second loss means that the key's confirmation was just removed.
	for range 3 {
		if q.IdempotencyKey != "" {
			v, err := s.asked(ctx, c, q)
			if !errors.Is(err, store.ErrNotFound) {
				return v, false, err
			}
		}
		v, taken, err := s.askNew(ctx, c, q)
		if err != nil || !taken {
			return v, v.ID != uuid.Nil, err
		}
	}
	return View{}, false, ErrUnavailable
}

// asked returns the confirmation that holds the question's idempotency key.
func (s *Service) asked(ctx context.Context, c Caller, q confirmation.Question) (View, error) {
	conf, now, err := s.Store.ConfirmationByKey(ctx, c.Tenant, q.Instance, q.IdempotencyKey)
	if err != nil {
		return View{}, err
	}
	if !conf.Same(q) {
		return View{}, ErrIdempotencyConflict
	}
	return s.view(ctx, s.Store, conf, now)
}

// askNew decides a question that was not asked before. taken says that nothing
// was stored because another holds the idempotency key.
func (s *Service) askNew(ctx context.Context, c Caller, q confirmation.Question) (v View, taken bool, err error) {
	// What needs no PIN needs no lock either.
	p, err := s.Store.Policy(ctx, c.Tenant, q.Instance)
	if err != nil {
		return View{}, false, err
	}
	if !s.AuditNotRequired && policy.Decide(p, q.Role, q.Skill) != policy.Required {
		d := confirmation.Decide(q, p, pin.Record{}, nil, time.Time{})
		return View{Confirmation: confirmation.Unstored(q, d.Status, d.Reason)}, false, nil
	}
	var refusal error
	err = s.Store.InTx(ctx, func(tx store.Tx) error {
		r, now, err := lockPIN(ctx, tx, q.Holder)
		if err != nil {
			return err
		}
		// Read without a lock, so read after the lock, which may have been waited for.
		p, err := tx.Policy(ctx, c.Tenant, q.Instance)
		if err != nil {
			return err
		}
		sessions, err := tx.Sessions(ctx, q.Holder, q.Instance)
		if err != nil {
			return err
		}
		switch d := confirmation.Decide(q, p, r, sessions, now); d.Status {
		case confirmation.Pending:
			v, taken, refusal, err = s.askPending(ctx, tx, c, q, r, now)
		case confirmation.Approved:
			v, taken, err = s.approveBySession(ctx, tx, c, q, p, *d.Session, now)
		case confirmation.NotRequired:
			v, err = s.answerUnstored(ctx, tx, c, q, d, audit.ConfirmationNotRequired, r, now)
		default:
			v, err = s.answerUnstored(ctx, tx, c, q, d, audit.ConfirmationBlocked, r, now)
		}
		return err
	})
	if err == nil {
		err = refusal
	}
	return v, taken, err
}

func (s *Service) answerUnstored(ctx context.Context, tx store.Tx, c Caller, q confirmation.Question, d confirmation.Decision, t audit.Type, r pin.Record, now time.Time) (View, error) {
	conf := confirmation.Unstored(q, d.Status, d.Reason)
	v := View{Confirmation: conf}
	s.addAttempts(&v, r, now)
	return v, tx.Append(ctx, confirmationEvent(c, t, conf))
}

func (s *Service) askPending(ctx context.Context, tx store.Tx, c Caller, q confirmation.Question, r pin.Record, now time.Time) (v View, taken bool, refusal, err error) {
	n, first, err := tx.PendingConfirmations(ctx, q.Holder, q.Instance, now)
	if err != nil {
		return View{}, false, nil, err
	}
	if n >= confirmation.MaxPending {
		return View{}, false, &TooManyPendingError{RetryAfter: first.Sub(now)}, nil
	}
	conf := confirmation.Ask(q, s.NewID(), now)
	stored, err := tx.InsertConfirmation(ctx, conf)
	if err != nil || !stored {
		return View{}, !stored, nil, err
	}
	v = View{Confirmation: conf}
	s.addAttempts(&v, r, now)
	return v, false, nil, tx.Append(ctx, confirmationEvent(c, audit.ConfirmationAsked, conf))
}

func (s *Service) approveBySession(ctx context.Context, tx store.Tx, c Caller, q confirmation.Question, p policy.Policy, session confirmation.Session, now time.Time) (v View, taken bool, err error) {
	conf, refusal := confirmation.Ask(q, s.NewID(), now).Approve(confirmation.BySession, confirmation.Approval{
		At: now, PINID: session.PINID, LockEpoch: session.LockEpoch,
		AuthTime: session.AuthTime, Session: session.ID,
	}, s.RedeemWithin)
	if refusal != confirmation.None {
		return View{}, false, refused(refusal)
	}
	if conf.Receipt, err = s.sign(conf); err != nil {
		return View{}, false, err
	}
	stored, err := tx.InsertConfirmation(ctx, conf)
	if err != nil || !stored {
		return View{}, !stored, err
	}
	if err := tx.Append(ctx, confirmationEvent(c, audit.ConfirmationAsked, conf)); err != nil {
		return View{}, false, err
	}
	v = View{Confirmation: conf, SessionExpiresAt: session.Until(p)}
	return v, false, tx.Append(ctx, confirmationEvent(c, audit.ConfirmationApproved, conf))
}

// sign makes the receipt of an approved confirmation.
func (s *Service) sign(conf confirmation.Confirmation) (string, error) {
	return s.Receipts.Sign(receipt.Claims{
		Issuer: s.Issuer, TenantID: conf.Holder.Tenant, InstanceID: conf.Instance,
		HolderType: string(conf.Holder.Type), HolderID: conf.Holder.ID,
		Confirmation: conf.ID, Skill: conf.Skill, Role: string(conf.Role),
		Method: string(conf.Reason), AuthTime: conf.Approval.AuthTime,
		ActionDigest: conf.ActionDigest(),
		IssuedAt:     conf.Approval.At, ExpiresAt: conf.ExpiresAt,
	})
}

// Decline ends a pending or approved confirmation for the runtime.
func (s *Service) Decline(ctx context.Context, c Caller, instance, id uuid.UUID) error {
	var refusal confirmation.Refusal
	err := s.Store.InTx(ctx, func(tx store.Tx) error {
		conf, err := tx.LockConfirmation(ctx, c.Tenant, instance, id)
		if err != nil {
			return err
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		if _, refusal = conf.Decline(confirmation.ByRuntime, now); refusal != confirmation.None {
			return nil
		}
		return s.decline(ctx, tx, c, conf, confirmation.ByRuntime, now)
	})
	return outcome(err, refused(refusal))
}

// decline saves a decline, if it changes anything, tells of it and wakes whoever
// waits. What has expired stays so.
func (s *Service) decline(ctx context.Context, tx store.Tx, c Caller, conf confirmation.Confirmation, why confirmation.Reason, now time.Time) error {
	next, refusal := conf.Decline(why, now)
	if refusal != confirmation.None || next.Status == conf.Status {
		return nil
	}
	if err := tx.SaveConfirmation(ctx, next); err != nil {
		return err
	}
	if conf.Status == confirmation.Pending {
		tx.Wake(conf.ID)
	}
	return tx.Append(ctx, confirmationEvent(c, audit.ConfirmationDeclined, next))
}

// EndSessions is "lock now": it ends the holder's sessions on an instance and
// every approved confirmation that was not redeemed.
func (s *Service) EndSessions(ctx context.Context, c Caller, h pin.Holder, instance uuid.UUID) error {
	return s.Store.InTx(ctx, func(tx store.Tx) error {
		_, now, err := lockPIN(ctx, tx, h)
		if err != nil {
			return err
		}
		if err := s.endSessions(ctx, tx, c, h, instance, "runtime"); err != nil {
			return err
		}
		open, err := tx.LockOpenConfirmations(ctx, h, instance)
		if err != nil {
			return err
		}
		for _, conf := range open {
			if conf.Status != confirmation.Approved {
				continue
			}
			if err := s.decline(ctx, tx, c, conf, confirmation.SessionEnded, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// Redeem uses an approval up, at the moment the skill runs: the decision that
// counts.
func (s *Service) Redeem(ctx context.Context, c Caller, instance, id uuid.UUID, proof confirmation.Proof) (View, error) {
	found, _, err := s.Store.Confirmation(ctx, c.Tenant, instance, id)
	if err != nil {
		return View{}, notFound(err)
	}
	var v View
	var refusal confirmation.Refusal
	err = s.Store.InTx(ctx, func(tx store.Tx) error {
		r, err := tx.LockPin(ctx, found.Holder)
		if err != nil {
			return err
		}
		conf, err := tx.LockConfirmation(ctx, c.Tenant, instance, id)
		if err != nil {
			return err
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		// Policy and session are read without a lock, so after the locks, which may
		// have been waited for. A session ends only under its holder's lock.
		p, err := tx.Policy(ctx, c.Tenant, instance)
		if err != nil {
			return err
		}
		facts := confirmation.Facts{PIN: r, Policy: p}
		if facts.Session, err = approvingSession(ctx, tx, conf); err != nil {
			return err
		}
		next, why := conf.Redeem(proof, facts, now)
		if refusal = why; refusal != confirmation.None {
			e := confirmationEvent(c, audit.ConfirmationRefused, conf.At(now))
			e.Details["refusal"] = string(refusal)
			return tx.Append(ctx, e)
		}
		if err := tx.SaveConfirmation(ctx, next); err != nil {
			return err
		}
		v = seen(next)
		v.SessionExpiresAt = until(facts.Session, p)
		return tx.Append(ctx, confirmationEvent(c, audit.ConfirmationRedeemed, next))
	})
	return v, outcome(err, refused(refusal))
}

// approvingSession returns the session of an approval, or nil when there is none
// any more.
func approvingSession(ctx context.Context, r store.Reader, conf confirmation.Confirmation) (*confirmation.Session, error) {
	if conf.Approval == nil || conf.Approval.Session == uuid.Nil {
		return nil, nil
	}
	session, err := r.Session(ctx, conf.Holder.Tenant, conf.Approval.Session)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return &session, err
}

func until(session *confirmation.Session, p policy.Policy) time.Time {
	if session == nil {
		return time.Time{}
	}
	return session.Until(p)
}

// seen is a confirmation as the runtime may see it: its receipt is shown only
// while it is approved.
func seen(conf confirmation.Confirmation) View {
	if conf.Status != confirmation.Approved {
		conf.Receipt = ""
	}
	return View{Confirmation: conf}
}

// view completes a confirmation with what is the PIN's and the session's now.
func (s *Service) view(ctx context.Context, r store.Reader, conf confirmation.Confirmation, now time.Time) (View, error) {
	v := seen(conf.At(now))
	if v.Status == confirmation.Pending {
		record, _, err := r.Pin(ctx, conf.Holder)
		if err != nil {
			return View{}, err
		}
		s.addAttempts(&v, record, now)
	}
	session, err := approvingSession(ctx, r, conf)
	if err != nil || session == nil {
		return v, err
	}
	p, err := r.Policy(ctx, conf.Holder.Tenant, conf.Instance)
	if err != nil {
		return View{}, err
	}
	v.SessionExpiresAt = session.Until(p)
	return v, nil
}

// addAttempts adds what is the PIN's now, where there is one.
func (s *Service) addAttempts(v *View, r pin.Record, now time.Time) {
	open := v.Status == confirmation.Pending || v.Status == confirmation.Blocked
	if !open || r.ID == uuid.Nil {
		return
	}
	n, until := r.Remaining(s.Limits, now)
	v.AttemptsRemaining, v.LockedUntil = &n, until
}

func confirmationEvent(c Caller, t audit.Type, conf confirmation.Confirmation) audit.Event {
	details := map[string]any{"skill": conf.Skill, "role": string(conf.Role), "status": string(conf.Status)}
	if conf.Reason != confirmation.NoReason {
		details["reason"] = string(conf.Reason)
	}
	if d := conf.ActionDigest(); d != "" {
		details["action_digest"] = d
	}
	e := c.holderEvent(t, conf.Holder, conf.Instance, details)
	e.Confirmation = conf.ID
	return e
}

// outcome is what a caller gets of a transaction that committed a decision.
func outcome(err, refusal error) error {
	if err != nil {
		return notFound(err)
	}
	return refusal
}

func notFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ErrNotFound
	}
	return err
}
