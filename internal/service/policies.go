package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/policy"
)

// Policy returns the PIN policy of an instance, or the defaults.
func (s *Service) Policy(ctx context.Context, c Caller, instance uuid.UUID) (policy.Policy, error) {
	var p policy.Policy
	reads := s.config.Store.Reads()
	reads.Policy(c.of(instance), &p)
	return p, reads.Fetch(ctx)
}

// Need says whether the policy asks for a PIN when role runs skill on an instance. It
// holds for this moment only.
func (s *Service) Need(ctx context.Context, c Caller, instance uuid.UUID, role policy.Role, skill string) (policy.Need, error) {
	p, err := s.Policy(ctx, c, instance)
	return policy.Decide(p, role, skill), err
}

// PolicyUpdate is a change of an instance's policy.
type PolicyUpdate struct {
	Instance uuid.UUID
	Patch    policy.Patch
	// Match says whether the present version is the one that the caller wants to
	// change.
	Match func(version int64) bool
}

// UpdatePolicy changes the fields that the patch gives. It returns
// [ErrPrecondition] for a version that does not match.
func (s *Service) UpdatePolicy(ctx context.Context, c Caller, u PolicyUpdate) (policy.Policy, error) {
	return run(ctx, s, act{op: OpUpdatePolicy, caller: c, repeats: true}, func(ctx context.Context, st *step) (policy.Policy, error) {
		var before policy.Policy
		st.LockPolicy(c.of(u.Instance), &before)
		if err := st.Fetch(ctx); err != nil {
			return policy.Policy{}, err
		}
		next, changes := before.Apply(u.Patch)
		if st.repeated && !changes { // a first run has stored it
			return before, nil
		}
		if !u.Match(before.Version) {
			return policy.Policy{}, refuse(ErrPrecondition)
		}
		if changes {
			st.SavePolicy(next)
			st.record(about{instance: u.Instance}, audit.PolicyUpdated{Before: policyState(before), After: policyState(next)})
		}
		return next, nil
	})
}
