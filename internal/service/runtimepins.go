package service

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
)

// NewPIN is a PIN that a runtime sets.
type NewPIN struct {
	PIN pin.PIN
	// Current is the PIN that is replaced; nil where the caller gave none.
	Current *pin.PIN
}

// SetPINByRuntime sets an identity's PIN as its runtime does. The first needs no
// more; to replace one, the current PIN must be correct, and costs an attempt.
func (s *Service) SetPINByRuntime(ctx context.Context, c Caller, h pin.Holder, p NewPIN) (pin.Status, error) {
	if err := s.mayBeSet(p.PIN); err != nil {
		return pin.Status{}, err
	}
	if err := s.mayStep(c); err != nil {
		return pin.Status{}, err
	}
	var r pin.Record
	var on policy.Policy
	reads := s.config.Store.Reads()
	reads.PIN(h, &r)
	reads.Policy(policy.Instance{Tenant: h.Tenant, ID: h.Instance}, &on)
	if err := reads.Fetch(ctx); err != nil {
		return pin.Status{}, err
	}
	now := reads.Now()
	switch {
	case r.ID != uuid.Nil && p.Current == nil:
		return pin.Status{}, ErrCurrentPINMissing
	case !on.AcceptsOffPage():
		return pin.Status{}, ErrPageOnly
	}
	if err := unusable(r, now); err != nil {
		return pin.Status{}, err
	}
	// The new PIN is hashed before an attempt is spent: a full queue costs nothing,
	// and a short queue need not have two places for one tenant.
	fresh, err := s.hash(ctx, c, h, p.PIN)
	if err != nil {
		return pin.Status{}, err
	}
	if r.ID == uuid.Nil {
		status, err := s.setFirst(ctx, c, h, fresh)
		switch {
		case !errors.Is(err, errAppeared):
			return status, err
		case p.Current == nil:
			return pin.Status{}, ErrCurrentPINMissing
		}
	}
	return s.replaceByRuntime(ctx, c, guess{holder: h, instance: h.Instance, entered: *p.Current}, fresh)
}

// setFirst sets a holder's first PIN, or returns errAppeared.
func (s *Service) setFirst(ctx context.Context, c Caller, h pin.Holder, fresh hashed) (pin.Status, error) {
	return run(ctx, s, act{op: OpSetPINByRuntime, caller: c, repeats: true}, func(ctx context.Context, st *step) (pin.Status, error) {
		held, err := lockHolding(ctx, st, h, uuid.Nil, st.LockNewPIN)
		switch {
		case err != nil:
			return pin.Status{}, err
		case held.pin.ID == fresh.id: // a first run has set it
			return held.pin.Status(st.Now()), nil
		case held.pin.ID != uuid.Nil:
			return pin.Status{}, refuse(errAppeared)
		case held.pin.Inactive:
			return pin.Status{}, refuse(ErrInactive)
		}
		return st.replace(held, held.pin.SetByRuntime(fresh.at(st.Now()), s.config.CoolingOff)), nil
	})
}

// replaceByRuntime replaces a PIN when the guess at the current one is correct.
func (s *Service) replaceByRuntime(ctx context.Context, c Caller, current guess, fresh hashed) (pin.Status, error) {
	place, err := s.config.Hasher.Reserve(c.shares())
	if err != nil {
		return pin.Status{}, err
	}
	defer place.Release()
	g, err := s.guess(ctx, c, place, current)
	if err != nil {
		return pin.Status{}, err
	}
	ctx = context.WithoutCancel(ctx)
	return run(ctx, s, act{op: OpSetPINByRuntime, caller: c, insists: true, repeats: true}, func(ctx context.Context, st *step) (pin.Status, error) {
		var x settling
		held := holding{}
		st.lockSettling(g, &x)
		st.Sessions(g.holder, uuid.Nil, &held.sessions)
		st.LockOpenConfirmations(g.holder, uuid.Nil, &held.open)
		if err := st.Fetch(ctx); err != nil {
			return pin.Status{}, err
		}
		held.pin = x.pin
		if x.settled() && x.pin.ID == fresh.id { // a first run has replaced it
			return x.pin.Status(st.Now()), nil
		}
		next, ok := x.pin.SettleCorrect(g.ticket)
		if !g.match || !ok || x.settled() {
			err := s.incorrect(st, g, x)
			if changed := unusable(x.pin, st.Now()); g.match && changed != nil {
				// Correct for a PIN that has changed since: what holds now decides.
				err = changed
			}
			return pin.Status{}, refuse(err)
		}
		st.correct(g, x, next)
		return st.replace(held, next.SetByRuntime(fresh.at(st.Now()), s.config.CoolingOff)), nil
	})
}

// RemovePINByRuntime removes an identity's PIN as its runtime does: what guesses
// have cost outlives it.
func (s *Service) RemovePINByRuntime(ctx context.Context, c Caller, h pin.Holder) error {
	_, err := run(ctx, s, act{op: OpRemovePINByRuntime, caller: c, repeats: true}, func(ctx context.Context, st *step) (struct{}, error) {
		held, err := lockHolding(ctx, st, h, uuid.Nil, st.LockPIN)
		switch {
		case err != nil:
			return struct{}{}, err
		case held.pin.ID == uuid.Nil: // nothing to remove, but perhaps a link
			st.EndPINLinks(h, st.Now(), uuid.Nil)
			return struct{}{}, nil
		}
		if err := unusable(held.pin, st.Now()); err != nil {
			return struct{}{}, refuse(err)
		}
		st.remove(held, held.pin.RemoveByRuntime())
		return struct{}{}, nil
	})
	return err
}
