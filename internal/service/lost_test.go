package service_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/store"
)

// fate is what becomes of a commit.
type fate string

const (
	arrives fate = "arrives"
	// stored is a commit that took effect and whose answer was lost; lost is one that
	// took none. The caller cannot tell them apart.
	stored fate = "stored"
	lost   fate = "lost"
)

// lossy is a real store on a connection that loses the answers to commits. Each
// transaction takes the next fate; without one it arrives.
type lossy struct {
	store.Store
	mu    sync.Mutex
	fates []fate
	// meanwhile runs once, after an answer was lost.
	meanwhile func()
}

var errLost = errors.New("lost")

func (l *lossy) next() (fate, func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.fates) == 0 {
		return arrives, nil
	}
	f := l.fates[0]
	l.fates = l.fates[1:]
	if f == arrives {
		return f, nil
	}
	meanwhile := l.meanwhile
	l.meanwhile = nil
	return f, meanwhile
}

func (l *lossy) InTx(ctx context.Context, fn func(store.Tx) error) error {
	f, meanwhile := l.next()
	var err error
	switch f {
	case stored:
		err = l.Store.InTx(ctx, fn)
	case lost:
		err = l.Store.InTx(ctx, func(tx store.Tx) error { return errors.Join(fn(tx), errLost) })
		if unjoined, ok := err.(interface{ Unwrap() []error }); ok && len(unjoined.Unwrap()) == 1 {
			err = nil
		}
	default:
		return l.Store.InTx(ctx, fn)
	}
	if err != nil {
		return err
	}
	if meanwhile != nil {
		meanwhile()
	}
	return store.ErrOutcomeUnknown
}

// losing starts a node whose commits have those fates, in order.
func (w *world) losing(fates ...fate) (*node, *lossy) {
	w.t.Helper()
	l := &lossy{}
	n := w.another(func(s *settings) { l.Store, s.config.Store = s.config.Store, l })
	l.fates = fates
	return n, l
}

// onBothFates tells a story of an answer that is lost, with either truth behind it.
func onBothFates(t *testing.T, story func(t *testing.T, w *world, f fate)) {
	t.Helper()
	for _, f := range []fate{stored, lost} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, w *world) {
				w.require(30)
				w.setPIN(w.customer, right)
				story(t, w, f)
			})
		})
	}
}

func TestALostSpendIsNeverRepeated(t *testing.T) {
	t.Parallel()
	onBothFates(t, func(t *testing.T, w *world, f fate) {
		v := w.pending()
		b, l := w.losing(f)
		_, err := b.Verify(t.Context(), w.runtime, to(w.instance, v.ID), number(t, right))
		wants(t, err, service.ErrStoreUnavailable)
		equal(t, "fates left", len(l.fates), 0)
		cost := map[fate]int{stored: 1, lost: 0}[f]
		equal(t, "failures", w.record(w.customer).Failures, cost)
		equal(t, "attempted", w.told(audit.TypePINAttempted), cost)
		equal(t, "verified", w.told(audit.TypePINVerified), 0)
		answer(t, w.read(v), confirmation.Pending, confirmation.NoReason)
		must(t, second(w.enter(v, right)))
	})
}

func TestALostSettleIsRepeatedOnce(t *testing.T) {
	t.Parallel()
	onBothFates(t, func(t *testing.T, w *world, f fate) {
		v := w.pending()
		b, _ := w.losing(arrives, f)
		got, err := b.Verify(t.Context(), w.runtime, to(w.instance, v.ID), number(t, right))
		must(t, err)
		answer(t, got, confirmation.Approved, confirmation.ByPIN)
		now := w.read(v)
		equal(t, "receipt", got.Receipt, now.Receipt)
		equal(t, "session", got.SessionExpiresAt, now.SessionExpiresAt)
		equal(t, "redeemable until", got.ExpiresAt, now.ExpiresAt)
		equal(t, "approved", w.told(audit.TypeConfirmationApproved), 1)
		equal(t, "verified", w.told(audit.TypePINVerified), 1)
		equal(t, "opened", w.told(audit.TypeSessionOpened), 1)
		equal(t, "failures", w.record(w.customer).Failures, 0)
		equal(t, "unsettled", w.unsettled(), 0)
		must(t, second(w.redeem(got)))
	})
}

// unsettled is how many spent attempts are not settled.
func (w *world) unsettled() int {
	w.t.Helper()
	return w.db.count(w.t, "SELECT count(*) FROM pin_attempts WHERE tenant_id = '%s'", w.tenant)
}

func TestALostSettleOfAnIncorrectPIN(t *testing.T) {
	t.Parallel()
	onBothFates(t, func(t *testing.T, w *world, f fate) {
		v := w.pending()
		b, _ := w.losing(arrives, f)
		_, err := b.Verify(t.Context(), w.runtime, to(w.instance, v.ID), number(t, wrong))
		equal(t, "remaining", as[*service.WrongPINError](t, err).Remaining, 4)
		equal(t, "failed", w.told(audit.TypePINFailed), 1)
		equal(t, "failures", w.record(w.customer).Failures, 1)
		equal(t, "unsettled", w.unsettled(), 0)
	})
}

// A correct PIN that came too late stays so, whoever repeats its settle.
func TestALostSettleOfAGuessThatCameTooLate(t *testing.T) {
	t.Parallel()
	onBothFates(t, func(t *testing.T, w *world, f fate) {
		v := w.pending()
		b, _ := w.losing(arrives, f)
		free := b.plug(t)
		outcome := later(func() (service.View, error) {
			return b.Verify(t.Context(), w.runtime, to(w.instance, v.ID), number(t, right))
		})
		eventually(t, "the attempt is spent", func() bool { return w.told(audit.TypePINAttempted) == 1 })
		must(t, w.Decline(t.Context(), w.runtime, to(w.instance, v.ID)))
		free()
		wants(t, second(outcome()), service.ErrNotPending)
		w.nothingCame(v, 1)
	})
}

// What was stored decides, not what was compared: another's approval is not one's own.
func TestALostSettleBesideAnothersApproval(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		b, l := w.losing(arrives, lost)
		l.meanwhile = func() { must(t, second(w.enter(v, right))) }
		_, err := b.Verify(t.Context(), w.runtime, to(w.instance, v.ID), number(t, right))
		wants(t, err, service.ErrNotPending)
		equal(t, "approved", w.told(audit.TypeConfirmationApproved), 1)
		equal(t, "refused", w.told(audit.TypeConfirmationRefused), 1)
	})
}

func TestALostAskIsFoundByItsKey(t *testing.T) {
	t.Parallel()
	onBothFates(t, func(t *testing.T, w *world, f fate) {
		for _, session := range []bool{false, true} {
			status := confirmation.Pending
			if session {
				w.approved()
				status = confirmation.Approved
			}
			before := w.stored()
			b, _ := w.losing(f)
			q := w.question(keyed("k" + uuid.NewString()[:8]))
			v, created, err := b.Ask(t.Context(), w.runtime, q)
			if f == lost {
				wants(t, err, service.ErrUnavailable)
				equal(t, "stored", w.stored(), before)
				continue
			}
			must(t, err)
			equal(t, "created", created, true)
			equal(t, "status", v.Status, status)
			equal(t, "receipt", v.Receipt, w.read(v).Receipt)
			equal(t, "stored", w.stored(), before+1)
		}
	})
}

func TestALostAskWithoutAKeyIsNotAnswered(t *testing.T) {
	t.Parallel()
	onBothFates(t, func(t *testing.T, w *world, f fate) {
		b, _ := w.losing(f)
		_, created, err := b.Ask(t.Context(), w.runtime, w.question())
		wants(t, err, service.ErrStoreUnavailable)
		equal(t, "created", created, false)
		equal(t, "stored", w.stored(), map[fate]int{stored: 1, lost: 0}[f])
	})
}

func TestALostRedeemCountsOnlyWithItsOwnId(t *testing.T) {
	t.Parallel()
	onBothFates(t, func(t *testing.T, w *world, f fate) {
		v := w.approved()
		b, _ := w.losing(f)
		got, err := b.Redeem(t.Context(), w.runtime, to(w.instance, v.ID), confirmation.Proof{})
		if f == stored {
			must(t, err)
			answer(t, got, confirmation.Redeemed, confirmation.NoReason)
			equal(t, "session", got.SessionExpiresAt, v.SessionExpiresAt)
			wants(t, second(w.redeem(v)), service.ErrAlreadyRedeemed)
			return
		}
		wants(t, err, service.ErrUnavailable)
		must(t, second(w.redeem(v)))

		// Another's redeem, meanwhile, is not one's own.
		v = w.approved(doing(t, params))
		b, l := w.losing(lost)
		l.meanwhile = func() { must(t, second(w.redeem(v))) }
		_, err = b.Redeem(t.Context(), w.runtime, to(w.instance, v.ID), confirmation.Proof{Digest: v.ActionDigest()})
		wants(t, err, service.ErrUnavailable)
		equal(t, "redeemed", w.told(audit.TypeConfirmationRedeemed), 2)
	})
}

// What is idempotent is repeated once: done once, recorded once, answered as done.
func TestLostActsAreRepeatedOnce(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]struct {
		before func(w *world)
		act    func(w *world, b *node) error
		tells  []audit.Type
		fates  []fate
	}{
		"set": {nil, func(w *world, b *node) error {
			s, err := b.SetPIN(w.t.Context(), w.admin, w.customer, number(w.t, other))
			equal(w.t, "status", s, w.status(w.customer))
			return err
		}, []audit.Type{audit.TypePINSet}, nil},
		"remove": {nil, func(w *world, b *node) error {
			return b.RemovePIN(w.t.Context(), w.admin, w.customer)
		}, []audit.Type{audit.TypePINRemoved}, nil},
		"unlock": {func(w *world) { w.fail(w.pending(), 5) }, func(w *world, b *node) error {
			s, err := b.UnlockPIN(w.t.Context(), w.admin, w.customer)
			equal(w.t, "locked", s.IsLocked, false)
			return err
		}, []audit.Type{audit.TypePINUnlocked}, nil},
		"first PIN by the runtime": {nil, func(w *world, b *node) error {
			s, err := b.SetPINByRuntime(w.t.Context(), w.runtime, w.identity, service.NewPIN{PIN: number(w.t, other)})
			equal(w.t, "status", s, w.status(w.identity))
			return err
		}, []audit.Type{audit.TypePINSet}, nil},
		"replaced by the runtime": {func(w *world) { w.setPIN(w.identity, right) }, func(w *world, b *node) error {
			current := number(w.t, right)
			_, err := b.SetPINByRuntime(w.t.Context(), w.runtime, w.identity, service.NewPIN{PIN: number(w.t, other), Current: &current})
			return err
		}, []audit.Type{audit.TypePINAttempted, audit.TypePINVerified, audit.TypePINSet}, []fate{arrives}},
		"removed by the runtime": {func(w *world) { w.setPIN(w.identity, right) }, func(w *world, b *node) error {
			return b.RemovePINByRuntime(w.t.Context(), w.runtime, w.identity)
		}, []audit.Type{audit.TypePINRemoved}, nil},
		"policy": {nil, func(w *world, b *node) error {
			ttl := 7
			p, err := b.UpdatePolicy(w.t.Context(), w.admin, service.PolicyUpdate{
				Instance: w.instance, Patch: policy.Patch{SessionTTLMinutes: &ttl}, Match: atVersion(1),
			})
			equal(w.t, "version", p.Version, int64(2))
			return err
		}, []audit.Type{audit.TypePolicyUpdated}, nil},
		"end sessions": {func(w *world) { w.approved() }, func(w *world, b *node) error {
			return b.EndSessions(w.t.Context(), w.runtime, w.customer, w.instance)
		}, []audit.Type{audit.TypeSessionEnded, audit.TypeConfirmationDeclined}, nil},
		"decline": {nil, func(w *world, b *node) error {
			v := w.pending()
			return b.Decline(w.t.Context(), w.runtime, to(w.instance, v.ID))
		}, []audit.Type{audit.TypeConfirmationAsked, audit.TypeConfirmationDeclined}, nil},
		"mint and revoke": {nil, func(w *world, b *node) error {
			key, secret, err := b.MintKey(w.t.Context(), w.admin, service.KeySpec{Tenant: w.tenant, Scopes: auth.Scopes()})
			must(w.t, err)
			must(w.t, second(w.AuthenticateKey(w.t.Context(), secret.Reveal(), true)))
			return b.RevokeKey(w.t.Context(), w.admin, key.ID)
		}, []audit.Type{audit.TypeKeyMinted, audit.TypeKeyRevoked}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBothFates(t, func(t *testing.T, w *world, f fate) {
				if act.before != nil {
					act.before(w)
				}
				before := len(w.events())
				b, l := w.losing(append(slices.Clone(act.fates), f)...)
				must(t, act.act(w, b))
				equal(t, "fates left", len(l.fates), 0)
				var told []audit.Type
				for _, e := range w.events()[before:] {
					told = append(told, e.Type)
				}
				if !slices.Equal(told, act.tells) {
					t.Fatalf("told %v, want %v", told, act.tells)
				}
			})
		})
	}
}

// An update that another made is not taken for one's own.
func TestALostPolicyUpdateMeetsAnothers(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		b, l := w.losing(lost)
		l.meanwhile = func() { w.require(5) }
		ttl := 7
		_, err := b.UpdatePolicy(t.Context(), w.admin, service.PolicyUpdate{
			Instance: w.instance, Patch: policy.Patch{SessionTTLMinutes: &ttl}, Match: atVersion(1),
		})
		wants(t, err, service.ErrPrecondition)
	})
}

// A second loss is not repeated again.
func TestALostActIsRepeatedOnceAlone(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b, l := w.losing(lost, lost, stored)
		wants(t, second(b.SetPIN(t.Context(), w.admin, w.customer, number(t, right))), service.ErrStoreUnavailable)
		equal(t, "fates left", len(l.fates), 1)
		equal(t, "status", w.status(w.customer), pin.Status{})
	})
}

// rerun is a real store that, as a database may, runs every step twice: the first
// time in vain.
type rerun struct{ store.Store }

func (r rerun) InTx(ctx context.Context, fn func(store.Tx) error) error {
	err := r.Store.InTx(ctx, func(tx store.Tx) error { return errors.Join(fn(tx), errLost) })
	if !errors.Is(err, errLost) {
		return err
	}
	return r.Store.InTx(ctx, fn)
}

func runTwice(s *settings) { s.config.Store = rerun{s.config.Store} }
