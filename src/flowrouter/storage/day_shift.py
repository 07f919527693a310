"""Days of other time zones out of the sums of UTC's days, with the few hours that lie in another day there.

A day in Berlin has 23 or 22 hours of the day in UTC of the same date. So its sum is that day's, with one or two
hours of the day before and without as many at its end: three or five rows are read instead of twenty-four.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection

from flowrouter.clock import DAY_MS
from flowrouter.gateway.ports import RequestFilter
from flowrouter.storage.request_sums import HOUR_MS
from flowrouter.storage.usage import Sums, add_sums, summed
from flowrouter.storage.usage_sums import Part


def shifted(part: Part) -> tuple[list[Part], Part | None]:
    """Return what of a part of hours is to be read as it is, and the whole days in UTC that need not be."""
    if part.kept != "slots" or part.width_ms != HOUR_MS:
        return [part], None
    since, until = part.since_ms, part.until_ms
    first = None if since is None else -(-since // DAY_MS) * DAY_MS
    last = None if until is None else until // DAY_MS * DAY_MS
    if first is not None and last is not None and first >= last:
        return [part], None
    edges = [
        msgspec.structs.replace(part, since_ms=begin, until_ms=end)
        for begin, end in ((since, first), (last, until))
        if begin != end
    ]
    return edges, msgspec.structs.replace(part, since_ms=first, until_ms=last)


def add_shifted(
    found: Sums,
    connection: Connection,
    which: RequestFilter,
    *,
    part: Part,
    group: ColumnElement[Any],
    wanted: ColumnElement[bool],
    offset_ms: int,
) -> None:
    """Add the sums of `part`, whole days in UTC, by day `offset_ms` east of it and by `group`.

    The hours that were moved are taken from the days to which they belong in UTC.
    """
    days = msgspec.structs.replace(part, width_ms=DAY_MS)
    statement = summed(days, which, by=[days.time - offset_ms, group]).where(wanted)
    add_sums(found, connection, part=days, statement=statement)
    hour = part.time % DAY_MS
    moves = hour >= DAY_MS - offset_ms if offset_ms > 0 else hour < -offset_ms
    moved: Sums = {}
    statement = summed(part, which, by=[part.time - hour - offset_ms, group]).where(wanted, moves)
    add_sums(moved, connection, part=part, statement=statement)
    way = DAY_MS if offset_ms > 0 else -DAY_MS
    for (day, name), amounts in moved.items():
        left = found[day, name]
        gained = found.setdefault((day + way, name), [0] * len(amounts))
        for place, amount in enumerate(amounts):
            left[place] -= amount
            gained[place] += amount


__all__ = ["add_shifted", "shifted"]
