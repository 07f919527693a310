"""Sums over time, one line a group, from the sums that are kept.

Only the groups that are shown are read moment by moment; the rest is what they leave of the whole. Where only
the rows themselves could tell (hours or clients under a filter, days of a zone that is not a whole number of
hours away) and they are many, days begin elsewhere, or the question is refused: nobody waits for minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, func, literal, or_, select

from flowrouter.errors import CallerError
from flowrouter.gateway.ports import RequestFilter, UsageGroup, UsageLine
from flowrouter.gateway.traffic import Series, SeriesLine, SeriesSpan, SeriesSplit
from flowrouter.storage.day_shift import add_shifted, shifted
from flowrouter.storage.tables import requests
from flowrouter.storage.usage import Sums, add_sums, grouped, line_of, summed, usage_lines
from flowrouter.storage.usage_sums import Part, parts

ROWS_MAX = 50_000
"""How many rows a chart may read where no sums are kept for it."""

_INDEXED = ("session_id", "key_id", "account_id", "model", "owner_id")
_ADDED = tuple(name for name in UsageLine.__struct_fields__ if name != "group")


def series(
    connection: Connection,
    which: RequestFilter,
    *,
    split: SeriesSplit,
    span: SeriesSpan,
    offset_minutes: int,
    top: int,
) -> Series:
    """Return the lines of the `top` groups by charge, then requests, and the rest as one; raises `CallerError`."""
    by = None if split == "none" else split
    offset = _offset(connection, which, split=by, span=span, offset_minutes=offset_minutes)
    if by is None:
        whole = _whole(connection, which, span=span, offset_minutes=offset)
        return Series(lines=[SeriesLine(group=None, rest=False, points=whole)], offset_minutes=offset)
    groups = usage_lines(connection, which, group_by=by, offset_minutes=offset)
    ranked = [_name(line) for line in sorted(groups, key=_rank)]
    points = _of_groups(connection, which, ranked[:top], split=by, span=span, offset_minutes=offset)
    lines = [SeriesLine(group=name, rest=False, points=points.get(name, {})) for name in ranked[:top]]
    if len(ranked) > top:
        whole = _whole(connection, which, span=span, offset_minutes=offset)
        rest = {moment: _less(line, points.values()) for moment, line in whole.items()}
        lines.append(SeriesLine(group=None, rest=True, points=rest))
    return Series(lines=lines, offset_minutes=offset)


def _offset(
    connection: Connection,
    which: RequestFilter,
    *,
    split: UsageGroup | None,
    span: SeriesSpan,
    offset_minutes: int,
) -> int:
    """Return where days shall begin: as asked, else at a whole hour, else in UTC, so that sums can tell."""
    whole_hours = offset_minutes // 60 * 60
    for offset in dict.fromkeys((offset_minutes, whole_hours, 0)):
        if _rows(connection, which, parts(which, span, offset, split=split)) <= ROWS_MAX:
            return offset
    raise CallerError(
        f"no sums are kept for this, and there are more than {ROWS_MAX:,} requests to look at",
        code="too_many_rows",
        details={"fix": "ask for less time, for days instead of hours, or leave a filter or `split` out"},
    )


def _rows(connection: Connection, which: RequestFilter, ways: Iterable[Part]) -> int:
    """Return how many rows would be looked at, at least; counted in an index, and not far beyond `ROWS_MAX`."""
    total = 0
    for part in ways:
        if part.kept != "rows":
            continue
        rows = select(literal(1)).select_from(requests)
        for name in _INDEXED:
            if (wanted := getattr(which, name)) is not None:
                rows = rows.where(requests.c[name] == wanted)
                break
        if part.since_ms is not None:
            rows = rows.where(requests.c.ts_ms >= part.since_ms)
        if part.until_ms is not None:
            rows = rows.where(requests.c.ts_ms < part.until_ms)
        counted = rows.limit(ROWS_MAX + 1).subquery("bounded")
        total += connection.execute(select(func.count()).select_from(counted)).scalar_one()
    return total


def _of_groups(
    connection: Connection,
    which: RequestFilter,
    names: Sequence[str | None],
    *,
    split: UsageGroup,
    span: SeriesSpan,
    offset_minutes: int,
) -> dict[str | None, dict[int, UsageLine]]:
    """Return the sums of some groups by moment."""
    sums: Sums = {}
    for part in parts(which, span, offset_minutes, split=split) if names else ():
        as_they_are, days = shifted(part) if span == "day" and offset_minutes else ([part], None)
        for each in as_they_are:
            moment, group = grouped(each, span, offset_minutes), grouped(each, split, 0)
            statement = summed(each, which, by=[moment, group]).where(_among(each, group, names))
            add_sums(sums, connection, part=each, statement=statement)
        if days is not None:
            group, offset_ms = grouped(days, split, 0), offset_minutes * 60_000
            wanted = _among(days, group, names)
            add_shifted(sums, connection, which, part=days, group=group, wanted=wanted, offset_ms=offset_ms)
    found: dict[str | None, dict[int, UsageLine]] = {}
    for (at, name), amounts in sums.items():
        found.setdefault(name, {})[at] = line_of(at, amounts)
    return found


def _among(part: Part, group: ColumnElement[Any], names: Sequence[str | None]) -> ColumnElement[bool]:
    """Return the condition that a row of `part` is of a group among `names`; sums call a missing one empty."""
    wanted = group.in_([name or "" for name in names])
    return or_(wanted, group.is_(None)) if part.kept == "rows" and None in names else wanted


def _whole(
    connection: Connection, which: RequestFilter, *, span: SeriesSpan, offset_minutes: int
) -> dict[int, UsageLine]:
    """Return the sums of all groups by moment."""
    lines = usage_lines(connection, which, group_by=span, offset_minutes=offset_minutes)
    return {line.group: line for line in lines if isinstance(line.group, int)}


def _name(line: UsageLine) -> str | None:
    return None if line.group is None else str(line.group)


def _rank(line: UsageLine) -> tuple[int, int, str]:
    return -line.charge_pusd, -line.requests, _name(line) or ""


def _less(whole: UsageLine, shown: Iterable[dict[int, UsageLine]]) -> UsageLine:
    """Return what is left of one moment's sums without the groups that are shown."""
    left = {name: getattr(whole, name) for name in _ADDED}
    for points in shown:
        line = points.get(int(whole.group or 0))
        for name in _ADDED if line is not None else ():
            # Where hours are too old to be kept, the days may know of more.
            left[name] = max(0, left[name] - getattr(line, name))
    return msgspec.structs.replace(whole, **left)


__all__ = ["ROWS_MAX", "series"]
