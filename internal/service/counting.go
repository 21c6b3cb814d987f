package service

import (
	"context"
	"errors"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
)

// CountRefusals writes how many refusals were no events of their own, for each credential and kind
// whose minute has ended.
func (s *Service) CountRefusals(ctx context.Context) error {
	var errs []error
	for key, count := range s.refusals.ended(s.config.Now()) {
		c := Caller{Principal: auth.Principal{Kind: key.kind, ID: key.id, Tenant: key.tenant}}
		_, err := run(ctx, s, act{op: OpCountRefusals, caller: c}, func(ctx context.Context, st *step) (struct{}, error) {
			if err := st.Fetch(ctx); err != nil { // the time
				return struct{}{}, err
			}
			st.record(about{}, audit.RefusalsCounted{Of: string(key.of), Count: count.n, Since: audit.FormatTime(count.since)})
			return struct{}{}, nil
		})
		if err != nil {
			s.refusals.back(key, count)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
