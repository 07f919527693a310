"""When the periods of budgets begin and end, in the zone of each; times in seconds since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

import msgspec

from flowrouter.settings.budgets import Budget


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
    zone = _zone(budget.zone)
    there = datetime.fromtimestamp(now, zone)
    day = datetime(there.year, there.month, there.day, tzinfo=zone)
    match budget.period:
        case "day":
            first, after = day, _later(day, 1)
        case "week":
            first = _later(day, -day.weekday())
            after = _later(first, 7)
        case "month":
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


__all__ = ["Span", "span_of"]
