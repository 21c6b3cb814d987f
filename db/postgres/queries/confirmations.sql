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
WHERE tenant_id = @tenant_id AND instance_id = @instance_id AND id = @id;

-- name: GetConfirmationByID :one
-- For whoever holds a link, and so knows the id alone.
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
FROM confirmations
WHERE id = @id;

-- name: GetConfirmationByKey :one
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
FROM confirmations
WHERE tenant_id = @tenant_id AND instance_id = @instance_id AND idempotency_key = @idempotency_key::text;

-- name: GetConfirmationByCallKey :one
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
FROM confirmations
WHERE tenant_id = @tenant_id AND instance_id = @instance_id AND call_key = @call_key::text;

-- name: ListOpenConfirmations :many
-- The empty status, the empty holder type and the zero time as the place stand for
-- all.
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
FROM confirmations
WHERE tenant_id = @tenant_id AND instance_id = @instance_id AND ended_at IS NULL
    AND expires_at > (SELECT clock_timestamp())
    AND (status = @status OR @status::text = '')
    AND (@holder_type::text = '' OR holder_type = @holder_type AND holder_id = @holder_id
        AND holder_instance_id = @holder_instance_id)
    AND (@after_created_at::timestamptz = '0001-01-01Z'::timestamptz
        OR (created_at, id) < (@after_created_at::timestamptz, @after_id::uuid))
ORDER BY created_at DESC, id DESC
LIMIT @max_rows::bigint;

-- name: NoLongerPending :many
SELECT asked.id::uuid AS id
FROM unnest(@ids::uuid[]) AS asked (id)
WHERE NOT EXISTS (
    SELECT 1 FROM confirmations AS c
    WHERE c.id = asked.id AND c.status = 'pending' AND c.expires_at > (SELECT clock_timestamp())
);

-- name: CountOpenConfirmations :one
SELECT count(*) FILTER (WHERE status = 'pending')::bigint AS pending,
    count(*) FILTER (WHERE status = 'approved')::bigint AS approved,
    COALESCE(min(expires_at) FILTER (WHERE status = 'pending'), '0001-01-01Z')::timestamptz AS first_pending,
    COALESCE(min(expires_at) FILTER (WHERE status = 'approved'), '0001-01-01Z')::timestamptz AS first_approved
FROM confirmations
WHERE tenant_id = @tenant_id AND holder_id = @holder_id AND holder_type = @holder_type
    AND holder_instance_id = @holder_instance_id AND instance_id = @instance_id
    AND ended_at IS NULL AND expires_at > (SELECT clock_timestamp());

-- name: LockConfirmation :one
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
FROM confirmations
WHERE tenant_id = @tenant_id AND instance_id = @instance_id AND id = @id
FOR UPDATE;

-- name: LockOpenConfirmations :many
-- Rows are locked in the order of their ids, so that two transactions never wait
-- for each other. The nil UUID as instance means every instance.
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
FROM confirmations
WHERE tenant_id = @tenant_id AND holder_id = @holder_id AND holder_type = @holder_type
    AND holder_instance_id = @holder_instance_id
    AND (instance_id = @instance_id OR @instance_id::uuid = '00000000-0000-0000-0000-000000000000')
    AND ended_at IS NULL
ORDER BY id
FOR UPDATE;

-- name: LockConfirmationByCallKey :one
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
FROM confirmations
WHERE tenant_id = @tenant_id AND instance_id = @instance_id AND call_key = @call_key::text
FOR UPDATE;

-- name: LockApprovedConfirmations :many
-- The nil UUID as instance means every instance.
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
FROM confirmations
WHERE tenant_id = @tenant_id
    AND (instance_id = @instance_id OR @instance_id::uuid = '00000000-0000-0000-0000-000000000000')
    AND status = 'approved' AND ended_at IS NULL AND expires_at > (SELECT clock_timestamp())
ORDER BY id
LIMIT @max_rows::bigint
FOR UPDATE;

-- name: LockExpiredConfirmations :many
SELECT tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
FROM confirmations
WHERE ended_at IS NULL AND expires_at <= (SELECT clock_timestamp())
ORDER BY expires_at, id
LIMIT @max_rows::bigint
FOR UPDATE SKIP LOCKED;

-- name: LockStaleConfirmations :many
SELECT tenant_id, instance_id, id
FROM confirmations
WHERE ended_at < (SELECT clock_timestamp() - @age::interval)
ORDER BY ended_at
LIMIT @max_rows::bigint
FOR UPDATE SKIP LOCKED;

-- name: DeleteStaleConfirmations :exec
DELETE FROM confirmations AS c
USING (
    SELECT unnest(@tenant_ids::uuid[]) AS tenant_id, unnest(@instance_ids::uuid[]) AS instance_id,
        unnest(@ids::uuid[]) AS id
) AS old
WHERE c.tenant_id = old.tenant_id AND c.instance_id = old.instance_id AND c.id = old.id;

-- name: InsertConfirmation :exec
-- A key that another holds is an error, which skips the COMMIT.
INSERT INTO confirmations (
    tenant_id, instance_id, id, holder_type, holder_instance_id, holder_id, role, skill,
    action_summary, action_params, action_digest, lifetime, idempotency_key, status, reason,
    created_at, expires_at, ended_at, approved_at, approved_attempt_id, approved_pin_id,
    approved_lock_epoch, auth_time, session_id, receipt, redeem_id, call_key,
    approved_freeze_epoch, outcome, outcome_at, outcome_detail,
    page_tries, page_failures, approved_by_page
) VALUES (
    @tenant_id, @instance_id, @id, @holder_type, @holder_instance_id, @holder_id, @role, @skill,
    @action_summary, @action_params, @action_digest, @lifetime, @idempotency_key, @status, @reason,
    @created_at, @expires_at, @ended_at, @approved_at, @approved_attempt_id, @approved_pin_id,
    @approved_lock_epoch, @auth_time, @session_id, @receipt, @redeem_id, @call_key,
    @approved_freeze_epoch, @outcome, @outcome_at, @outcome_detail,
    @page_tries, @page_failures, @approved_by_page
);

-- name: SaveConfirmations :exec
-- What was asked never changes; a transition touches these alone, and only of a
-- confirmation that is open: an ended one, or one that is gone, is a division by zero,
-- an error, which skips the COMMIT. Arrays hold no NULL: the zero time, the nil UUID
-- and, without an approval, the epoch 0 stand for it.
WITH changed AS (
    SELECT u.tenant_id, u.instance_id, u.id, u.status, u.reason, u.expires_at,
        NULLIF(u.ended_at, '0001-01-01Z'::timestamptz) AS ended_at,
        NULLIF(u.approved_at, '0001-01-01Z'::timestamptz) AS approved_at,
        NULLIF(u.approved_attempt_id, '00000000-0000-0000-0000-000000000000'::uuid) AS approved_attempt_id,
        u.approved_pin_id, u.approved_lock_epoch, u.approved_freeze_epoch, u.auth_time,
        NULLIF(u.session_id, '00000000-0000-0000-0000-000000000000'::uuid) AS session_id,
        u.receipt,
        NULLIF(u.redeem_id, '00000000-0000-0000-0000-000000000000'::uuid) AS redeem_id,
        u.page_tries, u.page_failures, u.approved_by_page
    FROM (
        SELECT unnest(@tenant_ids::uuid[]) AS tenant_id, unnest(@instance_ids::uuid[]) AS instance_id,
            unnest(@ids::uuid[]) AS id, unnest(@statuses::text[]) AS status,
            unnest(@reasons::text[]) AS reason, unnest(@expires_ats::timestamptz[]) AS expires_at,
            unnest(@ended_ats::timestamptz[]) AS ended_at, unnest(@approved_ats::timestamptz[]) AS approved_at,
            unnest(@approved_attempt_ids::uuid[]) AS approved_attempt_id,
            unnest(@approved_pin_ids::uuid[]) AS approved_pin_id,
            unnest(@approved_lock_epochs::bigint[]) AS approved_lock_epoch,
            unnest(@approved_freeze_epochs::bigint[]) AS approved_freeze_epoch,
            unnest(@auth_times::timestamptz[]) AS auth_time, unnest(@session_ids::uuid[]) AS session_id,
            unnest(@receipts::text[]) AS receipt, unnest(@redeem_ids::uuid[]) AS redeem_id,
            unnest(@page_tries::integer[]) AS page_tries, unnest(@page_failures::integer[]) AS page_failures,
            unnest(@approved_by_pages::boolean[]) AS approved_by_page
    ) AS u
), saved AS (
    UPDATE confirmations AS c SET
        status = n.status, reason = n.reason, expires_at = n.expires_at, ended_at = n.ended_at,
        approved_at = n.approved_at, approved_attempt_id = n.approved_attempt_id,
        approved_pin_id = CASE WHEN n.approved_at IS NOT NULL THEN n.approved_pin_id END,
        approved_lock_epoch = CASE WHEN n.approved_at IS NOT NULL THEN n.approved_lock_epoch END,
        approved_freeze_epoch = CASE WHEN n.approved_at IS NOT NULL THEN n.approved_freeze_epoch END,
        auth_time = CASE WHEN n.approved_at IS NOT NULL THEN n.auth_time END,
        session_id = n.session_id, receipt = n.receipt, redeem_id = n.redeem_id,
        page_tries = n.page_tries, page_failures = n.page_failures, approved_by_page = n.approved_by_page
    FROM changed AS n
    WHERE c.tenant_id = n.tenant_id AND c.instance_id = n.instance_id AND c.id = n.id
        AND c.ended_at IS NULL
    RETURNING c.id
)
SELECT 1 / (count(*) = cardinality(@ids::uuid[]))::integer FROM saved;

-- name: SaveOutcome :exec
-- As SaveConfirmations: a confirmation that was not redeemed is an error.
WITH saved AS (
    UPDATE confirmations SET outcome = @outcome::text, outcome_at = @outcome_at::timestamptz,
        outcome_detail = @outcome_detail
    WHERE tenant_id = @tenant_id AND instance_id = @instance_id AND id = @id AND status = 'redeemed'
    RETURNING id
)
SELECT 1 / (count(*) = 1)::integer FROM saved;

-- name: ReleaseCallKey :exec
UPDATE confirmations SET call_key = NULL
WHERE tenant_id = @tenant_id AND instance_id = @instance_id AND id = @id;

-- name: NotifyConfirmations :exec
SELECT pg_notify('hydrapin_confirmations', woken.id::text)
FROM unnest(@ids::uuid[]) AS woken (id);
