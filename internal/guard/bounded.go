package guard

import "sync"

// bounded is a map that forgets the oldest entry when it is full.
type bounded[V any] struct {
	mu    sync.Mutex
	max   int
	known map[string]V
	order []string
}

func newBounded[V any](most int) *bounded[V] { return &bounded[V]{max: most, known: map[string]V{}} }

func (b *bounded[V]) get(key string) (V, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.known[key]
	return v, ok
}

func (b *bounded[V]) put(key string, v V) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.known[key]; !ok {
		if len(b.order) >= b.max {
			delete(b.known, b.order[0])
			b.order = b.order[1:]
		}
		b.order = append(b.order, key)
	}
	b.known[key] = v
}
