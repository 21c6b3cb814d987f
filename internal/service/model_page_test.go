package service_test

import (
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/service"
)

// tap sends the form of a confirmation's page. The try counts from the spend on.
func (m *model) tap(id uuid.UUID, digits string, used int) string {
	c := m.confs[id]
	entry := confirmation.Entry{PIN: m.pins[c.Holder], Policy: m.policy, ByPage: true}
	if why := c.CanVerify(entry, m.now()); why != confirmation.None {
		return refusalName(why)
	}
	tried, why := c.TryOnPage(used, m.now())
	if why != confirmation.None {
		return refusalName(why)
	}
	before := m.record(c.Holder)
	settled, outcome := m.guess(c.Holder, digits)
	switch {
	case outcome == "right":
		return m.approve(tried, settled, true)
	case m.record(c.Holder) != before: // an attempt was spent
		m.confs[id] = tried.FailOnPage(m.now())
	}
	return outcome
}

func (m *model) declineOnPage(id uuid.UUID) string {
	switch c := m.confs[id].At(m.now()); c.Status {
	case confirmation.Pending:
		m.confs[id], _ = c.Decline(confirmation.ByHolder, m.now())
		return "done"
	case confirmation.Expired:
		return string(confirmation.HasExpired)
	default:
		return string(confirmation.NotPending)
	}
}

// pageActions are what people do on the pages.
func (c *machine) pageActions() map[string]func(*rapid.T) {
	w, n := c.w, c.service
	tap := func(t *rapid.T, entered string) {
		id := c.conf(t)
		// Most forms are of the page as it is now.
		used := c.confs[id].PageTries - rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "outdated")
		err := n.ConfirmOnPage(w.t.Context(), service.Caller{}, service.PageEntry{
			Confirmation: id, PIN: number(w.t, entered), Used: used,
		})
		c.same(t, "confirm on the page", outcomeName(err), c.tap(id, entered, used))
	}
	return map[string]func(*rapid.T){
		"confirm on the page":      func(t *rapid.T) { tap(t, right) },
		"fail on the page":         func(t *rapid.T) { tap(t, wrong) },
		"fail on the page, thrice": func(t *rapid.T) { tap(t, wrong); tap(t, wrong); tap(t, wrong) },
		"decline on the page": func(t *rapid.T) {
			id := c.conf(t)
			err := n.DeclineOnPage(w.t.Context(), service.Caller{}, id, rapid.Bool().Draw(t, "disputed"))
			c.same(t, "decline on the page", outcomeName(err), c.declineOnPage(id))
		},
	}
}
