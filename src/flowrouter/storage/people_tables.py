"""The tables of people, in the same schema as all others: users, their sessions, the audit log."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Table, Text, UniqueConstraint

from flowrouter.storage.tables import metadata

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    # The name without case: two that differ in case only are one.
    Column("name_key", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_sealed", LargeBinary, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("password_at_ms", BigInteger),
    Column("seen_at_ms", BigInteger),
    Column("managed", Text),
    UniqueConstraint("owner_id", "name_key"),
)

login_sessions = Table(
    "login_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("user_id", Text, index=True),
    Column("subject", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("seen_at_ms", BigInteger, nullable=False),
    Column("ends_at_ms", BigInteger, nullable=False, index=True),
    Column("idle_ms", BigInteger, nullable=False),
    Column("address", Text),
    Column("client", Text),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ts_ms", BigInteger, nullable=False, index=True),
    Column("owner_id", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("target", Text),
    Column("method", Text),
    Column("path", Text),
    Column("address", Text),
    Column("request_id", Text),
    Column("before", Text),
    Column("after", Text),
)

__all__ = ["audit", "login_sessions", "users"]
