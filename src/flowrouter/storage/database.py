"""The SQLAlchemy door to the store: one engine, explicit read and write transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Connection, Engine, Text, cast, create_engine, event, update
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from flowrouter.errors import StorageError
from flowrouter.gateway.ports import ConflictError
from flowrouter.storage.sqlite import connect, explain
from flowrouter.storage.tables import meta

_WRITE = "flow_router_write"


class Database:
    """A store that management code reads and writes; one instance serves all threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = sqlite_engine(path)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one moment of the store; raises `StorageError`."""
        with self._explained(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that holds the write lock; raises `StorageError`, `ConflictError`."""
        with (
            self._explained(),
            self._engine.connect() as connection,
            connection.execution_options(**{_WRITE: True}).begin(),
        ):
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise ConflictError("the name is taken") from error
        except DBAPIError as error:
            raise StorageError(explain(self.path, error.orig or error)) from error


def sqlite_engine(path: Path) -> Engine:
    """Return an engine whose transactions are real: BEGIN first, IMMEDIATE for writers.

    The driver's own habit (no BEGIN before DDL or SELECT) would leave half a migration behind.
    """
    engine = create_engine("sqlite://", creator=lambda: connect(path), poolclass=QueuePool)
    event.listen(engine, "connect", _leave_transactions_to_us)
    event.listen(engine, "begin", _begin)
    return engine


def bump(connection: Connection) -> None:
    """Tell every reader of the configuration that it changed; part of the change's transaction."""
    grown = cast(cast(meta.c.value, BigInteger) + 1, Text)
    connection.execute(update(meta).where(meta.c.key == "config_version").values(value=grown))


def owned(statement: Any, table: Any, owner_id: str | None) -> Any:
    """Return `statement` narrowed to one owner's rows; None leaves it for every owner."""
    return statement if owner_id is None else statement.where(table.c.owner_id == owner_id)


def _leave_transactions_to_us(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    connection.row_factory = None


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(_WRITE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


__all__ = ["Database", "bump", "owned", "sqlite_engine"]
