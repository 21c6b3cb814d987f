// Package policy decides whether a skill of an agent instance needs a PIN, and which names skills
// can have. It is pure: it knows no store and no transport.
package policy

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/text"
)

// Role is the role in which a holder uses an instance.
type Role string

// The roles.
const (
	Owner    Role = "owner"
	Customer Role = "customer"
)

// AppliesTo says which roles need a PIN on an instance.
type AppliesTo string

// The values of pin_applies_to.
const (
	AppliesToOwner    AppliesTo = "owner"
	AppliesToCustomer AppliesTo = "customer"
	AppliesToAll      AppliesTo = "all"
)

// Channels says where a PIN may be entered on an instance.
type Channels string

// The values of pin_channels.
const (
	AnyChannel Channels = "any"
	// PageOnly: on the person's pages alone, never through the runtime.
	PageOnly Channels = "page"
)

// The bounds and defaults of a policy's fields.
const (
	// MaxSkills is how many entries a policy may have, as they are sent.
	MaxSkills = 256
	// MaxSkillsBytes is how long they may be together, in bytes of UTF-8.
	MaxSkillsBytes = 32 << 10
	// MinSkillLength and MaxSkillLength are the lengths of a name, in characters.
	MinSkillLength           = 1
	MaxSkillLength           = 128
	MinSessionTTLMinutes     = 0
	MaxSessionTTLMinutes     = 1440
	DefaultSessionTTLMinutes = 30
)

// Policy is the PIN policy of one instance.
type Policy struct {
	Tenant, Instance uuid.UUID
	AppliesTo        AppliesTo
	// RequiredSkills are the skills that need a PIN, as spelled, in order. An entry that ends in
	// "*" stands for every skill that begins with what precedes it.
	RequiredSkills []string
	// SessionTTLMinutes is how long one PIN lasts; 0 opens no session.
	SessionTTLMinutes int
	// MustBeOwn says that only a PIN counts that its holder chose.
	MustBeOwn bool
	Channels  Channels
	// Version is 0 for the defaults and grows with each change.
	Version int64
	// Frozen says whether the instance or its tenant is frozen. FreezeEpoch is the sum
	// of the epochs of both: it grows with each freeze of either.
	Frozen      bool
	FreezeEpoch int64
	// SprayedUntil is until when no PIN is taken on the instance, because somebody sprayed PINs
	// there; the zero time when nobody did.
	SprayedUntil time.Time
}

// Default returns the policy of an instance for which none was stored.
func Default(tenant, instance uuid.UUID) Policy {
	return Policy{
		Tenant: tenant, Instance: instance,
		AppliesTo: AppliesToAll, RequiredSkills: []string{}, SessionTTLMinutes: DefaultSessionTTLMinutes,
		Channels: AnyChannel,
	}
}

// SessionTTL returns how long one PIN lasts.
func (p Policy) SessionTTL() time.Duration {
	return time.Duration(p.SessionTTLMinutes) * time.Minute
}

// Patch is a partial update; a nil field stays as it is.
type Patch struct {
	AppliesTo         *AppliesTo
	RequiredSkills    []string // nil: unchanged; empty: none
	SessionTTLMinutes *int
	MustBeOwn         *bool
	Channels          *Channels
}

// Apply returns the policy with the patch, and whether anything changed. Only a
// change takes a new version.
func (p Policy) Apply(patch Patch) (Policy, bool) {
	next := p
	if patch.AppliesTo != nil {
		next.AppliesTo = *patch.AppliesTo
	}
	if patch.RequiredSkills != nil {
		next.RequiredSkills = Fold(patch.RequiredSkills)
	}
	if patch.SessionTTLMinutes != nil {
		next.SessionTTLMinutes = *patch.SessionTTLMinutes
	}
	if patch.MustBeOwn != nil {
		next.MustBeOwn = *patch.MustBeOwn
	}
	if patch.Channels != nil {
		next.Channels = *patch.Channels
	}
	same := next.AppliesTo == p.AppliesTo && next.SessionTTLMinutes == p.SessionTTLMinutes &&
		next.MustBeOwn == p.MustBeOwn && next.Channels == p.Channels
	if same && slices.Equal(next.RequiredSkills, p.RequiredSkills) {
		return p, false
	}
	next.Version++
	return next, true
}

// Need is what [Decide] returns.
type Need string

// The values. With Required a PIN is needed; the others are the reasons why none is, as they are
// written on the wire.
const (
	Frozen         Need = "frozen"
	Required       Need = "required"
	RoleExcluded   Need = "role_excluded"
	SkillNotListed Need = "skill_not_listed"
)

// Decide says whether the policy requires a PIN when role runs skill. Anything it does not
// recognise requires one: a role, a value of AppliesTo, a name that no runtime can ask for.
func Decide(p Policy, role Role, skill string) Need {
	if p.Frozen {
		return Frozen
	}
	excluded := p.AppliesTo == AppliesToOwner && role == Customer ||
		p.AppliesTo == AppliesToCustomer && role == Owner
	if excluded {
		return RoleExcluded
	}
	if CheckSkill(skill).Kind != text.OK {
		return Required
	}
	folded := FoldSkill(skill)
	for _, s := range p.RequiredSkills {
		if parseEntry(s).covers(folded) {
			return Required
		}
	}
	return SkillNotListed
}

// AcceptsOffPage says whether a PIN may be entered through the runtime. A value that it
// does not recognise is a no.
func (p Policy) AcceptsOffPage() bool { return p.Channels == AnyChannel }

// Instance names one agent instance of a tenant.
type Instance struct{ Tenant, ID uuid.UUID }

// Of returns the instance whose policy it is.
func (p Policy) Of() Instance { return Instance{Tenant: p.Tenant, ID: p.Instance} }
