-- name: GetLink :one
-- For whoever holds the link, and so knows its id alone.
SELECT tenant_id, id, holder_type, holder_instance_id, holder_id, kind, created_at, expires_at,
    ended_at, used_at, created_by_kind, created_by
FROM pin_links
WHERE id = sqlc.arg(id);

-- name: LockLink :one
SELECT tenant_id, id, holder_type, holder_instance_id, holder_id, kind, created_at, expires_at,
    ended_at, used_at, created_by_kind, created_by
FROM pin_links
WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id);

-- name: LockOpenLinks :many
SELECT tenant_id, id, holder_type, holder_instance_id, holder_id, kind, created_at, expires_at,
    ended_at, used_at, created_by_kind, created_by
FROM pin_links
WHERE tenant_id = sqlc.arg(tenant_id) AND holder_id = sqlc.arg(holder_id)
    AND holder_instance_id = sqlc.arg(holder_instance_id) AND holder_type = sqlc.arg(holder_type)
    AND ended_at IS NULL
ORDER BY id;

-- name: InsertLink :exec
INSERT INTO pin_links (
    tenant_id, id, holder_type, holder_instance_id, holder_id, kind, created_at, expires_at,
    ended_at, used_at, created_by_kind, created_by
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: SaveLink :execrows
UPDATE pin_links SET ended_at = sqlc.arg(ended_at), used_at = sqlc.arg(used_at)
WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id) AND ended_at IS NULL;

-- name: EndLinks :exec
-- The nil UUID excepts none.
UPDATE pin_links SET ended_at = CAST(sqlc.arg(ended_at) AS INTEGER)
WHERE tenant_id = sqlc.arg(tenant_id) AND holder_id = sqlc.arg(holder_id)
    AND holder_instance_id = sqlc.arg(holder_instance_id) AND holder_type = sqlc.arg(holder_type)
    AND ended_at IS NULL AND id <> sqlc.arg(except_id);

-- name: EndLinksOf :exec
UPDATE pin_links SET ended_at = CAST(sqlc.arg(ended_at) AS INTEGER)
WHERE tenant_id = sqlc.arg(tenant_id) AND created_by = sqlc.arg(created_by)
    AND created_by_kind = sqlc.arg(created_by_kind) AND ended_at IS NULL;

-- name: LockStaleLinks :many
SELECT tenant_id, id
FROM pin_links
WHERE expires_at < sqlc.arg(before)
ORDER BY expires_at
LIMIT sqlc.arg(max_rows);

-- name: DeleteStaleLink :exec
DELETE FROM pin_links WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id);
