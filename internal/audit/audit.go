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
	TypePINSet         Type = "pin.set"
	TypePINRemoved     Type = "pin.removed"
	TypePINAttempted   Type = "pin.attempted"
	TypePINVerified    Type = "pin.verified"
	TypePINFailed      Type = "pin.failed"
	TypePINRefused     Type = "pin.refused"
	TypePINLocked      Type = "pin.locked"
	TypePINDeactivated Type = "pin.deactivated"
	TypePINUnlocked    Type = "pin.unlocked"

	TypePINLinkCreated Type = "pin_link.created"
	TypePINLinkEnded   Type = "pin_link.ended"

	TypePolicyUpdated Type = "policy.updated"

	TypeFreezeSet    Type = "freeze.set"
	TypeFreezeLifted Type = "freeze.lifted"

	TypeInstanceSpraying Type = "instance.spraying"

	TypeSessionOpened Type = "session.opened"
	TypeSessionEnded  Type = "session.ended"

	TypeConfirmationNotRequired Type = "confirmation.not_required"
	TypeConfirmationBlocked     Type = "confirmation.blocked"
	TypeConfirmationAsked       Type = "confirmation.asked"
	TypeConfirmationApproved    Type = "confirmation.approved"
	TypeConfirmationDeclined    Type = "confirmation.declined"
	TypeConfirmationDisputed    Type = "confirmation.disputed"
	TypeConfirmationExpired     Type = "confirmation.expired"
	TypeConfirmationRedeemed    Type = "confirmation.redeemed"
	TypeConfirmationOutcome     Type = "confirmation.outcome"
	TypeConfirmationRefused     Type = "confirmation.refused"

	TypeKeyMinted  Type = "key.minted"
	TypeKeyRevoked Type = "key.revoked"

	TypeAccessDenied Type = "access.denied"

	TypeDatabaseRestored Type = "database.restored"
	TypeRefusalsCounted  Type = "refusals.counted"

	TypeAuditSealed Type = "audit.sealed"
	TypeAuditPruned Type = "audit.pruned"

	TypeWebhookCreated         Type = "webhook.created"
	TypeWebhookUpdated         Type = "webhook.updated"
	TypeWebhookDeleted         Type = "webhook.deleted"
	TypeWebhookDisabled        Type = "webhook.disabled"
	TypeWebhookSecretRotated   Type = "webhook.secret_rotated"
	TypeWebhookTested          Type = "webhook.tested"
	TypeWebhookDeliveryRetried Type = "webhook.delivery_retried"
)

// Actor is the credential that acted.
type Actor struct {
	Kind auth.Kind
	ID   string
}

// Details are the facts of one type of event. Each type of event has a struct of
// its own, in details.go; its fields are strings, numbers, booleans and lists of
// them, never a PIN, a key or the parameters of an action.
type Details interface{ Type() Type }

// Event is one entry of the trail, as it is written.
type Event struct {
	// ID is 128 random bits; with the nil UUID [Event.Leaf] is an error.
	ID     uuid.UUID
	Time   time.Time // UTC, microseconds, by the database's clock
	Tenant uuid.UUID
	Actor  Actor
	// Holder is the zero Holder where none is concerned.
	Holder pin.Holder
	// Instance and Confirmation are uuid.Nil where none is concerned.
	Instance, Confirmation uuid.UUID
	RequestID              string
	// Peer is the address that the request came from, or empty.
	Peer    string
	Details Details
}

// Stored is an event as it is kept: its canonical text, which answers are built
// from.
type Stored struct {
	// Index is the event's place in the trail of its tenant, from 0; -1 while it is queued.
	Index int64
	// Seq orders what is queued; 0 for an event that has its index.
	Seq  int64
	Leaf []byte
}

// Queued says whether the event has no index yet.
func (s Stored) Queued() bool { return s.Index < 0 }

// Filter says which events to read from the database itself: those that have their index,
// and then those that are queued.
type Filter struct {
	Tenant uuid.UUID
	// From is the first index to read.
	From int64
	// AfterSeq is the Seq after which to read what is queued; 0 from the beginning.
	AfterSeq int64
	// Limit is how many events to read at most.
	Limit int
}
