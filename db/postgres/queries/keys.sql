-- name: GetAPIKey :one
SELECT tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at,
    created_by_kind, created_by, depth, last_used_at
FROM api_keys
WHERE id = @id;

-- name: LockAPIKey :one
SELECT tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at,
    created_by_kind, created_by, depth, last_used_at
FROM api_keys
WHERE id = @id
FOR UPDATE;

-- name: ListAPIKeys :many
SELECT tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at,
    created_by_kind, created_by, depth, last_used_at
FROM api_keys
WHERE tenant_id = @tenant_id
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
) VALUES (
    @tenant_id, @id, @kind, @hash, @instance_id, @scopes, @name, @created_at, @expires_at, @revoked_at,
    @created_by_kind, @created_by, @depth, @last_used_at
);

-- name: SaveAPIKey :exec
-- Division by zero when it is gone: an error, which skips the COMMIT.
WITH saved AS (
    UPDATE api_keys SET expires_at = @expires_at, revoked_at = @revoked_at
    WHERE tenant_id = @tenant_id AND id = @id
    RETURNING id
)
SELECT 1 / count(*) FROM saved;

-- name: LockAPIKeysMadeBy :many
-- The keys that were created with one of the makers, and are not revoked.
SELECT tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at,
    created_by_kind, created_by, depth, last_used_at
FROM api_keys
WHERE tenant_id = @tenant_id AND created_by_kind = 'api_key' AND created_by = ANY(@makers::text[])
    AND revoked_at IS NULL
ORDER BY id
FOR UPDATE;

-- name: PageAPIKeys :many
SELECT tenant_id, id, kind, hash, instance_id, scopes, name, created_at, expires_at, revoked_at,
    created_by_kind, created_by, depth, last_used_at
FROM api_keys
WHERE tenant_id = @tenant_id
ORDER BY created_at, id
LIMIT @max_rows::bigint OFFSET @skipped::bigint;

-- name: CountAPIKeys :one
SELECT count(*) FROM (
    SELECT FROM api_keys WHERE tenant_id = @tenant_id LIMIT @max_rows::bigint
) AS counted;

-- name: TouchAPIKeys :exec
-- Keys that another transaction holds are left for the next time: nothing waits for this.
WITH used AS (
    SELECT k.tenant_id, k.id, (SELECT clock_timestamp()) - u.ago * interval '1 microsecond' AS used_at
    FROM (SELECT unnest(@ids::text[]) AS id, unnest(@agos::bigint[]) AS ago) AS u
    JOIN api_keys AS k ON k.id = u.id
    FOR UPDATE OF k SKIP LOCKED
)
UPDATE api_keys AS k SET last_used_at = used.used_at
FROM used
WHERE k.tenant_id = used.tenant_id AND k.id = used.id
    AND (k.last_used_at IS NULL OR k.last_used_at < used.used_at);

-- name: ListKeyChecks :many
SELECT kind, id, value FROM key_checks;

-- name: InsertKeyCheck :exec
-- An id that has a value is an error, which skips the COMMIT.
INSERT INTO key_checks (kind, id, value) VALUES (@kind, @id, @value);
