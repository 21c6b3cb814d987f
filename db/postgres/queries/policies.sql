-- name: GetPolicy :one
SELECT applies_to, required_skills, session_ttl_minutes, version
FROM pin_policies
WHERE tenant_id = @tenant_id AND instance_id = @instance_id;

-- name: LockPolicy :one
-- As LockNewPIN: locks an instance without a stored policy too.
WITH seen AS MATERIALIZED (
    SELECT applies_to, required_skills, session_ttl_minutes, version
    FROM pin_policies AS p
    WHERE p.tenant_id = @tenant_id AND p.instance_id = @instance_id
    FOR UPDATE
), fresh AS (
    INSERT INTO pin_policies (tenant_id, instance_id)
    SELECT @tenant_id::uuid, @instance_id::uuid
    WHERE NOT EXISTS (SELECT 1 FROM seen)
    ON CONFLICT ON CONSTRAINT pin_policies_pkey DO UPDATE SET tenant_id = excluded.tenant_id
    RETURNING applies_to, required_skills, session_ttl_minutes, version
)
SELECT applies_to, required_skills, session_ttl_minutes, version FROM seen
UNION ALL
SELECT applies_to, required_skills, session_ttl_minutes, version FROM fresh;

-- name: SavePolicy :exec
INSERT INTO pin_policies (tenant_id, instance_id, applies_to, required_skills, session_ttl_minutes, version)
VALUES (@tenant_id, @instance_id, @applies_to, @required_skills, @session_ttl_minutes, @version)
ON CONFLICT ON CONSTRAINT pin_policies_pkey DO UPDATE SET
    applies_to = excluded.applies_to, required_skills = excluded.required_skills,
    session_ttl_minutes = excluded.session_ttl_minutes, version = excluded.version;
