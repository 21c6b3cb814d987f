package service

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/pin"
)

// SetOwnPIN sets a PIN as its holder does with a token of their own: the present one must
// be entered, and costs an attempt. The first one is [ErrPINNotSet] unless the settings
// allow it.
func (s *Service) SetOwnPIN(ctx context.Context, c Caller, h pin.Holder, p NewPIN) (pin.Status, error) {
	if err := s.mayBeSet(p.PIN); err != nil {
		return pin.Status{}, err
	}
	if err := s.mayStep(c); err != nil {
		return pin.Status{}, err
	}
	r, now, err := s.readPIN(ctx, h)
	if err != nil {
		return pin.Status{}, err
	}
	o := ownSet{holder: h}
	if r.ID == uuid.Nil {
		if !s.config.SelfSetup {
			return pin.Status{}, ErrPINNotSet
		}
		status, err := s.setWithoutGuess(ctx, c, o, p.PIN)
		if !errors.Is(err, errAppeared) {
			return status, err
		}
	}
	return s.replaceOwn(ctx, c, o, p, unusable(r, now))
}
