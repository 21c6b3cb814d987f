-- What a restored database must not bring back to life, of every tenant.

-- name: LockUnfinishedConfirmations :many
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
FROM confirmations
WHERE ended_at IS NULL AND expires_at > sqlc.arg(now)
ORDER BY expires_at, id
LIMIT sqlc.arg(max_rows);

-- name: LockUnfinishedSessions :many
SELECT tenant_id, id, instance_id, holder_type, holder_instance_id, holder_id, role, pin_id,
    lock_epoch, auth_time, ttl, freeze_epoch, by_page
FROM pin_sessions
ORDER BY auth_time, id
LIMIT sqlc.arg(max_rows);

-- name: LockUnfinishedLinks :many
SELECT tenant_id, id, holder_type, holder_instance_id, holder_id, kind, created_at, expires_at,
    ended_at, used_at, created_by_kind, created_by
FROM pin_links
WHERE ended_at IS NULL AND expires_at > sqlc.arg(now)
ORDER BY expires_at, id
LIMIT sqlc.arg(max_rows);

-- name: ListTenants :many
-- There is no table of tenants: one is known by what it has.
SELECT tenant_id FROM api_keys
UNION SELECT tenant_id FROM pins
UNION SELECT tenant_id FROM pin_policies
UNION SELECT tenant_id FROM freezes
ORDER BY tenant_id;
