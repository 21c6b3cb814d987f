package service_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/limit"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
)

// spray has a number of holders guess on an instance, each once, and moves what it recorded.
func (w *world) spray(holders int, digits string) {
	w.t.Helper()
	for range holders {
		h := pin.CustomerHolder(w.tenant, uuid.New())
		w.setPIN(h, right)
		if _, err := w.enter(w.pending(from(h)), digits); (digits == right) != (err == nil) {
			w.t.Fatalf("a guess of %s: %v", h.ID, err)
		}
	}
	w.sequenceAll(w.t)
}

// Guesses of an instance stop when many holders' PINs are guessed incorrectly there, and go on by
// themselves. Nothing is spent meanwhile, and other instances are not concerned.
func TestSprayingStopsGuesses(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		w.require(0)
		w.setPIN(w.customer, right)
		w.setPIN(w.identity, right)
		v := w.pending()
		w.spray(limit.SprayHolders-1, wrong)
		equal(t, "events", w.told(audit.TypeInstanceSpraying), 0)
		must(t, second(w.enter(w.pending(), right)))

		w.spray(1, wrong)
		w.sequenceAll(t)
		equal(t, "events", w.told(audit.TypeInstanceSpraying), 1)
		attempted := w.told(audit.TypePINAttempted)
		stopped := as[*service.SprayingError](t, second(w.enter(v, right)))
		if stopped.RetryAfter <= 50*time.Minute || stopped.RetryAfter > limit.SprayWindow {
			t.Errorf("stopped for %s", stopped.RetryAfter)
		}
		is[*service.SprayingError](t, w.ConfirmOnPage(t.Context(), service.Caller{}, service.PageEntry{Confirmation: v.ID, PIN: number(t, right)}))
		is[*service.SprayingError](t, second(w.setByRuntime(other, right)))
		equal(t, "attempted", w.told(audit.TypePINAttempted), attempted)
		equal(t, "held places", w.held(), 0)

		// Another instance of the tenant, for the same holder.
		first := w.instance
		w.instance = uuid.New()
		w.runtime.Instance = w.instance
		w.require(0)
		must(t, second(w.enter(w.pending(), right)))
		w.instance, w.runtime.Instance = first, first

		w.elapse(limit.SprayWindow)
		must(t, second(w.enter(w.pending(), right)))
	})
}

// Where more holders guess correctly, many that err are no spraying.
func TestManyCorrectGuessesAreNoSpraying(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		w.require(0)
		w.spray(limit.SprayHolders, right)
		w.spray(limit.SprayHolders, wrong)
		equal(t, "events", w.told(audit.TypeInstanceSpraying), 0)
		w.spray(1, wrong)
		equal(t, "events", w.told(audit.TypeInstanceSpraying), 1)
		w.setPIN(w.customer, right)
		if err := second(w.enter(w.pending(), right)); !errors.As(err, new(*service.SprayingError)) {
			t.Errorf("after one more: %v", err)
		}
	})
}
