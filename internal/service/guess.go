package service

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
)

// guess is one guess at a holder's PIN.
type guess struct {
	holder  pin.Holder
	entered pin.PIN
	// instance is where it was entered; conf is what it is for, the zero Ref when it
	// is for none.
	instance uuid.UUID
	conf     confirmation.Ref
	// onPage says that it was entered on the page of its confirmation, in a form that
	// carried the number of tries used before it.
	onPage bool
	used   int
	// link is the link that it was entered through, the zero LinkRef for none.
	link pin.LinkRef
}

func (g guess) about() about {
	return about{holder: g.holder, instance: g.instance, confirmation: g.conf.ID}
}

// spent is a guess that was paid for.
type spent struct {
	guess
	attempt pin.Attempt
	ticket  pin.Ticket
	// stored is what the entered PIN is compared with.
	stored argon2id.Stored
}

// readable returns the stored form of a PIN that this node can compare: it has the pepper.
func (s *Service) readable(r pin.Record) (argon2id.Stored, error) {
	stored, err := argon2id.Parse(r.Hash)
	if err != nil {
		return argon2id.Stored{}, err
	}
	return stored, s.config.Hasher.Ring().Knows(stored)
}

// compared is a guess that was paid for and compared, and must be settled.
type compared struct {
	spent
	match, rehash bool
}

// guess spends one attempt and then compares: a short step takes the attempt
// before anything is hashed, so that k guesses in parallel over n nodes cost k
// attempts, and a crash costs the attempt. A caller that is gone before the spend
// costs nothing; after it the guess is compared all the same. The place is used up.
func (s *Service) guess(ctx context.Context, c Caller, place *argon2id.Place, g guess) (compared, error) {
	paid, err := s.spend(ctx, c, g)
	if err != nil {
		return compared{}, err
	}
	// Without a deadline: the pool is bounded, and what was paid for is compared.
	result, err := place.Verify(context.WithoutCancel(ctx), g.holder, g.entered, paid.stored)
	if err != nil {
		return compared{}, err
	}
	return compared{spent: paid, match: result.Match, rehash: result.Rehash}, nil
}

// spend takes one attempt. It is never repeated: when the connection is lost during
// the commit the attempt counts as spent.
func (s *Service) spend(ctx context.Context, c Caller, g guess) (spent, error) {
	return run(ctx, s, act{op: OpSpend, caller: c, cancels: true}, func(ctx context.Context, st *step) (spent, error) {
		var r pin.Record
		var sessions []confirmation.Session
		var conf confirmation.Confirmation
		var p policy.Policy
		var link pin.Link
		st.LockPIN(g.holder, &r)
		st.Sessions(g.holder, uuid.Nil, &sessions)
		if g.conf.ID != uuid.Nil {
			if g.onPage {
				st.LockConfirmation(g.conf, &conf)
			} else {
				st.Confirmation(g.conf, &conf)
			}
		}
		if g.instance != uuid.Nil {
			st.Policy(policy.Instance{Tenant: g.holder.Tenant, ID: g.instance}, &p)
		}
		if g.link.ID != uuid.Nil {
			st.LockPINLink(g.link, &link)
		}
		if err := st.Fetch(ctx); err != nil {
			return spent{}, notFound(err)
		}
		now := st.Now()
		if g.link.ID != uuid.Nil && !link.Live(now) {
			return spent{}, refuse(ErrLinkOver)
		}
		if g.conf.ID != uuid.Nil {
			entry := confirmation.Entry{PIN: r, Policy: p, ByPage: g.onPage}
			if err := refused(conf.CanVerify(entry, now)); err != nil {
				return spent{}, refuse(err)
			}
		}
		if g.onPage {
			var why confirmation.Refusal
			if conf, why = conf.TryOnPage(g.used, now); why != confirmation.None {
				return spent{}, refuse(refused(why))
			}
		}
		if err := sprayed(p, now); err != nil {
			return spent{}, refuse(err)
		}
		var stored argon2id.Stored
		if r.ID != uuid.Nil {
			var err error
			if stored, err = s.readable(r); err != nil {
				return spent{}, err
			}
		}
		next, ticket, state := r.Spend(s.config.Limits, now)
		if state != pin.Ready {
			st.record(g.about(), audit.PINRefused{Reason: string(state)})
			if err := unusable(r, now); err != nil {
				return spent{}, refuse(err)
			}
			return spent{}, refuse(&WrongPINError{}) // there is no PIN
		}
		attempt := pin.Attempt{ID: st.newID(), Holder: g.holder, SpentAt: now}
		st.SavePIN(next)
		st.InsertAttempt(attempt)
		if g.onPage {
			st.SaveConfirmations(conf)
		}
		st.recordSpend(g, next, ticket.Effect, sessions)
		return spent{guess: g, attempt: attempt, ticket: ticket, stored: stored}, nil
	})
}

// recordSpend records an attempt that was taken, and ends what a lock ends.
func (st *step) recordSpend(g guess, r pin.Record, effect pin.Effect, sessions []confirmation.Session) {
	st.record(g.about(), audit.PINAttempted{Failures: r.Failures})
	switch effect {
	case pin.NoEffect:
		return
	case pin.Locks:
		st.record(g.about(), audit.PINLocked{LockedUntil: audit.FormatTime(r.LockedUntil)})
	case pin.Deactivates:
		st.record(g.about(), audit.PINDeactivated{})
		// The link that the guess came through ends when the guess is settled.
		st.EndPINLinks(g.holder, st.Now(), g.link.ID)
	}
	st.endSessions(g.holder, uuid.Nil, sessions, "pin_"+string(effect))
}

// settling is what a settle reads of its guess: the record, and the attempt, which
// is gone when a first run has settled it.
type settling struct {
	pin     pin.Record
	attempt pin.Attempt
}

// lockSettling queues the locks of a settle.
func (st *step) lockSettling(g compared, into *settling) {
	st.LockPIN(g.holder, &into.pin)
	st.LockAttempt(g.holder.Tenant, g.attempt.ID, &into.attempt)
}

// settled says whether the attempt was settled before.
func (x settling) settled() bool { return x.attempt.ID == uuid.Nil }

// incorrect records a guess that was incorrect, or correct but too late because something
// changed since it was paid for, and returns what the caller gets.
func (s *Service) incorrect(st *step, g compared, x settling) error {
	remaining, until := x.pin.Remaining(s.config.Limits, st.Now())
	if !x.settled() {
		st.DeleteAttempt(x.attempt.Ref())
		if g.match {
			st.record(g.about(), audit.PINRefused{Reason: "changed-since-spend"})
		} else {
			st.record(g.about(), audit.PINFailed{AttemptsRemaining: remaining})
		}
	}
	e := &WrongPINError{Remaining: remaining, LockedUntil: until}
	if !until.IsZero() {
		e.RetryAfter = until.Sub(st.Now())
	}
	return e
}

// correct settles a guess that was correct, and that the record settled as given;
// the caller saves the record.
func (st *step) correct(g compared, x settling, next pin.Record) {
	st.DeleteAttempt(x.attempt.Ref())
	st.record(g.about(), audit.PINVerified{})
	if next.Inactive != x.pin.Inactive || next.LockedUntil != x.pin.LockedUntil {
		st.record(g.about(), audit.PINUnlocked{Was: string(g.ticket.Effect), Reason: "own_correct_guess", Failures: x.pin.Failures})
	}
}

// rehash brings the stored form of a PIN that was correct to today's parameters
// and first pepper. It is no new PIN, and a failure costs nothing: the next correct
// PIN tries again.
func (s *Service) rehash(ctx context.Context, c Caller, g compared) {
	if !g.rehash {
		return
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	hash, err := s.hash(ctx, c, g.holder, g.entered)
	if err == nil {
		_, err = run(ctx, s, act{op: OpRehash, caller: c}, func(ctx context.Context, st *step) (struct{}, error) {
			var r pin.Record
			st.LockPIN(g.holder, &r)
			if err := st.Fetch(ctx); err != nil {
				return struct{}{}, err
			}
			if next, ok := r.Rehash(g.ticket.Hash, hash.hash, hash.pepperID); ok {
				st.SavePIN(next)
			}
			return struct{}{}, nil
		})
	}
	if err != nil && !errors.Is(err, ErrBusy) && !errors.Is(err, ErrTooManyWaiting) && !errors.Is(err, ErrTooBusy) {
		s.config.Log.WarnContext(ctx, "a PIN could not be rehashed", "tenant", g.holder.Tenant, "error", err)
	}
}
