package service_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/paging"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/webhook"
)

const hookURL = "https://hooks.example/a"

// hook creates a webhook for events.
func (w *world) hook(events ...string) webhook.Endpoint {
	w.t.Helper()
	e, secret, err := w.CreateWebhook(w.t.Context(), w.admin, service.NewWebhook{URL: hookURL, Events: events, Enabled: true})
	must(w.t, err)
	if secret.IsZero() {
		w.t.Fatal("a webhook without a secret")
	}
	return e
}

// claim takes what is due of the tenant, on a database of its own.
func (n *node) claim(t *testing.T, limit int) []service.Claim {
	t.Helper()
	claims, _, err := n.ClaimDeliveries(t.Context(), limit)
	must(t, err)
	return claims
}

func (n *node) settle(t *testing.T, r webhook.Result, claims ...service.Claim) {
	t.Helper()
	for _, c := range claims {
		must(t, n.SettleDelivery(t.Context(), c, r))
	}
}

// deliveries are those of a webhook, the oldest event first.
func (w *world) deliveries(e webhook.Endpoint) []webhook.Delivery {
	w.t.Helper()
	got, err := w.Deliveries(w.t.Context(), w.admin, e.ID, "", paging.Page{Number: 1, Size: 100})
	must(w.t, err)
	slices.Reverse(got.Rows)
	return got.Rows
}

// scoped is a caller with an API key of the tenant that has those scopes.
func (w *world) scoped(scopes ...auth.Scope) (service.Caller, auth.APIKey) {
	w.t.Helper()
	k, _, err := w.MintKey(w.t.Context(), w.admin, service.KeySpec{Tenant: w.tenant, Scopes: scopes})
	must(w.t, err)
	return service.Caller{Principal: k.Principal()}, k
}

func TestEventsBecomeDeliveries(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		pins, keys := w.hook("pin.*"), w.hook("key.minted")
		w.setPIN(w.customer, right)
		w.scoped(auth.ScopePinsRead)
		w.sequenceAll(t)
		got := w.deliveries(pins)
		if len(got) != 1 || got[0].Event.Type != audit.TypePINSet || got[0].Event.Holder != w.customer || got[0].Status != webhook.Pending {
			t.Fatalf("deliveries of pin.*: %+v", got)
		}
		if other := w.deliveries(keys); len(other) != 1 || other[0].Event.Type != audit.TypeKeyMinted {
			t.Fatalf("deliveries of key.minted: %+v", other)
		}
		claims := w.claim(t, 10)
		if len(claims) != 2 {
			t.Fatalf("%d claims", len(claims))
		}
		for _, c := range claims {
			if c.Failure != "" || c.Message.URL != hookURL || len(c.Message.Secrets) != 1 || c.Message.ID != c.Delivery.Event.ID.String() {
				t.Errorf("claim %+v", c)
			}
		}
		equal(t, "claims while all is being tried", len(w.claim(t, 10)), 0)
		w.settle(t, webhook.Result{Status: 204}, claims...)
		got = w.deliveries(pins)
		if got[0].Status != webhook.Delivered || got[0].Attempts != 1 || got[0].LastStatus != 204 {
			t.Errorf("after a success: %+v", got[0])
		}
		w.elapse(time.Hour)
		equal(t, "claims when all was delivered", len(w.claim(t, 10)), 0)
	})
}

// A delivery is first tried after each earlier one of its holder; who is taken again after a crash is
// the same, and what its dead node stores late counts no more.
func TestDeliveriesOfAHolderComeInOrder(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		e := w.hook("pin.*")
		for range 3 {
			w.setPIN(w.customer, right)
			w.setPIN(w.customer, other)
		}
		w.setPIN(w.identity, right)
		w.sequenceAll(t)
		want := w.deliveries(e)
		first := w.claim(t, 10)
		equal(t, "claims of two holders", len(first), 2)
		w.elapse(webhook.Lease)
		again := w.another().claim(t, 10)
		equal(t, "claims after the leases", len(again), 2)
		for i := range again {
			equal(t, "the same again", again[i].Delivery.ID, first[i].Delivery.ID)
		}
		w.settle(t, webhook.Result{Status: 200}, first...)
		equal(t, "tries that were stored late", w.deliveries(e)[0].Attempts, 0)
		// A failure lets the next go on: it is retried later.
		w.settle(t, webhook.Result{Status: 500, Failure: webhook.Unsuccessful}, again...)
		var order []int64
		for range 5 {
			w.elapse(time.Second)
			claims := w.claim(t, 10)
			for _, c := range claims {
				if c.Delivery.Fresh() {
					order = append(order, c.Delivery.Event.Index)
				}
			}
			w.settle(t, webhook.Result{Status: 200}, claims...)
		}
		if !slices.IsSorted(order) || len(order) != 5 {
			t.Errorf("first tried in the order %v", order)
		}
		w.elapse(10 * time.Second)
		w.settle(t, webhook.Result{Status: 200}, w.claim(t, 10)...)
		for i, d := range w.deliveries(e) {
			if d.Status != webhook.Delivered || d.ID != want[i].ID {
				t.Errorf("delivery %d: %+v", i, d)
			}
		}
	})
}

// Several nodes choose at once: nothing is taken by two.
func TestRaceOfDispatchers(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		for range 4 {
			w.hook("policy.*", "pin.*")
		}
		for range 12 {
			w.setPIN(w.customer, right)
			w.setPIN(w.identity, right)
		}
		w.sequenceAll(t)
		var mu sync.Mutex
		seen := map[uuid.UUID]int{}
		tried := map[uuid.UUID]int64{} // webhook and holder → the last event that was tried first
		var all sync.WaitGroup
		for _, n := range []*node{w.node, w.another(), w.another()} {
			all.Go(func() {
				for range 200 {
					claims, _, err := n.ClaimDeliveries(t.Context(), 5)
					if err != nil {
						t.Error(err)
						return
					}
					for _, c := range claims {
						mu.Lock()
						seen[c.Delivery.ID]++
						of := uuid.NewSHA1(c.Delivery.Endpoint, c.Delivery.Event.Holder.ID[:])
						if tried[of] > c.Delivery.Event.Index {
							t.Errorf("event %d is tried after %d", c.Delivery.Event.Index, tried[of])
						}
						tried[of] = c.Delivery.Event.Index
						done := len(seen)
						mu.Unlock()
						if err := n.SettleDelivery(t.Context(), c, webhook.Result{Status: 200}); err != nil {
							t.Error(err)
						}
						if done == 96 {
							return
						}
					}
				}
			})
		}
		all.Wait()
		w.settle(t, webhook.Result{Status: 200}, w.claim(t, 100)...)
		for id, times := range seen {
			if times != 1 {
				t.Errorf("%s was taken %d times", id, times)
			}
		}
	})
}

func TestAnEndpointThatIsGoneOrFailsIsDisabled(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		gone, failing := w.hook("pin.*"), w.hook("pin.*")
		w.setPIN(w.customer, right)
		w.sequenceAll(t)
		byHook := func() map[uuid.UUID]service.Claim {
			got := map[uuid.UUID]service.Claim{}
			for _, c := range w.claim(t, 10) {
				got[c.Delivery.Endpoint] = c
			}
			return got
		}
		claims := byHook()
		w.settle(t, webhook.Result{Status: 410, Failure: webhook.Unsuccessful}, claims[gone.ID])
		w.settle(t, webhook.Result{Failure: webhook.TimedOut}, claims[failing.ID])
		e, err := w.Webhook(t.Context(), w.admin, gone.ID)
		must(t, err)
		equal(t, "after a 410", e.Disabled, webhook.Gone)
		equal(t, "its delivery", w.deliveries(gone)[0].Status, webhook.Dead)
		w.elapse(webhook.DisableAfter)
		w.settle(t, webhook.Result{Failure: webhook.TimedOut}, byHook()[failing.ID])
		e, err = w.Webhook(t.Context(), w.admin, failing.ID)
		must(t, err)
		equal(t, "after five days", e.Disabled, webhook.Failing)
		equal(t, "events", w.told(audit.TypeWebhookDisabled), 2)
		// Nothing is queued for either, and no test is sent.
		w.setPIN(w.customer, other)
		w.sequenceAll(t)
		equal(t, "deliveries", len(w.deliveries(gone))+len(w.deliveries(failing)), 2)
		_, err = w.TestWebhook(t.Context(), w.admin, gone.ID)
		wants(t, err, service.ErrWebhookDisabled)
		_, err = w.RetryDelivery(t.Context(), w.admin, w.deliveries(gone)[0].ID)
		wants(t, err, service.ErrWebhookDisabled)
		// Enabled again, what was queued goes on, and what is dead by hand.
		on := true
		for _, id := range []uuid.UUID{gone.ID, failing.ID} {
			e, err := w.UpdateWebhook(t.Context(), w.admin, id, webhook.Patch{Enabled: &on})
			must(t, err)
			equal(t, "enabled", e.Enabled(), true)
		}
		w.elapse(time.Hour)
		equal(t, "claims", len(byHook()), 1)
		d, err := w.RetryDelivery(t.Context(), w.admin, w.deliveries(gone)[0].ID)
		must(t, err)
		equal(t, "a retry", d.Status, webhook.Pending)
		equal(t, "claims", len(byHook()), 1)
	})
}

func TestATestArrivesWhateverTheEvents(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		e, quiet := w.hook("pin.*"), w.hook("pin.*")
		event, err := w.TestWebhook(t.Context(), w.admin, e.ID)
		must(t, err)
		w.sequenceAll(t)
		claims := w.claim(t, 10)
		if len(claims) != 1 || claims[0].Delivery.Event.ID != event || claims[0].Delivery.Endpoint != e.ID {
			t.Fatalf("claims %+v", claims)
		}
		equal(t, "deliveries of another", len(w.deliveries(quiet)), 0)
	})
}

func TestTwentyWebhooks(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		nodes := []*node{w.node, w.another()}
		var all sync.WaitGroup
		var mu sync.Mutex
		made, refused := 0, 0
		for i := range 24 {
			all.Go(func() {
				_, _, err := nodes[i%2].CreateWebhook(t.Context(), w.admin, service.NewWebhook{URL: hookURL, Events: []string{"pin.*"}})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					made++
				case errors.Is(err, service.ErrTooManyWebhooks):
					refused++
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		equal(t, "created", made, webhook.MaxPerTenant)
		equal(t, "refused", refused, 4)
		page, err := w.Webhooks(t.Context(), w.admin, paging.Page{Number: 2, Size: 15})
		must(t, err)
		equal(t, "the second page", len(page.Rows), 5)
		equal(t, "the total", page.Total, 20)
		page, err = w.Webhooks(t.Context(), w.admin, paging.Page{Number: 3, Size: 15})
		must(t, err)
		equal(t, "the third page", len(page.Rows), 0)
		must(t, w.DeleteWebhook(t.Context(), w.admin, func() uuid.UUID {
			first, err := w.Webhooks(t.Context(), w.admin, paging.Page{Number: 1, Size: 1})
			must(t, err)
			return first.Rows[0].ID
		}()))
		w.hook("pin.*")
	})
}

func TestWhoMayDirectAWebhook(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		writer, _ := w.scoped(auth.ScopeWebhooksWrite)
		reader, readerKey := w.scoped(auth.ScopeWebhooksWrite, auth.ScopeEventsRead)
		spec := service.NewWebhook{URL: hookURL, Events: []string{"pin.*"}, Enabled: true}
		_, _, err := w.CreateWebhook(t.Context(), writer, spec)
		wants(t, err, service.ErrEventsScope)
		made, _, err := w.CreateWebhook(t.Context(), reader, spec)
		must(t, err)
		directed, untouched := w.hook("pin.*"), w.hook("pin.*")
		elsewhere, text, off := "https://elsewhere.example", "text", false
		for name, p := range map[string]webhook.Patch{"url": {URL: &elsewhere}, "events": {Events: []string{"key.*"}}} {
			if _, err := w.UpdateWebhook(t.Context(), writer, made.ID, p); !errors.Is(err, service.ErrEventsScope) {
				t.Errorf("%s by a key that cannot read events: %v", name, err)
			}
		}
		_, err = w.UpdateWebhook(t.Context(), writer, untouched.ID, webhook.Patch{Description: &text})
		must(t, err)
		_, err = w.UpdateWebhook(t.Context(), reader, directed.ID, webhook.Patch{URL: &elsewhere})
		must(t, err)
		// A key that makes keys takes the webhooks of its descendants with it.
		must(t, w.RevokeKey(t.Context(), w.admin, readerKey.ID))
		for e, want := range map[uuid.UUID]webhook.Reason{made.ID: webhook.KeyRevoked, directed.ID: webhook.KeyRevoked, untouched.ID: ""} {
			got, err := w.Webhook(t.Context(), w.admin, e)
			must(t, err)
			equal(t, "after the revocation", got.Disabled, want)
		}
		_, _, err = w.CreateWebhook(t.Context(), reader, spec)
		wants(t, err, service.ErrUnauthorized)
		_, err = w.UpdateWebhook(t.Context(), reader, untouched.ID, webhook.Patch{Enabled: &off})
		wants(t, err, service.ErrUnauthorized)
		// Of another tenant nothing is there.
		w.newTenant()
		_, err = w.Webhook(t.Context(), w.admin, made.ID)
		wants(t, err, service.ErrNotFound)
		_, err = w.UpdateWebhook(t.Context(), w.admin, made.ID, webhook.Patch{Enabled: &off})
		wants(t, err, service.ErrNotFound)
		wants(t, w.DeleteWebhook(t.Context(), w.admin, made.ID), service.ErrNotFound)
		_, _, err = w.RotateWebhookSecret(t.Context(), w.admin, made.ID)
		wants(t, err, service.ErrNotFound)
		_, err = w.TestWebhook(t.Context(), w.admin, made.ID)
		wants(t, err, service.ErrNotFound)
		_, err = w.RetryDelivery(t.Context(), w.admin, uuid.New())
		wants(t, err, service.ErrNotFound)
		_, err = w.Deliveries(t.Context(), w.admin, made.ID, "", paging.Page{Number: 1, Size: 1})
		wants(t, err, service.ErrNotFound)
	})
}

func TestAddressesInAURLAreJudgedAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		for _, url := range []string{"https://169.254.169.254/latest", "https://[::ffff:169.254.169.254]/", "https://0.0.0.0"} {
			_, _, err := w.CreateWebhook(t.Context(), w.admin, service.NewWebhook{URL: url, Events: []string{"pin.*"}})
			wants(t, err, service.ErrWebhookAddress)
			e := w.hook("pin.*")
			_, err = w.UpdateWebhook(t.Context(), w.admin, e.ID, webhook.Patch{URL: &url})
			wants(t, err, service.ErrWebhookAddress)
		}
	})
}

// Both secrets sign for a day after a rotation. Neither is stored in the clear, and without its
// pepper nothing is sent; a node that lacks it does not start.
func TestSecretsRotate(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		e, first, err := w.CreateWebhook(t.Context(), w.admin, service.NewWebhook{URL: hookURL, Events: []string{"pin.*"}, Enabled: true})
		must(t, err)
		_, second, err := w.RotateWebhookSecret(t.Context(), w.admin, e.ID)
		must(t, err)
		secretsOf := func() []string {
			t.Helper()
			w.setPIN(w.customer, right)
			w.sequenceAll(t)
			claims := w.claim(t, 1)
			if len(claims) != 1 {
				t.Fatalf("%d claims", len(claims))
			}
			w.settle(t, webhook.Result{Status: 200}, claims...)
			var texts []string
			for _, s := range claims[0].Message.Secrets {
				texts = append(texts, s.Reveal())
			}
			return texts
		}
		if got := secretsOf(); !slices.Equal(got, []string{second.Reveal(), first.Reveal()}) {
			t.Errorf("%d secrets sign", len(got))
		}
		w.elapse(webhook.OverlapFor)
		if got := secretsOf(); !slices.Equal(got, []string{second.Reveal()}) {
			t.Errorf("a day later %d secrets sign", len(got))
		}
		if w.db.name == onSQLite {
			for _, s := range []webhook.Secret{first, second} {
				equal(t, "secrets in the clear", w.db.count(t, "SELECT count(*) FROM webhooks WHERE instr(secret, '%s') > 0 OR instr(old_secret, '%[1]s') > 0", s.Reveal()), 0)
			}
		}
		// A ring that begins with another pepper seals them anew.
		turned := w.another(func(s *settings) { s.peppers = secrets("p2", "p1") })
		for more := true; more; {
			var err error
			more, err = turned.SweepOnce(t.Context())
			must(t, err)
		}
		used, err := w.store.PeppersInUse(t.Context())
		must(t, err)
		if !slices.Contains(used, "p2") || w.db.count(t, "SELECT count(*) FROM webhooks WHERE secret_pepper_id <> 'p2'") != 0 {
			t.Errorf("peppers in use: %v", used)
		}
		w.node = turned
		// A node whose ring lacks the pepper sends nothing, and says so.
		w.setPIN(w.customer, other)
		w.sequenceAll(t)
		lacking := w.another(func(s *settings) { s.peppers = secrets("p9") })
		claims := lacking.claim(t, 10)
		equal(t, "claims", len(claims), 1)
		equal(t, "the failure", claims[0].Failure, webhook.Unreadable)
		lacking.settle(t, webhook.Result{Failure: claims[0].Failure}, claims...)
		got, err := w.Webhook(t.Context(), w.admin, e.ID)
		must(t, err)
		equal(t, "failing since", got.FailingSince, time.Time{})
		w.elapse(6 * time.Second)
		equal(t, "with the pepper", w.claim(t, 10)[0].Failure, webhook.NoFailure)
	})
}
