"""When the periods of budgets begin and end, in the zone of each; times in seconds since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

import msgspec

from flowrouter.settings.budgets import Budget

_FIXED = {"minute": 60.0, "hour": 3600.0}


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """One period: `start` is in it, `end` is not."""

    start: float
    end: float

    @property
    def start_ms(self) -> int:
        """Return its beginning in milliseconds, which is its name in the store."""
        return int(self.start * 1000)


def span_of(budget: Budget, now: float) -> Span:
    """Return the period of `budget` that `now` is in; days are as long as their zone has them."""
    return calendar(budget.period, budget.zone, now)


def calendar(period: str, zone: str, now: float) -> Span:
    """Return the `minute`, `hour`, `day`, `week` or `month` of `zone` that `now` is in."""
    if period in _FIXED:
        start = now // _FIXED[period] * _FIXED[period]
        return Span(start=start, end=start + _FIXED[period])
    there_zone = _zone(zone)
    there = datetime.fromtimestamp(now, there_zone)
    day = datetime(there.year, there.month, there.day, tzinfo=there_zone)
    match period:
        case "day":
            first, after = day, _later(day, 1)
        case "week":
            first = _later(day, -day.weekday())
            after = _later(first, 7)
        case _:
            first = day.replace(day=1)
            after = _later(first, 32).replace(day=1)
    return Span(start=first.timestamp(), end=after.timestamp())


def _later(day: datetime, days: int) -> datetime:
    """Return midnight so many days later by the calendar, whatever clocks do in between."""
    return day + timedelta(days=days)


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


__all__ = ["Span", "calendar", "span_of"]
