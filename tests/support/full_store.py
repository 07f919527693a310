"""Fills every table of a store, of whatever schema and on whatever engine, and reads all of it back.

Values are told by the columns' types and names, so that a table which a later migration adds is filled by
itself; where the program has to understand a value, it is one that it would have written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Integer, LargeBinary, MetaData, Table, select

from flowrouter.accounts.vault import Vault
from flowrouter.storage.database import sqlite_engine
from flowrouter.storage.rekey import row_name

START_MS = 1_800_000_000_000
WIDE = 2**53 + 1
"""Whole numbers that a float cannot hold."""

_OURS = frozenset({"meta", "alembic_version"})
_PLAIN = frozenset({("state", "value")})
_COMBO = '{"members":[{"model":"gpt-x"}]}'
_OAUTH = '{"token_url":"https://id.example/token","client_id":"c","refresh_token":"refresh %d"}'

_VALUES: Mapping[tuple[str, str], Callable[[int], Any]] = {
    ("accounts", "preset"): lambda n: "openai",
    ("accounts", "base_url"): lambda n: None,
    ("accounts", "dialects"): lambda n: '["openai_chat"]',
    ("accounts", "models"): lambda n: '["gpt-x"]',
    ("accounts", "enabled"): lambda n: True,
    ("accounts", "unsupported"): lambda n: "drop",
    ("accounts", "tags"): lambda n: '["local"]',
    ("accounts", "quota"): lambda n: None,
    ("accounts", "reserve"): lambda n: None,
    ("keys", "scopes"): lambda n: '["inference"]',
    ("keys", "token_hash"): lambda n: f"{n:064x}",
    ("keys", "policy"): lambda n: None,
    ("keys", "revoked_at_ms"): lambda n: START_MS if n == 1 else None,
    ("combos", "body"): lambda n: _COMBO,
    ("settings", "body"): lambda n: "{}",
    ("settings", "version"): lambda n: 3,
    ("requests", "client_dialect"): lambda n: "openai_chat",
    ("requests", "dialect"): lambda n: "openai_chat",
    ("requests", "attempts"): lambda n: "[]",
    ("requests", "losses"): lambda n: "[]",
    ("requests", "tools"): lambda n: "[]",
    ("requests", "outcome"): lambda n: "ok",
    ("requests", "status"): lambda n: 200,
    ("users", "role"): lambda n: "admin",
    ("login_sessions", "role"): lambda n: "admin",
    ("audit", "before"): lambda n: '{"name":"a"}',
    ("audit", "after"): lambda n: '{"name":"b"}',
}
_SEALED: Mapping[tuple[str, str], Callable[[int], bytes | None]] = {
    ("accounts", "api_key_sealed"): lambda n: None if n == 2 else b"sk-example-%d" % n,
    ("accounts", "headers_sealed"): lambda n: b'{"x-team":"header %d"}' % n,
    ("accounts", "oauth_sealed"): lambda n: (_OAUTH % n).encode() if n == 2 else None,
}


def fill(connection: Connection, vault: Vault, *, rows: int = 3) -> None:
    """Put `rows` rows into every table but those that the program fills itself."""
    shape = MetaData()
    shape.reflect(connection)
    for table in shape.sorted_tables:
        if table.name in _OURS:
            continue
        for number in range(rows):
            values = {column.name: _value(table, column, number) for column in table.columns}
            sealed = [column for column in table.columns if isinstance(column.type, LargeBinary)]
            row = row_name([values[column.name] for column in table.primary_key.columns])
            for column in sealed:
                values[column.name] = _blob(vault, table.name, column.name, row=row, number=number)
            connection.execute(table.insert().values(**values))


def fill_file(path: Path, vault: Vault, *, rows: int = 3) -> None:
    """Do so with an SQLite file."""
    engine = sqlite_engine(path)
    with engine.begin() as connection:
        fill(connection, vault, rows=rows)
    engine.dispose()


def contents(connection: Connection, *, only: Mapping[str, list[str]] | None = None) -> dict[str, list[Any]]:
    """Return all rows of every table, in an order of their own; `only` names the tables and columns to read."""
    shape = MetaData()
    shape.reflect(connection)
    found: dict[str, list[Any]] = {}
    for table in shape.sorted_tables:
        if only is not None and table.name not in only:
            continue
        names = sorted(only[table.name] if only is not None else table.columns.keys())
        rows = connection.execute(select(*(table.columns[name] for name in names)))
        found[table.name] = sorted(
            (
                tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
                for row in rows
            ),
            key=repr,
        )
    return found


def contents_of(path: Path, *, only: Mapping[str, list[str]] | None = None) -> dict[str, list[Any]]:
    """Return the same of an SQLite file."""
    engine = sqlite_engine(path)
    try:
        with engine.connect() as connection, connection.begin():
            return contents(connection, only=only)
    finally:
        engine.dispose()


def columns_of(path: Path) -> dict[str, list[str]]:
    """Return the columns of each table of an SQLite file."""
    engine = sqlite_engine(path)
    shape = MetaData()
    shape.reflect(engine)
    engine.dispose()
    return {table.name: list(table.columns.keys()) for table in shape.sorted_tables}


def _value(table: Table, column: Column[Any], number: int) -> Any:
    own = _VALUES.get((table.name, column.name))
    if own is not None:
        return own(number)
    match column.name:
        case "owner_id":
            return "local" if table.name not in ("settings", "sealed_blobs") else f"local{number or ''}"
        case "managed":
            return None
        case "id" | "name":
            return f"{table.name}-{number}"
        case name if name.endswith("_id"):
            return f"{name}-{number}"
        case name if name.endswith("_ms"):
            return START_MS + number
        case name if name.endswith("_key") and not isinstance(column.type, LargeBinary):
            return f"{name} {number}"
    match column.type:
        case Boolean():
            return number % 2 == 0
        case Integer() if str(column.type) == "BIGINT" and table.name not in (
            "requests",
            "ledger",
            "rollups",
        ):
            return WIDE + number
        case Integer():
            return number + 1
        case LargeBinary():
            return b""
        case _:
            return f"{column.name} {number}: 'ünï' \U0001f642\n%"


def _blob(vault: Vault, table: str, column: str, *, row: str, number: int) -> bytes | None:
    if (table, column) in _PLAIN:
        return bytes([0, number, 255])
    told = _SEALED.get((table, column), lambda n: b"secret %d" % n)(number)
    if told is None:
        return None
    return vault.seal(told, table=table, row=row, field=column.removesuffix("_sealed"))


__all__ = ["START_MS", "WIDE", "columns_of", "contents", "contents_of", "fill", "fill_file"]
