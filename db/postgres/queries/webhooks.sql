-- name: ListWebhooks :many
SELECT tenant_id, id, place, url, events, description, disabled, created_at, updated_at, created_by_kind,
    created_by, directed_by_kind, directed_by, secret, secret_pepper_id, old_secret, old_pepper_id,
    old_until, failing_since, due_at
FROM webhooks
WHERE tenant_id = @tenant_id
ORDER BY created_at, id;

-- name: GetWebhook :one
SELECT tenant_id, id, place, url, events, description, disabled, created_at, updated_at, created_by_kind,
    created_by, directed_by_kind, directed_by, secret, secret_pepper_id, old_secret, old_pepper_id,
    old_until, failing_since, due_at
FROM webhooks
WHERE tenant_id = @tenant_id AND id = @id;

-- name: LockWebhook :one
SELECT tenant_id, id, place, url, events, description, disabled, created_at, updated_at, created_by_kind,
    created_by, directed_by_kind, directed_by, secret, secret_pepper_id, old_secret, old_pepper_id,
    old_until, failing_since, due_at
FROM webhooks
WHERE tenant_id = @tenant_id AND id = @id
FOR UPDATE;

-- name: LockWebhooks :many
SELECT tenant_id, id, place, url, events, description, disabled, created_at, updated_at, created_by_kind,
    created_by, directed_by_kind, directed_by, secret, secret_pepper_id, old_secret, old_pepper_id,
    old_until, failing_since, due_at
FROM webhooks
WHERE tenant_id = @tenant_id
ORDER BY id
FOR UPDATE;

-- name: AnyWebhookDue :one
SELECT EXISTS (SELECT 1 FROM webhooks WHERE due_at <= (SELECT clock_timestamp()));

-- name: LockDueWebhooks :many
SELECT tenant_id, id, place, url, events, description, disabled, created_at, updated_at, created_by_kind,
    created_by, directed_by_kind, directed_by, secret, secret_pepper_id, old_secret, old_pepper_id,
    old_until, failing_since, due_at
FROM webhooks
WHERE due_at <= (SELECT clock_timestamp())
ORDER BY due_at
LIMIT @max_rows::bigint
FOR UPDATE SKIP LOCKED;

-- name: LockWebhooksSealedElse :many
SELECT tenant_id, id, place, url, events, description, disabled, created_at, updated_at, created_by_kind,
    created_by, directed_by_kind, directed_by, secret, secret_pepper_id, old_secret, old_pepper_id,
    old_until, failing_since, due_at
FROM webhooks
WHERE secret_pepper_id <> @pepper_id
ORDER BY tenant_id, id
LIMIT @max_rows::bigint
FOR UPDATE SKIP LOCKED;

-- name: InsertWebhook :exec
INSERT INTO webhooks (
    tenant_id, id, place, url, events, description, disabled, created_at, updated_at, created_by_kind,
    created_by, directed_by_kind, directed_by, secret, secret_pepper_id, old_secret, old_pepper_id,
    old_until, failing_since, due_at
) VALUES (
    @tenant_id, @id, @place, @url, @events, @description, @disabled, @created_at, @updated_at,
    @created_by_kind, @created_by, @directed_by_kind, @directed_by, @secret, @secret_pepper_id,
    @old_secret, @old_pepper_id, @old_until, @failing_since, @due_at
);

-- name: SaveWebhook :exec
-- Division by zero when it is gone: an error, which skips the COMMIT.
WITH saved AS (
    UPDATE webhooks SET
        url = @url, events = @events, description = @description, disabled = @disabled,
        updated_at = @updated_at, directed_by_kind = @directed_by_kind, directed_by = @directed_by,
        secret = @secret, secret_pepper_id = @secret_pepper_id, old_secret = @old_secret,
        old_pepper_id = @old_pepper_id, old_until = @old_until, failing_since = @failing_since,
        due_at = @due_at
    WHERE tenant_id = @tenant_id AND id = @id
    RETURNING id
)
SELECT 1 / count(*) FROM saved;

-- name: SaveWebhookDue :exec
UPDATE webhooks SET due_at = @due_at WHERE tenant_id = @tenant_id AND id = @id AND disabled = '';

-- name: WakeWebhook :exec
-- One that is due already is not written to.
UPDATE webhooks SET due_at = @due_at::timestamptz
WHERE tenant_id = @tenant_id AND id = @id AND disabled = ''
    AND (due_at IS NULL OR due_at > @due_at::timestamptz);

-- name: DeleteWebhook :exec
DELETE FROM webhooks WHERE tenant_id = @tenant_id AND id = @id;

-- name: InsertDeliveries :exec
INSERT INTO webhook_deliveries (
    tenant_id, id, webhook_id, event_id, event_index, event_type, holder_type, holder_instance_id,
    holder_id, status, created_at, due_at
)
SELECT unnest(@tenant_ids::uuid[]), unnest(@ids::uuid[]), unnest(@webhook_ids::uuid[]),
    unnest(@event_ids::uuid[]), unnest(@event_indexes::bigint[]), unnest(@event_types::text[]),
    unnest(@holder_types::text[]), unnest(@holder_instance_ids::uuid[]), unnest(@holder_ids::uuid[]),
    'pending', @at::timestamptz, @at::timestamptz;

-- name: ListDeliveries :many
SELECT tenant_id, id, webhook_id, event_id, event_index, event_type, holder_type, holder_instance_id,
    holder_id, status, attempts, failures, created_at, due_at, lease_id, lease_until, last_at,
    last_status, last_failure
FROM webhook_deliveries
WHERE tenant_id = @tenant_id AND webhook_id = @webhook_id
ORDER BY event_index DESC
LIMIT @max_rows::bigint OFFSET @skip_rows::bigint;

-- name: ListDeliveriesByStatus :many
SELECT tenant_id, id, webhook_id, event_id, event_index, event_type, holder_type, holder_instance_id,
    holder_id, status, attempts, failures, created_at, due_at, lease_id, lease_until, last_at,
    last_status, last_failure
FROM webhook_deliveries
WHERE tenant_id = @tenant_id AND webhook_id = @webhook_id AND status = @status
ORDER BY event_index DESC
LIMIT @max_rows::bigint OFFSET @skip_rows::bigint;

-- name: CountDeliveries :one
SELECT count(*) FROM (
    SELECT 1 FROM webhook_deliveries
    WHERE tenant_id = @tenant_id AND webhook_id = @webhook_id
    LIMIT @max_rows::bigint
) AS d;

-- name: CountDeliveriesByStatus :one
SELECT count(*) FROM (
    SELECT 1 FROM webhook_deliveries
    WHERE tenant_id = @tenant_id AND webhook_id = @webhook_id AND status = @status
    LIMIT @max_rows::bigint
) AS d;

-- name: FreshDeliveries :many
SELECT tenant_id, id, webhook_id, event_id, event_index, event_type, holder_type, holder_instance_id,
    holder_id, status, attempts, failures, created_at, due_at, lease_id, lease_until, last_at,
    last_status, last_failure
FROM webhook_deliveries
WHERE tenant_id = @tenant_id AND webhook_id = @webhook_id AND status = 'pending' AND attempts = 0
ORDER BY event_index
LIMIT @max_rows::bigint;

-- name: DeliveriesAgain :many
SELECT tenant_id, id, webhook_id, event_id, event_index, event_type, holder_type, holder_instance_id,
    holder_id, status, attempts, failures, created_at, due_at, lease_id, lease_until, last_at,
    last_status, last_failure
FROM webhook_deliveries
WHERE tenant_id = @tenant_id AND webhook_id = @webhook_id AND status = 'pending' AND attempts > 0
ORDER BY due_at
LIMIT @max_rows::bigint;

-- name: LeasedDeliveries :many
SELECT webhook_id, lease_until::timestamptz AS lease_until
FROM webhook_deliveries
WHERE tenant_id = @tenant_id AND lease_id IS NOT NULL;

-- name: LockDelivery :one
SELECT tenant_id, id, webhook_id, event_id, event_index, event_type, holder_type, holder_instance_id,
    holder_id, status, attempts, failures, created_at, due_at, lease_id, lease_until, last_at,
    last_status, last_failure
FROM webhook_deliveries
WHERE tenant_id = @tenant_id AND id = @id
FOR UPDATE;

-- name: GetDelivery :one
SELECT tenant_id, id, webhook_id, event_id, event_index, event_type, holder_type, holder_instance_id,
    holder_id, status, attempts, failures, created_at, due_at, lease_id, lease_until, last_at,
    last_status, last_failure
FROM webhook_deliveries
WHERE tenant_id = @tenant_id AND id = @id;

-- name: SaveDelivery :exec
UPDATE webhook_deliveries SET
    status = @status, attempts = @attempts, failures = @failures, due_at = @due_at,
    lease_id = @lease_id, lease_until = @lease_until, last_at = @last_at,
    last_status = @last_status, last_failure = @last_failure
WHERE tenant_id = @tenant_id AND id = @id;

-- name: LockStaleDeliveries :many
SELECT tenant_id, id
FROM webhook_deliveries
WHERE created_at < (SELECT clock_timestamp() - @age::interval)
ORDER BY created_at
LIMIT @max_rows::bigint
FOR UPDATE SKIP LOCKED;

-- name: DeleteStaleDeliveries :exec
DELETE FROM webhook_deliveries AS d
USING (SELECT unnest(@tenant_ids::uuid[]) AS tenant_id, unnest(@ids::uuid[]) AS id) AS old
WHERE d.tenant_id = old.tenant_id AND d.id = old.id;

-- name: EventLeaf :one
SELECT leaf FROM pin_events WHERE tenant_id = @tenant_id AND event_index = @event_index;
