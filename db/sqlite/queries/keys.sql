-- name: GetAPIKey :one
SELECT tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at,
    created_by_kind, created_by, depth, last_used_at
FROM api_keys
WHERE id = sqlc.arg(id);

-- name: ListAPIKeys :many
SELECT tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at,
    created_by_kind, created_by, depth, last_used_at
FROM api_keys
WHERE tenant_id = sqlc.arg(tenant_id)
ORDER BY created_at, id;

-- name: ListAllAPIKeys :many
SELECT tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at,
    created_by_kind, created_by, depth, last_used_at
FROM api_keys
ORDER BY created_at, id;

-- name: InsertAPIKey :exec
INSERT INTO api_keys (
    tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at,
    created_by_kind, created_by, depth, last_used_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: SaveAPIKey :execrows
UPDATE api_keys SET expires_at = sqlc.arg(expires_at), revoked_at = sqlc.arg(revoked_at)
WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id);

-- name: LockAPIKeysMadeBy :many
-- The keys that were created with one of the makers, a JSON array, and are not revoked.
SELECT tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at,
    created_by_kind, created_by, depth, last_used_at
FROM api_keys INDEXED BY api_keys_maker
WHERE tenant_id = sqlc.arg(tenant_id) AND created_by_kind = 'api_key'
    AND created_by IN (SELECT value FROM json_each(CAST(sqlc.arg(makers) AS TEXT)))
    AND revoked_at IS NULL
ORDER BY id;

-- name: PageAPIKeys :many
SELECT tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at,
    created_by_kind, created_by, depth, last_used_at
FROM api_keys
WHERE tenant_id = sqlc.arg(tenant_id)
ORDER BY created_at, id
LIMIT sqlc.arg(max_rows) OFFSET sqlc.arg(skipped);

-- name: CountAPIKeys :one
SELECT count(*) FROM (
    SELECT 1 FROM api_keys WHERE tenant_id = sqlc.arg(tenant_id) LIMIT sqlc.arg(max_rows)
) AS counted;

-- name: TouchAPIKeys :exec
UPDATE api_keys SET last_used_at = sqlc.arg(used_at)
WHERE id = sqlc.arg(id) AND (last_used_at IS NULL OR last_used_at < sqlc.arg(used_at));

-- name: ListKeyChecks :many
SELECT kind, id, value FROM key_checks;

-- name: InsertKeyCheck :exec
INSERT INTO key_checks (kind, id, value) VALUES (?, ?, ?);
