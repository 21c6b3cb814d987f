-- Every table of a tenant has a key that begins with tenant_id; what is looked up by
-- its id alone has a unique index of its own. Times are INTEGER microseconds since 1970
-- UTC, durations INTEGER microseconds: exact, sortable, and nothing to parse. UUIDs are
-- TEXT in lower case, so that an operator can read them. The nil UUID stands in keys
-- where a customer has no instance. db/postgres holds the same schema: the same tables,
-- columns, checks and indexes by name.

-- +goose Up

-- A migration that older programs cannot work beside raises min_program_schema to
-- its own version. A program is refused when its newest migration is below it.
CREATE TABLE schema_compat (
    one                INTEGER NOT NULL DEFAULT 1,
    min_program_schema INTEGER NOT NULL,
    -- Which text of this migration made the database; null until it is whole.
    origin             TEXT,
    CONSTRAINT schema_compat_pkey PRIMARY KEY (one),
    CONSTRAINT schema_compat_one_row CHECK (one = 1)
) STRICT;

INSERT INTO schema_compat (min_program_schema) VALUES (1);

-- What a node writes to find out whether the database takes writes. The filler makes
-- a write large enough to need new space.
CREATE TABLE write_probes (
    one       INTEGER NOT NULL DEFAULT 1,
    probed_at INTEGER NOT NULL,
    filler    BLOB,
    CONSTRAINT write_probes_pkey PRIMARY KEY (one),
    CONSTRAINT write_probes_one_row CHECK (one = 1)
) STRICT;

INSERT INTO write_probes (probed_at) VALUES (0);

-- A row is never deleted: lock epoch and generation outlive every PIN.
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
    removed_by_runtime INTEGER NOT NULL DEFAULT 0,
    failures           INTEGER NOT NULL DEFAULT 0,
    locked_until       INTEGER,
    inactive           INTEGER NOT NULL DEFAULT 0,
    lock_epoch         INTEGER NOT NULL DEFAULT 0,
    generation         INTEGER NOT NULL DEFAULT 0,
    bucket_empty_at    INTEGER,
    set_by             TEXT,
    set_by_pin_id      TEXT,
    CONSTRAINT pins_pkey PRIMARY KEY (tenant_id, holder_type, instance_id, holder_id),
    CONSTRAINT pins_holder_type CHECK (holder_type IN ('customer', 'identity')),
    CONSTRAINT pins_holder_instance CHECK (
        holder_type <> 'customer' OR instance_id = '00000000-0000-0000-0000-000000000000'
    ),
    CONSTRAINT pins_pin_whole CHECK (
        (pin_id IS NULL) = (hash IS NULL)
        AND (pin_id IS NULL) = (pepper_id IS NULL)
        AND (pin_id IS NULL) = (created_at IS NULL)
    ),
    CONSTRAINT pins_set_by CHECK (set_by IN ('admin', 'runtime', 'holder')),
    CONSTRAINT pins_set_by_whole CHECK ((set_by IS NULL) = (set_by_pin_id IS NULL)),
    CONSTRAINT pins_counts CHECK (failures >= 0 AND lock_epoch >= 0 AND generation >= 0),
    CONSTRAINT pins_flags CHECK (removed_by_runtime IN (0, 1) AND inactive IN (0, 1))
) STRICT;

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
    tenant_id          TEXT    NOT NULL,
    id                 TEXT    NOT NULL,
    holder_type        TEXT    NOT NULL,
    holder_instance_id TEXT    NOT NULL,
    holder_id          TEXT    NOT NULL,
    spent_at           INTEGER NOT NULL,
    CONSTRAINT pin_attempts_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT pin_attempts_holder_type CHECK (holder_type IN ('customer', 'identity')),
    CONSTRAINT pin_attempts_holder_instance CHECK (
        holder_type <> 'customer' OR holder_instance_id = '00000000-0000-0000-0000-000000000000'
    )
) STRICT;

CREATE INDEX pin_attempts_spent ON pin_attempts (spent_at);

CREATE TABLE pin_policies (
    tenant_id           TEXT    NOT NULL,
    instance_id         TEXT    NOT NULL,
    applies_to          TEXT    NOT NULL DEFAULT 'all',
    required_skills     TEXT    NOT NULL DEFAULT '[]',
    session_ttl_minutes INTEGER NOT NULL DEFAULT 30,
    version             INTEGER NOT NULL DEFAULT 0,
    must_be_own         INTEGER NOT NULL DEFAULT 0,
    channels            TEXT    NOT NULL DEFAULT 'any',
    CONSTRAINT pin_policies_pkey PRIMARY KEY (tenant_id, instance_id),
    CONSTRAINT pin_policies_applies_to CHECK (applies_to IN ('owner', 'customer', 'all')),
    CONSTRAINT pin_policies_required_skills CHECK (
        json_type(required_skills) = 'array' AND json_array_length(required_skills) <= 256
    ),
    CONSTRAINT pin_policies_session_ttl CHECK (session_ttl_minutes BETWEEN 0 AND 1440),
    CONSTRAINT pin_policies_flags CHECK (must_be_own IN (0, 1)),
    CONSTRAINT pin_policies_channels CHECK (channels IN ('any', 'page')),
    CONSTRAINT pin_policies_version CHECK (version >= 0)
) STRICT;

-- Until when no PIN is taken on an instance, because somebody sprayed PINs there.
CREATE TABLE sprayings (
    tenant_id   TEXT    NOT NULL,
    instance_id TEXT    NOT NULL,
    until       INTEGER NOT NULL,
    CONSTRAINT sprayings_pkey PRIMARY KEY (tenant_id, instance_id)
) STRICT;

-- The nil UUID as instance is the whole tenant. A row is never deleted: its epoch
-- outlives every freeze.
CREATE TABLE freezes (
    tenant_id   TEXT    NOT NULL,
    instance_id TEXT    NOT NULL,
    frozen      INTEGER NOT NULL DEFAULT 0,
    since       INTEGER,
    by_kind     TEXT    NOT NULL DEFAULT '',
    by_id       TEXT    NOT NULL DEFAULT '',
    reason      TEXT    NOT NULL DEFAULT '',
    epoch       INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT freezes_pkey PRIMARY KEY (tenant_id, instance_id),
    CONSTRAINT freezes_since CHECK (frozen = (since IS NOT NULL)),
    CONSTRAINT freezes_epoch CHECK (epoch >= 0),
    CONSTRAINT freezes_flags CHECK (frozen IN (0, 1))
) STRICT;

-- A link with which its holder's PIN is chosen. It is live until it has ended or expired;
-- one that was used has ended. Of each holder and kind one has not ended.
CREATE TABLE pin_links (
    tenant_id          TEXT    NOT NULL,
    id                 TEXT    NOT NULL,
    holder_type        TEXT    NOT NULL,
    holder_instance_id TEXT    NOT NULL,
    holder_id          TEXT    NOT NULL,
    kind               TEXT    NOT NULL,
    created_at         INTEGER NOT NULL,
    expires_at         INTEGER NOT NULL,
    ended_at           INTEGER,
    used_at            INTEGER,
    created_by_kind    TEXT    NOT NULL,
    created_by         TEXT    NOT NULL,
    CONSTRAINT pin_links_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT pin_links_holder_type CHECK (holder_type IN ('customer', 'identity')),
    CONSTRAINT pin_links_holder_instance CHECK (
        holder_type <> 'customer' OR holder_instance_id = '00000000-0000-0000-0000-000000000000'
    ),
    CONSTRAINT pin_links_kind CHECK (kind IN ('admin', 'runtime')),
    CONSTRAINT pin_links_used CHECK (used_at IS NULL OR ended_at IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX pin_links_id ON pin_links (id);
CREATE UNIQUE INDEX pin_links_open ON pin_links (tenant_id, holder_id, holder_instance_id, holder_type, kind)
    WHERE ended_at IS NULL;
CREATE INDEX pin_links_creator ON pin_links (tenant_id, created_by) WHERE ended_at IS NULL;
CREATE INDEX pin_links_expiry ON pin_links (expires_at);

-- Where a tenant's events are sent. The place bounds how many a tenant has. Secrets are sealed
-- under a pepper; the old one signs too until old_until.
CREATE TABLE webhooks (
    tenant_id         TEXT        NOT NULL,
    id                TEXT        NOT NULL,
    place             INTEGER     NOT NULL,
    url               TEXT        NOT NULL,
    events            TEXT        NOT NULL,
    description       TEXT        NOT NULL DEFAULT '',
    disabled          TEXT        NOT NULL DEFAULT '',
    created_at        INTEGER     NOT NULL,
    updated_at        INTEGER     NOT NULL,
    created_by_kind   TEXT        NOT NULL,
    created_by        TEXT        NOT NULL,
    directed_by_kind  TEXT        NOT NULL,
    directed_by       TEXT        NOT NULL,
    secret            BLOB        NOT NULL,
    secret_pepper_id  TEXT        NOT NULL,
    old_secret        BLOB,
    old_pepper_id     TEXT,
    old_until         INTEGER,
    failing_since     INTEGER,
    due_at            INTEGER,
    CONSTRAINT webhooks_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT webhooks_place_range CHECK (place BETWEEN 1 AND 20),
    CONSTRAINT webhooks_disabled CHECK (disabled IN ('', 'by_hand', 'gone', 'failing', 'key_revoked')),
    CONSTRAINT webhooks_disabled_is_not_due CHECK (disabled = '' OR due_at IS NULL),
    CONSTRAINT webhooks_old_whole CHECK (
        (old_secret IS NULL) = (old_pepper_id IS NULL) AND (old_secret IS NULL) = (old_until IS NULL)
    ),
    CONSTRAINT webhooks_events CHECK (json_type(events) = 'array')
) STRICT;
CREATE UNIQUE INDEX webhooks_id ON webhooks (id);
CREATE UNIQUE INDEX webhooks_place ON webhooks (tenant_id, place);
CREATE INDEX webhooks_due ON webhooks (due_at) WHERE due_at IS NOT NULL;

-- An event on its way to a webhook. It outlives the webhook until it is old enough. An event
-- of no holder has an empty type and the nil UUID twice.
CREATE TABLE webhook_deliveries (
    tenant_id          TEXT        NOT NULL,
    id                 TEXT        NOT NULL,
    webhook_id         TEXT        NOT NULL,
    event_id           TEXT        NOT NULL,
    event_index        INTEGER     NOT NULL,
    event_type         TEXT        NOT NULL,
    holder_type        TEXT        NOT NULL,
    holder_instance_id TEXT        NOT NULL,
    holder_id          TEXT        NOT NULL,
    status             TEXT        NOT NULL,
    attempts           INTEGER     NOT NULL DEFAULT 0,
    failures           INTEGER     NOT NULL DEFAULT 0,
    created_at         INTEGER     NOT NULL,
    due_at             INTEGER     NOT NULL,
    lease_id           TEXT,
    lease_until        INTEGER,
    last_at            INTEGER,
    last_status        INTEGER,
    last_failure       TEXT        NOT NULL DEFAULT '',
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT webhook_deliveries_status CHECK (status IN ('pending', 'delivered', 'dead')),
    CONSTRAINT webhook_deliveries_counts CHECK (attempts >= 0 AND failures BETWEEN 0 AND attempts),
    CONSTRAINT webhook_deliveries_holder_type CHECK (holder_type IN ('', 'customer', 'identity')),
    CONSTRAINT webhook_deliveries_lease_whole CHECK (
        (lease_id IS NULL) = (lease_until IS NULL) AND (lease_id IS NULL OR status = 'pending')
    )
) STRICT;
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
    ttl                INTEGER NOT NULL,
    freeze_epoch       INTEGER NOT NULL,
    by_page            INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT pin_sessions_flags CHECK (by_page IN (0, 1)),
    CONSTRAINT pin_sessions_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT pin_sessions_holder_type CHECK (holder_type IN ('customer', 'identity')),
    CONSTRAINT pin_sessions_holder_instance CHECK (holder_instance_id =
        CASE holder_type WHEN 'customer' THEN '00000000-0000-0000-0000-000000000000' ELSE instance_id END
    ),
    CONSTRAINT pin_sessions_role CHECK (role IN ('owner', 'customer')),
    CONSTRAINT pin_sessions_ttl CHECK (ttl >= 0)
) STRICT;

CREATE INDEX pin_sessions_holder ON pin_sessions (tenant_id, holder_id, holder_type, holder_instance_id, instance_id);
CREATE INDEX pin_sessions_auth_time ON pin_sessions (auth_time);

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
    lifetime            INTEGER NOT NULL,
    idempotency_key     TEXT,
    status              TEXT    NOT NULL,
    reason              TEXT    NOT NULL DEFAULT '',
    created_at          INTEGER NOT NULL,
    expires_at          INTEGER NOT NULL,
    ended_at            INTEGER,
    approved_at         INTEGER,
    approved_attempt_id TEXT,
    approved_pin_id     TEXT,
    approved_lock_epoch INTEGER,
    auth_time           INTEGER,
    session_id          TEXT,
    receipt             TEXT    NOT NULL DEFAULT '',
    redeem_id           TEXT,
    call_key            TEXT,
    approved_freeze_epoch INTEGER,
    outcome             TEXT,
    outcome_at          INTEGER,
    outcome_detail      TEXT    NOT NULL DEFAULT '',
    page_tries          INTEGER NOT NULL DEFAULT 0,
    page_failures       INTEGER NOT NULL DEFAULT 0,
    approved_by_page    INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT confirmations_pkey PRIMARY KEY (tenant_id, instance_id, id),
    CONSTRAINT confirmations_holder_type CHECK (holder_type IN ('customer', 'identity')),
    CONSTRAINT confirmations_holder_instance CHECK (holder_instance_id =
        CASE holder_type WHEN 'customer' THEN '00000000-0000-0000-0000-000000000000' ELSE instance_id END
    ),
    CONSTRAINT confirmations_role CHECK (role IN ('owner', 'customer')),
    CONSTRAINT confirmations_lifetime CHECK (lifetime > 0),
    CONSTRAINT confirmations_status CHECK (
        status IN ('pending', 'approved', 'declined', 'expired', 'redeemed')
    ),
    CONSTRAINT confirmations_reason CHECK (
        reason IN ('', 'pin', 'session', 'runtime', 'holder', 'wrong_pin', 'pin_changed', 'session_ended', 'frozen')
    ),
    CONSTRAINT confirmations_action_whole CHECK (
        (action_summary IS NULL) = (action_params IS NULL)
        AND (action_summary IS NULL) = (action_digest IS NULL)
    ),
    CONSTRAINT confirmations_approval_whole CHECK (
        (approved_at IS NULL) = (approved_pin_id IS NULL)
        AND (approved_at IS NULL) = (approved_lock_epoch IS NULL)
        AND (approved_at IS NULL) = (approved_freeze_epoch IS NULL)
        AND (approved_at IS NULL) = (auth_time IS NULL)
        AND (approved_at IS NOT NULL OR session_id IS NULL AND approved_attempt_id IS NULL)
    ),
    CONSTRAINT confirmations_approved CHECK (
        CASE status
            WHEN 'pending' THEN approved_at IS NULL
            WHEN 'approved' THEN approved_at IS NOT NULL
            WHEN 'redeemed' THEN approved_at IS NOT NULL
            ELSE TRUE
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
    CONSTRAINT confirmations_flags CHECK (approved_by_page IN (0, 1)),
    CONSTRAINT confirmations_page_tries CHECK (page_tries BETWEEN 0 AND 3 AND page_failures BETWEEN 0 AND page_tries),
    CONSTRAINT confirmations_outcome CHECK (
        outcome IS NULL OR outcome IN ('executed', 'failed', 'unknown') AND status = 'redeemed'
    ),
    CONSTRAINT confirmations_outcome_whole CHECK (
        (outcome IS NULL) = (outcome_at IS NULL) AND (outcome IS NOT NULL OR outcome_detail = '')
    )
) STRICT;

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
    tenant_id   TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    hash        BLOB    NOT NULL,
    instance_id TEXT    NOT NULL,
    scopes      TEXT    NOT NULL DEFAULT '[]',
    name        TEXT    NOT NULL DEFAULT '',
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER,
    revoked_at  INTEGER,
    created_by_kind TEXT NOT NULL DEFAULT '',
    created_by  TEXT    NOT NULL DEFAULT '',
    depth       INTEGER NOT NULL DEFAULT 0,
    last_used_at INTEGER,
    CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT api_keys_kind CHECK (kind IN ('api_key', 'runtime_key')),
    CONSTRAINT api_keys_hash CHECK (length(hash) = 32),
    CONSTRAINT api_keys_instance CHECK (
        (kind = 'api_key') = (instance_id = '00000000-0000-0000-0000-000000000000')
    ),
    CONSTRAINT api_keys_depth CHECK (depth >= 0),
    CONSTRAINT api_keys_scopes CHECK (json_type(scopes) = 'array')
) STRICT;

CREATE UNIQUE INDEX api_keys_id ON api_keys (id);
CREATE INDEX api_keys_listed ON api_keys (tenant_id, created_at, id);
CREATE INDEX api_keys_maker ON api_keys (tenant_id, created_by, created_by_kind) WHERE revoked_at IS NULL;

CREATE TABLE key_checks (
    kind  TEXT NOT NULL,
    id    TEXT NOT NULL,
    value BLOB NOT NULL,
    CONSTRAINT key_checks_pkey PRIMARY KEY (kind, id),
    CONSTRAINT key_checks_kind CHECK (kind IN ('pepper', 'receipt_key'))
) STRICT;

-- The audit trail. An event goes into the queue in the transaction of what it records;
-- the sequencer moves it into pin_events, which gives it its index in the tenant's tree.
-- The leaf is the event, as canonical text: what is hashed, and what is answered. The
-- columns beside it only select. Types of events and actors are not listed: the trail
-- outlives every version of the program, and each may bring new ones.
CREATE TABLE pin_event_queue (
    tenant_id          TEXT    NOT NULL,
    seq                INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id                 TEXT    NOT NULL,
    occurred_at        INTEGER NOT NULL,
    type               TEXT    NOT NULL,
    actor_kind         TEXT    NOT NULL,
    actor_id           TEXT    NOT NULL,
    holder_type        TEXT,
    holder_instance_id TEXT,
    holder_id          TEXT,
    instance_id        TEXT,
    confirmation_id    TEXT,
    leaf               BLOB    NOT NULL,
    held               INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT pin_event_queue_type CHECK (type <> ''),
    CONSTRAINT pin_event_queue_holder_type CHECK (holder_type IN ('customer', 'identity')),
    CONSTRAINT pin_event_queue_holder_whole CHECK (
        (holder_type IS NULL) = (holder_id IS NULL)
        AND (holder_type IS NULL) = (holder_instance_id IS NULL)
    ),
    CONSTRAINT pin_event_queue_leaf CHECK (octet_length(leaf) > 0),
    CONSTRAINT pin_event_queue_flags CHECK (held IN (0, 1))
) STRICT;

CREATE UNIQUE INDEX pin_event_queue_tenant ON pin_event_queue (tenant_id, seq);
-- What waits for the sequencer. Events of a tenant whose tree is stopped are held.
CREATE INDEX pin_event_queue_waiting ON pin_event_queue (seq) WHERE NOT held;

CREATE TABLE pin_events (
    tenant_id          TEXT    NOT NULL,
    event_index        INTEGER NOT NULL,
    id                 TEXT    NOT NULL,
    occurred_at        INTEGER NOT NULL,
    type               TEXT    NOT NULL,
    actor_kind         TEXT    NOT NULL,
    actor_id           TEXT    NOT NULL,
    holder_type        TEXT,
    holder_instance_id TEXT,
    holder_id          TEXT,
    instance_id        TEXT,
    confirmation_id    TEXT,
    leaf               BLOB    NOT NULL,
    CONSTRAINT pin_events_pkey PRIMARY KEY (tenant_id, event_index),
    CONSTRAINT pin_events_index CHECK (event_index >= 0)
) STRICT;

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
    tenant_id   TEXT    NOT NULL,
    event_index INTEGER NOT NULL,
    hashes      BLOB    NOT NULL,
    CONSTRAINT pin_event_hashes_pkey PRIMARY KEY (tenant_id, event_index),
    CONSTRAINT pin_event_hashes_whole CHECK (octet_length(hashes) > 0 AND octet_length(hashes) % 32 = 0)
) STRICT;

-- How far the tree of a tenant has come, with the head that was signed last. Its head at
-- kept_size is in pin_event_heads. Events below sealed_size were exported and verified, and
-- those below pruned_size removed.
CREATE TABLE pin_event_trees (
    tenant_id      TEXT    NOT NULL,
    size           INTEGER NOT NULL,
    head           TEXT    NOT NULL,
    latest_at      INTEGER NOT NULL,
    kept_size      INTEGER NOT NULL DEFAULT 0,
    kept_at        INTEGER NOT NULL,
    stopped_at     INTEGER,
    stopped_reason TEXT    NOT NULL DEFAULT '',
    sealed_size    INTEGER NOT NULL DEFAULT 0,
    sealed_at      INTEGER,
    pruned_size    INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT pin_event_trees_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT pin_event_trees_sizes CHECK (
        0 <= pruned_size AND pruned_size <= sealed_size AND sealed_size <= size
    )
) STRICT;

CREATE INDEX pin_event_trees_kept ON pin_event_trees (kept_at) WHERE size > kept_size;

-- A head of each hour in which a tenant's tree grew. No event below its size is later than
-- latest_at, so a reading of what is later can begin there.
CREATE TABLE pin_event_heads (
    tenant_id   TEXT    NOT NULL,
    size        INTEGER NOT NULL,
    head        TEXT    NOT NULL,
    latest_at   INTEGER NOT NULL,
    kept_at     INTEGER NOT NULL,
    CONSTRAINT pin_event_heads_pkey PRIMARY KEY (tenant_id, size)
) STRICT;

-- The name of the log: the public host at the first start, or what a restore made of it.
CREATE TABLE trail_log (
    one        INTEGER NOT NULL DEFAULT 1,
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT trail_log_pkey PRIMARY KEY (one),
    CONSTRAINT trail_log_one_row CHECK (one = 1),
    CONSTRAINT trail_log_name CHECK (name <> '')
) STRICT;

-- The public keys that have signed heads, retired ones for ever.
CREATE TABLE trail_keys (
    id         TEXT    NOT NULL,
    public_key BLOB    NOT NULL,
    added_at   INTEGER NOT NULL,
    retired_at INTEGER,
    CONSTRAINT trail_keys_pkey PRIMARY KEY (id, public_key),
    CONSTRAINT trail_keys_public_key_length CHECK (octet_length(public_key) = 32)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER pin_events_no_update BEFORE UPDATE ON pin_events
BEGIN
    SELECT RAISE(ABORT, 'pin_events is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER pin_events_sealed BEFORE DELETE ON pin_events
WHEN NOT EXISTS (
    SELECT 1 FROM pin_event_trees AS t WHERE t.tenant_id = OLD.tenant_id AND OLD.event_index < t.sealed_size
)
BEGIN
    SELECT RAISE(ABORT, 'pin_events is append-only, and this event is not sealed');
END;
-- +goose StatementEnd

-- INSERT OR REPLACE deletes without firing the trigger above.
-- +goose StatementBegin
CREATE TRIGGER pin_events_no_replace BEFORE INSERT ON pin_events
WHEN EXISTS (
    SELECT 1 FROM pin_events WHERE tenant_id = NEW.tenant_id AND event_index = NEW.event_index OR id = NEW.id
)
BEGIN
    SELECT RAISE(ABORT, 'pin_events is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER pin_event_hashes_no_update BEFORE UPDATE ON pin_event_hashes
BEGIN
    SELECT RAISE(ABORT, 'pin_event_hashes is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER pin_event_hashes_no_delete BEFORE DELETE ON pin_event_hashes
BEGIN
    SELECT RAISE(ABORT, 'pin_event_hashes is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER pin_event_hashes_no_replace BEFORE INSERT ON pin_event_hashes
WHEN EXISTS (
    SELECT 1 FROM pin_event_hashes WHERE tenant_id = NEW.tenant_id AND event_index = NEW.event_index
)
BEGIN
    SELECT RAISE(ABORT, 'pin_event_hashes is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER pin_event_heads_no_update BEFORE UPDATE ON pin_event_heads
BEGIN
    SELECT RAISE(ABORT, 'pin_event_heads is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER pin_event_heads_no_delete BEFORE DELETE ON pin_event_heads
BEGIN
    SELECT RAISE(ABORT, 'pin_event_heads is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER pin_event_heads_no_replace BEFORE INSERT ON pin_event_heads
WHEN EXISTS (
    SELECT 1 FROM pin_event_heads WHERE tenant_id = NEW.tenant_id AND size = NEW.size
)
BEGIN
    SELECT RAISE(ABORT, 'pin_event_heads is append-only');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE trail_keys;
DROP TABLE trail_log;
DROP TABLE pin_event_heads;
DROP TABLE pin_event_trees;
DROP TABLE pin_event_hashes;
DROP TABLE pin_events;
DROP TABLE pin_event_queue;
DROP TABLE key_checks;
DROP TABLE api_keys;
DROP TABLE confirmations;
DROP TABLE pin_sessions;
DROP TABLE webhook_deliveries;
DROP TABLE webhooks;
DROP TABLE pin_links;
DROP TABLE sprayings;
DROP TABLE freezes;
DROP TABLE pin_policies;
DROP TABLE pin_attempts;
DROP TABLE pins;
DROP TABLE write_probes;
DROP TABLE schema_compat;
