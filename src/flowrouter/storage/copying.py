"""Every row of one store into another, whatever the two are kept in: one moment read, one transaction written.

The shape comes from the SQLite side, where there is one, so that a store of an older schema can be copied too. Both
sides must have the same tables: a table that only one of them knows is an error, never left out.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, Table, inspect, select, text
from sqlalchemy.exc import DBAPIError

from flowrouter.errors import StorageError
from flowrouter.gateway.backups import BackupError
from flowrouter.storage.database import engine_of, sqlite_engine
from flowrouter.storage.migrating import run_migrations
from flowrouter.storage.place import Place
from flowrouter.storage.schema import APPLICATION_ID, SCHEMA_VERSION, statements
from flowrouter.storage.sqlite import create_file
from flowrouter.storage.whole_schema import metadata

BATCH = 1000
"""Rows that are held at a time."""

_HISTORY = "alembic_version"


def copy_rows(source: Connection, target: Connection) -> dict[str, int]:
    """Replace all rows of `target` by those of `source` and return their numbers by table.

    Both must be in a transaction, and of the same schema. Raises `StorageError`, and what SQLAlchemy raises.
    """
    tables = _shape(source, target).sorted_tables
    for table in tables:
        target.execute(table.delete())
    plain = target.dialect.name == "postgresql"
    copied: dict[str, int] = {}
    for table in tables:
        copied[table.name] = 0
        for rows in _batches(source, table):
            target.execute(table.insert(), [_without_nul(row) for row in rows] if plain else rows)
            copied[table.name] += len(rows)
    return copied


class SharedSource:
    """A store that is no file, as a source of backups: all its rows in an SQLite file of its schema."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.engine = "postgresql" if place.shared else "sqlite"
        self.shown = f"the store {place.shown}"

    def size(self) -> int:
        """Return the bytes that the server keeps for it; raises `StorageError`."""
        try:
            with self._place.opened() as connection:
                return int(connection.execute("SELECT pg_database_size(current_database())").fetchone()[0])
        finally:
            self._place.close()  # the next backup is far away

    def copy_to(self, file: Path) -> None:
        """Write one moment of the store to an empty file; raises `StorageError`, `sqlite3.Error`."""
        with one_moment_of(self._place) as source:
            version = int(source.execute(text(f"SELECT version_num FROM {_HISTORY}")).scalar_one())  # noqa: S608 - our own name
            make_store(file, version=version)
            with writing_to(file) as target:
                copy_rows(source, target)


@contextmanager
def one_moment_of(place: Place) -> Iterator[Connection]:
    """Lend a connection that sees one moment of a store; raises `StorageError`."""
    engine = engine_of(place)
    try:
        with engine.connect() as connection, connection.begin():
            yield connection
    except DBAPIError as error:
        raise StorageError(place.explain(error.orig or error)) from error
    except place.errors as error:
        raise StorageError(place.explain(error)) from error
    finally:
        engine.dispose()


@contextmanager
def writing_to(file: Path) -> Iterator[Connection]:
    """Lend a connection in a transaction on an SQLite file; raises `sqlite3.Error`."""
    engine = sqlite_engine(file)
    try:
        with engine.connect() as plain:
            connection = plain.execution_options(flow_router_write=True)
            with connection.begin():
                yield connection
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise error.orig from error
        raise
    finally:
        engine.dispose()


@contextmanager
def reading(file: Path) -> Iterator[Connection]:
    """Lend a connection that sees one moment of an SQLite file."""
    engine = sqlite_engine(file)
    try:
        with engine.connect() as connection, connection.begin():
            yield connection
    finally:
        engine.dispose()


@contextmanager
def replacing(place: Place) -> Iterator[Connection]:
    """Lend a connection in a transaction that keeps all other writers of a server's store out.

    Raises `StorageError`; a `BackupError` where somebody else is connected.
    """
    with one_moment_of(place) as connection:
        if others := _others(connection):
            raise BackupError(
                f"the store {place.shown} is in use (connections: {others}), nothing was changed",
                trouble="in_use",
                fix="stop every gateway that uses it, then try again",
            )
        for name in sorted(inspect(connection).get_table_names()):
            connection.exec_driver_sql(f'LOCK TABLE "{name}" IN EXCLUSIVE MODE')
        yield connection


def _others(connection: Connection) -> int:
    """Return how many other connections of ours there are; one that was closed may be seen a moment longer."""
    count = 0
    for _ in range(20):
        connection.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
        count = int(connection.exec_driver_sql(_OTHERS).scalar_one())
        if not count:
            break
        time.sleep(0.1)
    return count


_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND application_name = current_setting('application_name')
"""


def make_store(file: Path, *, version: int = SCHEMA_VERSION) -> None:
    """Make the tables of a schema in an SQLite file that is empty or not there; raises `sqlite3.Error`."""
    create_file(file)
    if version != SCHEMA_VERSION:
        run_migrations(file, to=version)
        return
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for statement in statements():
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def _shape(source: Connection, target: Connection) -> MetaData:
    names = {side: set(inspect(side).get_table_names()) - {_HISTORY} for side in (source, target)}
    odd = names[source] ^ names[target]
    if odd:
        raise StorageError(
            f"the two stores are not of one schema; only one of them has: {', '.join(sorted(odd))}"
        )
    for side in (target, source):
        if side.dialect.name == "sqlite":
            found = MetaData()
            found.reflect(side, only=sorted(names[side]))
            return found
    return metadata


def _batches(source: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    found = source.execute(select(table).execution_options(yield_per=BATCH))
    for rows in found.mappings().partitions(BATCH):
        yield [dict(row) for row in rows]


def _without_nul(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as PostgreSQL takes it: its text cannot hold the character 0."""
    return {
        name: value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value
        for name, value in row.items()
    }


__all__ = [
    "BATCH",
    "SharedSource",
    "copy_rows",
    "make_store",
    "one_moment_of",
    "reading",
    "replacing",
    "writing_to",
]
