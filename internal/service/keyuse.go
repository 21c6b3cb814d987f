package service

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
)

const (
	// useEvery is how often this node stores when keys were last used: often enough for
	// the time to be correct to a minute.
	useEvery = 30 * time.Second
	// useBatch is how many keys one step stores.
	useBatch = 500
)

// keyUses are the keys that were used and not yet stored as such, so that a request costs
// no write.
type keyUses struct {
	mu   sync.Mutex
	last map[string]time.Time // by this process's clock
}

func newKeyUses() *keyUses { return &keyUses{last: map[string]time.Time{}} }

func (u *keyUses) note(id string, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now.After(u.last[id]) {
		u.last[id] = now
	}
}

// take empties the collection, into the ages of what was in it.
func (u *keyUses) take(now time.Time) []auth.KeyUse {
	u.mu.Lock()
	defer u.mu.Unlock()
	uses := make([]auth.KeyUse, 0, len(u.last))
	for id, at := range u.last {
		uses = append(uses, auth.KeyUse{ID: id, Ago: max(0, now.Sub(at))})
	}
	clear(u.last)
	return uses
}

// show adds what is not stored yet to keys that were read.
func (u *keyUses) show(keys []auth.APIKey, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, key := range keys {
		if at := u.last[key.ID]; at.After(key.LastUsedAt) {
			keys[i].LastUsedAt = earlier(at, now).UTC().Truncate(time.Microsecond)
		}
	}
}

// earlier keeps a clock that is ahead of the database's from showing a time to come.
func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// recordUses stores which keys were used until ctx ends, and once more then.
func (s *Service) recordUses(ctx context.Context) error {
	ticker := time.NewTicker(s.config.KeyUseEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ticker.C:
			s.storeUses(ctx)
		case <-ctx.Done():
		}
	}
	last, cancel := detached(ctx)
	defer cancel()
	s.storeUses(last)
	return ctx.Err()
}

// storeUses stores what was collected. What cannot be stored is collected again.
func (s *Service) storeUses(ctx context.Context) {
	now := s.config.Now()
	uses := s.uses.take(now)
	for len(uses) > 0 {
		batch := uses[:min(useBatch, len(uses))]
		_, err := run(ctx, s, act{op: OpTouchKeys, caller: system(uuid.Nil)}, func(_ context.Context, st *step) (struct{}, error) {
			st.TouchAPIKeys(batch...)
			return struct{}{}, nil
		})
		if err != nil {
			s.config.Log.WarnContext(ctx, "the last use of API keys could not be stored", "error", err)
			for _, use := range uses {
				s.uses.note(use.ID, now.Add(-use.Ago))
			}
			return
		}
		uses = uses[len(batch):]
	}
}
