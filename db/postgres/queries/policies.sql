-- name: GetPolicy :one
SELECT applies_to, required_skills, session_ttl_minutes, version
FROM pin_policies
WHERE tenant_id = @tenant_id AND instance_id = @instance_id;

-- name: LockPolicy :one
WITH r AS MATERIALIZED (
    SELECT applies_to, required_skills, session_ttl_minutes, version
    FROM pin_policies
    WHERE tenant_id = @tenant_id AND instance_id = @instance_id
    FOR UPDATE
)
SELECT r.applies_to, r.required_skills, r.session_ttl_minutes, r.version,
    clock_timestamp()::timestamptz AS read_at
FROM r;

-- name: InsertOrLockPolicy :one
INSERT INTO pin_policies (tenant_id, instance_id)
VALUES (@tenant_id, @instance_id)
ON CONFLICT ON CONSTRAINT pin_policies_pkey DO UPDATE SET tenant_id = excluded.tenant_id
RETURNING applies_to, required_skills, session_ttl_minutes, version,
    clock_timestamp()::timestamptz AS read_at;

-- name: SavePolicy :exec
INSERT INTO pin_policies (tenant_id, instance_id, applies_to, required_skills, session_ttl_minutes, version)
VALUES (@tenant_id, @instance_id, @applies_to, @required_skills, @session_ttl_minutes, @version)
ON CONFLICT ON CONSTRAINT pin_policies_pkey DO UPDATE SET
    applies_to = excluded.applies_to, required_skills = excluded.required_skills,
    session_ttl_minutes = excluded.session_ttl_minutes, version = excluded.version;
