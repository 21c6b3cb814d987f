package sqlite

import (
	"sync"

	"github.com/google/uuid"
)

// hub hands what was woken to everyone who watches. After a watcher has left it
// is not called any more.
type hub struct {
	mu       sync.RWMutex
	watchers map[*func(uuid.UUID)]struct{}
}

// add registers a watcher and returns the function that lets it leave.
func (h *hub) add(wake func(uuid.UUID)) (leave func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers == nil {
		h.watchers = make(map[*func(uuid.UUID)]struct{})
	}
	key := &wake
	h.watchers[key] = struct{}{}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers, key)
	}
}

func (h *hub) wake(ids []uuid.UUID) {
	if len(ids) == 0 {
		return
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	for w := range h.watchers {
		for _, id := range ids {
			(*w)(id)
		}
	}
}
