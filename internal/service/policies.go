package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// Policy returns the PIN policy of an instance, or the defaults.
func (s *Service) Policy(ctx context.Context, tenant, instance uuid.UUID) (policy.Policy, error) {
	return s.Store.Policy(ctx, tenant, instance)
}

// UpdatePolicy changes the fields that the patch gives. match says whether the
// present version is the one that the caller wants to change; where it says no,
// the error is ErrPrecondition.
func (s *Service) UpdatePolicy(ctx context.Context, c Caller, instance uuid.UUID, patch policy.Patch, match func(version int64) bool) (policy.Policy, error) {
	var next policy.Policy
	var stale bool
	err := s.Store.InTx(ctx, func(tx store.Tx) error {
		before, err := tx.LockPolicy(ctx, c.Tenant, instance)
		if err != nil {
			return err
		}
		if stale = !match(before.Version); stale {
			return nil
		}
		var changed bool
		if next, changed = before.Apply(patch); !changed {
			return nil
		}
		if err := tx.SavePolicy(ctx, next); err != nil {
			return err
		}
		e := c.event(audit.PolicyUpdated)
		e.Instance = instance
		e.Details = map[string]any{"before": policyDetails(before), "after": policyDetails(next)}
		return tx.Append(ctx, e)
	})
	if err == nil && stale {
		err = ErrPrecondition
	}
	return next, err
}

func policyDetails(p policy.Policy) map[string]any {
	return map[string]any{
		"pin_applies_to":          string(p.AppliesTo),
		"pin_required_skills":     p.RequiredSkills,
		"pin_session_ttl_minutes": p.SessionTTLMinutes,
		"version":                 p.Version,
	}
}
