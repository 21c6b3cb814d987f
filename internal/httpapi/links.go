package httpapi

import (
	"bytes"
	"context"

	"github.com/hydracore/hydrapin/gen/api"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
)

// CreateCustomerPinLink implements the contract.
func (s *Server) CreateCustomerPinLink(ctx context.Context, req api.CreateCustomerPinLinkRequestObject) (api.CreateCustomerPinLinkResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	link, err := s.createAdminLink(ctx, caller, pin.CustomerHolder(caller.Tenant, req.CustomerId), req.Body)
	if err != nil {
		return nil, err
	}
	return api.CreateCustomerPinLink201JSONResponse(link), nil
}

// EndCustomerPinLinks implements the contract.
func (s *Server) EndCustomerPinLinks(ctx context.Context, req api.EndCustomerPinLinksRequestObject) (api.EndCustomerPinLinksResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.service.EndPINLinks(ctx, caller, pin.CustomerHolder(caller.Tenant, req.CustomerId), ""); err != nil {
		return nil, err
	}
	return api.EndCustomerPinLinks204Response{}, nil
}

// CreateIdentityPinLink implements the contract.
func (s *Server) CreateIdentityPinLink(ctx context.Context, req api.CreateIdentityPinLinkRequestObject) (api.CreateIdentityPinLinkResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	link, err := s.createAdminLink(ctx, caller, pin.IdentityHolder(caller.Tenant, req.InstanceId, req.IdentityId), req.Body)
	if err != nil {
		return nil, err
	}
	return api.CreateIdentityPinLink201JSONResponse(link), nil
}

// EndIdentityPinLinks implements the contract.
func (s *Server) EndIdentityPinLinks(ctx context.Context, req api.EndIdentityPinLinksRequestObject) (api.EndIdentityPinLinksResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.service.EndPINLinks(ctx, caller, pin.IdentityHolder(caller.Tenant, req.InstanceId, req.IdentityId), ""); err != nil {
		return nil, err
	}
	return api.EndIdentityPinLinks204Response{}, nil
}

// RuntimeCreatePinLink implements the contract.
func (s *Server) RuntimeCreatePinLink(ctx context.Context, req api.RuntimeCreatePinLinkRequestObject) (api.RuntimeCreatePinLinkResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	var seconds *int
	if req.Body != nil {
		seconds = req.Body.ExpiresInSeconds
	}
	link, err := s.service.CreatePINLink(ctx, caller, service.NewPINLink{
		Holder: pin.IdentityHolder(caller.Tenant, req.InstanceId, req.IdentityId),
		Kind:   pin.RuntimeLink, ExpiresIn: fromAPIExpiry(seconds, pin.DefaultRuntimeLink),
	})
	if err != nil {
		return nil, err
	}
	return api.RuntimeCreatePinLink201JSONResponse(s.toAPIPinLink(link)), nil
}

// RuntimeEndPinLinks implements the contract.
func (s *Server) RuntimeEndPinLinks(ctx context.Context, req api.RuntimeEndPinLinksRequestObject) (api.RuntimeEndPinLinksResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	holder := pin.IdentityHolder(caller.Tenant, req.InstanceId, req.IdentityId)
	if err := s.service.EndPINLinks(ctx, caller, holder, pin.RuntimeLink); err != nil {
		return nil, err
	}
	return api.RuntimeEndPinLinks204Response{}, nil
}

// SetMyPin implements the contract.
func (s *Server) SetMyPin(ctx context.Context, req api.SetMyPinRequestObject) (api.SetMyPinResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	status, err := s.service.SetOwnPIN(ctx, caller, pin.CustomerHolder(caller.Tenant, caller.CustomerID),
		service.NewPIN{PIN: req.Body.Pin, Current: req.Body.CurrentPin})
	if err != nil {
		return nil, err
	}
	return api.SetMyPin200JSONResponse(toAPIPinStatus(status)), nil
}

// GetConfirmationQr implements the contract.
func (s *Server) GetConfirmationQr(ctx context.Context, req api.GetConfirmationQrRequestObject) (api.GetConfirmationQrResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	view, err := s.service.Confirmation(ctx, caller, service.Target{Instance: req.InstanceId, Confirmation: req.ConfirmationId}, 0)
	switch {
	case err != nil:
		return nil, err
	case view.Status != confirmation.Pending:
		return nil, service.ErrNoLink
	}
	image, err := s.links.ConfirmQR(view.ID)
	if err != nil {
		return nil, err
	}
	return api.GetConfirmationQr200ImagesvgXmlResponse{Body: bytes.NewReader(image), ContentLength: int64(len(image))}, nil
}

func (s *Server) createAdminLink(ctx context.Context, c service.Caller, h pin.Holder, body *api.CreatePinLink) (api.PinLink, error) {
	var seconds *int
	if body != nil {
		seconds = body.ExpiresInSeconds
	}
	link, err := s.service.CreatePINLink(ctx, c, service.NewPINLink{
		Holder: h, Kind: pin.AdminLink, ExpiresIn: fromAPIExpiry(seconds, pin.DefaultAdminLink),
	})
	return s.toAPIPinLink(link), err
}
