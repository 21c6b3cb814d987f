package service

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
)

// PageQuestion is a confirmation as its page shows it. What follows the confirmation is
// of a pending one alone.
type PageQuestion struct {
	confirmation.Confirmation
	// TriesLeft is the lower of the page's tries left and the PIN's.
	TriesLeft int
	// Obstacle is why no PIN is taken now: [ErrFrozen], [ErrPINNotOwn], [ErrInactive] or a
	// *[LockedError]; nil for none.
	Obstacle error
	// Opens is the session that a PIN would open; nil for none.
	Opens *PageSession
}

// PageSession is the session that a PIN would open.
type PageSession struct {
	Until  time.Time
	Skills []string
	// Others are the skills of the other questions that the PIN would also approve.
	Others []string
}

// PageQuestion returns a confirmation for its page. It changes nothing and spends nothing.
func (s *Service) PageQuestion(ctx context.Context, id uuid.UUID) (PageQuestion, error) {
	reads := s.config.Store.Reads()
	conf, entry, err := s.readForPage(ctx, reads, id)
	now := reads.Now()
	q := PageQuestion{Confirmation: conf.At(now)}
	if err != nil || q.Status != confirmation.Pending {
		return q, err
	}
	remaining, _ := entry.PIN.Remaining(s.config.Limits, now)
	q.TriesLeft = min(conf.TriesLeft(), remaining)
	if q.Obstacle = refused(conf.CanVerify(entry, now)); q.Obstacle == nil {
		q.Obstacle = unusable(entry.PIN, now)
	}
	if q.Obstacle == nil {
		q.Opens, err = s.wouldOpen(ctx, conf, entry, now)
	}
	return q, err
}

// readForPage reads a confirmation by its id alone, and what decides about its PIN.
func (s *Service) readForPage(ctx context.Context, reads store.Reads, id uuid.UUID) (confirmation.Confirmation, confirmation.Entry, error) {
	var conf confirmation.Confirmation
	entry := confirmation.Entry{ByPage: true}
	reads.ConfirmationByID(id, &conf)
	if err := reads.Fetch(ctx); err != nil {
		return conf, entry, notFound(err)
	}
	reads.Policy(conf.Ref().Instance, &entry.Policy)
	reads.PIN(conf.Holder, &entry.PIN)
	return conf, entry, reads.Fetch(ctx)
}

// wouldOpen returns the session that a PIN would open for a confirmation, or nil.
func (s *Service) wouldOpen(ctx context.Context, conf confirmation.Confirmation, e confirmation.Entry, now time.Time) (*PageSession, error) {
	session, opens := confirmation.Open(conf, e.Policy, e.PIN, confirmation.Opening{At: now, ByPage: true})
	if !opens {
		return nil, nil
	}
	open, err := s.config.Store.OpenConfirmations(ctx, store.ConfirmationFilter{
		Instance: conf.Ref().Instance, Status: confirmation.Pending, Holder: conf.Holder, Limit: 2 * confirmation.MaxPending,
	})
	if err != nil {
		return nil, err
	}
	would := &PageSession{Until: session.Until(e.Policy), Skills: e.Policy.RequiredSkills}
	for _, other := range open {
		if other.ID != conf.ID && session.Covers(other, now) {
			would.Others = append(would.Others, other.Skill)
		}
	}
	return would, nil
}

// PageEntry is a PIN that was entered on the page of a confirmation.
type PageEntry struct {
	Confirmation uuid.UUID
	PIN          pin.PIN
	// Used is the number of tries that the form carried.
	Used int
}

// ConfirmOnPage compares a PIN for whoever holds the link of a confirmation: as Verify,
// from the same count, with at most three tries. Besides Verify's refusals it returns
// [ErrOutdatedForm] and [ErrNoTriesLeft], with nothing spent.
func (s *Service) ConfirmOnPage(ctx context.Context, c Caller, e PageEntry) error {
	reads := s.config.Store.Reads()
	conf, entry, err := s.readForPage(ctx, reads, e.Confirmation)
	if err != nil {
		return err
	}
	if err := refused(conf.CanVerify(entry, reads.Now())); err != nil {
		return err
	}
	if _, why := conf.TryOnPage(e.Used, reads.Now()); why != confirmation.None {
		return refused(why)
	}
	if err := sprayed(entry.Policy, reads.Now()); err != nil {
		return err
	}
	c = c.byLink(conf.Holder.Tenant, conf.ID)
	place, err := s.config.Hasher.Reserve(c.shares())
	if err != nil {
		return err
	}
	defer place.Release()
	g, err := s.guess(ctx, c, place, guess{
		holder: conf.Holder, entered: e.PIN, instance: conf.Instance, conf: conf.Ref(), onPage: true, used: e.Used,
	})
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if _, err := s.settle(ctx, c, g); err != nil {
		return err
	}
	s.rehash(ctx, c, g)
	return nil
}

// DeclineOnPage declines a pending confirmation for whoever holds its link. disputed says
// that the holder did not ask for it.
func (s *Service) DeclineOnPage(ctx context.Context, c Caller, id uuid.UUID, disputed bool) error {
	var found confirmation.Confirmation
	reads := s.config.Store.Reads()
	reads.ConfirmationByID(id, &found)
	if err := reads.Fetch(ctx); err != nil {
		return notFound(err)
	}
	c = c.byLink(found.Holder.Tenant, found.ID)
	_, err := run(ctx, s, act{op: OpDeclineOnPage, caller: c, repeats: true}, func(ctx context.Context, st *step) (struct{}, error) {
		var conf confirmation.Confirmation
		st.LockConfirmation(found.Ref(), &conf)
		if err := st.Fetch(ctx); err != nil {
			return struct{}{}, notFound(err)
		}
		switch conf.At(st.Now()).Status {
		case confirmation.Pending:
		case confirmation.Expired:
			return struct{}{}, refuse(ErrExpired)
		default:
			if st.repeated && conf.Reason == confirmation.ByHolder { // a first run has declined it
				return struct{}{}, nil
			}
			return struct{}{}, refuse(ErrNotPending)
		}
		st.decline(confirmation.ByHolder, conf)
		if disputed {
			next, _ := conf.Decline(confirmation.ByHolder, st.Now())
			st.record(of(next), audit.ConfirmationDisputed{Question: question(next)})
		}
		return struct{}{}, nil
	})
	return err
}
