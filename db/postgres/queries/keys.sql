-- name: GetAPIKey :one
SELECT tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at
FROM api_keys
WHERE id = @id;

-- name: ListAPIKeys :many
SELECT tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at
FROM api_keys
WHERE tenant_id = @tenant_id
ORDER BY created_at, id;

-- name: ListAllAPIKeys :many
SELECT tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at
FROM api_keys
ORDER BY created_at, id;

-- name: InsertAPIKey :exec
INSERT INTO api_keys (tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at)
VALUES (@tenant_id, @id, @kind, @hash, @instance_id, @scopes, @name, @created_at, @expires_at, @revoked_at);

-- name: RevokeAPIKey :execrows
UPDATE api_keys SET revoked_at = @revoked_at::timestamptz WHERE id = @id AND revoked_at IS NULL;

-- name: ListKeyChecks :many
SELECT id, value FROM key_checks WHERE kind = @kind;

-- name: InsertKeyCheck :exec
INSERT INTO key_checks (kind, id, value) VALUES (@kind, @id, @value)
ON CONFLICT ON CONSTRAINT key_checks_pkey DO NOTHING;

-- name: GetKeyCheck :one
SELECT value FROM key_checks WHERE kind = @kind AND id = @id;
