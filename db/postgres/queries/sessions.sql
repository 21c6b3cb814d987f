-- name: GetSession :one
SELECT tenant_id, id, instance_id, holder_type, holder_instance_id, holder_id, role,
    pin_id, lock_epoch, auth_time, ttl
FROM pin_sessions
WHERE tenant_id = @tenant_id AND id = @id;

-- name: ListSessions :many
SELECT tenant_id, id, instance_id, holder_type, holder_instance_id, holder_id, role,
    pin_id, lock_epoch, auth_time, ttl
FROM pin_sessions
WHERE tenant_id = @tenant_id AND holder_id = @holder_id AND holder_type = @holder_type
    AND holder_instance_id = @holder_instance_id AND instance_id = @instance_id
ORDER BY auth_time, id;

-- name: SaveSession :exec
INSERT INTO pin_sessions (
    tenant_id, id, instance_id, holder_type, holder_instance_id, holder_id, role,
    pin_id, lock_epoch, auth_time, ttl
) VALUES (
    @tenant_id, @id, @instance_id, @holder_type, @holder_instance_id, @holder_id, @role,
    @pin_id, @lock_epoch, @auth_time, @ttl
)
ON CONFLICT ON CONSTRAINT pin_sessions_pkey DO UPDATE SET
    instance_id = excluded.instance_id, holder_type = excluded.holder_type,
    holder_instance_id = excluded.holder_instance_id, holder_id = excluded.holder_id,
    role = excluded.role, pin_id = excluded.pin_id, lock_epoch = excluded.lock_epoch,
    auth_time = excluded.auth_time, ttl = excluded.ttl;

-- name: EndSessions :many
-- The nil UUID as instance means every instance.
WITH ended AS (
    DELETE FROM pin_sessions
    WHERE tenant_id = @tenant_id AND holder_id = @holder_id AND holder_type = @holder_type
        AND holder_instance_id = @holder_instance_id
        AND (instance_id = @instance_id OR @instance_id::uuid = '00000000-0000-0000-0000-000000000000')
    RETURNING tenant_id, id, instance_id, holder_type, holder_instance_id, holder_id, role,
        pin_id, lock_epoch, auth_time, ttl
)
SELECT tenant_id, id, instance_id, holder_type, holder_instance_id, holder_id, role,
    pin_id, lock_epoch, auth_time, ttl
FROM ended
ORDER BY auth_time, id;

-- name: SweepSessions :execrows
DELETE FROM pin_sessions AS s
USING (
    SELECT o.tenant_id, o.id FROM pin_sessions AS o
    WHERE o.auth_time < @before::timestamptz
    ORDER BY o.auth_time
    LIMIT @max_rows::bigint
    FOR UPDATE SKIP LOCKED
) AS old
WHERE s.tenant_id = old.tenant_id AND s.id = old.id;
