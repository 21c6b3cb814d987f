package guard

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	// roundTime is how long a request state of the upstream continues a confirmed call.
	roundTime = 10 * time.Minute
	maxRounds = 10_000
)

// rounds are the request states that the upstream returned to confirmed calls. Each continues its
// call once.
type rounds struct {
	mu    sync.Mutex
	now   func() time.Time
	known map[string]round
}

type round struct {
	confirmation uuid.UUID
	until        time.Time
}

func newRounds(now func() time.Time) *rounds { return &rounds{now: now, known: map[string]round{}} }

// put remembers a state under the call that got it. When there is no room, it is forgotten: its
// retry is refused.
func (r *rounds) put(key string, confirmation uuid.UUID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if len(r.known) >= maxRounds {
		for k, v := range r.known {
			if !now.Before(v.until) {
				delete(r.known, k)
			}
		}
	}
	if len(r.known) < maxRounds {
		r.known[key] = round{confirmation, now.Add(roundTime)}
	}
}

// take returns the confirmation that a state continues, once.
func (r *rounds) take(key string) (uuid.UUID, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found, ok := r.known[key]
	delete(r.known, key)
	return found.confirmation, ok && r.now().Before(found.until)
}

// roundKey binds a state to everything that was confirmed.
func roundKey(c *toolCall, p person, state json.RawMessage, digest string) string {
	var text any = state
	if s := idText(state); s != "" {
		text = s // However it is escaped.
	}
	return hash(encoded([]any{text, c.tool, string(p.holder.Type), p.holder.ID, p.authorization, digest}))
}

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
