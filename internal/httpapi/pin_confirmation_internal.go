package httpapi

import (
	"context"
	"time"

	"github.com/hydracore/hydrapin/gen/api"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/service"
)

// RuntimeGetPinStatus implements the contract.
func (s *Server) RuntimeGetPinStatus(ctx context.Context, req api.RuntimeGetPinStatusRequestObject) (api.RuntimeGetPinStatusResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	status, err := s.service.PINStatus(ctx, pin.IdentityHolder(caller.Tenant, req.InstanceId, req.IdentityId))
	if err != nil {
		return nil, err
	}
	return api.RuntimeGetPinStatus200JSONResponse(toAPIPinStatus(status)), nil
}

// RuntimeSetPin implements the contract.
func (s *Server) RuntimeSetPin(ctx context.Context, req api.RuntimeSetPinRequestObject) (api.RuntimeSetPinResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	holder := pin.IdentityHolder(caller.Tenant, req.InstanceId, req.IdentityId)
	status, err := s.service.SetPINByRuntime(ctx, caller, holder, service.NewPIN{PIN: req.Body.Pin, Current: req.Body.CurrentPin})
	if err != nil {
		return nil, err
	}
	return api.RuntimeSetPin200JSONResponse(toAPIPinStatus(status)), nil
}

// RuntimeRemovePin implements the contract.
func (s *Server) RuntimeRemovePin(ctx context.Context, req api.RuntimeRemovePinRequestObject) (api.RuntimeRemovePinResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.service.RemovePINByRuntime(ctx, caller, pin.IdentityHolder(caller.Tenant, req.InstanceId, req.IdentityId)); err != nil {
		return nil, err
	}
	return api.RuntimeRemovePin204Response{}, nil
}

// AskConfirmation implements the contract.
func (s *Server) AskConfirmation(ctx context.Context, req api.AskConfirmationRequestObject) (api.AskConfirmationResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	question, err := fromAPIQuestion(caller, req, acceptedOf(ctx))
	if err != nil {
		return nil, err
	}
	view, created, err := s.service.Ask(ctx, caller, question)
	switch {
	case err != nil:
		return nil, err
	case created:
		return api.AskConfirmation201JSONResponse{
			Body: s.toAPIConfirmation(view), Headers: api.AskConfirmation201ResponseHeaders{Location: toAPILocation(view.ID)},
		}, nil
	default:
		return api.AskConfirmation200JSONResponse(s.toAPIConfirmation(view)), nil
	}
}

// GetConfirmation implements the contract.
func (s *Server) GetConfirmation(ctx context.Context, req api.GetConfirmationRequestObject) (api.GetConfirmationResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	var wait time.Duration
	if req.Params.WaitSeconds != nil {
		wait = time.Duration(*req.Params.WaitSeconds) * time.Second
	}
	view, err := s.service.Confirmation(ctx, caller, service.Target{Instance: req.InstanceId, Confirmation: req.ConfirmationId}, wait)
	if err != nil {
		return nil, err
	}
	return api.GetConfirmation200JSONResponse(s.toAPIConfirmation(view)), nil
}

// VerifyConfirmation implements the contract.
func (s *Server) VerifyConfirmation(ctx context.Context, req api.VerifyConfirmationRequestObject) (api.VerifyConfirmationResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	view, err := s.service.Verify(ctx, caller, service.Target{Instance: req.InstanceId, Confirmation: req.ConfirmationId}, req.Body.Pin)
	if err != nil {
		return nil, err
	}
	return api.VerifyConfirmation200JSONResponse(s.toAPIConfirmation(view)), nil
}

// RedeemConfirmation implements the contract.
func (s *Server) RedeemConfirmation(ctx context.Context, req api.RedeemConfirmationRequestObject) (api.RedeemConfirmationResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	proof := fromAPIRedeem(*req.Body, acceptedOf(ctx))
	view, err := s.service.Redeem(ctx, caller, service.Target{Instance: req.InstanceId, Confirmation: req.ConfirmationId}, proof)
	if err != nil {
		return nil, err
	}
	return api.RedeemConfirmation200JSONResponse(s.toAPIConfirmation(view)), nil
}

// DeclineConfirmation implements the contract.
func (s *Server) DeclineConfirmation(ctx context.Context, req api.DeclineConfirmationRequestObject) (api.DeclineConfirmationResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.service.Decline(ctx, caller, service.Target{Instance: req.InstanceId, Confirmation: req.ConfirmationId}); err != nil {
		return nil, err
	}
	return api.DeclineConfirmation204Response{}, nil
}

// EndPinSessions implements the contract.
func (s *Server) EndPinSessions(ctx context.Context, req api.EndPinSessionsRequestObject) (api.EndPinSessionsResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	holder, err := fromAPIHolder(caller.Tenant, req.InstanceId, req.Params.CustomerId, req.Params.IdentityId)
	if err != nil {
		return nil, err
	}
	if err := s.service.EndSessions(ctx, caller, holder, req.InstanceId); err != nil {
		return nil, err
	}
	return api.EndPinSessions204Response{}, nil
}

// GetPinPolicyDecision implements the contract.
func (s *Server) GetPinPolicyDecision(ctx context.Context, req api.GetPinPolicyDecisionRequestObject) (api.GetPinPolicyDecisionResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	need, err := s.service.Need(ctx, caller, req.InstanceId, policy.Role(req.Params.Role), req.Params.Skill)
	if err != nil {
		return nil, err
	}
	return api.GetPinPolicyDecision200JSONResponse(toAPIDecision(need)), nil
}

// ListConfirmations implements the contract.
func (s *Server) ListConfirmations(ctx context.Context, req api.ListConfirmationsRequestObject) (api.ListConfirmationsResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	filter, err := fromAPIList(caller, req.InstanceId, req.Params)
	if err != nil {
		return nil, err
	}
	views, next, err := s.service.OpenConfirmations(ctx, caller, filter)
	if err != nil {
		return nil, err
	}
	return api.ListConfirmations200JSONResponse(s.toAPIConfirmationList(views, next)), nil
}

// ReportOutcome implements the contract.
func (s *Server) ReportOutcome(ctx context.Context, req api.ReportOutcomeRequestObject) (api.ReportOutcomeResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	target := service.Target{Instance: req.InstanceId, Confirmation: req.ConfirmationId}
	outcome := confirmation.Outcome{Kind: confirmation.OutcomeKind(req.Body.Outcome)}
	if req.Body.Detail != nil {
		outcome.Detail = *req.Body.Detail
	}
	view, err := s.service.ReportOutcome(ctx, caller, target, outcome)
	if err != nil {
		return nil, err
	}
	return api.ReportOutcome200JSONResponse(s.toAPIConfirmation(view)), nil
}
