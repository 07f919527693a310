"""An answer against its budget while it runs: topped up, and ended at its length where there is no more."""

from __future__ import annotations

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.events import Event
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.missing_usage import booked


async def must_stop(exchange: Exchange, cursor: Cursor) -> bool:
    """Return whether a running answer has used up what a hard budget has; what is left tops its hold up.

    Needs to be asked only where the exchange has a hold.
    """
    hold = exchange.hold
    if hold is None or cursor.ended or cursor.finishes or not cursor.meaningful:
        return False
    running = hold.passed(cursor.characters)
    if not running or await hold.cover(running):
        return False
    hold.stopped = True
    return True


def is_stopped(exchange: Exchange) -> bool:
    """Return whether a budget ended the answer."""
    return exchange.hold is not None and exchange.hold.stopped


def stopping(exchange: Exchange, cursor: Cursor) -> list[Event]:
    """Return the events that end the answer where `cursor` stands, with our count of its usage."""
    choices = sorted({part.choice for part in cursor.parts} or {0})
    usage = booked(exchange, cursor)
    return [
        *(e.PartEnd(index=part.index) for part in cursor.parts if part.is_open),
        *(e.Finish(reason="length", choice=choice) for choice in choices),
        *([] if usage is None else [e.UsageUpdate(usage=usage)]),
        e.MessageEnd(),
    ]


async def may_go_on(exchange: Exchange) -> bool:
    """Return whether the budgets have another answer for a request whose first one broke off."""
    return exchange.hold is None or await exchange.hold.again()


async def covered(exchange: Exchange, cursor: Cursor | None) -> None:
    """Hold what an ended answer took beyond what was held, as far as the budgets have it."""
    if exchange.hold is not None and cursor is not None:
        await exchange.hold.cover_usage(cursor.usage)


__all__ = ["covered", "is_stopped", "may_go_on", "must_stop", "stopping"]
