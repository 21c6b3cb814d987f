package service

import (
	"context"
	"time"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

const (
	sweepEvery = 10 * time.Second
	sweepBatch = 200
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
					s.Log.WarnContext(ctx, "old rows could not be swept", "error", err)
				}
				more = false
			}
		}
	}
}

// SweepOnce sweeps one batch and says whether there may be more.
func (s *Service) SweepOnce(ctx context.Context) (more bool, err error) {
	err = s.Store.InTx(ctx, func(tx store.Tx) error {
		mine, err := tx.TrySweepLock(ctx)
		if err != nil || !mine {
			return err
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		// A session is looked at no more once the longest TTL is over.
		longest := policy.MaxSessionTTLMinutes * time.Minute
		sessions, err := tx.SweepSessions(ctx, now.Add(-longest), sweepBatch)
		if err != nil {
			return err
		}
		expired, err := tx.LockExpiredConfirmations(ctx, now, sweepBatch)
		if err != nil {
			return err
		}
		for _, conf := range expired {
			if err := s.expire(ctx, tx, conf, now); err != nil {
				return err
			}
		}
		removed, err := tx.DeleteConfirmations(ctx, now.Add(-s.Retention), sweepBatch)
		more = sessions == sweepBatch || len(expired) == sweepBatch || removed == sweepBatch
		return err
	})
	return more, err
}

func (s *Service) expire(ctx context.Context, tx store.Tx, conf confirmation.Confirmation, now time.Time) error {
	expired := conf.At(now)
	if err := tx.SaveConfirmation(ctx, expired); err != nil {
		return err
	}
	if conf.Status == confirmation.Pending {
		tx.Wake(conf.ID)
	}
	return tx.Append(ctx, confirmationEvent(system(conf.Holder.Tenant), audit.ConfirmationExpired, expired))
}
