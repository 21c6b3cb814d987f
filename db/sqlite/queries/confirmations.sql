-- name: GetConfirmation :one
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime_us, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_pin_id, approved_lock_epoch, auth_time,
    session_id, receipt
FROM confirmations
WHERE tenant_id = ? AND instance_id = ? AND id = ?;

-- name: GetConfirmationByKey :one
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime_us, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_pin_id, approved_lock_epoch, auth_time,
    session_id, receipt
FROM confirmations
WHERE tenant_id = ? AND instance_id = ? AND idempotency_key = ?;

-- The ids are one JSON array: the query's text stays the same for any number of
-- them, and there may be more than a query can have parameters.
-- name: ListStillPending :many
SELECT id FROM confirmations
WHERE status = 'pending' AND expires_at > sqlc.arg(now)
    AND id IN (SELECT value FROM json_each(CAST(sqlc.arg(ids) AS TEXT)));

-- name: InsertConfirmation :execrows
INSERT INTO confirmations (
    tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime_us, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_pin_id, approved_lock_epoch, auth_time,
    session_id, receipt
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant_id, instance_id, idempotency_key) DO NOTHING;

-- name: UpdateConfirmation :execrows
UPDATE confirmations SET
    status = sqlc.arg(status),
    reason = sqlc.arg(reason),
    expires_at = sqlc.arg(expires_at),
    ended_at = sqlc.arg(ended_at),
    approved_at = sqlc.arg(approved_at),
    approved_pin_id = sqlc.arg(approved_pin_id),
    approved_lock_epoch = sqlc.arg(approved_lock_epoch),
    auth_time = sqlc.arg(auth_time),
    session_id = sqlc.arg(session_id),
    receipt = sqlc.arg(receipt)
WHERE tenant_id = sqlc.arg(tenant_id) AND instance_id = sqlc.arg(instance_id) AND id = sqlc.arg(id);

-- name: ListOpenConfirmations :many
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime_us, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_pin_id, approved_lock_epoch, auth_time,
    session_id, receipt
FROM confirmations
WHERE tenant_id = ? AND holder_type = ? AND holder_instance_id = ? AND holder_id = ?
    AND instance_id = ? AND ended_at IS NULL
ORDER BY id;

-- name: ListAllOpenConfirmations :many
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime_us, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_pin_id, approved_lock_epoch, auth_time,
    session_id, receipt
FROM confirmations
WHERE tenant_id = ? AND holder_type = ? AND holder_instance_id = ? AND holder_id = ?
    AND ended_at IS NULL
ORDER BY id;

-- name: CountPendingConfirmations :one
SELECT count(*) AS pending, CAST(coalesce(min(expires_at), 0) AS INTEGER) AS first_expiry
FROM confirmations
WHERE tenant_id = sqlc.arg(tenant_id) AND holder_type = sqlc.arg(holder_type)
    AND holder_instance_id = sqlc.arg(holder_instance_id) AND holder_id = sqlc.arg(holder_id)
    AND instance_id = sqlc.arg(instance_id)
    AND ended_at IS NULL AND status = 'pending' AND expires_at > sqlc.arg(now);

-- name: ListExpiredConfirmations :many
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime_us, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_pin_id, approved_lock_epoch, auth_time,
    session_id, receipt
FROM confirmations
WHERE ended_at IS NULL AND expires_at <= sqlc.arg(now)
ORDER BY expires_at, id
LIMIT sqlc.arg(limit);

-- name: DeleteConfirmations :execrows
DELETE FROM confirmations
WHERE id IN (
    SELECT old.id FROM confirmations AS old
    WHERE old.ended_at < sqlc.arg(before)
    ORDER BY old.ended_at
    LIMIT sqlc.arg(limit)
);
