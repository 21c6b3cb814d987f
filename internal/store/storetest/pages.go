package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/paging"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
)

// listed are holders in the order of lists, by name.
func listed(now time.Time) map[string]pin.Record {
	identity := func(n, i int) pin.Holder { return pin.IdentityHolder(tenant(1), instance(i), id('d', n)) }
	set := func(h pin.Holder, n int, change func(*pin.Record)) pin.Record {
		r := setPIN(h, n)
		change(&r)
		return r
	}
	return map[string]pin.Record{
		"1 active": set(customer(1), 1, func(*pin.Record) {}),
		"2 locked": set(customer(2), 2, func(r *pin.Record) { r.LockedUntil = now.Add(time.Hour) }),
		// Who set it is not recorded of this PIN, but of one before it.
		"3 was locked": set(customer(3), 3, func(r *pin.Record) {
			r.LockedUntil, r.SetBy, r.SetByPIN = now.Add(-time.Hour), pin.ByHolder, id('p', 99)
		}),
		"4 own": set(customer(4), 4, func(r *pin.Record) { r.SetBy, r.SetByPIN = pin.ByHolder, r.ID }),
		"5 inactive": set(customer(5), 5, func(r *pin.Record) {
			r.Inactive, r.LockedUntil, r.SetBy, r.SetByPIN = true, now.Add(time.Hour), pin.ByHolder, r.ID
		}),
		"6 removed":              {Holder: customer(6), Generation: 1, LockedUntil: now.Add(time.Hour)},
		"7 removed and inactive": {Holder: customer(7), Generation: 1, Inactive: true},
		"8 of one":               set(identity(9, 1), 8, func(*pin.Record) {}),
		"8b of one, admin's":     set(identity(10, 1), 9, func(r *pin.Record) { r.SetBy, r.SetByPIN = pin.ByAdmin, r.ID }),
		"9 of another":           set(identity(1, 2), 10, func(r *pin.Record) { r.LockedUntil = now.Add(time.Hour) }),
	}
}

// testPINPages says that every filter finds what it names, in order, and counts it.
func testPINPages(t *testing.T, s store.Store) {
	r := s.Reads()
	fetch(t, r)
	records := listed(r.Now())
	names := map[pin.Holder]string{}
	inTx(t, s, func(tx store.Tx) {
		for name, record := range records {
			names[record.Holder] = name
			tx.SavePIN(record)
		}
		tx.SavePIN(setPIN(pin.CustomerHolder(tenant(2), id('c', 1)), 11))
	})
	one := instance(1)
	all := []string{
		"1 active", "2 locked", "3 was locked", "4 own", "5 inactive", "6 removed", "7 removed and inactive",
		"8 of one", "8b of one, admin's", "9 of another",
	}
	for name, tt := range map[string]struct {
		filter store.PINFilter
		want   []string
	}{
		"all":              {store.PINFilter{}, all},
		"active":           {store.PINFilter{State: store.PINActive}, []string{all[0], all[2], all[3], all[7], all[8]}},
		"locked":           {store.PINFilter{State: store.PINLocked}, []string{all[1], all[9]}},
		"inactive":         {store.PINFilter{State: store.PINInactive}, all[4:5]},
		"none":             {store.PINFilter{State: store.PINUnset}, all[5:7]},
		"customers":        {store.PINFilter{Type: pin.Customer}, all[:7]},
		"identities":       {store.PINFilter{Type: pin.Identity}, all[7:]},
		"of an instance":   {store.PINFilter{Instance: &one}, all[7:9]},
		"its customers":    {store.PINFilter{Type: pin.Customer, Instance: &one}, nil},
		"its identities":   {store.PINFilter{Type: pin.Identity, Instance: &one}, all[7:9]},
		"by admins":        {store.PINFilter{SetBy: pin.ByAdmin}, []string{all[0], all[1], all[2], all[8]}},
		"by runtimes":      {store.PINFilter{SetBy: pin.ByRuntime}, []string{all[7], all[9]}},
		"by holders":       {store.PINFilter{SetBy: pin.ByHolder}, all[3:5]},
		"active by holder": {store.PINFilter{SetBy: pin.ByHolder, State: store.PINActive}, all[3:4]},
		"locked by admin":  {store.PINFilter{SetBy: pin.ByAdmin, State: store.PINLocked}, all[1:2]},
		"inactive, holder": {store.PINFilter{SetBy: pin.ByHolder, State: store.PINInactive}, all[4:5]},
		"inactive, admin":  {store.PINFilter{SetBy: pin.ByAdmin, State: store.PINInactive}, nil},
		"none by admin":    {store.PINFilter{SetBy: pin.ByAdmin, State: store.PINUnset}, nil},
		"admin's of one":   {store.PINFilter{SetBy: pin.ByAdmin, Instance: &one}, all[8:9]},
		"locked customers": {store.PINFilter{State: store.PINLocked, Type: pin.Customer}, all[1:2]},
		"unset identities": {store.PINFilter{State: store.PINUnset, Type: pin.Identity}, nil},
	} {
		tt.filter.Tenant = tenant(1)
		for _, page := range []paging.Page{{Number: 1, Size: 100}, {Number: 1, Size: 2}, {Number: 2, Size: 2}, {Number: 9, Size: 2}} {
			r := s.Reads()
			got := get(t, r, func(into *paging.Of[pin.Record]) { r.PINs(tt.filter, page, into) })
			what := fmt.Sprintf("%s, page %d of %d", name, page.Number, page.Size)
			equal(t, what+", total", got.Total, len(tt.want))
			equal(t, what+", page", got.Page, page)
			want := tt.want[min(page.Skipped(), len(tt.want)):min(page.Skipped()+page.Size, len(tt.want))]
			equal(t, what+", rows", len(got.Rows), len(want))
			for n, row := range got.Rows {
				equal(t, what, names[row.Holder], want[n])
				equal(t, what+": "+want[n], row, records[want[n]])
			}
		}
	}
}

func testAPIKeyPage(t *testing.T, s store.Store) {
	var keys []auth.APIKey
	for n := range 5 {
		keys = append(keys, key(tenant(1), n))
	}
	keys[0].CreatedAt = keys[1].CreatedAt // the id decides
	insertKeys(t, s, keys[3], keys[0], keys[4], keys[2], keys[1], key(tenant(2), 9))
	for page, want := range map[paging.Page][]auth.APIKey{
		{Number: 1, Size: 100}: keys, {Number: 1, Size: 2}: keys[:2], {Number: 3, Size: 2}: keys[4:], {Number: 4, Size: 2}: {},
	} {
		r := s.Reads()
		got := get(t, r, func(into *paging.Of[auth.APIKey]) { r.APIKeyPage(tenant(1), page, into) })
		equal(t, "a page", got, paging.Of[auth.APIKey]{Page: page, Rows: append([]auth.APIKey{}, want...), Total: len(keys)})
	}
	r := s.Reads()
	got := get(t, r, func(into *paging.Of[auth.APIKey]) { r.APIKeyPage(tenant(3), paging.Page{Number: 1, Size: 5}, into) })
	equal(t, "of nobody", got.Total, 0)
}

// testAPIKeysMadeBy says that the keys of a level are those that its makers created and
// that are not revoked.
func testAPIKeysMadeBy(t *testing.T, s store.Store) {
	maker, other := key(tenant(1), 1), key(tenant(1), 2)
	made := func(n int, by auth.APIKey) auth.APIKey {
		k := key(tenant(1), n)
		k.CreatedByKind, k.CreatedBy, k.Depth = auth.KindAPIKey, by.ID, 1
		return k
	}
	second, first, others := made(5, maker), made(4, maker), made(3, other)
	revoked := made(6, maker)
	revoked.RevokedAt = after(100)
	named := made(7, maker) // a person whose name is the key's id
	named.CreatedByKind = auth.KindJWT
	foreign := made(8, maker)
	foreign.Tenant = tenant(2)
	insertKeys(t, s, maker, other, second, first, others, revoked, named, foreign)
	for _, tt := range []struct {
		makers []string
		want   []auth.APIKey
	}{
		{[]string{maker.ID}, []auth.APIKey{first, second}},
		{[]string{maker.ID, other.ID}, []auth.APIKey{others, first, second}},
		{[]string{first.ID, "nobody"}, []auth.APIKey{}},
		{[]string{}, []auth.APIKey{}},
	} {
		inTx(t, s, func(tx store.Tx) {
			got := get(t, tx, func(into *[]auth.APIKey) { tx.LockAPIKeysMadeBy(tenant(1), tt.makers, into) })
			equal(t, fmt.Sprint("made by ", tt.makers), append([]auth.APIKey{}, got...), tt.want)
		})
	}
}

// testTouchAPIKeys says that the last use of keys goes forward, by the database's clock.
func testTouchAPIKeys(t *testing.T, s store.Store) {
	one, two, later := key(tenant(1), 1), key(tenant(2), 2), key(tenant(1), 3)
	later.LastUsedAt = after(1 << 30)
	insertKeys(t, s, one, two, later)
	inTx(t, s, func(tx store.Tx) {
		tx.TouchAPIKeys()
		tx.TouchAPIKeys(
			auth.KeyUse{ID: one.ID, Ago: time.Hour}, auth.KeyUse{ID: two.ID},
			auth.KeyUse{ID: later.ID}, auth.KeyUse{ID: "nobody's"},
		)
	})
	r := s.Reads()
	fetch(t, r)
	for k, ago := range map[string]time.Duration{one.ID: time.Hour, two.ID: 0} {
		at := keyOf(t, s, k).LastUsedAt
		wellFormed(t, "LastUsedAt", at)
		if off := r.Now().Add(-ago).Sub(at); off < 0 || off > time.Minute {
			t.Errorf("last used at %v, which is off by %v", at, off)
		}
	}
	equal(t, "a later use", keyOf(t, s, later.ID).LastUsedAt, later.LastUsedAt)
	// An older one changes nothing.
	before := keyOf(t, s, two.ID)
	inTx(t, s, func(tx store.Tx) { tx.TouchAPIKeys(auth.KeyUse{ID: two.ID, Ago: time.Hour}) })
	equal(t, "after an older use", keyOf(t, s, two.ID), before)
}
