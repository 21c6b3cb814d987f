package service

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
)

// NewPINLink is a link that is to be created.
type NewPINLink struct {
	Holder    pin.Holder
	Kind      pin.LinkKind
	ExpiresIn time.Duration
}

// CreatePINLink creates a link with which its holder's PIN is chosen, once. It ends the
// one of the same kind that the holder has.
func (s *Service) CreatePINLink(ctx context.Context, c Caller, n NewPINLink) (pin.Link, error) {
	id := s.config.NewID()
	byKey := c.Kind == auth.KindAPIKey || c.Kind == auth.KindRuntimeKey
	return run(ctx, s, act{op: OpCreatePINLink, caller: c, repeats: true}, func(ctx context.Context, st *step) (pin.Link, error) {
		var key auth.APIKey
		var held pin.Record
		var open []pin.Link
		if byKey {
			// A key that is revoked meanwhile ends its links, this one included.
			st.LockAPIKey(c.ID, &key)
		}
		st.LockNewPIN(n.Holder, &held)
		st.LockPINLinks(n.Holder, &open)
		err := st.Fetch(ctx)
		switch {
		case errors.Is(err, store.ErrNotFound), err == nil && byKey && !key.Live(s.config.Now()):
			return pin.Link{}, ErrUnauthorized
		case err != nil:
			return pin.Link{}, err
		}
		for _, l := range open {
			if l.ID == id { // a first run has stored it
				return l, nil
			}
		}
		st.endLinks(n.Kind, open)
		l := pin.Link{
			ID: id, Holder: n.Holder, Kind: n.Kind, CreatedAt: st.Now(), ExpiresAt: st.Now().Add(n.ExpiresIn),
			CreatedByKind: c.Kind, CreatedBy: c.ID,
		}
		st.InsertPINLink(l)
		st.record(about{holder: l.Holder, instance: l.Holder.Instance}, audit.PINLinkCreated{
			Link: l.ID.String(), Kind: string(l.Kind), ExpiresAt: audit.FormatTime(l.ExpiresAt),
		})
		return l, nil
	})
}

// EndPINLinks ends the links of a holder of one kind, or with the empty kind all.
func (s *Service) EndPINLinks(ctx context.Context, c Caller, h pin.Holder, kind pin.LinkKind) error {
	_, err := run(ctx, s, act{op: OpEndPINLinks, caller: c, repeats: true}, func(ctx context.Context, st *step) (struct{}, error) {
		var held pin.Record
		var open []pin.Link
		st.LockPIN(h, &held)
		st.LockPINLinks(h, &open)
		if err := st.Fetch(ctx); err != nil {
			return struct{}{}, err
		}
		st.endLinks(kind, open)
		return struct{}{}, nil
	})
	return err
}

// endLinks ends those of the links that are of a kind, or with the empty kind all. One
// that has expired ends without an event.
func (st *step) endLinks(kind pin.LinkKind, open []pin.Link) {
	for _, l := range open {
		if kind != "" && l.Kind != kind {
			continue
		}
		st.SavePINLink(l.End(st.Now()))
		if l.Live(st.Now()) {
			st.record(about{holder: l.Holder, instance: l.Holder.Instance},
				audit.PINLinkEnded{Link: l.ID.String(), Kind: string(l.Kind)})
		}
	}
}

// PINLinkView is a link as its page shows it. What follows Live is of a live one alone.
type PINLinkView struct {
	pin.Link
	Live bool
	// NeedsCurrent says that the present PIN must be entered too, with TriesLeft tries.
	NeedsCurrent bool
	TriesLeft    int
	// Obstacle is why the present PIN is not taken now: [ErrInactive] or a *[LockedError];
	// nil for none.
	Obstacle error
}

// PINLink returns a link for its page. It changes nothing and spends nothing.
func (s *Service) PINLink(ctx context.Context, id uuid.UUID) (PINLinkView, error) {
	l, r, now, err := s.readLink(ctx, id)
	v := PINLinkView{Link: l, Live: l.Live(now)}
	if err != nil || !v.Live {
		return v, err
	}
	if v.NeedsCurrent = l.NeedsCurrent(r); v.NeedsCurrent {
		v.TriesLeft, _ = r.Remaining(s.config.Limits, now)
		v.Obstacle = unusable(r, now)
	}
	return v, nil
}

// readLink reads a link by its id alone, its holder's PIN, and the time.
func (s *Service) readLink(ctx context.Context, id uuid.UUID) (pin.Link, pin.Record, time.Time, error) {
	var l pin.Link
	var r pin.Record
	reads := s.config.Store.Reads()
	reads.PINLink(id, &l)
	if err := reads.Fetch(ctx); err != nil {
		return l, r, time.Time{}, notFound(err)
	}
	reads.PIN(l.Holder, &r)
	// Again, after the PIN: a link that is live with a PIN that was set with it would ask for
	// that PIN as the present one.
	reads.PINLink(id, &l)
	err := reads.Fetch(ctx)
	return l, r, reads.Now(), notFound(err)
}

// LinkChoice is a PIN that was chosen through a link.
type LinkChoice struct {
	Link uuid.UUID
	NewPIN
}

// SetPINByLink sets the PIN that whoever holds a link chose. It returns [ErrLinkOver] and
// [ErrPINUnchanged] besides the refusals of what the link counts as: an admin's set or the
// runtime's.
func (s *Service) SetPINByLink(ctx context.Context, c Caller, choice LinkChoice) error {
	if err := s.mayBeSet(choice.PIN); err != nil {
		return err
	}
	l, r, now, err := s.readLink(ctx, choice.Link)
	if err != nil {
		return err
	}
	if !l.Live(now) {
		return ErrLinkOver
	}
	c = c.byLink(l.Holder.Tenant, l.ID)
	o := ownSet{holder: l.Holder, link: l.Ref(), byAdmin: l.Kind == pin.AdminLink}
	switch {
	case l.NeedsCurrent(r):
		_, err = s.replaceOwn(ctx, c, o, choice.NewPIN, unusable(r, now))
	case r.ID == uuid.Nil || unusable(r, now) != nil:
		_, err = s.setWithoutGuess(ctx, c, o, choice.PIN)
	default:
		_, err = s.setDifferent(ctx, c, o, choice.PIN)
	}
	wrong := (*WrongPINError)(nil)
	if errors.Is(err, errAppeared) || o.byAdmin && errors.As(err, &wrong) {
		return ErrLinkOver // the PIN was set or removed meanwhile, which ends every link
	}
	return err
}
