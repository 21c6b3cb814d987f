package service

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/pin"
)

// ownSet is a PIN that its holder sets: through a link, or with a token of their own.
type ownSet struct {
	holder pin.Holder
	// link is the zero LinkRef for a token; byAdmin says that an admin created the link.
	link    pin.LinkRef
	byAdmin bool

	fresh hashed
	// guess is at the present PIN, which must be correct, or with mustDiffer incorrect;
	// nil where none is needed.
	guess      *compared
	mustDiffer bool
}

func (o ownSet) about() about { return about{holder: o.holder, instance: o.holder.Instance} }

// replaceOwn replaces a PIN when the guess at the present one is correct. obstacle is why
// none is compared, if so.
func (s *Service) replaceOwn(ctx context.Context, c Caller, o ownSet, p NewPIN, obstacle error) (pin.Status, error) {
	switch {
	case p.Current == nil:
		return pin.Status{}, ErrCurrentPINMissing
	case p.PIN.Same(*p.Current): // as sent: this tells nothing of the present PIN
		return pin.Status{}, ErrPINUnchanged
	case obstacle != nil:
		return pin.Status{}, obstacle
	}
	return s.setAfterGuess(ctx, c, o, p.PIN, *p.Current)
}

// setDifferent sets a PIN that must differ from the present one, which is found out by
// the comparison of a guess that is paid for.
func (s *Service) setDifferent(ctx context.Context, c Caller, o ownSet, fresh pin.PIN) (pin.Status, error) {
	o.mustDiffer = true
	status, err := s.setAfterGuess(ctx, c, o, fresh, fresh)
	locked := (*LockedError)(nil)
	if errors.As(err, &locked) || errors.Is(err, ErrInactive) {
		// Locked since it was read, which an admin's set lifts.
		o.mustDiffer = false
		return s.setWithoutGuess(ctx, c, o, fresh)
	}
	return status, err
}

// setAfterGuess hashes the new PIN, compares a guess with the present one, and sets.
func (s *Service) setAfterGuess(ctx context.Context, c Caller, o ownSet, fresh, entered pin.PIN) (pin.Status, error) {
	var err error
	// Hashed before an attempt is spent: a full queue costs nothing.
	if o.fresh, err = s.hash(ctx, c, o.holder, fresh); err != nil {
		return pin.Status{}, err
	}
	place, err := s.config.Hasher.Reserve(c.shares())
	if err != nil {
		return pin.Status{}, err
	}
	defer place.Release()
	g, err := s.guess(ctx, c, place, guess{
		holder: o.holder, instance: o.holder.Instance, entered: entered, link: o.link,
	})
	if err != nil {
		return pin.Status{}, err
	}
	o.guess = &g
	return s.setOwn(context.WithoutCancel(ctx), c, o)
}

// setWithoutGuess hashes the new PIN and sets it where no present one is compared.
func (s *Service) setWithoutGuess(ctx context.Context, c Caller, o ownSet, fresh pin.PIN) (pin.Status, error) {
	var err error
	if o.fresh, err = s.hash(ctx, c, o.holder, fresh); err != nil {
		return pin.Status{}, err
	}
	return s.setOwn(ctx, c, o)
}

// owned is what setting an own PIN reads.
type owned struct {
	settling
	holding
	link pin.Link
}

// setOwn sets the PIN and uses the link up, in one transaction.
func (s *Service) setOwn(ctx context.Context, c Caller, o ownSet) (pin.Status, error) {
	return run(ctx, s, act{op: OpSetOwnPIN, caller: c, insists: o.guess != nil, repeats: true}, func(ctx context.Context, st *step) (pin.Status, error) {
		var x owned
		if o.guess != nil {
			st.lockSettling(*o.guess, &x.settling)
		} else {
			st.LockNewPIN(o.holder, &x.settling.pin)
		}
		st.Sessions(o.holder, uuid.Nil, &x.sessions)
		st.LockOpenConfirmations(o.holder, uuid.Nil, &x.open)
		if o.link.ID != uuid.Nil {
			st.LockPINLink(o.link, &x.link)
		}
		if err := st.Fetch(ctx); err != nil {
			return pin.Status{}, notFound(err)
		}
		x.holding.pin = x.settling.pin
		if x.settling.pin.ID == o.fresh.id { // a first run has set it
			return x.settling.pin.Status(st.Now()), nil
		}
		present, err := s.settleOwn(st, o, x)
		if err != nil {
			return pin.Status{}, refuse(err)
		}
		fresh := o.fresh.at(st.Now())
		fresh.Own = true
		next := present.SetByRuntime(fresh, s.config.CoolingOff)
		if o.byAdmin {
			next = present.SetByAdmin(fresh)
		}
		if o.link.ID != uuid.Nil {
			st.SavePINLink(x.link.Use(st.Now()))
		}
		return st.replace(x.holding, next), nil
	})
}

// settleOwn settles the guess, where there is one, and returns the record on which the PIN
// is set, or why it is not set.
func (s *Service) settleOwn(st *step, o ownSet, x owned) (pin.Record, error) {
	over := o.link.ID != uuid.Nil && !x.link.Live(st.Now())
	present := x.settling.pin
	if o.guess == nil {
		switch {
		case over:
			return present, ErrLinkOver
		case present.ID != uuid.Nil && !o.byAdmin:
			return present, errAppeared
		case present.Inactive && !o.byAdmin:
			return present, ErrInactive
		}
		return present, nil
	}
	g := *o.guess
	next, ok := present.SettleCorrect(g.ticket)
	switch correct := g.match && ok && !x.settled(); {
	case over:
		// Something changed since the guess was paid for, so it stays spent.
		return present, s.incorrectOwn(st, o, x)
	case correct && o.mustDiffer:
		st.correct(g, x.settling, next)
		st.SavePIN(next)
		return present, ErrPINUnchanged
	case correct:
		st.correct(g, x.settling, next)
		return next, nil
	case o.mustDiffer && !g.match:
		// The guess was no guess: its cost goes with the set, which clears all.
		if !x.settled() {
			st.DeleteAttempt(x.attempt.Ref())
		}
		return present, nil
	default:
		return present, s.incorrectOwn(st, o, x)
	}
}

// incorrectOwn settles a guess that was incorrect, or correct for a PIN that has changed
// since.
func (s *Service) incorrectOwn(st *step, o ownSet, x owned) error {
	err := s.incorrect(st, *o.guess, x.settling)
	if o.link.ID != uuid.Nil && x.link.Live(st.Now()) && x.settling.pin.Inactive {
		st.SavePINLink(x.link.End(st.Now()))
		st.record(o.about(), audit.PINLinkEnded{Link: x.link.ID.String(), Kind: string(x.link.Kind)})
	}
	changed := unusable(x.settling.pin, st.Now())
	switch {
	case o.link.ID != uuid.Nil && !x.link.Live(st.Now()):
		return ErrLinkOver
	case o.guess.match && o.mustDiffer:
		return ErrPINUnchanged
	case o.guess.match && changed != nil:
		return changed
	}
	return err
}
