-- +goose Up

-- Times are INTEGER microseconds since 1970 UTC: exact, sortable, and nothing to
-- parse. UUIDs are TEXT in lower case, so that an operator can read them. The nil
-- UUID stands in keys where a customer has no instance.

CREATE TABLE schema_compat (
    id                 INTEGER NOT NULL PRIMARY KEY CONSTRAINT schema_compat_one_row CHECK (id = 1),
    min_program_schema INTEGER NOT NULL
) STRICT;

INSERT INTO schema_compat (id, min_program_schema) VALUES (1, 1);

CREATE TABLE pins (
    tenant_id          TEXT    NOT NULL,
    holder_type        TEXT    NOT NULL,
    instance_id        TEXT    NOT NULL,
    holder_id          TEXT    NOT NULL,
    pin_id             TEXT,
    hash               TEXT,
    pepper_id          TEXT,
    created_at         INTEGER,
    counts_from        INTEGER,
    removed_by_runtime INTEGER NOT NULL,
    failures           INTEGER NOT NULL,
    locked_until       INTEGER,
    inactive           INTEGER NOT NULL,
    lock_epoch         INTEGER NOT NULL,
    bucket_empty_at    INTEGER,
    PRIMARY KEY (tenant_id, holder_type, instance_id, holder_id),
    CONSTRAINT pins_holder CHECK (
        (holder_type = 'customer' AND instance_id = '00000000-0000-0000-0000-000000000000')
        OR (holder_type = 'identity' AND instance_id <> '00000000-0000-0000-0000-000000000000')
    ),
    CONSTRAINT pins_whole_pin CHECK (
        (pin_id IS NULL) = (hash IS NULL)
        AND (pin_id IS NULL) = (pepper_id IS NULL)
        AND (pin_id IS NULL) = (created_at IS NULL)
    ),
    CONSTRAINT pins_counts CHECK (failures >= 0 AND lock_epoch >= 0),
    CONSTRAINT pins_flags CHECK (removed_by_runtime IN (0, 1) AND inactive IN (0, 1))
) STRICT;

CREATE INDEX pins_pepper ON pins (pepper_id) WHERE pepper_id IS NOT NULL;

CREATE TABLE pin_policies (
    tenant_id           TEXT    NOT NULL,
    instance_id         TEXT    NOT NULL,
    applies_to          TEXT    NOT NULL,
    required_skills     TEXT    NOT NULL,
    session_ttl_minutes INTEGER NOT NULL,
    version             INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, instance_id),
    CONSTRAINT pin_policies_applies_to CHECK (applies_to IN ('owner', 'customer', 'all')),
    CONSTRAINT pin_policies_required_skills CHECK (json_type(required_skills) = 'array'),
    CONSTRAINT pin_policies_session_ttl CHECK (session_ttl_minutes BETWEEN 0 AND 1440),
    CONSTRAINT pin_policies_version CHECK (version >= 1)
) STRICT;

CREATE TABLE pin_sessions (
    tenant_id          TEXT    NOT NULL,
    id                 TEXT    NOT NULL,
    instance_id        TEXT    NOT NULL,
    holder_type        TEXT    NOT NULL,
    holder_instance_id TEXT    NOT NULL,
    holder_id          TEXT    NOT NULL,
    role               TEXT    NOT NULL,
    pin_id             TEXT    NOT NULL,
    lock_epoch         INTEGER NOT NULL,
    auth_time          INTEGER NOT NULL,
    ttl_us             INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT pin_sessions_holder CHECK (
        (holder_type = 'customer' AND holder_instance_id = '00000000-0000-0000-0000-000000000000')
        OR (holder_type = 'identity' AND holder_instance_id = instance_id)
    ),
    CONSTRAINT pin_sessions_role CHECK (role IN ('owner', 'customer')),
    CONSTRAINT pin_sessions_ttl CHECK (ttl_us >= 0)
) STRICT;

CREATE INDEX pin_sessions_by_holder
    ON pin_sessions (tenant_id, holder_type, holder_instance_id, holder_id, instance_id, id);
CREATE INDEX pin_sessions_by_age ON pin_sessions (auth_time);

CREATE TABLE confirmations (
    tenant_id           TEXT    NOT NULL,
    instance_id         TEXT    NOT NULL,
    id                  TEXT    NOT NULL,
    holder_type         TEXT    NOT NULL,
    holder_instance_id  TEXT    NOT NULL,
    holder_id           TEXT    NOT NULL,
    role                TEXT    NOT NULL,
    skill               TEXT    NOT NULL,
    action_summary      TEXT,
    action_params       BLOB,
    action_digest       TEXT,
    lifetime_us         INTEGER NOT NULL,
    idempotency_key     TEXT,
    status              TEXT    NOT NULL,
    reason              TEXT    NOT NULL,
    created_at          INTEGER NOT NULL,
    expires_at          INTEGER NOT NULL,
    ended_at            INTEGER,
    approved_at         INTEGER,
    approved_pin_id     TEXT,
    approved_lock_epoch INTEGER,
    auth_time           INTEGER,
    session_id          TEXT,
    receipt             TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, instance_id, id),
    CONSTRAINT confirmations_holder CHECK (
        (holder_type = 'customer' AND holder_instance_id = '00000000-0000-0000-0000-000000000000')
        OR (holder_type = 'identity' AND holder_instance_id = instance_id)
    ),
    CONSTRAINT confirmations_role CHECK (role IN ('owner', 'customer')),
    CONSTRAINT confirmations_whole_action CHECK (
        (action_summary IS NULL) = (action_params IS NULL)
        AND (action_summary IS NULL) = (action_digest IS NULL)
    ),
    CONSTRAINT confirmations_lifetime CHECK (lifetime_us > 0),
    CONSTRAINT confirmations_status CHECK (
        status IN ('pending', 'approved', 'declined', 'expired', 'redeemed')
    ),
    CONSTRAINT confirmations_ended CHECK ((status IN ('pending', 'approved')) = (ended_at IS NULL)),
    CONSTRAINT confirmations_whole_approval CHECK (
        (approved_at IS NULL) = (approved_pin_id IS NULL)
        AND (approved_at IS NULL) = (approved_lock_epoch IS NULL)
        AND (approved_at IS NULL) = (auth_time IS NULL)
        AND (approved_at IS NOT NULL OR session_id IS NULL)
    ),
    CONSTRAINT confirmations_approved CHECK (
        CASE status
            WHEN 'pending' THEN approved_at IS NULL
            WHEN 'approved' THEN approved_at IS NOT NULL
            WHEN 'redeemed' THEN approved_at IS NOT NULL
            ELSE TRUE
        END
    )
) STRICT;

CREATE UNIQUE INDEX confirmations_id ON confirmations (id);
CREATE UNIQUE INDEX confirmations_idempotency_key
    ON confirmations (tenant_id, instance_id, idempotency_key);
CREATE INDEX confirmations_open_by_holder
    ON confirmations (tenant_id, holder_type, holder_instance_id, holder_id, instance_id, id)
    WHERE ended_at IS NULL;
CREATE INDEX confirmations_open_by_expiry ON confirmations (expires_at) WHERE ended_at IS NULL;
CREATE INDEX confirmations_ended_by_age ON confirmations (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE api_keys (
    tenant_id   TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    hash        BLOB    NOT NULL,
    instance_id TEXT    NOT NULL,
    scopes      TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER,
    revoked_at  INTEGER,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT api_keys_kind CHECK (
        (kind = 'api_key' AND instance_id = '00000000-0000-0000-0000-000000000000')
        OR (kind = 'runtime_key' AND instance_id <> '00000000-0000-0000-0000-000000000000')
    ),
    CONSTRAINT api_keys_hash CHECK (length(hash) = 32),
    CONSTRAINT api_keys_scopes CHECK (json_type(scopes) = 'array')
) STRICT;

CREATE UNIQUE INDEX api_keys_id ON api_keys (id);

CREATE TABLE key_checks (
    kind  TEXT NOT NULL,
    id    TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (kind, id),
    CONSTRAINT key_checks_kind CHECK (kind IN ('pepper', 'receipt_key'))
) STRICT;

-- The kinds of events and actors are not listed here: the trail outlives every
-- version of the program, and each may bring new ones.
CREATE TABLE pin_events (
    seq                INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    tenant_id          TEXT    NOT NULL,
    time               INTEGER NOT NULL,
    type               TEXT    NOT NULL,
    actor_kind         TEXT    NOT NULL,
    actor_id           TEXT    NOT NULL,
    holder_type        TEXT,
    holder_instance_id TEXT,
    holder_id          TEXT,
    instance_id        TEXT,
    confirmation_id    TEXT,
    request_id         TEXT    NOT NULL,
    peer               TEXT    NOT NULL,
    details            TEXT,
    CONSTRAINT pin_events_type CHECK (type <> ''),
    CONSTRAINT pin_events_whole_holder CHECK (
        (holder_type IS NULL) = (holder_id IS NULL)
        AND (holder_type IS NULL) = (holder_instance_id IS NULL)
    ),
    CONSTRAINT pin_events_holder_type CHECK (holder_type IN ('customer', 'identity')),
    CONSTRAINT pin_events_details CHECK (details IS NULL OR json_type(details) = 'object')
) STRICT;

CREATE UNIQUE INDEX pin_events_by_tenant ON pin_events (tenant_id, seq);

-- +goose StatementBegin
CREATE TRIGGER pin_events_no_update BEFORE UPDATE ON pin_events
BEGIN
    SELECT RAISE(ABORT, 'pin_events is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER pin_events_no_delete BEFORE DELETE ON pin_events
BEGIN
    SELECT RAISE(ABORT, 'pin_events is append-only');
END;
-- +goose StatementEnd

-- INSERT OR REPLACE deletes without firing the trigger above.
-- +goose StatementBegin
CREATE TRIGGER pin_events_no_replace BEFORE INSERT ON pin_events
WHEN EXISTS (SELECT 1 FROM pin_events WHERE seq = NEW.seq)
BEGIN
    SELECT RAISE(ABORT, 'pin_events is append-only');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE pin_events;
DROP TABLE key_checks;
DROP TABLE api_keys;
DROP TABLE confirmations;
DROP TABLE pin_sessions;
DROP TABLE pin_policies;
DROP TABLE pins;
DROP TABLE schema_compat;
