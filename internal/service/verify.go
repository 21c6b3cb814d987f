package service

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// Verify compares a PIN for a confirmation: look at the confirmation, take a
// place in the hash queue, spend an attempt, hash, settle.
func (s *Service) Verify(ctx context.Context, c Caller, instance, id uuid.UUID, entered pin.PIN) (View, error) {
	conf, now, err := s.Store.Confirmation(ctx, c.Tenant, instance, id)
	if err != nil {
		return View{}, notFound(err)
	}
	if err := refused(conf.CanVerify(now)); err != nil {
		return View{}, err
	}
	place, err := s.Hasher.Reserve(c.Tenant)
	if err != nil {
		return View{}, err
	}
	defer place.Release()
	g, err := s.guess(ctx, c, place, guessing{
		holder: conf.Holder, instance: instance, confirmation: id, entered: entered,
		still: func(ctx context.Context, tx store.Tx) error {
			conf, now, err := tx.Confirmation(ctx, c.Tenant, instance, id)
			if err != nil {
				return notFound(err)
			}
			return refused(conf.CanVerify(now))
		},
	})
	if err != nil {
		return View{}, err
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	v, err := s.settle(ctx, c, g)
	if err == nil {
		s.rehash(ctx, g)
	}
	return v, err
}

// settle records the outcome of a guess, with policy, PIN and confirmation as
// they are now.
func (s *Service) settle(ctx context.Context, c Caller, g guessed) (View, error) {
	var v View
	var refusal error
	err := s.Store.InTx(ctx, func(tx store.Tx) error {
		r, err := tx.LockPin(ctx, g.holder)
		if err != nil {
			return err
		}
		conf, err := tx.LockConfirmation(ctx, c.Tenant, g.instance, g.confirmation)
		if err != nil {
			return err
		}
		// Read without a lock, so read after the locks, which may have been waited for.
		p, err := tx.Policy(ctx, c.Tenant, g.instance)
		if err != nil {
			return err
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		if !g.match {
			refusal, err = s.failed(ctx, tx, c, g, r, now)
			return err
		}
		settled, ok := r.SettleRight(g.ticket)
		if why := conf.CanVerify(now); !ok || why != confirmation.None {
			refusal, err = s.tooLate(ctx, tx, c, conf, r, now)
			return err
		}
		v, err = s.approve(ctx, tx, c, g, conf, settled, p, now)
		return err
	})
	return v, outcome(err, refusal)
}

// tooLate tells of a right guess that approves nothing, because something changed
// since it was paid for.
func (s *Service) tooLate(ctx context.Context, tx store.Tx, c Caller, conf confirmation.Confirmation, r pin.Record, now time.Time) (refusal, err error) {
	refusal = unusable(r, now)
	if refusal == nil {
		refusal = refused(conf.CanVerify(now))
	}
	if refusal == nil {
		refusal = ErrNotPending
	}
	e := confirmationEvent(c, audit.ConfirmationRefused, conf.At(now))
	e.Details["refusal"] = "changed-since-spend"
	return refusal, tx.Append(ctx, e)
}

// approve settles a right guess: the record without its attempt, the session that
// the PIN opens, and the approved confirmation with its receipt.
func (s *Service) approve(ctx context.Context, tx store.Tx, c Caller, g guessed, conf confirmation.Confirmation, r pin.Record, p policy.Policy, now time.Time) (View, error) {
	if err := savePIN(ctx, tx, r); err != nil {
		return View{}, err
	}
	if err := s.verified(ctx, tx, c, g); err != nil {
		return View{}, err
	}
	approval := confirmation.Approval{At: now, PINID: r.ID, LockEpoch: r.LockEpoch, AuthTime: now}
	var ends time.Time
	if session, ok := confirmation.Open(conf, p, r, s.NewID(), now); ok {
		if err := tx.SaveSession(ctx, session); err != nil {
			return View{}, err
		}
		approval.Session, ends = session.ID, session.Until(p)
		e := confirmationEvent(c, audit.SessionOpened, conf)
		e.Details = map[string]any{"session": session.ID.String(), "role": string(session.Role), "until": ends.Format(time.RFC3339Nano)}
		if err := tx.Append(ctx, e); err != nil {
			return View{}, err
		}
	}
	next, refusal := conf.Approve(confirmation.ByPIN, approval, s.RedeemWithin)
	if refusal != confirmation.None {
		return View{}, refused(refusal)
	}
	receipt, err := s.sign(next)
	if err != nil {
		return View{}, err
	}
	next.Receipt = receipt
	if err := tx.SaveConfirmation(ctx, next); err != nil {
		return View{}, err
	}
	tx.Wake(next.ID)
	return View{Confirmation: next, SessionExpiresAt: ends}, tx.Append(ctx, confirmationEvent(c, audit.ConfirmationApproved, next))
}
