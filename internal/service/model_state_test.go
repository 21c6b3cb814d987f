package service_test

import (
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
)

// model is what the service should be, in memory: the nouns' functions and nothing
// else. A record's hash is the PIN itself.
type model struct {
	limits    pin.Limits
	within    time.Duration
	cooling   time.Duration
	selfSetup bool
	policy    policy.Policy
	pins      map[pin.Holder]pin.Record
	sessions  map[uuid.UUID]confirmation.Session
	confs     map[uuid.UUID]confirmation.Confirmation
	asked     []uuid.UUID
	// links are the PIN links, made in this order; using is the one that a guess comes through.
	links map[uuid.UUID]pin.Link
	made  []uuid.UUID
	using uuid.UUID
}

// Every jump of time is of whole minutes, as are all durations of the rules, and a
// check takes less than one; so it does not matter that the model reads another
// clock, a moment later.
func (*model) now() time.Time { return time.Now().UTC() }

func (m *model) elapse(d time.Duration) {
	back := func(times ...*time.Time) {
		for _, t := range times {
			if !t.IsZero() {
				*t = t.Add(-d)
			}
		}
	}
	for h, r := range m.pins {
		back(&r.CreatedAt, &r.CountsFrom, &r.LockedUntil, &r.BucketEmptyAt)
		m.pins[h] = r
	}
	for id, l := range m.links {
		back(&l.CreatedAt, &l.ExpiresAt, &l.EndedAt, &l.UsedAt)
		m.links[id] = l
	}
	for id, s := range m.sessions {
		back(&s.AuthTime)
		m.sessions[id] = s
	}
	for id, c := range m.confs {
		back(&c.CreatedAt, &c.ExpiresAt, &c.EndedAt)
		if c.Approval != nil {
			a := *c.Approval
			back(&a.At, &a.AuthTime)
			c.Approval = &a
		}
		m.confs[id] = c
	}
}

func (m *model) record(h pin.Holder) pin.Record {
	if r, ok := m.pins[h]; ok {
		return r
	}
	return pin.Record{Holder: h}
}

func (m *model) endSessions(h pin.Holder) {
	for id, s := range m.sessions {
		if s.Holder == h {
			delete(m.sessions, id)
		}
	}
}

func (m *model) sessionsOf(h pin.Holder) []confirmation.Session {
	var list []confirmation.Session
	for _, s := range m.sessions {
		if s.Holder == h {
			list = append(list, s)
		}
	}
	return list
}

func (m *model) decline(h pin.Holder, why confirmation.Reason, of ...confirmation.Status) {
	for id, c := range m.confs {
		if c.Holder == h && slices.Contains(of, c.Status) {
			m.confs[id], _ = c.Decline(why, m.now())
		}
	}
}

// changed is a record whose PIN is another one, or gone.
func (m *model) changed(r pin.Record) {
	m.pins[r.Holder] = r
	m.endSessions(r.Holder)
	m.endLinks(r.Holder, "", uuid.Nil)
	m.decline(r.Holder, confirmation.PINChanged, confirmation.Pending, confirmation.Approved)
}

func (m *model) fresh(digits string) pin.Fresh {
	return pin.Fresh{ID: uuid.New(), Hash: digits, At: m.now()}
}

func (m *model) setByAdmin(h pin.Holder, digits string) {
	m.changed(m.record(h).SetByAdmin(m.fresh(digits)))
}

func (m *model) removeByAdmin(h pin.Holder) {
	m.changed(m.record(h).RemoveByAdmin()) // links end even where there was no PIN
}

// The outcomes are named, so that those of model and service are compared as text.
func unusableName(s pin.State) string { return "PIN " + string(s) }

func wrongName(remaining int, locked bool) string {
	return "wrong, remaining " + strconv.Itoa(remaining) + ", locked " + strconv.FormatBool(locked)
}

func (m *model) removeByRuntime(h pin.Holder) string {
	r := m.record(h)
	switch s := r.State(m.now()); s {
	case pin.Inactive, pin.Locked:
		return unusableName(s)
	case pin.NotSet, pin.CoolingOff, pin.Ready:
	}
	if r.ID == uuid.Nil { // links end even where there was no PIN
		m.endLinks(h, "", uuid.Nil)
		return "done"
	}
	m.changed(r.RemoveByRuntime())
	return "done"
}

func (m *model) setByRuntime(h pin.Holder, digits, current string) string {
	r := m.record(h)
	switch {
	case r.ID != uuid.Nil && current == "":
		return "current PIN missing"
	case !m.policy.AcceptsOffPage():
		return string(confirmation.IsPageOnly)
	case r.ID == uuid.Nil:
		m.changed(r.SetByRuntime(m.fresh(digits), m.cooling))
		return "done"
	}
	settled, outcome := m.guess(h, current)
	if outcome == "right" {
		m.changed(settled.SetByRuntime(m.fresh(digits), m.cooling))
		outcome = "done"
	}
	return outcome
}

// setOwn sets a PIN as its holder does with a token of their own.
func (m *model) setOwn(h pin.Holder, digits, current string) string {
	r := m.record(h)
	fresh := m.fresh(digits)
	fresh.Own = true
	state := r.State(m.now())
	switch {
	case r.ID == uuid.Nil && !m.selfSetup:
		return pinNotSet
	case r.ID == uuid.Nil:
		m.changed(r.SetByRuntime(fresh, m.cooling))
		return "done"
	case current == "":
		return "current PIN missing"
	case current == digits:
		return pinUnchanged
	case state == pin.Inactive || state == pin.Locked:
		return unusableName(state)
	}
	settled, outcome := m.guess(h, current)
	if outcome != "right" {
		return outcome
	}
	m.changed(settled.SetByRuntime(fresh, m.cooling))
	return "done"
}

// guess spends and looks, and returns the settled record of a right guess, which is
// not stored yet.
func (m *model) guess(h pin.Holder, digits string) (pin.Record, string) {
	now := m.now()
	spent, ticket, state := m.record(h).Spend(m.limits, now)
	if state != pin.Ready {
		return spent, unusableName(state)
	}
	m.pins[h] = spent
	if ticket.Effect != pin.NoEffect {
		m.endSessions(h)
	}
	if ticket.Effect == pin.Deactivates {
		m.endLinks(h, "", m.using)
	}
	if digits != ticket.Hash {
		n, until := spent.Remaining(m.limits, now)
		return spent, wrongName(n, !until.IsZero())
	}
	settled, ok := spent.SettleCorrect(ticket)
	if !ok {
		return spent, "changed"
	}
	return settled, "right"
}

func (m *model) ask(q confirmation.Question) (confirmation.Confirmation, string) {
	now := m.now()
	for _, c := range m.confs {
		if q.IdempotencyKey != "" && c.IdempotencyKey == q.IdempotencyKey {
			if !c.Same(q) {
				return confirmation.Confirmation{}, "conflict"
			}
			return c, "held"
		}
	}
	switch d := confirmation.Decide(q, m.policy, m.record(q.Holder), m.sessionsOf(q.Holder), now); d.Status {
	case confirmation.Pending:
		return confirmation.Ask(q, uuid.Nil, now), "created"
	case confirmation.Approved:
		c, _ := confirmation.Ask(q, uuid.Nil, now).Approve(d.Reason, confirmation.Approval{
			At: now, PINID: d.Session.PINID, LockEpoch: d.Session.LockEpoch,
			AuthTime: d.Session.AuthTime, Session: d.Session.ID,
		}, m.within)
		return c, "created"
	default:
		return confirmation.Unstored(q, d.Status, d.Reason), "unstored"
	}
}

func refusalName(r confirmation.Refusal) string {
	if r == confirmation.None {
		return "done"
	}
	return string(r)
}

func (m *model) verify(id uuid.UUID, digits string) string {
	c := m.confs[id]
	if why := c.CanVerify(confirmation.Entry{PIN: m.pins[c.Holder], Policy: m.policy}, m.now()); why != confirmation.None {
		return refusalName(why)
	}
	settled, outcome := m.guess(c.Holder, digits)
	if outcome != "right" {
		return outcome
	}
	return m.approve(c, settled, false)
}

// approve approves a confirmation and what its session covers.
func (m *model) approve(c confirmation.Confirmation, settled pin.Record, byPage bool) string {
	now := m.now()
	m.pins[c.Holder] = settled
	a := confirmation.Approval{At: now, PINID: settled.ID, LockEpoch: settled.LockEpoch, AuthTime: now, ByPage: byPage}
	opening := confirmation.Opening{ID: uuid.New(), At: now, ByPage: byPage}
	if s, ok := confirmation.Open(c, m.policy, settled, opening); ok {
		m.sessions[s.ID], a.Session = s, s.ID
	}
	next, why := c.Approve(confirmation.ByPIN, a, m.within)
	m.confs[c.ID] = next
	for other, o := range m.confs {
		if s := m.sessions[a.Session]; a.Session != uuid.Nil && s.Covers(o, now) {
			m.confs[other], _ = o.Approve(confirmation.BySession, s.Approval(now), m.within)
		}
	}
	return refusalName(why)
}

func (m *model) redeem(id uuid.UUID, p confirmation.Proof) string {
	c := m.confs[id]
	facts := confirmation.Facts{PIN: m.record(c.Holder), Policy: m.policy, Session: m.approving(c)}
	next, why := c.Redeem(p, facts, m.now())
	m.confs[id] = next
	return refusalName(why)
}

// approving is the session of an approval, or nil.
func (m *model) approving(c confirmation.Confirmation) *confirmation.Session {
	if c.Approval == nil {
		return nil
	}
	s, ok := m.sessions[c.Approval.Session]
	if !ok {
		return nil
	}
	return &s
}

func (m *model) declineOne(id uuid.UUID) string {
	next, why := m.confs[id].Decline(confirmation.ByRuntime, m.now())
	if why == confirmation.None {
		m.confs[id] = next
	}
	return refusalName(why)
}

func (m *model) lockNow(h pin.Holder) {
	m.endSessions(h)
	m.decline(h, confirmation.SessionEnded, confirmation.Approved)
}

// sweep forgets the sessions that nobody looks at any more; what has expired reads
// so anyway.
func (m *model) sweep() {
	for id, s := range m.sessions {
		if m.now().Sub(s.AuthTime) > policy.MaxSessionTTLMinutes*time.Minute {
			delete(m.sessions, id)
		}
	}
}
