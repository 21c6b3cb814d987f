-- Of holders there is a query for each index that a list can go by: an optional condition would
-- keep the planner from it. All are in the order of the key, and each has a count that stops. The
-- range is of pairs of holder type and instance.

-- name: PagePINs :many
SELECT tenant_id, holder_type, instance_id, holder_id, pin_id, hash, pepper_id, created_at,
    counts_from, removed_by_runtime, failures, locked_until, inactive, lock_epoch, generation,
    bucket_empty_at, set_by, set_by_pin_id
FROM pins
WHERE tenant_id = @tenant_id
    AND (holder_type, instance_id) >= (@from_type::text, @from_instance::uuid)
    AND (holder_type, instance_id) <= (@to_type::text, @to_instance::uuid)
    AND (NOT @only_active::boolean OR pin_id IS NOT NULL AND NOT inactive
        AND (locked_until IS NULL OR locked_until <= (SELECT clock_timestamp())))
ORDER BY holder_type, instance_id, holder_id
LIMIT @max_rows::bigint OFFSET @skipped::bigint;

-- name: CountPINs :one
SELECT count(*) FROM (
    SELECT FROM pins
    WHERE tenant_id = @tenant_id
        AND (holder_type, instance_id) >= (@from_type::text, @from_instance::uuid)
        AND (holder_type, instance_id) <= (@to_type::text, @to_instance::uuid)
        AND (NOT @only_active::boolean OR pin_id IS NOT NULL AND NOT inactive
            AND (locked_until IS NULL OR locked_until <= (SELECT clock_timestamp())))
    LIMIT @max_rows::bigint
) AS counted;

-- name: PagePINsSetBy :many
SELECT tenant_id, holder_type, instance_id, holder_id, pin_id, hash, pepper_id, created_at,
    counts_from, removed_by_runtime, failures, locked_until, inactive, lock_epoch, generation,
    bucket_empty_at, set_by, set_by_pin_id
FROM pins
WHERE tenant_id = @tenant_id
    AND (holder_type, instance_id) >= (@from_type::text, @from_instance::uuid)
    AND (holder_type, instance_id) <= (@to_type::text, @to_instance::uuid)
    AND (CASE WHEN pin_id IS NULL THEN NULL WHEN set_by_pin_id = pin_id THEN set_by
        WHEN holder_type = 'identity' THEN 'runtime' ELSE 'admin' END) = @set_by::text
    AND (NOT @only_active::boolean OR pin_id IS NOT NULL AND NOT inactive
        AND (locked_until IS NULL OR locked_until <= (SELECT clock_timestamp())))
ORDER BY holder_type, instance_id, holder_id
LIMIT @max_rows::bigint OFFSET @skipped::bigint;

-- name: CountPINsSetBy :one
SELECT count(*) FROM (
    SELECT FROM pins
    WHERE tenant_id = @tenant_id
        AND (holder_type, instance_id) >= (@from_type::text, @from_instance::uuid)
        AND (holder_type, instance_id) <= (@to_type::text, @to_instance::uuid)
        AND (CASE WHEN pin_id IS NULL THEN NULL WHEN set_by_pin_id = pin_id THEN set_by
            WHEN holder_type = 'identity' THEN 'runtime' ELSE 'admin' END) = @set_by::text
        AND (NOT @only_active::boolean OR pin_id IS NOT NULL AND NOT inactive
            AND (locked_until IS NULL OR locked_until <= (SELECT clock_timestamp())))
    LIMIT @max_rows::bigint
) AS counted;

-- name: PageLockedPINs :many
SELECT tenant_id, holder_type, instance_id, holder_id, pin_id, hash, pepper_id, created_at,
    counts_from, removed_by_runtime, failures, locked_until, inactive, lock_epoch, generation,
    bucket_empty_at, set_by, set_by_pin_id
FROM pins
WHERE tenant_id = @tenant_id
    AND (holder_type, instance_id) >= (@from_type::text, @from_instance::uuid)
    AND (holder_type, instance_id) <= (@to_type::text, @to_instance::uuid)
    AND pin_id IS NOT NULL AND NOT inactive AND locked_until IS NOT NULL
    AND locked_until > (SELECT clock_timestamp())
    AND (@set_by::text = '' OR @set_by::text =
        CASE WHEN pin_id IS NULL THEN NULL WHEN set_by_pin_id = pin_id THEN set_by
        WHEN holder_type = 'identity' THEN 'runtime' ELSE 'admin' END)
ORDER BY holder_type, instance_id, holder_id
LIMIT @max_rows::bigint OFFSET @skipped::bigint;

-- name: CountLockedPINs :one
SELECT count(*) FROM (
    SELECT FROM pins
    WHERE tenant_id = @tenant_id
        AND (holder_type, instance_id) >= (@from_type::text, @from_instance::uuid)
        AND (holder_type, instance_id) <= (@to_type::text, @to_instance::uuid)
        AND pin_id IS NOT NULL AND NOT inactive AND locked_until IS NOT NULL
        AND locked_until > (SELECT clock_timestamp())
        AND (@set_by::text = '' OR @set_by::text =
            CASE WHEN pin_id IS NULL THEN NULL WHEN set_by_pin_id = pin_id THEN set_by
            WHEN holder_type = 'identity' THEN 'runtime' ELSE 'admin' END)
    LIMIT @max_rows::bigint
) AS counted;

-- name: PageInactivePINs :many
SELECT tenant_id, holder_type, instance_id, holder_id, pin_id, hash, pepper_id, created_at,
    counts_from, removed_by_runtime, failures, locked_until, inactive, lock_epoch, generation,
    bucket_empty_at, set_by, set_by_pin_id
FROM pins
WHERE tenant_id = @tenant_id
    AND (holder_type, instance_id) >= (@from_type::text, @from_instance::uuid)
    AND (holder_type, instance_id) <= (@to_type::text, @to_instance::uuid)
    AND pin_id IS NOT NULL AND inactive
    AND (@set_by::text = '' OR @set_by::text =
        CASE WHEN pin_id IS NULL THEN NULL WHEN set_by_pin_id = pin_id THEN set_by
        WHEN holder_type = 'identity' THEN 'runtime' ELSE 'admin' END)
ORDER BY holder_type, instance_id, holder_id
LIMIT @max_rows::bigint OFFSET @skipped::bigint;

-- name: CountInactivePINs :one
SELECT count(*) FROM (
    SELECT FROM pins
    WHERE tenant_id = @tenant_id
        AND (holder_type, instance_id) >= (@from_type::text, @from_instance::uuid)
        AND (holder_type, instance_id) <= (@to_type::text, @to_instance::uuid)
        AND pin_id IS NOT NULL AND inactive
        AND (@set_by::text = '' OR @set_by::text =
            CASE WHEN pin_id IS NULL THEN NULL WHEN set_by_pin_id = pin_id THEN set_by
            WHEN holder_type = 'identity' THEN 'runtime' ELSE 'admin' END)
    LIMIT @max_rows::bigint
) AS counted;

-- name: PageUnsetPINs :many
SELECT tenant_id, holder_type, instance_id, holder_id, pin_id, hash, pepper_id, created_at,
    counts_from, removed_by_runtime, failures, locked_until, inactive, lock_epoch, generation,
    bucket_empty_at, set_by, set_by_pin_id
FROM pins
WHERE tenant_id = @tenant_id
    AND (holder_type, instance_id) >= (@from_type::text, @from_instance::uuid)
    AND (holder_type, instance_id) <= (@to_type::text, @to_instance::uuid)
    AND pin_id IS NULL
ORDER BY holder_type, instance_id, holder_id
LIMIT @max_rows::bigint OFFSET @skipped::bigint;

-- name: CountUnsetPINs :one
SELECT count(*) FROM (
    SELECT FROM pins
    WHERE tenant_id = @tenant_id
        AND (holder_type, instance_id) >= (@from_type::text, @from_instance::uuid)
        AND (holder_type, instance_id) <= (@to_type::text, @to_instance::uuid)
        AND pin_id IS NULL
    LIMIT @max_rows::bigint
) AS counted;
