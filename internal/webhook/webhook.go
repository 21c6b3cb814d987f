// Package webhook holds the rules of webhooks: which events an endpoint gets, how a message is
// signed, when a delivery is tried again, which of many is tried next, and which address may be
// dialed. It also sends one message (sender.go).
//
// It guarantees that a secret never prints, that only its owner's peppers open a stored secret, and
// that no connection is made to an address that is not public. It must not know a store or the
// service: what becomes of a delivery is a pure function of what it was, the answer and the time.
package webhook

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/pin"
)

const (
	// MaxPerTenant is how many endpoints a tenant has at most.
	MaxPerTenant = 20
	// MaxEvents is how many patterns an endpoint has at most.
	MaxEvents = 50
	// MaxURLLength counts characters.
	MaxURLLength = 2048
	// MaxDescriptionLength counts characters.
	MaxDescriptionLength = 200

	// Lease is how long a node that took a delivery may take to send it and to store what became
	// of it. After it, another node may take it.
	Lease = 30 * time.Second
	// MaxPerEndpoint is how many deliveries to one endpoint are under way at once. An endpoint that
	// fails is tried with one at a time, so that it holds one place and not eight.
	MaxPerEndpoint = 8
	// MaxPerTenantAtOnce is how many deliveries of a tenant are under way at once.
	MaxPerTenantAtOnce = 32

	// OverlapFor is how long the old secret signs too after a rotation.
	OverlapFor = 24 * time.Hour
	// Retention is how long a delivery is kept.
	Retention = 30 * 24 * time.Hour
	// DisableAfter is how long an endpoint may fail without a success before it is disabled.
	DisableAfter = 5 * 24 * time.Hour
)

// Reason says why an endpoint is disabled.
type Reason string

// The reasons.
const (
	// ByHand: a PATCH disabled it, or it was created so.
	ByHand Reason = "by_hand"
	// Gone: it answered 410.
	Gone Reason = "gone"
	// Failing: it failed for [DisableAfter].
	Failing Reason = "failing"
	// KeyRevoked: the key that created it, or that last changed its URL or events, was revoked.
	KeyRevoked Reason = "key_revoked"
)

// Ref names an endpoint.
type Ref struct{ Tenant, ID uuid.UUID }

// Endpoint is where a tenant's events are sent.
type Endpoint struct {
	Ref
	// Place is 1 to [MaxPerTenant]; no two endpoints of a tenant have the same.
	Place       int
	URL         string
	Events      []string
	Description string
	// Disabled is empty for an endpoint that is enabled.
	Disabled             Reason
	CreatedAt, UpdatedAt time.Time
	// CreatedBy is who created it, and DirectedBy who last changed its URL or events.
	CreatedBy, DirectedBy audit.Actor
	// Secret signs; Old signs too until OldUntil, and is the zero Sealed when there is none.
	Secret, Old Sealed
	OldUntil    time.Time
	// FailingSince is when the first of the failures was that no success followed, or zero.
	FailingSince time.Time
	// DueAt is when to look at its deliveries next, or zero while it has none to look at.
	DueAt time.Time
}

// Enabled says whether the endpoint gets events.
func (e Endpoint) Enabled() bool { return e.Disabled == "" }

// MadeBy says whether a key created the endpoint or says where its events go.
func (e Endpoint) MadeBy(k auth.APIKey) bool {
	by := audit.Actor{Kind: k.Kind, ID: k.ID}
	return e.CreatedBy == by || e.DirectedBy == by
}

// Disable returns the endpoint disabled. One that is disabled keeps its reason.
func (e Endpoint) Disable(why Reason, now time.Time) Endpoint {
	if e.Enabled() {
		e.Disabled, e.UpdatedAt, e.DueAt = why, now, time.Time{}
	}
	return e
}

// Patch says what to change of an endpoint; nil is unchanged.
type Patch struct {
	URL, Description *string
	Events           []string
	Enabled          *bool
}

// Directs says whether the patch changes where events go, or which.
func (p Patch) Directs() bool { return p.URL != nil || p.Events != nil }

// Patch returns the endpoint as by has changed it, and whether that changes anything. Enabling it
// forgets its failures, and what is still to be sent goes on.
func (e Endpoint) Patch(p Patch, by audit.Actor, now time.Time) (Endpoint, bool) {
	next := e
	if p.URL != nil && *p.URL != e.URL {
		next.URL, next.DirectedBy, next.UpdatedAt = *p.URL, by, now
	}
	if p.Events != nil && !slices.Equal(p.Events, e.Events) {
		next.Events, next.DirectedBy, next.UpdatedAt = p.Events, by, now
	}
	if p.Description != nil && *p.Description != e.Description {
		next.Description, next.UpdatedAt = *p.Description, now
	}
	if p.Enabled != nil && *p.Enabled != e.Enabled() {
		if next.UpdatedAt = now; *p.Enabled {
			next.Disabled, next.FailingSince, next.DueAt = "", time.Time{}, now
		} else {
			next = next.Disable(ByHand, now)
		}
	}
	return next, !next.UpdatedAt.Equal(e.UpdatedAt)
}

// Rotate returns the endpoint with a new secret; the present one signs too for [OverlapFor].
func (e Endpoint) Rotate(fresh Sealed, now time.Time) Endpoint {
	e.Old, e.OldUntil, e.Secret, e.UpdatedAt = e.Secret, now.Add(OverlapFor), fresh, now
	return e
}

// Status is the state of a delivery.
type Status string

// The states. A pending one is being tried, or will be.
const (
	Pending   Status = "pending"
	Delivered Status = "delivered"
	Dead      Status = "dead"
)

// DeliveryRef names a delivery.
type DeliveryRef struct{ Tenant, ID uuid.UUID }

// Delivery is one event on its way to one endpoint.
type Delivery struct {
	DeliveryRef
	Endpoint uuid.UUID
	Event    Event
	Status   Status
	// Attempts counts all tries. Failures counts those since the delivery was created or retried
	// by hand, and says how long to wait.
	Attempts, Failures int
	CreatedAt          time.Time
	// DueAt is when a pending one is tried next.
	DueAt time.Time
	// LeaseID is who tries it now, until LeaseUntil; uuid.Nil for nobody.
	LeaseID    uuid.UUID
	LeaseUntil time.Time
	// LastAt, LastStatus and LastFailure are of the last try: when it ended, the HTTP status of
	// the answer, or 0, and what went wrong.
	LastAt      time.Time
	LastStatus  int
	LastFailure Failure
}

// Event is what a delivery has of its event: enough to choose and to order by. The event itself is
// in the trail.
type Event struct {
	ID    uuid.UUID
	Index int64
	Type  audit.Type
	// Holder is the zero Holder for an event of none.
	Holder pin.Holder
}

// Leased says whether somebody tries the delivery now.
func (d Delivery) Leased(now time.Time) bool {
	return d.LeaseID != uuid.Nil && now.Before(d.LeaseUntil)
}

// Fresh says whether the delivery was never tried to its end.
func (d Delivery) Fresh() bool { return d.Attempts == 0 }

// NewDelivery is an event that is to be sent to an endpoint.
func NewDelivery(id uuid.UUID, to Ref, e Event, now time.Time) Delivery {
	return Delivery{
		DeliveryRef: DeliveryRef{Tenant: to.Tenant, ID: id}, Endpoint: to.ID, Event: e,
		Status: Pending, CreatedAt: now, DueAt: now,
	}
}

// Retry returns the delivery due now, whatever became of it before, and whether that changes it:
// one that is being tried, or was not tried yet, stays.
func (d Delivery) Retry(now time.Time) (Delivery, bool) {
	if d.Leased(now) || d.Status == Pending && d.Fresh() {
		return d, false
	}
	d.Status, d.Failures, d.DueAt, d.LeaseID, d.LeaseUntil = Pending, 0, now, uuid.Nil, time.Time{}
	return d, true
}
