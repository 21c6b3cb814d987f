package service_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
)

// trails are what happens, and exactly what the trail tells of it. Each begins with a
// policy that asks for PINs, and a PIN of the customer.
var trails = map[string]struct {
	happens func(t *testing.T, w *world)
	tells   []audit.Type
}{
	"set, replace, remove": {func(t *testing.T, w *world) {
		w.setPIN(w.customer, other)
		must(t, w.RemovePIN(t.Context(), w.admin, w.customer))
		must(t, w.RemovePIN(t.Context(), w.admin, w.customer))
	}, []audit.Type{audit.PINSet, audit.PINRemoved}},
	"confirm and run": {func(t *testing.T, w *world) {
		v := w.approved()
		must(t, second(w.redeem(v)))
	}, []audit.Type{
		audit.ConfirmationAsked, audit.PINAttempted, audit.PINVerified, audit.SessionOpened,
		audit.ConfirmationApproved, audit.ConfirmationRedeemed,
	}},
	"an action": {func(t *testing.T, w *world) {
		w.approved(doing(t, params))
	}, []audit.Type{audit.ConfirmationAsked, audit.PINAttempted, audit.PINVerified, audit.ConfirmationApproved}},
	"by session": {func(t *testing.T, w *world) {
		w.approved()
		must(t, second(w.redeem(w.ask())))
		must(t, w.EndSessions(t.Context(), w.runtime, w.customer, w.instance))
	}, []audit.Type{
		audit.ConfirmationAsked, audit.PINAttempted, audit.PINVerified, audit.SessionOpened, audit.ConfirmationApproved,
		audit.ConfirmationAsked, audit.ConfirmationApproved, audit.ConfirmationRedeemed,
		audit.SessionEnded, audit.ConfirmationDeclined,
	}},
	"asked twice with a key": {func(_ *testing.T, w *world) {
		w.pending(keyed("k"))
		w.pending(keyed("k"))
	}, []audit.Type{audit.ConfirmationAsked}},
	"a wrong guess": {func(_ *testing.T, w *world) {
		w.fail(w.pending(), 1)
	}, []audit.Type{audit.ConfirmationAsked, audit.PINAttempted, audit.PINFailed}},
	"a lock": {func(t *testing.T, w *world) {
		w.approved()
		w.alter("failures = 4")
		v := w.pending(doing(t, params))
		w.fail(v, 1)
		is[*service.LockedError](t, second(w.enter(v, right)))
		must(t, second(w.UnlockPIN(t.Context(), w.admin, w.customer)))
		must(t, second(w.UnlockPIN(t.Context(), w.admin, w.customer)))
	}, []audit.Type{
		audit.ConfirmationAsked, audit.PINAttempted, audit.PINVerified, audit.SessionOpened, audit.ConfirmationApproved,
		audit.ConfirmationAsked, audit.PINAttempted, audit.PINLocked, audit.SessionEnded, audit.PINFailed,
		audit.PINRefused, audit.PINUnlocked,
	}},
	"its own lock lifted": {func(_ *testing.T, w *world) {
		w.alter("failures = 4")
		w.approved()
	}, []audit.Type{
		audit.ConfirmationAsked, audit.PINAttempted, audit.PINLocked, audit.PINVerified, audit.PINUnlocked,
		audit.SessionOpened, audit.ConfirmationApproved,
	}},
	"a deactivation": {func(_ *testing.T, w *world) {
		w.alter("failures = 19")
		w.fail(w.pending(), 1)
		w.ask()
	}, []audit.Type{
		audit.ConfirmationAsked, audit.PINAttempted, audit.PINDeactivated, audit.PINFailed, audit.ConfirmationBlocked,
	}},
	"declined": {func(t *testing.T, w *world) {
		v := w.pending()
		must(t, w.Decline(t.Context(), w.runtime, w.instance, v.ID))
		must(t, w.Decline(t.Context(), w.runtime, w.instance, v.ID))
		wants(t, second(w.enter(v, right)), service.ErrNotPending)
	}, []audit.Type{audit.ConfirmationAsked, audit.ConfirmationDeclined}},
	"refused and expired": {func(t *testing.T, w *world) {
		v := w.pending(doing(t, params))
		wants(t, second(w.redeem(v)), service.ErrNotApproved)
		w.elapse(5 * time.Minute)
		w.sweepAll(t)
		w.sweepAll(t)
		wants(t, second(w.redeem(v)), service.ErrExpired)
	}, []audit.Type{
		audit.ConfirmationAsked, audit.ConfirmationRefused, audit.ConfirmationExpired, audit.ConfirmationRefused,
	}},
	"a PIN that changes": {func(t *testing.T, w *world) {
		w.approved()
		w.pending(doing(t, params))
		w.setPIN(w.customer, other)
	}, []audit.Type{
		audit.ConfirmationAsked, audit.PINAttempted, audit.PINVerified, audit.SessionOpened, audit.ConfirmationApproved,
		audit.ConfirmationAsked, audit.PINSet, audit.SessionEnded, audit.ConfirmationDeclined, audit.ConfirmationDeclined,
	}},
	"an identity's PIN, by its runtime": {func(t *testing.T, w *world) {
		must(t, second(w.setByRuntime(right, "")))
		is[*service.WrongPINError](t, second(w.setByRuntime(other, wrong)))
		must(t, second(w.setByRuntime(other, right)))
		must(t, w.RemovePINByRuntime(t.Context(), w.runtime, w.identity))
		must(t, w.RemovePINByRuntime(t.Context(), w.runtime, w.identity))
	}, []audit.Type{
		audit.PINSet, audit.PINAttempted, audit.PINFailed, audit.PINAttempted, audit.PINVerified, audit.PINSet, audit.PINRemoved,
	}},
	"nothing happened": {func(t *testing.T, w *world) {
		w.status(w.customer)
		must(t, w.EndSessions(t.Context(), w.runtime, w.customer, w.instance))
		wants(t, second(w.Redeem(t.Context(), w.runtime, w.instance, uuid.New(), confirmation.Proof{})), service.ErrNotFound)
		must(t, second(w.SweepOnce(t.Context())))
	}, nil},
}

func TestTheTrailTellsEverythingOnce(t *testing.T) {
	t.Parallel()
	for name, trail := range trails {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, trailEngines(trail.tells), func(t *testing.T, w *world) {
				w.require(30)
				w.setPIN(w.customer, right)
				before := len(w.events())
				trail.happens(t, w)
				var told []audit.Type
				for _, e := range w.events()[before:] {
					told = append(told, e.Type)
					w.checkEvent(e)
				}
				if !slices.Equal(told, trail.tells) {
					t.Fatalf("told\n%v, want\n%v", told, trail.tells)
				}
			})
		})
	}
}

// trailEngines gives a story that sweeps a database of its own.
func trailEngines(tells []audit.Type) map[string]engine {
	if tells == nil || slices.Contains(tells, audit.ConfirmationExpired) {
		return apart()
	}
	return shared()
}

// checkEvent looks at what every event must and must not have.
func (w *world) checkEvent(e audit.Event) {
	t := w.t
	t.Helper()
	group, _, _ := strings.Cut(string(e.Type), ".")
	caller := w.runtime
	switch {
	case e.Type == audit.ConfirmationExpired:
		caller = service.Caller{Principal: auth.Principal{Kind: auth.KindOperator, ID: "system"}}
	case e.Actor.ID == w.admin.ID:
		caller = w.admin
	}
	equal(t, "actor", e.Actor, audit.Actor{Kind: caller.Kind, ID: caller.ID})
	equal(t, "request id", e.RequestID, caller.RequestID)
	equal(t, "peer", e.Peer, caller.Peer)
	near(t, "time", e.Time, 0)
	if e.Holder != w.customer && e.Holder != w.identity {
		t.Fatalf("%s: holder %+v", e.Type, e.Holder)
	}
	// An admin's act on a customer's PIN is of no instance; what rests on it is.
	ofNone := e.Holder.Type == pin.Customer && e.Actor.ID == w.admin.ID && group == "pin"
	equal(t, string(e.Type)+": of an instance", e.Instance == w.instance, !ofNone)
	confirmed := group == "confirmation" && e.Type != audit.ConfirmationBlocked || e.Type == audit.SessionOpened
	if group == "pin" && e.Actor.ID == w.runtime.ID && e.Holder == w.customer {
		confirmed = true
	}
	equal(t, string(e.Type)+": of a confirmation", e.Confirmation != uuid.Nil, confirmed)

	text, err := json.Marshal(e)
	must(t, err)
	for _, secret := range []string{right, wrong, other, "acct-9184", "rent", "250.00"} {
		if strings.Contains(string(text), secret) {
			t.Fatalf("%s tells a secret: %s", e.Type, text)
		}
	}
}

// The trail of a policy has what it was and what it is.
func TestTheTrailOfAPolicy(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(7)
		e := w.events()[0]
		equal(t, "type", e.Type, audit.PolicyUpdated)
		equal(t, "instance", e.Instance, w.instance)
		equal(t, "actor", e.Actor.ID, w.admin.ID)
		got, err := json.Marshal(e.Details)
		must(t, err)
		equal(t, "details", string(got), `{"after":{"pin_applies_to":"all","pin_required_skills":["*"],"pin_session_ttl_minutes":7,"version":1},`+
			`"before":{"pin_applies_to":"all","pin_required_skills":[],"pin_session_ttl_minutes":30,"version":0}}`)
	})
}

// What is rolled back is not told: the event stands in the transaction of its change.
func TestTheTrailTellsNothingThatDidNotHappen(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		before := len(w.events())
		// No receipt can be signed without an issuer, and so nothing is approved.
		b := w.another(func(s *settings) { s.config.Issuer = "" })
		if _, err := b.Verify(t.Context(), w.runtime, w.instance, v.ID, number(t, right)); err == nil {
			t.Fatal("approved without a receipt")
		}
		answer(t, w.read(v), confirmation.Pending, confirmation.NoReason)
		events := w.events()[before:]
		equal(t, "events", len(events), 1)
		equal(t, "the attempt stays spent", events[0].Type, audit.PINAttempted)
		equal(t, "failures", w.record(w.customer).Failures, 1)
	})
}
