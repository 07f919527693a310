"""A store on PostgreSQL, by way of psycopg; its plain half works as on SQLite, from threads.

A database elsewhere may be restarted, cut off or hang, and no request may wait long for it. Connections are
lent from a small stock; one that the server has closed meanwhile is noticed before it is lent. While nothing
can be reached one caller at a time tries, all others are told at once. A statement that is not answered within
`ANSWER_SECONDS` ends with its connection (`Watch`). Work runs in threads of its own, so that waiting for the
store never keeps anything else from a thread.

SQLite has one lock for all writers. Here what must not happen twice at a time holds an advisory lock by name
(`hold`) until its transaction ends; nothing relies on the session, so a pooler may stand in between.
"""

from __future__ import annotations

import asyncio
import contextvars
import weakref
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from threading import Lock
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from flowrouter import logs
from flowrouter.errors import ConfigError, StorageError
from flowrouter.storage.insertion import Insertion
from flowrouter.storage.postgres_session import Session, Watch, rows_by_name

CONNECT_SECONDS = 3
ANSWER_SECONDS = 10.0
BUSY_MS = 3_000
LEAST_BUSY_MS = 2_000
IDLE_SECONDS = 30
THREADS = 8
STOCK = 4

_CLASS = 0x464C5254
_ROWS: Any = rows_by_name
_DEFAULTS = {
    "application_name": "flow-router",
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 5_000,
}

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


class PostgresPlace:
    """The database at an address such as `postgresql://user:password@host/name`."""

    shared = True
    errors: tuple[type[Exception], ...] = (psycopg.Error,)
    row_errors: tuple[type[Exception], ...] = (
        psycopg.DataError,
        psycopg.IntegrityError,
        OverflowError,
        ValueError,
    )

    def __init__(self, url: str) -> None:
        named = _parts(url)
        self._password = str(named.get("password") or "")
        logs.hide(url, self._password or None)
        self._conninfo = make_conninfo(**{**_DEFAULTS, **named, "client_encoding": "utf8"})
        self.shown = _shown(named)
        self._stock: deque[Session] = deque()
        # A place that is let go takes its connections with it.
        weakref.finalize(self, _clear, self._stock)
        self._lock = Lock()
        self._trying = Lock()
        self._away: psycopg.Error | None = None
        self._watch = Watch(ANSWER_SECONDS)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="store")

    def __repr__(self) -> str:
        return f"PostgresPlace({self.shown!r})"

    def connect(self, *, busy_ms: int = BUSY_MS) -> Session:
        """Open a connection of one's own; raises `psycopg.Error`."""
        return Session(self._connect(), watch=self._watch, busy_ms=max(busy_ms, LEAST_BUSY_MS))

    def plain(self) -> psycopg.Connection[Any]:
        """Open a connection for a library that begins and ends transactions itself."""
        return psycopg.connect(self._conninfo, prepare_threshold=None)

    @contextmanager
    def opened(self) -> Iterator[Session]:
        """Lend a connection for one piece of work; raises `StorageError`."""
        with self.explained():
            session = self._borrow()
            try:
                yield session
            finally:
                self._give_back(session)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Lend a connection in a transaction; raises `StorageError`."""
        with self.opened() as session, self.transaction(session):
            yield session

    @contextmanager
    def transaction(self, connection: Any) -> Iterator[Session]:
        """Let all or nothing of what follows be done; others are kept out by `hold` alone."""
        connection.execute(f"BEGIN; {_limits(connection.busy_ms)}")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            with suppress(psycopg.Error):
                connection.execute("ROLLBACK")
            raise

    @contextmanager
    def one_moment(self, connection: Any) -> Iterator[Session]:
        """Let several reads see the same moment."""
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield connection
        finally:
            with suppress(psycopg.Error):
                connection.execute("COMMIT")

    def hold(self, connection: Any, name: str, *, busy_ms: int = BUSY_MS) -> None:
        """Until the transaction ends, keep out all others that hold `name`; raises `psycopg.Error`."""
        busy_ms = getattr(connection, "busy_ms", busy_ms)
        number = zlib.crc32(name.encode()) - 2**31
        connection.execute(f"{_limits(busy_ms)}; SELECT pg_advisory_xact_lock({_CLASS}, {number})")

    def insert(self, connection: Any, into: Insertion, columns: Sequence[Sequence[Any]], /) -> int:
        """Insert rows, given by columns, by one statement with one value: they travel as JSON."""
        if not columns:
            return 0
        names, kept = into.filled(columns)
        rows = [dict(zip(names, row, strict=True)) for row in zip(*kept, strict=True)]
        listed = ", ".join(names)
        statement = (
            f"INSERT INTO {into.table} ({listed}) SELECT {listed}"  # noqa: S608 our own names
            f" FROM json_populate_recordset(NULL::{into.table}, ?::json) {into.rest}"
        )
        return connection.execute(statement, (msgspec.json.encode(rows).decode(),)).rowcount

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn psycopg's errors into `StorageError`."""
        try:
            yield
        except psycopg.Error as error:
            raise StorageError(self.explain(error)) from error

    def explain(self, error: BaseException) -> str:
        """Return what went wrong, in a sentence without the password."""
        text = " ".join(str(error).split()) or type(error).__name__
        for secret in {self._password, quote(self._password, safe="")} - {""}:
            text = text.replace(secret, "***")
        state = getattr(error, "sqlstate", None)
        if state is None and isinstance(error, psycopg.OperationalError):
            return f"the store {self.shown} cannot be reached: {text}"
        return _SENTENCES.get(state or "", "the store {} failed: {}").format(self.shown, text)

    async def run(
        self, work: Callable[Parameters, Answer], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Answer:
        """Do blocking work in one of the store's own threads."""
        context = contextvars.copy_context()
        called = partial(context.run, work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._threads, called)

    def close(self) -> None:
        """Close the stock."""
        _clear(self._stock)
        self._watch.close()

    def _borrow(self) -> Session:
        while True:
            try:
                session = self._stock.pop()
            except IndexError:
                return self.connect()
            if session.is_quiet():
                return session
            session.close()

    def _give_back(self, session: Session) -> None:
        if session.is_idle() and len(self._stock) < STOCK:
            self._stock.append(session)
            return
        if session.is_broken():
            _clear(self._stock)
        session.close()

    def _connect(self) -> psycopg.Connection[Any]:
        """Open a connection; while the server is away only one thread at a time finds out whether it still is."""
        if self._away is None:
            return self._try()
        if not self._trying.acquire(blocking=False):
            raise psycopg.OperationalError(str(self._away))
        try:
            return self._try()
        finally:
            self._trying.release()

    def _try(self) -> psycopg.Connection[Any]:
        try:
            connection = psycopg.connect(
                self._conninfo, autocommit=True, prepare_threshold=None, row_factory=_ROWS
            )
        except psycopg.Error as error:
            self._away = error
            raise
        self._away = None
        return connection


_SENTENCES = {
    "28P01": "the store {} refuses the user or the password of [store] url",
    "3D000": "the store {} does not exist on that server; create the database first",
    "42501": "the user of the store {} may not do that there: {}",
    "53100": "no room left for the store {}; free some disk space on its server",
    "53300": "the store {} takes no more connections; raise max_connections on its server",
    "25006": "the store {} takes no changes: its server is a standby, or read-only",
    "55P03": "the store {} is busy: something else has held its lock for too long",
    "57P01": "the store {} was shut down",
}


def _clear(stock: deque[Session]) -> None:
    with suppress(IndexError):
        while True:
            stock.pop().close()


def _parts(url: str) -> dict[str, Any]:
    """Return the parts of an address; raises `ConfigError` that repeats nothing of it."""
    named: dict[str, Any] = {}
    with suppress(psycopg.Error):
        named = dict(conninfo_to_dict(url))
    # A password with characters of an address in it makes other parts of what follows them.
    told = "".join(str(named.get(name, "")) for name in ("host", "user", "dbname"))
    ports = str(named.get("port", "")).replace(",", "")
    if named and "@" not in told and (not ports or ports.isdecimal()):
        return named
    raise ConfigError(
        "[store] url is no address of a PostgreSQL database",
        fix="write postgresql://USER:PASSWORD@HOST:PORT/NAME; characters such as @ : / % # in the password are "
        "written as %40 %3A %2F %25 %23",
    )


def _shown(named: dict[str, Any]) -> str:
    user = f"{named['user']}@" if named.get("user") else ""
    port = f":{named['port']}" if named.get("port") else ""
    host = str(named.get("host") or named.get("hostaddr") or "")
    return f"postgresql://{user}{host}{port}/{named.get('dbname') or ''}"


def _limits(busy_ms: int) -> str:
    """Return what bounds a transaction: waiting for locks, and being forgotten by a process that hangs."""
    return (
        f"SET LOCAL lock_timeout = {int(busy_ms)}; "
        f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'"
    )


__all__ = ["ANSWER_SECONDS", "BUSY_MS", "PostgresPlace"]
