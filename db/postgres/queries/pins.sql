-- name: GetPIN :one
-- One row always: the clock, beside the record or the values of none.
SELECT p.pin_id, p.hash, p.pepper_id, p.created_at, p.counts_from,
    COALESCE(p.removed_by_runtime, false)::boolean AS removed_by_runtime,
    COALESCE(p.failures, 0)::integer AS failures,
    p.locked_until,
    COALESCE(p.inactive, false)::boolean AS inactive,
    COALESCE(p.lock_epoch, 0)::bigint AS lock_epoch,
    COALESCE(p.generation, 0)::bigint AS generation,
    p.bucket_empty_at, p.set_by, p.set_by_pin_id,
    clock_timestamp()::timestamptz AS read_at
FROM (VALUES (1)) AS one (one)
LEFT JOIN pins AS p
    ON p.tenant_id = @tenant_id AND p.holder_id = @holder_id
    AND p.instance_id = @instance_id AND p.holder_type = @holder_type;

-- name: LockPIN :one
SELECT pin_id, hash, pepper_id, created_at, counts_from, removed_by_runtime, failures,
    locked_until, inactive, lock_epoch, generation, bucket_empty_at,
    set_by, set_by_pin_id
FROM pins
WHERE tenant_id = @tenant_id AND holder_id = @holder_id
    AND instance_id = @instance_id AND holder_type = @holder_type
FOR UPDATE;

-- name: LockNewPIN :one
-- Locks the row, or inserts the one of a holder that was never seen, or locks the one
-- that another transaction inserted meanwhile. An upsert alone would leave a dead row
-- behind each time.
WITH seen AS MATERIALIZED (
    SELECT pin_id, hash, pepper_id, created_at, counts_from, removed_by_runtime, failures,
        locked_until, inactive, lock_epoch, generation, bucket_empty_at,
    set_by, set_by_pin_id
    FROM pins AS p
    WHERE p.tenant_id = @tenant_id AND p.holder_id = @holder_id
        AND p.instance_id = @instance_id AND p.holder_type = @holder_type
    FOR UPDATE
), fresh AS (
    INSERT INTO pins (tenant_id, holder_id, instance_id, holder_type)
    SELECT @tenant_id::uuid, @holder_id::uuid, @instance_id::uuid, @holder_type::text
    WHERE NOT EXISTS (SELECT 1 FROM seen)
    ON CONFLICT ON CONSTRAINT pins_pkey DO UPDATE SET tenant_id = excluded.tenant_id
    RETURNING pin_id, hash, pepper_id, created_at, counts_from, removed_by_runtime, failures,
        locked_until, inactive, lock_epoch, generation, bucket_empty_at,
    set_by, set_by_pin_id
)
SELECT pin_id, hash, pepper_id, created_at, counts_from, removed_by_runtime, failures,
    locked_until, inactive, lock_epoch, generation, bucket_empty_at,
    set_by, set_by_pin_id
FROM seen
UNION ALL
SELECT pin_id, hash, pepper_id, created_at, counts_from, removed_by_runtime, failures,
    locked_until, inactive, lock_epoch, generation, bucket_empty_at,
    set_by, set_by_pin_id
FROM fresh;

-- name: SavePIN :exec
INSERT INTO pins (
    tenant_id, holder_id, instance_id, holder_type, pin_id, hash, pepper_id, created_at,
    counts_from, removed_by_runtime, failures, locked_until, inactive, lock_epoch, generation,
    bucket_empty_at, set_by, set_by_pin_id
) VALUES (
    @tenant_id, @holder_id, @instance_id, @holder_type, @pin_id, @hash, @pepper_id, @created_at,
    @counts_from, @removed_by_runtime, @failures, @locked_until, @inactive, @lock_epoch, @generation,
    @bucket_empty_at, @set_by, @set_by_pin_id
)
ON CONFLICT ON CONSTRAINT pins_pkey DO UPDATE SET
    pin_id = excluded.pin_id, hash = excluded.hash, pepper_id = excluded.pepper_id,
    created_at = excluded.created_at, counts_from = excluded.counts_from,
    removed_by_runtime = excluded.removed_by_runtime, failures = excluded.failures,
    locked_until = excluded.locked_until, inactive = excluded.inactive,
    lock_epoch = excluded.lock_epoch, generation = excluded.generation,
    bucket_empty_at = excluded.bucket_empty_at, set_by = excluded.set_by,
    set_by_pin_id = excluded.set_by_pin_id;

-- name: PeppersInUse :many
-- Those of stored PINs, and of the secrets of webhooks that still sign.
SELECT DISTINCT pepper_id::text FROM pins WHERE pepper_id IS NOT NULL
UNION
SELECT secret_pepper_id FROM webhooks
UNION
SELECT old_pepper_id FROM webhooks WHERE old_until > (SELECT clock_timestamp())
ORDER BY 1;

-- name: LockAttempt :one
SELECT tenant_id, id, holder_type, holder_instance_id, holder_id, spent_at
FROM pin_attempts
WHERE tenant_id = @tenant_id AND id = @id
FOR UPDATE;

-- name: InsertAttempt :exec
INSERT INTO pin_attempts (tenant_id, id, holder_type, holder_instance_id, holder_id, spent_at)
VALUES (@tenant_id, @id, @holder_type, @holder_instance_id, @holder_id, @spent_at);

-- name: DeleteAttempt :exec
-- Division by zero when it is gone: an error, which skips the COMMIT.
WITH settled AS (
    DELETE FROM pin_attempts WHERE tenant_id = @tenant_id AND id = @id RETURNING id
)
SELECT 1 / count(*) FROM settled;

-- name: LockStaleAttempts :many
SELECT tenant_id, id
FROM pin_attempts
WHERE spent_at < (SELECT clock_timestamp() - @age::interval)
ORDER BY spent_at
LIMIT @max_rows::bigint
FOR UPDATE SKIP LOCKED;

-- name: DeleteStaleAttempts :exec
DELETE FROM pin_attempts AS a
USING (SELECT unnest(@tenant_ids::uuid[]) AS tenant_id, unnest(@ids::uuid[]) AS id) AS old
WHERE a.tenant_id = old.tenant_id AND a.id = old.id;
