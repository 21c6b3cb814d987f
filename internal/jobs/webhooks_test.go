package jobs_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/internal/pgtest"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// receiver is an endpoint that verifies what it gets.
type receiver struct {
	url string

	mu       sync.Mutex
	secrets  []hydrapin.WebhookSecret
	refuses  func(n int) bool // whether the nth message is refused
	messages []received
	bad      []string
}

type received struct {
	ID     string
	Index  int64
	Type   string
	Holder string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	s := httptest.NewTLSServer(r)
	t.Cleanup(s.Close)
	r.url = s.URL
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		_, err = hydrapin.VerifyWebhook(req.Header, body, time.Now(), r.secrets...)
	}
	var m struct {
		Type string
		Data struct {
			ID         string
			Index      int64
			CustomerID *string `json:"customer_id"`
		}
	}
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	if err != nil || m.Data.ID != req.Header.Get("Webhook-Id") {
		r.bad = append(r.bad, string(body))
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	got := received{ID: m.Data.ID, Index: m.Data.Index, Type: m.Type}
	if m.Data.CustomerID != nil {
		got.Holder = *m.Data.CustomerID
	}
	r.messages = append(r.messages, got)
	if r.refuses != nil && r.refuses(len(r.messages)) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) trusts(secrets ...hydrapin.WebhookSecret) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets = secrets
}

// got returns what came so far. What could not be verified fails the test.
func (r *receiver) got(t *testing.T) []received {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.bad) > 0 {
		t.Fatalf("a message that does not verify: %s", r.bad[0])
	}
	return slices.Clone(r.messages)
}

func onEngines(t *testing.T, test func(t *testing.T, settings []string)) {
	t.Helper()
	for _, e := range hydratest.Engines() {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			database := "HYDRAPIN_DATABASE_URL=sqlite://" + t.TempDir() + "/hydrapin.db"
			if e == hydratest.PostgreSQL {
				database = "HYDRAPIN_DATABASE_URL=" + pgtest.Empty(t)
			}
			test(t, []string{database, "HYDRAPIN_WEBHOOK_ALLOW_PRIVATE=true"})
		})
	}
}

func admin(t *testing.T, s *hydratest.Stack) *hydrapin.Admin {
	t.Helper()
	a, err := hydrapin.NewAdmin(s.URL, hydrapin.NewKey(s.Key))
	hydratest.Must(t, err)
	return a
}

func hook(t *testing.T, a *hydrapin.Admin, r *receiver, events ...string) hydrapin.CreatedWebhook {
	t.Helper()
	h, err := a.CreateWebhook(t.Context(), hydrapin.NewWebhook{URL: r.url + "/hooks?token=t", Events: events})
	hydratest.Must(t, err)
	r.trusts(h.Secret)
	return h
}

// From an event to a receiver that verifies it with the SDK, with a secret that rotates.
func TestAWebhookArrives(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, settings []string) {
		s := hydratest.Start(t, hydratest.Options{Settings: settings})
		a, r := admin(t, s), newReceiver(t)
		h := hook(t, a, r, "pin.*")
		_, err := a.SetCustomerPIN(t.Context(), s.Customer, hydrapin.NewPIN("804615"))
		hydratest.Must(t, err)
		hydratest.Eventually(t, "the event arrives", func() bool { return len(r.got(t)) == 1 })
		if m := r.got(t)[0]; m.Type != "pin.set" || m.Holder != s.Customer.String() {
			t.Errorf("the message is %+v", m)
		}
		fresh, err := a.RotateWebhookSecret(t.Context(), h.ID)
		hydratest.Must(t, err)
		for _, secret := range []hydrapin.WebhookSecret{h.Secret, fresh.Secret} {
			r.trusts(secret)
			before := len(r.got(t))
			event, err := a.TestWebhook(t.Context(), h.ID)
			hydratest.Must(t, err)
			hydratest.Eventually(t, "the test arrives", func() bool { return len(r.got(t)) > before })
			if m := r.got(t)[before]; m.Type != "webhook.tested" || m.ID != event.String() {
				t.Errorf("the test is %+v, want %s", m, event)
			}
		}
		hydratest.Eventually(t, "all deliveries are settled", func() bool {
			n := 0
			for d, err := range a.WebhookDeliveries(t.Context(), h.ID, hydrapin.DeliveryDelivered) {
				hydratest.Must(t, err)
				if d.LastStatus != 204 || d.Attempts != 1 {
					t.Errorf("delivery %+v", d)
				}
				n++
			}
			return n == 3
		})
		if log := s.Log.String(); strings.Contains(log, h.Secret.Reveal()) || strings.Contains(log, fresh.Secret.Reveal()) {
			t.Error("the log has a secret")
		}
	})
}

// Three nodes send, one of them dies with deliveries in its hands, and the receiver refuses some:
// every event arrives at least once, and those of a holder first in their order.
func TestDeliveriesSurviveADispatcher(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, settings []string) {
		s := hydratest.Start(t, hydratest.Options{Settings: settings})
		a, r := admin(t, s), newReceiver(t)
		hook(t, a, r, "pin.set")
		for range 2 {
			hydratest.Start(t, hydratest.Options{Settings: settings})
		}
		r.mu.Lock()
		r.refuses = func(n int) bool { return n%7 == 3 }
		r.mu.Unlock()
		holders := []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
		const each = 8
		total := each * len(holders)
		lost := map[uuid.UUID]bool{} // what the dead node had
		for n := range each {
			for _, holder := range holders {
				pin := hydrapin.NewPIN([]string{"804615", "492750"}[n%2])
				_, err := a.SetCustomerPIN(t.Context(), holder, pin)
				hydratest.Must(t, err)
			}
		}
		// Another dies with what it took, before it has sent or stored anything.
		hydratest.Eventually(t, "a node has taken deliveries", func() bool {
			if len(lost) == 0 {
				_, err := a.SetCustomerPIN(t.Context(), holders[0], hydrapin.NewPIN("804615"))
				hydratest.Must(t, err)
				total++
			}
			claims, _, err := s.Node.Service().ClaimDeliveries(t.Context(), 2)
			hydratest.Must(t, err)
			for _, c := range claims {
				lost[c.Delivery.ID] = true
			}
			return len(lost) > 0
		})
		// Its leases end. Time passes for what is stored alone.
		hydratest.Eventually(t, "every event arrives", func() bool {
			s.SQL(t, leasesEnd(settings[0], lost)...)
			seen := map[string]bool{}
			for _, m := range r.got(t) {
				seen[m.ID] = true
			}
			return len(seen) == total
		})
		first := map[string]bool{}
		last := map[string]int64{}
		for _, m := range r.got(t) {
			if first[m.ID] {
				continue
			}
			first[m.ID] = true
			if at, ok := last[m.Holder]; ok && at > m.Index {
				t.Errorf("event %d of %s came first after %d", m.Index, m.Holder, at)
			}
			last[m.Holder] = m.Index
		}
		t.Logf("%d events in %d messages, %d of them lost once", len(first), len(r.got(t)), len(lost))
	})
}

// leasesEnd are statements that end the leases of deliveries.
func leasesEnd(database string, of map[uuid.UUID]bool) []string {
	past := "1"
	if strings.Contains(database, "postgres") {
		past = "'epoch'"
	}
	var ids []string
	for id := range of {
		ids = append(ids, "'"+id.String()+"'")
	}
	if len(ids) == 0 {
		return nil
	}
	return []string{"UPDATE webhook_deliveries SET lease_until = " + past + " WHERE lease_id IS NOT NULL AND attempts = 0 AND id IN (" +
		strings.Join(ids, ",") + ")", "UPDATE webhooks SET due_at = " + past + " WHERE disabled = ''"}
}

// A tenant whose webhook never answers costs another tenant nothing: while each of its tries hangs,
// all events of the other arrive.
func TestADeadWebhookCostsOthersNothing(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, settings []string) {
		s := hydratest.Start(t, hydratest.Options{Settings: settings})
		hanging, held := make(chan struct{}), make(chan struct{}, 1000)
		dead := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body)
			held <- struct{}{}
			select {
			case <-hanging:
			case <-req.Context().Done():
			}
		}))
		t.Cleanup(dead.Close)
		t.Cleanup(func() { close(hanging) })
		victim := service.KeySpec{Tenant: uuid.New(), Scopes: []auth.Scope{auth.ScopePinsWrite, auth.ScopeWebhooksWrite, auth.ScopeEventsRead}}
		_, key := s.Mint(t, victim)
		theirs, err := hydrapin.NewAdmin(s.URL, hydrapin.NewKey(key))
		hydratest.Must(t, err)
		for range 4 {
			_, err := theirs.CreateWebhook(t.Context(), hydrapin.NewWebhook{URL: dead.URL, Events: []string{"pin.*"}})
			hydratest.Must(t, err)
		}
		for range 10 {
			_, err := theirs.SetCustomerPIN(t.Context(), uuid.New(), hydrapin.NewPIN("804615"))
			hydratest.Must(t, err)
		}
		hydratest.Eventually(t, "the tries hang, as many as there may be", func() bool { return len(held) >= 32 })
		a, r := admin(t, s), newReceiver(t)
		hook(t, a, r, "pin.*")
		began := time.Now()
		for range 20 {
			_, err := a.SetCustomerPIN(t.Context(), uuid.New(), hydrapin.NewPIN("804615"))
			hydratest.Must(t, err)
		}
		hydratest.Eventually(t, "the other tenant's events arrive", func() bool { return len(r.got(t)) == 20 })
		if n := len(held); n != 32 {
			t.Errorf("%d tries of the dead webhooks began", n)
		}
		t.Logf("20 events arrived within %s", time.Since(began))
	})
}
