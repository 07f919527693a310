"""Where the store is, SQLite or PostgreSQL: what the data plane's half needs of either.

SQL is written once: `?` for values, rows read by position or by name, no word that one of the two does not
know. `SqlitePlace` (in `sqlite`) and `PostgresPlace` (in `postgres`, loaded only where it is configured)
differ in how a connection is had, how a transaction keeps others out, and how failures are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar

from flowrouter.errors import ConfigError
from flowrouter.storage.insertion import Insertion

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


class Cursor(Protocol):
    """What a statement returned; iterating yields rows readable by position and by name."""

    @property
    def rowcount(self) -> int:
        """Return how many rows were changed."""
        ...

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """One connection, for one thread at a time; every statement outside a transaction is its own."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor:
        """Run one statement."""
        ...

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Any:
        """Run one statement for each of `parameters`."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class Place(Protocol):
    """One store; serves all threads."""

    @property
    def shown(self) -> str:
        """Return its name for people: a path, or an address without its password."""
        ...

    @property
    def shared(self) -> bool:
        """Return whether other machines may be using it too."""
        ...

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """Return what the driver raises."""
        ...

    @property
    def row_errors(self) -> tuple[type[Exception], ...]:
        """Return what says that a row cannot be stored, though the store is well."""
        ...

    def connect(self, *, busy_ms: int = ...) -> Connection:
        """Open a connection of one's own; waits `busy_ms` for locks; raises `errors`."""
        ...

    def opened(self) -> AbstractContextManager[Connection]:
        """Lend a connection for one piece of work; raises `StorageError`."""
        ...

    def writing(self) -> AbstractContextManager[Connection]:
        """Lend a connection in a transaction; raises `StorageError`."""
        ...

    def transaction(self, connection: Connection) -> AbstractContextManager[Connection]:
        """Let all or nothing of what follows be done."""
        ...

    def one_moment(self, connection: Connection) -> AbstractContextManager[Connection]:
        """Let several reads see the same moment."""
        ...

    def hold(self, connection: Connection, name: str) -> None:
        """Until the transaction ends, keep out all others that hold `name`; SQLite's do so by themselves."""
        ...

    def insert(self, connection: Connection, into: Insertion, columns: Sequence[Sequence[Any]], /) -> int:
        """Insert rows, given by columns, no columns being none; return how many were inserted or changed."""
        ...

    def explained(self) -> AbstractContextManager[None]:
        """Turn the driver's errors into `StorageError`."""
        ...

    def explain(self, error: BaseException) -> str:
        """Return what went wrong, in a sentence."""
        ...

    async def run(
        self, work: Callable[Parameters, Answer], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Answer:
        """Do blocking work with the store in a thread, so that nothing else waits for it."""
        ...

    def close(self) -> None:
        """Close what is kept open between pieces of work."""
        ...


def place_of(data: Path, *, url: str = "") -> Place:
    """Return the store at `url`, or the file in the folder `data`; raises `ConfigError`. Nothing is opened."""
    if not url:
        from flowrouter.storage.sqlite import SqlitePlace, store_path

        return SqlitePlace(store_path(data))
    if find_spec("psycopg") is None:
        raise ConfigError(
            "[store] url needs the PostgreSQL client, which is not installed",
            fix='pip install "flow-router[cluster]"',
        )
    from flowrouter.storage.postgres import PostgresPlace

    return PostgresPlace(url)


__all__ = ["Connection", "Cursor", "Place", "place_of"]
