-- name: GetPolicy :one
SELECT tenant_id, instance_id, applies_to, required_skills, session_ttl_minutes, version
FROM pin_policies
WHERE tenant_id = sqlc.arg(tenant_id) AND instance_id = sqlc.arg(instance_id);

-- name: SavePolicy :exec
INSERT INTO pin_policies (
    tenant_id, instance_id, applies_to, required_skills, session_ttl_minutes, version
) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant_id, instance_id) DO UPDATE SET
    applies_to = excluded.applies_to, required_skills = excluded.required_skills,
    session_ttl_minutes = excluded.session_ttl_minutes, version = excluded.version;
