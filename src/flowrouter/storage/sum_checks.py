"""Whether the sums over the request log are those of its rows, and agree with each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from flowrouter.clock import DAY_MS
from flowrouter.gateway.ledger import Finding
from flowrouter.storage.request_sums import DAY_KEY, HOUR_MS, KINDS, QUARTER_MS, SUMS
from flowrouter.storage.sum_tables import of_rows, request_days, request_slots
from flowrouter.storage.tables import requests

_Sums = dict[tuple[Any, ...], tuple[int, ...]]


def differing_sums(connection: Connection) -> Iterable[Finding]:
    """Yield sums that are wrong, of all days but the first, whose rows may have left in part."""
    first = connection.execute(select(func.min(requests.c.ts_ms))).scalar()
    if first is None:
        return
    since = first - first % DAY_MS + DAY_MS
    days = _read(connection, select(request_days).where(request_days.c.day_ms >= since))
    yield from _compared(days, _read(connection, _of_rows(since)), "by day")
    for width in (DAY_MS, HOUR_MS, QUARTER_MS):
        for kind in ("",) if width == QUARTER_MS else ("", *KINDS):  # the days know no client and no combo
            kept = _read(connection, _of_slots(since, width, kind))
            told = f"of {width // 60_000} minutes{f' by {kind}' if kind else ''}"
            yield from _compared(kept, _merged(days, kind), told)


def _of_rows(since: int) -> Select[*tuple[Any, ...]]:
    columns = requests.c
    key: list[ColumnElement[Any]] = [columns.ts_ms - columns.ts_ms % DAY_MS, columns.owner_id]
    key += [func.coalesce(columns[kind], "") for kind in KINDS]
    return select(*key, *of_rows()).where(columns.ts_ms >= since).group_by(*key)


def _of_slots(since: int, width: int, kind: str) -> Select[*tuple[Any, ...]]:
    columns = request_slots.c
    key = (columns.slot_ms - columns.slot_ms % DAY_MS, columns.owner_id, columns.name)
    sums = (func.sum(columns[name]) for name in SUMS)
    chosen = select(*key, *sums).where(columns.width_ms == width, columns.kind == kind)
    return chosen.where(columns.slot_ms >= since).group_by(*key)


def _read(connection: Connection, statement: Select[*tuple[Any, ...]]) -> _Sums:
    found: _Sums = {}
    for row in connection.execute(statement):
        key = len(row) - len(SUMS)
        found[tuple(row[:key])] = tuple(int(amount) for amount in row[key:])
    return found


def _merged(days: _Sums, kind: str) -> _Sums:
    """Return the sums by day as slots of `kind` have them: by day, owner and name."""
    place = DAY_KEY.index(kind) if kind else None
    found: _Sums = {}
    for key, sums in days.items():
        named = (key[0], key[1], "" if place is None else key[place])
        have = found.get(named)
        found[named] = sums if have is None else tuple(map(sum, zip(have, sums, strict=True)))
    return found


def _compared(kept: _Sums, wanted: _Sums, told: str) -> Iterable[Finding]:
    nothing = (0,) * len(SUMS)
    for key in sorted(kept.keys() | wanted.keys()):
        have, want = kept.get(key, nothing), wanted.get(key, nothing)
        names = [name for name, one, other in zip(SUMS, have, want, strict=True) if one != other]
        if names:
            message = f"the sums {told} of {', '.join(names)} are not those of the requests"
            yield Finding(check="rollup", subject="/".join(map(str, key)), message=message)


__all__ = ["differing_sums"]
