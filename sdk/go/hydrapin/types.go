package hydrapin

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/internal/client"
)

// HolderType says whether a holder is a customer or a channel identity.
type HolderType string

// The types of holders.
const (
	HolderCustomer HolderType = "customer"
	HolderIdentity HolderType = "identity"
)

// Holder is the person who has a PIN. The same UUID as a customer and as an identity is two
// holders.
type Holder struct {
	Type HolderType
	ID   uuid.UUID
}

// Customer returns the holder for a customer of the tenant.
func Customer(id uuid.UUID) Holder { return Holder{HolderCustomer, id} }

// Identity returns the holder for a channel identity of the runtime's instance.
func Identity(id uuid.UUID) Holder { return Holder{HolderIdentity, id} }

// ids returns the holder as the two fields of a request.
func (h Holder) ids() (customer, identity *uuid.UUID, err error) {
	switch h.Type {
	case HolderCustomer:
		return &h.ID, nil, nil
	case HolderIdentity:
		return nil, &h.ID, nil
	default:
		return nil, nil, fmt.Errorf("%w: a holder is made with Customer or Identity", ErrArgument)
	}
}

// Role says how the holder uses the instance.
type Role string

// The roles.
const (
	RoleOwner    Role = "owner"
	RoleCustomer Role = "customer"
)

// Status is the state of a confirmation.
type Status string

// The statuses.
const (
	StatusNotRequired Status = "not_required" // the policy asks for no PIN, at this moment; has no ID
	StatusPending     Status = "pending"      // the holder has to enter the PIN
	StatusApproved    Status = "approved"     // confirmed; redeem it as the skill runs
	StatusBlocked     Status = "blocked"      // the PIN that is needed cannot be used; has no ID
	StatusDeclined    Status = "declined"
	StatusExpired     Status = "expired"
	StatusRedeemed    Status = "redeemed" // used up
)

// Reason says why a confirmation has its status; "" if the status needs no explanation. A server that
// is newer than this package may send other reasons.
type Reason string

// The reasons, in the order of the statuses.
const (
	ReasonRoleExcluded   Reason = "role_excluded"    // not_required: the policy leaves the role out
	ReasonSkillNotListed Reason = "skill_not_listed" // not_required: the policy does not list the skill
	ReasonPIN            Reason = "pin"              // approved: a PIN for this very question
	ReasonSession        Reason = "session"          // approved: an earlier PIN, within its session
	ReasonFrozen         Reason = "frozen"           // blocked or declined: an admin froze the instance or the tenant
	ReasonPINNotSet      Reason = "pin_not_set"      // blocked
	ReasonPINInactive    Reason = "pin_inactive"     // blocked, until an admin unlocks
	ReasonPINLocked      Reason = "pin_locked"       // blocked, until LockedUntil
	ReasonPINCoolingOff  Reason = "pin_cooling_off"  // blocked: the PIN is too new after a runtime removed one
	ReasonPINNotOwn      Reason = "pin_not_own"      // blocked: the holder has to set a PIN of their own
	ReasonRuntime        Reason = "runtime"          // declined by [Runtime.Decline]
	ReasonHolder         Reason = "holder"           // declined by the holder
	ReasonWrongPIN       Reason = "wrong_pin"        // declined: too many incorrect PINs
	ReasonPINChanged     Reason = "pin_changed"      // declined: the PIN was set or removed
	ReasonSessionEnded   Reason = "session_ended"    // declined by [Runtime.EndSessions]
)

// Outcome is what became of a skill whose confirmation was redeemed. It is the runtime's claim.
type Outcome string

// The outcomes.
const (
	OutcomeExecuted Outcome = "executed"
	OutcomeFailed   Outcome = "failed"
	OutcomeUnknown  Outcome = "unknown" // can become one of the others once
)

// Confirmation is one question, "may this skill run now?", and its outcome.
type Confirmation struct {
	// ID is uuid.Nil if no confirmation is stored: not_required and blocked.
	ID     uuid.UUID
	Status Status
	Reason Reason
	Skill  string
	Role   Role
	Holder Holder
	// ActionSummary is the text that the person sees, and ActionDigest the digest of the canonical
	// params. Both are "" without an action.
	ActionSummary string
	ActionDigest  string
	CreatedAt     time.Time
	// ExpiresAt is until when it can be verified or, once it is approved, redeemed.
	ExpiresAt time.Time
	// SessionExpiresAt is when the session ends that approved it, or that its PIN opened; zero
	// without one.
	SessionExpiresAt time.Time
	// AttemptsRemaining is how many attempts are left before the PIN is locked or deactivated,
	// while pending or blocked; otherwise nil.
	AttemptsRemaining *int
	// LockedUntil is when the lock of the PIN ends, while pending or blocked; zero if the PIN is
	// not locked.
	LockedUntil time.Time
	// ConfirmURL is the page where the holder can enter the PIN; "" if there is none.
	ConfirmURL string
	// Outcome is what the runtime reported after it was redeemed, and OutcomeAt when; "" and zero
	// before.
	Outcome   Outcome
	OutcomeAt time.Time
	// Receipt is the signed proof of the approval, while approved.
	Receipt Receipt
}

// fromConfirmation refuses an answer that this package does not recognise or that contradicts
// itself: an answer that is only half understood must not allow a skill to run.
func fromConfirmation(w client.Confirmation) (Confirmation, error) {
	c := Confirmation{
		Status: Status(w.Status), Reason: Reason(valueOf((*string)(w.Reason))), Skill: w.Skill, Role: Role(w.Role),
		ActionSummary: valueOf(w.ActionSummary), ActionDigest: valueOf(w.ActionDigest),
		CreatedAt: timeOf(w.CreatedAt), ExpiresAt: timeOf(w.ExpiresAt), SessionExpiresAt: timeOf(w.SessionExpiresAt),
		AttemptsRemaining: w.AttemptsRemaining, LockedUntil: timeOf(w.LockedUntil), ConfirmURL: valueOf(w.ConfirmUrl),
		Outcome: Outcome(valueOf((*string)(w.Outcome))), OutcomeAt: timeOf(w.OutcomeAt),
	}
	if w.Receipt != nil {
		c.Receipt = Receipt{hide(*w.Receipt)}
	}
	if w.Id != nil {
		c.ID = *w.Id
	}
	switch {
	case w.CustomerId != nil && w.IdentityId == nil:
		c.Holder = Customer(*w.CustomerId)
	case w.IdentityId != nil && w.CustomerId == nil:
		c.Holder = Identity(*w.IdentityId)
	default:
		return Confirmation{}, errors.New("not exactly one holder")
	}
	if c.Role != RoleOwner && c.Role != RoleCustomer {
		return Confirmation{}, errors.New("an unknown role")
	}
	switch c.Status {
	case StatusNotRequired, StatusPending, StatusApproved, StatusBlocked, StatusDeclined, StatusExpired, StatusRedeemed:
	default:
		return Confirmation{}, errors.New("an unknown status")
	}
	if stored := c.Status != StatusNotRequired && c.Status != StatusBlocked; stored != (c.ID != uuid.Nil) {
		return Confirmation{}, errors.New("a status and an id that contradict each other")
	}
	return c, nil
}

// Decision says whether asking would need a PIN, at this moment.
type Decision struct {
	Required bool
	// Reason is [ReasonRoleExcluded] or [ReasonSkillNotListed] if no PIN is needed, and
	// [ReasonFrozen] while nothing may run.
	Reason Reason
}

func fromDecision(w client.PinPolicyDecision) (Decision, error) {
	return Decision{Required: w.Required, Reason: Reason(valueOf((*string)(w.Reason)))}, nil
}

// Freeze says whether a tenant or an instance is frozen, since when, by whom and why.
type Freeze struct {
	Frozen bool
	Since  time.Time
	By     string
	Reason string
}

func fromFreeze(w client.Freeze) (Freeze, error) {
	return Freeze{Frozen: w.Frozen, Since: timeOf(w.Since), By: valueOf(w.By), Reason: valueOf(w.Reason)}, nil
}

// PINStatus is the state of a PIN. It never contains the PIN itself.
type PINStatus struct {
	// HasPIN says whether a PIN is set.
	HasPIN bool
	// Active says whether a PIN is set and not deactivated. A lock does not change it.
	Active bool
	// Locked says whether the PIN is temporarily locked after incorrect attempts, and LockedUntil
	// until when; zero if it is not locked.
	Locked      bool
	LockedUntil time.Time
	// CreatedAt is when the current PIN was set; zero if no PIN is set.
	CreatedAt time.Time
	// SetBy is who set the current PIN; "" if no PIN is set.
	SetBy SetBy
}

// SetBy says who set a PIN. A server that is newer than this package may send other values.
type SetBy string

// Who can set a PIN.
const (
	SetByAdmin   SetBy = "admin"
	SetByRuntime SetBy = "runtime"
	SetByHolder  SetBy = "holder" // entered by the person: through a PIN link or with their own token
)

func fromPINStatus(w client.PinStatus) (PINStatus, error) {
	return PINStatus{
		HasPIN: w.HasPin, Active: w.IsActive, Locked: w.IsLocked,
		LockedUntil: timeOf(w.LockedUntil), CreatedAt: timeOf(w.CreatedAt),
		SetBy: SetBy(valueOf((*string)(w.SetBy))),
	}, nil
}

// AppliesTo says which roles are asked for a PIN.
type AppliesTo string

// The roles to which a policy applies.
const (
	AppliesToOwner    AppliesTo = "owner"
	AppliesToCustomer AppliesTo = "customer"
	AppliesToAll      AppliesTo = "all"
)

// Channels says where a PIN may be entered.
type Channels string

// The channels of a policy.
const (
	ChannelsAny  Channels = "any"
	ChannelsPage Channels = "page" // only on hydrapin's own pages
)

// Policy says which skills of an instance need a PIN, for which roles, and how long a session
// lasts.
type Policy struct {
	Instance  uuid.UUID
	AppliesTo AppliesTo
	// RequiredSkills are the skills that need a PIN, spelled and ordered as they were stored. "*"
	// stands for every skill.
	RequiredSkills []string
	// SessionTTL is how long a session lasts, in whole minutes. With 0 there are no sessions.
	SessionTTL time.Duration
	// MustBeOwn says that only PINs count that their holders chose themselves: [SetByHolder].
	MustBeOwn bool
	// Channels says where a PIN may be entered. With [ChannelsPage] the runtime can neither verify
	// nor set a PIN: [ErrPageOnly].
	Channels Channels
	// ETag is the version, for [PolicyUpdate.IfMatch].
	ETag string
}

// PolicyUpdate is what to change in a policy. A field that is not set keeps its value.
type PolicyUpdate struct {
	AppliesTo AppliesTo
	// RequiredSkills replaces the whole list. Nil keeps the list; an empty list that is not nil
	// empties it.
	RequiredSkills []string
	// SessionTTL is 0 to 24 hours in whole minutes.
	SessionTTL *time.Duration
	// MustBeOwn, when true, blocks holders whose PIN is not their own at once. Upgrade every node of
	// the server before you use it.
	MustBeOwn *bool
	// Channels says where a PIN may be entered. Upgrade every node of the server before you use it.
	Channels Channels
	// IfMatch is the [Policy.ETag] that the policy must still have; otherwise UpdatePolicy returns
	// [ErrPreconditionFailed]. With "" the update overwrites any version.
	IfMatch string
}

func (u PolicyUpdate) wire() (client.PinPolicyUpdate, error) {
	var w client.PinPolicyUpdate
	if u.AppliesTo != "" {
		appliesTo := client.PinPolicyUpdatePinAppliesTo(u.AppliesTo)
		w.PinAppliesTo = &appliesTo
	}
	if u.RequiredSkills != nil {
		w.PinRequiredSkills = &u.RequiredSkills
	}
	if u.SessionTTL != nil {
		if *u.SessionTTL%time.Minute != 0 {
			return w, fmt.Errorf("%w: SessionTTL must be in whole minutes", ErrArgument)
		}
		minutes := int(*u.SessionTTL / time.Minute)
		w.PinSessionTtlMinutes = &minutes
	}
	w.PinMustBeOwn = u.MustBeOwn
	if u.Channels != "" {
		channels := client.PinPolicyUpdatePinChannels(u.Channels)
		w.PinChannels = &channels
	}
	return w, nil
}

func fromPolicy(w client.PinPolicy) (Policy, error) {
	p := Policy{
		Instance: w.InstanceId, AppliesTo: AppliesTo(w.PinAppliesTo), RequiredSkills: w.PinRequiredSkills,
		SessionTTL: time.Duration(w.PinSessionTtlMinutes) * time.Minute,
		MustBeOwn:  w.PinMustBeOwn, Channels: Channels(w.PinChannels),
	}
	switch p.AppliesTo {
	case AppliesToOwner, AppliesToCustomer, AppliesToAll:
	default:
		return Policy{}, errors.New("an unknown pin_applies_to")
	}
	if p.Channels != ChannelsAny && p.Channels != ChannelsPage {
		return Policy{}, errors.New("an unknown pin_channels")
	}
	return p, nil
}

func valueOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
