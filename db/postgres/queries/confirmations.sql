-- name: GetConfirmation :one
-- Every query that reads confirmations lists the same columns in the same order, so
-- that their rows are one Go type by conversion.
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_pin_id, approved_lock_epoch,
    auth_time, session_id, receipt,
    clock_timestamp()::timestamptz AS read_at
FROM confirmations
WHERE tenant_id = @tenant_id AND instance_id = @instance_id AND id = @id;

-- name: GetConfirmationByKey :one
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_pin_id, approved_lock_epoch,
    auth_time, session_id, receipt,
    clock_timestamp()::timestamptz AS read_at
FROM confirmations
WHERE tenant_id = @tenant_id AND instance_id = @instance_id AND idempotency_key = @idempotency_key::text;

-- name: NoLongerPending :many
SELECT asked.id::uuid AS id
FROM unnest(@ids::uuid[]) AS asked (id)
WHERE NOT EXISTS (
    SELECT 1 FROM confirmations AS c
    WHERE c.id = asked.id AND c.status = 'pending' AND c.expires_at > clock_timestamp()
);

-- name: LockConfirmation :one
WITH r AS MATERIALIZED (
    SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
        action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
        created_at, expires_at, ended_at, approved_at, approved_pin_id, approved_lock_epoch,
        auth_time, session_id, receipt
    FROM confirmations
    WHERE tenant_id = @tenant_id AND instance_id = @instance_id AND id = @id
    FOR UPDATE
)
SELECT r.tenant_id, r.instance_id, r.id, r.holder_type, r.holder_instance_id, r.holder_id, r.role,
    r.skill, r.action_summary, r.action_params, r.action_digest, r.lifetime, r.idempotency_key,
    r.status, r.reason, r.created_at, r.expires_at, r.ended_at, r.approved_at,
    r.approved_pin_id, r.approved_lock_epoch, r.auth_time, r.session_id, r.receipt,
    clock_timestamp()::timestamptz AS read_at
FROM r;

-- name: LockOpenConfirmations :many
-- Rows are locked in the order of their ids, so that two transactions never wait
-- for each other. The nil UUID as instance means every instance.
WITH r AS MATERIALIZED (
    SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
        action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
        created_at, expires_at, ended_at, approved_at, approved_pin_id, approved_lock_epoch,
        auth_time, session_id, receipt
    FROM confirmations
    WHERE tenant_id = @tenant_id AND holder_id = @holder_id AND holder_type = @holder_type
        AND holder_instance_id = @holder_instance_id
        AND (instance_id = @instance_id OR @instance_id::uuid = '00000000-0000-0000-0000-000000000000')
        AND status IN ('pending', 'approved')
    ORDER BY id
    FOR UPDATE
)
SELECT r.tenant_id, r.instance_id, r.id, r.holder_type, r.holder_instance_id, r.holder_id, r.role,
    r.skill, r.action_summary, r.action_params, r.action_digest, r.lifetime, r.idempotency_key,
    r.status, r.reason, r.created_at, r.expires_at, r.ended_at, r.approved_at,
    r.approved_pin_id, r.approved_lock_epoch, r.auth_time, r.session_id, r.receipt,
    clock_timestamp()::timestamptz AS read_at
FROM r
ORDER BY r.id;

-- name: LockExpiredConfirmations :many
WITH r AS MATERIALIZED (
    SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
        action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
        created_at, expires_at, ended_at, approved_at, approved_pin_id, approved_lock_epoch,
        auth_time, session_id, receipt
    FROM confirmations
    WHERE status IN ('pending', 'approved') AND expires_at <= @now::timestamptz
    ORDER BY expires_at
    LIMIT @max_rows::bigint
    FOR UPDATE SKIP LOCKED
)
SELECT r.tenant_id, r.instance_id, r.id, r.holder_type, r.holder_instance_id, r.holder_id, r.role,
    r.skill, r.action_summary, r.action_params, r.action_digest, r.lifetime, r.idempotency_key,
    r.status, r.reason, r.created_at, r.expires_at, r.ended_at, r.approved_at,
    r.approved_pin_id, r.approved_lock_epoch, r.auth_time, r.session_id, r.receipt,
    clock_timestamp()::timestamptz AS read_at
FROM r;

-- name: InsertConfirmation :execrows
INSERT INTO confirmations (
    tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_pin_id, approved_lock_epoch,
    auth_time, session_id, receipt
) VALUES (
    @tenant_id, @instance_id, @id, @holder_type, @holder_instance_id, @holder_id, @role, @skill,
    @action_summary, @action_params, @action_digest, @lifetime, @idempotency_key, @status,
    @reason, @created_at, @expires_at, @ended_at, @approved_at, @approved_pin_id,
    @approved_lock_epoch, @auth_time, @session_id, @receipt
)
ON CONFLICT (tenant_id, instance_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING;

-- name: SaveConfirmation :execrows
-- What was asked never changes; a transition touches these alone.
UPDATE confirmations SET
    status = @status, reason = @reason, expires_at = @expires_at, ended_at = @ended_at,
    approved_at = @approved_at, approved_pin_id = @approved_pin_id,
    approved_lock_epoch = @approved_lock_epoch, auth_time = @auth_time,
    session_id = @session_id, receipt = @receipt
WHERE tenant_id = @tenant_id AND instance_id = @instance_id AND id = @id;

-- name: PendingConfirmations :one
SELECT count(*)::bigint AS pending, COALESCE(min(expires_at), @now)::timestamptz AS first_expires_at
FROM confirmations
WHERE tenant_id = @tenant_id AND holder_id = @holder_id AND holder_type = @holder_type
    AND holder_instance_id = @holder_instance_id AND instance_id = @instance_id
    AND status = 'pending' AND expires_at > @now::timestamptz;

-- name: TrySweepLock :one
SELECT pg_try_advisory_xact_lock(@lock_id::bigint)::boolean AS locked;

-- name: DeleteConfirmations :execrows
DELETE FROM confirmations AS c
USING (
    SELECT o.tenant_id, o.instance_id, o.id FROM confirmations AS o
    WHERE o.ended_at < @before::timestamptz
    ORDER BY o.ended_at
    LIMIT @max_rows::bigint
    FOR UPDATE SKIP LOCKED
) AS old
WHERE c.tenant_id = old.tenant_id AND c.instance_id = old.instance_id AND c.id = old.id;

-- name: NotifyConfirmations :exec
SELECT pg_notify('hydrapin_confirmations', woken.id::text)
FROM unnest(@ids::uuid[]) AS woken (id);
