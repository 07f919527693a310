"""Puts made rows into a store in bulk: indexes go first and come back at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any

from sqlalchemy import Index, Table, text

from flowrouter.storage.database import Database
from flowrouter.storage.ledger_tables import ledger, rollups
from flowrouter.storage.postings import LINE
from flowrouter.storage.request_rows import COLUMNS
from flowrouter.storage.tables import receipts, requests
from tests.scale.rows import Maker

Tell = Callable[[str, int], None]

_KEY = ("day_ms", "owner_id", "key_id", "account_id", "preset", "model")
_ROLLUPS = tuple(column.name for column in rollups.columns)
_RECEIPTS = ("request_id", "owner_id", "created_at_ms", "body")


def fill(database: Database, maker: Maker, tell: Tell = lambda _what, _count: None) -> None:
    """Store everything `maker` makes; `tell` hears of each step."""
    indexes = [index for table in (requests, ledger, receipts) for index in table.indexes]
    with database.write() as connection:
        for index in indexes:
            index.drop(connection)
    stored = 0
    for batch in maker.batches():
        with database.write() as connection:
            _insert(connection, requests, COLUMNS, batch.requests)
            _insert(connection, ledger, LINE, batch.ledger)
            _insert(connection, receipts, _RECEIPTS, batch.receipts)
        stored += len(batch.requests)
        tell("rows", stored)
    with database.write() as connection:
        _insert(connection, rollups, _ROLLUPS, list(maker.rollup_rows()))
    sums = import_module("flowrouter.storage.migrations.versions.0011_sums")
    for number, statement in enumerate(sums.entering(), start=1):
        with database.write() as connection:
            connection.execute(text(statement))
        tell("sums", number)
    for number, index in enumerate(indexes, start=1):
        _index(database, index)
        tell("indexes", number)
    with database.write() as connection:
        connection.exec_driver_sql("ANALYZE")


def _index(database: Database, index: Index) -> None:
    with database.write() as connection:
        if not database.place.shared:
            connection.exec_driver_sql("PRAGMA cache_size=-1000000")
        index.create(connection)


def _insert(connection: Any, table: Table, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert `rows` the fastest way the engine has."""
    driver = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        driver.execute("PRAGMA cache_size=-1000000")
        marks = ", ".join("?" * len(names))
        driver.executemany(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})", rows)
        return
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


__all__ = ["fill"]
