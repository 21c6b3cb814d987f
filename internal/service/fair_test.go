package service_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/service"
)

// with is the caller with another credential.
func with(c service.Caller, id string) service.Caller {
	c.ID = id
	return c
}

// While a tenant's steps wait for a lock, a bounded number of them waits. Further ones are refused
// before they read anything; another credential, and another tenant, still get in.
func TestWaitingStepsAreBounded(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		w.setPIN(w.customer, right)
		release := sync.OnceFunc(w.db.hold(t, w.customer))
		defer release()
		var calls sync.WaitGroup
		var mu sync.Mutex
		var refused []error
		unlock := func(c service.Caller) {
			if _, err := w.UnlockPIN(t.Context(), c, w.customer); err != nil {
				mu.Lock()
				defer mu.Unlock()
				refused = append(refused, err)
			}
		}
		const flood = 400
		for range flood {
			calls.Go(func() { unlock(w.admin) })
		}
		eventually(t, "some are refused", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(refused) > 0 && errors.Is(refused[0], service.ErrTooManyWaiting)
		})
		// What reads before its step is refused too, before it finds that there is no such record.
		none := to(w.instance, uuid.New())
		_, err := w.Redeem(t.Context(), w.admin, none, confirmation.Proof{})
		wants(t, err, service.ErrTooManyWaiting)
		_, err = w.Verify(t.Context(), w.admin, none, number(t, right))
		wants(t, err, service.ErrTooManyWaiting)
		// Another credential of the tenant waits in front of the flood, and another tenant does not
		// wait for it.
		own := later(func() (pin.Status, error) { return w.UnlockPIN(t.Context(), with(w.admin, "another"), w.customer) })
		stranger := with(w.admin, "the-admin")
		stranger.Tenant = uuid.New()
		ttl := 7
		other := later(func() (policy.Policy, error) {
			return w.UpdatePolicy(t.Context(), stranger, service.PolicyUpdate{
				Instance: uuid.New(), Patch: policy.Patch{SessionTTLMinutes: &ttl}, Match: anyVersion,
			})
		})
		if w.db.name == onPostgres {
			// One slot is always left by a tenant: there it passes beside what waits.
			must(t, second(other()))
		}
		release()
		must(t, second(own()))
		if w.db.name == onSQLite {
			must(t, second(other()))
		}
		calls.Wait()
		refused = slices.DeleteFunc(refused, func(err error) bool { return !errors.Is(err, service.ErrTooManyWaiting) })
		if n := len(refused); n >= flood || n < flood-300 {
			t.Errorf("%d of %d were refused", n, flood)
		}
	})
}

// One key keeps at most a thousand requests waiting; its tenant's others, and other tenants, wait beside
// them.
func TestLongPollsAreBounded(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		w.require(0)
		w.setPIN(w.customer, right)
		v := w.pending()
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		var polls sync.WaitGroup
		refused := make(chan error, 1200)
		for range 1200 {
			polls.Go(func() {
				if _, err := w.Confirmation(ctx, w.runtime, to(w.instance, v.ID), confirmation.MaxWait); ctx.Err() == nil {
					refused <- err
				}
			})
		}
		eventually(t, "two hundred are refused", func() bool { return len(refused) == 200 })
		for range 200 {
			wants(t, <-refused, service.ErrTooManyWaiting)
		}
		other := w.runtime
		other.Principal = auth.Principal{Kind: auth.KindRuntimeKey, ID: "another", Tenant: w.tenant, Instance: w.instance}
		waits := later(func() (service.View, error) {
			return w.Confirmation(t.Context(), other, to(w.instance, v.ID), confirmation.MaxWait)
		})
		w.run(t)
		must(t, w.Decline(t.Context(), w.runtime, to(w.instance, v.ID)))
		must(t, second(waits()))
		leave()
		polls.Wait()
		must(t, second(w.Confirmation(t.Context(), w.runtime, to(w.instance, v.ID), confirmation.MaxWait)))
	})
}
