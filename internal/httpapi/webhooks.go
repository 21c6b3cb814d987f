package httpapi

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/gen/api"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/telemetry"
	"github.com/hydracore/hydrapin/internal/webhook"
	"github.com/hydracore/hydrapin/internal/wire"
)

// ListWebhooks implements the contract.
func (s *Server) ListWebhooks(ctx context.Context, req api.ListWebhooksRequestObject) (api.ListWebhooksResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	got, err := s.service.Webhooks(ctx, caller, fromAPIPage(req.Params.Page, req.Params.PerPage))
	if err != nil {
		return nil, err
	}
	list := api.ListWebhooks200JSONResponse{
		Webhooks: make([]api.Webhook, len(got.Rows)),
		Page:     got.Number, PerPage: got.Size, Total: got.Total, TotalPages: got.Pages(),
	}
	for i, e := range got.Rows {
		list.Webhooks[i] = toAPIWebhook(e)
	}
	return list, nil
}

// CreateWebhook implements the contract.
func (s *Server) CreateWebhook(ctx context.Context, req api.CreateWebhookRequestObject) (api.CreateWebhookResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	n := service.NewWebhook{URL: req.Body.Url, Events: req.Body.Events, Enabled: true}
	if req.Body.Description != nil {
		n.Description = *req.Body.Description
	}
	if req.Body.Enabled != nil {
		n.Enabled = *req.Body.Enabled
	}
	e, secret, err := s.service.CreateWebhook(ctx, caller, n)
	if err != nil {
		return nil, err
	}
	return api.CreateWebhook201JSONResponse(toAPICreatedWebhook(e, secret)), nil
}

// GetWebhook implements the contract.
func (s *Server) GetWebhook(ctx context.Context, req api.GetWebhookRequestObject) (api.GetWebhookResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	e, err := s.service.Webhook(ctx, caller, req.WebhookId)
	if err != nil {
		return nil, err
	}
	return api.GetWebhook200JSONResponse(toAPIWebhook(e)), nil
}

// UpdateWebhook implements the contract.
func (s *Server) UpdateWebhook(ctx context.Context, req api.UpdateWebhookRequestObject) (api.UpdateWebhookResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	patch := webhook.Patch{URL: req.Body.Url, Description: req.Body.Description, Enabled: req.Body.Enabled}
	if req.Body.Events != nil {
		patch.Events = *req.Body.Events
	}
	e, err := s.service.UpdateWebhook(ctx, caller, req.WebhookId, patch)
	if err != nil {
		s.recordLackingScope(ctx, caller, err)
		return nil, err
	}
	return api.UpdateWebhook200JSONResponse(toAPIWebhook(e)), nil
}

// DeleteWebhook implements the contract.
func (s *Server) DeleteWebhook(ctx context.Context, req api.DeleteWebhookRequestObject) (api.DeleteWebhookResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.service.DeleteWebhook(ctx, caller, req.WebhookId); err != nil {
		return nil, err
	}
	return api.DeleteWebhook204Response{}, nil
}

// RotateWebhookSecret implements the contract.
func (s *Server) RotateWebhookSecret(ctx context.Context, req api.RotateWebhookSecretRequestObject) (api.RotateWebhookSecretResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	e, secret, err := s.service.RotateWebhookSecret(ctx, caller, req.WebhookId)
	if err != nil {
		return nil, err
	}
	return api.RotateWebhookSecret200JSONResponse(toAPICreatedWebhook(e, secret)), nil
}

// TestWebhook implements the contract.
func (s *Server) TestWebhook(ctx context.Context, req api.TestWebhookRequestObject) (api.TestWebhookResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	event, err := s.service.TestWebhook(ctx, caller, req.WebhookId)
	if err != nil {
		return nil, err
	}
	return api.TestWebhook202JSONResponse{EventId: event}, nil
}

// ListWebhookDeliveries implements the contract.
func (s *Server) ListWebhookDeliveries(ctx context.Context, req api.ListWebhookDeliveriesRequestObject) (api.ListWebhookDeliveriesResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	var status webhook.Status
	if req.Params.Status != nil {
		status = webhook.Status(*req.Params.Status)
	}
	got, err := s.service.Deliveries(ctx, caller, req.WebhookId, status, fromAPIPage(req.Params.Page, req.Params.PerPage))
	if err != nil {
		return nil, err
	}
	list := api.ListWebhookDeliveries200JSONResponse{
		Deliveries: make([]api.WebhookDelivery, len(got.Rows)),
		Page:       got.Number, PerPage: got.Size, Total: got.Total, TotalPages: got.Pages(),
	}
	for i, d := range got.Rows {
		list.Deliveries[i] = toAPIDelivery(d)
	}
	return list, nil
}

// RetryWebhookDelivery implements the contract.
func (s *Server) RetryWebhookDelivery(ctx context.Context, req api.RetryWebhookDeliveryRequestObject) (api.RetryWebhookDeliveryResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	d, err := s.service.RetryDelivery(ctx, caller, req.DeliveryId)
	if err != nil {
		return nil, err
	}
	return api.RetryWebhookDelivery200JSONResponse(toAPIDelivery(d)), nil
}

// recordLackingScope records the try of a key that cannot read events to say where they go, as every
// denied access is.
func (s *Server) recordLackingScope(ctx context.Context, c service.Caller, err error) {
	if !errors.Is(err, service.ErrEventsScope) {
		return
	}
	if r, err := telemetry.From(ctx); err == nil {
		s.service.Denied(ctx, c, uuid.Nil, r.Operation)
	}
}

func toAPIWebhook(e webhook.Endpoint) api.Webhook {
	to := api.Webhook{
		Id: e.ID, Url: e.URL, Events: e.Events, Description: toAPIText(e.Description), Enabled: e.Enabled(),
		FailingSince: wire.TimePtr(e.FailingSince), CreatedAt: wire.Time(e.CreatedAt), UpdatedAt: wire.Time(e.UpdatedAt),
		CreatedBy: string(e.CreatedBy.Kind) + ":" + e.CreatedBy.ID,
	}
	if !e.Enabled() {
		reason := api.WebhookDisabledReason(e.Disabled)
		to.DisabledReason = &reason
	}
	return to
}

func toAPICreatedWebhook(e webhook.Endpoint, secret webhook.Secret) api.CreatedWebhook {
	w := toAPIWebhook(e)
	return api.CreatedWebhook{
		Secret: secret.Reveal(), Id: w.Id, Url: w.Url, Events: w.Events, Description: w.Description, Enabled: w.Enabled,
		DisabledReason: (*api.CreatedWebhookDisabledReason)(w.DisabledReason), FailingSince: w.FailingSince,
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, CreatedBy: w.CreatedBy,
	}
}

func toAPIDelivery(d webhook.Delivery) api.WebhookDelivery {
	to := api.WebhookDelivery{
		Id: d.ID, WebhookId: d.Endpoint, EventId: d.Event.ID, EventIndex: d.Event.Index, EventType: string(d.Event.Type),
		Status: api.WebhookDeliveryStatus(d.Status), Attempts: d.Attempts, CreatedAt: wire.Time(d.CreatedAt),
		LastAttemptAt: wire.TimePtr(d.LastAt),
	}
	if d.Status == webhook.Pending {
		to.NextAttemptAt = wire.TimePtr(d.DueAt)
	}
	if d.LastStatus != 0 {
		to.LastStatus = &d.LastStatus
	}
	if d.LastFailure != webhook.NoFailure {
		failure := api.WebhookDeliveryLastError(d.LastFailure)
		to.LastError = &failure
	}
	return to
}
