package service_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/paging"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
)

// A deactivation by an admin is one by guesses: what rested on the PIN ends.
func TestDeactivate(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		approved := w.approved()
		pending := w.pending(doing(t, params))
		l := w.link(w.customer, pin.AdminLink)

		for range 2 { // the second changes nothing
			status, err := w.DeactivatePIN(t.Context(), w.admin, w.customer)
			must(t, err)
			if !status.HasPIN || status.IsActive || status.IsLocked {
				t.Fatalf("status %+v", status)
			}
		}
		equal(t, "deactivated", w.told(audit.TypePINDeactivated), 1)
		equal(t, "sessions ended", w.told(audit.TypeSessionEnded), 1)
		_, err := w.redeem(approved)
		wants(t, err, service.ErrChanged)
		_, err = w.enter(pending, right)
		wants(t, err, service.ErrInactive)
		wants(t, w.choose(t, l, other, ""), service.ErrLinkOver)
		equal(t, "asked", w.ask().Reason, confirmation.PINInactive)

		_, err = w.UnlockPIN(t.Context(), w.admin, w.customer)
		must(t, err)
		_, err = w.redeem(approved)
		wants(t, err, service.ErrChanged)
		_, err = w.enter(pending, right)
		must(t, err)
	})
}

// Where there is no PIN, only an admin sets one until the unlock.
func TestDeactivateWithoutAPIN(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		before := w.link(w.identity, pin.RuntimeLink)
		status, err := w.DeactivatePIN(t.Context(), w.admin, w.identity)
		must(t, err)
		equal(t, "status", status, pin.Status{})
		fresh := service.NewPIN{PIN: number(t, right)}
		_, err = w.SetPINByRuntime(t.Context(), w.runtime, w.identity, fresh)
		wants(t, err, service.ErrInactive)
		wants(t, w.choose(t, before, right, ""), service.ErrLinkOver)
		wants(t, w.choose(t, w.link(w.identity, pin.RuntimeLink), right, ""), service.ErrInactive)
		status, err = w.PINStatus(t.Context(), w.identity)
		must(t, err)
		equal(t, "has a PIN", status.HasPIN, false)

		// An admin's link sets one, and so does the runtime after an unlock.
		must(t, w.choose(t, w.link(w.identity, pin.AdminLink), right, ""))
		next := pin.IdentityHolder(w.tenant, w.instance, uuid.New())
		_, err = w.DeactivatePIN(t.Context(), w.admin, next)
		must(t, err)
		_, err = w.UnlockPIN(t.Context(), w.admin, next)
		must(t, err)
		_, err = w.SetPINByRuntime(t.Context(), w.runtime, next, fresh)
		must(t, err)
	})
}

// With a token of their own a customer sets no first PIN either.
func TestDeactivateASelfSetup(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		_, err := w.DeactivatePIN(t.Context(), w.admin, w.customer)
		must(t, err)
		_, err = w.SetOwnPIN(t.Context(), w.admin, w.customer, service.NewPIN{PIN: number(t, right)})
		wants(t, err, service.ErrInactive)
	}, func(s *settings) { s.config.SelfSetup = true })
}

// A correct guess that was under way approves nothing, and the deactivation holds.
func TestDeactivateDuringAGuess(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		_, err := w.between(v, right, func(b *node) {
			_, err := b.DeactivatePIN(t.Context(), w.admin, w.customer)
			must(t, err)
		})
		wants(t, err, service.ErrInactive)
		equal(t, "active", w.status(w.customer).IsActive, false)
		w.nothingCame(v, 1)
	})
}

// Lists say what the status of each holder says.
func TestListOfHolders(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.setPIN(w.customer, right)
		w.setPIN(w.identity, right)
		_, err := w.DeactivatePIN(t.Context(), w.admin, w.identity)
		must(t, err)
		page := paging.Page{Number: 1, Size: 10}
		all, err := w.PINs(t.Context(), w.admin, service.PINFilter{}, page)
		must(t, err)
		equal(t, "all", len(all.Rows), 2)
		equal(t, "first", all.Rows[0].Holder, w.customer)
		equal(t, "active", all.Rows[0].Status.IsActive, true)
		inactive, err := w.PINs(t.Context(), w.admin, service.PINFilter{State: "inactive"}, page)
		must(t, err)
		equal(t, "inactive", inactive.Total, 1)
		equal(t, "which", inactive.Rows[0].Holder, w.identity)
		foreign := w.admin
		foreign.Tenant = uuid.New()
		// The filter's tenant is the caller's, whatever it says.
		none, err := w.PINs(t.Context(), foreign, service.PINFilter{Tenant: w.tenant}, page)
		must(t, err)
		equal(t, "of another tenant", none.Total, 0)
	})
}
