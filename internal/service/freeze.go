package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/policy"
)

// freezeBatch is how many approved confirmations one step of a freeze ends.
const freezeBatch = 500

// Frozen returns the freeze of an instance, or with uuid.Nil of the caller's tenant.
func (s *Service) Frozen(ctx context.Context, c Caller, instance uuid.UUID) (policy.Freeze, error) {
	var f policy.Freeze
	reads := s.config.Store.Reads()
	reads.Freeze(c.of(instance), &f)
	return f, reads.Fetch(ctx)
}

// Freeze freezes an instance, or with uuid.Nil the caller's tenant: the flag first,
// in a step of its own, then it ends every confirmation that is approved. Whoever
// redeems locks its confirmation and then reads the flag, so that after the answer
// nothing is redeemed.
func (s *Service) Freeze(ctx context.Context, c Caller, instance uuid.UUID, reason string) (policy.Freeze, error) {
	scope := c.of(instance)
	f, err := run(ctx, s, act{op: OpFreeze, caller: c, repeats: true}, func(ctx context.Context, st *step) (policy.Freeze, error) {
		var before policy.Freeze
		st.LockFreeze(scope, &before)
		if err := st.Fetch(ctx); err != nil {
			return policy.Freeze{}, err
		}
		next, changes := before.Put(c.Principal, reason, st.Now())
		if changes {
			st.SaveFreeze(next)
			st.record(about{instance: instance}, audit.FreezeSet{Reason: reason})
		}
		return next, nil
	})
	if err != nil {
		return policy.Freeze{}, err
	}
	ctx = context.WithoutCancel(ctx)
	for more := true; more; {
		if more, err = s.endApproved(ctx, c, scope); err != nil {
			return policy.Freeze{}, err
		}
	}
	return f, nil
}

// endApproved ends a batch of approved confirmations of a frozen scope, and says
// whether there may be more.
func (s *Service) endApproved(ctx context.Context, c Caller, scope policy.Instance) (more bool, err error) {
	return run(ctx, s, act{op: OpFreeze, caller: c, repeats: true}, func(ctx context.Context, st *step) (bool, error) {
		var approved []confirmation.Confirmation
		st.LockApproved(scope, freezeBatch, &approved)
		if err := st.Fetch(ctx); err != nil {
			return false, err
		}
		st.decline(confirmation.Frozen, approved...)
		return len(approved) == freezeBatch, nil
	})
}

// Unfreeze lifts a freeze. It returns [ErrLiftForbidden] for a key where a person's
// token froze.
func (s *Service) Unfreeze(ctx context.Context, c Caller, instance uuid.UUID) error {
	_, err := run(ctx, s, act{op: OpUnfreeze, caller: c, repeats: true}, func(ctx context.Context, st *step) (struct{}, error) {
		var before policy.Freeze
		st.LockFreeze(c.of(instance), &before)
		if err := st.Fetch(ctx); err != nil {
			return struct{}{}, err
		}
		if !before.MayLift(c.Principal) {
			return struct{}{}, refuse(ErrLiftForbidden)
		}
		if next, changes := before.Lift(); changes {
			st.SaveFreeze(next)
			st.record(about{instance: instance}, audit.FreezeLifted{})
		}
		return struct{}{}, nil
	})
	return err
}
