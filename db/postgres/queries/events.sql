-- name: AppendEvents :exec
-- Any number in one statement, with seq in their order. Arrays hold no NULL: the nil
-- UUID and the empty text stand for it; a holder is there when its type is.
INSERT INTO pin_event_queue (
    tenant_id, id, occurred_at, type, actor_kind, actor_id, holder_type, holder_instance_id, holder_id,
    instance_id, confirmation_id, leaf
)
SELECT e.tenant_id, e.id, e.occurred_at, e.type, e.actor_kind, e.actor_id,
    NULLIF(e.holder_type, ''),
    CASE WHEN e.holder_type <> '' THEN e.holder_instance_id END,
    CASE WHEN e.holder_type <> '' THEN e.holder_id END,
    NULLIF(e.instance_id, '00000000-0000-0000-0000-000000000000'::uuid),
    NULLIF(e.confirmation_id, '00000000-0000-0000-0000-000000000000'::uuid),
    e.leaf
FROM (
    SELECT generate_subscripts(@ids::uuid[], 1) AS place,
        unnest(@tenant_ids::uuid[]) AS tenant_id, unnest(@ids::uuid[]) AS id,
        unnest(@occurred_ats::timestamptz[]) AS occurred_at, unnest(@types::text[]) AS type,
        unnest(@actor_kinds::text[]) AS actor_kind, unnest(@actor_ids::text[]) AS actor_id,
        unnest(@holder_types::text[]) AS holder_type,
        unnest(@holder_instance_ids::uuid[]) AS holder_instance_id,
        unnest(@holder_ids::uuid[]) AS holder_id, unnest(@instance_ids::uuid[]) AS instance_id,
        unnest(@confirmation_ids::uuid[]) AS confirmation_id, unnest(@leaves::bytea[]) AS leaf
) AS e
ORDER BY e.place;

-- name: ListEvents :many
-- What has its index, and then what is queued, with -1 for it: one statement, so that an
-- event which moves meanwhile is here once.
SELECT all_events.event_index, all_events.seq, all_events.leaf FROM (
    (
        SELECT e.event_index, 0::bigint AS seq, e.leaf FROM pin_events AS e
        WHERE e.tenant_id = @tenant_id AND e.event_index >= @from_index::bigint
        ORDER BY e.event_index LIMIT @max_rows::bigint
    )
    UNION ALL
    (
        SELECT -1::bigint AS event_index, q.seq, q.leaf FROM pin_event_queue AS q
        WHERE q.tenant_id = @tenant_id AND q.seq > @after_seq::bigint
        ORDER BY q.seq LIMIT @max_rows::bigint
    )
) AS all_events
ORDER BY all_events.event_index < 0, all_events.event_index, all_events.seq
LIMIT @max_rows::bigint;
