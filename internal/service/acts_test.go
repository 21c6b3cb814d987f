package service_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
)

// The acts of the stories. Each ends the test when it does not succeed.

const skill = "payments.transfer"

// setPIN sets a holder's PIN as an admin.
func (w *world) setPIN(h pin.Holder, digits string) {
	w.t.Helper()
	_, err := w.SetPIN(w.t.Context(), w.admin, h, number(w.t, digits))
	must(w.t, err)
}

// setByRuntime sets the identity's PIN as its runtime; current "" is none.
func (w *world) setByRuntime(digits, current string) (pin.Status, error) {
	w.t.Helper()
	var c *pin.PIN
	if current != "" {
		p := number(w.t, current)
		c = &p
	}
	return w.SetPINByRuntime(w.t.Context(), w.runtime, w.identity, service.NewPIN{PIN: number(w.t, digits), Current: c})
}

func anyVersion(int64) bool { return true }

// require makes a PIN necessary for every skill, for those minutes at a time.
func (w *world) require(minutes int) policy.Policy {
	w.t.Helper()
	p, err := w.UpdatePolicy(w.t.Context(), w.admin, service.PolicyUpdate{Instance: w.instance, Patch: policy.Patch{RequiredSkills: []string{policy.AllSkills}, SessionTTLMinutes: &minutes}, Match: anyVersion})
	must(w.t, err)
	return p
}

type asking func(*confirmation.Question)

// question is what the runtime asks for the customer.
func (w *world) question(with ...asking) confirmation.Question {
	q := confirmation.Question{
		Holder: w.customer, Instance: w.instance, Role: policy.Customer, Skill: skill,
		Lifetime: confirmation.DefaultLifetime,
	}
	for _, f := range with {
		f(&q)
	}
	return q
}

func keyed(key string) asking { return func(q *confirmation.Question) { q.IdempotencyKey = key } }

func called(key string) asking { return func(q *confirmation.Question) { q.CallKey = key } }

func from(h pin.Holder) asking { return func(q *confirmation.Question) { q.Holder = h } }

func inRole(r policy.Role) asking { return func(q *confirmation.Question) { q.Role = r } }

func forSkill(s string) asking { return func(q *confirmation.Question) { q.Skill = s } }

func lasting(d time.Duration) asking { return func(q *confirmation.Question) { q.Lifetime = d } }

func on(instance uuid.UUID) asking { return func(q *confirmation.Question) { q.Instance = instance } }

const params = `{"amount": 250.0, "to": "acct-9184", "note": "rent"}`

func doing(t *testing.T, rawParams string) asking {
	t.Helper()
	a := send250(t, rawParams)
	return func(q *confirmation.Question) { q.Action = a }
}

// send250 returns an action with those params.
func send250(t *testing.T, rawParams string) *confirmation.Action {
	t.Helper()
	read, err := canonical.Params([]byte(rawParams))
	must(t, err)
	return confirmation.NewAction("Send 250.00 to acct-9184", read)
}

// ask asks and gives the answer.
func (w *world) ask(with ...asking) service.View {
	w.t.Helper()
	v, _, err := w.Ask(w.t.Context(), w.runtime, w.question(with...))
	must(w.t, err)
	return v
}

// pending asks what must be answered with a PIN.
func (w *world) pending(with ...asking) service.View {
	w.t.Helper()
	v := w.ask(with...)
	equal(w.t, "status", v.Status, confirmation.Pending)
	return v
}

// enter enters a PIN for a confirmation.
func (w *world) enter(v service.View, digits string) (service.View, error) {
	w.t.Helper()
	return w.Verify(w.t.Context(), w.runtime, to(v.Instance, v.ID), number(w.t, digits))
}

// approved asks and confirms with the right PIN.
func (w *world) approved(with ...asking) service.View {
	w.t.Helper()
	v, err := w.enter(w.pending(with...), right)
	must(w.t, err)
	equal(w.t, "status", v.Status, confirmation.Approved)
	return v
}

// fail enters n wrong PINs for a confirmation, each of which must be looked at.
func (w *world) fail(v service.View, n int) {
	w.t.Helper()
	for range n {
		_ = w.lastOf(v, 1)
	}
}

// lastOf is fail, and how the last of them was answered.
func (w *world) lastOf(v service.View, n int) (last *service.WrongPINError) {
	w.t.Helper()
	for range n {
		_, err := w.enter(v, wrong)
		last = as[*service.WrongPINError](w.t, err)
	}
	return last
}

// read returns a confirmation as it is now.
func (w *world) read(v service.View) service.View {
	w.t.Helper()
	got, err := w.Confirmation(w.t.Context(), w.runtime, to(v.Instance, v.ID), 0)
	must(w.t, err)
	return got
}

// redeem redeems what was confirmed without an action.
func (w *world) redeem(v service.View, proof ...confirmation.Proof) (service.View, error) {
	w.t.Helper()
	p := confirmation.Proof{Skill: v.Skill, Digest: v.ActionDigest()}
	if len(proof) > 0 {
		p = proof[0]
	}
	return w.Redeem(w.t.Context(), w.runtime, to(v.Instance, v.ID), p)
}

// status returns a holder's PIN status.
func (w *world) status(h pin.Holder) pin.Status {
	w.t.Helper()
	s, err := w.PINStatus(w.t.Context(), h)
	must(w.t, err)
	return s
}

// record returns what is stored of a holder.
func (w *world) record(h pin.Holder) pin.Record {
	w.t.Helper()
	var r pin.Record
	reads := w.store.Reads()
	reads.PIN(h, &r)
	must(w.t, reads.Fetch(w.t.Context()))
	return r
}

// now returns the database's time.
func (w *world) now() time.Time {
	w.t.Helper()
	reads := w.store.Reads()
	must(w.t, reads.Fetch(w.t.Context()))
	return reads.Now()
}

// answer fails unless an answer has the status and reason.
func answer(t *testing.T, v service.View, s confirmation.Status, r confirmation.Reason) {
	t.Helper()
	if v.Status != s || v.Reason != r {
		t.Fatalf("got %s/%s, want %s/%s", v.Status, v.Reason, s, r)
	}
}
