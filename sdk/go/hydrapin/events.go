package hydrapin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"iter"
	"mime"
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

// EventLeaf is an event with what the trail hashes of it.
type EventLeaf struct {
	Event Event
	// Leaf is the event's canonical text (RFC 8785), and LeafHash its hash in base64 (RFC 6962).
	Leaf     []byte
	LeafHash string
}

// Event returns one event of the audit trail by its index, with what the trail hashes of it.
func (a *Admin) Event(ctx context.Context, index int64) (EventLeaf, error) {
	k := call{op: client.OpGetPinEvent, at: []string{strconv.FormatInt(index, 10)}}
	return read(ctx, a.c, k, func(w client.PinEventLeaf) (EventLeaf, error) {
		leaf, err := base64.StdEncoding.DecodeString(w.Leaf)
		if err != nil || w.Index != index {
			return EventLeaf{}, errors.New("another event, or a leaf that is not base64")
		}
		return EventLeaf{Event: fromEvent(w.Event), Leaf: leaf, LeafHash: w.LeafHash}, nil
	})
}

// Checkpoint returns the signed head of the audit trail: a C2SP checkpoint. Before the first event
// it returns [ErrNotFound].
func (a *Admin) Checkpoint(ctx context.Context) (string, error) {
	k := call{op: client.OpGetPinEventCheckpoint, accept: textType}
	got, err := a.c.do(ctx, k)
	if err != nil {
		return "", err
	}
	if kind, _, err := mime.ParseMediaType(got.header.Get("Content-Type")); err != nil || kind != textType || len(got.body) == 0 {
		return "", unexpected(k, errors.New("no checkpoint"))
	}
	return string(got.body), nil
}

// textType is the media type of a checkpoint.
const textType = "text/plain"

// EventProof proves that an event is in the trail of some size (RFC 6962). Hashes are in base64.
type EventProof struct {
	Index, Size int64
	LeafHash    string
	Hashes      []string
}

// EventProof returns the proof that an event is in the trail of a size, or with 0 of the newest one.
func (a *Admin) EventProof(ctx context.Context, index, size int64) (EventProof, error) {
	k := call{op: client.OpGetPinEventProof, at: []string{strconv.FormatInt(index, 10)}, query: url.Values{}}
	if size != 0 {
		k.query.Set("size", strconv.FormatInt(size, 10))
	}
	return read(ctx, a.c, k, func(w client.PinEventProof) (EventProof, error) {
		return EventProof{Index: w.Index, Size: w.Size, LeafHash: w.LeafHash, Hashes: w.Hashes}, nil
	})
}

// EventConsistency proves that a trail of one size is the beginning of one of a larger size (RFC
// 6962). Hashes are in base64.
type EventConsistency struct {
	From, To int64
	Hashes   []string
}

// EventConsistency returns the proof that the trail of the size from is the beginning of the one of
// the size to, or with 0 of the newest one.
func (a *Admin) EventConsistency(ctx context.Context, from, to int64) (EventConsistency, error) {
	k := call{op: client.OpGetPinEventConsistency, query: url.Values{"from": {strconv.FormatInt(from, 10)}}}
	if to != 0 {
		k.query.Set("to", strconv.FormatInt(to, 10))
	}
	return read(ctx, a.c, k, func(w client.PinEventConsistency) (EventConsistency, error) {
		return EventConsistency{From: w.From, To: w.To, Hashes: w.Hashes}, nil
	})
}

func fromEventList(w client.PinEventList) (page[Event], error) {
	p := page[Event]{items: make([]Event, len(w.Events)), next: w.Next}
	for i, e := range w.Events {
		p.items[i] = fromEvent(e)
	}
	return p, nil
}

func fromEvent(e client.PinEvent) Event {
	return Event{
		Index: e.Index, ID: e.Id, Time: e.Time, Tenant: e.TenantId, Type: e.Type,
		ActorKind: e.ActorKind, ActorID: e.ActorId, HolderType: valueOf((*string)(e.HolderType)),
		Customer: idOf(e.CustomerId), Identity: idOf(e.IdentityId), Instance: idOf(e.InstanceId), Confirmation: idOf(e.ConfirmationId),
		RequestID: valueOf(e.RequestId), Peer: valueOf(e.Peer), Details: e.Details,
	}
}

func idOf(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}
