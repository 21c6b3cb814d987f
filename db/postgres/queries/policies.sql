-- name: GetPolicy :one
-- The policy, if one is stored, and what the freezes of the instance and of its tenant
-- say, in one look.
SELECT p.applies_to, p.required_skills, p.session_ttl_minutes, p.version,
    p.must_be_own, p.channels,
    f.frozen::boolean AS frozen, f.epoch::bigint AS freeze_epoch, y.until AS sprayed_until
FROM (
    SELECT COALESCE(bool_or(z.frozen), false) AS frozen, COALESCE(sum(z.epoch), 0) AS epoch
    FROM freezes AS z
    WHERE z.tenant_id = @tenant_id
        AND z.instance_id IN (@instance_id, '00000000-0000-0000-0000-000000000000')
) AS f
LEFT JOIN pin_policies AS p ON p.tenant_id = @tenant_id AND p.instance_id = @instance_id
LEFT JOIN sprayings AS y ON y.tenant_id = @tenant_id AND y.instance_id = @instance_id;

-- name: SaveSpraying :exec
INSERT INTO sprayings (tenant_id, instance_id, until) VALUES (@tenant_id, @instance_id, @until)
ON CONFLICT (tenant_id, instance_id) DO UPDATE SET until = excluded.until;

-- name: LockPolicy :one
-- As LockNewPIN: locks an instance without a stored policy too.
WITH seen AS MATERIALIZED (
    SELECT applies_to, required_skills, session_ttl_minutes, version, must_be_own, channels
    FROM pin_policies AS p
    WHERE p.tenant_id = @tenant_id AND p.instance_id = @instance_id
    FOR UPDATE
), fresh AS (
    INSERT INTO pin_policies (tenant_id, instance_id)
    SELECT @tenant_id::uuid, @instance_id::uuid
    WHERE NOT EXISTS (SELECT 1 FROM seen)
    ON CONFLICT ON CONSTRAINT pin_policies_pkey DO UPDATE SET tenant_id = excluded.tenant_id
    RETURNING applies_to, required_skills, session_ttl_minutes, version, must_be_own, channels
)
SELECT applies_to, required_skills, session_ttl_minutes, version, must_be_own, channels FROM seen
UNION ALL
SELECT applies_to, required_skills, session_ttl_minutes, version, must_be_own, channels FROM fresh;

-- name: SavePolicy :exec
INSERT INTO pin_policies (
    tenant_id, instance_id, applies_to, required_skills, session_ttl_minutes, version, must_be_own, channels
) VALUES (
    @tenant_id, @instance_id, @applies_to, @required_skills, @session_ttl_minutes, @version, @must_be_own, @channels
)
ON CONFLICT ON CONSTRAINT pin_policies_pkey DO UPDATE SET
    applies_to = excluded.applies_to, required_skills = excluded.required_skills,
    session_ttl_minutes = excluded.session_ttl_minutes, version = excluded.version,
    must_be_own = excluded.must_be_own, channels = excluded.channels;

-- name: GetFreeze :one
SELECT frozen, since, by_kind, by_id, reason, epoch
FROM freezes
WHERE tenant_id = @tenant_id AND instance_id = @instance_id;

-- name: LockFreeze :one
-- As LockNewPIN: locks a scope that was never frozen too.
WITH seen AS MATERIALIZED (
    SELECT frozen, since, by_kind, by_id, reason, epoch
    FROM freezes AS f
    WHERE f.tenant_id = @tenant_id AND f.instance_id = @instance_id
    FOR UPDATE
), fresh AS (
    INSERT INTO freezes (tenant_id, instance_id)
    SELECT @tenant_id::uuid, @instance_id::uuid
    WHERE NOT EXISTS (SELECT 1 FROM seen)
    ON CONFLICT ON CONSTRAINT freezes_pkey DO UPDATE SET tenant_id = excluded.tenant_id
    RETURNING frozen, since, by_kind, by_id, reason, epoch
)
SELECT frozen, since, by_kind, by_id, reason, epoch FROM seen
UNION ALL
SELECT frozen, since, by_kind, by_id, reason, epoch FROM fresh;

-- name: SaveFreeze :exec
UPDATE freezes SET frozen = @frozen, since = @since, by_kind = @by_kind, by_id = @by_id,
    reason = @reason, epoch = @epoch
WHERE tenant_id = @tenant_id AND instance_id = @instance_id;
