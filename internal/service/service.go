// Package service owns the order of operations: what is loaded, decided, saved,
// hashed, signed and recorded, and every transaction. The rules themselves are in
// the nouns; the package knows neither HTTP nor a driver. Every error ends in "no":
// nothing is allowed but by a transaction that committed it.
//
// Calls run downwards: from the operations (a file for each subject) to the parts that
// several of them share (guess.go, approving.go, ending.go, pinchange.go, view.go,
// record.go), and from those to the step (step.go), the one place where a transaction
// begins. A test holds that.
package service

import (
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/limit"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/receipt"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/trail"
)

// Config are the settings of a Service. A service of requests needs all but
// Observer, Now and NewID; one that only reads the trail and manages keys needs the
// Store alone.
type Config struct {
	Store    store.Store
	Hasher   *argon2id.Pool
	Receipts receipt.Ring
	// HeadKeys sign the heads of the audit trail.
	HeadKeys trail.Ring
	Log      *slog.Logger
	// Observer observes every step; nil for none.
	Observer Observer

	// Issuer is the public URL of the server, the receipts' issuer.
	Issuer string
	Limits pin.Limits
	// Rules say which PINs may be set.
	Rules pin.Rules
	// RedeemWithin is how long an approval can be redeemed.
	RedeemWithin time.Duration
	// CoolingOff is the cooling-off period for a PIN that the runtime set after
	// removing one.
	CoolingOff time.Duration
	// Retention is how long a confirmation is kept after it ended.
	Retention time.Duration
	// SelfSetup lets customers set their first PIN with their own token.
	SelfSetup bool
	// AuditNotRequired makes not_required answers events.
	AuditNotRequired bool

	// Now is this process's clock, for credentials alone; nil for time.Now.
	// Records go by the database's clock.
	Now func() time.Time
	// NewID makes random ids; nil for uuid.New.
	NewID func() uuid.UUID
}

// Service does what the API promises.
type Service struct {
	config  Config
	keys    *keyCache
	denials *denials
	waiting *waiting
	// slots are for steps.
	slots *limit.Slots
	log   trailLog
}

// Caller is who makes a request, and the request.
type Caller struct {
	auth.Principal
	RequestID string
	// Peer is the address that the request came from.
	Peer string
}

// Target names a confirmation of an instance. Its tenant is the caller's.
type Target struct{ Instance, Confirmation uuid.UUID }

// ref names the confirmation with the tenant of the credential.
func (c Caller) ref(t Target) confirmation.Ref {
	return confirmation.Ref{Instance: c.of(t.Instance), ID: t.Confirmation}
}

// of names an instance with the tenant of the credential.
func (c Caller) of(instance uuid.UUID) policy.Instance {
	return policy.Instance{Tenant: c.Tenant, ID: instance}
}

// within is the caller, acting within a tenant that is not its credential's: an
// operator's.
func (c Caller) within(tenant uuid.UUID) Caller {
	c.Tenant = tenant
	return c
}

// byLink is the caller, acting for whoever holds a link of the person's pages: of the
// confirmation or the PIN link with that id.
func (c Caller) byLink(tenant, id uuid.UUID) Caller {
	c.Principal = auth.Principal{Kind: auth.KindLink, ID: id.String(), Tenant: tenant}
	return c
}

// shares names the caller for what is shared among tenants and their credentials.
func (c Caller) shares() limit.Caller {
	return limit.Caller{Tenant: c.Tenant, Credential: string(c.Kind) + " " + c.ID}
}

// Operator is the caller of commands on the machine itself.
func Operator(tenant uuid.UUID) Caller {
	return Caller{Principal: auth.Principal{Kind: auth.KindOperator, ID: "cli", Tenant: tenant}}
}

// system is the caller of what the server does by itself.
func system(tenant uuid.UUID) Caller {
	return Caller{Principal: auth.Principal{Kind: auth.KindOperator, ID: "system", Tenant: tenant}}
}
