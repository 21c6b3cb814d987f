-- name: Clock :one
SELECT clock_timestamp()::timestamptz AS read_at;

-- name: MinProgramSchema :one
SELECT min_program_schema FROM schema_compat;

-- name: Diagnose :one
SELECT current_setting('server_version')::text AS server_version,
    current_setting('synchronous_commit')::text AS synchronous_commit,
    current_setting('synchronous_standby_names')::text AS synchronous_standby_names,
    current_setting('fsync')::text AS fsync,
    current_setting('full_page_writes')::text AS full_page_writes,
    clock_timestamp()::timestamptz AS read_at;
