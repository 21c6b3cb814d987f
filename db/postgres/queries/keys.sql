-- name: GetAPIKey :one
SELECT tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at
FROM api_keys
WHERE id = @id;

-- name: LockAPIKey :one
SELECT tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at
FROM api_keys
WHERE id = @id
FOR UPDATE;

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

-- name: SaveAPIKey :exec
-- Division by zero when it is gone: an error, which skips the COMMIT.
WITH saved AS (
    UPDATE api_keys SET expires_at = @expires_at, revoked_at = @revoked_at
    WHERE tenant_id = @tenant_id AND id = @id
    RETURNING id
)
SELECT 1 / count(*) FROM saved;

-- name: ListKeyChecks :many
SELECT kind, id, value FROM key_checks;

-- name: InsertKeyCheck :exec
-- An id that has a value is an error, which skips the COMMIT.
INSERT INTO key_checks (kind, id, value) VALUES (@kind, @id, @value);
