package storetest

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/webhook"
)

// hook is the nth webhook of a tenant, at the nth place.
func hook(of uuid.UUID, n int) webhook.Endpoint {
	return webhook.Endpoint{
		Ref: webhook.Ref{Tenant: of, ID: id('w', n)}, Place: n, URL: "https://hooks.example/" + string(rune('a'+n)),
		Events: []string{"pin.*", "key.minted"}, CreatedAt: after(n), UpdatedAt: after(n + 1),
		CreatedBy: audit.Actor{Kind: auth.KindJWT, ID: "ada"}, DirectedBy: audit.Actor{Kind: auth.KindAPIKey, ID: "k"},
		Secret: webhook.Sealed{PepperID: "p1", Box: []byte{1, 2, byte(n)}},
	}
}

// sent is the delivery of the nth event to a webhook.
func sent(to webhook.Endpoint, n int, h pin.Holder) webhook.Delivery {
	return webhook.NewDelivery(id('d', n), to.Ref, webhook.Event{ID: id('v', n), Index: int64(n), Type: "pin.set", Holder: h}, after(n))
}

func insertHooks(t *testing.T, s store.Store, hooks ...webhook.Endpoint) {
	t.Helper()
	inTx(t, s, func(tx store.Tx) {
		for _, h := range hooks {
			tx.InsertWebhook(h)
		}
	})
}

func hookOf(t *testing.T, s store.Store, ref webhook.Ref) webhook.Endpoint {
	t.Helper()
	r := s.Reads()
	return get(t, r, func(into *webhook.Endpoint) { r.Webhook(ref, into) })
}

func deliveryOf(t *testing.T, s store.Store, ref webhook.DeliveryRef) webhook.Delivery {
	t.Helper()
	r := s.Reads()
	return get(t, r, func(into *webhook.Delivery) { r.Delivery(ref, into) })
}

func testWebhookAsSaved(t *testing.T, s store.Store) {
	one, two, foreign := hook(tenant(1), 1), hook(tenant(1), 2), hook(tenant(2), 3)
	two.Description, two.Disabled = "for people", webhook.ByHand
	insertHooks(t, s, two, one, foreign)
	for _, want := range []webhook.Endpoint{one, two, foreign} {
		equal(t, "Webhook", hookOf(t, s, want.Ref), want)
	}
	equal(t, "Webhooks", must(s.Webhooks(t.Context(), tenant(1)))(t), []webhook.Endpoint{one, two})
	equal(t, "Webhooks of nobody", must(s.Webhooks(t.Context(), tenant(9)))(t), []webhook.Endpoint(nil))
	r := s.Reads()
	r.Webhook(webhook.Ref{Tenant: tenant(2), ID: one.ID}, new(webhook.Endpoint))
	missing(t, "a webhook of another tenant", r)
	taken := hook(tenant(1), 4)
	taken.Place = 1
	refused(t, s, store.ErrKeyTaken, func(tx store.Tx) { tx.InsertWebhook(taken) })

	next := one.Rotate(webhook.Sealed{PepperID: "p2", Box: []byte{9}}, after(5))
	next.URL, next.Events, next.Description = "https://other.example", []string{"key.*"}, "new"
	next.DirectedBy, next.FailingSince, next.DueAt = audit.Actor{Kind: auth.KindJWT, ID: "bob"}, after(6), after(7)
	inTx(t, s, func(tx store.Tx) {
		equal(t, "LockWebhook", get(t, tx, func(into *webhook.Endpoint) { tx.LockWebhook(one.Ref, into) }), one)
		tx.SaveWebhook(next)
	})
	equal(t, "Webhook after a save", hookOf(t, s, one.Ref), next)
	off := next.Disable(webhook.Failing, after(8))
	inTx(t, s, func(tx store.Tx) {
		equal(t, "LockWebhooks", get(t, tx, func(into *[]webhook.Endpoint) { tx.LockWebhooks(tenant(1), into) }), []webhook.Endpoint{next, two})
		tx.SaveWebhook(off)
		tx.SaveWebhookDue(off.Ref, after(9)) // which a disabled one is not
	})
	equal(t, "Webhook that is disabled", hookOf(t, s, one.Ref), off)
	inTx(t, s, func(tx store.Tx) { tx.DeleteWebhook(one.Ref) })
	refused(t, s, store.ErrNotFound, func(tx store.Tx) { tx.SaveWebhook(next) })
}

func testDueWebhooks(t *testing.T, s store.Store) {
	due := func() []webhook.Endpoint {
		var got []webhook.Endpoint
		inTx(t, s, func(tx store.Tx) {
			var mine bool
			tx.LockDispatch(&mine)
			tx.LockDueWebhooks(10, &got)
			fetch(t, tx)
			if !mine {
				t.Error("nobody else dispatches, and this one may not")
			}
		})
		equal(t, "AnyWebhookDue", must(s.AnyWebhookDue(t.Context()))(t), len(got) > 0)
		return got
	}
	now := clock(t, s.Reads())
	one, two, off := hook(tenant(1), 1), hook(tenant(1), 2), hook(tenant(2), 3)
	off.Disabled = webhook.ByHand
	insertHooks(t, s, one, two, off)
	equal(t, "what is due", due(), []webhook.Endpoint(nil))
	inTx(t, s, func(tx store.Tx) {
		d, later := sent(one, 1, pin.Holder{}), sent(two, 2, pin.Holder{})
		d.DueAt, later.DueAt = now, now.Add(time.Hour)
		tx.InsertDeliveries(d)
		tx.InsertDeliveries(later)
		tx.InsertDeliveries(sent(off, 3, pin.Holder{}))
	})
	one.DueAt, two.DueAt = now, now.Add(time.Hour)
	equal(t, "what is due", due(), []webhook.Endpoint{one})
	// A new delivery has what waits looked at earlier, and what is due already no later.
	inTx(t, s, func(tx store.Tx) {
		d, soon := sent(one, 4, pin.Holder{}), sent(two, 5, pin.Holder{})
		d.DueAt, soon.DueAt = now.Add(time.Minute), now.Add(-time.Minute)
		tx.InsertDeliveries(d, sent(one, 6, pin.Holder{}))
		tx.InsertDeliveries(soon)
	})
	two.DueAt = now.Add(-time.Minute)
	equal(t, "what is due, the first due first", due(), []webhook.Endpoint{two, one})
	inTx(t, s, func(tx store.Tx) {
		tx.SaveWebhookDue(one.Ref, time.Time{})
		tx.SaveWebhookDue(two.Ref, now.Add(time.Hour))
	})
	equal(t, "what is due", due(), []webhook.Endpoint(nil))
}

func testDeliveries(t *testing.T, s store.Store) {
	one, two := hook(tenant(1), 1), hook(tenant(1), 2)
	insertHooks(t, s, one, two)
	all := []webhook.Delivery{
		sent(one, 1, customer(1)), sent(one, 2, identity()), sent(one, 3, pin.Holder{}), sent(one, 4, customer(1)), sent(two, 5, customer(1)),
	}
	for i := range all {
		all[i].CreatedAt, all[i].DueAt = after(0), after(0) // those of one batch are stored at one time
	}
	inTx(t, s, func(tx store.Tx) { tx.InsertDeliveries(all...) })
	for _, want := range all {
		equal(t, "Delivery", deliveryOf(t, s, want.DeliveryRef), want)
	}
	if err := s.InTx(t.Context(), func(tx store.Tx) error {
		again := all[0]
		again.ID = id('d', 9)
		tx.InsertDeliveries(again)
		return nil
	}); err == nil {
		t.Error("an event is delivered to a webhook twice")
	}
	leased, failed, done, dead := all[0], all[1], all[2], all[3]
	leased.LeaseID, leased.LeaseUntil = id('l', 1), after(30)
	failed = failed.Settle(webhook.Result{Status: 500, Failure: webhook.Unsuccessful}, after(1))
	failed.DueAt = after(6)
	done = done.Settle(webhook.Result{Status: 204}, after(2))
	dead = dead.Settle(webhook.Result{Failure: webhook.Removed}, after(3))
	inTx(t, s, func(tx store.Tx) {
		equal(t, "LockDelivery", get(t, tx, func(into *webhook.Delivery) { tx.LockDelivery(all[0].DeliveryRef, into) }), all[0])
		for _, d := range []webhook.Delivery{leased, failed, done, dead} {
			tx.SaveDelivery(d)
		}
	})
	for _, want := range []webhook.Delivery{leased, failed, done, dead} {
		equal(t, "Delivery after a save", deliveryOf(t, s, want.DeliveryRef), want)
	}
	r := s.Reads()
	var fresh, again []webhook.Delivery
	var taken []webhook.Taken
	r.FreshDeliveries(one.Ref, 10, &fresh)
	r.DeliveriesAgain(one.Ref, 10, &again)
	r.LeasedDeliveries(tenant(1), &taken)
	fetch(t, r)
	equal(t, "FreshDeliveries", fresh, []webhook.Delivery{leased})
	equal(t, "DeliveriesAgain", again, []webhook.Delivery{failed})
	equal(t, "LeasedDeliveries", taken, []webhook.Taken{{Endpoint: one.Ref, Until: after(30)}})

	page := func(f store.DeliveryFilter) ([]webhook.Delivery, int) {
		t.Helper()
		f.Webhook = one.Ref
		got, total, err := s.Deliveries(t.Context(), f)
		return must(got, err)(t), total
	}
	got, total := page(store.DeliveryFilter{Limit: 2, Skip: 1, MaxCount: 100})
	equal(t, "a page", got, []webhook.Delivery{done, failed})
	equal(t, "its total", total, 4)
	_, total = page(store.DeliveryFilter{Limit: 1, MaxCount: 3})
	equal(t, "a total that stops", total, 3)
	got, total = page(store.DeliveryFilter{Status: webhook.Dead, Limit: 10, MaxCount: 100})
	equal(t, "those that are dead", got, []webhook.Delivery{dead})
	equal(t, "how many are dead", total, 1)
}

func testStaleDeliveries(t *testing.T, s store.Store) {
	one := hook(tenant(1), 1)
	insertHooks(t, s, one)
	now := clock(t, s.Reads())
	old, kept := sent(one, 1, customer(1)), sent(one, 2, customer(1))
	old.CreatedAt, kept.CreatedAt = now.Add(-25*time.Hour), now.Add(-23*time.Hour)
	inTx(t, s, func(tx store.Tx) { tx.InsertDeliveries(old) })
	inTx(t, s, func(tx store.Tx) { tx.InsertDeliveries(kept) })
	inTx(t, s, func(tx store.Tx) {
		stale := get(t, tx, func(into *store.Stale) {
			tx.LockStale(store.StaleAge{
				Confirmation: time.Hour, Session: time.Hour, Attempt: time.Hour, Link: time.Hour, Delivery: 24 * time.Hour,
			}, 10, into)
		})
		equal(t, "stale deliveries", stale.Deliveries, []webhook.DeliveryRef{old.DeliveryRef})
		tx.DeleteStale(stale)
	})
	r := s.Reads()
	r.Delivery(old.DeliveryRef, new(webhook.Delivery))
	missing(t, "a delivery that was stale", r)
	equal(t, "one that was not", deliveryOf(t, s, kept.DeliveryRef).ID, kept.ID)
}

func testPeppersOfWebhooks(t *testing.T, s store.Store) {
	now := clock(t, s.Reads())
	signs, ended := hook(tenant(1), 1), hook(tenant(2), 2)
	signs.Old, signs.OldUntil = webhook.Sealed{PepperID: "p0", Box: []byte{1}}, now.Add(time.Hour)
	ended.Old, ended.OldUntil = webhook.Sealed{PepperID: "gone", Box: []byte{1}}, now.Add(-time.Hour)
	insertHooks(t, s, signs, ended)
	inTx(t, s, func(tx store.Tx) {
		for pepper, want := range map[string]int{"p1": 0, "p9": 2} {
			got := get(t, tx, func(into *[]webhook.Endpoint) { tx.LockWebhooksSealedElse(pepper, 10, into) })
			equal(t, "LockWebhooksSealedElse "+pepper, len(got), want)
		}
	})
	equal(t, "peppers in use", must(s.PeppersInUse(t.Context()))(t), []string{"p0", "p1"})
}
