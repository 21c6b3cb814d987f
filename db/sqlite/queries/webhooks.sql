-- name: ListWebhooks :many
SELECT tenant_id, id, place, url, events, description, disabled, created_at, updated_at, created_by_kind,
    created_by, directed_by_kind, directed_by, secret, secret_pepper_id, old_secret, old_pepper_id,
    old_until, failing_since, due_at
FROM webhooks
WHERE tenant_id = sqlc.arg(tenant_id)
ORDER BY created_at, id;

-- name: GetWebhook :one
SELECT tenant_id, id, place, url, events, description, disabled, created_at, updated_at, created_by_kind,
    created_by, directed_by_kind, directed_by, secret, secret_pepper_id, old_secret, old_pepper_id,
    old_until, failing_since, due_at
FROM webhooks
WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id);

-- name: LockWebhooks :many
SELECT tenant_id, id, place, url, events, description, disabled, created_at, updated_at, created_by_kind,
    created_by, directed_by_kind, directed_by, secret, secret_pepper_id, old_secret, old_pepper_id,
    old_until, failing_since, due_at
FROM webhooks
WHERE tenant_id = sqlc.arg(tenant_id)
ORDER BY id;

-- name: AnyWebhookDue :one
SELECT EXISTS (SELECT 1 FROM webhooks WHERE due_at <= sqlc.arg(now));

-- name: LockDueWebhooks :many
SELECT tenant_id, id, place, url, events, description, disabled, created_at, updated_at, created_by_kind,
    created_by, directed_by_kind, directed_by, secret, secret_pepper_id, old_secret, old_pepper_id,
    old_until, failing_since, due_at
FROM webhooks
WHERE due_at <= sqlc.arg(now)
ORDER BY due_at
LIMIT sqlc.arg(max_rows);

-- name: LockWebhooksSealedElse :many
SELECT tenant_id, id, place, url, events, description, disabled, created_at, updated_at, created_by_kind,
    created_by, directed_by_kind, directed_by, secret, secret_pepper_id, old_secret, old_pepper_id,
    old_until, failing_since, due_at
FROM webhooks
WHERE secret_pepper_id <> sqlc.arg(pepper_id)
ORDER BY tenant_id, id
LIMIT sqlc.arg(max_rows);

-- name: InsertWebhook :exec
INSERT INTO webhooks (
    tenant_id, id, place, url, events, description, disabled, created_at, updated_at, created_by_kind,
    created_by, directed_by_kind, directed_by, secret, secret_pepper_id, old_secret, old_pepper_id,
    old_until, failing_since, due_at
) VALUES (
    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
);

-- name: SaveWebhook :execrows
UPDATE webhooks SET
    url = sqlc.arg(url), events = sqlc.arg(events), description = sqlc.arg(description),
    disabled = sqlc.arg(disabled), updated_at = sqlc.arg(updated_at),
    directed_by_kind = sqlc.arg(directed_by_kind), directed_by = sqlc.arg(directed_by),
    secret = sqlc.arg(secret), secret_pepper_id = sqlc.arg(secret_pepper_id),
    old_secret = sqlc.arg(old_secret), old_pepper_id = sqlc.arg(old_pepper_id),
    old_until = sqlc.arg(old_until), failing_since = sqlc.arg(failing_since),
    due_at = sqlc.arg(due_at)
WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id);

-- name: SaveWebhookDue :exec
UPDATE webhooks SET due_at = sqlc.arg(due_at)
WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id) AND disabled = '';

-- name: WakeWebhook :exec
-- One that is due already is not written to.
UPDATE webhooks SET due_at = sqlc.arg(due_at)
WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id) AND disabled = ''
    AND (due_at IS NULL OR due_at > sqlc.arg(due_at));

-- name: DeleteWebhook :exec
DELETE FROM webhooks WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id);

-- name: InsertDelivery :exec
INSERT INTO webhook_deliveries (
    tenant_id, id, webhook_id, event_id, event_index, event_type, holder_type, holder_instance_id,
    holder_id, status, created_at, due_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: ListDeliveries :many
SELECT tenant_id, id, webhook_id, event_id, event_index, event_type, holder_type, holder_instance_id,
    holder_id, status, attempts, failures, created_at, due_at, lease_id, lease_until, last_at,
    last_status, last_failure
FROM webhook_deliveries
WHERE tenant_id = sqlc.arg(tenant_id) AND webhook_id = sqlc.arg(webhook_id)
ORDER BY event_index DESC
LIMIT sqlc.arg(max_rows) OFFSET sqlc.arg(skip_rows);

-- name: ListDeliveriesByStatus :many
SELECT tenant_id, id, webhook_id, event_id, event_index, event_type, holder_type, holder_instance_id,
    holder_id, status, attempts, failures, created_at, due_at, lease_id, lease_until, last_at,
    last_status, last_failure
FROM webhook_deliveries
WHERE tenant_id = sqlc.arg(tenant_id) AND webhook_id = sqlc.arg(webhook_id) AND status = sqlc.arg(status)
ORDER BY event_index DESC
LIMIT sqlc.arg(max_rows) OFFSET sqlc.arg(skip_rows);

-- name: CountDeliveries :one
SELECT count(*) FROM (
    SELECT 1 FROM webhook_deliveries WHERE tenant_id = sqlc.arg(tenant_id) AND webhook_id = sqlc.arg(webhook_id) LIMIT sqlc.arg(max_rows)
) AS d;

-- name: CountDeliveriesByStatus :one
SELECT count(*) FROM (
    SELECT 1 FROM webhook_deliveries
    WHERE tenant_id = sqlc.arg(tenant_id) AND webhook_id = sqlc.arg(webhook_id) AND status = sqlc.arg(status) LIMIT sqlc.arg(max_rows)
) AS d;

-- name: FreshDeliveries :many
SELECT tenant_id, id, webhook_id, event_id, event_index, event_type, holder_type, holder_instance_id,
    holder_id, status, attempts, failures, created_at, due_at, lease_id, lease_until, last_at,
    last_status, last_failure
FROM webhook_deliveries
WHERE tenant_id = sqlc.arg(tenant_id) AND webhook_id = sqlc.arg(webhook_id) AND status = 'pending' AND attempts = 0
ORDER BY event_index
LIMIT sqlc.arg(max_rows);

-- name: DeliveriesAgain :many
SELECT tenant_id, id, webhook_id, event_id, event_index, event_type, holder_type, holder_instance_id,
    holder_id, status, attempts, failures, created_at, due_at, lease_id, lease_until, last_at,
    last_status, last_failure
FROM webhook_deliveries
WHERE tenant_id = sqlc.arg(tenant_id) AND webhook_id = sqlc.arg(webhook_id) AND status = 'pending' AND attempts > 0
ORDER BY due_at
LIMIT sqlc.arg(max_rows);

-- name: LeasedDeliveries :many
SELECT webhook_id, lease_until
FROM webhook_deliveries
WHERE tenant_id = sqlc.arg(tenant_id) AND lease_id IS NOT NULL;

-- name: GetDelivery :one
SELECT tenant_id, id, webhook_id, event_id, event_index, event_type, holder_type, holder_instance_id,
    holder_id, status, attempts, failures, created_at, due_at, lease_id, lease_until, last_at,
    last_status, last_failure
FROM webhook_deliveries
WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id);

-- name: SaveDelivery :exec
UPDATE webhook_deliveries SET
    status = sqlc.arg(status), attempts = sqlc.arg(attempts), failures = sqlc.arg(failures),
    due_at = sqlc.arg(due_at), lease_id = sqlc.arg(lease_id), lease_until = sqlc.arg(lease_until),
    last_at = sqlc.arg(last_at), last_status = sqlc.arg(last_status),
    last_failure = sqlc.arg(last_failure)
WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id);

-- name: LockStaleDeliveries :many
SELECT tenant_id, id
FROM webhook_deliveries
WHERE created_at < sqlc.arg(before)
ORDER BY created_at
LIMIT sqlc.arg(max_rows);

-- name: DeleteStaleDelivery :exec
DELETE FROM webhook_deliveries WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id);

-- name: EventLeaf :one
SELECT leaf FROM pin_events WHERE tenant_id = sqlc.arg(tenant_id) AND event_index = sqlc.arg(event_index);
