package service

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
)

// PINStatus tells what the world may know of a holder's PIN.
func (s *Service) PINStatus(ctx context.Context, h pin.Holder) (pin.Status, error) {
	r, now, err := s.Store.Pin(ctx, h)
	if err != nil {
		return pin.Status{}, err
	}
	return r.Status(now), nil
}

// SetPIN sets or replaces a PIN as an admin does: lock and deactivation are
// lifted, sessions and open confirmations end.
func (s *Service) SetPIN(ctx context.Context, c Caller, h pin.Holder, p pin.PIN) (pin.Status, error) {
	hash, err := s.hashNew(ctx, h, p)
	if err != nil {
		return pin.Status{}, err
	}
	var status pin.Status
	err = s.Store.InTx(ctx, func(tx store.Tx) error {
		r, err := tx.LockNewPin(ctx, h)
		if err != nil {
			return err
		}
		status, err = s.replace(ctx, tx, c, r, h.Instance, func(now time.Time) pin.Record {
			return r.SetByAdmin(pin.Fresh{ID: s.NewID(), Hash: hash, At: now})
		})
		return err
	})
	return status, err
}

// replace saves the record with its new PIN, ends what rested on the old one and
// tells of it.
func (s *Service) replace(ctx context.Context, tx store.Tx, c Caller, old pin.Record, instance uuid.UUID, set func(time.Time) pin.Record) (pin.Status, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return pin.Status{}, err
	}
	r := set(now)
	if err := savePIN(ctx, tx, r); err != nil {
		return pin.Status{}, err
	}
	details := map[string]any{"replaced": old.ID != uuid.Nil}
	if err := tx.Append(ctx, c.holderEvent(audit.PINSet, r.Holder, instance, details)); err != nil {
		return pin.Status{}, err
	}
	return r.Status(now), s.endAll(ctx, tx, c, r.Holder, now)
}

// hashNew looks at what a PIN that is being set must be like, and hashes it.
func (s *Service) hashNew(ctx context.Context, h pin.Holder, p pin.PIN) (string, error) {
	if _, fault := pin.ParseNew(p.Reveal(), s.Rules); fault.Kind != pin.NoFault {
		return "", &PINFaultError{Fault: fault}
	}
	place, err := s.Hasher.Reserve(h.Tenant)
	if err != nil {
		return "", err
	}
	hashed, err := place.Hash(ctx, h, p)
	return hashed.PHC(), err
}

// RemovePIN removes a PIN as an admin does, with everything of it.
func (s *Service) RemovePIN(ctx context.Context, c Caller, h pin.Holder) error {
	return s.Store.InTx(ctx, func(tx store.Tx) error {
		r, err := tx.LockPin(ctx, h)
		if err != nil || r == r.RemovedByAdmin() {
			return err
		}
		if err := tx.DeletePin(ctx, h); err != nil {
			return err
		}
		return s.removed(ctx, tx, c, r, h.Instance)
	})
}

// removed tells that a PIN is gone, or what its runtime's removal had left of it,
// and ends what rested on it.
func (s *Service) removed(ctx context.Context, tx store.Tx, c Caller, old pin.Record, instance uuid.UUID) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	details := map[string]any{"was": string(old.State(now)), "failures": old.Failures}
	if err := tx.Append(ctx, c.holderEvent(audit.PINRemoved, old.Holder, instance, details)); err != nil {
		return err
	}
	return s.endAll(ctx, tx, c, old.Holder, now)
}

// UnlockPIN lifts lock, deactivation and cooling off; the PIN stays.
func (s *Service) UnlockPIN(ctx context.Context, c Caller, h pin.Holder) (pin.Status, error) {
	var status pin.Status
	err := s.Store.InTx(ctx, func(tx store.Tx) error {
		old, err := tx.LockPin(ctx, h)
		if err != nil {
			return err
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		r := old.Unlock()
		status = r.Status(now)
		if r == old {
			return nil
		}
		if err := savePIN(ctx, tx, r); err != nil {
			return err
		}
		details := map[string]any{"was": string(old.State(now)), "failures": old.Failures}
		return tx.Append(ctx, c.holderEvent(audit.PINUnlocked, h, h.Instance, details))
	})
	return status, err
}

// SetPINByRuntime sets an identity's PIN as its runtime does. The first needs no
// more; to replace one, the current PIN must be right, and costs an attempt.
func (s *Service) SetPINByRuntime(ctx context.Context, c Caller, h pin.Holder, p pin.PIN, current *pin.PIN) (pin.Status, error) {
	if _, fault := pin.ParseNew(p.Reveal(), s.Rules); fault.Kind != pin.NoFault {
		return pin.Status{}, &PINFaultError{Fault: fault}
	}
	r, now, err := s.Store.Pin(ctx, h)
	if err != nil {
		return pin.Status{}, err
	}
	if r.ID != uuid.Nil && current == nil {
		return pin.Status{}, ErrCurrentPINMissing
	}
	if err := unusable(r, now); err != nil {
		return pin.Status{}, err
	}
	if r.ID == uuid.Nil {
		return s.setFirst(ctx, c, h, p, current)
	}
	return s.replaceByRuntime(ctx, c, h, p, *current)
}

func (s *Service) setFirst(ctx context.Context, c Caller, h pin.Holder, p pin.PIN, current *pin.PIN) (pin.Status, error) {
	hash, err := s.hashNew(ctx, h, p)
	if err != nil {
		return pin.Status{}, err
	}
	var status pin.Status
	var appeared bool
	err = s.Store.InTx(ctx, func(tx store.Tx) error {
		r, err := tx.LockNewPin(ctx, h)
		if err != nil {
			return err
		}
		if appeared = r.ID != uuid.Nil; appeared {
			return nil
		}
		status, err = s.replace(ctx, tx, c, r, h.Instance, func(now time.Time) pin.Record {
			return r.SetByRuntime(pin.Fresh{ID: s.NewID(), Hash: hash, At: now}, s.CoolingOff)
		})
		return err
	})
	switch {
	case err != nil || !appeared:
		return status, err
	case current == nil:
		return pin.Status{}, ErrCurrentPINMissing
	default:
		return s.replaceByRuntime(ctx, c, h, p, *current)
	}
}

func (s *Service) replaceByRuntime(ctx context.Context, c Caller, h pin.Holder, p, current pin.PIN) (pin.Status, error) {
	// The new PIN is hashed before the attempt is spent: a full queue costs
	// nothing, and a short queue need not have two places for one tenant.
	hash, err := s.hashNew(ctx, h, p)
	if err != nil {
		return pin.Status{}, err
	}
	place, err := s.Hasher.Reserve(h.Tenant)
	if err != nil {
		return pin.Status{}, err
	}
	defer place.Release()
	g, err := s.guess(ctx, c, place, guessing{holder: h, instance: h.Instance, entered: current})
	if err != nil {
		return pin.Status{}, err
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	var status pin.Status
	var refusal error
	err = s.Store.InTx(ctx, func(tx store.Tx) error {
		r, now, err := lockPIN(ctx, tx, h)
		if err != nil {
			return err
		}
		settled, ok := r.SettleRight(g.ticket)
		if !g.match || !ok {
			if refusal, err = s.failed(ctx, tx, c, g, r, now); g.match {
				// Right for a PIN that has changed since: what holds now decides.
				refusal = cmp.Or(unusable(r, now), refusal)
			}
			return err
		}
		if err := s.verified(ctx, tx, c, g); err != nil {
			return err
		}
		status, err = s.replace(ctx, tx, c, r, h.Instance, func(now time.Time) pin.Record {
			return settled.SetByRuntime(pin.Fresh{ID: s.NewID(), Hash: hash, At: now}, s.CoolingOff)
		})
		return err
	})
	if err == nil {
		err = refusal
	}
	return status, err
}

// RemovePINByRuntime removes an identity's PIN as its runtime does: what guesses
// have cost outlives it.
func (s *Service) RemovePINByRuntime(ctx context.Context, c Caller, h pin.Holder) error {
	var refusal error
	err := s.Store.InTx(ctx, func(tx store.Tx) error {
		r, now, err := lockPIN(ctx, tx, h)
		if err != nil || r.ID == uuid.Nil {
			return err
		}
		if refusal = unusable(r, now); refusal != nil {
			return nil //nolint:nilerr // a refusal is a decision, which commits
		}
		if err := savePIN(ctx, tx, r.RemoveByRuntime()); err != nil {
			return err
		}
		return s.removed(ctx, tx, c, r, h.Instance)
	})
	if err == nil {
		err = refusal
	}
	return err
}

// endAll ends every session and every open confirmation of a holder whose PIN
// changed.
func (s *Service) endAll(ctx context.Context, tx store.Tx, c Caller, h pin.Holder, now time.Time) error {
	if err := s.endSessions(ctx, tx, c, h, uuid.Nil, "pin_changed"); err != nil {
		return err
	}
	open, err := tx.LockOpenConfirmations(ctx, h, uuid.Nil)
	if err != nil {
		return err
	}
	for _, conf := range open {
		if err := s.decline(ctx, tx, c, conf, confirmation.PINChanged, now); err != nil {
			return err
		}
	}
	return nil
}

// endSessions ends the sessions of a holder, on one instance or on all.
func (s *Service) endSessions(ctx context.Context, tx store.Tx, c Caller, h pin.Holder, instance uuid.UUID, why string) error {
	ended, err := tx.EndSessions(ctx, h, instance)
	if err != nil {
		return err
	}
	for _, session := range ended {
		details := map[string]any{"session": session.ID.String(), "reason": why}
		if err := tx.Append(ctx, c.holderEvent(audit.SessionEnded, h, session.Instance, details)); err != nil {
			return err
		}
	}
	return nil
}

func lockPIN(ctx context.Context, tx store.Tx, h pin.Holder) (pin.Record, time.Time, error) {
	r, err := tx.LockPin(ctx, h)
	if err != nil {
		return r, time.Time{}, err
	}
	now, err := tx.Now(ctx)
	return r, now, err
}

func savePIN(ctx context.Context, tx store.Tx, r pin.Record) error {
	pepper := ""
	if r.Hash != "" {
		stored, err := argon2id.Parse(r.Hash)
		if err != nil {
			return err
		}
		pepper = stored.PepperID()
	}
	return tx.SavePin(ctx, r, pepper)
}
