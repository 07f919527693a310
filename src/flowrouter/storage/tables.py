"""The schema as SQLAlchemy tables, one for SQLite and PostgreSQL.

Every table names an owner. Times are integer milliseconds, money is pico-USD in BIGINT, JSON is
text. A change here needs a migration; a contract test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("value", Text, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("preset", Text, nullable=False),
    Column("base_url", Text),
    Column("dialects", Text, nullable=False),
    Column("api_key_sealed", LargeBinary),
    Column("headers_sealed", LargeBinary),
    Column("models", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("max_concurrency", Integer),
    Column("enabled", Boolean, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("unsupported", Text),
    Column("tags", Text),
    Column("weight", Integer),
    Column("oauth_sealed", LargeBinary),
    Column("quota", Text),
    Column("reserve", Text),
    Column("managed", Text),
    UniqueConstraint("owner_id", "name"),
)

combos = Table(
    "combos",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    # The name in lower case: two that differ in case only are one.
    Column("name_key", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("managed", Text),
    UniqueConstraint("owner_id", "name_key"),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("shown", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger),
    Column("revoked_at_ms", BigInteger),
    Column("last_used_at_ms", BigInteger),
    Column("policy", Text),
    Column("disabled_at_ms", BigInteger),
    Column("version", BigInteger),
    Column("managed", Text),
)
Index(
    "uq_keys_live_name",
    keys.c.owner_id,
    keys.c.name,
    unique=True,
    sqlite_where=text("revoked_at_ms IS NULL"),
    postgresql_where=text("revoked_at_ms IS NULL"),
)

settings = Table(
    "settings",
    metadata,
    Column("owner_id", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("managed", Text),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ts_ms", BigInteger, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("key_id", Text),
    Column("client", Text),
    Column("client_dialect", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("requested_model", Text),
    Column("account_id", Text),
    Column("preset", Text),
    Column("model", Text),
    Column("dialect", Text),
    Column("stream", Boolean, nullable=False),
    Column("lane", Text),
    Column("status", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("error_type", Text),
    Column("error_text", Text),
    Column("attempts", Text),
    Column("losses", Text),
    Column("ttft_ms", BigInteger),
    Column("duration_ms", BigInteger),
    Column("overhead_us", BigInteger),
    Column("input_tokens", BigInteger),
    Column("cache_read_tokens", BigInteger),
    Column("cache_write_tokens", BigInteger),
    Column("cache_write_1h_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("reasoning_tokens", BigInteger),
    Column("usage_estimated", Boolean, nullable=False),
    Column("cost_pusd", BigInteger),
    Column("charge_pusd", BigInteger),
    Column("session_id", Text),
    Column("request_bytes", BigInteger),
    Column("response_bytes", BigInteger),
    Column("combo", Text),
    Column("finish", Text),
    Column("tools", Text),
)
# Holds all that lists are chosen by, so that several filters at once need no look at the rows.
Index(
    "ix_requests_wide",
    requests.c.ts_ms,
    requests.c.id,
    requests.c.owner_id,
    requests.c.key_id,
    requests.c.account_id,
    requests.c.preset,
    requests.c.model,
    requests.c.client_dialect,
    requests.c.outcome,
)
Index(None, requests.c.owner_id, requests.c.ts_ms, requests.c.id)
Index(None, requests.c.key_id, requests.c.ts_ms, requests.c.id)
Index(None, requests.c.account_id, requests.c.ts_ms, requests.c.id)
Index(None, requests.c.model, requests.c.ts_ms, requests.c.id)
Index(
    None,
    requests.c.session_id,
    requests.c.ts_ms,
    requests.c.id,
    sqlite_where=text("session_id IS NOT NULL"),
    postgresql_where=text("session_id IS NOT NULL"),
)
Index(
    "ix_requests_not_ok",
    requests.c.outcome,
    requests.c.ts_ms,
    requests.c.id,
    sqlite_where=text("outcome <> 'ok'"),
    postgresql_where=text("outcome <> 'ok'"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False, index=True),
    Column("body", Text, nullable=False),
)

recordings = Table(
    "recordings",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False, index=True),
    Column("size", BigInteger, nullable=False),
    Column("body_sealed", LargeBinary, nullable=False),
)

model_lists = Table(
    "model_lists",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("fetched_at_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)

sealed_blobs = Table(
    "sealed_blobs",
    metadata,
    Column("owner_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, index=True),
    PrimaryKeyConstraint("owner_id", "kind", "id"),
)

state = Table(
    "state",
    metadata,
    Column("owner_id", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("expires_at_ms", BigInteger, index=True),
    PrimaryKeyConstraint("owner_id", "key"),
)

__all__ = [
    "accounts",
    "combos",
    "keys",
    "meta",
    "metadata",
    "model_lists",
    "receipts",
    "recordings",
    "requests",
    "sealed_blobs",
    "settings",
    "state",
]
