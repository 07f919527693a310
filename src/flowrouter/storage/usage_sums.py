"""Which stored sums answer a question about usage, and what of it only the rows can say.

A stretch of time is covered by the sums of whole days, what sticks out by those of hours or quarters, and
what is left of it by the rows themselves. All three say the same of the same rows, so the parts can be added.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Table

from flowrouter.clock import DAY_MS
from flowrouter.gateway.ports import RequestFilter, UsageGroup
from flowrouter.storage.request_sums import HOUR_MS, KINDS, QUARTER_MS
from flowrouter.storage.sum_tables import request_days, request_slots
from flowrouter.storage.tables import requests

CHOSEN_BY = ("owner_id", *KINDS)
"""What the sums by day are kept for."""

GROUPS: dict[UsageGroup, str] = {
    "model": "model",
    "preset": "preset",
    "account": "account_id",
    "key": "key_id",
    "client": "client",
    "outcome": "outcome",
    "combo": "combo",
    "session": "session_id",
    "dialect": "client_dialect",
}
SPANS: dict[UsageGroup, int] = {"day": DAY_MS, "hour": HOUR_MS}

Kept = Literal["days", "slots", "rows"]
Stretch = tuple[int | None, int | None]
"""From (included) and to (not included), None for no end."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of time, `until_ms` not included (None: no end), and where its sums are; width and kind of slots."""

    kept: Kept
    since_ms: int | None
    until_ms: int | None
    width_ms: int = 0
    kind: str = ""

    @property
    def table(self) -> Table:
        """Return where to look."""
        return {"days": request_days, "slots": request_slots, "rows": requests}[self.kept]

    @property
    def time(self) -> ColumnElement[int]:
        """Return when what a row of it tells of began."""
        return {"days": request_days.c.day_ms, "slots": request_slots.c.slot_ms, "rows": requests.c.ts_ms}[
            self.kept
        ]

    def column(self, name: str) -> ColumnElement[Any]:
        """Return what holds `name`, a column of requests."""
        return request_slots.c.name if self.kept == "slots" and name == self.kind else self.table.c[name]


def parts(
    which: RequestFilter, group_by: UsageGroup, offset_minutes: int, *, split: UsageGroup | None = None
) -> list[Part]:
    """Return how to find the sums of what `which` chooses, by `group_by` and by `split`; no two parts overlap."""
    since, until = which.since_ms, which.until_ms
    if which.session_id is not None or group_by == "session":
        return [Part(kept="rows", since_ms=since, until_ms=until)]
    used = {name for name in CHOSEN_BY[1:] if getattr(which, name) is not None}
    used |= {GROUPS[each] for each in (group_by, split) if each in GROUPS}
    offset = offset_minutes * 60_000 if group_by in SPANS else 0
    kind = next(iter(used), "")
    ways: list[tuple[Kept, int]] = [("days", DAY_MS)] if used.issubset(CHOSEN_BY) else []
    if len(used) <= 1:
        ways = [("slots", width) for width in ((DAY_MS, HOUR_MS) if kind else (DAY_MS, HOUR_MS, QUARTER_MS))]
    found: list[Part] = []
    left: list[Stretch] = [(since, until)]
    for kept, width in ways:
        if offset % width or (group_by == "hour" and width > HOUR_MS):
            continue
        rest: list[Stretch] = []
        for begin, end in left:
            low = None if begin is None else -(-begin // width) * width
            high = None if end is None else end // width * width
            if low is not None and high is not None and low >= high:
                rest.append((begin, end))
                continue
            found.append(Part(kept=kept, since_ms=low, until_ms=high, width_ms=width, kind=kind))
            rest += _outside((begin, end), (low, high))
        left = rest
    return [*found, *(Part(kept="rows", since_ms=begin, until_ms=end) for begin, end in left)]


def _outside(whole: Stretch, inner: Stretch) -> Iterator[Stretch]:
    """Yield what of `whole` is not in `inner`."""
    if whole[0] != inner[0]:
        yield whole[0], inner[0]
    if whole[1] != inner[1]:
        yield inner[1], whole[1]


__all__ = ["CHOSEN_BY", "GROUPS", "SPANS", "Kept", "Part", "Stretch", "parts"]
