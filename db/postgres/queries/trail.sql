-- name: TakeLease :one
-- Whoever has the lease renews it; whoever has not waits until it has run out.
UPDATE duties SET holder = @holder, leased_until = clock_timestamp() + @lasts::interval
WHERE name = @name AND (holder = @holder OR leased_until < clock_timestamp())
RETURNING name;

-- name: EndLease :exec
UPDATE duties SET holder = '', leased_until = 'epoch' WHERE name = @name AND holder = @holder;

-- name: OldestQueuedEvent :one
SELECT occurred_at FROM pin_event_queue WHERE NOT held ORDER BY seq LIMIT 1;

-- name: ListQueuedEvents :many
SELECT tenant_id, seq, id, occurred_at, type, holder_type, holder_instance_id, holder_id, instance_id,
    leaf
FROM pin_event_queue WHERE NOT held
ORDER BY seq
LIMIT @max_rows::bigint;

-- name: ListGuesses :many
-- Each holder's last guess of either kind on an instance.
SELECT holder_type, holder_instance_id, holder_id, type, max(occurred_at)::timestamptz AS guessed_at
FROM pin_events
WHERE tenant_id = @tenant_id AND instance_id = @instance_id AND occurred_at > @since
    AND type IN ('pin.failed', 'pin.verified')
GROUP BY holder_type, holder_instance_id, holder_id, type;

-- name: ListTrees :many
SELECT tenant_id, size, head, latest_at, kept_size, kept_at, stopped_at, stopped_reason, sealed_size, sealed_at,
    pruned_size
FROM pin_event_trees WHERE tenant_id = ANY (@tenant_ids::uuid[]) ORDER BY tenant_id;

-- name: LockTree :many
SELECT tenant_id, size, head, latest_at, kept_size, kept_at, stopped_at, stopped_reason, sealed_size, sealed_at,
    pruned_size
FROM pin_event_trees WHERE tenant_id = @tenant_id FOR UPDATE;

-- name: ListEventHashes :many
SELECT h.tenant_id, h.event_index, h.hashes
FROM (
    SELECT unnest(@tenant_ids::uuid[]) AS tenant_id, unnest(@event_indexes::bigint[]) AS event_index
) AS wanted
JOIN pin_event_hashes AS h ON h.tenant_id = wanted.tenant_id AND h.event_index = wanted.event_index;

-- name: SaveTrees :exec
-- A tree that has another size than the one that was read, or that is stopped, is a
-- division by zero, an error, which skips the COMMIT: of two sequencers that move the same
-- events one changes nothing.
WITH given AS (
    SELECT unnest(@tenant_ids::uuid[]) AS tenant_id, unnest(@read_sizes::bigint[]) AS read_size,
        unnest(@sizes::bigint[]) AS size, unnest(@heads::text[]) AS head,
        unnest(@latest_ats::timestamptz[]) AS latest_at, unnest(@kept_ats::timestamptz[]) AS kept_at
), saved AS (
    INSERT INTO pin_event_trees AS t (tenant_id, size, head, latest_at, kept_at)
    SELECT g.tenant_id, g.size, g.head, g.latest_at, g.kept_at FROM given AS g ORDER BY g.tenant_id
    ON CONFLICT (tenant_id) DO UPDATE SET
        size = excluded.size, head = excluded.head, latest_at = excluded.latest_at
    WHERE t.stopped_at IS NULL
        AND t.size = (SELECT g.read_size FROM given AS g WHERE g.tenant_id = excluded.tenant_id)
    RETURNING t.tenant_id
)
SELECT 1 / (count(*) = (SELECT count(*) FROM given))::integer FROM saved;

-- name: InsertEventHashes :exec
INSERT INTO pin_event_hashes (tenant_id, event_index, hashes)
SELECT unnest(@tenant_ids::uuid[]), unnest(@event_indexes::bigint[]), unnest(@hashes::bytea[]);

-- name: MoveEvents :exec
-- As SaveTrees: an event that is not in the queue any more is an error.
WITH placed AS (
    SELECT unnest(@tenant_ids::uuid[]) AS tenant_id, unnest(@seqs::bigint[]) AS seq,
        unnest(@event_indexes::bigint[]) AS event_index
), moved AS (
    DELETE FROM pin_event_queue AS q USING placed AS p
    WHERE q.tenant_id = p.tenant_id AND q.seq = p.seq
    RETURNING q.tenant_id, q.seq, q.id, q.occurred_at, q.type, q.actor_kind, q.actor_id, q.holder_type,
        q.holder_instance_id, q.holder_id, q.instance_id, q.confirmation_id, q.leaf
), kept AS (
    INSERT INTO pin_events (
        tenant_id, event_index, id, occurred_at, type, actor_kind, actor_id, holder_type, holder_instance_id,
        holder_id, instance_id, confirmation_id, leaf
    )
    SELECT m.tenant_id, p.event_index, m.id, m.occurred_at, m.type, m.actor_kind, m.actor_id, m.holder_type,
        m.holder_instance_id, m.holder_id, m.instance_id, m.confirmation_id, m.leaf
    FROM moved AS m JOIN placed AS p ON p.tenant_id = m.tenant_id AND p.seq = m.seq
    ORDER BY m.tenant_id, p.event_index
    RETURNING id
)
SELECT 1 / (count(*) = (SELECT count(*) FROM placed))::integer FROM kept;

-- name: StopTree :exec
INSERT INTO pin_event_trees (tenant_id, size, head, latest_at, kept_at, stopped_at, stopped_reason)
VALUES (@tenant_id, 0, '', @stopped_at::timestamptz, @stopped_at::timestamptz, @stopped_at::timestamptz, @stopped_reason)
ON CONFLICT (tenant_id) DO UPDATE SET
    stopped_at = COALESCE(pin_event_trees.stopped_at, excluded.stopped_at),
    stopped_reason = CASE WHEN pin_event_trees.stopped_at IS NULL THEN excluded.stopped_reason
        ELSE pin_event_trees.stopped_reason END;

-- name: HoldEvents :exec
UPDATE pin_event_queue SET held = true WHERE tenant_id = @tenant_id AND NOT held;

-- name: CountStoppedTrees :one
SELECT count(*) FROM pin_event_trees WHERE stopped_at IS NOT NULL;

-- name: LockUnkeptTrees :many
SELECT tenant_id, size, head, latest_at, kept_size, kept_at, stopped_at, stopped_reason, sealed_size, sealed_at,
    pruned_size
FROM pin_event_trees
WHERE size > kept_size AND kept_at <= @before::timestamptz
ORDER BY kept_at
LIMIT @max_rows::bigint
FOR UPDATE SKIP LOCKED;

-- name: InsertHead :exec
INSERT INTO pin_event_heads (tenant_id, size, head, latest_at, kept_at)
VALUES (@tenant_id, @size, @head, @latest_at, @kept_at);

-- name: SaveKept :exec
UPDATE pin_event_trees SET kept_size = @kept_size, kept_at = @kept_at WHERE tenant_id = @tenant_id;

-- name: GetTrailLog :one
SELECT name, created_at FROM trail_log;

-- name: InsertTrailLog :exec
INSERT INTO trail_log (name, created_at) VALUES (@name, @created_at) ON CONFLICT (one) DO NOTHING;

-- name: ListTrailKeys :many
SELECT id, public_key, added_at, retired_at FROM trail_keys ORDER BY added_at, id, public_key;

-- name: SaveTrailKey :exec
INSERT INTO trail_keys (id, public_key, added_at, retired_at)
VALUES (@id, @public_key, @added_at, @retired_at)
ON CONFLICT (id, public_key) DO UPDATE SET retired_at = excluded.retired_at;

-- name: SealTree :exec
UPDATE pin_event_trees SET sealed_size = @sealed_size::bigint, sealed_at = @sealed_at::timestamptz
WHERE tenant_id = @tenant_id AND sealed_size < @sealed_size::bigint;

-- name: LockPrunableTrees :many
-- From the first event that is left to the first that is not old enough, a batch at most.
SELECT t.tenant_id, t.pruned_size, COALESCE((
    SELECT min(e.event_index) FROM pin_events AS e
    WHERE e.tenant_id = t.tenant_id AND e.event_index >= t.pruned_size
        AND e.event_index < LEAST(t.pruned_size + @batch::bigint, t.sealed_size)
        AND e.occurred_at >= @before::timestamptz
), LEAST(t.pruned_size + @batch::bigint, t.sealed_size))::bigint AS up_to
FROM pin_event_trees AS t
WHERE t.pruned_size < t.sealed_size AND EXISTS (
    SELECT 1 FROM pin_events AS o
    WHERE o.tenant_id = t.tenant_id AND o.event_index = t.pruned_size AND o.occurred_at < @before::timestamptz
)
ORDER BY t.tenant_id
LIMIT @max_rows::bigint
FOR UPDATE OF t SKIP LOCKED;

-- name: PruneEvents :exec
DELETE FROM pin_events
WHERE tenant_id = @tenant_id AND event_index >= @from_index::bigint AND event_index < @up_to::bigint;

-- name: SavePruned :exec
UPDATE pin_event_trees SET pruned_size = @pruned_size WHERE tenant_id = @tenant_id;
