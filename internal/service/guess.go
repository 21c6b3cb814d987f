package service

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
)

// guessing is one guess at a holder's PIN.
type guessing struct {
	holder       pin.Holder
	instance     uuid.UUID
	confirmation uuid.UUID // uuid.Nil when it is for none
	entered      pin.PIN
	// still says in the spend's transaction why the guess is no longer wanted; it
	// spends nothing then. nil: always wanted.
	still func(context.Context, store.Tx) error
}

// guessed is a guess that was paid for and looked at, and must be settled.
type guessed struct {
	guessing
	ticket pin.Ticket
	match  bool
	rehash bool
}

func (g guessing) event(c Caller, t audit.Type, details map[string]any) audit.Event {
	e := c.holderEvent(t, g.holder, g.instance, details)
	e.Confirmation = g.confirmation
	return e
}

// guess spends one attempt and then looks: a short transaction takes the attempt
// before anything is hashed, so that k guesses in parallel over n nodes cost k
// attempts, and a crash costs the attempt. A caller that is gone before the spend
// costs nothing; after it the guess is looked at all the same. place is used up.
func (s *Service) guess(ctx context.Context, c Caller, place *argon2id.Place, g guessing) (guessed, error) {
	if err := ctx.Err(); err != nil {
		return guessed{}, err
	}
	var ticket pin.Ticket
	var stored argon2id.Stored
	var refusal error
	err := s.Store.InTx(ctx, func(tx store.Tx) error {
		r, now, err := lockPIN(ctx, tx, g.holder)
		if err != nil {
			return err
		}
		if g.still != nil {
			if err := g.still(ctx, tx); err != nil {
				return err
			}
		}
		if r.ID != uuid.Nil {
			if stored, err = argon2id.Parse(r.Hash); err != nil {
				return err
			}
			if err := s.Hasher.Ring().Knows(stored); err != nil {
				return err
			}
		}
		spent, t, state := r.Spend(s.Limits, now)
		if state != pin.Ready {
			refusal = unusable(r, now)
			if refusal == nil {
				refusal = &WrongPINError{}
			}
			return tx.Append(ctx, g.event(c, audit.PINRefused, map[string]any{"reason": string(state)}))
		}
		ticket = t
		return s.spent(ctx, tx, c, g, spent, t)
	})
	if err == nil {
		err = refusal
	}
	if err != nil {
		return guessed{}, err
	}
	// Without a deadline too: the pool is bounded, and what was paid for is looked at.
	result, err := place.Verify(context.WithoutCancel(ctx), g.holder, g.entered, stored)
	if err != nil {
		return guessed{}, err
	}
	return guessed{guessing: g, ticket: ticket, match: result.Match, rehash: result.Rehash}, nil
}

// spent saves a record with its attempt taken and tells of it.
func (s *Service) spent(ctx context.Context, tx store.Tx, c Caller, g guessing, r pin.Record, t pin.Ticket) error {
	if err := savePIN(ctx, tx, r); err != nil {
		return err
	}
	if err := tx.Append(ctx, g.event(c, audit.PINAttempted, map[string]any{"failures": r.Failures})); err != nil {
		return err
	}
	switch t.Effect {
	case pin.NoEffect:
		return nil
	case pin.Locks:
		details := map[string]any{"locked_until": r.LockedUntil.Format(time.RFC3339Nano)}
		if err := tx.Append(ctx, g.event(c, audit.PINLocked, details)); err != nil {
			return err
		}
	case pin.Deactivates:
		if err := tx.Append(ctx, g.event(c, audit.PINDeactivated, nil)); err != nil {
			return err
		}
	}
	return s.endSessions(ctx, tx, c, g.holder, uuid.Nil, "pin_"+string(t.Effect))
}

// failed tells of a guess that was wrong, or that was right for a PIN that is no
// longer the holder's, and returns what the caller gets.
func (s *Service) failed(ctx context.Context, tx store.Tx, c Caller, g guessed, r pin.Record, now time.Time) (*WrongPINError, error) {
	remaining, until := r.Remaining(s.Limits, now)
	err := tx.Append(ctx, g.event(c, audit.PINFailed, map[string]any{"attempts_remaining": remaining}))
	return &WrongPINError{Remaining: remaining, LockedUntil: until}, err
}

// verified tells of a guess that was right, and of the lock that it lifted.
func (s *Service) verified(ctx context.Context, tx store.Tx, c Caller, g guessed) error {
	if err := tx.Append(ctx, g.event(c, audit.PINVerified, nil)); err != nil {
		return err
	}
	if g.ticket.Effect == pin.NoEffect {
		return nil
	}
	details := map[string]any{"was": string(g.ticket.Effect), "reason": "own_right_guess"}
	return tx.Append(ctx, g.event(c, audit.PINUnlocked, details))
}

// rehash brings the stored form of a PIN that was right to today's parameters
// and first pepper. It is no new PIN, and a failure costs nothing: the next right
// PIN tries again.
func (s *Service) rehash(ctx context.Context, g guessed) {
	if !g.rehash {
		return
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	err := func() error {
		place, err := s.Hasher.Reserve(g.holder.Tenant)
		if err != nil {
			return err
		}
		fresh, err := place.Hash(ctx, g.holder, g.entered)
		if err != nil {
			return err
		}
		return s.Store.InTx(ctx, func(tx store.Tx) error {
			r, err := tx.LockPin(ctx, g.holder)
			if err != nil {
				return err
			}
			r, ok := r.Rehash(g.ticket.Hash, fresh.PHC())
			if !ok {
				return nil
			}
			return savePIN(ctx, tx, r)
		})
	}()
	if err != nil && !errors.Is(err, argon2id.ErrBusy) {
		s.Log.WarnContext(ctx, "a PIN could not be rehashed", "tenant", g.holder.Tenant, "error", err)
	}
}
