package httpapi

import (
	"context"

	"github.com/hydracore/hydrapin/gen/api"
	"github.com/hydracore/hydrapin/internal/paging"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
)

// ListPins implements the contract.
func (s *Server) ListPins(ctx context.Context, req api.ListPinsRequestObject) (api.ListPinsResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	got, err := s.service.PINs(ctx, caller, fromAPIPinFilter(req.Params), fromAPIPage(req.Params.Page, req.Params.PerPage))
	if err != nil {
		return nil, err
	}
	list := api.ListPins200JSONResponse{
		Pins: make([]api.HolderPin, len(got.Rows)),
		Page: got.Number, PerPage: got.Size, Total: got.Total, TotalPages: got.Pages(),
	}
	for i, listed := range got.Rows {
		list.Pins[i] = toAPIHolderPin(listed)
	}
	return list, nil
}

// DeactivateCustomerPin implements the contract.
func (s *Server) DeactivateCustomerPin(ctx context.Context, req api.DeactivateCustomerPinRequestObject) (api.DeactivateCustomerPinResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	status, err := s.service.DeactivatePIN(ctx, caller, pin.CustomerHolder(caller.Tenant, req.CustomerId))
	if err != nil {
		return nil, err
	}
	return api.DeactivateCustomerPin200JSONResponse(toAPIPinStatus(status)), nil
}

// DeactivateIdentityPin implements the contract.
func (s *Server) DeactivateIdentityPin(ctx context.Context, req api.DeactivateIdentityPinRequestObject) (api.DeactivateIdentityPinResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	status, err := s.service.DeactivatePIN(ctx, caller, pin.IdentityHolder(caller.Tenant, req.InstanceId, req.IdentityId))
	if err != nil {
		return nil, err
	}
	return api.DeactivateIdentityPin200JSONResponse(toAPIPinStatus(status)), nil
}

// fromAPIPage reads a page that was validated.
func fromAPIPage(number, size *int) paging.Page {
	p := paging.Page{Number: 1, Size: paging.DefaultSize}
	if number != nil {
		p.Number = *number
	}
	if size != nil {
		p.Size = *size
	}
	return p
}

func fromAPIPinFilter(p api.ListPinsParams) service.PINFilter {
	f := service.PINFilter{Instance: p.InstanceId}
	if p.Status != nil {
		f.State = service.PINState(*p.Status)
	}
	if p.SetBy != nil {
		f.SetBy = pin.SetBy(*p.SetBy)
	}
	if p.HolderType != nil {
		f.Type = pin.HolderType(*p.HolderType)
	}
	return f
}

func toAPIHolderPin(l service.ListedPIN) api.HolderPin {
	status := toAPIPinStatus(l.Status)
	to := api.HolderPin{
		HolderType: api.HolderType(l.Holder.Type), InstanceId: toAPIUUID(l.Holder.Instance),
		HasPin: status.HasPin, IsActive: status.IsActive, IsLocked: status.IsLocked,
		LockedUntil: status.LockedUntil, CreatedAt: status.CreatedAt,
	}
	if status.SetBy != nil {
		by := api.HolderPinSetBy(*status.SetBy)
		to.SetBy = &by
	}
	switch l.Holder.Type {
	case pin.Customer:
		to.CustomerId = &l.Holder.ID
	case pin.Identity:
		to.IdentityId = &l.Holder.ID
	}
	return to
}
