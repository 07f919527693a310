"""Make the first schema: configuration, request log, receipts, sealed values, state."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table, and the counter that tells readers of changes."""
    _create_meta()
    _create_accounts()
    _create_keys()
    _create_settings()
    _create_requests()
    _create_receipts()
    _create_model_lists()
    _create_sealed_blobs()
    _create_state()
    op.execute("INSERT INTO meta (key, owner_id, value) VALUES ('config_version', 'local', '1')")


def _create_meta() -> None:
    op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("preset", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text()),
        sa.Column("dialects", sa.Text(), nullable=False),
        sa.Column("api_key_sealed", sa.LargeBinary()),
        sa.Column("headers_sealed", sa.LargeBinary()),
        sa.Column("models", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("max_concurrency", sa.Integer()),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("owner_id", "name", name="uq_accounts_owner_id_name"),
    )


def _create_keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger()),
        sa.Column("revoked_at_ms", sa.BigInteger()),
        sa.Column("last_used_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_keys"),
        sa.UniqueConstraint("token_hash", name="uq_keys_token_hash"),
    )
    op.create_index(
        "uq_keys_live_name",
        "keys",
        ["owner_id", "name"],
        unique=True,
        sqlite_where=sa.text("revoked_at_ms IS NULL"),
        postgresql_where=sa.text("revoked_at_ms IS NULL"),
    )


def _create_settings() -> None:
    op.create_table(
        "settings",
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name="pk_settings"),
    )


def _create_requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("ts_ms", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text()),
        sa.Column("client", sa.Text()),
        sa.Column("client_dialect", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("requested_model", sa.Text()),
        sa.Column("account_id", sa.Text()),
        sa.Column("preset", sa.Text()),
        sa.Column("model", sa.Text()),
        sa.Column("dialect", sa.Text()),
        sa.Column("stream", sa.Boolean(), nullable=False),
        sa.Column("lane", sa.Text()),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("error_type", sa.Text()),
        sa.Column("error_text", sa.Text()),
        sa.Column("attempts", sa.Text()),
        sa.Column("losses", sa.Text()),
        sa.Column("ttft_ms", sa.BigInteger()),
        sa.Column("duration_ms", sa.BigInteger()),
        sa.Column("overhead_us", sa.BigInteger()),
        sa.Column("input_tokens", sa.BigInteger()),
        sa.Column("cache_read_tokens", sa.BigInteger()),
        sa.Column("cache_write_tokens", sa.BigInteger()),
        sa.Column("cache_write_1h_tokens", sa.BigInteger()),
        sa.Column("output_tokens", sa.BigInteger()),
        sa.Column("reasoning_tokens", sa.BigInteger()),
        sa.Column("usage_estimated", sa.Boolean(), nullable=False),
        sa.Column("cost_pusd", sa.BigInteger()),
        sa.Column("charge_pusd", sa.BigInteger()),
        sa.Column("session_id", sa.Text()),
        sa.Column("request_bytes", sa.BigInteger()),
        sa.Column("response_bytes", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
    )
    op.create_index("ix_requests_account_id_ts_ms_id", "requests", ["account_id", "ts_ms", "id"])
    op.create_index("ix_requests_key_id_ts_ms_id", "requests", ["key_id", "ts_ms", "id"])
    op.create_index("ix_requests_model_ts_ms_id", "requests", ["model", "ts_ms", "id"])
    op.create_index(
        "ix_requests_not_ok",
        "requests",
        ["outcome", "ts_ms", "id"],
        sqlite_where=sa.text("outcome <> 'ok'"),
        postgresql_where=sa.text("outcome <> 'ok'"),
    )
    op.create_index("ix_requests_owner_id_ts_ms_id", "requests", ["owner_id", "ts_ms", "id"])
    op.create_index(
        "ix_requests_session_id_ts_ms_id",
        "requests",
        ["session_id", "ts_ms", "id"],
        sqlite_where=sa.text("session_id IS NOT NULL"),
        postgresql_where=sa.text("session_id IS NOT NULL"),
    )
    op.create_index("ix_requests_ts_ms_id", "requests", ["ts_ms", "id"])


def _create_receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name="pk_receipts"),
    )
    op.create_index("ix_receipts_created_at_ms", "receipts", ["created_at_ms"])


def _create_model_lists() -> None:
    op.create_table(
        "model_lists",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("fetched_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_model_lists"),
    )


def _create_sealed_blobs() -> None:
    op.create_table(
        "sealed_blobs",
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("owner_id", "kind", "id", name="pk_sealed_blobs"),
    )
    op.create_index("ix_sealed_blobs_expires_at_ms", "sealed_blobs", ["expires_at_ms"])


def _create_state() -> None:
    op.create_table(
        "state",
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("owner_id", "key", name="pk_state"),
    )
    op.create_index("ix_state_expires_at_ms", "state", ["expires_at_ms"])
