package confirmation

import (
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
)

// Session is the time after a correct PIN in which the same holder, in the same
// role, is not asked again on that instance.
type Session struct {
	ID        uuid.UUID
	Instance  uuid.UUID
	Holder    pin.Holder
	Role      policy.Role
	PINID     uuid.UUID
	LockEpoch int64
	// FreezeEpoch is the policy's at its opening.
	FreezeEpoch int64
	// AuthTime is when the PIN was entered, ByPage whether on the person's page.
	AuthTime time.Time
	ByPage   bool
	// TTL is the policy's at that time.
	TTL time.Duration
}

// SessionRef names one session of a tenant.
type SessionRef struct{ Tenant, ID uuid.UUID }

// Until returns when the session ends: the earlier of the TTL at its opening and
// the TTL now. Lowering works at once; raising again gives back at most what the
// session first had.
func (s Session) Until(p policy.Policy) time.Time {
	return s.AuthTime.Add(min(s.TTL, p.SessionTTL()))
}

// Live says whether the session stands for a PIN of role at now.
func (s Session) Live(role policy.Role, p policy.Policy, r pin.Record, now time.Time) bool {
	return s.Role == role && s.Holder == r.Holder && s.Instance == p.Instance &&
		r.State(now) == pin.Ready && s.PINID == r.ID && s.LockEpoch == r.LockEpoch &&
		countsUnder(p, r, s.ByPage) &&
		!p.Frozen && s.FreezeEpoch == p.FreezeEpoch && now.Before(s.Until(p))
}

// Approval returns the approval at now that rests on the session.
func (s Session) Approval(now time.Time) Approval {
	return Approval{
		At: now, PINID: s.PINID, LockEpoch: s.LockEpoch, FreezeEpoch: s.FreezeEpoch,
		AuthTime: s.AuthTime, ByPage: s.ByPage, Session: s.ID,
	}
}

// Opening is the session that a PIN opens: its id, when the PIN was entered, and whether
// on the person's page.
type Opening struct {
	ID     uuid.UUID
	At     time.Time
	ByPage bool
}

// Open returns the session that a correct PIN opens for a confirmation, or false:
// an action is confirmed for itself and opens none, nor does a TTL of 0.
func Open(c Confirmation, p policy.Policy, r pin.Record, o Opening) (Session, bool) {
	if c.Action != nil || p.SessionTTL() <= 0 {
		return Session{}, false
	}
	return Session{
		ID: o.ID, Instance: c.Instance, Holder: c.Holder, Role: c.Role,
		PINID: r.ID, LockEpoch: r.LockEpoch, FreezeEpoch: p.FreezeEpoch,
		AuthTime: o.At, ByPage: o.ByPage, TTL: p.SessionTTL(),
	}, true
}

// Covers says whether the session that a PIN has just opened approves another
// confirmation too: a pending one of the same holder, instance and role, without an
// action.
func (s Session) Covers(c Confirmation, now time.Time) bool {
	return c.Action == nil && c.Holder == s.Holder && c.Instance == s.Instance && c.Role == s.Role &&
		c.notPending(now) == None
}

// Best returns the live session that lasts longest, or nil.
func Best(sessions []Session, role policy.Role, p policy.Policy, r pin.Record, now time.Time) *Session {
	var best *Session
	for i := range sessions {
		s := &sessions[i]
		if s.Live(role, p, r, now) && (best == nil || best.Until(p).Before(s.Until(p))) {
			best = s
		}
	}
	return best
}

// Decision is what asking leads to.
type Decision struct {
	Status Status
	Reason Reason
	// Session is the live session that approves; nil otherwise.
	Session *Session
}

// Decide answers a question by policy, PIN and live sessions.
func Decide(q Question, p policy.Policy, r pin.Record, sessions []Session, now time.Time) Decision {
	switch policy.Decide(p, q.Role, q.Skill) {
	case policy.Frozen:
		return Decision{Status: Blocked, Reason: Frozen}
	case policy.RoleExcluded:
		return Decision{Status: NotRequired, Reason: RoleExcluded}
	case policy.SkillNotListed:
		return Decision{Status: NotRequired, Reason: SkillNotListed}
	case policy.Required:
	}
	switch r.State(now) {
	case pin.NotSet:
		return Decision{Status: Blocked, Reason: PINNotSet}
	case pin.Inactive:
		return Decision{Status: Blocked, Reason: PINInactive}
	case pin.Locked:
		return Decision{Status: Blocked, Reason: PINLocked}
	case pin.CoolingOff:
		return Decision{Status: Blocked, Reason: PINCoolingOff}
	case pin.Ready:
	}
	if p.MustBeOwn && r.Setter() != pin.ByHolder {
		return Decision{Status: Blocked, Reason: PINNotOwn}
	}
	if q.Action == nil {
		if s := Best(sessions, q.Role, p, r, now); s != nil {
			return Decision{Status: Approved, Reason: BySession, Session: s}
		}
	}
	return Decision{Status: Pending}
}
