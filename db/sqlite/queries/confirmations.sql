-- name: GetConfirmation :one
-- Every query that reads confirmations lists the same columns in the same order, so
-- that their rows are one Go type.
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
FROM confirmations
WHERE tenant_id = sqlc.arg(tenant_id) AND instance_id = sqlc.arg(instance_id) AND id = sqlc.arg(id);

-- name: GetConfirmationByID :one
-- For whoever holds a link, and so knows the id alone.
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
FROM confirmations
WHERE id = sqlc.arg(id);

-- name: GetConfirmationByKey :one
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
FROM confirmations
WHERE tenant_id = sqlc.arg(tenant_id) AND instance_id = sqlc.arg(instance_id)
    AND idempotency_key = CAST(sqlc.arg(idempotency_key) AS TEXT);

-- name: GetConfirmationByCallKey :one
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
FROM confirmations
WHERE tenant_id = sqlc.arg(tenant_id) AND instance_id = sqlc.arg(instance_id)
    AND call_key = CAST(sqlc.arg(call_key) AS TEXT);

-- name: ListOpenConfirmations :many
-- The empty status, the empty holder type and the time 0 as the place stand for all.
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
FROM confirmations
WHERE tenant_id = sqlc.arg(tenant_id) AND instance_id = sqlc.arg(instance_id) AND ended_at IS NULL
    AND expires_at > sqlc.arg(now)
    AND (status = sqlc.arg(status) OR CAST(sqlc.arg(status) AS TEXT) = '')
    AND (CAST(sqlc.arg(holder_type) AS TEXT) = '' OR holder_type = sqlc.arg(holder_type)
        AND holder_id = sqlc.arg(holder_id) AND holder_instance_id = sqlc.arg(holder_instance_id))
    AND (CAST(sqlc.arg(after_created_at) AS INTEGER) = 0 OR created_at < sqlc.arg(after_created_at)
        OR created_at = sqlc.arg(after_created_at) AND id < CAST(sqlc.arg(after_id) AS TEXT))
ORDER BY created_at DESC, id DESC
LIMIT sqlc.arg(max_rows);

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
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
FROM confirmations
WHERE tenant_id = sqlc.arg(tenant_id) AND holder_id = sqlc.arg(holder_id)
    AND holder_type = sqlc.arg(holder_type) AND holder_instance_id = sqlc.arg(holder_instance_id)
    AND (instance_id = sqlc.arg(instance_id) OR sqlc.arg(instance_id) = '00000000-0000-0000-0000-000000000000')
    AND ended_at IS NULL
ORDER BY id;

-- name: LockApprovedConfirmations :many
-- The nil UUID as instance means every instance.
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
FROM confirmations
WHERE tenant_id = sqlc.arg(tenant_id)
    AND (instance_id = sqlc.arg(instance_id) OR sqlc.arg(instance_id) = '00000000-0000-0000-0000-000000000000')
    AND status = 'approved' AND ended_at IS NULL AND expires_at > sqlc.arg(now)
ORDER BY id
LIMIT sqlc.arg(max_rows);

-- name: LockExpiredConfirmations :many
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
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
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
    ?, ?, ?);

-- name: SaveConfirmation :execrows
-- What was asked never changes; a transition touches these alone, and only of a
-- confirmation that is open.
UPDATE confirmations SET
    status = sqlc.arg(status), reason = sqlc.arg(reason), expires_at = sqlc.arg(expires_at),
    ended_at = sqlc.arg(ended_at), approved_at = sqlc.arg(approved_at),
    approved_attempt_id = sqlc.arg(approved_attempt_id), approved_pin_id = sqlc.arg(approved_pin_id),
    approved_lock_epoch = sqlc.arg(approved_lock_epoch),
    approved_freeze_epoch = sqlc.arg(approved_freeze_epoch), auth_time = sqlc.arg(auth_time),
    session_id = sqlc.arg(session_id), receipt = sqlc.arg(receipt), redeem_id = sqlc.arg(redeem_id),
    page_tries = sqlc.arg(page_tries), page_failures = sqlc.arg(page_failures),
    approved_by_page = sqlc.arg(approved_by_page)
WHERE tenant_id = sqlc.arg(tenant_id) AND instance_id = sqlc.arg(instance_id) AND id = sqlc.arg(id)
    AND ended_at IS NULL;

-- name: SaveOutcome :execrows
UPDATE confirmations SET outcome = CAST(sqlc.arg(outcome) AS TEXT),
    outcome_at = CAST(sqlc.arg(outcome_at) AS INTEGER), outcome_detail = sqlc.arg(outcome_detail)
WHERE tenant_id = sqlc.arg(tenant_id) AND instance_id = sqlc.arg(instance_id) AND id = sqlc.arg(id)
    AND status = 'redeemed';

-- name: ReleaseCallKey :exec
UPDATE confirmations SET call_key = NULL
WHERE tenant_id = sqlc.arg(tenant_id) AND instance_id = sqlc.arg(instance_id) AND id = sqlc.arg(id);
