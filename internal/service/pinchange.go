package service

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/pin"
)

// readPIN reads a holder's record, and the time.
func (s *Service) readPIN(ctx context.Context, h pin.Holder) (pin.Record, time.Time, error) {
	var r pin.Record
	reads := s.config.Store.Reads()
	reads.PIN(h, &r)
	err := reads.Fetch(ctx)
	return r, reads.Now(), err
}

// mayBeSet checks a PIN that is being set against the rules.
func (s *Service) mayBeSet(p pin.PIN) error {
	if _, fault := pin.ParseNew(p.Reveal(), s.config.Rules); fault.Kind != pin.NoFault {
		return &PINFaultError{Fault: fault}
	}
	return nil
}

// errAppeared: between look and lock another PIN was set.
var errAppeared = errors.New("service: a PIN appeared")

// hashed is a PIN that was hashed to be stored, with its new id.
type hashed struct {
	id             uuid.UUID
	hash, pepperID string
}

// at is the PIN as it is stored at a time.
func (f hashed) at(now time.Time) pin.Fresh {
	return pin.Fresh{ID: f.id, Hash: f.hash, PepperID: f.pepperID, At: now}
}

// hash takes a place in the hash queue and hashes a PIN.
func (s *Service) hash(ctx context.Context, c Caller, h pin.Holder, p pin.PIN) (hashed, error) {
	place, err := s.config.Hasher.Reserve(c.shares())
	if err != nil {
		return hashed{}, err
	}
	stored, err := place.Hash(ctx, h, p)
	if err != nil {
		return hashed{}, err
	}
	return hashed{id: s.config.NewID(), hash: stored.PHC(), pepperID: stored.PepperID()}, nil
}

// hashNew checks a PIN that is being set against the rules, and hashes it.
func (s *Service) hashNew(ctx context.Context, c Caller, h pin.Holder, p pin.PIN) (hashed, error) {
	if err := s.mayBeSet(p); err != nil {
		return hashed{}, err
	}
	if err := s.mayStep(c); err != nil {
		return hashed{}, err
	}
	return s.hash(ctx, c, h, p)
}

// replace saves a record with its new PIN and ends what rested on the old one.
func (st *step) replace(held holding, next pin.Record) pin.Status {
	st.SavePIN(next)
	st.record(about{holder: next.Holder, instance: next.Holder.Instance}, audit.PINSet{Replaced: held.pin.ID != uuid.Nil, SetBy: string(next.Setter())})
	st.EndPINLinks(next.Holder, st.Now(), uuid.Nil)
	st.endAll(held)
	return next.Status(st.Now())
}

// remove saves a record whose PIN is gone, or what its runtime's removal had left of
// it, and ends what rested on it. A record that does not change is not saved.
func (st *step) remove(held holding, next pin.Record) {
	if next == held.pin {
		return
	}
	st.SavePIN(next)
	st.record(about{holder: next.Holder, instance: next.Holder.Instance},
		audit.PINRemoved{Was: string(held.pin.State(st.Now())), Failures: held.pin.Failures})
	st.EndPINLinks(next.Holder, st.Now(), uuid.Nil)
	st.endAll(held)
}
