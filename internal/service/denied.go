package service

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
)

const (
	// denialsEach is how many denials of one credential are stored in a
	// denialWindow; the log has them all. A credential that is refused without
	// pause must not fill the trail.
	denialsEach   = 10
	denialWindow  = time.Minute
	maxDenialKeys = 10_000
)

// Denied records that a valid credential was refused an operation. It never
// fails the refusal: what cannot be stored is logged.
func (s *Service) Denied(ctx context.Context, c Caller, instance uuid.UUID, operation string) {
	if !s.denials.take(c.Principal, s.config.Now()) {
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

type denials struct {
	mu     sync.Mutex
	counts map[denialKey]denialCount
}

type denialKey struct {
	kind   auth.Kind
	tenant uuid.UUID
	id     string
}

type denialCount struct {
	since time.Time
	n     int
}

func newDenials() *denials { return &denials{counts: map[denialKey]denialCount{}} }

// take says whether one more denial of the credential is to be stored.
func (d *denials) take(p auth.Principal, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.counts) >= maxDenialKeys {
		clear(d.counts)
	}
	key := denialKey{kind: p.Kind, tenant: p.Tenant, id: p.ID}
	count := d.counts[key]
	if now.Sub(count.since) >= denialWindow || now.Before(count.since) {
		count = denialCount{since: now}
	}
	count.n++
	d.counts[key] = count
	return count.n <= denialsEach
}
