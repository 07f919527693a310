"""Plain `sqlite3` connections, opened the one right way, and errors told in our own words."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from flowrouter.errors import StorageError
from flowrouter.storage.insertion import Insertion
from flowrouter.storage.many_rows import ManyRows
from flowrouter.storage.schema import FILE_NAME

BUSY_MS = 5_000

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


class SqlitePlace:
    """The file at `path`."""

    shared = False
    errors: tuple[type[Exception], ...] = (sqlite3.Error,)
    row_errors: tuple[type[Exception], ...] = (
        sqlite3.IntegrityError,
        sqlite3.ProgrammingError,
        sqlite3.InterfaceError,
        OverflowError,
        ValueError,
    )

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shown = str(path)
        self._rows = ManyRows()

    def connect(self, *, busy_ms: int = BUSY_MS) -> sqlite3.Connection:
        """Open the file; raises `sqlite3.Error`."""
        return connect(self.path, busy_ms=busy_ms)

    def opened(self) -> AbstractContextManager[sqlite3.Connection]:
        """Lend a connection for one piece of work; raises `StorageError`."""
        return opened(self.path)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that holds the write lock; raises `StorageError`."""
        with opened(self.path) as connection, transaction(connection):
            yield connection

    def transaction(self, connection: Any) -> AbstractContextManager[sqlite3.Connection]:
        """Hold the write lock."""
        return transaction(connection)

    def one_moment(self, connection: Any) -> AbstractContextManager[sqlite3.Connection]:
        """Let several reads see the same moment."""
        return one_moment(connection)

    def hold(self, connection: Any, name: str) -> None:
        """Do nothing: a transaction holds the file's one write lock as it is."""

    def insert(self, connection: Any, into: Insertion, columns: Sequence[Sequence[Any]], /) -> int:
        """Insert rows, given by columns, many by each statement; where it raises, the transaction must not be kept."""
        return self._rows.insert(connection, into, columns) if columns else 0

    def explained(self) -> AbstractContextManager[None]:
        """Turn `sqlite3` errors into `StorageError`."""
        return explained(self.path)

    def explain(self, error: BaseException) -> str:
        """Return what went wrong, in a sentence."""
        return explain(self.path, error)

    async def run(
        self, work: Callable[Parameters, Answer], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Answer:
        """Do blocking work in one of the loop's threads."""
        return await asyncio.to_thread(work, *args, **kwargs)

    def close(self) -> None:
        """Do nothing: no connection outlives its work."""


def connect(path: Path, *, busy_ms: int = BUSY_MS, read_only: bool = False) -> sqlite3.Connection:
    """Open `path` in autocommit mode, for use by one thread at a time; raises `sqlite3.Error`.

    WAL with `synchronous=NORMAL`: a killed process loses nothing committed, a power cut may lose
    the last commits but never corrupts. The WAL is cut back to 64 MiB after a checkpoint.
    """
    uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}"
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=busy_ms / 1000
    )
    connection.row_factory = sqlite3.Row
    try:
        connection.executescript("PRAGMA synchronous=NORMAL; PRAGMA journal_size_limit=67108864;")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Hold the write lock from the start, so that a reader never has to become a writer halfway."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


@contextmanager
def one_moment(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Let several reads see the same moment; always ended, so that the WAL can be cut back."""
    connection.execute("BEGIN")
    try:
        yield connection
    finally:
        with suppress(sqlite3.Error):
            connection.execute("COMMIT")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn `sqlite3` errors into `StorageError` that names the file and, where known, the cure."""
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(explain(path, error)) from error


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Lend a connection to `path` for one piece of work; raises `StorageError`."""
    with explained(path), closing(connect(path)) as connection:
        yield connection


def explain(path: Path, error: BaseException) -> str:
    """Return what went wrong with the store at `path`, in a sentence."""
    text = str(error)
    lowered = text.lower()
    if "locked" in lowered or "busy" in lowered:
        return f"the store {path} is locked by another process; try again, or close what holds it"
    if "full" in lowered:
        return f"no room left for the store {path}; free some disk space"
    if "not a database" in lowered or "malformed" in lowered:
        return f"the store {path} is damaged ({text}); put one of its backups back: flow-router backup list"
    if "unable to open" in lowered:
        return f"cannot open the store {path}; check that its directory exists and is yours"
    if "readonly" in lowered:
        return f"the store {path} cannot be written; check its permissions"
    return f"the store {path} failed: {text}"


def create_file(path: Path) -> None:
    """Make an empty file only its owner can read; SQLite gives its side files the same mode."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def store_path(data: Path) -> Path:
    """Return where the store of the data directory `data` is."""
    return data / FILE_NAME


__all__ = [
    "BUSY_MS",
    "SqlitePlace",
    "connect",
    "create_file",
    "explain",
    "explained",
    "one_moment",
    "opened",
    "store_path",
    "transaction",
]
