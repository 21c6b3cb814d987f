package service

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/paging"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/webhook"
)

// dueBatch is how many endpoints are looked at in one transaction.
const dueBatch = 50

// WebhooksDue says whether there may be something to send.
func (s *Service) WebhooksDue(ctx context.Context) (bool, error) {
	return s.config.Store.AnyWebhookDue(ctx)
}

// Claim is one try of a delivery, which is the caller's until the lease ends.
type Claim struct {
	Delivery webhook.Delivery
	Message  webhook.Message
	// Failure is why there is no message to send, and what to settle the claim with.
	Failure webhook.Failure
}

// ClaimDeliveries takes up to limit deliveries that are to be tried now, under a lease, and says
// whether there may be more. Each must be settled with [Service.SettleDelivery] before its lease
// ends. One node chooses at a time; another gets none.
func (s *Service) ClaimDeliveries(ctx context.Context, limit int) ([]Claim, bool, error) {
	type claimed struct {
		of   webhook.Endpoint
		d    webhook.Delivery
		leaf []byte
	}
	got, err := run(ctx, s, act{op: OpClaimDeliveries, caller: system(uuid.Nil), cancels: true}, func(ctx context.Context, st *step) ([]claimed, error) {
		var mine bool
		var due []webhook.Endpoint
		st.LockDispatch(&mine)
		st.LockDueWebhooks(dueBatch, &due)
		if err := st.Fetch(ctx); err != nil || !mine || len(due) == 0 {
			return nil, err
		}
		// Read under the locks: what is added meanwhile waits for them to say that it is there.
		work, leases, err := st.readWork(ctx, due)
		if err != nil {
			return nil, err
		}
		choice := webhook.Choose(work, leases, limit, st.Now())
		all := make([]claimed, len(choice.Deliveries))
		for i, d := range choice.Deliveries {
			d.LeaseID, d.LeaseUntil = st.newID(), st.Now().Add(webhook.Lease)
			all[i].d = d
			n := slices.IndexFunc(due, func(e webhook.Endpoint) bool { return e.ID == d.Endpoint })
			all[i].of = due[n]
			st.EventLeaf(d.Tenant, d.Event.Index, &all[i].leaf)
		}
		if len(all) > 0 {
			if err := st.Fetch(ctx); err != nil {
				return nil, err
			}
		}
		for _, c := range all {
			st.SaveDelivery(c.d)
		}
		for _, e := range due {
			st.SaveWebhookDue(e.Ref, choice.Due[e.Ref])
		}
		return all, nil
	})
	if err != nil {
		return nil, false, err
	}
	claims := make([]Claim, len(got))
	for i, c := range got {
		claims[i] = s.claim(c.of, c.d, c.leaf)
	}
	return claims, len(claims) == limit, nil
}

// readWork reads what the endpoints have to send, and what of their tenants is being sent.
func (st *step) readWork(ctx context.Context, due []webhook.Endpoint) ([]webhook.Work, []webhook.Taken, error) {
	work := make([]webhook.Work, len(due))
	taken := map[uuid.UUID]*[]webhook.Taken{}
	for i, e := range due {
		work[i].Endpoint = e
		st.FreshDeliveries(e.Ref, webhook.Window, &work[i].Fresh)
		st.DeliveriesAgain(e.Ref, webhook.Window, &work[i].Again)
		if taken[e.Tenant] == nil {
			taken[e.Tenant] = new([]webhook.Taken)
			st.LeasedDeliveries(e.Tenant, taken[e.Tenant])
		}
	}
	if err := st.Fetch(ctx); err != nil {
		return nil, nil, err
	}
	var leases []webhook.Taken
	for _, of := range taken {
		leases = append(leases, *of...)
	}
	return work, leases, nil
}

// claim builds the message of a delivery.
func (s *Service) claim(e webhook.Endpoint, d webhook.Delivery, leaf []byte) Claim {
	c := Claim{Delivery: d, Message: webhook.Message{ID: d.Event.ID.String(), URL: e.URL}}
	if leaf == nil {
		c.Failure = webhook.Removed
		return c
	}
	sealed := []webhook.Sealed{e.Secret}
	if !e.Old.IsZero() && d.LeaseUntil.Add(-webhook.Lease).Before(e.OldUntil) {
		sealed = append(sealed, e.Old)
	}
	for _, box := range sealed {
		plain, err := s.config.WebhookSecrets.Open(e.Ref, box)
		if err != nil {
			s.config.Log.Warn("the secret of a webhook cannot be opened; rotate it", "tenant", e.Tenant, "webhook", e.ID, "error", err)
			c.Failure = webhook.Unreadable
			return c
		}
		c.Message.Secrets = append(c.Message.Secrets, plain)
	}
	body, err := webhook.Body(d.Event.Index, leaf)
	if err != nil {
		c.Failure = webhook.Unreadable
	}
	c.Message.Body = body
	return c
}

// SettleDelivery stores what became of a try, unless its lease has ended and another has taken it.
func (s *Service) SettleDelivery(ctx context.Context, c Claim, r webhook.Result) error {
	_, err := run(ctx, s, act{op: OpSettleDelivery, caller: system(c.Delivery.Tenant), repeats: true}, func(ctx context.Context, st *step) (struct{}, error) {
		var e webhook.Endpoint
		var d webhook.Delivery
		st.LockWebhook(webhook.Ref{Tenant: c.Delivery.Tenant, ID: c.Delivery.Endpoint}, &e)
		st.LockDelivery(c.Delivery.DeliveryRef, &d)
		switch err := st.Fetch(ctx); {
		case errors.Is(err, store.ErrNotFound): // it was deleted meanwhile
			return struct{}{}, nil
		case err != nil:
			return struct{}{}, err
		case d.LeaseID != c.Delivery.LeaseID:
			return struct{}{}, nil
		}
		st.SaveDelivery(d.Settle(r, st.Now()))
		next := e.Settle(r, st.Now())
		switch {
		case e.Enabled() && !next.Enabled():
			st.disableWebhook(next)
		case e.FailingSince != next.FailingSince:
			st.SaveWebhook(next)
		case e.Enabled():
			st.SaveWebhookDue(e.Ref, next.DueAt)
		}
		return struct{}{}, nil
	})
	return err
}

// Deliveries returns a page of the deliveries of an endpoint, those of the newest events first, or
// [ErrNotFound]. The empty status is all.
func (s *Service) Deliveries(ctx context.Context, c Caller, id uuid.UUID, of webhook.Status, page paging.Page) (paging.Of[webhook.Delivery], error) {
	got := paging.Of[webhook.Delivery]{Page: page}
	var e webhook.Endpoint
	reads := s.config.Store.Reads()
	reads.Webhook(c.webhook(id), &e)
	if err := reads.Fetch(ctx); err != nil {
		return got, notFound(err)
	}
	var err error
	got.Rows, got.Total, err = s.config.Store.Deliveries(ctx, store.DeliveryFilter{
		Webhook: e.Ref, Status: of, Skip: page.Skipped(), Limit: page.Rows(), MaxCount: paging.MaxRows,
	})
	return got, err
}

// RetryDelivery has a delivery tried again now, whatever became of it, or returns [ErrNotFound] or
// [ErrWebhookDisabled]. One that is being tried, or that was not tried yet, stays as it is.
func (s *Service) RetryDelivery(ctx context.Context, c Caller, id uuid.UUID) (webhook.Delivery, error) {
	ref := webhook.DeliveryRef{Tenant: c.Tenant, ID: id}
	return run(ctx, s, act{op: OpRetryDelivery, caller: c, repeats: true}, func(ctx context.Context, st *step) (webhook.Delivery, error) {
		var d webhook.Delivery
		st.Delivery(ref, &d)
		if err := st.Fetch(ctx); err != nil {
			return d, notFound(err)
		}
		var e webhook.Endpoint
		st.LockWebhook(c.webhook(d.Endpoint), &e)
		st.LockDelivery(ref, &d)
		if err := st.Fetch(ctx); err != nil {
			return d, notFound(err)
		}
		if !e.Enabled() {
			return d, refuse(ErrWebhookDisabled)
		}
		next, changes := d.Retry(st.Now())
		if changes {
			st.SaveDelivery(next)
			st.SaveWebhookDue(e.Ref, st.Now())
			st.record(about{}, audit.WebhookDeliveryRetried{Webhook: e.ID.String(), Delivery: id.String()})
		}
		return next, nil
	})
}
