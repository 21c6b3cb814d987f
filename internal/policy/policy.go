// Package policy decides whether a skill of an agent instance needs a PIN. It is
// pure: it knows no store and no transport.
package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Role is in what role a holder uses an instance.
type Role string

// The roles.
const (
	Owner    Role = "owner"
	Customer Role = "customer"
)

// AppliesTo says which roles an instance asks for a PIN.
type AppliesTo string

// The values of pin_applies_to.
const (
	AppliesToOwner    AppliesTo = "owner"
	AppliesToCustomer AppliesTo = "customer"
	AppliesToAll      AppliesTo = "all"
)

// AllSkills is the entry of pin_required_skills that stands for every skill.
const AllSkills = "*"

// The bounds of a policy's fields.
const (
	MaxSkills            = 256
	MaxSkillLength       = 128
	MaxSessionTTLMinutes = 1440
)

// Policy is the PIN policy of one instance.
type Policy struct {
	Tenant, Instance uuid.UUID
	AppliesTo        AppliesTo
	// RequiredSkills are the skills that need a PIN, as spelled, in order.
	RequiredSkills []string
	// SessionTTLMinutes is how long one PIN lasts; 0 opens no session.
	SessionTTLMinutes int
	// Version is 0 for the defaults and grows with each change.
	Version int64
	// Frozen says whether the instance or its tenant is frozen. FreezeEpoch is the sum
	// of the epochs of both: it grows with each freeze of either.
	Frozen      bool
	FreezeEpoch int64
}

// Default returns the policy of an instance for which none was stored.
func Default(tenant, instance uuid.UUID) Policy {
	return Policy{
		Tenant: tenant, Instance: instance,
		AppliesTo: AppliesToAll, RequiredSkills: []string{}, SessionTTLMinutes: 30,
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
	if next.AppliesTo == p.AppliesTo && next.SessionTTLMinutes == p.SessionTTLMinutes &&
		slices.Equal(next.RequiredSkills, p.RequiredSkills) {
		return p, false
	}
	next.Version++
	return next, true
}

// Fold drops the skills that are another's spelling; the first spelling and the
// order stay.
func Fold(skills []string) []string {
	seen := make(map[string]bool, len(skills))
	folded := make([]string, 0, len(skills))
	for _, s := range skills {
		if key := FoldSkill(s); !seen[key] {
			seen[key] = true
			folded = append(folded, s)
		}
	}
	return folded
}

// FoldSkill returns the form in which skills are compared: without regard to
// ASCII case, so that a different spelling does not fail open.
func FoldSkill(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}

// SameSkill says whether two spellings name one skill.
func SameSkill(a, b string) bool { return FoldSkill(a) == FoldSkill(b) }

// Need is the answer of [Decide].
type Need string

// The answers. Only Required asks for a PIN; the others are the reasons why none
// is asked for, as they are on the wire.
const (
	Frozen         Need = "frozen"
	Required       Need = "required"
	RoleExcluded   Need = "role_excluded"
	SkillNotListed Need = "skill_not_listed"
)

// Decide says whether the policy asks for a PIN when role runs skill. What it
// does not know, it asks a PIN for.
func Decide(p Policy, role Role, skill string) Need {
	if p.Frozen {
		return Frozen
	}
	excluded := p.AppliesTo == AppliesToOwner && role == Customer ||
		p.AppliesTo == AppliesToCustomer && role == Owner
	if excluded {
		return RoleExcluded
	}
	for _, s := range p.RequiredSkills {
		if s == AllSkills || SameSkill(s, skill) {
			return Required
		}
	}
	return SkillNotListed
}

// Instance names one agent instance of a tenant.
type Instance struct{ Tenant, ID uuid.UUID }

// Of returns the instance whose policy it is.
func (p Policy) Of() Instance { return Instance{Tenant: p.Tenant, ID: p.Instance} }
