package hydrapin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"iter"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/internal/client"
)

// Event is an event of the audit trail. It never holds a PIN, a key or the parameters of an action.
type Event struct {
	// Index is the event's place in the trail of the tenant, from 0.
	Index  int64
	ID     uuid.UUID
	Time   time.Time
	Tenant uuid.UUID
	// Type says what happened, as in "pin.set". A server that is newer than this package may send
	// other values than it knows.
	Type string
	// ActorKind and ActorID are of the credential that acted.
	ActorKind, ActorID string
	// Holder is the zero Holder, Instance and Confirmation are uuid.Nil, and RequestID and Peer are
	// "", where none is concerned.
	Holder                 Holder
	Instance, Confirmation uuid.UUID
	RequestID, Peer        string
	// Details is a JSON object. Its fields depend on the type.
	Details json.RawMessage
}

// Events narrows a reading of the audit trail. The zero value reads all of it, the oldest event
// first.
type Events struct {
	Type         string
	Holder       Holder
	Instance     uuid.UUID
	Confirmation uuid.UUID
	// Actor is the id of a key, or the subject of a token.
	Actor string
	// From is the time of the earliest event, To is later than that of the latest.
	From, To time.Time
	// NewestFirst reads backwards.
	NewestFirst bool
}

func (e Events) query() url.Values {
	query := url.Values{}
	set := func(name, value string, given bool) {
		if given {
			query.Set(name, value)
		}
	}
	set("type", e.Type, e.Type != "")
	if e.Holder != (Holder{}) {
		query.Set(string(e.Holder.Type)+"_id", e.Holder.ID.String())
	}
	set("instance_id", e.Instance.String(), e.Instance != uuid.Nil)
	set("confirmation_id", e.Confirmation.String(), e.Confirmation != uuid.Nil)
	set("actor", e.Actor, e.Actor != "")
	set("from", e.From.UTC().Format(time.RFC3339Nano), !e.From.IsZero())
	set("to", e.To.UTC().Format(time.RFC3339Nano), !e.To.IsZero())
	set("order", "desc", e.NewestFirst)
	return query
}

// Events returns events of the audit trail. It fetches a page at a time and ends with the first
// error, or when there are no more events now.
func (a *Admin) Events(ctx context.Context, which Events) iter.Seq2[Event, error] {
	return pages(which.query(), func(query url.Values) (page[Event], error) {
		return read(ctx, a.c, call{op: client.OpListPinEvents, query: query}, func(w client.PinEventList) (page[Event], error) {
			p := page[Event]{next: w.Next}
			for i := range w.Events {
				e, err := fromEvent(w.Events[i])
				if err != nil {
					return p, err
				}
				p.items = append(p.items, e)
			}
			return p, nil
		})
	})
}

// Leaf is an event as it is in the Merkle tree of the trail (RFC 6962).
type Leaf struct {
	Event Event
	// Leaf is the exact bytes that are hashed, Hash is their hash.
	Leaf, Hash []byte
}

// Event returns one event of the audit trail. An index that the trail has not reached, or an event
// that was removed after its retention, is [ErrNotFound].
func (a *Admin) Event(ctx context.Context, index int64) (Leaf, error) {
	return read(ctx, a.c, call{op: client.OpGetPinEvent, at: at(index)}, func(w client.PinEventLeaf) (Leaf, error) {
		e, err := fromEvent(w.Event)
		if err == nil && w.Index != index {
			err = errors.New("of another event")
		}
		leaf, leafErr := base64.StdEncoding.DecodeString(w.Leaf)
		hash, hashErr := base64.StdEncoding.DecodeString(w.LeafHash)
		return Leaf{Event: e, Leaf: leaf, Hash: hash}, errors.Join(err, leafErr, hashErr)
	})
}

// EventsCheckpoint returns the signed head of the audit trail, a signed note (C2SP
// tlog-checkpoint). Keep it somewhere else: with it a later change of the events that it covers is
// found. It is [ErrNotFound] before the first event has its place.
func (a *Admin) EventsCheckpoint(ctx context.Context) (string, error) {
	k := call{op: client.OpGetPinEventCheckpoint, accept: textType}
	answer, err := a.c.do(ctx, k)
	if err != nil {
		return "", err
	}
	if !strings.Contains(string(answer.body), noteSignature) {
		return "", unexpected(k, errors.New("not a signed note"))
	}
	return string(answer.body), nil
}

const (
	textType = "text/plain"
	// noteSignature begins the signatures of a signed note.
	noteSignature = "\n\n\u2014 "
)

// EventProof proves that an event is in the tree of a size (RFC 6962, section 2.1.1).
type EventProof struct {
	Index, Size int64
	LeafHash    []byte
	// Hashes lead from the leaf to the root.
	Hashes [][]byte
}

// ProveEvent returns the proof that an event is in the tree of the first size events, or with 0 of
// all that there are.
func (a *Admin) ProveEvent(ctx context.Context, index, size int64) (EventProof, error) {
	k := call{op: client.OpGetPinEventProof, at: at(index), query: url.Values{}}
	if size != 0 {
		k.query.Set("size", strconv.FormatInt(size, 10))
	}
	return read(ctx, a.c, k, func(w client.PinEventProof) (EventProof, error) {
		hash, err := base64.StdEncoding.DecodeString(w.LeafHash)
		if err != nil {
			return EventProof{}, err
		}
		hashes, err := hashesOf(w.Hashes)
		return EventProof{Index: w.Index, Size: w.Size, LeafHash: hash, Hashes: hashes}, err
	})
}

// ConsistencyProof proves that a newer tree begins with an older one (RFC 6962, section 2.1.2).
type ConsistencyProof struct {
	From, To int64
	Hashes   [][]byte
}

// ProveConsistency returns the proof that the tree of the first to events, or with 0 of all that
// there are, begins with that of the first from, which is at least 1.
func (a *Admin) ProveConsistency(ctx context.Context, from, to int64) (ConsistencyProof, error) {
	k := call{op: client.OpGetPinEventConsistency, query: url.Values{"from": {strconv.FormatInt(from, 10)}}}
	if to != 0 {
		k.query.Set("to", strconv.FormatInt(to, 10))
	}
	return read(ctx, a.c, k, func(w client.PinEventConsistency) (ConsistencyProof, error) {
		hashes, err := hashesOf(w.Hashes)
		return ConsistencyProof{From: w.From, To: w.To, Hashes: hashes}, err
	})
}

// at is the index of an event as a part of the path.
func at(index int64) []string { return []string{strconv.FormatInt(index, 10)} }

func hashesOf(texts []string) ([][]byte, error) {
	hashes := make([][]byte, len(texts))
	for i, text := range texts {
		var err error
		if hashes[i], err = base64.StdEncoding.DecodeString(text); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

func idOf(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}

func fromEvent(w client.PinEvent) (Event, error) {
	e := Event{
		Index: w.Index, ID: w.Id, Time: w.Time, Tenant: w.TenantId, Type: w.Type,
		ActorKind: w.ActorKind, ActorID: w.ActorId, Instance: idOf(w.InstanceId),
		Confirmation: idOf(w.ConfirmationId), RequestID: valueOf(w.RequestId), Peer: valueOf(w.Peer),
	}
	switch {
	case w.CustomerId != nil:
		e.Holder = Customer(*w.CustomerId)
	case w.IdentityId != nil:
		e.Holder = Identity(*w.IdentityId)
	}
	if e.ID == uuid.Nil || e.Type == "" || e.Time.IsZero() {
		return Event{}, errors.New("an event without an id, a type or a time")
	}
	var err error
	e.Details, err = json.Marshal(w.Details)
	return e, err
}
