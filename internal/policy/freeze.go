package policy

import (
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
)

// Freeze says whether an instance, or with the nil UUID as its ID a whole tenant,
// is frozen: nothing is confirmed and nothing is redeemed there.
type Freeze struct {
	Scope  Instance
	Frozen bool
	// Since, ByKind, ByID and Reason are of the freeze that holds, else zero.
	Since  time.Time
	ByKind auth.Kind
	ByID   string
	Reason string
	// Epoch grows with each freeze and never falls: what was opened or approved in an
	// earlier one stays dead after the freeze is lifted.
	Epoch int64
}

// TenantScope names a whole tenant.
func TenantScope(tenant uuid.UUID) Instance { return Instance{Tenant: tenant} }

// ByUser says whether a person's token froze; then only such a token lifts it.
func (f Freeze) ByUser() bool { return f.Frozen && f.ByKind == auth.KindJWT }

// Put returns the scope frozen by a credential at now, and whether that changes
// anything. A freeze that holds keeps its time; a person's replaces a key's, and
// never the other way round.
func (f Freeze) Put(by auth.Principal, reason string, now time.Time) (Freeze, bool) {
	if f.Frozen && (f.ByUser() || by.Kind != auth.KindJWT) {
		return f, false
	}
	next := Freeze{
		Scope: f.Scope, Frozen: true, Since: now, ByKind: by.Kind, ByID: by.ID, Reason: reason, Epoch: f.Epoch + 1,
	}
	if f.Frozen {
		next.Since, next.Epoch = f.Since, f.Epoch
	}
	return next, true
}

// MayLift says whether a credential may lift the freeze.
func (f Freeze) MayLift(by auth.Principal) bool { return !f.ByUser() || by.Kind == auth.KindJWT }

// Lift returns the scope with no freeze, and whether that changes anything.
func (f Freeze) Lift() (Freeze, bool) {
	return Freeze{Scope: f.Scope, Epoch: f.Epoch}, f.Frozen
}
