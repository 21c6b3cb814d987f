package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
)

// Denied records that a valid credential was refused an operation. It never
// fails the refusal: what cannot be stored is logged.
func (s *Service) Denied(ctx context.Context, c Caller, instance uuid.UUID, operation string) {
	if !s.refusals.take(c.Principal, audit.TypeAccessDenied, s.config.Now()) {
		return
	}
	// A caller that hangs up must not keep its refusal out of the trail.
	_, err := run(context.WithoutCancel(ctx), s, act{op: OpDeny, caller: c}, func(ctx context.Context, st *step) (struct{}, error) {
		if err := st.Fetch(ctx); err != nil { // the time
			return struct{}{}, err
		}
		st.record(about{instance: instance}, audit.AccessDenied{Operation: operation})
		return struct{}{}, nil
	})
	if err != nil {
		s.config.Log.WarnContext(ctx, "a denial could not be stored", "tenant", c.Tenant, "error", err)
	}
}
