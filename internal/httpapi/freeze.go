package httpapi

import (
	"context"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/gen/api"
	"github.com/hydracore/hydrapin/internal/openapi"
)

// GetInstanceFreeze implements the contract.
func (s *Server) GetInstanceFreeze(ctx context.Context, req api.GetInstanceFreezeRequestObject) (api.GetInstanceFreezeResponseObject, error) {
	if err := isInstance(req.InstanceId); err != nil {
		return nil, err
	}
	f, err := s.freezeOf(ctx, req.InstanceId)
	if err != nil {
		return nil, err
	}
	return api.GetInstanceFreeze200JSONResponse(f), nil
}

// GetTenantFreeze implements the contract.
func (s *Server) GetTenantFreeze(ctx context.Context, _ api.GetTenantFreezeRequestObject) (api.GetTenantFreezeResponseObject, error) {
	f, err := s.freezeOf(ctx, uuid.Nil)
	if err != nil {
		return nil, err
	}
	return api.GetTenantFreeze200JSONResponse(f), nil
}

// SetInstanceFreeze implements the contract.
func (s *Server) SetInstanceFreeze(ctx context.Context, req api.SetInstanceFreezeRequestObject) (api.SetInstanceFreezeResponseObject, error) {
	if err := isInstance(req.InstanceId); err != nil {
		return nil, err
	}
	f, err := s.freeze(ctx, req.InstanceId, req.Body)
	if err != nil {
		return nil, err
	}
	return api.SetInstanceFreeze200JSONResponse(f), nil
}

// SetTenantFreeze implements the contract.
func (s *Server) SetTenantFreeze(ctx context.Context, req api.SetTenantFreezeRequestObject) (api.SetTenantFreezeResponseObject, error) {
	f, err := s.freeze(ctx, uuid.Nil, req.Body)
	if err != nil {
		return nil, err
	}
	return api.SetTenantFreeze200JSONResponse(f), nil
}

// LiftInstanceFreeze implements the contract.
func (s *Server) LiftInstanceFreeze(ctx context.Context, req api.LiftInstanceFreezeRequestObject) (api.LiftInstanceFreezeResponseObject, error) {
	if err := isInstance(req.InstanceId); err != nil {
		return nil, err
	}
	if err := s.lift(ctx, req.InstanceId); err != nil {
		return nil, err
	}
	return api.LiftInstanceFreeze204Response{}, nil
}

// LiftTenantFreeze implements the contract.
func (s *Server) LiftTenantFreeze(ctx context.Context, _ api.LiftTenantFreezeRequestObject) (api.LiftTenantFreezeResponseObject, error) {
	if err := s.lift(ctx, uuid.Nil); err != nil {
		return nil, err
	}
	return api.LiftTenantFreeze204Response{}, nil
}

// isInstance refuses the nil UUID, which is not an instance: to the service it stands for the tenant.
func isInstance(id uuid.UUID) error {
	if id != uuid.Nil {
		return nil
	}
	return &openapi.ValidationError{Errors: []openapi.FieldError{{
		Loc: []any{"path", "instance_id"}, Msg: "Value error, the nil UUID is not an instance", Type: "value_error",
	}}}
}

func (s *Server) freezeOf(ctx context.Context, instance uuid.UUID) (api.Freeze, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return api.Freeze{}, err
	}
	f, err := s.service.Frozen(ctx, caller, instance)
	return toAPIFreeze(f), err
}

func (s *Server) freeze(ctx context.Context, instance uuid.UUID, body *api.SetFreeze) (api.Freeze, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return api.Freeze{}, err
	}
	reason := ""
	if body != nil && body.Reason != nil {
		reason = *body.Reason
	}
	f, err := s.service.Freeze(ctx, caller, instance, reason)
	return toAPIFreeze(f), err
}

func (s *Server) lift(ctx context.Context, instance uuid.UUID) error {
	caller, err := callerOf(ctx)
	if err != nil {
		return err
	}
	return s.service.Unfreeze(ctx, caller, instance)
}
