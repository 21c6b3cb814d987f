package service_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
)

// Nothing that was open in a backup can be used once it is restored, whatever became of it
// after the backup was made. PINs, policies and what was incorrect until then stay.
func TestARestoreEndsWhatIsOpen(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		open := w.pending(doing(t, params), keyed("k"))
		byPIN, bySession := w.approved(), w.ask()
		action := w.approved(doing(t, params))
		done := w.approved(doing(t, params))
		must(t, second(w.redeem(done)))
		w.fail(open, 2)
		link := w.link(w.identity, pin.RuntimeLink)
		first := w.tenant
		w.newTenant()
		w.require(30)
		w.setPIN(w.customer, right)
		foreign := w.approved()

		ended, err := w.FinishRestore(t.Context(), service.Operator(uuid.Nil))
		must(t, err)
		equal(t, "ended", ended, service.Restored{Confirmations: 5, Sessions: 2, Links: 1, Tenants: 2})

		answer(t, w.read(foreign), confirmation.Declined, confirmation.SessionEnded)
		equal(t, "session ended", w.told(audit.TypeSessionEnded), 1)
		equal(t, "declined", w.told(audit.TypeConfirmationDeclined), 1)
		equal(t, "restored", w.told(audit.TypeDatabaseRestored), 1)
		for _, e := range w.events() {
			if e.Type == audit.TypeDatabaseRestored || e.Type == audit.TypeSessionEnded {
				equal(t, "actor", e.ActorKind+" "+e.ActorID, string(auth.KindOperator)+" cli")
			}
		}
		answer(t, w.ask(), confirmation.Pending, confirmation.NoReason)

		w.tenant, w.instance = first, byPIN.Instance
		w.admin.Tenant, w.runtime.Tenant, w.runtime.Instance = first, first, byPIN.Instance
		for _, v := range []service.View{open, byPIN, bySession, action} {
			answer(t, w.read(v), confirmation.Declined, confirmation.SessionEnded)
			wants(t, second(w.redeem(v)), service.ErrNotApproved)
		}
		answer(t, w.read(done), confirmation.Redeemed, confirmation.NoReason)
		wants(t, w.choose(t, link, right, ""), service.ErrLinkOver)
		equal(t, "links ended", w.told(audit.TypePINLinkEnded), 1)
		equal(t, "restored", w.told(audit.TypeDatabaseRestored), 1)

		// Run again, as after an interruption, it finds only what has been asked since.
		ended, err = w.FinishRestore(t.Context(), service.Operator(uuid.Nil))
		must(t, err)
		equal(t, "ended", ended, service.Restored{Confirmations: 1, Tenants: 2})
	})
}

// More than one step holds is ended as well.
func TestARestoreEndsMany(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		w.copies(w.pending(), 1100)
		ended, err := w.FinishRestore(t.Context(), service.Operator(uuid.Nil))
		must(t, err)
		equal(t, "ended", ended, service.Restored{Confirmations: 1101, Tenants: 1})
		equal(t, "pending", w.stands(confirmation.Pending), 0)
	})
}
