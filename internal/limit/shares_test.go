package limit_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/hydracore/hydrapin/internal/limit"
)

// who is the caller with that tenant and credential.
func who(tenant, credential int) limit.Caller {
	return limit.Caller{Tenant: uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, tenant)), Credential: fmt.Sprint(credential)}
}

// anyone draws one of a few callers, so that they meet.
func anyone(t *rapid.T) limit.Caller {
	return who(rapid.IntRange(1, 6).Draw(t, "tenant"), rapid.IntRange(1, 4).Draw(t, "credential"))
}

func TestATenantAloneHoldsAllPlaces(t *testing.T) {
	t.Parallel()
	for _, places := range []int{1, 2, 3, 20} {
		var l limit.Ledger
		a, b, c := who(1, 1), who(2, 1), who(3, 1)
		fill := func(c limit.Caller) (n int) {
			for ; limit.Shares(places, l.Held(c)); n++ {
				l.Take(c)
			}
			return n
		}
		if n := fill(a); n != places {
			t.Errorf("alone it held %d of %d places", n, places)
		}
		// It is full, and so the next gets one, and no second.
		if n := fill(b); n != 1 {
			t.Errorf("of %d full places the second tenant got %d", places, n)
		}
		// As places come back they go to who has less than its share.
		for l.Held(a).Tenant > max(1, places/2) {
			l.Give(a)
		}
		if n := fill(a); n != 0 {
			t.Errorf("with half of %d places it got %d more", places, n)
		}
		fill(b)
		if h := l.Held(b); h.Tenant != max(1, places/2) {
			t.Errorf("the second tenant holds %d of %d places", h.Tenant, places)
		}
		if n := fill(c); n < 1 && places > 1 {
			t.Errorf("of %d places the third tenant got %d", places, n)
		}
	}
}

// A credential that fills its tenant's share does not keep the others of the tenant out, nor do many
// credentials of one tenant another tenant.
func TestCredentialsShareWhatTheirTenantHas(t *testing.T) {
	t.Parallel()
	const places = 20
	var l limit.Ledger
	for range places {
		l.Take(who(1, 1))
	}
	if !limit.Shares(places, l.Held(who(1, 2))) {
		t.Fatal("the tenant's second credential got no place")
	}
	for credential := 2; credential < 100; credential++ {
		if c := who(1, credential); limit.Shares(places, l.Held(c)) {
			l.Take(c)
		}
	}
	if h := l.Held(who(2, 1)); h.Total != places+places/2 || !limit.Shares(places, h) {
		t.Errorf("many credentials hold %d places, and the other tenant gets one: %t", h.Total, limit.Shares(places, h))
	}
}

// Whatever comes and goes: places are bounded; who holds nothing gets one while there is any; alone one
// may hold all; with others, nobody gets more than an equal share.
func TestSharesAreFair(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		places := rapid.IntRange(1, 12).Draw(t, "places")
		var l limit.Ledger
		held := map[limit.Caller]int{}
		t.Repeat(map[string]func(*rapid.T){
			"ask": func(t *rapid.T) {
				c := anyone(t)
				h := l.Held(c)
				gets := limit.Shares(places, h)
				switch {
				case h.Tenant == 0 && h.Total < 2*places && !gets:
					t.Fatalf("a tenant that holds nothing gets nothing: %+v", h)
				case h.Tenant == h.Total && h.Credential == h.Total && gets != (h.Total < places):
					t.Fatalf("alone: %t with %+v", gets, h)
				case gets && h.Credential > 0 && h.Tenants > 1 && h.Tenant >= max(1, places/h.Tenants):
					t.Fatalf("more than its share: %+v", h)
				case gets && h.Credential > 0 && h.Credentials > 1 && h.Credential >= max(1, places/h.Credentials):
					t.Fatalf("a credential gets more than its share: %+v", h)
				case gets && h.Credential > 0 && h.Total >= places:
					t.Fatalf("an extra place for one that holds some: %+v", h)
				}
				if gets {
					l.Take(c)
					held[c]++
				}
			},
			"give back": func(t *rapid.T) {
				if len(held) == 0 {
					return
				}
				order := slices.SortedFunc(maps.Keys(held), func(a, b limit.Caller) int {
					return slices.Compare([]byte(a.Tenant.String()+a.Credential), []byte(b.Tenant.String()+b.Credential))
				})
				c := rapid.SampledFrom(order).Draw(t, "who")
				l.Give(c)
				if held[c]--; held[c] == 0 {
					delete(held, c)
				}
			},
			"": func(t *rapid.T) {
				total := 0
				for c, n := range held {
					total += n
					if h := l.Held(c); h.Credential != n {
						t.Fatalf("%d counted, %d held", h.Credential, n)
					}
				}
				if l.Total() != total || total > 2*places {
					t.Fatalf("%d counted, %d held, of %d places", l.Total(), total, places)
				}
			},
		})
	})
}

func TestBoundsAdmit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		bounds limit.Bounds
		held   limit.Held
		want   limit.Verdict
	}{
		{"no bounds", limit.Bounds{}, limit.Held{Total: 1e9, Tenant: 1e9, Credential: 1e9}, limit.Admitted},
		{"under all", limit.Bounds{Total: 10, Tenant: 5, Credential: 3}, limit.Held{Total: 9, Tenant: 4, Credential: 2}, limit.Admitted},
		{"a credential's", limit.Bounds{Total: 10, Credential: 3}, limit.Held{Total: 9, Tenant: 9, Credential: 3}, limit.OverBound},
		{"a tenant's", limit.Bounds{Total: 10, Tenant: 4}, limit.Held{Total: 4, Tenant: 4, Credential: 1}, limit.OverBound},
		{"a tenant's, for a new credential", limit.Bounds{Total: 10, Tenant: 4}, limit.Held{Total: 5, Tenant: 5}, limit.Admitted},
		{"a tenant's, for one too many", limit.Bounds{Total: 10, Tenant: 4}, limit.Held{Total: 6, Tenant: 6}, limit.OverBound},
		{"all", limit.Bounds{Total: 10}, limit.Held{Total: 10, Tenant: 1, Credential: 1}, limit.Full},
		{"all, for a new tenant", limit.Bounds{Total: 10, Tenant: 4}, limit.Held{Total: 19}, limit.Admitted},
		{"all, for one too many", limit.Bounds{Total: 10, Tenant: 4}, limit.Held{Total: 20}, limit.Full},
	} {
		if got := c.bounds.Admit(c.held); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// What waits is served whole, each caller's in its order, and nobody waits for more than one turn of
// each other tenant.
func TestTurns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		type item struct {
			of limit.Caller
			n  int
		}
		var turns limit.Turns[item]
		waiting := map[limit.Caller][]item{}
		// since counts whom each tenant that waits has seen served since its own last turn.
		since := map[uuid.UUID]map[uuid.UUID]int{}
		next := 0
		drop := func(c limit.Caller, i int) {
			if waiting[c] = slices.Delete(waiting[c], i, i+1); len(waiting[c]) == 0 {
				delete(waiting, c)
			}
			for other := range waiting {
				if other.Tenant == c.Tenant {
					return
				}
			}
			delete(since, c.Tenant)
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				c := anyone(t)
				next++
				turns.Push(c, item{c, next})
				waiting[c] = append(waiting[c], item{c, next})
				if since[c.Tenant] == nil {
					since[c.Tenant] = map[uuid.UUID]int{}
				}
			},
			"remove": func(t *rapid.T) {
				c := anyone(t)
				if turns.Remove(c, item{c, -1}) {
					t.Fatal("removed what did not wait")
				}
				if len(waiting[c]) == 0 {
					return
				}
				i := rapid.IntRange(0, len(waiting[c])-1).Draw(t, "which")
				if !turns.Remove(c, waiting[c][i]) {
					t.Fatal("could not remove what waited")
				}
				drop(c, i)
			},
			"pop": func(t *rapid.T) {
				not := who(rapid.IntRange(1, 6).Draw(t, "not this tenant"), 0).Tenant
				got, ok := turns.Pop(func(tenant uuid.UUID) bool { return tenant != not })
				if !ok {
					for c := range waiting {
						if c.Tenant != not {
							t.Fatalf("%v waits and was not served", c)
						}
					}
					return
				}
				if got.of.Tenant == not || waiting[got.of][0] != got {
					t.Fatalf("served %v of %v", got, waiting[got.of])
				}
				for tenant, seen := range since {
					if tenant == got.of.Tenant || tenant == not {
						continue
					}
					if seen[got.of.Tenant]++; seen[got.of.Tenant] > 1 {
						t.Fatalf("%s was served twice while %s waited", got.of.Tenant, tenant)
					}
				}
				since[got.of.Tenant] = map[uuid.UUID]int{}
				drop(got.of, 0)
			},
			"": func(t *rapid.T) {
				n := 0
				for _, items := range waiting {
					n += len(items)
				}
				if turns.Len() != n {
					t.Fatalf("%d wait, want %d", turns.Len(), n)
				}
			},
		})
	})
}
