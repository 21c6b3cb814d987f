-- name: GetConfirmation :one
-- Every query that reads confirmations lists the same columns in the same order, so
-- that their rows are one Go type.
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id
FROM confirmations
WHERE tenant_id = sqlc.arg(tenant_id) AND instance_id = sqlc.arg(instance_id) AND id = sqlc.arg(id);

-- name: GetConfirmationByKey :one
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id
FROM confirmations
WHERE tenant_id = sqlc.arg(tenant_id) AND instance_id = sqlc.arg(instance_id)
    AND idempotency_key = CAST(sqlc.arg(idempotency_key) AS TEXT);

-- name: StillPending :many
-- The ids are one JSON array: the query's text stays the same for any number of
-- them, and there may be more than a query can have parameters.
SELECT id FROM confirmations
WHERE status = 'pending' AND expires_at > sqlc.arg(now)
    AND id IN (SELECT value FROM json_each(CAST(sqlc.arg(ids) AS TEXT)));

-- name: CountOpenConfirmations :one
SELECT count(*) FILTER (WHERE status = 'pending') AS pending,
    count(*) FILTER (WHERE status = 'approved') AS approved,
    CAST(coalesce(min(expires_at) FILTER (WHERE status = 'pending'), 0) AS INTEGER) AS first_pending,
    CAST(coalesce(min(expires_at) FILTER (WHERE status = 'approved'), 0) AS INTEGER) AS first_approved
FROM confirmations
WHERE tenant_id = sqlc.arg(tenant_id) AND holder_id = sqlc.arg(holder_id)
    AND holder_type = sqlc.arg(holder_type) AND holder_instance_id = sqlc.arg(holder_instance_id)
    AND instance_id = sqlc.arg(instance_id)
    AND ended_at IS NULL AND expires_at > sqlc.arg(now);

-- name: LockOpenConfirmations :many
-- The nil UUID as instance means every instance.
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id
FROM confirmations
WHERE tenant_id = sqlc.arg(tenant_id) AND holder_id = sqlc.arg(holder_id)
    AND holder_type = sqlc.arg(holder_type) AND holder_instance_id = sqlc.arg(holder_instance_id)
    AND (instance_id = sqlc.arg(instance_id) OR sqlc.arg(instance_id) = '00000000-0000-0000-0000-000000000000')
    AND ended_at IS NULL
ORDER BY id;

-- name: LockExpiredConfirmations :many
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id
FROM confirmations
WHERE ended_at IS NULL AND expires_at <= sqlc.arg(now)
ORDER BY expires_at, id
LIMIT sqlc.arg(max_rows);

-- name: LockStaleConfirmations :many
SELECT tenant_id, instance_id, id
FROM confirmations
WHERE ended_at < CAST(sqlc.arg(before) AS INTEGER)
ORDER BY ended_at
LIMIT sqlc.arg(max_rows);

-- name: DeleteStaleConfirmation :exec
DELETE FROM confirmations
WHERE tenant_id = sqlc.arg(tenant_id) AND instance_id = sqlc.arg(instance_id) AND id = sqlc.arg(id);

-- name: InsertConfirmation :exec
INSERT INTO confirmations (
    tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: SaveConfirmation :execrows
-- What was asked never changes; a transition touches these alone, and only of a
-- confirmation that is open.
UPDATE confirmations SET
    status = sqlc.arg(status), reason = sqlc.arg(reason), expires_at = sqlc.arg(expires_at),
    ended_at = sqlc.arg(ended_at), approved_at = sqlc.arg(approved_at),
    approved_attempt_id = sqlc.arg(approved_attempt_id), approved_pin_id = sqlc.arg(approved_pin_id),
    approved_lock_epoch = sqlc.arg(approved_lock_epoch), auth_time = sqlc.arg(auth_time),
    session_id = sqlc.arg(session_id), receipt = sqlc.arg(receipt), redeem_id = sqlc.arg(redeem_id)
WHERE tenant_id = sqlc.arg(tenant_id) AND instance_id = sqlc.arg(instance_id) AND id = sqlc.arg(id)
    AND ended_at IS NULL;
