-- Every table of a tenant has a key that begins with tenant_id; what is looked up by
-- its id alone has a unique index of its own. The instance of a customer is the nil
-- UUID in keys, so that a holder's tuple is never null. Times hold microseconds; the
-- session's time zone plays no part in them. db/sqlite holds the same schema: the same
-- tables, columns, checks and indexes by name.

-- +goose Up

-- A migration that older programs cannot work beside raises min_program_schema to
-- its own version. A program is refused when its newest migration is below it.
CREATE TABLE schema_compat (
    one                boolean NOT NULL DEFAULT true,
    min_program_schema bigint  NOT NULL,
    -- Which text of this migration made the database; null until it is whole.
    origin             text,
    CONSTRAINT schema_compat_pkey PRIMARY KEY (one),
    CONSTRAINT schema_compat_one_row CHECK (one)
);
INSERT INTO schema_compat (min_program_schema) VALUES (1);

-- What a node writes to find out whether the database takes writes. The filler makes
-- a write large enough to need new space.
CREATE TABLE write_probes (
    one        boolean NOT NULL DEFAULT true,
    probed_at  timestamptz NOT NULL,
    filler     bytea,
    CONSTRAINT write_probes_pkey PRIMARY KEY (one),
    CONSTRAINT write_probes_one_row CHECK (one)
);
INSERT INTO write_probes (probed_at) VALUES ('epoch');

-- Rows that exist to be locked, or leased: a row lock is one that every engine has.
CREATE TABLE duties (
    name         text        NOT NULL,
    holder       text        NOT NULL DEFAULT '',
    leased_until timestamptz NOT NULL DEFAULT 'epoch',
    CONSTRAINT duties_pkey PRIMARY KEY (name)
);
INSERT INTO duties (name) VALUES ('sweep'), ('sequence'), ('webhooks');

-- A row is never deleted: lock epoch and generation outlive every PIN.
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
    generation         bigint      NOT NULL DEFAULT 0,
    bucket_empty_at    timestamptz,
    set_by             text,
    set_by_pin_id      uuid,
    CONSTRAINT pins_pkey PRIMARY KEY (tenant_id, holder_type, instance_id, holder_id),
    CONSTRAINT pins_holder_type CHECK (holder_type IN ('customer', 'identity')),
    CONSTRAINT pins_holder_instance CHECK (
        holder_type <> 'customer' OR instance_id = '00000000-0000-0000-0000-000000000000'
    ),
    CONSTRAINT pins_pin_whole CHECK (num_nulls(pin_id, hash, pepper_id, created_at) IN (0, 4)),
    CONSTRAINT pins_set_by CHECK (set_by IN ('admin', 'runtime', 'holder')),
    CONSTRAINT pins_set_by_whole CHECK ((set_by IS NULL) = (set_by_pin_id IS NULL)),
    CONSTRAINT pins_counts CHECK (failures >= 0 AND lock_epoch >= 0 AND generation >= 0)
);
CREATE INDEX pins_pepper ON pins (pepper_id) WHERE pepper_id IS NOT NULL;
-- What lists go by, in the order of the key. The setter is pin.Record.Setter.
CREATE INDEX pins_setter ON pins (
    tenant_id,
    (CASE WHEN pin_id IS NULL THEN NULL WHEN set_by_pin_id = pin_id THEN set_by
        WHEN holder_type = 'identity' THEN 'runtime' ELSE 'admin' END),
    holder_type, instance_id, holder_id
);
CREATE INDEX pins_locked ON pins (tenant_id, holder_type, instance_id, holder_id)
    WHERE pin_id IS NOT NULL AND NOT inactive AND locked_until IS NOT NULL;
CREATE INDEX pins_inactive ON pins (tenant_id, holder_type, instance_id, holder_id)
    WHERE pin_id IS NOT NULL AND inactive;
CREATE INDEX pins_unset ON pins (tenant_id, holder_type, instance_id, holder_id) WHERE pin_id IS NULL;

-- An attempt is here from its spend until it is settled, so that a settlement that is
-- repeated after a lost connection counts once.
CREATE TABLE pin_attempts (
    tenant_id          uuid        NOT NULL,
    id                 uuid        NOT NULL,
    holder_type        text        NOT NULL,
    holder_instance_id uuid        NOT NULL,
    holder_id          uuid        NOT NULL,
    spent_at           timestamptz NOT NULL,
    CONSTRAINT pin_attempts_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT pin_attempts_holder_type CHECK (holder_type IN ('customer', 'identity')),
    CONSTRAINT pin_attempts_holder_instance CHECK (
        holder_type <> 'customer' OR holder_instance_id = '00000000-0000-0000-0000-000000000000'
    )
);
CREATE INDEX pin_attempts_spent ON pin_attempts (spent_at);

-- Version 0 is a row that was made only to be locked; it reads as the defaults.
CREATE TABLE pin_policies (
    tenant_id           uuid    NOT NULL,
    instance_id         uuid    NOT NULL,
    applies_to          text    NOT NULL DEFAULT 'all',
    required_skills     text[]  NOT NULL DEFAULT '{}',
    session_ttl_minutes integer NOT NULL DEFAULT 30,
    version             bigint  NOT NULL DEFAULT 0,
    must_be_own         boolean NOT NULL DEFAULT false,
    channels            text    NOT NULL DEFAULT 'any',
    CONSTRAINT pin_policies_pkey PRIMARY KEY (tenant_id, instance_id),
    CONSTRAINT pin_policies_applies_to CHECK (applies_to IN ('owner', 'customer', 'all')),
    CONSTRAINT pin_policies_required_skills CHECK (cardinality(required_skills) <= 256),
    CONSTRAINT pin_policies_session_ttl CHECK (session_ttl_minutes BETWEEN 0 AND 1440),
    CONSTRAINT pin_policies_channels CHECK (channels IN ('any', 'page')),
    CONSTRAINT pin_policies_version CHECK (version >= 0)
);

-- The nil UUID as instance is the whole tenant. A row is never deleted: its epoch
-- outlives every freeze.
CREATE TABLE freezes (
    tenant_id   uuid    NOT NULL,
    instance_id uuid    NOT NULL,
    frozen      boolean NOT NULL DEFAULT false,
    since       timestamptz,
    by_kind     text    NOT NULL DEFAULT '',
    by_id       text    NOT NULL DEFAULT '',
    reason      text    NOT NULL DEFAULT '',
    epoch       bigint  NOT NULL DEFAULT 0,
    CONSTRAINT freezes_pkey PRIMARY KEY (tenant_id, instance_id),
    CONSTRAINT freezes_since CHECK (frozen = (since IS NOT NULL)),
    CONSTRAINT freezes_epoch CHECK (epoch >= 0)
);

-- Until when no PIN is taken on an instance, because somebody sprayed PINs there.
CREATE TABLE sprayings (
    tenant_id   uuid        NOT NULL,
    instance_id uuid        NOT NULL,
    until       timestamptz NOT NULL,
    CONSTRAINT sprayings_pkey PRIMARY KEY (tenant_id, instance_id)
);

-- A link with which its holder's PIN is chosen. It is live until it has ended or expired;
-- one that was used has ended. Of each holder and kind one has not ended.
CREATE TABLE pin_links (
    tenant_id          uuid        NOT NULL,
    id                 uuid        NOT NULL,
    holder_type        text        NOT NULL,
    holder_instance_id uuid        NOT NULL,
    holder_id          uuid        NOT NULL,
    kind               text        NOT NULL,
    created_at         timestamptz NOT NULL,
    expires_at         timestamptz NOT NULL,
    ended_at           timestamptz,
    used_at            timestamptz,
    created_by_kind    text        NOT NULL,
    created_by         text        NOT NULL,
    CONSTRAINT pin_links_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT pin_links_holder_type CHECK (holder_type IN ('customer', 'identity')),
    CONSTRAINT pin_links_holder_instance CHECK (
        holder_type <> 'customer' OR holder_instance_id = '00000000-0000-0000-0000-000000000000'
    ),
    CONSTRAINT pin_links_kind CHECK (kind IN ('admin', 'runtime')),
    CONSTRAINT pin_links_used CHECK (used_at IS NULL OR ended_at IS NOT NULL)
);
CREATE UNIQUE INDEX pin_links_id ON pin_links (id);
CREATE UNIQUE INDEX pin_links_open ON pin_links (tenant_id, holder_id, holder_instance_id, holder_type, kind)
    WHERE ended_at IS NULL;
CREATE INDEX pin_links_creator ON pin_links (tenant_id, created_by) WHERE ended_at IS NULL;
CREATE INDEX pin_links_expiry ON pin_links (expires_at);

-- Where a tenant's events are sent. The place bounds how many a tenant has. Secrets are sealed
-- under a pepper; the old one signs too until old_until.
CREATE TABLE webhooks (
    tenant_id         uuid        NOT NULL,
    id                uuid        NOT NULL,
    place             smallint    NOT NULL,
    url               text        NOT NULL,
    events            text[]      NOT NULL,
    description       text        NOT NULL DEFAULT '',
    disabled          text        NOT NULL DEFAULT '',
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    created_by_kind   text        NOT NULL,
    created_by        text        NOT NULL,
    directed_by_kind  text        NOT NULL,
    directed_by       text        NOT NULL,
    secret            bytea       NOT NULL,
    secret_pepper_id  text        NOT NULL,
    old_secret        bytea,
    old_pepper_id     text,
    old_until         timestamptz,
    failing_since     timestamptz,
    due_at            timestamptz,
    CONSTRAINT webhooks_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT webhooks_place_range CHECK (place BETWEEN 1 AND 20),
    CONSTRAINT webhooks_disabled CHECK (disabled IN ('', 'by_hand', 'gone', 'failing', 'key_revoked')),
    CONSTRAINT webhooks_disabled_is_not_due CHECK (disabled = '' OR due_at IS NULL),
    CONSTRAINT webhooks_old_whole CHECK (num_nulls(old_secret, old_pepper_id, old_until) IN (0, 3))
);
CREATE UNIQUE INDEX webhooks_id ON webhooks (id);
CREATE UNIQUE INDEX webhooks_place ON webhooks (tenant_id, place);
CREATE INDEX webhooks_due ON webhooks (due_at) WHERE due_at IS NOT NULL;

-- An event on its way to a webhook. It outlives the webhook until it is old enough. An event
-- of no holder has an empty type and the nil UUID twice.
CREATE TABLE webhook_deliveries (
    tenant_id          uuid        NOT NULL,
    id                 uuid        NOT NULL,
    webhook_id         uuid        NOT NULL,
    event_id           uuid        NOT NULL,
    event_index        bigint      NOT NULL,
    event_type         text        NOT NULL,
    holder_type        text        NOT NULL,
    holder_instance_id uuid        NOT NULL,
    holder_id          uuid        NOT NULL,
    status             text        NOT NULL,
    attempts           integer     NOT NULL DEFAULT 0,
    failures           integer     NOT NULL DEFAULT 0,
    created_at         timestamptz NOT NULL,
    due_at             timestamptz NOT NULL,
    lease_id           uuid,
    lease_until        timestamptz,
    last_at            timestamptz,
    last_status        integer,
    last_failure       text        NOT NULL DEFAULT '',
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT webhook_deliveries_status CHECK (status IN ('pending', 'delivered', 'dead')),
    CONSTRAINT webhook_deliveries_counts CHECK (attempts >= 0 AND failures BETWEEN 0 AND attempts),
    CONSTRAINT webhook_deliveries_holder_type CHECK (holder_type IN ('', 'customer', 'identity')),
    CONSTRAINT webhook_deliveries_lease_whole CHECK (
        num_nulls(lease_id, lease_until) IN (0, 2) AND (lease_id IS NULL OR status = 'pending')
    )
);
CREATE UNIQUE INDEX webhook_deliveries_event ON webhook_deliveries (tenant_id, webhook_id, event_index);
CREATE INDEX webhook_deliveries_status ON webhook_deliveries (tenant_id, webhook_id, status, event_index);
CREATE INDEX webhook_deliveries_fresh ON webhook_deliveries (tenant_id, webhook_id, event_index)
    WHERE status = 'pending' AND attempts = 0;
CREATE INDEX webhook_deliveries_again ON webhook_deliveries (tenant_id, webhook_id, due_at)
    WHERE status = 'pending' AND attempts > 0;
CREATE INDEX webhook_deliveries_leased ON webhook_deliveries (tenant_id, webhook_id)
    WHERE lease_id IS NOT NULL;
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (created_at);

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
    freeze_epoch       bigint      NOT NULL,
    by_page            boolean     NOT NULL DEFAULT false,
    CONSTRAINT pin_sessions_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT pin_sessions_holder_type CHECK (holder_type IN ('customer', 'identity')),
    CONSTRAINT pin_sessions_holder_instance CHECK (holder_instance_id =
        CASE holder_type WHEN 'customer' THEN '00000000-0000-0000-0000-000000000000' ELSE instance_id END
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
    approved_attempt_id uuid,
    approved_pin_id     uuid,
    approved_lock_epoch bigint,
    auth_time           timestamptz,
    session_id          uuid,
    receipt             text        NOT NULL DEFAULT '',
    redeem_id           uuid,
    call_key            text,
    approved_freeze_epoch bigint,
    outcome             text,
    outcome_at          timestamptz,
    outcome_detail      text        NOT NULL DEFAULT '',
    page_tries          integer     NOT NULL DEFAULT 0,
    page_failures       integer     NOT NULL DEFAULT 0,
    approved_by_page    boolean     NOT NULL DEFAULT false,
    CONSTRAINT confirmations_pkey PRIMARY KEY (tenant_id, instance_id, id),
    CONSTRAINT confirmations_holder_type CHECK (holder_type IN ('customer', 'identity')),
    CONSTRAINT confirmations_holder_instance CHECK (holder_instance_id =
        CASE holder_type WHEN 'customer' THEN '00000000-0000-0000-0000-000000000000' ELSE instance_id END
    ),
    CONSTRAINT confirmations_role CHECK (role IN ('owner', 'customer')),
    CONSTRAINT confirmations_lifetime CHECK (lifetime > interval '0'),
    CONSTRAINT confirmations_status CHECK (
        status IN ('pending', 'approved', 'declined', 'expired', 'redeemed')
    ),
    CONSTRAINT confirmations_reason CHECK (
        reason IN ('', 'pin', 'session', 'runtime', 'holder', 'wrong_pin', 'pin_changed', 'session_ended', 'frozen')
    ),
    CONSTRAINT confirmations_action_whole CHECK (
        num_nulls(action_summary, action_params, action_digest) IN (0, 3)
    ),
    CONSTRAINT confirmations_approval_whole CHECK (
        num_nulls(approved_at, approved_pin_id, approved_lock_epoch, approved_freeze_epoch, auth_time) IN (0, 5)
        AND (approved_at IS NOT NULL OR session_id IS NULL AND approved_attempt_id IS NULL)
    ),
    CONSTRAINT confirmations_approved CHECK (
        CASE status
            WHEN 'pending' THEN approved_at IS NULL
            WHEN 'approved' THEN approved_at IS NOT NULL
            WHEN 'redeemed' THEN approved_at IS NOT NULL
            ELSE true
        END
    ),
    CONSTRAINT confirmations_ended CHECK (
        (ended_at IS NULL) = (status IN ('pending', 'approved'))
    ),
    CONSTRAINT confirmations_redeemed CHECK (redeem_id IS NULL OR status = 'redeemed'),
    CONSTRAINT confirmations_idempotency_key_length CHECK (
        octet_length(idempotency_key) BETWEEN 1 AND 64
    ),
    CONSTRAINT confirmations_call_key_length CHECK (octet_length(call_key) BETWEEN 1 AND 64),
    CONSTRAINT confirmations_page_tries CHECK (page_tries BETWEEN 0 AND 3 AND page_failures BETWEEN 0 AND page_tries),
    CONSTRAINT confirmations_outcome CHECK (
        outcome IS NULL OR outcome IN ('executed', 'failed', 'unknown') AND status = 'redeemed'
    ),
    CONSTRAINT confirmations_outcome_whole CHECK (
        (outcome IS NULL) = (outcome_at IS NULL) AND (outcome IS NOT NULL OR outcome_detail = '')
    )
);
CREATE UNIQUE INDEX confirmations_id ON confirmations (id);
CREATE UNIQUE INDEX confirmations_idempotency_key ON confirmations (tenant_id, instance_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
-- Who no longer holds its call key gives it up when another asks with it.
CREATE UNIQUE INDEX confirmations_call_key ON confirmations (tenant_id, instance_id, call_key)
    WHERE call_key IS NOT NULL;
CREATE INDEX confirmations_listed ON confirmations (tenant_id, instance_id, created_at, id)
    WHERE ended_at IS NULL;
CREATE INDEX confirmations_open_ids ON confirmations (tenant_id, id) WHERE ended_at IS NULL;
CREATE INDEX confirmations_open ON confirmations (tenant_id, holder_id, holder_type, holder_instance_id, instance_id)
    WHERE ended_at IS NULL;
CREATE INDEX confirmations_expiry ON confirmations (expires_at) WHERE ended_at IS NULL;
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
    created_by_kind text NOT NULL DEFAULT '',
    created_by  text        NOT NULL DEFAULT '',
    depth       integer     NOT NULL DEFAULT 0,
    last_used_at timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT api_keys_kind CHECK (kind IN ('api_key', 'runtime_key')),
    CONSTRAINT api_keys_hash CHECK (octet_length(hash) = 32),
    CONSTRAINT api_keys_instance CHECK (
        (kind = 'api_key') = (instance_id = '00000000-0000-0000-0000-000000000000')
    ),
    CONSTRAINT api_keys_depth CHECK (depth >= 0)
);
CREATE UNIQUE INDEX api_keys_id ON api_keys (id);
CREATE INDEX api_keys_listed ON api_keys (tenant_id, created_at, id);
CREATE INDEX api_keys_maker ON api_keys (tenant_id, created_by, created_by_kind) WHERE revoked_at IS NULL;

CREATE TABLE key_checks (
    kind  text  NOT NULL,
    id    text  NOT NULL,
    value bytea NOT NULL,
    CONSTRAINT key_checks_pkey PRIMARY KEY (kind, id),
    CONSTRAINT key_checks_kind CHECK (kind IN ('pepper', 'receipt_key'))
);

-- The audit trail. An event goes into the queue in the transaction of what it records;
-- the sequencer moves it into pin_events, which gives it its index in the tenant's tree.
-- The leaf is the event, as canonical text: what is hashed, and what is answered. The
-- columns beside it only select. Types of events and actors are not listed: the trail
-- outlives every version of the program, and each may bring new ones.
CREATE TABLE pin_event_queue (
    tenant_id          uuid        NOT NULL,
    seq                bigserial   NOT NULL,
    id                 uuid        NOT NULL,
    occurred_at        timestamptz NOT NULL,
    type               text        NOT NULL,
    actor_kind         text        NOT NULL,
    actor_id           text        NOT NULL,
    holder_type        text,
    holder_instance_id uuid,
    holder_id          uuid,
    instance_id        uuid,
    confirmation_id    uuid,
    leaf               bytea       NOT NULL,
    held               boolean     NOT NULL DEFAULT false,
    CONSTRAINT pin_event_queue_pkey PRIMARY KEY (tenant_id, seq),
    CONSTRAINT pin_event_queue_type CHECK (type <> ''),
    CONSTRAINT pin_event_queue_holder_type CHECK (holder_type IN ('customer', 'identity')),
    CONSTRAINT pin_event_queue_holder_whole CHECK (
        num_nulls(holder_type, holder_instance_id, holder_id) IN (0, 3)
    ),
    CONSTRAINT pin_event_queue_leaf CHECK (octet_length(leaf) > 0)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
-- What waits for the sequencer. Events of a tenant whose tree is stopped are held.
CREATE INDEX pin_event_queue_waiting ON pin_event_queue (seq) WHERE NOT held;

CREATE TABLE pin_events (
    tenant_id          uuid        NOT NULL,
    event_index        bigint      NOT NULL,
    id                 uuid        NOT NULL,
    occurred_at        timestamptz NOT NULL,
    type               text        NOT NULL,
    actor_kind         text        NOT NULL,
    actor_id           text        NOT NULL,
    holder_type        text,
    holder_instance_id uuid,
    holder_id          uuid,
    instance_id        uuid,
    confirmation_id    uuid,
    leaf               bytea       NOT NULL,
    CONSTRAINT pin_events_pkey PRIMARY KEY (tenant_id, event_index),
    CONSTRAINT pin_events_index CHECK (event_index >= 0)
);
CREATE UNIQUE INDEX pin_events_id ON pin_events (id);
CREATE INDEX pin_events_type ON pin_events (tenant_id, type, event_index);
CREATE INDEX pin_events_actor ON pin_events (tenant_id, actor_id, event_index);
CREATE INDEX pin_events_holder ON pin_events (tenant_id, holder_id, event_index) WHERE holder_id IS NOT NULL;
CREATE INDEX pin_events_instance ON pin_events (tenant_id, instance_id, event_index) WHERE instance_id IS NOT NULL;
-- The guesses on an instance, for who judges whether somebody sprays PINs there.
CREATE INDEX pin_events_guesses ON pin_events (tenant_id, instance_id, occurred_at)
    WHERE type IN ('pin.failed', 'pin.verified');
CREATE INDEX pin_events_confirmation ON pin_events (tenant_id, confirmation_id, event_index)
    WHERE confirmation_id IS NOT NULL;

-- The tree of a tenant (RFC 6962): a row for each event, with the hash of its leaf and
-- those of the subtrees that it completes, from the lowest up. Rows outlive their events.
CREATE TABLE pin_event_hashes (
    tenant_id   uuid   NOT NULL,
    event_index bigint NOT NULL,
    hashes      bytea  NOT NULL,
    CONSTRAINT pin_event_hashes_pkey PRIMARY KEY (tenant_id, event_index),
    CONSTRAINT pin_event_hashes_whole CHECK (octet_length(hashes) > 0 AND octet_length(hashes) % 32 = 0)
);

-- How far the tree of a tenant has come, with the head that was signed last. Its head at
-- kept_size is in pin_event_heads. Events below sealed_size were exported and verified, and
-- those below pruned_size removed.
CREATE TABLE pin_event_trees (
    tenant_id      uuid        NOT NULL,
    size           bigint      NOT NULL,
    head           text        NOT NULL,
    latest_at      timestamptz NOT NULL,
    kept_size      bigint      NOT NULL DEFAULT 0,
    kept_at        timestamptz NOT NULL,
    stopped_at     timestamptz,
    stopped_reason text        NOT NULL DEFAULT '',
    sealed_size    bigint      NOT NULL DEFAULT 0,
    sealed_at      timestamptz,
    pruned_size    bigint      NOT NULL DEFAULT 0,
    CONSTRAINT pin_event_trees_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT pin_event_trees_sizes CHECK (
        0 <= pruned_size AND pruned_size <= sealed_size AND sealed_size <= size
    )
);
CREATE INDEX pin_event_trees_kept ON pin_event_trees (kept_at) WHERE size > kept_size;

-- A head of each hour in which a tenant's tree grew. No event below its size is later than
-- latest_at, so a reading of what is later can begin there.
CREATE TABLE pin_event_heads (
    tenant_id   uuid        NOT NULL,
    size        bigint      NOT NULL,
    head        text        NOT NULL,
    latest_at   timestamptz NOT NULL,
    kept_at     timestamptz NOT NULL,
    CONSTRAINT pin_event_heads_pkey PRIMARY KEY (tenant_id, size)
);

-- The name of the log: the public host at the first start, or what a restore made of it.
CREATE TABLE trail_log (
    one        boolean     NOT NULL DEFAULT true,
    name       text        NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT trail_log_pkey PRIMARY KEY (one),
    CONSTRAINT trail_log_one_row CHECK (one),
    CONSTRAINT trail_log_name CHECK (name <> '')
);

-- The public keys that have signed heads, retired ones for ever.
CREATE TABLE trail_keys (
    id         text        NOT NULL,
    public_key bytea       NOT NULL,
    added_at   timestamptz NOT NULL,
    retired_at timestamptz,
    CONSTRAINT trail_keys_pkey PRIMARY KEY (id, public_key),
    CONSTRAINT trail_keys_public_key_length CHECK (octet_length(public_key) = 32)
);

-- +goose StatementBegin
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION pin_events_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM pin_event_trees AS t WHERE t.tenant_id = OLD.tenant_id AND OLD.event_index < t.sealed_size
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'pin_events is append-only, and this event is not sealed' USING ERRCODE = 'restrict_violation';
END
$$;
-- +goose StatementEnd

CREATE TRIGGER pin_events_append_only BEFORE UPDATE OR TRUNCATE ON pin_events
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER pin_events_sealed BEFORE DELETE ON pin_events
    FOR EACH ROW EXECUTE FUNCTION pin_events_sealed();
CREATE TRIGGER pin_event_hashes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pin_event_hashes
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER pin_event_heads_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pin_event_heads
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- +goose Down
DROP TABLE trail_keys, trail_log, pin_event_heads, pin_event_trees, pin_event_hashes, pin_events, pin_event_queue,
    key_checks, api_keys, confirmations, pin_sessions, webhook_deliveries, webhooks, pin_links, sprayings, freezes, pin_policies, pin_attempts,
    pins, duties, write_probes, schema_compat;
DROP FUNCTION append_only(), pin_events_sealed();
