-- name: MinProgramSchema :one
SELECT min_program_schema FROM schema_compat;

-- name: Probe :exec
UPDATE write_probes SET probed_at = sqlc.arg(probed_at), filler = sqlc.arg(filler);
