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

// Redeem uses an approval up, at the moment the skill runs: the decision that
// counts. What plainly cannot succeed is refused without a lock.
func (s *Service) Redeem(ctx context.Context, c Caller, t Target, proof confirmation.Proof) (View, error) {
	ref := c.ref(t)
	conf, now, err := s.readConfirmation(ctx, ref)
	if err != nil {
		return View{}, err
	}
	if why := conf.CanRedeem(proof, now); why != confirmation.None {
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

// Decline ends a pending or approved confirmation for the runtime.
func (s *Service) Decline(ctx context.Context, c Caller, t Target) error {
	_, err := run(ctx, s, act{op: OpDecline, caller: c, repeats: true}, func(ctx context.Context, st *step) (struct{}, error) {
		var conf confirmation.Confirmation
		st.LockConfirmation(c.ref(t), &conf)
		if err := st.Fetch(ctx); err != nil {
			return struct{}{}, notFound(err)
		}
		if _, why := conf.Decline(confirmation.ByRuntime, st.Now()); why != confirmation.None {
			return struct{}{}, refuse(refused(why))
		}
		st.decline(confirmation.ByRuntime, conf)
		return struct{}{}, nil
	})
	return err
}

// EndSessions is "lock now": it ends the holder's sessions on an instance and
// every approved confirmation that was not redeemed.
func (s *Service) EndSessions(ctx context.Context, c Caller, h pin.Holder, instance uuid.UUID) error {
	_, err := run(ctx, s, act{op: OpEndSessions, caller: c, repeats: true}, func(ctx context.Context, st *step) (struct{}, error) {
		held, err := lockHolding(ctx, st, h, instance, st.LockPIN)
		if err != nil {
			return struct{}{}, err
		}
		st.endSessions(h, instance, held.sessions, "runtime")
		approved := held.open[:0:0]
		for _, conf := range held.open {
			if conf.Status == confirmation.Approved {
				approved = append(approved, conf)
			}
		}
		st.decline(confirmation.SessionEnded, approved...)
		return struct{}{}, nil
	})
	return err
}

// Confirmation returns a confirmation as it is now. While it is pending it waits
// up to wait for it to leave that, on whichever node: subscribe, then read, then
// wait, so that no wake-up falls between. It answers at once when the server
// stops.
func (s *Service) Confirmation(ctx context.Context, c Caller, t Target, wait time.Duration) (View, error) {
	ref := c.ref(t)
	if wait > 0 {
		if err := s.awaitOutcome(ctx, ref, min(wait, confirmation.MaxWait)); err != nil {
			return View{}, err
		}
	}
	var conf confirmation.Confirmation
	var session confirmation.Session
	var p policy.Policy
	var r pin.Record
	reads := s.config.Store.Reads()
	reads.Confirmation(ref, &conf)
	reads.SessionOf(ref, &session)
	reads.Policy(ref.Instance, &p)
	if err := reads.Fetch(ctx); err != nil {
		return View{}, notFound(err)
	}
	v := seen(conf.At(reads.Now()))
	if v.Status == confirmation.Pending {
		reads.PIN(conf.Holder, &r)
		if err := reads.Fetch(ctx); err != nil {
			return View{}, err
		}
	}
	return v.withAttempts(r, s.config.Limits, reads.Now()).withSession(session, p), nil
}
