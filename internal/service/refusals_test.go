package service_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/service"
)

// TestRefusalsAreBounded says that of the refusals of a credential that changed nothing ten a
// minute of each kind are events, and that the rest are one count when the minute has ended.
func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending(doing(t, params))
		const refused = 25
		for range refused {
			_, err := w.redeem(v)
			wants(t, err, service.ErrNotApproved)
			w.Denied(t.Context(), w.runtime, w.instance, "setCustomerPin")
			_, _, err = w.Ask(t.Context(), w.runtime, w.question(from(w.identity)))
			must(t, err)
		}
		kinds := []audit.Type{audit.TypeConfirmationRefused, audit.TypeAccessDenied, audit.TypeConfirmationBlocked}
		for _, kind := range kinds {
			equal(t, string(kind), w.told(kind), 10)
		}
		// Another credential has ten of its own.
		other := w.runtime
		other.ID = "another"
		_, err := w.Redeem(t.Context(), other, to(w.instance, v.ID), confirmation.Proof{})
		wants(t, err, service.ErrNotApproved)
		equal(t, "of two credentials", w.told(audit.TypeConfirmationRefused), 11)

		must(t, w.CountRefusals(t.Context()))
		equal(t, "counted before the minute has ended", w.told(audit.TypeRefusalsCounted), 0)
		w.ahead.Store(int64(time.Minute + time.Second))
		must(t, w.CountRefusals(t.Context()))
		must(t, w.CountRefusals(t.Context()))
		counts := map[string]int{}
		for _, e := range w.events() {
			if e.Type != audit.TypeRefusalsCounted {
				continue
			}
			var d audit.RefusalsCounted
			must(t, json.Unmarshal(e.Details, &d))
			equal(t, "actor", e.ActorID, w.runtime.ID)
			counts[d.Of] += d.Count
		}
		for _, kind := range kinds {
			equal(t, "count of "+string(kind), counts[string(kind)], refused-10)
		}
		// The next minute begins afresh.
		_, err = w.redeem(v)
		wants(t, err, service.ErrNotApproved)
		equal(t, "in the next minute", w.told(audit.TypeConfirmationRefused), 12)
	})
}
