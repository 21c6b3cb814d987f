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
