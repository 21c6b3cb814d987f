package service

import (
	"context"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
)

// Verify compares a PIN for a confirmation: look at the confirmation, take a
// place in the hash queue, spend an attempt, hash, settle.
func (s *Service) Verify(ctx context.Context, c Caller, t Target, entered pin.PIN) (View, error) {
	if err := s.mayStep(c); err != nil {
		return View{}, err
	}
	ref := c.ref(t)
	conf, p, now, err := s.readUnder(ctx, ref)
	if err != nil {
		return View{}, err
	}
	entry := confirmation.Entry{Policy: p}
	if p.MustBeOwn {
		// Where the policy does not ask whose the PIN is, the spend looks at it.
		if entry.PIN, now, err = s.readPIN(ctx, conf.Holder); err != nil {
			return View{}, err
		}
	}
	if err := refused(conf.CanVerify(entry, now)); err != nil {
		return View{}, err
	}
	if err := sprayed(p, now); err != nil {
		return View{}, err
	}
	place, err := s.config.Hasher.Reserve(c.shares())
	if err != nil {
		return View{}, err
	}
	defer place.Release()
	g, err := s.guess(ctx, c, place, guess{holder: conf.Holder, entered: entered, instance: t.Instance, conf: ref})
	if err != nil {
		return View{}, err
	}
	ctx = context.WithoutCancel(ctx)
	v, err := s.settle(ctx, c, g)
	if err == nil {
		s.rehash(ctx, c, g)
	}
	return v, err
}
