-- Every table of a tenant has a key that begins with tenant_id. The instance of a
-- customer is the nil UUID in keys, so that a holder's tuple is never null. Times
-- hold microseconds; the session's time zone plays no part in them.

-- +goose Up

-- A migration that older programs cannot work beside raises min_program_schema to
-- its own version. A program is refused when its newest migration is below it.
CREATE TABLE schema_compat (
    one                boolean NOT NULL DEFAULT true,
    min_program_schema bigint  NOT NULL,
    CONSTRAINT schema_compat_pkey PRIMARY KEY (one),
    CONSTRAINT schema_compat_one_row CHECK (one)
);
INSERT INTO schema_compat (min_program_schema) VALUES (1);

CREATE TABLE pins (
    tenant_id          uuid        NOT NULL,
    holder_type        text        NOT NULL,
    instance_id        uuid        NOT NULL,
    holder_id          uuid        NOT NULL,
    pin_id             uuid,
    hash               text,
    pepper_id          text,
    created_at         timestamptz,
    counts_from        timestamptz,
    removed_by_runtime boolean     NOT NULL DEFAULT false,
    failures           integer     NOT NULL DEFAULT 0,
    locked_until       timestamptz,
    inactive           boolean     NOT NULL DEFAULT false,
    lock_epoch         bigint      NOT NULL DEFAULT 0,
    bucket_empty_at    timestamptz,
    CONSTRAINT pins_pkey PRIMARY KEY (tenant_id, holder_id, instance_id, holder_type),
    CONSTRAINT pins_holder_type CHECK (holder_type IN ('customer', 'identity')),
    CONSTRAINT pins_holder_instance CHECK (
        (holder_type = 'customer') = (instance_id = '00000000-0000-0000-0000-000000000000')
    ),
    CONSTRAINT pins_pin_whole CHECK (num_nulls(pin_id, hash, pepper_id, created_at) IN (0, 4)),
    CONSTRAINT pins_failures CHECK (failures >= 0),
    CONSTRAINT pins_lock_epoch CHECK (lock_epoch >= 0)
);
CREATE INDEX pins_pepper ON pins (pepper_id) WHERE pepper_id IS NOT NULL;

-- Version 0 is a row that was made only to be locked; it reads as the defaults.
CREATE TABLE pin_policies (
    tenant_id           uuid    NOT NULL,
    instance_id         uuid    NOT NULL,
    applies_to          text    NOT NULL DEFAULT 'all',
    required_skills     text[]  NOT NULL DEFAULT '{}',
    session_ttl_minutes integer NOT NULL DEFAULT 30,
    version             bigint  NOT NULL DEFAULT 0,
    CONSTRAINT pin_policies_pkey PRIMARY KEY (tenant_id, instance_id),
    CONSTRAINT pin_policies_applies_to CHECK (applies_to IN ('owner', 'customer', 'all')),
    CONSTRAINT pin_policies_required_skills CHECK (cardinality(required_skills) <= 256),
    CONSTRAINT pin_policies_session_ttl CHECK (session_ttl_minutes BETWEEN 0 AND 1440),
    CONSTRAINT pin_policies_version CHECK (version >= 0)
);

CREATE TABLE pin_sessions (
    tenant_id          uuid        NOT NULL,
    id                 uuid        NOT NULL,
    instance_id        uuid        NOT NULL,
    holder_type        text        NOT NULL,
    holder_instance_id uuid        NOT NULL,
    holder_id          uuid        NOT NULL,
    role               text        NOT NULL,
    pin_id             uuid        NOT NULL,
    lock_epoch         bigint      NOT NULL,
    auth_time          timestamptz NOT NULL,
    ttl                interval    NOT NULL,
    CONSTRAINT pin_sessions_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT pin_sessions_holder_type CHECK (holder_type IN ('customer', 'identity')),
    CONSTRAINT pin_sessions_holder_instance CHECK (
        (holder_type = 'customer') = (holder_instance_id = '00000000-0000-0000-0000-000000000000')
    ),
    CONSTRAINT pin_sessions_role CHECK (role IN ('owner', 'customer')),
    CONSTRAINT pin_sessions_ttl CHECK (ttl >= interval '0')
);
CREATE INDEX pin_sessions_holder ON pin_sessions (tenant_id, holder_id, holder_type, holder_instance_id, instance_id);
CREATE INDEX pin_sessions_auth_time ON pin_sessions (auth_time);

CREATE TABLE confirmations (
    tenant_id           uuid        NOT NULL,
    instance_id         uuid        NOT NULL,
    id                  uuid        NOT NULL,
    holder_type         text        NOT NULL,
    holder_instance_id  uuid        NOT NULL,
    holder_id           uuid        NOT NULL,
    role                text        NOT NULL,
    skill               text        NOT NULL,
    action_summary      text,
    action_params       bytea,
    action_digest       text,
    lifetime            interval    NOT NULL,
    idempotency_key     text,
    status              text        NOT NULL,
    reason              text        NOT NULL DEFAULT '',
    created_at          timestamptz NOT NULL,
    expires_at          timestamptz NOT NULL,
    ended_at            timestamptz,
    approved_at         timestamptz,
    approved_pin_id     uuid,
    approved_lock_epoch bigint,
    auth_time           timestamptz,
    session_id          uuid,
    receipt             text        NOT NULL DEFAULT '',
    CONSTRAINT confirmations_pkey PRIMARY KEY (tenant_id, instance_id, id),
    CONSTRAINT confirmations_id UNIQUE (id),
    CONSTRAINT confirmations_holder_type CHECK (holder_type IN ('customer', 'identity')),
    CONSTRAINT confirmations_holder_instance CHECK (
        (holder_type = 'customer') = (holder_instance_id = '00000000-0000-0000-0000-000000000000')
    ),
    CONSTRAINT confirmations_role CHECK (role IN ('owner', 'customer')),
    CONSTRAINT confirmations_status CHECK (
        status IN ('pending', 'approved', 'declined', 'expired', 'redeemed')
    ),
    CONSTRAINT confirmations_reason CHECK (
        reason IN ('', 'pin', 'session', 'runtime', 'holder', 'pin_changed', 'session_ended')
    ),
    CONSTRAINT confirmations_action_whole CHECK (
        num_nulls(action_summary, action_params, action_digest) IN (0, 3)
    ),
    CONSTRAINT confirmations_approval_whole CHECK (
        num_nulls(approved_at, approved_pin_id, approved_lock_epoch, auth_time) IN (0, 4)
    ),
    CONSTRAINT confirmations_approved CHECK (
        status NOT IN ('approved', 'redeemed') OR approved_at IS NOT NULL
    ),
    CONSTRAINT confirmations_ended CHECK (
        (ended_at IS NULL) = (status IN ('pending', 'approved'))
    ),
    CONSTRAINT confirmations_idempotency_key_length CHECK (
        octet_length(idempotency_key) BETWEEN 1 AND 64
    )
);
CREATE UNIQUE INDEX confirmations_idempotency_key ON confirmations (tenant_id, instance_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX confirmations_open ON confirmations (tenant_id, holder_id, holder_type, holder_instance_id, instance_id)
    WHERE status IN ('pending', 'approved');
CREATE INDEX confirmations_expiry ON confirmations (expires_at) WHERE status IN ('pending', 'approved');
CREATE INDEX confirmations_end ON confirmations (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE api_keys (
    tenant_id   uuid        NOT NULL,
    id          text        NOT NULL,
    kind        text        NOT NULL,
    hash        bytea       NOT NULL,
    instance_id uuid        NOT NULL,
    scopes      text[]      NOT NULL DEFAULT '{}',
    name        text        NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz,
    revoked_at  timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT api_keys_id UNIQUE (id),
    CONSTRAINT api_keys_kind CHECK (kind IN ('api_key', 'runtime_key')),
    CONSTRAINT api_keys_hash CHECK (octet_length(hash) = 32),
    CONSTRAINT api_keys_instance CHECK (
        (kind = 'api_key') = (instance_id = '00000000-0000-0000-0000-000000000000')
    )
);

CREATE TABLE key_checks (
    kind  text  NOT NULL,
    id    text  NOT NULL,
    value bytea NOT NULL,
    CONSTRAINT key_checks_pkey PRIMARY KEY (kind, id),
    CONSTRAINT key_checks_kind CHECK (kind IN ('pepper', 'receipt_key'))
);

CREATE TABLE pin_events (
    tenant_id          uuid        NOT NULL,
    seq                bigserial   NOT NULL,
    occurred_at        timestamptz NOT NULL,
    type               text        NOT NULL,
    actor_kind         text        NOT NULL,
    actor_id           text        NOT NULL,
    holder_type        text,
    holder_instance_id uuid,
    holder_id          uuid,
    instance_id        uuid,
    confirmation_id    uuid,
    request_id         text        NOT NULL DEFAULT '',
    peer               text        NOT NULL DEFAULT '',
    details            jsonb,
    CONSTRAINT pin_events_pkey PRIMARY KEY (tenant_id, seq),
    CONSTRAINT pin_events_type CHECK (type <> ''),
    CONSTRAINT pin_events_holder_type CHECK (holder_type IN ('customer', 'identity')),
    CONSTRAINT pin_events_holder_whole CHECK (
        num_nulls(holder_type, holder_instance_id, holder_id) IN (0, 3)
    )
);

-- +goose StatementBegin
CREATE FUNCTION pin_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'pin_events is append-only' USING ERRCODE = 'restrict_violation';
END
$$;
-- +goose StatementEnd

CREATE TRIGGER pin_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pin_events
    FOR EACH STATEMENT EXECUTE FUNCTION pin_events_append_only();

-- +goose Down
DROP TABLE pin_events, key_checks, api_keys, confirmations, pin_sessions, pin_policies, pins, schema_compat;
DROP FUNCTION pin_events_append_only();
