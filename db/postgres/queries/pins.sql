-- name: GetPin :one
-- One row always: the clock, beside the record or the values of none.
SELECT p.pin_id, p.hash, p.created_at, p.counts_from,
    COALESCE(p.removed_by_runtime, false)::boolean AS removed_by_runtime,
    COALESCE(p.failures, 0)::integer AS failures,
    p.locked_until,
    COALESCE(p.inactive, false)::boolean AS inactive,
    COALESCE(p.lock_epoch, 0)::bigint AS lock_epoch,
    p.bucket_empty_at,
    clock_timestamp()::timestamptz AS read_at
FROM (VALUES (1)) AS one (one)
LEFT JOIN pins AS p
    ON p.tenant_id = @tenant_id AND p.holder_id = @holder_id
    AND p.instance_id = @instance_id AND p.holder_type = @holder_type;

-- name: LockPin :one
-- The clock is read outside the materialised part, so after the row is locked.
WITH r AS MATERIALIZED (
    SELECT pin_id, hash, created_at, counts_from, removed_by_runtime, failures,
        locked_until, inactive, lock_epoch, bucket_empty_at
    FROM pins
    WHERE tenant_id = @tenant_id AND holder_id = @holder_id
        AND instance_id = @instance_id AND holder_type = @holder_type
    FOR UPDATE
)
SELECT r.pin_id, r.hash, r.created_at, r.counts_from, r.removed_by_runtime, r.failures,
    r.locked_until, r.inactive, r.lock_epoch, r.bucket_empty_at,
    clock_timestamp()::timestamptz AS read_at
FROM r;

-- name: InsertOrLockPin :one
-- Inserts the row of a holder that was never seen, or locks the one that another
-- transaction inserted meanwhile; RETURNING is worked out after the lock.
INSERT INTO pins (tenant_id, holder_id, instance_id, holder_type)
VALUES (@tenant_id, @holder_id, @instance_id, @holder_type)
ON CONFLICT ON CONSTRAINT pins_pkey DO UPDATE SET tenant_id = excluded.tenant_id
RETURNING pin_id, hash, created_at, counts_from, removed_by_runtime, failures,
    locked_until, inactive, lock_epoch, bucket_empty_at,
    clock_timestamp()::timestamptz AS read_at;

-- name: SavePin :exec
INSERT INTO pins (
    tenant_id, holder_id, instance_id, holder_type, pin_id, hash, pepper_id, created_at,
    counts_from, removed_by_runtime, failures, locked_until, inactive, lock_epoch, bucket_empty_at
) VALUES (
    @tenant_id, @holder_id, @instance_id, @holder_type, @pin_id, @hash, @pepper_id, @created_at,
    @counts_from, @removed_by_runtime, @failures, @locked_until, @inactive, @lock_epoch, @bucket_empty_at
)
ON CONFLICT ON CONSTRAINT pins_pkey DO UPDATE SET
    pin_id = excluded.pin_id, hash = excluded.hash, pepper_id = excluded.pepper_id,
    created_at = excluded.created_at, counts_from = excluded.counts_from,
    removed_by_runtime = excluded.removed_by_runtime, failures = excluded.failures,
    locked_until = excluded.locked_until, inactive = excluded.inactive,
    lock_epoch = excluded.lock_epoch, bucket_empty_at = excluded.bucket_empty_at;

-- name: DeletePin :exec
DELETE FROM pins
WHERE tenant_id = @tenant_id AND holder_id = @holder_id
    AND instance_id = @instance_id AND holder_type = @holder_type;

-- name: PeppersInUse :many
SELECT DISTINCT pepper_id::text FROM pins WHERE pepper_id IS NOT NULL ORDER BY 1;
