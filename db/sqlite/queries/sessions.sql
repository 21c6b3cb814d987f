-- name: GetSession :one
SELECT tenant_id, id, instance_id, holder_type, holder_instance_id, holder_id, role, pin_id,
    lock_epoch, auth_time, ttl_us
FROM pin_sessions
WHERE tenant_id = ? AND id = ?;

-- name: ListSessions :many
SELECT tenant_id, id, instance_id, holder_type, holder_instance_id, holder_id, role, pin_id,
    lock_epoch, auth_time, ttl_us
FROM pin_sessions
WHERE tenant_id = ? AND holder_type = ? AND holder_instance_id = ? AND holder_id = ?
    AND instance_id = ?
ORDER BY id;

-- name: SaveSession :exec
INSERT INTO pin_sessions (
    tenant_id, id, instance_id, holder_type, holder_instance_id, holder_id, role, pin_id,
    lock_epoch, auth_time, ttl_us
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant_id, id) DO UPDATE SET
    instance_id = excluded.instance_id,
    holder_type = excluded.holder_type,
    holder_instance_id = excluded.holder_instance_id,
    holder_id = excluded.holder_id,
    role = excluded.role,
    pin_id = excluded.pin_id,
    lock_epoch = excluded.lock_epoch,
    auth_time = excluded.auth_time,
    ttl_us = excluded.ttl_us;

-- name: EndSessions :many
DELETE FROM pin_sessions
WHERE tenant_id = ? AND holder_type = ? AND holder_instance_id = ? AND holder_id = ?
    AND instance_id = ?
RETURNING tenant_id, id, instance_id, holder_type, holder_instance_id, holder_id, role, pin_id,
    lock_epoch, auth_time, ttl_us;

-- name: EndAllSessions :many
DELETE FROM pin_sessions
WHERE tenant_id = ? AND holder_type = ? AND holder_instance_id = ? AND holder_id = ?
RETURNING tenant_id, id, instance_id, holder_type, holder_instance_id, holder_id, role, pin_id,
    lock_epoch, auth_time, ttl_us;

-- name: SweepSessions :execrows
DELETE FROM pin_sessions
WHERE (tenant_id, id) IN (
    SELECT old.tenant_id, old.id FROM pin_sessions AS old
    WHERE old.auth_time < sqlc.arg(before)
    ORDER BY old.auth_time
    LIMIT sqlc.arg(limit)
);
