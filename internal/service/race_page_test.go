package service_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
)

// roomy has limits that no race of this file reaches, so that only those of the page hold.
func roomy(s *settings) {
	s.config.Limits = pin.Limits{LockAfter: 500, LockBase: 15 * time.Minute, HardLimit: 1000, Bucket: 1000}
}

// tap sends the form of a confirmation's page, which carried the number of tries used.
func (n *node) tap(t *testing.T, v service.View, digits string, used int) error {
	t.Helper()
	return n.ConfirmOnPage(t.Context(), service.Caller{}, service.PageEntry{
		Confirmation: v.ID, PIN: number(t, digits), Used: used,
	})
}

// choose sends the form of a PIN link; current "" is none.
func (n *node) choose(t *testing.T, l pin.Link, digits, current string) error {
	t.Helper()
	c := service.LinkChoice{Link: l.ID, NewPIN: service.NewPIN{PIN: number(t, digits)}}
	if current != "" {
		c.Current = new(number(t, current))
	}
	return n.SetPINByLink(t.Context(), service.Caller{}, c)
}

// link creates a PIN link.
func (w *world) link(h pin.Holder, kind pin.LinkKind) pin.Link {
	w.t.Helper()
	c := w.admin
	if kind == pin.RuntimeLink {
		_, secret, err := w.MintKey(w.t.Context(), service.Operator(w.tenant), service.KeySpec{Tenant: w.tenant, Instance: w.instance})
		must(w.t, err)
		c.Principal, err = w.AuthenticateKey(w.t.Context(), secret.Reveal(), true)
		must(w.t, err)
	}
	l, err := w.CreatePINLink(w.t.Context(), c, service.NewPINLink{Holder: h, Kind: kind, ExpiresIn: time.Hour})
	must(w.t, err)
	return l
}

// me is the caller with a token of the customer's own.
func (w *world) me() service.Caller {
	return service.Caller{Principal: auth.Principal{Kind: auth.KindJWT, ID: "ada", Tenant: w.tenant, CustomerID: w.customer.ID}}
}

// own replaces a PIN with the holder's own token.
func (n *node) own(t *testing.T, w *world, h pin.Holder, digits, current string) error {
	t.Helper()
	_, err := n.SetOwnPIN(t.Context(), w.me(), h, service.NewPIN{PIN: number(t, digits), Current: new(number(t, current))})
	return err
}

// paidFor fails unless every attempt that was spent was compared, once.
func (w *world) paidFor() {
	w.t.Helper()
	compared := w.told(audit.TypePINFailed) + w.told(audit.TypePINVerified) + w.told(audit.TypeConfirmationRefused)
	equal(w.t, "attempts spent", w.told(audit.TypePINAttempted), compared)
}

// The page, verify, the runtime, the holder's own token and a PIN link: however many guess
// at one PIN through all of them, five are compared.
func TestRaceOfThePageWithEveryRoute(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.identity, right)
		questions := []service.View{w.pending(from(w.identity)), w.pending(from(w.identity)), w.pending(from(w.identity))}
		l := w.link(w.identity, pin.RuntimeLink)
		nodes := w.nodes()
		var y tally
		var late atomic.Int64
		var all sync.WaitGroup
		start := make(chan struct{})
		for i := range 120 {
			n, v := nodes[i%len(nodes)], questions[i%2]
			guess, fresh := number(t, wrong), number(t, other)
			all.Go(func() {
				<-start
				var err error
				switch i % 5 {
				case 0:
					_, err = n.Verify(t.Context(), w.runtime, to(w.instance, questions[2].ID), guess)
				case 1:
					err = n.tap(t, v, wrong, i/10%3)
				case 2:
					err = n.own(t, w, w.identity, other, wrong)
				case 3:
					err = n.choose(t, l, other, wrong)
				default:
					_, err = n.SetPINByRuntime(t.Context(), w.runtime, w.identity, service.NewPIN{PIN: fresh, Current: &guess})
				}
				if errors.Is(err, service.ErrOutdatedForm) || errors.Is(err, service.ErrNoTriesLeft) || errors.Is(err, service.ErrNotPending) {
					late.Add(1)
					return
				}
				y.add(err)
			})
		}
		close(start)
		all.Wait()
		equal(t, "unexpected", y.unexpected.Load(), 0)
		equal(t, "approved", y.approved.Load(), 0)
		equal(t, "wrong", y.wrong.Load(), 5)
		equal(t, "refused", y.refused.Load(), 115-late.Load())
		equal(t, "attempted", w.told(audit.TypePINAttempted), 5)
		equal(t, "failed", w.told(audit.TypePINFailed), 5)
		equal(t, "locked", w.told(audit.TypePINLocked), 1)
		equal(t, "failures", w.record(w.identity).Failures, 5)
		near(t, "locked until", w.status(w.identity).LockedUntil, 15*time.Minute)
	})
}

// Three tries of a page are in flight, none of them compared yet: a fourth spends nothing,
// and the third incorrect one declines.
func TestRaceForTheFourthTryOfAPage(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		v := w.pending()
		nodes := w.nodes()
		frees := make([]func(), len(nodes))
		for i, n := range nodes {
			frees[i] = n.plug(t)
		}
		var y tally
		var outdated, over atomic.Int64
		var all sync.WaitGroup
		for used := range 5 {
			for i := range 30 {
				n := nodes[i%len(nodes)]
				all.Go(func() {
					switch err := n.tap(t, v, wrong, used); {
					case errors.Is(err, service.ErrOutdatedForm):
						outdated.Add(1)
					case errors.Is(err, service.ErrNoTriesLeft):
						over.Add(1)
					default:
						y.add(err)
					}
				})
			}
			spent := min(used+1, confirmation.MaxPageTries)
			eventually(t, fmt.Sprintf("the others with %d used are refused", used), func() bool {
				return outdated.Load()+over.Load() == int64(30*(used+1)-spent)
			})
			equal(t, "attempted", w.told(audit.TypePINAttempted), spent)
		}
		equal(t, "over", over.Load(), 89) // with two used, all but one
		for _, free := range frees {
			free()
		}
		all.Wait()
		equal(t, "wrong", y.wrong.Load(), 3)
		equal(t, "unexpected", y.unexpected.Load(), 0)
		equal(t, "failures", w.record(w.customer).Failures, 3)
		equal(t, "declined", w.told(audit.TypeConfirmationDeclined), 1)
		answer(t, w.read(v), confirmation.Declined, confirmation.WrongPIN)
		w.paidFor()
	})
}

// The correct PIN arrives many times at once, on the page and at verify, amid declines:
// one confirmation is approved at most once, and whoever got an answer got the truth.
func TestRaceToConfirmOnThePage(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(0)
		w.setPIN(w.customer, right)
		nodes := w.nodes(roomy)
		for round := range 6 {
			v := w.pending()
			var approved, declined, unexpected atomic.Int64
			var all sync.WaitGroup
			start := make(chan struct{})
			for i := range 30 {
				n := nodes[i%len(nodes)]
				all.Go(func() {
					<-start
					var err error
					won := &approved
					switch {
					case i%3 == 0:
						_, err = n.Verify(t.Context(), w.runtime, to(w.instance, v.ID), number(t, right))
					case i == 1 && round%2 == 0:
						won, err = &declined, n.DeclineOnPage(t.Context(), service.Caller{}, v.ID, true)
					default:
						err = n.tap(t, v, right, i%3-1)
					}
					switch {
					case err == nil:
						won.Add(1)
					case errors.Is(err, service.ErrNotPending), errors.Is(err, service.ErrOutdatedForm), errors.Is(err, service.ErrNoTriesLeft):
					default:
						unexpected.Add(1)
						t.Error(err)
					}
				})
			}
			close(start)
			all.Wait()
			equal(t, "unexpected", unexpected.Load(), 0)
			equal(t, "approved or declined", approved.Load()+declined.Load(), 1)
			want := confirmation.Approved
			if declined.Load() == 1 {
				want = confirmation.Declined
			}
			equal(t, "in the end", w.read(v).Status, want)
		}
		equal(t, "decided", w.told(audit.TypeConfirmationApproved)+w.told(audit.TypeConfirmationDeclined), 6)
		equal(t, "disputed", w.told(audit.TypeConfirmationDisputed), w.told(audit.TypeConfirmationDeclined))
		w.paidFor()
	}, roomy)
}

// The PIN is replaced through several routes at once while it confirms a question: each
// that was told so has set it, and a question whose PIN has gone is not approved.
func TestRaceOfThePageWithANewPIN(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		nodes := w.nodes(roomy)
		for round := range 8 {
			w.customer = pin.CustomerHolder(w.tenant, uuid.New())
			w.setPIN(w.customer, right)
			before := w.told(audit.TypePINSet)
			v, l := w.pending(), w.link(w.customer, pin.AdminLink)
			at := func(i int) *node { return nodes[(round+i)%len(nodes)] }
			page := later(func() (any, error) { return nil, at(0).tap(t, v, right, 0) })
			me := later(func() (any, error) { return nil, at(1).own(t, w, w.customer, other, right) })
			link := later(func() (any, error) { return nil, at(2).choose(t, l, wrong, "") })
			errPage, errMe, errLink := second(page()), second(me()), second(link())
			set := 0
			for _, err := range []error{errMe, errLink} {
				if err == nil {
					set++
				}
			}
			equal(t, "PINs set", w.told(audit.TypePINSet)-before, set)
			if set == 0 {
				t.Fatalf("nobody set a PIN: %v, %v", errMe, errLink)
			}
			if errMe != nil {
				is[*service.WrongPINError](t, errMe)
			}
			if errLink != nil {
				wants(t, errLink, service.ErrLinkOver)
			}
			if errPage != nil && !errors.Is(errPage, service.ErrNotPending) {
				is[*service.WrongPINError](t, errPage)
			}
			answer(t, w.read(v), confirmation.Declined, confirmation.PINChanged)
			holds := other
			if errLink == nil { // my own token ends the link, so the link came last
				holds = wrong
			}
			if errLink == nil && errMe == nil {
				t.Fatal("a link was used after the PIN had been set, or the old PIN replaced the new one")
			}
			_, err := w.enter(w.pending(), holds)
			must(t, err)
		}
	}, roomy)
}
