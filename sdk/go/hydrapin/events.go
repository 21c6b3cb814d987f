package hydrapin

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/internal/client"
)

// Event is one entry of the audit trail.
type Event struct {
	// Index is its place in the trail, from 0.
	Index int64
	ID    uuid.UUID
	Time  time.Time
	// Tenant is that of the credential.
	Tenant uuid.UUID
	// Type says what happened, as in "pin.locked". A server that is newer than this package may send
	// others.
	Type string
	// ActorKind and ActorID name the credential that acted.
	ActorKind, ActorID string
	// HolderType, Customer, Identity, Instance and Confirmation are zero where none is concerned.
	HolderType                                 string
	Customer, Identity, Instance, Confirmation uuid.UUID
	// RequestID and Peer, the address that the request came from, may be "".
	RequestID, Peer string
	// Details are the facts of this type of event, a JSON object.
	Details json.RawMessage
}

// EventFilter narrows a list of events. What is zero narrows nothing.
type EventFilter struct {
	Type                                       string
	Customer, Identity, Instance, Confirmation uuid.UUID
	// From and To are times: events from From on, and before To.
	From, To time.Time
	// NewestFirst lists the newest event first.
	NewestFirst bool
}

// perEventPage is how many events a request asks for.
const perEventPage = 200

// Events iterates over the audit trail, the oldest event first. It ends with the last event that has
// its index when it is read: an event gets it within a second.
func (a *Admin) Events(ctx context.Context, f EventFilter) iter.Seq2[Event, error] {
	query := url.Values{"limit": {strconv.Itoa(perEventPage)}}
	if f.NewestFirst {
		query.Set("order", "desc")
	}
	if f.Type != "" {
		query.Set("type", f.Type)
	}
	for name, id := range map[string]uuid.UUID{
		"customer_id": f.Customer, "identity_id": f.Identity, "instance_id": f.Instance, "confirmation_id": f.Confirmation,
	} {
		if id != uuid.Nil {
			query.Set(name, id.String())
		}
	}
	for name, at := range map[string]time.Time{"from": f.From, "to": f.To} {
		if !at.IsZero() {
			query.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	return pages(query, func(query url.Values) (page[Event], error) {
		return read(ctx, a.c, call{op: client.OpListPinEvents, query: query}, fromEventList)
	})
}

func fromEventList(w client.PinEventList) (page[Event], error) {
	p := page[Event]{items: make([]Event, len(w.Events)), next: w.Next}
	for i, e := range w.Events {
		p.items[i] = Event{
			Index: e.Index, ID: e.Id, Time: e.Time, Tenant: e.TenantId, Type: string(e.Type),
			ActorKind: e.ActorKind, ActorID: e.ActorId, HolderType: valueOf((*string)(e.HolderType)),
			Customer: idOf(e.CustomerId), Identity: idOf(e.IdentityId), Instance: idOf(e.InstanceId), Confirmation: idOf(e.ConfirmationId),
			RequestID: valueOf(e.RequestId), Peer: valueOf(e.Peer), Details: e.Details,
		}
	}
	return p, nil
}

func idOf(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}
