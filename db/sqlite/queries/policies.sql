-- name: GetPolicy :one
SELECT tenant_id, instance_id, applies_to, required_skills, session_ttl_minutes, version, must_be_own,
    channels
FROM pin_policies
WHERE tenant_id = sqlc.arg(tenant_id) AND instance_id = sqlc.arg(instance_id);

-- name: SavePolicy :exec
INSERT INTO pin_policies (
    tenant_id, instance_id, applies_to, required_skills, session_ttl_minutes, version, must_be_own,
    channels
) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant_id, instance_id) DO UPDATE SET
    applies_to = excluded.applies_to, required_skills = excluded.required_skills,
    session_ttl_minutes = excluded.session_ttl_minutes, version = excluded.version,
    must_be_own = excluded.must_be_own, channels = excluded.channels;

-- name: SaveSpraying :exec
INSERT INTO sprayings (tenant_id, instance_id, until) VALUES (?, ?, ?)
ON CONFLICT (tenant_id, instance_id) DO UPDATE SET until = excluded.until;

-- name: FreezesOf :one
-- What the freezes of an instance and of its tenant say, and until when no PIN is taken there; 0
-- for never.
SELECT CAST(coalesce(max(f.frozen), 0) AS INTEGER) AS frozen, CAST(coalesce(sum(f.epoch), 0) AS INTEGER) AS epoch,
    CAST(coalesce((
        SELECT y.until FROM sprayings AS y
        WHERE y.tenant_id = sqlc.arg(tenant_id) AND y.instance_id = sqlc.arg(instance_id)
    ), 0) AS INTEGER) AS sprayed_until
FROM freezes AS f
WHERE f.tenant_id = sqlc.arg(tenant_id)
    AND f.instance_id IN (sqlc.arg(instance_id), '00000000-0000-0000-0000-000000000000');

-- name: GetFreeze :one
SELECT tenant_id, instance_id, frozen, since, by_kind, by_id, reason, epoch
FROM freezes
WHERE tenant_id = sqlc.arg(tenant_id) AND instance_id = sqlc.arg(instance_id);

-- name: SaveFreeze :exec
INSERT INTO freezes (
    tenant_id, instance_id, frozen, since, by_kind, by_id, reason, epoch
) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant_id, instance_id) DO UPDATE SET
    frozen = excluded.frozen, since = excluded.since, by_kind = excluded.by_kind,
    by_id = excluded.by_id, reason = excluded.reason, epoch = excluded.epoch;
