-- name: GetPin :one
SELECT tenant_id, holder_type, instance_id, holder_id, pin_id, hash, pepper_id, created_at,
    counts_from, removed_by_runtime, failures, locked_until, inactive, lock_epoch, bucket_empty_at
FROM pins
WHERE tenant_id = ? AND holder_type = ? AND instance_id = ? AND holder_id = ?;

-- name: SavePin :exec
INSERT INTO pins (
    tenant_id, holder_type, instance_id, holder_id, pin_id, hash, pepper_id, created_at,
    counts_from, removed_by_runtime, failures, locked_until, inactive, lock_epoch, bucket_empty_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant_id, holder_type, instance_id, holder_id) DO UPDATE SET
    pin_id = excluded.pin_id,
    hash = excluded.hash,
    pepper_id = excluded.pepper_id,
    created_at = excluded.created_at,
    counts_from = excluded.counts_from,
    removed_by_runtime = excluded.removed_by_runtime,
    failures = excluded.failures,
    locked_until = excluded.locked_until,
    inactive = excluded.inactive,
    lock_epoch = excluded.lock_epoch,
    bucket_empty_at = excluded.bucket_empty_at;

-- name: DeletePin :exec
DELETE FROM pins
WHERE tenant_id = ? AND holder_type = ? AND instance_id = ? AND holder_id = ?;

-- name: ListPeppersInUse :many
SELECT DISTINCT pepper_id FROM pins WHERE pepper_id IS NOT NULL ORDER BY pepper_id;
