"""What charts ask of the request log; no question reads more than a bounded number of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, Table, func, or_, select

from flowrouter.clock import DAY_MS
from flowrouter.gateway.ports import RequestFilter
from flowrouter.gateway.traffic import (
    Passage,
    Series,
    SeriesSpan,
    SeriesSplit,
    ServedLine,
    SessionPage,
    Timing,
    Tried,
)
from flowrouter.storage.database import Database
from flowrouter.storage.request_rows import attempts_from
from flowrouter.storage.request_sums import TOKENS
from flowrouter.storage.request_walk import newest
from flowrouter.storage.series import series
from flowrouter.storage.session_list import session_page
from flowrouter.storage.sum_tables import request_days
from flowrouter.storage.tables import requests
from flowrouter.storage.usage_sums import CHOSEN_BY

MAX_SESSIONS = 200

_TIMED = ("ts_ms", "id", "ttft_ms", "duration_ms", "outcome")
_PASSED = (
    *("client", "key_id", "combo", "preset", "account_id", "outcome", "charge_pusd", "attempts"),
    *TOKENS,
)
_SERVED = ("account_id", "preset", "model")


class StoredTraffic:
    """The `Traffic` of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def series(
        self,
        which: RequestFilter,
        *,
        split: SeriesSplit,
        span: SeriesSpan,
        offset_minutes: int = 0,
        top: int = 8,
    ) -> Series:
        """Return the `top` groups by charge, then requests, and the rest as one; raises `CallerError`."""
        with self._database.read() as connection:
            return series(connection, which, split=split, span=span, offset_minutes=offset_minutes, top=top)

    def served(self, which: RequestFilter) -> Sequence[ServedLine]:
        """Return who served models with a cache, on the whole days that `which` touches."""
        with self._database.read() as connection:
            return _served(connection, which)

    def timings(
        self, which: RequestFilter, *, edges: Sequence[int], count: int
    ) -> Sequence[Sequence[Timing]]:
        """Return the newest `count` of each stretch between two `edges`, as far as `which` includes it."""
        with self._database.read() as connection:
            return [
                [_timing(row) for row in newest(connection, part, count=count, columns=_TIMED)]
                for part in (_within(which, begin, end) for begin, end in pairwise(edges))
            ]

    def passages(self, which: RequestFilter, *, limit: int) -> Sequence[Passage]:
        """Return the ways of the newest requests."""
        with self._database.read() as connection:
            return [_passage(row) for row in newest(connection, which, count=limit, columns=_PASSED)]

    def sessions(self, which: RequestFilter, *, limit: int = 50, cursor: str | None = None) -> SessionPage:
        """Return one page; raises `ValueError` for a cursor that is not ours."""
        limit = max(1, min(limit, MAX_SESSIONS))
        with self._database.read() as connection:
            return session_page(connection, which, limit=limit, cursor=cursor)


def _served(connection: Connection, which: RequestFilter) -> list[ServedLine]:
    table: Table = request_days if which.session_id is None else requests
    columns = table.c
    read, written = func.sum(columns.cache_read_tokens), func.sum(columns.cache_write_tokens)
    by = [columns[name] for name in _SERVED]
    sums = (func.coalesce(read, 0), func.coalesce(written, 0))
    statement: Select[*tuple[Any, ...]] = select(*by, *sums)
    statement = statement.where(or_(columns.cache_read_tokens > 0, columns.cache_write_tokens > 0))
    for name in CHOSEN_BY:
        if (wanted := getattr(which, name)) is not None:
            statement = statement.where(columns[name] == wanted)
    if which.session_id is not None:
        statement = statement.where(requests.c.session_id == which.session_id)
        statement = statement.with_hint(requests, "INDEXED BY ix_requests_session_id_ts_ms_id", "sqlite")
    time = requests.c.ts_ms if table is requests else request_days.c.day_ms
    if which.since_ms is not None:
        statement = statement.where(time >= which.since_ms - which.since_ms % DAY_MS)
    if which.until_ms is not None:
        statement = statement.where(time < which.until_ms)
    return [
        ServedLine(
            account_id=account or None,
            preset=preset or None,
            model=model or None,
            cache_read_tokens=int(reads),
            cache_write_tokens=int(writes),
        )
        for account, preset, model, reads, writes in connection.execute(statement.group_by(*by))
    ]


def _within(which: RequestFilter, begin: int, end: int) -> RequestFilter:
    since = begin if which.since_ms is None else max(begin, which.since_ms)
    until = end if which.until_ms is None else min(end, which.until_ms)
    return msgspec.structs.replace(which, since_ms=since, until_ms=until)


def _timing(row: Any) -> Timing:
    return Timing(ttft_ms=row["ttft_ms"], duration_ms=row["duration_ms"], ok=row["outcome"] == "ok")


def _passage(row: Any) -> Passage:
    return Passage(
        client=row["client"],
        key_id=row["key_id"],
        combo=row["combo"],
        preset=row["preset"],
        account_id=row["account_id"],
        ok=row["outcome"] == "ok",
        tokens=sum(row[name] or 0 for name in TOKENS),
        charge_pusd=row["charge_pusd"],
        attempts=tuple(
            [Tried(each.account_id, each.preset, each.outcome) for each in attempts_from(row["attempts"])]
        ),
    )


__all__ = ["MAX_SESSIONS", "StoredTraffic"]
