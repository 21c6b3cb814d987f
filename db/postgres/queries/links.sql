-- name: GetLink :one
-- For whoever holds the link, and so knows its id alone.
SELECT tenant_id, id, holder_type, holder_instance_id, holder_id, kind, created_at, expires_at,
    ended_at, used_at, created_by_kind, created_by
FROM pin_links
WHERE id = @id;

-- name: LockLink :one
SELECT tenant_id, id, holder_type, holder_instance_id, holder_id, kind, created_at, expires_at,
    ended_at, used_at, created_by_kind, created_by
FROM pin_links
WHERE tenant_id = @tenant_id AND id = @id
FOR UPDATE;

-- name: LockOpenLinks :many
SELECT tenant_id, id, holder_type, holder_instance_id, holder_id, kind, created_at, expires_at,
    ended_at, used_at, created_by_kind, created_by
FROM pin_links
WHERE tenant_id = @tenant_id AND holder_id = @holder_id
    AND holder_instance_id = @holder_instance_id AND holder_type = @holder_type
    AND ended_at IS NULL
ORDER BY id
FOR UPDATE;

-- name: InsertLink :exec
INSERT INTO pin_links (
    tenant_id, id, holder_type, holder_instance_id, holder_id, kind, created_at, expires_at,
    ended_at, used_at, created_by_kind, created_by
) VALUES (
    @tenant_id, @id, @holder_type, @holder_instance_id, @holder_id, @kind, @created_at, @expires_at,
    @ended_at, @used_at, @created_by_kind, @created_by
);

-- name: SaveLink :exec
-- Division by zero when it has ended or is gone: an error, which skips the COMMIT.
WITH saved AS (
    UPDATE pin_links SET ended_at = @ended_at, used_at = @used_at
    WHERE tenant_id = @tenant_id AND id = @id AND ended_at IS NULL
    RETURNING id
)
SELECT 1 / count(*) FROM saved;

-- name: EndLinks :exec
-- The nil UUID excepts none.
UPDATE pin_links SET ended_at = @ended_at::timestamptz
WHERE tenant_id = @tenant_id AND holder_id = @holder_id
    AND holder_instance_id = @holder_instance_id AND holder_type = @holder_type
    AND ended_at IS NULL AND id <> @except_id;

-- name: EndLinksOf :exec
UPDATE pin_links SET ended_at = @ended_at::timestamptz
WHERE tenant_id = @tenant_id AND created_by = @created_by AND created_by_kind = @created_by_kind
    AND ended_at IS NULL;

-- name: LockStaleLinks :many
SELECT tenant_id, id
FROM pin_links
WHERE expires_at < (SELECT clock_timestamp() - @age::interval)
ORDER BY expires_at
LIMIT @max_rows::bigint
FOR UPDATE SKIP LOCKED;

-- name: DeleteStaleLinks :exec
DELETE FROM pin_links AS l
USING (SELECT unnest(@tenant_ids::uuid[]) AS tenant_id, unnest(@ids::uuid[]) AS id) AS old
WHERE l.tenant_id = old.tenant_id AND l.id = old.id;
