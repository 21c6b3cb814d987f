// Package confirmation holds the rules of confirmations: the question whether a
// skill may run now, what may become of it, and the sessions that one correct PIN
// opens. Every transition is a pure function that returns the new record; the
// package knows no store, no signer and no transport. What it does not know, it
// refuses.
package confirmation

import (
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
)

// Status is where a confirmation stands.
type Status string

// The statuses. NotRequired and Blocked are answers that are never stored.
const (
	NotRequired Status = "not_required"
	Pending     Status = "pending"
	Approved    Status = "approved"
	Blocked     Status = "blocked"
	Declined    Status = "declined"
	Expired     Status = "expired"
	Redeemed    Status = "redeemed"
)

// Reason says why a confirmation has its status.
type Reason string

// The reasons, as they are on the wire. PINNotOwn, ByHolder and WrongPIN belong to
// the person's pages.
const (
	NoReason       Reason = ""
	RoleExcluded   Reason = "role_excluded"
	SkillNotListed Reason = "skill_not_listed"
	ByPIN          Reason = "pin"
	BySession      Reason = "session"
	PINNotSet      Reason = "pin_not_set"
	PINInactive    Reason = "pin_inactive"
	PINLocked      Reason = "pin_locked"
	PINCoolingOff  Reason = "pin_cooling_off"
	PINNotOwn      Reason = "pin_not_own"
	Frozen         Reason = "frozen"
	ByRuntime      Reason = "runtime"
	ByHolder       Reason = "holder"
	WrongPIN       Reason = "wrong_pin"
	PINChanged     Reason = "pin_changed"
	SessionEnded   Reason = "session_ended"
)

// The bounds and defaults of requests.
const (
	MinLifetime      = time.Second
	DefaultLifetime  = 300 * time.Second
	MaxLifetime      = 86400 * time.Second
	MaxSummaryLength = 500
	// MaxKeyLength is how long an idempotency key or a call key may be.
	MaxKeyLength = 64
	// MaxPending and MaxApproved are how many pending confirmations, and how many that
	// are approved and not redeemed, a holder may have on one instance when it asks.
	MaxPending  = 50
	MaxApproved = 100
	// MaxWait is how long one read may wait for an outcome.
	MaxWait = 30 * time.Second
	// DefaultPage and MaxPage are how many confirmations one page of a list has at most.
	DefaultPage = 20
	MaxPage     = 100
	// MaxPageTries is how many tries a confirmation takes on its page.
	MaxPageTries = 3
)

// Action is what exactly is to be done, confirmed for itself.
type Action struct {
	// Summary is what the person is shown.
	Summary string
	// Params are the canonical parameters (RFC 8785).
	Params []byte
	// Digest is "sha-256:" and the hexadecimal SHA-256 of Params.
	Digest string
}

// Question is what a runtime asks.
type Question struct {
	Holder   pin.Holder
	Instance uuid.UUID
	Role     policy.Role
	Skill    string
	Action   *Action
	Lifetime time.Duration
	// IdempotencyKey is unique within the instance; empty for none.
	IdempotencyKey string
	// CallKey is unique within the instance while a confirmation holds it; empty for
	// none. Not both keys are given.
	CallKey string
}

// HasKey says whether the question has a key that finds it again.
func (q Question) HasKey() bool { return q.IdempotencyKey != "" || q.CallKey != "" }

// Same says whether two questions ask the same: holder, role, skill, action and
// lifetime.
func (q Question) Same(other Question) bool {
	return q.Holder == other.Holder && q.Instance == other.Instance && q.Role == other.Role &&
		policy.SameSkill(q.Skill, other.Skill) && q.Lifetime == other.Lifetime &&
		sameAction(q.Action, other.Action)
}

func sameAction(a, b *Action) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Summary == b.Summary && a.Digest == b.Digest
}

// Confirmation is one question and what became of it. All times are UTC with
// microseconds; a zero time is "none".
type Confirmation struct {
	ID uuid.UUID // uuid.Nil: an answer that is not stored
	Question
	Status    Status
	Reason    Reason
	CreatedAt time.Time
	ExpiresAt time.Time
	// EndedAt is when the confirmation reached a final status.
	EndedAt time.Time
	// Approval is what the approval rests on; nil until approved.
	Approval *Approval
	// Receipt is the signed proof of the approval; empty until approved.
	Receipt string
	// RedeemID is the random id of the redeem that used the approval up; uuid.Nil
	// until redeemed.
	RedeemID uuid.UUID
	// PageTries counts the tries that were spent on the page, PageFailures those of them
	// that were incorrect.
	PageTries, PageFailures int
	// Outcome is what the runtime reported of the skill; zero until reported.
	Outcome Outcome
}

// Ref names one confirmation of an instance.
type Ref struct {
	policy.Instance
	ID uuid.UUID
}

// Ref returns the name of a stored confirmation.
func (c Confirmation) Ref() Ref {
	return Ref{Instance: policy.Instance{Tenant: c.Holder.Tenant, ID: c.Instance}, ID: c.ID}
}

// OpenCounts says how many confirmations of a holder are open on an instance.
type OpenCounts struct {
	Pending, Approved int
	// FirstPending is when the first of the pending ones expires; zero for none.
	// FirstApproved is the same for the approved ones.
	FirstPending, FirstApproved time.Time
}

// Approval is what a redeem looks at again.
type Approval struct {
	At time.Time
	// Attempt is the spent attempt whose PIN approved; uuid.Nil for a session.
	Attempt   uuid.UUID
	PINID     uuid.UUID
	LockEpoch int64
	// FreezeEpoch is the policy's at the approval.
	FreezeEpoch int64
	// AuthTime is when the PIN was entered, ByPage whether on the person's page.
	AuthTime time.Time
	ByPage   bool
	// Session is the session that approved, or that the PIN opened; uuid.Nil for
	// none.
	Session uuid.UUID
}

// Unstored returns an answer that needs no row: not required, or blocked.
func Unstored(q Question, s Status, r Reason) Confirmation {
	return Confirmation{Question: q, Status: s, Reason: r}
}

// Ask returns the pending confirmation of a question.
func Ask(q Question, id uuid.UUID, now time.Time) Confirmation {
	return Confirmation{ID: id, Question: q, Status: Pending, CreatedAt: now, ExpiresAt: now.Add(q.Lifetime)}
}

// At returns the confirmation as it reads at now: what has run out is expired,
// whether or not anything has swept it.
func (c Confirmation) At(now time.Time) Confirmation {
	if (c.Status == Pending || c.Status == Approved) && !now.Before(c.ExpiresAt) {
		c.Status, c.Reason, c.EndedAt = Expired, NoReason, c.ExpiresAt
	}
	return c
}

// HoldsCallKey says whether the confirmation holds its call key at now: while it is
// pending or approved, and when its holder declined it, until it would have expired.
func (c Confirmation) HoldsCallKey(now time.Time) bool {
	if c.CallKey == "" || !now.Before(c.ExpiresAt) {
		return false
	}
	return c.Status == Pending || c.Status == Approved || c.Status == Declined && c.Reason == ByHolder
}

// Waiting says whether the answer is still open at now.
func (c Confirmation) Waiting(now time.Time) bool { return c.At(now).Status == Pending }

// Refusal says why a transition did not happen.
type Refusal string

// The refusals. None is "it happened".
const (
	None            Refusal = ""
	NotPending      Refusal = "not-pending"
	NotApproved     Refusal = "not-approved"
	HasExpired      Refusal = "expired"
	AlreadyRedeemed Refusal = "already-redeemed"
	ParamsMismatch  Refusal = "params-mismatch"
	Changed         Refusal = "changed-since-approval"
	IsFrozen        Refusal = "frozen"
	IsPageOnly      Refusal = "page-only"
	IsNotOwn        Refusal = "pin-not-own"
	NotRedeemed     Refusal = "not-redeemed"
	OutcomeAlready  Refusal = "outcome-already-set"
	NoTriesLeft     Refusal = "no-tries-left"
	IsOutdated      Refusal = "outdated"
)

// Entry is a PIN that is about to be entered: whose, under which policy, and whether on
// the person's page.
type Entry struct {
	PIN    pin.Record
	Policy policy.Policy
	ByPage bool
}

// CanVerify says why no PIN may be spent on the confirmation, if so.
func (c Confirmation) CanVerify(e Entry, now time.Time) Refusal {
	if e.Policy.Frozen {
		return IsFrozen
	}
	if why := c.notPending(now); why != None {
		return why
	}
	return e.refused()
}

// refused says why the policy does not let the PIN be entered here, if so.
func (e Entry) refused() Refusal {
	switch {
	case !e.ByPage && !e.Policy.AcceptsOffPage():
		return IsPageOnly
	case e.Policy.MustBeOwn && e.PIN.ID != uuid.Nil && e.PIN.Setter() != pin.ByHolder:
		return IsNotOwn
	default:
		return None
	}
}

// countsUnder says whether a PIN that was entered counts under the policy as it is now.
func countsUnder(p policy.Policy, r pin.Record, byPage bool) bool {
	return Entry{PIN: r, Policy: p, ByPage: byPage}.refused() == None
}

// TriesLeft is how many tries the page has left.
func (c Confirmation) TriesLeft() int { return max(0, MaxPageTries-c.PageTries) }

// TryOnPage takes one of the page's tries of a pending confirmation. used is the number
// that the form carried: with another than the confirmation's it was sent before.
func (c Confirmation) TryOnPage(used int, now time.Time) (Confirmation, Refusal) {
	switch why := c.notPending(now); {
	case why != None:
		return c, why
	case c.TriesLeft() == 0:
		return c, NoTriesLeft
	case c.PageTries != used:
		return c, IsOutdated
	}
	c.PageTries++
	return c, None
}

// FailOnPage records that a try of the page was incorrect: the last one declines.
func (c Confirmation) FailOnPage(now time.Time) Confirmation {
	if c.notPending(now) != None {
		return c
	}
	if c.PageFailures++; c.PageFailures >= MaxPageTries {
		c.Status, c.Reason, c.EndedAt = Declined, WrongPIN, now
	}
	return c
}

// notPending says why the confirmation is not pending, if so.
func (c Confirmation) notPending(now time.Time) Refusal {
	switch c.At(now).Status {
	case Pending:
		return None
	case Expired:
		return HasExpired
	default:
		return NotPending
	}
}

// Approve moves a pending confirmation to approved. It stays redeemable for
// within. Only a PIN or a session approves, and an action only a PIN: any other
// reason is [NotApproved].
func (c Confirmation) Approve(reason Reason, a Approval, within time.Duration) (Confirmation, Refusal) {
	if r := c.notPending(a.At); r != None {
		return c, r
	}
	if reason != ByPIN && (reason != BySession || c.Action != nil) {
		return c, NotApproved
	}
	c.Status, c.Reason, c.Approval, c.ExpiresAt = Approved, reason, &a, a.At.Add(within)
	return c, None
}

// Decline ends a pending or approved confirmation. Declining what is declined
// changes nothing.
func (c Confirmation) Decline(reason Reason, now time.Time) (Confirmation, Refusal) {
	c = c.At(now)
	switch c.Status {
	case Pending, Approved:
		c.Status, c.Reason, c.EndedAt = Declined, reason, now
		return c, None
	case Declined:
		return c, None
	case Expired:
		return c, HasExpired
	case Redeemed:
		return c, AlreadyRedeemed
	default:
		return c, NotPending
	}
}

// Proof is what a redeem shows of what is about to run.
type Proof struct {
	// Skill is empty where the caller did not say.
	Skill string
	// Digest is the digest of the canonical params; empty for none.
	Digest string
}

// Facts are the things as they are at the redeem.
type Facts struct {
	PIN pin.Record
	// Session is the session of the approval; nil when it is gone.
	Session *Session
	Policy  policy.Policy
}

// CanRedeem says why a redeem cannot succeed, whatever the approval rests on; None
// where that decides.
func (c Confirmation) CanRedeem(proof Proof, p policy.Policy, now time.Time) Refusal {
	if p.Frozen {
		return IsFrozen
	}
	switch c.At(now).Status {
	case Approved:
	case Expired:
		return HasExpired
	case Redeemed:
		return AlreadyRedeemed
	default:
		return NotApproved
	}
	if proof.Skill != "" && !policy.SameSkill(proof.Skill, c.Skill) || proof.Digest != c.ActionDigest() {
		return ParamsMismatch
	}
	return None
}

// Redeem uses the approval up, once. A refusal consumes nothing.
func (c Confirmation) Redeem(p Proof, f Facts, now time.Time) (Confirmation, Refusal) {
	if why := c.CanRedeem(p, f.Policy, now); why != None {
		return c, why
	}
	if !c.holds(f, now) {
		return c, Changed
	}
	c.Status, c.Reason, c.EndedAt = Redeemed, NoReason, now
	return c, None
}

// ActionDigest returns the digest of the action that was asked for, or "".
func (c Confirmation) ActionDigest() string {
	if c.Action == nil {
		return ""
	}
	return c.Action.Digest
}

// holds says whether the approval still rests on what it rested on.
func (c Confirmation) holds(f Facts, now time.Time) bool {
	a := c.Approval
	if a == nil || f.PIN.State(now) != pin.Ready || f.PIN.ID != a.PINID || f.PIN.LockEpoch != a.LockEpoch ||
		a.FreezeEpoch != f.Policy.FreezeEpoch || !countsUnder(f.Policy, f.PIN, a.ByPage) {
		return false
	}
	switch c.Reason {
	case ByPIN:
		return true
	case BySession:
		return c.Action == nil && f.Session != nil && f.Session.ID == a.Session && f.Session.Live(c.Role, f.Policy, f.PIN, now)
	default:
		return false
	}
}
