-- Of holders there is a query for each index that a list can go by: an optional condition would
-- keep the planner from it. All are in the order of the key, and each has a count that stops. The
-- range is of pairs of holder type and instance. A CAST would keep SQLite from the index, as the
-- comparison then has another affinity. Without statistics it would not take that of the setter.

-- name: PagePINs :many
SELECT tenant_id, holder_type, instance_id, holder_id, pin_id, hash, pepper_id, created_at,
    counts_from, removed_by_runtime, failures, locked_until, inactive, lock_epoch, generation,
    bucket_empty_at, set_by, set_by_pin_id
FROM pins
WHERE tenant_id = sqlc.arg(tenant_id)
    AND (holder_type, instance_id) >= (sqlc.arg(from_type), sqlc.arg(from_instance))
    AND (holder_type, instance_id) <= (sqlc.arg(to_type), sqlc.arg(to_instance))
    AND (NOT CAST(sqlc.arg(only_active) AS INTEGER) OR pin_id IS NOT NULL AND NOT inactive
        AND (locked_until IS NULL OR locked_until <= CAST(sqlc.arg(now) AS INTEGER)))
ORDER BY holder_type, instance_id, holder_id
LIMIT sqlc.arg(max_rows) OFFSET sqlc.arg(skipped);

-- name: CountPINs :one
SELECT count(*) FROM (
    SELECT 1 FROM pins
    WHERE tenant_id = sqlc.arg(tenant_id)
        AND (holder_type, instance_id) >= (sqlc.arg(from_type), sqlc.arg(from_instance))
        AND (holder_type, instance_id) <= (sqlc.arg(to_type), sqlc.arg(to_instance))
        AND (NOT CAST(sqlc.arg(only_active) AS INTEGER) OR pin_id IS NOT NULL AND NOT inactive
            AND (locked_until IS NULL OR locked_until <= CAST(sqlc.arg(now) AS INTEGER)))
    LIMIT sqlc.arg(max_rows)
) AS counted;

-- name: PagePINsSetBy :many
SELECT tenant_id, holder_type, instance_id, holder_id, pin_id, hash, pepper_id, created_at,
    counts_from, removed_by_runtime, failures, locked_until, inactive, lock_epoch, generation,
    bucket_empty_at, set_by, set_by_pin_id
FROM pins INDEXED BY pins_setter
WHERE tenant_id = sqlc.arg(tenant_id)
    AND (holder_type, instance_id) >= (sqlc.arg(from_type), sqlc.arg(from_instance))
    AND (holder_type, instance_id) <= (sqlc.arg(to_type), sqlc.arg(to_instance))
    AND CAST(sqlc.arg(set_by) AS TEXT) <> ''
    AND (CASE WHEN pin_id IS NULL THEN NULL WHEN set_by_pin_id = pin_id THEN set_by
        WHEN holder_type = 'identity' THEN 'runtime' ELSE 'admin' END) = sqlc.arg(set_by)
    AND (NOT CAST(sqlc.arg(only_active) AS INTEGER) OR pin_id IS NOT NULL AND NOT inactive
        AND (locked_until IS NULL OR locked_until <= CAST(sqlc.arg(now) AS INTEGER)))
ORDER BY holder_type, instance_id, holder_id
LIMIT sqlc.arg(max_rows) OFFSET sqlc.arg(skipped);

-- name: CountPINsSetBy :one
SELECT count(*) FROM (
    SELECT 1 FROM pins INDEXED BY pins_setter
    WHERE tenant_id = sqlc.arg(tenant_id)
        AND (holder_type, instance_id) >= (sqlc.arg(from_type), sqlc.arg(from_instance))
        AND (holder_type, instance_id) <= (sqlc.arg(to_type), sqlc.arg(to_instance))
        AND CAST(sqlc.arg(set_by) AS TEXT) <> ''
        AND (CASE WHEN pin_id IS NULL THEN NULL WHEN set_by_pin_id = pin_id THEN set_by
            WHEN holder_type = 'identity' THEN 'runtime' ELSE 'admin' END) = sqlc.arg(set_by)
        AND (NOT CAST(sqlc.arg(only_active) AS INTEGER) OR pin_id IS NOT NULL AND NOT inactive
            AND (locked_until IS NULL OR locked_until <= CAST(sqlc.arg(now) AS INTEGER)))
    LIMIT sqlc.arg(max_rows)
) AS counted;

-- name: PageLockedPINs :many
SELECT tenant_id, holder_type, instance_id, holder_id, pin_id, hash, pepper_id, created_at,
    counts_from, removed_by_runtime, failures, locked_until, inactive, lock_epoch, generation,
    bucket_empty_at, set_by, set_by_pin_id
FROM pins
WHERE tenant_id = sqlc.arg(tenant_id)
    AND (holder_type, instance_id) >= (sqlc.arg(from_type), sqlc.arg(from_instance))
    AND (holder_type, instance_id) <= (sqlc.arg(to_type), sqlc.arg(to_instance))
    AND pin_id IS NOT NULL AND NOT inactive AND locked_until IS NOT NULL
    AND locked_until > CAST(sqlc.arg(now) AS INTEGER)
    AND (CAST(sqlc.arg(set_by) AS TEXT) = '' OR CAST(sqlc.arg(set_by) AS TEXT) =
        CASE WHEN pin_id IS NULL THEN NULL WHEN set_by_pin_id = pin_id THEN set_by
        WHEN holder_type = 'identity' THEN 'runtime' ELSE 'admin' END)
ORDER BY holder_type, instance_id, holder_id
LIMIT sqlc.arg(max_rows) OFFSET sqlc.arg(skipped);

-- name: CountLockedPINs :one
SELECT count(*) FROM (
    SELECT 1 FROM pins
    WHERE tenant_id = sqlc.arg(tenant_id)
        AND (holder_type, instance_id) >= (sqlc.arg(from_type), sqlc.arg(from_instance))
        AND (holder_type, instance_id) <= (sqlc.arg(to_type), sqlc.arg(to_instance))
        AND pin_id IS NOT NULL AND NOT inactive AND locked_until IS NOT NULL
        AND locked_until > CAST(sqlc.arg(now) AS INTEGER)
        AND (CAST(sqlc.arg(set_by) AS TEXT) = '' OR CAST(sqlc.arg(set_by) AS TEXT) =
            CASE WHEN pin_id IS NULL THEN NULL WHEN set_by_pin_id = pin_id THEN set_by
            WHEN holder_type = 'identity' THEN 'runtime' ELSE 'admin' END)
    LIMIT sqlc.arg(max_rows)
) AS counted;

-- name: PageInactivePINs :many
SELECT tenant_id, holder_type, instance_id, holder_id, pin_id, hash, pepper_id, created_at,
    counts_from, removed_by_runtime, failures, locked_until, inactive, lock_epoch, generation,
    bucket_empty_at, set_by, set_by_pin_id
FROM pins
WHERE tenant_id = sqlc.arg(tenant_id)
    AND (holder_type, instance_id) >= (sqlc.arg(from_type), sqlc.arg(from_instance))
    AND (holder_type, instance_id) <= (sqlc.arg(to_type), sqlc.arg(to_instance))
    AND pin_id IS NOT NULL AND inactive
    AND (CAST(sqlc.arg(set_by) AS TEXT) = '' OR CAST(sqlc.arg(set_by) AS TEXT) =
        CASE WHEN pin_id IS NULL THEN NULL WHEN set_by_pin_id = pin_id THEN set_by
        WHEN holder_type = 'identity' THEN 'runtime' ELSE 'admin' END)
ORDER BY holder_type, instance_id, holder_id
LIMIT sqlc.arg(max_rows) OFFSET sqlc.arg(skipped);

-- name: CountInactivePINs :one
SELECT count(*) FROM (
    SELECT 1 FROM pins
    WHERE tenant_id = sqlc.arg(tenant_id)
        AND (holder_type, instance_id) >= (sqlc.arg(from_type), sqlc.arg(from_instance))
        AND (holder_type, instance_id) <= (sqlc.arg(to_type), sqlc.arg(to_instance))
        AND pin_id IS NOT NULL AND inactive
        AND (CAST(sqlc.arg(set_by) AS TEXT) = '' OR CAST(sqlc.arg(set_by) AS TEXT) =
            CASE WHEN pin_id IS NULL THEN NULL WHEN set_by_pin_id = pin_id THEN set_by
            WHEN holder_type = 'identity' THEN 'runtime' ELSE 'admin' END)
    LIMIT sqlc.arg(max_rows)
) AS counted;

-- name: PageUnsetPINs :many
SELECT tenant_id, holder_type, instance_id, holder_id, pin_id, hash, pepper_id, created_at,
    counts_from, removed_by_runtime, failures, locked_until, inactive, lock_epoch, generation,
    bucket_empty_at, set_by, set_by_pin_id
FROM pins
WHERE tenant_id = sqlc.arg(tenant_id)
    AND (holder_type, instance_id) >= (sqlc.arg(from_type), sqlc.arg(from_instance))
    AND (holder_type, instance_id) <= (sqlc.arg(to_type), sqlc.arg(to_instance))
    AND pin_id IS NULL
ORDER BY holder_type, instance_id, holder_id
LIMIT sqlc.arg(max_rows) OFFSET sqlc.arg(skipped);

-- name: CountUnsetPINs :one
SELECT count(*) FROM (
    SELECT 1 FROM pins
    WHERE tenant_id = sqlc.arg(tenant_id)
        AND (holder_type, instance_id) >= (sqlc.arg(from_type), sqlc.arg(from_instance))
        AND (holder_type, instance_id) <= (sqlc.arg(to_type), sqlc.arg(to_instance))
        AND pin_id IS NULL
    LIMIT sqlc.arg(max_rows)
) AS counted;
