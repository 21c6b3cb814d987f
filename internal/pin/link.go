package pin

import (
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
)

// LinkKind says by whose right a link sets a PIN. The values are stored.
type LinkKind string

// The kinds of links. A holder has at most one live link of each.
const (
	// AdminLink counts as an admin's set.
	AdminLink LinkKind = "admin"
	// RuntimeLink counts as the runtime's set: it needs the present PIN.
	RuntimeLink LinkKind = "runtime"
)

// How long links live.
const (
	DefaultAdminLink   = 24 * time.Hour
	MinAdminLink       = 300 * time.Second
	MaxAdminLink       = 604800 * time.Second
	DefaultRuntimeLink = 900 * time.Second
	MinRuntimeLink     = 60 * time.Second
	MaxRuntimeLink     = 3600 * time.Second
)

// Link lets whoever holds it choose a holder's PIN, once. Times are UTC with
// microseconds; a zero time is "none".
type Link struct {
	ID                   uuid.UUID // uuid.Nil is no link
	Holder               Holder
	Kind                 LinkKind
	CreatedAt, ExpiresAt time.Time
	// EndedAt is when the link was used or ended before its time, UsedAt when a PIN was
	// set with it.
	EndedAt, UsedAt time.Time
	// CreatedByKind and CreatedBy name the credential that created it.
	CreatedByKind auth.Kind
	CreatedBy     string
}

// Live says whether the link can be used at now.
func (l Link) Live(now time.Time) bool {
	return l.ID != uuid.Nil && l.EndedAt.IsZero() && now.Before(l.ExpiresAt)
}

// Used says whether a PIN was set with the link.
func (l Link) Used() bool { return !l.UsedAt.IsZero() }

// End returns the link ended at now; what has ended before stays so.
func (l Link) End(now time.Time) Link {
	if l.EndedAt.IsZero() {
		l.EndedAt = now
	}
	return l
}

// Use returns the link used at now.
func (l Link) Use(now time.Time) Link {
	l.EndedAt, l.UsedAt = now, now
	return l
}

// NeedsCurrent says whether the holder must enter the present PIN to set another with
// the link.
func (l Link) NeedsCurrent(r Record) bool { return l.Kind == RuntimeLink && r.ID != uuid.Nil }

// LinkRef names one link of a tenant.
type LinkRef struct{ Tenant, ID uuid.UUID }

// Ref returns the name of the link.
func (l Link) Ref() LinkRef { return LinkRef{Tenant: l.Holder.Tenant, ID: l.ID} }
