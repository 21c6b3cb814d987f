-- name: OldestQueuedEvent :one
SELECT occurred_at FROM pin_event_queue WHERE NOT held ORDER BY seq LIMIT 1;

-- name: ListQueuedEvents :many
SELECT tenant_id, seq, id, occurred_at, type, holder_type, holder_instance_id, holder_id, instance_id,
    leaf
FROM pin_event_queue WHERE NOT held
ORDER BY seq
LIMIT sqlc.arg(max_rows);

-- name: ListGuesses :many
-- Each holder's last guess of either kind on an instance.
SELECT holder_type, holder_instance_id, holder_id, type, CAST(max(occurred_at) AS INTEGER) AS guessed_at
FROM pin_events
WHERE tenant_id = sqlc.arg(tenant_id) AND instance_id = sqlc.arg(instance_id) AND occurred_at > sqlc.arg(since)
    AND type IN ('pin.failed', 'pin.verified')
GROUP BY holder_type, holder_instance_id, holder_id, type;

-- name: ListTrees :many
SELECT tenant_id, size, head, latest_at, kept_size, kept_at, stopped_at, stopped_reason, sealed_size, sealed_at,
    pruned_size
FROM pin_event_trees WHERE tenant_id IN (SELECT value FROM json_each(CAST(sqlc.arg(tenant_ids) AS TEXT)))
ORDER BY tenant_id;

-- name: ListEventHashes :many
SELECT h.tenant_id, h.event_index, h.hashes FROM pin_event_hashes AS h
WHERE h.tenant_id = sqlc.arg(tenant_id)
    AND h.event_index IN (SELECT value FROM json_each(CAST(sqlc.arg(event_indexes) AS TEXT)));

-- name: InsertTree :execrows
INSERT INTO pin_event_trees (tenant_id, size, head, latest_at, kept_at)
VALUES (sqlc.arg(tenant_id), sqlc.arg(size), sqlc.arg(head), sqlc.arg(latest_at), sqlc.arg(kept_at))
ON CONFLICT (tenant_id) DO NOTHING;

-- name: SaveTree :execrows
UPDATE pin_event_trees SET size = sqlc.arg(size), head = sqlc.arg(head), latest_at = sqlc.arg(latest_at)
WHERE tenant_id = sqlc.arg(tenant_id) AND size = sqlc.arg(read_size) AND stopped_at IS NULL;

-- name: InsertEventHash :exec
INSERT INTO pin_event_hashes (tenant_id, event_index, hashes) VALUES (?, ?, ?);

-- name: PlaceEvent :execrows
INSERT INTO pin_events (
    tenant_id, event_index, id, occurred_at, type, actor_kind, actor_id, holder_type, holder_instance_id,
    holder_id, instance_id, confirmation_id, leaf
)
SELECT q.tenant_id, sqlc.arg(event_index), q.id, q.occurred_at, q.type, q.actor_kind, q.actor_id, q.holder_type,
    q.holder_instance_id, q.holder_id, q.instance_id, q.confirmation_id, q.leaf
FROM pin_event_queue AS q WHERE q.seq = sqlc.arg(seq);

-- name: UnqueueEvent :exec
DELETE FROM pin_event_queue WHERE seq = sqlc.arg(seq);

-- name: StopTree :exec
INSERT INTO pin_event_trees (tenant_id, size, head, latest_at, kept_at, stopped_at, stopped_reason)
VALUES (sqlc.arg(tenant_id), 0, '', sqlc.arg(at), sqlc.arg(at), sqlc.arg(at), sqlc.arg(stopped_reason))
ON CONFLICT (tenant_id) DO UPDATE SET
    stopped_at = COALESCE(pin_event_trees.stopped_at, excluded.stopped_at),
    stopped_reason = CASE WHEN pin_event_trees.stopped_at IS NULL THEN excluded.stopped_reason
        ELSE pin_event_trees.stopped_reason END;

-- name: HoldEvents :exec
UPDATE pin_event_queue SET held = 1 WHERE tenant_id = sqlc.arg(tenant_id) AND NOT held;

-- name: CountStoppedTrees :one
SELECT count(*) FROM pin_event_trees WHERE stopped_at IS NOT NULL;

-- name: LockUnkeptTrees :many
SELECT tenant_id, size, head, latest_at, kept_size, kept_at, stopped_at, stopped_reason, sealed_size, sealed_at,
    pruned_size
FROM pin_event_trees
WHERE size > kept_size AND kept_at <= sqlc.arg(before)
ORDER BY kept_at
LIMIT sqlc.arg(max_rows);

-- name: InsertHead :exec
INSERT INTO pin_event_heads (tenant_id, size, head, latest_at, kept_at) VALUES (?, ?, ?, ?, ?);

-- name: SaveKept :exec
UPDATE pin_event_trees SET kept_size = sqlc.arg(kept_size), kept_at = sqlc.arg(kept_at)
WHERE tenant_id = sqlc.arg(tenant_id);

-- name: GetTrailLog :one
SELECT name, created_at FROM trail_log;

-- name: InsertTrailLog :exec
INSERT INTO trail_log (one, name, created_at) VALUES (1, sqlc.arg(name), sqlc.arg(created_at)) ON CONFLICT (one) DO NOTHING;

-- name: ListTrailKeys :many
SELECT id, public_key, added_at, retired_at FROM trail_keys ORDER BY added_at, id, public_key;

-- name: SaveTrailKey :exec
INSERT INTO trail_keys (id, public_key, added_at, retired_at)
VALUES (sqlc.arg(id), sqlc.arg(public_key), sqlc.arg(added_at), sqlc.arg(retired_at))
ON CONFLICT (id, public_key) DO UPDATE SET retired_at = excluded.retired_at;

-- name: SealTree :exec
UPDATE pin_event_trees SET sealed_size = sqlc.arg(sealed_size), sealed_at = sqlc.arg(sealed_at)
WHERE tenant_id = sqlc.arg(tenant_id) AND sealed_size < sqlc.arg(sealed_size);

-- name: LockPrunableTrees :many
-- From the first event that is left to the first that is not old enough, a batch at most.
SELECT t.tenant_id, t.pruned_size, CAST(COALESCE((
    SELECT min(e.event_index) FROM pin_events AS e
    WHERE e.tenant_id = t.tenant_id AND e.event_index >= t.pruned_size
        AND e.event_index < min(t.pruned_size + CAST(sqlc.arg(batch) AS INTEGER), t.sealed_size)
        AND e.occurred_at >= CAST(sqlc.arg(before) AS INTEGER)
), min(t.pruned_size + CAST(sqlc.arg(batch) AS INTEGER), t.sealed_size)) AS INTEGER) AS up_to
FROM pin_event_trees AS t
WHERE t.pruned_size < t.sealed_size AND EXISTS (
    SELECT 1 FROM pin_events AS o
    WHERE o.tenant_id = t.tenant_id AND o.event_index = t.pruned_size
        AND o.occurred_at < CAST(sqlc.arg(before) AS INTEGER)
)
ORDER BY t.tenant_id
LIMIT sqlc.arg(max_rows);

-- name: PruneEvents :exec
DELETE FROM pin_events
WHERE tenant_id = sqlc.arg(tenant_id) AND event_index >= sqlc.arg(from_index) AND event_index < sqlc.arg(up_to);

-- name: SavePruned :exec
UPDATE pin_event_trees SET pruned_size = sqlc.arg(pruned_size) WHERE tenant_id = sqlc.arg(tenant_id);
