package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
)

// PINStatus returns what callers may know of a holder's PIN.
func (s *Service) PINStatus(ctx context.Context, h pin.Holder) (pin.Status, error) {
	r, now, err := s.readPIN(ctx, h)
	return r.Status(now), err
}

// SetPIN sets or replaces a PIN as an admin does: lock and deactivation are
// lifted, sessions and open confirmations end.
func (s *Service) SetPIN(ctx context.Context, c Caller, h pin.Holder, p pin.PIN) (pin.Status, error) {
	fresh, err := s.hashNew(ctx, c, h, p)
	if err != nil {
		return pin.Status{}, err
	}
	return run(ctx, s, act{op: OpSetPIN, caller: c, repeats: true}, func(ctx context.Context, st *step) (pin.Status, error) {
		held, err := lockHolding(ctx, st, h, uuid.Nil, st.LockNewPIN)
		if err != nil || held.pin.ID == fresh.id { // a first run has set it
			return held.pin.Status(st.Now()), err
		}
		return st.replace(held, held.pin.SetByAdmin(fresh.at(st.Now()))), nil
	})
}

// RemovePIN removes a PIN as an admin does, with everything of it.
func (s *Service) RemovePIN(ctx context.Context, c Caller, h pin.Holder) error {
	_, err := run(ctx, s, act{op: OpRemovePIN, caller: c, repeats: true}, func(ctx context.Context, st *step) (struct{}, error) {
		held, err := lockHolding(ctx, st, h, uuid.Nil, st.LockPIN)
		if err != nil {
			return struct{}{}, err
		}
		next := held.pin.RemoveByAdmin()
		if next == held.pin { // nothing to remove, but perhaps a link
			st.EndPINLinks(h, st.Now(), uuid.Nil)
		}
		st.remove(held, next)
		return struct{}{}, nil
	})
	return err
}

// DeactivatePIN deactivates a PIN as too many incorrect guesses do: sessions and links end,
// and what was approved before is not redeemed after it. Without a PIN the runtime sets none
// until an admin unlocks.
func (s *Service) DeactivatePIN(ctx context.Context, c Caller, h pin.Holder) (pin.Status, error) {
	return run(ctx, s, act{op: OpDeactivatePIN, caller: c, repeats: true}, func(ctx context.Context, st *step) (pin.Status, error) {
		var old pin.Record
		var sessions []confirmation.Session
		st.LockNewPIN(h, &old)
		st.Sessions(h, uuid.Nil, &sessions)
		if err := st.Fetch(ctx); err != nil {
			return pin.Status{}, err
		}
		next := old.Deactivate()
		if next != old {
			st.SavePIN(next)
			st.record(about{holder: h, instance: h.Instance}, audit.PINDeactivated{})
			st.EndPINLinks(h, st.Now(), uuid.Nil)
			st.endSessions(h, uuid.Nil, sessions, "pin_"+string(pin.Deactivates))
		}
		return next.Status(st.Now()), nil
	})
}

// UnlockPIN lifts lock, deactivation and cooling off; the PIN stays.
func (s *Service) UnlockPIN(ctx context.Context, c Caller, h pin.Holder) (pin.Status, error) {
	return run(ctx, s, act{op: OpUnlockPIN, caller: c, repeats: true}, func(ctx context.Context, st *step) (pin.Status, error) {
		var old pin.Record
		st.LockPIN(h, &old)
		if err := st.Fetch(ctx); err != nil {
			return pin.Status{}, err
		}
		next, now := old.Unlock(), st.Now()
		if next != old {
			st.SavePIN(next)
			st.record(about{holder: h, instance: h.Instance},
				audit.PINUnlocked{Was: string(old.State(now)), Failures: old.Failures})
		}
		return next.Status(now), nil
	})
}
