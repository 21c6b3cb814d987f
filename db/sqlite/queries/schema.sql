-- name: MinProgramSchema :one
SELECT CAST(coalesce(max(min_program_schema), 0) AS INTEGER) AS min_program_schema FROM schema_compat;
