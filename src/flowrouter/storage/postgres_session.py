"""One connection to PostgreSQL that takes statements as `sqlite3` does, and what watches over it."""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from threading import Event, Lock, Thread
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from flowrouter.clock import SystemClock

LOOK_SECONDS = 0.5


class Row(Sequence[Any]):
    """A row read by position and by name."""

    __slots__ = ("_at", "_values")

    def __init__(self, values: Sequence[Any], at: dict[str, int]) -> None:
        self._values = values
        self._at = at

    def __getitem__(self, place: Any) -> Any:
        return self._values[self._at[place] if isinstance(place, str) else place]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Row({', '.join(self._at)})"

    def keys(self) -> list[str]:
        """Return the names of the columns."""
        return list(self._at)


def rows_by_name(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], Row]:
    """Return what makes a `Row` of the values of one; psycopg's way of asking."""
    at = {column.name: place for place, column in enumerate(cursor.description or ())}
    return lambda values: Row(values, at)


class Watch:
    """Ends connections whose server owes an answer for more than `limit` seconds; costs a thread in use."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._clock = SystemClock()
        self._lock = Lock()
        self._since: dict[int, tuple[float, int]] = {}
        self._closed = Event()
        self._thread: Thread | None = None

    @contextmanager
    def over(self, session: Session, descriptor: int) -> Iterator[None]:
        """Watch over one statement on the socket `descriptor`."""
        with self._lock:
            self._since[id(session)] = (self._clock.monotonic(), descriptor)
            self._closed.clear()
            if self._thread is None:
                self._thread = Thread(target=self._run, name="store-watch", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._since.pop(id(session), None)

    def close(self) -> None:
        """End the thread, once nothing is watched."""
        self._closed.set()

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            latest = self._clock.monotonic() - self._limit
            with self._lock:  # a descriptor is in use as long as it is here
                late = [key for key, (since, _) in self._since.items() if since < latest]
                for key in late:
                    _, descriptor = self._since.pop(key)
                    _hang_up(descriptor)
                if self._closed.is_set() and not self._since:
                    self._thread = None
                    return


class Session:
    """A connection in autocommit mode; `busy_ms` is how long its transactions wait for locks."""

    def __init__(self, connection: psycopg.Connection[Any], *, watch: Watch, busy_ms: int) -> None:
        self._connection = connection
        self._watch = watch
        self.busy_ms = busy_ms

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> psycopg.Cursor[Any]:
        """Run one statement, or without parameters several; raises `psycopg.Error`."""
        with self._watch.over(self, self._connection.pgconn.socket):
            if parameters:
                return self._connection.execute(translated(sql), parameters)  # type: ignore[arg-type]
            return self._connection.execute(sql)  # type: ignore[arg-type]

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> None:
        """Run one statement for each of `parameters`, without waiting for each answer."""
        rows = list(parameters)
        if rows:
            with self._watch.over(self, self._connection.pgconn.socket):
                self._connection.cursor().executemany(translated(sql), rows)  # type: ignore[arg-type]

    def close(self) -> None:
        """End the connection."""
        with suppress(psycopg.Error):
            self._connection.close()

    def is_broken(self) -> bool:
        """Return whether the connection is lost."""
        return self._connection.closed or self._connection.broken

    def is_idle(self) -> bool:
        """Return whether it can be lent to others: open, and in no transaction."""
        idle = self._connection.info.transaction_status is TransactionStatus.IDLE
        return not self.is_broken() and idle

    def is_quiet(self) -> bool:
        """Return whether nothing has come unasked: a server that ends says so, or hangs up."""
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._connection.pgconn.socket, selectors.EVENT_READ)
                return not selector.select(0)
        except (OSError, ValueError, psycopg.Error):
            return False


@lru_cache(maxsize=256)
def translated(sql: str) -> str:
    """Return `sql` with `%s` for `?`; our statements have neither sign in their texts."""
    return sql.replace("%", "%%").replace("?", "%s")


def _hang_up(descriptor: int) -> None:
    """Shut a socket down under whoever waits on it."""
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as copy:
        copy.shutdown(socket.SHUT_RDWR)


__all__ = ["Row", "Session", "Watch", "rows_by_name", "translated"]
