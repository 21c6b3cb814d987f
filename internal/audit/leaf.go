package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/gowebpki/jcs"

	"github.com/hydracore/hydrapin/internal/pin"
)

// timeForm is RFC 3339 in UTC with six fractional digits.
const timeForm = "2006-01-02T15:04:05.000000Z"

// Entry is an event as it is read back from its leaf. Fields are null in the leaf,
// and nil here, where nothing is concerned.
type Entry struct {
	ID             uuid.UUID       `json:"id"`
	Time           string          `json:"time"`
	TenantID       uuid.UUID       `json:"tenant_id"`
	Type           Type            `json:"type"`
	ActorKind      string          `json:"actor_kind"`
	ActorID        string          `json:"actor_id"`
	HolderType     *string         `json:"holder_type"`
	CustomerID     *uuid.UUID      `json:"customer_id"`
	IdentityID     *uuid.UUID      `json:"identity_id"`
	InstanceID     *uuid.UUID      `json:"instance_id"`
	ConfirmationID *uuid.UUID      `json:"confirmation_id"`
	RequestID      *string         `json:"request_id"`
	Peer           *string         `json:"peer"`
	Details        json.RawMessage `json:"details"`
}

// errIncomplete is returned by [Event.Leaf] for an event that names no id, time,
// tenant or details.
var errIncomplete = errors.New("audit: the event is incomplete")

// Leaf returns the canonical text of the event (RFC 8785): what is stored, and
// what is answered.
func (e Event) Leaf() ([]byte, error) {
	if e.ID == uuid.Nil || e.Time.IsZero() || e.Tenant == uuid.Nil || e.Details == nil {
		return nil, errIncomplete
	}
	details, err := json.Marshal(e.Details)
	if err != nil {
		return nil, fmt.Errorf("audit: details of %s: %w", e.Details.Type(), err)
	}
	entry := Entry{
		ID: e.ID, Time: FormatTime(e.Time), TenantID: e.Tenant, Type: e.Details.Type(),
		ActorKind: string(e.Actor.Kind), ActorID: e.Actor.ID,
		InstanceID: optional(e.Instance), ConfirmationID: optional(e.Confirmation),
		RequestID: optional(e.RequestID), Peer: optional(e.Peer), Details: details,
	}
	if e.Holder.Type != "" {
		entry.HolderType = optional(string(e.Holder.Type))
	}
	switch e.Holder.Type {
	case pin.Customer:
		entry.CustomerID = optional(e.Holder.ID)
	case pin.Identity:
		entry.IdentityID = optional(e.Holder.ID)
	}
	text, err := json.Marshal(entry)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	leaf, err := jcs.Transform(text)
	if err != nil {
		return nil, fmt.Errorf("audit: details of %s: %w", entry.Type, err)
	}
	return leaf, nil
}

// Entry reads a stored event back.
func (s Stored) Entry() (Entry, error) {
	var e Entry
	if err := json.Unmarshal(s.Leaf, &e); err != nil {
		return Entry{}, fmt.Errorf("audit: event %d: %w", s.Index, err)
	}
	return e, nil
}

func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// FormatTime writes a time as events and answers do: RFC 3339 in UTC with six
// fractional digits.
func FormatTime(t time.Time) string { return t.UTC().Format(timeForm) }
