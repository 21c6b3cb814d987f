-- name: AppendEvent :exec
INSERT INTO pin_events (
    tenant_id, occurred_at, type, actor_kind, actor_id, holder_type, holder_instance_id, holder_id,
    instance_id, confirmation_id, request_id, peer, details
) VALUES (
    @tenant_id, @occurred_at, @type, @actor_kind, @actor_id, @holder_type, @holder_instance_id, @holder_id,
    @instance_id, @confirmation_id, @request_id, @peer, @details
);

-- name: ListEvents :many
SELECT tenant_id, seq, occurred_at, type, actor_kind, actor_id, holder_type, holder_instance_id, holder_id,
    instance_id, confirmation_id, request_id, peer, details
FROM pin_events
WHERE tenant_id = @tenant_id AND seq > @after_seq
ORDER BY seq
LIMIT @max_rows::bigint;
