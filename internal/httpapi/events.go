package httpapi

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/hydracore/hydrapin/gen/api"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/wire"
)

// ListPinEvents implements the contract.
func (s *Server) ListPinEvents(ctx context.Context, req api.ListPinEventsRequestObject) (api.ListPinEventsResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	query, err := fromAPIEventQuery(req.Params)
	if err != nil {
		return nil, err
	}
	page, err := s.service.Trail(ctx, caller, query)
	if err != nil {
		return nil, err
	}
	list, err := toAPIEventList(page)
	return api.ListPinEvents200JSONResponse(list), err
}

// GetPinEvent implements the contract.
func (s *Server) GetPinEvent(ctx context.Context, req api.GetPinEventRequestObject) (api.GetPinEventResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	leaf, err := s.service.TrailEvent(ctx, caller, req.Index)
	if err != nil {
		return nil, err
	}
	event, err := toAPIEvent(leaf.Stored)
	return api.GetPinEvent200JSONResponse{
		Index: leaf.Index, Leaf: base64.StdEncoding.EncodeToString(leaf.Leaf), LeafHash: leaf.Hash.String(), Event: event,
	}, err
}

// GetPinEventCheckpoint implements the contract.
func (s *Server) GetPinEventCheckpoint(ctx context.Context, _ api.GetPinEventCheckpointRequestObject) (api.GetPinEventCheckpointResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	head, err := s.service.Checkpoint(ctx, caller)
	return api.GetPinEventCheckpoint200TextResponse(head), err
}

// GetPinEventProof implements the contract.
func (s *Server) GetPinEventProof(ctx context.Context, req api.GetPinEventProofRequestObject) (api.GetPinEventProofResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	proof, err := s.service.Inclusion(ctx, caller, req.Index, given(req.Params.Size))
	if err != nil {
		return nil, err
	}
	return api.GetPinEventProof200JSONResponse{
		Index: proof.Index, Size: proof.Size, LeafHash: proof.LeafHash.String(), Hashes: toAPIHashes(proof.Hashes),
	}, nil
}

// GetPinEventConsistency implements the contract.
func (s *Server) GetPinEventConsistency(ctx context.Context, req api.GetPinEventConsistencyRequestObject) (api.GetPinEventConsistencyResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	proof, err := s.service.Consistency(ctx, caller, req.Params.From, given(req.Params.To))
	if err != nil {
		return nil, err
	}
	return api.GetPinEventConsistency200JSONResponse{From: proof.From, To: proof.To, Hashes: toAPIHashes(proof.Hashes)}, nil
}

// given returns what an optional parameter has, or the zero value.
func given[T any](v *T) (got T) {
	if v != nil {
		got = *v
	}
	return got
}

func fromAPIEventQuery(p api.ListPinEventsParams) (service.TrailQuery, error) {
	q := service.TrailQuery{Limit: audit.DefaultPage, Back: given(p.Order) == api.ListPinEventsParamsOrderDesc}
	if p.Limit != nil {
		q.Limit = *p.Limit
	}
	q.Type, q.Actor = audit.Type(given(p.Type)), given(p.Actor)
	q.Instance, q.Confirmation = p.InstanceId, p.ConfirmationId
	switch {
	case p.CustomerId != nil:
		q.HolderType, q.Holder = pin.Customer, *p.CustomerId
	case p.IdentityId != nil:
		q.HolderType, q.Holder = pin.Identity, *p.IdentityId
	}
	if p.After != nil {
		after, err := audit.ParseCursor(*p.After)
		if err != nil {
			return service.TrailQuery{}, err
		}
		q.After = &after
	}
	var err error
	if q.From, err = fromAPITime(p.From); err != nil {
		return service.TrailQuery{}, err
	}
	q.To, err = fromAPITime(p.To)
	return q, err
}

// fromAPITime reads a time that was validated; the zero time for none.
func fromAPITime(text *string) (time.Time, error) {
	if text == nil {
		return time.Time{}, nil
	}
	return wire.ParseTime(*text)
}

func toAPIEventList(p service.TrailPage) (api.PinEventList, error) {
	list := api.PinEventList{Events: make([]api.PinEvent, 0, len(p.Events))}
	for _, e := range p.Events {
		event, err := toAPIEvent(e)
		if err != nil {
			return api.PinEventList{}, err
		}
		list.Events = append(list.Events, event)
	}
	if p.Next != nil {
		next := p.Next.String()
		list.Next = &next
	}
	return list, nil
}

// toAPIEvent reads an event back from its leaf; what cannot be read was tampered with.
func toAPIEvent(s audit.Stored) (api.PinEvent, error) {
	e, err := s.Entry()
	if err != nil {
		return api.PinEvent{}, err
	}
	at, err := wire.ParseTime(e.Time)
	if err != nil {
		return api.PinEvent{}, err
	}
	event := api.PinEvent{
		Index: s.Index, Id: e.ID, Time: wire.Time(at), TenantId: e.TenantID, Type: string(e.Type),
		ActorKind: e.ActorKind, ActorId: e.ActorID, CustomerId: e.CustomerID, IdentityId: e.IdentityID,
		InstanceId: e.InstanceID, ConfirmationId: e.ConfirmationID,
		RequestId: e.RequestID, Peer: e.Peer, Details: e.Details,
	}
	if e.HolderType != nil {
		holderType := api.PinEventHolderType(*e.HolderType)
		event.HolderType = &holderType
	}
	return event, nil
}

func toAPIHashes[H interface{ String() string }](hashes []H) []string {
	texts := make([]string, len(hashes))
	for n, h := range hashes {
		texts[n] = h.String()
	}
	return texts
}
