-- name: MinProgramSchema :one
SELECT min_program_schema FROM schema_compat;

-- name: SchemaOrigin :one
SELECT origin FROM schema_compat;

-- name: SetSchemaOrigin :exec
UPDATE schema_compat SET origin = CAST(sqlc.arg(origin) AS TEXT) WHERE origin IS NULL;

-- name: Probe :exec
UPDATE write_probes SET probed_at = sqlc.arg(probed_at), filler = sqlc.arg(filler);
