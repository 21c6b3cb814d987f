package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/store"
)

// restoreBatch is how much of each kind one step of a restore ends.
const restoreBatch = 500

// Restored is what [Service.FinishRestore] has ended, in how many tenants.
type Restored struct{ Confirmations, Sessions, Links, Tenants int }

// FinishRestore makes a database that was restored from a backup fit for use. The backup
// does not know what happened after it was made, so an approval in it may have been
// redeemed, a session ended and a link used: it ends every open confirmation, session and
// link, and records the restore in each tenant's trail. No node may run meanwhile. What was
// interrupted is completed by running it again.
func (s *Service) FinishRestore(ctx context.Context, c Caller) (Restored, error) {
	var all Restored
	for more := true; more; {
		ended, err := s.endUnfinished(ctx, c)
		if err != nil {
			return all, err
		}
		all.Confirmations += ended.Confirmations
		all.Sessions += ended.Sessions
		all.Links += ended.Links
		more = max(ended.Confirmations, ended.Sessions, ended.Links) == restoreBatch
	}
	tenants, err := s.config.Store.Tenants(ctx)
	if err != nil {
		return all, err
	}
	all.Tenants = len(tenants)
	for len(tenants) > 0 {
		n := min(restoreBatch, len(tenants))
		if err := s.recordRestore(ctx, c, tenants[:n]); err != nil {
			return all, err
		}
		tenants = tenants[n:]
	}
	return all, nil
}

// endUnfinished ends a batch of what is still going on, and says how much of each kind.
func (s *Service) endUnfinished(ctx context.Context, c Caller) (Restored, error) {
	return run(ctx, s, act{op: OpRestore, caller: c, repeats: true}, func(ctx context.Context, st *step) (Restored, error) {
		var open store.Unfinished
		st.LockUnfinished(restoreBatch, &open)
		if err := st.Fetch(ctx); err != nil {
			return Restored{}, err
		}
		st.decline(confirmation.SessionEnded, open.Confirmations...)
		var stale store.Stale
		for _, session := range open.Sessions {
			stale.Sessions = append(stale.Sessions, confirmation.SessionRef{Tenant: session.Holder.Tenant, ID: session.ID})
			st.recordAs(c.within(session.Holder.Tenant), about{holder: session.Holder, instance: session.Instance},
				audit.SessionEnded{Session: session.ID.String(), Reason: "restored"})
		}
		st.DeleteStale(stale)
		for _, link := range open.Links {
			st.SavePINLink(link.End(st.Now()))
			st.recordAs(c.within(link.Holder.Tenant), about{holder: link.Holder, instance: link.Holder.Instance},
				audit.PINLinkEnded{Link: link.ID.String(), Kind: string(link.Kind)})
		}
		return Restored{Confirmations: len(open.Confirmations), Sessions: len(open.Sessions), Links: len(open.Links)}, nil
	})
}

// recordRestore records the restore in the trails of tenants.
func (s *Service) recordRestore(ctx context.Context, c Caller, tenants []uuid.UUID) error {
	_, err := run(ctx, s, act{op: OpRestore, caller: c}, func(ctx context.Context, st *step) (struct{}, error) {
		if err := st.Fetch(ctx); err != nil { // the time
			return struct{}{}, err
		}
		for _, tenant := range tenants {
			st.recordAs(c.within(tenant), about{}, audit.DatabaseRestored{})
		}
		return struct{}{}, nil
	})
	return err
}
