CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE meta (
    "key" TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_meta PRIMARY KEY ("key")
);
CREATE TABLE accounts (
    id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    name TEXT NOT NULL,
    preset TEXT NOT NULL,
    base_url TEXT,
    dialects TEXT NOT NULL,
    api_key_sealed BLOB,
    headers_sealed BLOB,
    models TEXT NOT NULL,
    priority INTEGER NOT NULL,
    max_concurrency INTEGER,
    enabled BOOLEAN NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL, unsupported TEXT, tags TEXT, weight INTEGER, oauth_sealed BLOB, quota TEXT, reserve TEXT, managed TEXT,
    CONSTRAINT pk_accounts PRIMARY KEY (id),
    CONSTRAINT uq_accounts_owner_id_name UNIQUE (owner_id, name)
);
CREATE TABLE keys (
    id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    shown TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT,
    revoked_at_ms BIGINT,
    last_used_at_ms BIGINT, policy TEXT, disabled_at_ms BIGINT, version BIGINT, managed TEXT,
    CONSTRAINT pk_keys PRIMARY KEY (id),
    CONSTRAINT uq_keys_token_hash UNIQUE (token_hash)
);
CREATE TABLE settings (
    owner_id TEXT NOT NULL,
    body TEXT NOT NULL,
    version BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL, managed TEXT,
    CONSTRAINT pk_settings PRIMARY KEY (owner_id)
);
CREATE TABLE requests (
    id TEXT NOT NULL,
    ts_ms BIGINT NOT NULL,
    owner_id TEXT NOT NULL,
    key_id TEXT,
    client TEXT,
    client_dialect TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    requested_model TEXT,
    account_id TEXT,
    preset TEXT,
    model TEXT,
    dialect TEXT,
    stream BOOLEAN NOT NULL,
    lane TEXT,
    status INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    error_type TEXT,
    error_text TEXT,
    attempts TEXT,
    losses TEXT,
    ttft_ms BIGINT,
    duration_ms BIGINT,
    overhead_us BIGINT,
    input_tokens BIGINT,
    cache_read_tokens BIGINT,
    cache_write_tokens BIGINT,
    cache_write_1h_tokens BIGINT,
    output_tokens BIGINT,
    reasoning_tokens BIGINT,
    usage_estimated BOOLEAN NOT NULL,
    cost_pusd BIGINT,
    charge_pusd BIGINT,
    session_id TEXT,
    request_bytes BIGINT,
    response_bytes BIGINT, combo TEXT, finish TEXT, tools TEXT,
    CONSTRAINT pk_requests PRIMARY KEY (id)
);
CREATE TABLE receipts (
    request_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_receipts PRIMARY KEY (request_id)
);
CREATE TABLE model_lists (
    account_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    fetched_at_ms BIGINT NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_model_lists PRIMARY KEY (account_id)
);
CREATE TABLE sealed_blobs (
    owner_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    value BLOB NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT,
    CONSTRAINT pk_sealed_blobs PRIMARY KEY (owner_id, kind, id)
);
CREATE TABLE state (
    owner_id TEXT NOT NULL,
    "key" TEXT NOT NULL,
    value BLOB NOT NULL,
    expires_at_ms BIGINT,
    CONSTRAINT pk_state PRIMARY KEY (owner_id, "key")
);
CREATE TABLE combos (
    id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    body TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL, managed TEXT,
    CONSTRAINT pk_combos PRIMARY KEY (id),
    CONSTRAINT uq_combos_owner_id_name_key UNIQUE (owner_id, name_key)
);
CREATE TABLE users (
    id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    role TEXT NOT NULL,
    password_sealed BLOB NOT NULL,
    enabled BOOLEAN NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    password_at_ms BIGINT,
    seen_at_ms BIGINT, managed TEXT,
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT uq_users_owner_id_name_key UNIQUE (owner_id, name_key)
);
CREATE TABLE login_sessions (
    id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    user_id TEXT,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    via TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    seen_at_ms BIGINT NOT NULL,
    ends_at_ms BIGINT NOT NULL,
    idle_ms BIGINT NOT NULL,
    address TEXT,
    client TEXT,
    CONSTRAINT pk_login_sessions PRIMARY KEY (id),
    CONSTRAINT uq_login_sessions_token_hash UNIQUE (token_hash)
);
CREATE TABLE audit (
    id TEXT NOT NULL,
    ts_ms BIGINT NOT NULL,
    owner_id TEXT NOT NULL,
    actor TEXT NOT NULL,
    via TEXT NOT NULL,
    role TEXT NOT NULL,
    action TEXT NOT NULL,
    status INTEGER NOT NULL,
    target TEXT,
    method TEXT,
    path TEXT,
    address TEXT,
    request_id TEXT,
    "before" TEXT,
    "after" TEXT,
    CONSTRAINT pk_audit PRIMARY KEY (id)
);
CREATE TABLE ledger (
    exchange_id TEXT NOT NULL,
    line INTEGER NOT NULL,
    kind TEXT NOT NULL,
    ts_ms BIGINT NOT NULL,
    owner_id TEXT NOT NULL,
    key_id TEXT,
    account_id TEXT,
    preset TEXT,
    model TEXT,
    amount_pusd BIGINT,
    estimated BOOLEAN NOT NULL,
    errors INTEGER NOT NULL,
    input_tokens BIGINT NOT NULL,
    cache_read_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,
    CONSTRAINT pk_ledger PRIMARY KEY (exchange_id, line)
);
CREATE TABLE rollups (
    day_ms BIGINT NOT NULL,
    owner_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    preset TEXT NOT NULL,
    model TEXT NOT NULL,
    requests BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    cache_read_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,
    cost_pusd BIGINT NOT NULL,
    cost_unknown BIGINT NOT NULL,
    charge_pusd BIGINT NOT NULL,
    charge_unknown BIGINT NOT NULL,
    CONSTRAINT pk_rollups PRIMARY KEY (day_ms, owner_id, key_id, account_id, preset, model)
);
CREATE TABLE budget_blocks (
    budget_id TEXT NOT NULL,
    start_ms BIGINT NOT NULL,
    holder TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    drawn BIGINT NOT NULL,
    settled BIGINT NOT NULL,
    seen_at_ms BIGINT NOT NULL,
    CONSTRAINT pk_budget_blocks PRIMARY KEY (budget_id, start_ms, holder)
);
CREATE TABLE budget_lines (
    exchange_id TEXT NOT NULL,
    budget_id TEXT NOT NULL,
    start_ms BIGINT NOT NULL,
    holder TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    ts_ms BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    CONSTRAINT pk_budget_lines PRIMARY KEY (exchange_id, budget_id)
);
CREATE TABLE recordings (
    request_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    size BIGINT NOT NULL,
    body_sealed BLOB NOT NULL,
    CONSTRAINT pk_recordings PRIMARY KEY (request_id)
);
CREATE TABLE request_days (
    day_ms BIGINT NOT NULL,
    owner_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    preset TEXT NOT NULL,
    model TEXT NOT NULL,
    client_dialect TEXT NOT NULL,
    outcome TEXT NOT NULL,
    requests BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    cache_read_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,
    cost_high BIGINT NOT NULL,
    cost_low BIGINT NOT NULL,
    cost_unknown BIGINT NOT NULL,
    charge_high BIGINT NOT NULL,
    charge_low BIGINT NOT NULL,
    charge_unknown BIGINT NOT NULL,
    CONSTRAINT pk_request_days PRIMARY KEY (day_ms, owner_id, key_id, account_id, preset, model, client_dialect, outcome)
);
CREATE TABLE request_slots (
    width_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    slot_ms BIGINT NOT NULL,
    owner_id TEXT NOT NULL,
    requests BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    cache_read_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,
    cost_high BIGINT NOT NULL,
    cost_low BIGINT NOT NULL,
    cost_unknown BIGINT NOT NULL,
    charge_high BIGINT NOT NULL,
    charge_low BIGINT NOT NULL,
    charge_unknown BIGINT NOT NULL,
    CONSTRAINT pk_request_slots PRIMARY KEY (width_ms, kind, name, slot_ms, owner_id)
);
CREATE UNIQUE INDEX uq_keys_live_name ON keys (owner_id, name) WHERE revoked_at_ms IS NULL;
CREATE INDEX ix_requests_account_id_ts_ms_id ON requests (account_id, ts_ms, id);
CREATE INDEX ix_requests_key_id_ts_ms_id ON requests (key_id, ts_ms, id);
CREATE INDEX ix_requests_model_ts_ms_id ON requests (model, ts_ms, id);
CREATE INDEX ix_requests_not_ok ON requests (outcome, ts_ms, id) WHERE outcome <> 'ok';
CREATE INDEX ix_requests_owner_id_ts_ms_id ON requests (owner_id, ts_ms, id);
CREATE INDEX ix_requests_session_id_ts_ms_id ON requests (session_id, ts_ms, id) WHERE session_id IS NOT NULL;
CREATE INDEX ix_receipts_created_at_ms ON receipts (created_at_ms);
CREATE INDEX ix_sealed_blobs_expires_at_ms ON sealed_blobs (expires_at_ms);
CREATE INDEX ix_state_expires_at_ms ON state (expires_at_ms);
CREATE INDEX ix_login_sessions_user_id ON login_sessions (user_id);
CREATE INDEX ix_login_sessions_subject ON login_sessions (subject);
CREATE INDEX ix_login_sessions_ends_at_ms ON login_sessions (ends_at_ms);
CREATE INDEX ix_audit_ts_ms ON audit (ts_ms);
CREATE INDEX ix_ledger_ts_ms ON ledger (ts_ms);
CREATE INDEX ix_budget_lines_ts_ms ON budget_lines (ts_ms);
CREATE INDEX ix_recordings_expires_at_ms ON recordings (expires_at_ms);
CREATE INDEX ix_request_slots_width_ms_kind_slot_ms ON request_slots (width_ms, kind, slot_ms);
CREATE INDEX ix_requests_wide ON requests (ts_ms, id, owner_id, key_id, account_id, preset, model, client_dialect, outcome);
INSERT INTO meta VALUES ('config_version', 'local', '1');
INSERT INTO alembic_version VALUES ('0012');
