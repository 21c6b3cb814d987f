package service

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/webhook"
)

const (
	sweepEvery = 10 * time.Second
	sweepBatch = 200
	// attemptAge is when an attempt that was never settled is forgotten; its cost
	// stays. No hash waits that long.
	attemptAge = time.Hour
)

// sweep keeps the tables small: it stores as expired what reads expired, and
// removes what has been kept long enough, in small batches, one node at a time.
func (s *Service) sweep(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		for more := true; more; {
			var err error
			if more, err = s.SweepOnce(ctx); err != nil {
				if ctx.Err() == nil {
					s.config.Log.WarnContext(ctx, "old rows could not be swept", "error", err)
				}
				more = false
			}
		}
	}
}

// SweepOnce sweeps one batch and says whether there may be more.
func (s *Service) SweepOnce(ctx context.Context) (more bool, err error) {
	age := store.StaleAge{
		Confirmation: s.config.Retention,
		// A session is read no more once the longest TTL is over.
		Session:  policy.MaxSessionTTLMinutes * time.Minute,
		Attempt:  attemptAge,
		Link:     s.config.Retention,
		Delivery: webhook.Retention,
	}
	return run(ctx, s, act{op: OpSweep, caller: system(uuid.Nil), insists: true}, func(ctx context.Context, st *step) (bool, error) {
		var mine bool
		st.LockSweep(&mine)
		if err := st.Fetch(ctx); err != nil || !mine {
			return false, err
		}
		var expired []confirmation.Confirmation
		var stale store.Stale
		var hooks []webhook.Endpoint
		st.LockExpired(sweepBatch, &expired)
		st.LockStale(age, sweepBatch, &stale)
		st.LockWebhooksSealedElse(s.config.WebhookSecrets.PepperID(), sweepBatch, &hooks)
		if err := st.Fetch(ctx); err != nil {
			return false, err
		}
		st.expire(expired)
		st.DeleteStale(stale)
		s.reseal(st, hooks)
		return len(expired) == sweepBatch || len(stale.Confirmations) == sweepBatch ||
			len(stale.Sessions) == sweepBatch || len(stale.Attempts) == sweepBatch || len(stale.Links) == sweepBatch ||
			len(stale.Deliveries) == sweepBatch, nil
	})
}

// reseal seals the secrets of webhooks under the first pepper, so that an old one can go.
func (s *Service) reseal(st *step, hooks []webhook.Endpoint) {
	for _, e := range hooks {
		fresh, err := s.config.WebhookSecrets.Reseal(e.Ref, e.Secret)
		if err != nil {
			continue // another node has its pepper, or none: then its deliveries say so
		}
		e.Secret = fresh
		st.SaveWebhook(e)
	}
}

// expire stores as expired what reads expired.
func (st *step) expire(confs []confirmation.Confirmation) {
	ended := make([]confirmation.Confirmation, 0, len(confs))
	for _, conf := range confs {
		next := conf.At(st.Now())
		if next.Status == conf.Status {
			continue
		}
		if conf.Status == confirmation.Pending {
			st.wake(conf.ID)
		}
		st.recordAs(system(conf.Holder.Tenant), of(next), audit.ConfirmationExpired{Question: question(next)})
		ended = append(ended, next)
	}
	if len(ended) > 0 {
		st.SaveConfirmations(ended...)
	}
}
