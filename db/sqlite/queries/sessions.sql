-- name: ListSessions :many
-- The nil UUID as instance means every instance.
SELECT tenant_id, id, instance_id, holder_type, holder_instance_id, holder_id, role, pin_id,
    lock_epoch, auth_time, ttl, freeze_epoch, by_page
FROM pin_sessions
WHERE tenant_id = sqlc.arg(tenant_id) AND holder_id = sqlc.arg(holder_id)
    AND holder_type = sqlc.arg(holder_type) AND holder_instance_id = sqlc.arg(holder_instance_id)
    AND (instance_id = sqlc.arg(instance_id) OR sqlc.arg(instance_id) = '00000000-0000-0000-0000-000000000000')
ORDER BY auth_time, id;

-- name: GetSessionOf :one
SELECT s.tenant_id, s.id, s.instance_id, s.holder_type, s.holder_instance_id, s.holder_id, s.role,
    s.pin_id, s.lock_epoch, s.auth_time, s.ttl, s.freeze_epoch, s.by_page
FROM confirmations AS c
JOIN pin_sessions AS s ON s.tenant_id = c.tenant_id AND s.id = c.session_id
WHERE c.tenant_id = sqlc.arg(tenant_id) AND c.instance_id = sqlc.arg(instance_id) AND c.id = sqlc.arg(id);

-- name: SaveSession :exec
INSERT INTO pin_sessions (
    tenant_id, id, instance_id, holder_type, holder_instance_id, holder_id, role, pin_id,
    lock_epoch, auth_time, ttl, freeze_epoch, by_page
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant_id, id) DO UPDATE SET
    instance_id = excluded.instance_id, holder_type = excluded.holder_type,
    holder_instance_id = excluded.holder_instance_id, holder_id = excluded.holder_id,
    role = excluded.role, pin_id = excluded.pin_id, lock_epoch = excluded.lock_epoch,
    auth_time = excluded.auth_time, ttl = excluded.ttl, freeze_epoch = excluded.freeze_epoch,
    by_page = excluded.by_page;

-- name: DeleteSessions :exec
-- The nil UUID as instance means every instance.
DELETE FROM pin_sessions
WHERE tenant_id = sqlc.arg(tenant_id) AND holder_id = sqlc.arg(holder_id)
    AND holder_type = sqlc.arg(holder_type) AND holder_instance_id = sqlc.arg(holder_instance_id)
    AND (instance_id = sqlc.arg(instance_id) OR sqlc.arg(instance_id) = '00000000-0000-0000-0000-000000000000');

-- name: LockStaleSessions :many
SELECT tenant_id, id
FROM pin_sessions
WHERE auth_time < sqlc.arg(before)
ORDER BY auth_time
LIMIT sqlc.arg(max_rows);

-- name: DeleteStaleSession :exec
DELETE FROM pin_sessions WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id);
