package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/paging"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// PINFilter narrows a list of holders; its tenant is the caller's.
type PINFilter = store.PINFilter

// PINState is what such a list can be narrowed to.
type PINState = store.PINState

// ListedPIN is a holder with what callers may know of their PIN.
type ListedPIN struct {
	Holder pin.Holder
	Status pin.Status
}

// PINs returns a page of the caller's tenant's holders.
func (s *Service) PINs(ctx context.Context, c Caller, f PINFilter, page paging.Page) (paging.Of[ListedPIN], error) {
	f.Tenant = c.Tenant
	var got paging.Of[pin.Record]
	reads := s.config.Store.Reads()
	reads.PINs(f, page, &got)
	if err := reads.Fetch(ctx); err != nil {
		return paging.Of[ListedPIN]{}, err
	}
	listed := paging.Of[ListedPIN]{Page: got.Page, Total: got.Total, Rows: make([]ListedPIN, len(got.Rows))}
	for n, r := range got.Rows {
		listed.Rows[n] = ListedPIN{Holder: r.Holder, Status: r.Status(reads.Now())}
	}
	return listed, nil
}

// OpenFilter narrows a list of open confirmations.
type OpenFilter struct {
	Instance uuid.UUID
	// Status is pending, approved, or empty for both.
	Status confirmation.Status
	// Holder is the zero Holder for all.
	Holder pin.Holder
	// After is the place after which to read; the zero place from the newest.
	After confirmation.Place
	Limit int
}

// OpenConfirmations returns an instance's pending and approved confirmations as they
// are now, the newest first, and the place of the next ones: the zero place when
// there are none.
func (s *Service) OpenConfirmations(ctx context.Context, c Caller, f OpenFilter) ([]View, confirmation.Place, error) {
	// One more than is wanted says whether there are more.
	confs, err := s.config.Store.OpenConfirmations(ctx, store.ConfirmationFilter{
		Instance: c.of(f.Instance), Status: f.Status, Holder: f.Holder, After: f.After, Limit: f.Limit + 1,
	})
	if err != nil {
		return nil, confirmation.Place{}, err
	}
	var next confirmation.Place
	if len(confs) > f.Limit {
		confs = confs[:f.Limit]
		next = confs[f.Limit-1].Place()
	}
	views, err := s.views(ctx, c.of(f.Instance), confs)
	return views, next, err
}

// views completes confirmations of an instance with what is their PINs' and their
// sessions' now, in one round trip.
func (s *Service) views(ctx context.Context, i policy.Instance, confs []confirmation.Confirmation) ([]View, error) {
	var p policy.Policy
	records := map[pin.Holder]*pin.Record{}
	sessions := make([]confirmation.Session, len(confs))
	reads := s.config.Store.Reads()
	reads.Policy(i, &p)
	for n, conf := range confs {
		if conf.Status == confirmation.Approved {
			reads.SessionOf(conf.Ref(), &sessions[n])
		} else if records[conf.Holder] == nil {
			records[conf.Holder] = new(pin.Record)
			reads.PIN(conf.Holder, records[conf.Holder])
		}
	}
	if err := reads.Fetch(ctx); err != nil {
		return nil, err
	}
	views := make([]View, len(confs))
	for n, conf := range confs {
		v := seen(conf.At(reads.Now())).withSession(sessions[n], p)
		if r := records[conf.Holder]; r != nil {
			v = v.withAttempts(*r, s.config.Limits, reads.Now())
		}
		views[n] = v
	}
	return views, nil
}
