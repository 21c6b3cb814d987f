-- name: AppendEvent :exec
INSERT INTO pin_events (
    tenant_id, id, occurred_at, type, actor_kind, actor_id, holder_type, holder_instance_id, holder_id,
    instance_id, confirmation_id, leaf
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: ListEvents :many
SELECT seq, leaf
FROM pin_events
WHERE tenant_id = sqlc.arg(tenant_id) AND seq > sqlc.arg(after_seq)
ORDER BY seq
LIMIT sqlc.arg(max_rows);
