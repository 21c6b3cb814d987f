package httpapi

import (
	"context"

	"github.com/hydracore/hydrapin/gen/api"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
)

// GetCustomerPinStatus implements the contract.
func (s *Server) GetCustomerPinStatus(ctx context.Context, req api.GetCustomerPinStatusRequestObject) (api.GetCustomerPinStatusResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	status, err := s.service.PINStatus(ctx, pin.CustomerHolder(caller.Tenant, req.CustomerId))
	if err != nil {
		return nil, err
	}
	return api.GetCustomerPinStatus200JSONResponse(toAPIPinStatus(status)), nil
}

// SetCustomerPin implements the contract.
func (s *Server) SetCustomerPin(ctx context.Context, req api.SetCustomerPinRequestObject) (api.SetCustomerPinResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	status, err := s.service.SetPIN(ctx, caller, pin.CustomerHolder(caller.Tenant, req.CustomerId), req.Body.Pin)
	if err != nil {
		return nil, err
	}
	return api.SetCustomerPin200JSONResponse(toAPIPinStatus(status)), nil
}

// RemoveCustomerPin implements the contract.
func (s *Server) RemoveCustomerPin(ctx context.Context, req api.RemoveCustomerPinRequestObject) (api.RemoveCustomerPinResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.service.RemovePIN(ctx, caller, pin.CustomerHolder(caller.Tenant, req.CustomerId)); err != nil {
		return nil, err
	}
	return api.RemoveCustomerPin204Response{}, nil
}

// UnlockCustomerPin implements the contract.
func (s *Server) UnlockCustomerPin(ctx context.Context, req api.UnlockCustomerPinRequestObject) (api.UnlockCustomerPinResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	status, err := s.service.UnlockPIN(ctx, caller, pin.CustomerHolder(caller.Tenant, req.CustomerId))
	if err != nil {
		return nil, err
	}
	return api.UnlockCustomerPin200JSONResponse(toAPIPinStatus(status)), nil
}

// GetPinPolicy implements the contract.
func (s *Server) GetPinPolicy(ctx context.Context, req api.GetPinPolicyRequestObject) (api.GetPinPolicyResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.service.Policy(ctx, caller, req.InstanceId)
	if err != nil {
		return nil, err
	}
	if isCurrent(req.Params.IfNoneMatch, p.Version) {
		return api.GetPinPolicy304Response{Headers: api.NotModifiedResponseHeaders{ETag: toAPIETag(p.Version)}}, nil
	}
	return api.GetPinPolicy200JSONResponse{
		Body: toAPIPinPolicy(p), Headers: api.GetPinPolicy200ResponseHeaders{ETag: toAPIETag(p.Version)},
	}, nil
}

// UpdatePinPolicy implements the contract.
func (s *Server) UpdatePinPolicy(ctx context.Context, req api.UpdatePinPolicyRequestObject) (api.UpdatePinPolicyResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.service.UpdatePolicy(ctx, caller, service.PolicyUpdate{
		Instance: req.InstanceId, Patch: fromAPIPinPolicyUpdate(*req.Body), Match: fromAPIConditions(req.Params.IfMatch, req.Params.IfNoneMatch),
	})
	if err != nil {
		return nil, err
	}
	return api.UpdatePinPolicy200JSONResponse{
		Body: toAPIPinPolicy(p), Headers: api.UpdatePinPolicy200ResponseHeaders{ETag: toAPIETag(p.Version)},
	}, nil
}

// GetIdentityPinStatus implements the contract.
func (s *Server) GetIdentityPinStatus(ctx context.Context, req api.GetIdentityPinStatusRequestObject) (api.GetIdentityPinStatusResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	status, err := s.service.PINStatus(ctx, pin.IdentityHolder(caller.Tenant, req.InstanceId, req.IdentityId))
	if err != nil {
		return nil, err
	}
	return api.GetIdentityPinStatus200JSONResponse(toAPIPinStatus(status)), nil
}

// RemoveIdentityPin implements the contract.
func (s *Server) RemoveIdentityPin(ctx context.Context, req api.RemoveIdentityPinRequestObject) (api.RemoveIdentityPinResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.service.RemovePIN(ctx, caller, pin.IdentityHolder(caller.Tenant, req.InstanceId, req.IdentityId)); err != nil {
		return nil, err
	}
	return api.RemoveIdentityPin204Response{}, nil
}

// UnlockIdentityPin implements the contract.
func (s *Server) UnlockIdentityPin(ctx context.Context, req api.UnlockIdentityPinRequestObject) (api.UnlockIdentityPinResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	status, err := s.service.UnlockPIN(ctx, caller, pin.IdentityHolder(caller.Tenant, req.InstanceId, req.IdentityId))
	if err != nil {
		return nil, err
	}
	return api.UnlockIdentityPin200JSONResponse(toAPIPinStatus(status)), nil
}

// GetMyPinStatus implements the contract.
func (s *Server) GetMyPinStatus(ctx context.Context, _ api.GetMyPinStatusRequestObject) (api.GetMyPinStatusResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	status, err := s.service.PINStatus(ctx, pin.CustomerHolder(caller.Tenant, caller.CustomerID))
	if err != nil {
		return nil, err
	}
	return api.GetMyPinStatus200JSONResponse(toAPIPinStatus(status)), nil
}
