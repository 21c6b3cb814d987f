-- name: AppendEvent :exec
INSERT INTO pin_event_queue (
    tenant_id, id, occurred_at, type, actor_kind, actor_id, holder_type, holder_instance_id, holder_id,
    instance_id, confirmation_id, leaf
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: ListEvents :many
-- What has its index, and then what is queued, with -1 for it: one statement, so that an
-- event which moves meanwhile is here once.
SELECT sequenced.event_index, sequenced.seq, sequenced.leaf FROM (
    SELECT e.event_index, 0 AS seq, e.leaf FROM pin_events AS e
    WHERE e.tenant_id = sqlc.arg(tenant_id) AND e.event_index >= sqlc.arg(from_index)
    ORDER BY e.event_index LIMIT sqlc.arg(max_rows)
) AS sequenced
UNION ALL
SELECT queued.event_index, queued.seq, queued.leaf FROM (
    SELECT -1 AS event_index, q.seq, q.leaf FROM pin_event_queue AS q
    WHERE q.tenant_id = sqlc.arg(tenant_id) AND q.seq > sqlc.arg(after_seq)
    ORDER BY q.seq LIMIT sqlc.arg(max_rows)
) AS queued
ORDER BY 2, 1
LIMIT sqlc.arg(max_rows);

-- A reading of the trail goes through one index, in either order, and filters what it finds: none
-- of these looks at more rows than it returns.

-- name: ScanEvents :many
SELECT event_index, occurred_at, type, actor_id, holder_type, holder_id, instance_id, confirmation_id, leaf
FROM pin_events
WHERE tenant_id = sqlc.arg(tenant_id) AND event_index >= sqlc.arg(lowest)
ORDER BY event_index
LIMIT sqlc.arg(max_rows);

-- name: ScanEventsByType :many
SELECT event_index, occurred_at, type, actor_id, holder_type, holder_id, instance_id, confirmation_id, leaf
FROM pin_events
WHERE tenant_id = sqlc.arg(tenant_id) AND type = sqlc.arg(type) AND event_index >= sqlc.arg(lowest)
ORDER BY event_index
LIMIT sqlc.arg(max_rows);

-- name: ScanEventsByActor :many
SELECT event_index, occurred_at, type, actor_id, holder_type, holder_id, instance_id, confirmation_id, leaf
FROM pin_events
WHERE tenant_id = sqlc.arg(tenant_id) AND actor_id = sqlc.arg(actor_id) AND event_index >= sqlc.arg(lowest)
ORDER BY event_index
LIMIT sqlc.arg(max_rows);

-- name: ScanEventsByHolder :many
SELECT event_index, occurred_at, type, actor_id, holder_type, holder_id, instance_id, confirmation_id, leaf
FROM pin_events
WHERE tenant_id = sqlc.arg(tenant_id) AND holder_id = sqlc.arg(holder_id) AND event_index >= sqlc.arg(lowest)
ORDER BY event_index
LIMIT sqlc.arg(max_rows);

-- name: ScanEventsByInstance :many
SELECT event_index, occurred_at, type, actor_id, holder_type, holder_id, instance_id, confirmation_id, leaf
FROM pin_events
WHERE tenant_id = sqlc.arg(tenant_id) AND instance_id = sqlc.arg(instance_id) AND event_index >= sqlc.arg(lowest)
ORDER BY event_index
LIMIT sqlc.arg(max_rows);

-- name: ScanEventsByConfirmation :many
SELECT event_index, occurred_at, type, actor_id, holder_type, holder_id, instance_id, confirmation_id, leaf
FROM pin_events
WHERE tenant_id = sqlc.arg(tenant_id) AND confirmation_id = sqlc.arg(confirmation_id) AND event_index >= sqlc.arg(lowest)
ORDER BY event_index
LIMIT sqlc.arg(max_rows);

-- name: ScanEventsBack :many
SELECT event_index, occurred_at, type, actor_id, holder_type, holder_id, instance_id, confirmation_id, leaf
FROM pin_events
WHERE tenant_id = sqlc.arg(tenant_id) AND event_index < sqlc.arg(before) AND event_index >= sqlc.arg(lowest)
ORDER BY event_index DESC
LIMIT sqlc.arg(max_rows);

-- name: ScanEventsByTypeBack :many
SELECT event_index, occurred_at, type, actor_id, holder_type, holder_id, instance_id, confirmation_id, leaf
FROM pin_events
WHERE tenant_id = sqlc.arg(tenant_id) AND type = sqlc.arg(type) AND event_index < sqlc.arg(before) AND event_index >= sqlc.arg(lowest)
ORDER BY event_index DESC
LIMIT sqlc.arg(max_rows);

-- name: ScanEventsByActorBack :many
SELECT event_index, occurred_at, type, actor_id, holder_type, holder_id, instance_id, confirmation_id, leaf
FROM pin_events
WHERE tenant_id = sqlc.arg(tenant_id) AND actor_id = sqlc.arg(actor_id) AND event_index < sqlc.arg(before) AND event_index >= sqlc.arg(lowest)
ORDER BY event_index DESC
LIMIT sqlc.arg(max_rows);

-- name: ScanEventsByHolderBack :many
SELECT event_index, occurred_at, type, actor_id, holder_type, holder_id, instance_id, confirmation_id, leaf
FROM pin_events
WHERE tenant_id = sqlc.arg(tenant_id) AND holder_id = sqlc.arg(holder_id) AND event_index < sqlc.arg(before) AND event_index >= sqlc.arg(lowest)
ORDER BY event_index DESC
LIMIT sqlc.arg(max_rows);

-- name: ScanEventsByInstanceBack :many
SELECT event_index, occurred_at, type, actor_id, holder_type, holder_id, instance_id, confirmation_id, leaf
FROM pin_events
WHERE tenant_id = sqlc.arg(tenant_id) AND instance_id = sqlc.arg(instance_id) AND event_index < sqlc.arg(before) AND event_index >= sqlc.arg(lowest)
ORDER BY event_index DESC
LIMIT sqlc.arg(max_rows);

-- name: ScanEventsByConfirmationBack :many
SELECT event_index, occurred_at, type, actor_id, holder_type, holder_id, instance_id, confirmation_id, leaf
FROM pin_events
WHERE tenant_id = sqlc.arg(tenant_id) AND confirmation_id = sqlc.arg(confirmation_id) AND event_index < sqlc.arg(before) AND event_index >= sqlc.arg(lowest)
ORDER BY event_index DESC
LIMIT sqlc.arg(max_rows);

-- name: GetSequencedEvent :one
SELECT leaf FROM pin_events WHERE tenant_id = sqlc.arg(tenant_id) AND event_index = sqlc.arg(event_index);

-- name: LastHeadBefore :one
-- No event below the size of this head is as late as that.
SELECT size FROM pin_event_heads WHERE tenant_id = sqlc.arg(tenant_id) AND latest_at < sqlc.arg(from_at)
ORDER BY size DESC
LIMIT 1;
