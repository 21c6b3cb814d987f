-- name: GetAPIKey :one
SELECT tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at
FROM api_keys
WHERE id = sqlc.arg(id);

-- name: ListAPIKeys :many
SELECT tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at
FROM api_keys
WHERE tenant_id = sqlc.arg(tenant_id)
ORDER BY created_at, id;

-- name: ListAllAPIKeys :many
SELECT tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at
FROM api_keys
ORDER BY created_at, id;

-- name: InsertAPIKey :exec
INSERT INTO api_keys (
    tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: SaveAPIKey :execrows
UPDATE api_keys SET expires_at = sqlc.arg(expires_at), revoked_at = sqlc.arg(revoked_at)
WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id);

-- name: ListKeyChecks :many
SELECT kind, id, value FROM key_checks;

-- name: InsertKeyCheck :exec
INSERT INTO key_checks (kind, id, value) VALUES (?, ?, ?);
