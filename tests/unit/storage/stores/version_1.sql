-- A store as the first schema made it, sealed with the key ab…ab; never to be changed.
PRAGMA application_id=1179406932;
PRAGMA user_version=1;
BEGIN TRANSACTION;
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
    updated_at_ms BIGINT NOT NULL,
    CONSTRAINT pk_accounts PRIMARY KEY (id),
    CONSTRAINT uq_accounts_owner_id_name UNIQUE (owner_id, name)
);
INSERT INTO "accounts" VALUES('accounts-0','local','accounts-0','openai',NULL,'["openai_chat"]',X'667276313A64326564343636363A32FD0CF1E0735C12A4723359999156C9A8BB090EECB642F86F8BC896D37B2DF13F0FEC95DC3BB674',X'667276313A64326564343636363A20A86CC8A3AC02B1D87391E0C1109B8493412D8956AC661C5B76F78DBF03F23FEAF0BD7FD732D751C5A11D976354FB0C97','["gpt-x"]',1,1,1,1800000000000,1800000000000);
INSERT INTO "accounts" VALUES('accounts-1','local','accounts-1','openai',NULL,'["openai_chat"]',X'667276313A64326564343636363AB001CEE3C1431A5E60DDF6A6EE7E710BC7F41D3A0A02B9102E99FB442989F658EE9333BDAA4D9224',X'667276313A64326564343636363AF268950BFE52D4DE9EB5BDF38ECBD358DCBC8086581FF1BD92192EC9D322CF108B1E7C6FAFA4D32508322ACCE1A81CC56A','["gpt-x"]',2,2,1,1800000000001,1800000000001);
INSERT INTO "accounts" VALUES('accounts-2','local','accounts-2','openai',NULL,'["openai_chat"]',NULL,X'667276313A64326564343636363AC241DD1B97D994355B4821273E46292A3E73574FC7BB9DA9D2E6619FE50153837DF78E6D8DE2304F8AD5A2B982B9440310','["gpt-x"]',3,3,1,1800000000002,1800000000002);
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
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
    last_used_at_ms BIGINT,
    CONSTRAINT pk_keys PRIMARY KEY (id),
    CONSTRAINT uq_keys_token_hash UNIQUE (token_hash)
);
INSERT INTO "keys" VALUES('keys-0','local','keys-0','0000000000000000000000000000000000000000000000000000000000000000','shown 0: ''ünï'' 🙂
%','["inference"]',1800000000000,1800000000000,NULL,1800000000000);
INSERT INTO "keys" VALUES('keys-1','local','keys-1','0000000000000000000000000000000000000000000000000000000000000001','shown 1: ''ünï'' 🙂
%','["inference"]',1800000000001,1800000000001,1800000000000,1800000000001);
INSERT INTO "keys" VALUES('keys-2','local','keys-2','0000000000000000000000000000000000000000000000000000000000000002','shown 2: ''ünï'' 🙂
%','["inference"]',1800000000002,1800000000002,NULL,1800000000002);
CREATE TABLE meta (
    "key" TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_meta PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('config_version','local','1');
INSERT INTO "meta" VALUES('key_check','local','ZnJ2MTpkMmVkNDY2NjpRJG2qQFqO0XhJswocAb4zhClNTeGEImC6XnN/34zezrgyCpWTA4IZ0jGb/MBSb5t5');
CREATE TABLE model_lists (
    account_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    fetched_at_ms BIGINT NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_model_lists PRIMARY KEY (account_id)
);
INSERT INTO "model_lists" VALUES('account_id-0','local',1800000000000,'body 0: ''ünï'' 🙂
%');
INSERT INTO "model_lists" VALUES('account_id-1','local',1800000000001,'body 1: ''ünï'' 🙂
%');
INSERT INTO "model_lists" VALUES('account_id-2','local',1800000000002,'body 2: ''ünï'' 🙂
%');
CREATE TABLE receipts (
    request_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_receipts PRIMARY KEY (request_id)
);
INSERT INTO "receipts" VALUES('request_id-0','local',1800000000000,'body 0: ''ünï'' 🙂
%');
INSERT INTO "receipts" VALUES('request_id-1','local',1800000000001,'body 1: ''ünï'' 🙂
%');
INSERT INTO "receipts" VALUES('request_id-2','local',1800000000002,'body 2: ''ünï'' 🙂
%');
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
    response_bytes BIGINT,
    CONSTRAINT pk_requests PRIMARY KEY (id)
);
INSERT INTO "requests" VALUES('requests-0',1800000000000,'local','key_id-0','client 0: ''ünï'' 🙂
%','openai_chat','endpoint 0: ''ünï'' 🙂
%','requested_model 0: ''ünï'' 🙂
%','account_id-0','preset 0: ''ünï'' 🙂
%','model 0: ''ünï'' 🙂
%','openai_chat',1,'lane 0: ''ünï'' 🙂
%',200,'ok','error_type 0: ''ünï'' 🙂
%','error_text 0: ''ünï'' 🙂
%','[]','[]',1800000000000,1800000000000,1,1,1,1,1,1,1,1,1,1,'session_id-0',1,1);
INSERT INTO "requests" VALUES('requests-1',1800000000001,'local','key_id-1','client 1: ''ünï'' 🙂
%','openai_chat','endpoint 1: ''ünï'' 🙂
%','requested_model 1: ''ünï'' 🙂
%','account_id-1','preset 1: ''ünï'' 🙂
%','model 1: ''ünï'' 🙂
%','openai_chat',0,'lane 1: ''ünï'' 🙂
%',200,'ok','error_type 1: ''ünï'' 🙂
%','error_text 1: ''ünï'' 🙂
%','[]','[]',1800000000001,1800000000001,2,2,2,2,2,2,2,0,2,2,'session_id-1',2,2);
INSERT INTO "requests" VALUES('requests-2',1800000000002,'local','key_id-2','client 2: ''ünï'' 🙂
%','openai_chat','endpoint 2: ''ünï'' 🙂
%','requested_model 2: ''ünï'' 🙂
%','account_id-2','preset 2: ''ünï'' 🙂
%','model 2: ''ünï'' 🙂
%','openai_chat',1,'lane 2: ''ünï'' 🙂
%',200,'ok','error_type 2: ''ünï'' 🙂
%','error_text 2: ''ünï'' 🙂
%','[]','[]',1800000000002,1800000000002,3,3,3,3,3,3,3,1,3,3,'session_id-2',3,3);
CREATE TABLE sealed_blobs (
    owner_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    value BLOB NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT,
    CONSTRAINT pk_sealed_blobs PRIMARY KEY (owner_id, kind, id)
);
INSERT INTO "sealed_blobs" VALUES('local','kind 0: ''ünï'' 🙂
%','sealed_blobs-0',X'667276313A64326564343636363A77B25E76F0D872D5904CF87383B70B23B88AD91FB1E6A0923DE398A7DA392E20E986489F',1800000000000,1800000000000);
INSERT INTO "sealed_blobs" VALUES('local1','kind 1: ''ünï'' 🙂
%','sealed_blobs-1',X'667276313A64326564343636363A46F5DBA214B829FDDC0C9C5BCEF8DDB0168550508045A04F48AEB81271B4264D2C4D5789',1800000000001,1800000000001);
INSERT INTO "sealed_blobs" VALUES('local2','kind 2: ''ünï'' 🙂
%','sealed_blobs-2',X'667276313A64326564343636363A623AF65ADAC89CAB93426040F47ECC190FD592A81E2CE953E40C9D1C0E76D05B3B904777',1800000000002,1800000000002);
CREATE TABLE settings (
    owner_id TEXT NOT NULL,
    body TEXT NOT NULL,
    version BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    CONSTRAINT pk_settings PRIMARY KEY (owner_id)
);
INSERT INTO "settings" VALUES('local','{}',3,1800000000000);
INSERT INTO "settings" VALUES('local1','{}',3,1800000000001);
INSERT INTO "settings" VALUES('local2','{}',3,1800000000002);
CREATE TABLE state (
    owner_id TEXT NOT NULL,
    "key" TEXT NOT NULL,
    value BLOB NOT NULL,
    expires_at_ms BIGINT,
    CONSTRAINT pk_state PRIMARY KEY (owner_id, "key")
);
INSERT INTO "state" VALUES('local','key 0: ''ünï'' 🙂
%',X'0000FF',1800000000000);
INSERT INTO "state" VALUES('local','key 1: ''ünï'' 🙂
%',X'0001FF',1800000000001);
INSERT INTO "state" VALUES('local','key 2: ''ünï'' 🙂
%',X'0002FF',1800000000002);
CREATE UNIQUE INDEX uq_keys_live_name ON keys (owner_id, name) WHERE revoked_at_ms IS NULL;
CREATE INDEX ix_requests_account_id_ts_ms_id ON requests (account_id, ts_ms, id);
CREATE INDEX ix_requests_key_id_ts_ms_id ON requests (key_id, ts_ms, id);
CREATE INDEX ix_requests_model_ts_ms_id ON requests (model, ts_ms, id);
CREATE INDEX ix_requests_not_ok ON requests (outcome, ts_ms, id) WHERE outcome <> 'ok';
CREATE INDEX ix_requests_owner_id_ts_ms_id ON requests (owner_id, ts_ms, id);
CREATE INDEX ix_requests_session_id_ts_ms_id ON requests (session_id, ts_ms, id) WHERE session_id IS NOT NULL;
CREATE INDEX ix_requests_ts_ms_id ON requests (ts_ms, id);
CREATE INDEX ix_receipts_created_at_ms ON receipts (created_at_ms);
CREATE INDEX ix_sealed_blobs_expires_at_ms ON sealed_blobs (expires_at_ms);
CREATE INDEX ix_state_expires_at_ms ON state (expires_at_ms);
COMMIT;
