-- name: GetPIN :one
SELECT tenant_id, holder_type, instance_id, holder_id, pin_id, hash, pepper_id, created_at,
    counts_from, removed_by_runtime, failures, locked_until, inactive, lock_epoch, generation,
    bucket_empty_at, set_by, set_by_pin_id
FROM pins
WHERE tenant_id = sqlc.arg(tenant_id) AND holder_id = sqlc.arg(holder_id)
    AND instance_id = sqlc.arg(instance_id) AND holder_type = sqlc.arg(holder_type);

-- name: SavePIN :exec
INSERT INTO pins (
    tenant_id, holder_type, instance_id, holder_id, pin_id, hash, pepper_id, created_at,
    counts_from, removed_by_runtime, failures, locked_until, inactive, lock_epoch, generation,
    bucket_empty_at, set_by, set_by_pin_id
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant_id, holder_id, instance_id, holder_type) DO UPDATE SET
    pin_id = excluded.pin_id, hash = excluded.hash, pepper_id = excluded.pepper_id,
    created_at = excluded.created_at, counts_from = excluded.counts_from,
    removed_by_runtime = excluded.removed_by_runtime, failures = excluded.failures,
    locked_until = excluded.locked_until, inactive = excluded.inactive,
    lock_epoch = excluded.lock_epoch, generation = excluded.generation,
    bucket_empty_at = excluded.bucket_empty_at, set_by = excluded.set_by,
    set_by_pin_id = excluded.set_by_pin_id;

-- name: PeppersInUse :many
-- Those of stored PINs, and of the secrets of webhooks that still sign.
SELECT DISTINCT pepper_id FROM pins WHERE pepper_id IS NOT NULL
UNION
SELECT secret_pepper_id FROM webhooks
UNION
SELECT o.old_pepper_id FROM webhooks AS o WHERE o.old_until > sqlc.arg(now)
ORDER BY pepper_id;

-- name: LockAttempt :one
SELECT tenant_id, id, holder_type, holder_instance_id, holder_id, spent_at
FROM pin_attempts
WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id);

-- name: InsertAttempt :exec
INSERT INTO pin_attempts (tenant_id, id, holder_type, holder_instance_id, holder_id, spent_at)
VALUES (?, ?, ?, ?, ?, ?);

-- name: DeleteAttempt :execrows
DELETE FROM pin_attempts WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id);

-- name: LockStaleAttempts :many
SELECT tenant_id, id
FROM pin_attempts
WHERE spent_at < sqlc.arg(before)
ORDER BY spent_at
LIMIT sqlc.arg(max_rows);

-- name: DeleteStaleAttempt :exec
DELETE FROM pin_attempts WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id);
