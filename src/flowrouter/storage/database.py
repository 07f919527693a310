"""The SQLAlchemy door to the store: one engine, explicit read and write transactions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Connection, Engine, Text, cast, create_engine, event, update
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from flowrouter.errors import CallerError, StorageError
from flowrouter.gateway.ports import ConflictError
from flowrouter.storage.place import Place
from flowrouter.storage.sqlite import SqlitePlace, connect
from flowrouter.storage.tables import meta

_WRITE = "flow_router_write"

CONFIGURATION = "configuration"
"""What a transaction of people holds on PostgreSQL, so that what it has read stays true; SQLite has one lock."""


class Database:
    """A store that management code reads and writes; one instance serves all threads."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._engine = engine_of(place)
        self._whole = threading.local()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make one transaction of all that this thread reads and writes: whatever fails leaves all as it was."""
        if getattr(self._whole, "connection", None) is not None:
            yield
            return
        with self.write() as connection:
            self._whole.connection = connection
            try:
                yield
            finally:
                self._whole.connection = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one moment of the store; raises `StorageError`, `CallerError`."""
        whole: Connection | None = getattr(self._whole, "connection", None)
        if whole is not None:
            with self._explained():
                yield whole
            return
        with self._explained(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, hold: tuple[str, ...] = (CONFIGURATION,)) -> Iterator[Connection]:
        """Open a transaction that holds the write lock; raises `StorageError`, `ConflictError`.

        On PostgreSQL it keeps out only what holds one of `hold`.
        """
        whole: Connection | None = getattr(self._whole, "connection", None)
        if whole is not None:
            with self._explained():
                yield whole
            return
        with self._explained(), self._engine.connect() as plain:
            connection = plain.execution_options(**self._for_writing())
            with connection.begin():
                driver: Any = connection.connection.driver_connection
                for name in hold:
                    self.place.hold(driver, name)
                yield connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _for_writing(self) -> dict[str, Any]:
        return {"isolation_level": "READ COMMITTED"} if self.place.shared else {_WRITE: True}

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise ConflictError("the name is taken") from error
        except DataError as error:  # NUL in a text, a number beyond 64 bits: PostgreSQL has neither
            raise CallerError("a value is one that the store cannot hold") from error
        except DBAPIError as error:
            raise StorageError(self.place.explain(error.orig or error)) from error
        except self.place.errors as error:
            raise StorageError(self.place.explain(error)) from error


def engine_of(place: Place) -> Engine:
    """Return an engine for `place`; reads see one moment on either."""
    if isinstance(place, SqlitePlace):
        return sqlite_engine(place.path)
    from flowrouter.storage.postgres_engine import postgres_engine

    return postgres_engine(place)


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


__all__ = ["CONFIGURATION", "Database", "bump", "engine_of", "owned", "sqlite_engine"]
