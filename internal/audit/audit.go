// Package audit defines the events of the audit trail: what happened, to whom,
// and by which credential. An event never holds a PIN, a key or the parameters
// of an action. The package knows no store; who appends an event does it in the
// transaction of what the event tells.
package audit

import (
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/pin"
)

// Type names what happened. The values are stored.
type Type string

// The events.
const (
	PINSet         Type = "pin.set"
	PINRemoved     Type = "pin.removed"
	PINAttempted   Type = "pin.attempted"
	PINVerified    Type = "pin.verified"
	PINFailed      Type = "pin.failed"
	PINRefused     Type = "pin.refused"
	PINLocked      Type = "pin.locked"
	PINDeactivated Type = "pin.deactivated"
	PINUnlocked    Type = "pin.unlocked"

	PolicyUpdated Type = "policy.updated"

	SessionOpened Type = "session.opened"
	SessionEnded  Type = "session.ended"

	ConfirmationNotRequired Type = "confirmation.not_required"
	ConfirmationBlocked     Type = "confirmation.blocked"
	ConfirmationAsked       Type = "confirmation.asked"
	ConfirmationApproved    Type = "confirmation.approved"
	ConfirmationDeclined    Type = "confirmation.declined"
	ConfirmationExpired     Type = "confirmation.expired"
	ConfirmationRedeemed    Type = "confirmation.redeemed"
	ConfirmationRefused     Type = "confirmation.refused"

	KeyMinted  Type = "key.minted"
	KeyRevoked Type = "key.revoked"

	AccessDenied Type = "access.denied"
)

// Actor is the credential that acted.
type Actor struct {
	Kind auth.Kind
	ID   string
}

// Event is one entry of the trail.
type Event struct {
	// Seq is given by the store and grows with each event of a database.
	Seq    int64
	Time   time.Time // UTC, microseconds, by the database's clock
	Tenant uuid.UUID
	Type   Type
	Actor  Actor
	// Holder is the zero Holder where none is concerned.
	Holder pin.Holder
	// Instance and Confirmation are uuid.Nil where none is concerned.
	Instance, Confirmation uuid.UUID
	RequestID              string
	// Peer is the address that the request came from, or empty.
	Peer string
	// Details are facts of this type of event, with plain values; nil for none.
	Details map[string]any
}

// Filter narrows a reading of the trail.
type Filter struct {
	Tenant uuid.UUID
	// After is the Seq after which to read; 0 from the beginning.
	After int64
	// Limit is how many events to read at most.
	Limit int
}
