-- name: Clock :one
-- Read last in a batch, and so after each lock of it.
SELECT clock_timestamp()::timestamptz AS read_at, min_program_schema FROM schema_compat;

-- name: RequireProgramSchema :exec
-- Division by zero when the program is too old: an error, which skips the COMMIT.
SELECT 1 / (min_program_schema <= @own::bigint)::integer FROM schema_compat;

-- name: MinProgramSchema :one
SELECT min_program_schema FROM schema_compat;

-- name: SchemaOrigin :one
SELECT origin FROM schema_compat;

-- name: SetSchemaOrigin :exec
UPDATE schema_compat SET origin = @origin::text WHERE origin IS NULL;

-- name: Probe :exec
UPDATE write_probes SET probed_at = clock_timestamp(), filler = @filler;

-- name: LockDuty :one
SELECT name FROM duties WHERE name = @name FOR UPDATE SKIP LOCKED;

-- name: Diagnose :one
SELECT current_setting('server_version')::text AS server_version,
    current_setting('synchronous_commit')::text AS synchronous_commit,
    current_setting('synchronous_standby_names')::text AS synchronous_standby_names,
    current_setting('fsync')::text AS fsync,
    current_setting('full_page_writes')::text AS full_page_writes,
    clock_timestamp()::timestamptz AS read_at;
