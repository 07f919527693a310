"""Sessions, the one used last first, out of the rows of the request log.

No table knows sessions. The rows are walked, newest first: where a session is met for the first time, there is
its last request, and the cursor goes on behind it. How far a page walks and how many requests of a session are
summed up is bounded, whatever callers put in their session ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select

from flowrouter.gateway.ports import RequestFilter, UsageLine
from flowrouter.gateway.traffic import SessionLine, SessionPage
from flowrouter.storage.request_sums import TOKENS
from flowrouter.storage.request_walk import Place, chosen, newest, parsed, written
from flowrouter.storage.sum_tables import of_rows
from flowrouter.storage.tables import requests
from flowrouter.storage.usage import line_of

WALK_MAX = 10_000
"""How many rows a page looks at: it ends there, though it may not be full."""

TURNS_MAX = 2_000
"""How many requests of a session are summed up, the newest."""

_STEP = 1_000
_WALKED = ("ts_ms", "id", "session_id", "client")
_SUMMED = ("ts_ms", "model", "outcome", *TOKENS, "cost_pusd", "charge_pusd")


class _Walk:
    """One page being found; `shown` are the places of the sessions on it, by their names."""

    def __init__(
        self, connection: Connection, which: RequestFilter, *, limit: int, after: Place | None
    ) -> None:
        self._connection = connection
        self._which = which
        self._limit = limit
        self._first = after
        self._last = chosen(which, None, 1, columns=("ts_ms", "id"), session=bindparam("session"))
        self._seen: set[str] = set()
        self.shown: list[tuple[Place, Any]] = []
        self.after = after
        self.ended = False

    def go(self) -> None:
        """Walk until the page is full and one session more is met, or the rows or the bound end."""
        looked = 0
        while looked < WALK_MAX:
            rows = newest(self._connection, self._which, after=self.after, count=_STEP, columns=_WALKED)
            for row in rows:
                place = (row["ts_ms"], row["id"])
                if self._is_new(row["session_id"], place):
                    if len(self.shown) == self._limit:
                        self.after = self.shown[-1][0]
                        return
                    self.shown.append((place, row))
                self.after = place
            looked += len(rows)
            if len(rows) < _STEP:
                self.ended = True
                return

    def _is_new(self, session: str | None, place: Place) -> bool:
        """Return whether this row is the newest of a session; what earlier pages had is not."""
        if session is None or session in self._seen:
            return False
        self._seen.add(session)
        if self._first is None:
            return True
        last = self._connection.execute(self._last, {"session": session}).one()
        return tuple(last) == place


def session_page(
    connection: Connection, which: RequestFilter, *, limit: int, cursor: str | None
) -> SessionPage:
    """Return one page; raises `ValueError` for a cursor that is not ours."""
    after = None if cursor is None else parsed(cursor)
    if not _any(connection):
        return SessionPage(rows=(), next_cursor=None)
    walk = _Walk(connection, which, limit=limit, after=after)
    walk.go()
    summed = _summed(which)
    rows = tuple(_line(connection, summed, row) for _, row in walk.shown)
    goes_on = not walk.ended and walk.after is not None
    return SessionPage(rows=rows, next_cursor=written(walk.after) if goes_on and walk.after else None)


def _any(connection: Connection) -> bool:
    some = select(requests.c.id).where(requests.c.session_id.is_not(None)).limit(1)
    return connection.execute(some).first() is not None


def _summed(which: RequestFilter) -> Select[*tuple[Any, ...]]:
    """Return the statement for the sums of one `session` by model; made once for a page, which takes longest."""
    turns = chosen(which, None, TURNS_MAX, columns=_SUMMED, session=bindparam("session"))
    columns = turns.subquery("bounded").c
    statement: Select[*tuple[Any, ...]] = select(columns.model, func.min(columns.ts_ms), *of_rows(columns))
    return statement.group_by(columns.model)


def _line(connection: Connection, summed: Select[*tuple[Any, ...]], last: Any) -> SessionLine:
    """Return a session whose last request is given."""
    session = last["session_id"]
    by_model = [
        (row[0], row[1], line_of(session, [int(amount) for amount in row[2:]]))
        for row in connection.execute(summed, {"session": session})
    ]
    used = sorted(by_model, key=lambda each: (-each[2].requests, each[0] or ""))
    usage = _total(session, [line for _, _, line in used])
    return SessionLine(
        session_id=session,
        client=last["client"],
        models=tuple(model for model, _, _ in used if model is not None),
        first_ms=min(first for _, first, _ in used),
        last_ms=last["ts_ms"],
        usage=usage,
        truncated=usage.requests >= TURNS_MAX,
    )


def _total(session: str, lines: Sequence[UsageLine]) -> UsageLine:
    names = [name for name in UsageLine.__struct_fields__ if name != "group"]
    return UsageLine(group=session, **{name: sum(getattr(line, name) for line in lines) for name in names})


__all__ = ["TURNS_MAX", "WALK_MAX", "session_page"]
