-- name: InsertEvent :exec
INSERT INTO pin_events (
    tenant_id, time, type, actor_kind, actor_id, holder_type, holder_instance_id, holder_id,
    instance_id, confirmation_id, request_id, peer, details
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: ListEvents :many
SELECT seq, tenant_id, time, type, actor_kind, actor_id, holder_type, holder_instance_id, holder_id,
    instance_id, confirmation_id, request_id, peer, details
FROM pin_events
WHERE tenant_id = sqlc.arg(tenant_id) AND seq > sqlc.arg(after)
ORDER BY seq
LIMIT sqlc.arg(limit);
