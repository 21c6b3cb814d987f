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
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
)

// pinOf is a PIN like no other of a race.
func pinOf(i int) string { return fmt.Sprintf("%s%02d", other[:10], 10+i) }

// Many use one link at once, each for a PIN of their own: one sets it.
func TestRaceToUseAPINLink(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		nodes := w.nodes(roomy)
		for name, c := range map[string]struct {
			kind          pin.LinkKind
			held, current string
		}{
			"an admin's, a first PIN":    {pin.AdminLink, "", ""},
			"an admin's, another PIN":    {pin.AdminLink, right, ""},
			"the runtime's, a first PIN": {pin.RuntimeLink, "", ""},
			"the runtime's, another PIN": {pin.RuntimeLink, right, right},
		} {
			w.identity = pin.IdentityHolder(w.tenant, w.instance, uuid.New())
			if c.held != "" {
				w.setPIN(w.identity, c.held)
			}
			before, l := w.told(audit.TypePINSet), w.link(w.identity, c.kind)
			var won, lost atomic.Int64
			var winner atomic.Int64
			var all sync.WaitGroup
			start := make(chan struct{})
			for i := range 20 {
				n := nodes[i%len(nodes)]
				all.Go(func() {
					<-start
					switch err := n.choose(t, l, pinOf(i), c.current); {
					case err == nil:
						won.Add(1)
						winner.Store(int64(i))
					case errors.Is(err, service.ErrLinkOver):
						lost.Add(1)
					default:
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			close(start)
			all.Wait()
			equal(t, name+": won", won.Load(), 1)
			equal(t, name+": lost", lost.Load(), 19)
			equal(t, name+": set", w.told(audit.TypePINSet)-before, 1)
			_, err := w.enter(w.pending(from(w.identity)), pinOf(int(winner.Load())))
			must(t, err)
		}
	}, roomy)
}

// A link ends while the PIN that was chosen with it waits to be hashed: nothing is set.
func TestALinkThatEndsWhileItIsUsedSetsNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		b := w.peer()
		ends := map[string]func(l pin.Link) error{
			"nothing": func(pin.Link) error { return nil },
			"replaced": func(l pin.Link) error {
				return second(b.CreatePINLink(t.Context(), w.admin, service.NewPINLink{Holder: l.Holder, Kind: l.Kind, ExpiresIn: pin.MinAdminLink}))
			},
			"ended":   func(l pin.Link) error { return b.EndPINLinks(t.Context(), w.admin, l.Holder, "") },
			"removed": func(l pin.Link) error { return b.RemovePIN(t.Context(), w.admin, l.Holder) },
		}
		for name, end := range ends {
			for _, held := range []string{"", wrong} {
				w.customer = pin.CustomerHolder(w.tenant, uuid.New())
				if held != "" {
					w.setPIN(w.customer, held)
				}
				l := w.link(w.customer, pin.AdminLink)
				free := w.plug(t)
				used := later(func() (any, error) { return nil, w.choose(t, l, other, "") })
				eventually(t, "the chosen PIN waits", func() bool { return w.held() == 2 })
				must(t, end(l))
				free()
				err := second(used())
				if name == "nothing" {
					must(t, err)
					continue
				}
				wants(t, err, service.ErrLinkOver)
				equal(t, name+": the PIN is of the link", w.status(w.customer).SetBy == pin.ByHolder, false)
				equal(t, name+": failures", w.record(w.customer).Failures, 0)
			}
		}
	})
}

// A link ends between the guess at the current PIN and its settling: nothing is set, and
// the attempt stays spent, although the guess was correct.
func TestALinkThatEndsAfterTheGuessForgivesNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.require(30)
		for name, current := range map[string]string{"correct": right, "incorrect": wrong} {
			w.identity = pin.IdentityHolder(w.tenant, w.instance, uuid.New())
			w.setPIN(w.identity, right)
			before, attempts, verified := w.record(w.identity), w.told(audit.TypePINAttempted), w.told(audit.TypePINVerified)
			l := w.link(w.identity, pin.RuntimeLink)
			free := w.plug(t)
			used := later(func() (any, error) { return nil, w.choose(t, l, other, current) })
			eventually(t, "the chosen PIN waits", func() bool { return w.held() == 2 })
			// It is busy again once the chosen PIN is hashed.
			again := later(func() (func(), error) { return w.plug(t), nil })
			eventually(t, "the next one waits", func() bool { return w.held() == 3 })
			free()
			freeAgain, _ := again()
			eventually(t, "the attempt is spent", func() bool { return w.told(audit.TypePINAttempted) > attempts })
			must(t, w.peer().EndPINLinks(t.Context(), w.admin, w.identity, ""))
			freeAgain()
			wants(t, second(used()), service.ErrLinkOver)
			r := w.record(w.identity)
			equal(t, name+": the PIN", r.ID, before.ID)
			equal(t, name+": failures", r.Failures, 1)
			near(t, name+": bucket", r.BucketEmptyAt, 24*time.Hour)
			equal(t, name+": verified", w.told(audit.TypePINVerified)-verified, 0)
		}
	})
}

// An end and a use of a link at the same moment: one of them comes first.
func TestRaceOfALinkWithWhatEndsIt(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b := w.peer()
		for i := range 24 {
			w.customer = pin.CustomerHolder(w.tenant, uuid.New())
			c := w.admin
			key, secret, err := w.MintKey(t.Context(), service.Operator(w.tenant), service.KeySpec{
				Tenant: w.tenant, Scopes: []auth.Scope{auth.ScopePinsWrite}, Name: "dashboard",
			})
			must(t, err)
			c.Principal, err = w.AuthenticateKey(t.Context(), secret.Reveal(), false)
			must(t, err)
			if i%2 == 0 {
				w.setPIN(w.customer, right)
			}
			n := service.NewPINLink{Holder: w.customer, Kind: pin.AdminLink, ExpiresIn: pin.MinAdminLink}
			l, err := w.CreatePINLink(t.Context(), c, n)
			must(t, err)
			before := w.record(w.customer).ID
			used := later(func() (any, error) { return nil, w.choose(t, l, other, "") })
			ended := later(func() (any, error) {
				switch i % 3 {
				case 0:
					return nil, b.EndPINLinks(t.Context(), w.admin, w.customer, pin.AdminLink)
				case 1:
					return nil, b.RevokeKey(t.Context(), service.Operator(w.tenant), key.ID)
				default:
					return b.CreatePINLink(t.Context(), c, n)
				}
			})
			errUsed := second(used())
			must(t, second(ended()))
			v, err := w.PINLink(t.Context(), l.ID)
			must(t, err)
			equal(t, "live", v.Live, false)
			equal(t, "used", v.Used(), errUsed == nil)
			equal(t, "the PIN is another", w.record(w.customer).ID != before, errUsed == nil)
			if errUsed != nil {
				wants(t, errUsed, service.ErrLinkOver)
			}
		}
	})
}
