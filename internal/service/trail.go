package service

import (
	"context"

	"github.com/hydracore/hydrapin/internal/audit"
)

// Events returns events of a tenant in the order in which they were recorded.
func (s *Service) Events(ctx context.Context, f audit.Filter) ([]audit.Stored, error) {
	return s.config.Store.Events(ctx, f)
}
