package service

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/store"
)

// Redeem uses an approval up, at the moment the skill runs: the decision that
// counts. What plainly cannot succeed is refused without a lock.
func (s *Service) Redeem(ctx context.Context, c Caller, t Target, proof confirmation.Proof) (View, error) {
	if err := s.mayStep(c); err != nil {
		return View{}, err
	}
	ref := c.ref(t)
	conf, p, now, err := s.readUnder(ctx, ref)
	if err != nil {
		return View{}, err
	}
	if why := conf.CanRedeem(proof, p, now); why != confirmation.None {
		return View{}, s.refuseRedeem(ctx, c, conf, why)
	}
	id := s.config.NewID()
	v, err := s.redeem(ctx, c, conf, proof, id)
	if errors.Is(err, store.ErrOutcomeUnknown) && v.ID != uuid.Nil {
		return s.afterUnknownRedeem(ctx, ref, v, id)
	}
	return v, err
}

// redeem decides, under the locks of holder and confirmation, about one that was
// approved when it was read.
func (s *Service) redeem(ctx context.Context, c Caller, approved confirmation.Confirmation, proof confirmation.Proof, id uuid.UUID) (View, error) {
	ref := approved.Ref()
	return run(ctx, s, act{op: OpRedeem, caller: c}, func(ctx context.Context, st *step) (View, error) {
		var conf confirmation.Confirmation
		var session confirmation.Session
		var f confirmation.Facts
		st.LockPIN(approved.Holder, &f.PIN)
		st.LockConfirmation(ref, &conf)
		// Read without a lock, so after the locks, which may have been waited for. A
		// session ends only under its holder's lock.
		st.SessionOf(ref, &session)
		st.Policy(ref.Instance, &f.Policy)
		if err := st.Fetch(ctx); err != nil {
			return View{}, notFound(err)
		}
		if session.ID != uuid.Nil {
			f.Session = &session
		}
		next, why := conf.Redeem(proof, f, st.Now())
		if why != confirmation.None {
			return View{}, st.refuseRedeem(conf, why)
		}
		next.RedeemID = id
		st.SaveConfirmations(next)
		st.record(of(next), audit.ConfirmationRedeemed{Question: question(next)})
		return seen(next).withSession(session, f.Policy), nil
	})
}

// afterUnknownRedeem answers a redeem whose commit was lost: yes only if the
// confirmation is redeemed by this redeem and no other.
func (s *Service) afterUnknownRedeem(ctx context.Context, ref confirmation.Ref, v View, id uuid.UUID) (View, error) {
	ctx, cancel := detached(ctx)
	defer cancel()
	stored, _, err := s.readConfirmation(ctx, ref)
	switch {
	case err != nil:
		return View{}, err
	case stored.Status != confirmation.Redeemed || stored.RedeemID != id:
		return View{}, ErrUnavailable
	default:
		return v, nil
	}
}

// refuseRedeem records a redeem that was refused without a lock.
func (s *Service) refuseRedeem(ctx context.Context, c Caller, conf confirmation.Confirmation, why confirmation.Refusal) error {
	_, err := run(ctx, s, act{op: OpRedeem, caller: c}, func(ctx context.Context, st *step) (struct{}, error) {
		if err := st.Fetch(ctx); err != nil { // the time
			return struct{}{}, err
		}
		return struct{}{}, st.refuseRedeem(conf, why)
	})
	return err
}

func (st *step) refuseRedeem(conf confirmation.Confirmation, why confirmation.Refusal) error {
	st.record(of(conf), audit.ConfirmationRefused{Question: question(conf.At(st.Now())), Refusal: string(why)})
	return refuse(refused(why))
}
