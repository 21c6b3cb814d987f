package httpapi

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/gen/api"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/telemetry"
	"github.com/hydracore/hydrapin/internal/wire"
)

// ListApiKeys implements the contract.
//
//nolint:staticcheck // the contract spells it so
func (s *Server) ListApiKeys(ctx context.Context, req api.ListApiKeysRequestObject) (api.ListApiKeysResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	got, err := s.service.KeyPage(ctx, caller, fromAPIPage(req.Params.Page, req.Params.PerPage))
	if err != nil {
		return nil, err
	}
	list := api.ListApiKeys200JSONResponse{
		ApiKeys: make([]api.ApiKey, len(got.Rows)),
		Page:    got.Number, PerPage: got.Size, Total: got.Total, TotalPages: got.Pages(),
	}
	for i, key := range got.Rows {
		list.ApiKeys[i] = toAPIKey(key)
	}
	return list, nil
}

// CreateApiKey implements the contract.
//
//nolint:staticcheck // the contract spells it so
func (s *Server) CreateApiKey(ctx context.Context, req api.CreateApiKeyRequestObject) (api.CreateApiKeyResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	spec := fromAPIKeySpec(caller.Tenant, *req.Body)
	key, secret, err := s.service.MintKey(ctx, caller, spec)
	if err != nil {
		s.recordEscalation(ctx, caller, spec.Instance, err)
		return nil, err
	}
	return api.CreateApiKey201JSONResponse(toAPICreatedKey(key, secret)), nil
}

// RevokeApiKey implements the contract.
//
//nolint:staticcheck // the contract spells it so
func (s *Server) RevokeApiKey(ctx context.Context, req api.RevokeApiKeyRequestObject) (api.RevokeApiKeyResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.service.RevokeKey(ctx, caller, req.ApiKeyId); err != nil {
		s.recordEscalation(ctx, caller, uuid.Nil, err)
		return nil, err
	}
	return api.RevokeApiKey204Response{}, nil
}

// recordEscalation records a key's try to get more than it has, as every denied access is.
func (s *Server) recordEscalation(ctx context.Context, c service.Caller, instance uuid.UUID, err error) {
	if _, ok := errors.AsType[*service.EscalationError](err); !ok {
		return
	}
	if r, err := telemetry.From(ctx); err == nil {
		s.service.Denied(ctx, c, instance, r.Operation)
	}
}

func fromAPIKeySpec(tenant uuid.UUID, k api.CreateApiKey) service.KeySpec {
	spec := service.KeySpec{Tenant: tenant, Name: k.Name}
	if k.InstanceId != nil {
		spec.Instance = *k.InstanceId
	}
	if k.ExpiresAt != nil {
		spec.ExpiresAt = time.Time(*k.ExpiresAt).UTC().Truncate(time.Microsecond)
	}
	if k.Scopes != nil {
		for _, name := range *k.Scopes {
			if scope := auth.Scope(name); !slices.Contains(spec.Scopes, scope) {
				spec.Scopes = append(spec.Scopes, scope)
			}
		}
	}
	return spec
}

func toAPIKey(k auth.APIKey) api.ApiKey {
	to := api.ApiKey{
		Id: k.ID, Prefix: k.Prefix(), Kind: api.ApiKeyKind(k.Kind), Name: toAPIText(k.Name),
		Scopes: make([]api.ApiKeyScope, len(k.Scopes)), InstanceId: toAPIUUID(k.Instance),
		CreatedAt: wire.Time(k.CreatedAt), CreatedBy: string(k.CreatedByKind) + ":" + k.CreatedBy,
		ExpiresAt: wire.TimePtr(k.ExpiresAt), RevokedAt: wire.TimePtr(k.RevokedAt), LastUsedAt: wire.TimePtr(k.LastUsedAt),
	}
	for i, scope := range k.Scopes {
		to.Scopes[i] = api.ApiKeyScope(scope)
	}
	return to
}

func toAPICreatedKey(k auth.APIKey, secret auth.KeySecret) api.CreatedApiKey {
	to := toAPIKey(k)
	return api.CreatedApiKey{
		Key: secret.Reveal(), Id: to.Id, Prefix: to.Prefix, Kind: api.CreatedApiKeyKind(to.Kind), Name: to.Name,
		Scopes: to.Scopes, InstanceId: to.InstanceId, CreatedAt: to.CreatedAt, CreatedBy: to.CreatedBy,
		ExpiresAt: to.ExpiresAt, RevokedAt: to.RevokedAt, LastUsedAt: to.LastUsedAt,
	}
}
