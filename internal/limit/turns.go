package limit

import (
	"slices"

	"github.com/google/uuid"
)

// Turns is what waits, to be served tenant by tenant, and within a tenant credential by credential;
// what one credential waits for is served in the order in which it came. It is not safe for concurrent
// use. The zero Turns is empty.
type Turns[T comparable] struct {
	tenants round[uuid.UUID, *round[string, *[]T]]
	waiting int
}

// Len returns how many wait.
func (t *Turns[T]) Len() int { return t.waiting }

// Push adds what a caller waits for.
func (t *Turns[T]) Push(c Caller, item T) {
	credentials := t.tenants.join(c.Tenant, func() *round[string, *[]T] { return new(round[string, *[]T]) })
	items := credentials.join(c.Credential, func() *[]T { return new([]T) })
	*items = append(*items, item)
	t.waiting++
}

// Pop takes the next of a tenant that may be served, which then waits for its next turn. It returns
// false when there is none.
func (t *Turns[T]) Pop(may func(tenant uuid.UUID) bool) (item T, ok bool) {
	i := slices.IndexFunc(t.tenants.order, may)
	if i < 0 {
		return item, false
	}
	tenant := t.tenants.order[i]
	credentials := t.tenants.of[tenant]
	credential := credentials.order[0]
	items := credentials.of[credential]
	item = (*items)[0]
	*items = slices.Delete(*items, 0, 1)
	credentials.served(credential, len(*items) == 0)
	t.tenants.served(tenant, len(credentials.order) == 0)
	t.waiting--
	return item, true
}

// Remove takes out what no longer waits, and says whether it was there.
func (t *Turns[T]) Remove(c Caller, item T) bool {
	credentials := t.tenants.of[c.Tenant]
	if credentials == nil || credentials.of[c.Credential] == nil {
		return false
	}
	items := credentials.of[c.Credential]
	i := slices.Index(*items, item)
	if i < 0 {
		return false
	}
	if *items = slices.Delete(*items, i, i+1); len(*items) == 0 {
		credentials.leave(c.Credential)
	}
	if len(credentials.order) == 0 {
		t.tenants.leave(c.Tenant)
	}
	t.waiting--
	return true
}

// round is a round of turns, the next one first.
type round[K comparable, V any] struct {
	order []K
	of    map[K]V
}

// join returns what a key has, at the end of the round when it is new.
func (r *round[K, V]) join(k K, empty func() V) V {
	if v, ok := r.of[k]; ok {
		return v
	}
	if r.of == nil {
		r.of = map[K]V{}
	}
	r.order, r.of[k] = append(r.order, k), empty()
	return r.of[k]
}

// served ends the turn of a key, which leaves the round when it has nothing more.
func (r *round[K, V]) served(k K, done bool) {
	if r.leaveOrder(k); done {
		delete(r.of, k)
		return
	}
	r.order = append(r.order, k)
}

func (r *round[K, V]) leave(k K) {
	r.leaveOrder(k)
	delete(r.of, k)
}

func (r *round[K, V]) leaveOrder(k K) {
	i := slices.Index(r.order, k)
	r.order = slices.Delete(r.order, i, i+1)
}
