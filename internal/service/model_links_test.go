package service_test

import (
	"errors"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
)

const (
	linkOver     = "the link is over"
	pinUnchanged = "PIN unchanged"
	pinNotSet    = "PIN not set"
)

// endLinks ends the links of a holder of a kind, or with the empty kind all, but one.
func (m *model) endLinks(h pin.Holder, kind pin.LinkKind, except uuid.UUID) {
	for id, l := range m.links {
		if l.Holder == h && id != except && (kind == "" || l.Kind == kind) {
			m.links[id] = l.End(m.now())
		}
	}
}

// choose sets the PIN that was chosen with a link.
func (m *model) choose(id uuid.UUID, digits, current string) string {
	l := m.links[id]
	if !l.Live(m.now()) {
		return linkOver
	}
	m.using = id
	defer func() { m.using = uuid.Nil }()
	r := m.record(l.Holder)
	fresh := m.fresh(digits)
	fresh.Own = true
	state := r.State(m.now())
	unusable := state == pin.Inactive || state == pin.Locked
	switch {
	case l.NeedsCurrent(r) && current == "":
		return "current PIN missing"
	case l.NeedsCurrent(r) && current == digits:
		return pinUnchanged
	case l.NeedsCurrent(r) && unusable:
		return unusableName(state)
	case l.NeedsCurrent(r):
		settled, outcome := m.guess(l.Holder, current)
		switch {
		case outcome == "right":
			m.changed(settled.SetByRuntime(fresh, m.cooling))
			return "done"
		case m.record(l.Holder).Inactive:
			m.endLinks(l.Holder, "", uuid.Nil)
		}
		return outcome
	case l.Kind == pin.RuntimeLink:
		m.changed(r.SetByRuntime(fresh, m.cooling))
		return "done"
	case r.ID != uuid.Nil && !unusable: // an admin's link: it must be another PIN
		settled, outcome := m.guess(l.Holder, digits)
		if outcome == "right" {
			m.pins[l.Holder] = settled
			return pinUnchanged
		}
	}
	m.changed(m.record(l.Holder).SetByAdmin(fresh))
	return "done"
}

// linkActions create, end and use PIN links.
func (c *machine) linkActions() map[string]func(*rapid.T) {
	w, n := c.w, c.service
	ctx := w.t.Context()
	kind := func(t *rapid.T) pin.LinkKind {
		return rapid.SampledFrom([]pin.LinkKind{pin.AdminLink, pin.RuntimeLink}).Draw(t, "kind")
	}
	return map[string]func(*rapid.T){
		"create a link": func(t *rapid.T) {
			minutes := rapid.SampledFrom([]int{5, 60}).Draw(t, "minutes")
			asked := service.NewPINLink{Holder: c.holder(t), Kind: kind(t), ExpiresIn: time.Duration(minutes) * time.Minute}
			l, err := n.CreatePINLink(ctx, w.admin, asked)
			c.same(t, "create a link", outcomeName(err), "done")
			c.endLinks(asked.Holder, asked.Kind, uuid.Nil)
			now := c.now()
			c.links[l.ID] = pin.Link{
				ID: l.ID, Holder: asked.Holder, Kind: asked.Kind, CreatedAt: now, ExpiresAt: now.Add(asked.ExpiresIn),
			}
			c.made = append(c.made, l.ID)
		},
		"end the links": func(t *rapid.T) {
			h, which := c.holder(t), kind(t)
			c.same(t, "end the links", outcomeName(n.EndPINLinks(ctx, w.admin, h, which)), "done")
			c.endLinks(h, which, uuid.Nil)
		},
		"use a link": func(t *rapid.T) {
			last := c.made[max(0, len(c.made)-3):]
			if len(last) == 0 {
				return
			}
			id := rapid.SampledFrom(last).Draw(t, "link")
			d, current := digits(t, "digits"), digits(t, "current", "", wrong)
			choice := service.LinkChoice{Link: id, NewPIN: service.NewPIN{PIN: number(w.t, d)}}
			if current != "" {
				choice.Current = new(number(w.t, current))
			}
			err := n.SetPINByLink(ctx, service.Caller{}, choice)
			want := c.choose(id, d, current)
			if want == linkOver && errors.Is(err, service.ErrNotFound) { // swept
				return
			}
			c.same(t, "use a link", outcomeName(err), want)
		},
	}
}
