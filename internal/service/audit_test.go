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
	}, []audit.Type{audit.TypePINSet, audit.TypePINRemoved}},
	"confirm and run": {func(t *testing.T, w *world) {
		v := w.approved()
		must(t, second(w.redeem(v)))
	}, []audit.Type{
		audit.TypeConfirmationAsked, audit.TypePINAttempted, audit.TypePINVerified, audit.TypeSessionOpened,
		audit.TypeConfirmationApproved, audit.TypeConfirmationRedeemed,
	}},
	"an action": {func(t *testing.T, w *world) {
		w.approved(doing(t, params))
	}, []audit.Type{audit.TypeConfirmationAsked, audit.TypePINAttempted, audit.TypePINVerified, audit.TypeConfirmationApproved}},
	"by session": {func(t *testing.T, w *world) {
		w.approved()
		must(t, second(w.redeem(w.ask())))
		must(t, w.EndSessions(t.Context(), w.runtime, w.customer, w.instance))
	}, []audit.Type{
		audit.TypeConfirmationAsked, audit.TypePINAttempted, audit.TypePINVerified, audit.TypeSessionOpened, audit.TypeConfirmationApproved,
		audit.TypeConfirmationAsked, audit.TypeConfirmationApproved, audit.TypeConfirmationRedeemed,
		audit.TypeSessionEnded, audit.TypeConfirmationDeclined,
	}},
	"asked twice with a key": {func(_ *testing.T, w *world) {
		w.pending(keyed("k"))
		w.pending(keyed("k"))
	}, []audit.Type{audit.TypeConfirmationAsked}},
	"a wrong guess": {func(_ *testing.T, w *world) {
		w.fail(w.pending(), 1)
	}, []audit.Type{audit.TypeConfirmationAsked, audit.TypePINAttempted, audit.TypePINFailed}},
	"a lock": {func(t *testing.T, w *world) {
		w.approved()
		w.alter("failures = 4")
		v := w.pending(doing(t, params))
		w.fail(v, 1)
		is[*service.LockedError](t, second(w.enter(v, right)))
		must(t, second(w.UnlockPIN(t.Context(), w.admin, w.customer)))
		must(t, second(w.UnlockPIN(t.Context(), w.admin, w.customer)))
	}, []audit.Type{
		audit.TypeConfirmationAsked, audit.TypePINAttempted, audit.TypePINVerified, audit.TypeSessionOpened, audit.TypeConfirmationApproved,
		audit.TypeConfirmationAsked, audit.TypePINAttempted, audit.TypePINLocked, audit.TypeSessionEnded, audit.TypePINFailed,
		audit.TypePINRefused, audit.TypePINUnlocked,
	}},
	"its own lock lifted": {func(_ *testing.T, w *world) {
		w.alter("failures = 4")
		w.approved()
	}, []audit.Type{
		audit.TypeConfirmationAsked, audit.TypePINAttempted, audit.TypePINLocked, audit.TypePINVerified, audit.TypePINUnlocked,
		audit.TypeSessionOpened, audit.TypeConfirmationApproved,
	}},
	"a deactivation": {func(_ *testing.T, w *world) {
		w.alter("failures = 19")
		w.fail(w.pending(), 1)
		w.ask()
	}, []audit.Type{
		audit.TypeConfirmationAsked, audit.TypePINAttempted, audit.TypePINDeactivated, audit.TypePINFailed, audit.TypeConfirmationBlocked,
	}},
	"declined": {func(t *testing.T, w *world) {
		v := w.pending()
		must(t, w.Decline(t.Context(), w.runtime, to(w.instance, v.ID)))
		must(t, w.Decline(t.Context(), w.runtime, to(w.instance, v.ID)))
		wants(t, second(w.enter(v, right)), service.ErrNotPending)
	}, []audit.Type{audit.TypeConfirmationAsked, audit.TypeConfirmationDeclined}},
	"refused and expired": {func(t *testing.T, w *world) {
		v := w.pending(doing(t, params))
		wants(t, second(w.redeem(v)), service.ErrNotApproved)
		w.elapse(5 * time.Minute)
		w.sweepAll(t)
		w.sweepAll(t)
		wants(t, second(w.redeem(v)), service.ErrExpired)
	}, []audit.Type{
		audit.TypeConfirmationAsked, audit.TypeConfirmationRefused, audit.TypeConfirmationExpired, audit.TypeConfirmationRefused,
	}},
	"a PIN that changes": {func(t *testing.T, w *world) {
		w.approved()
		w.pending(doing(t, params))
		w.setPIN(w.customer, other)
	}, []audit.Type{
		audit.TypeConfirmationAsked, audit.TypePINAttempted, audit.TypePINVerified, audit.TypeSessionOpened, audit.TypeConfirmationApproved,
		audit.TypeConfirmationAsked, audit.TypePINSet, audit.TypeSessionEnded, audit.TypeConfirmationDeclined, audit.TypeConfirmationDeclined,
	}},
	"an identity's PIN, by its runtime": {func(t *testing.T, w *world) {
		must(t, second(w.setByRuntime(right, "")))
		is[*service.WrongPINError](t, second(w.setByRuntime(other, wrong)))
		must(t, second(w.setByRuntime(other, right)))
		must(t, w.RemovePINByRuntime(t.Context(), w.runtime, w.identity))
		must(t, w.RemovePINByRuntime(t.Context(), w.runtime, w.identity))
	}, []audit.Type{
		audit.TypePINSet, audit.TypePINAttempted, audit.TypePINFailed, audit.TypePINAttempted, audit.TypePINVerified, audit.TypePINSet, audit.TypePINRemoved,
	}},
	"nothing happened": {func(t *testing.T, w *world) {
		w.status(w.customer)
		must(t, w.EndSessions(t.Context(), w.runtime, w.customer, w.instance))
		wants(t, second(w.Redeem(t.Context(), w.runtime, to(w.instance, uuid.New()), confirmation.Proof{})), service.ErrNotFound)
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
	if tells == nil || slices.Contains(tells, audit.TypeConfirmationExpired) {
		return apart()
	}
	return shared()
}

// checkEvent looks at what every event must and must not have.
func (w *world) checkEvent(e audit.Entry) {
	t := w.t
	t.Helper()
	group, _, _ := strings.Cut(string(e.Type), ".")
	caller := w.runtime
	switch {
	case e.Type == audit.TypeConfirmationExpired:
		caller = service.Caller{Principal: auth.Principal{Kind: auth.KindOperator, ID: "system"}}
	case e.ActorID == w.admin.ID:
		caller = w.admin
	}
	equal(t, "actor", e.ActorKind+" "+e.ActorID, string(caller.Kind)+" "+caller.ID)
	equal(t, "request id", given(e.RequestID), caller.RequestID)
	equal(t, "peer", given(e.Peer), caller.Peer)
	at, err := time.Parse(time.RFC3339Nano, e.Time)
	must(t, err)
	near(t, "time", at, 0)
	ofCustomer := given(e.HolderType) == string(pin.Customer) && given(e.CustomerID) == w.customer.ID
	if !ofCustomer && (given(e.HolderType) != string(pin.Identity) || given(e.IdentityID) != w.identity.ID) {
		t.Fatalf("%s: holder %+v", e.Type, e)
	}
	// An admin's act on a customer's PIN is of no instance; what rests on it is.
	ofNone := ofCustomer && e.ActorID == w.admin.ID && group == "pin"
	equal(t, string(e.Type)+": of an instance", given(e.InstanceID) == w.instance, !ofNone)
	confirmed := group == "confirmation" && e.Type != audit.TypeConfirmationBlocked || e.Type == audit.TypeSessionOpened
	if group == "pin" && e.ActorID == w.runtime.ID && ofCustomer {
		confirmed = true
	}
	equal(t, string(e.Type)+": of a confirmation", e.ConfirmationID != nil, confirmed)

	text, err := json.Marshal(e)
	must(t, err)
	for _, secret := range []string{right, wrong, other, "acct-9184", "rent", "250.00"} {
		if strings.Contains(string(text), secret) {
			t.Fatalf("%s tells a secret: %s", e.Type, text)
		}
	}
}

// given is what an entry has, or the zero value for null.
func given[T any](v *T) (got T) {
	if v != nil {
		got = *v
	}
	return got
}

// The trail of a policy has what it was and what it is.
func TestTheTrailOfAPolicy(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(7)
		e := w.events()[0]
		equal(t, "type", e.Type, audit.TypePolicyUpdated)
		equal(t, "instance", given(e.InstanceID), w.instance)
		equal(t, "actor", e.ActorID, w.admin.ID)
		equal(t, "details", string(e.Details), `{"after":{"pin_applies_to":"all","pin_channels":"any","pin_must_be_own":false,"pin_required_skills":["*"],"pin_session_ttl_minutes":7,"version":1},`+
			`"before":{"pin_applies_to":"all","pin_channels":"any","pin_must_be_own":false,"pin_required_skills":[],"pin_session_ttl_minutes":30,"version":0}}`)
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
		if _, err := b.Verify(t.Context(), w.runtime, to(w.instance, v.ID), number(t, right)); err == nil {
			t.Fatal("approved without a receipt")
		}
		answer(t, w.read(v), confirmation.Pending, confirmation.NoReason)
		events := w.events()[before:]
		equal(t, "events", len(events), 1)
		equal(t, "the attempt stays spent", events[0].Type, audit.TypePINAttempted)
		equal(t, "failures", w.record(w.customer).Failures, 1)
	})
}
