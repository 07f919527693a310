"""What the end of an answer comes to: the failure that told it, what was withheld, what the exchange notes of it."""

from __future__ import annotations

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.problem import Problem
from flowrouter.clock import Clock
from flowrouter.gateway.attempts import Opened
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.missing_usage import booked
from flowrouter.gateway.sinks import Step


def failure_in(step: Step) -> Problem | None:
    """Return the failure that ends a step, if one does."""
    events = step[1]
    return last.problem if events and type(last := events[-1]) is e.StreamError else None


def withheld(frames: int) -> tuple[Loss, ...]:
    """Return the loss that `frames` events nobody could read amount to."""
    if not frames:
        return ()
    reason = f"{frames} event{'' if frames == 1 else 's'} of the provider could not be read"
    return (Loss(path="stream", kind="dropped", reason=reason),)


def note(
    exchange: Exchange, opened: Opened, cursor: Cursor | None, *, sent: bool, clock: Clock, before: int = 0
) -> None:
    """Write into the exchange what a reply came to, as far as `cursor` got, unless its books are closed.

    `sent` tells whether its client has any of it, `before` how many characters of it another attempt said.
    """
    if exchange.settled:
        return
    log = opened.log
    log.ended = log.ended or clock.monotonic()
    if cursor is None:
        return
    usage = booked(exchange, cursor, before=before) if sent or cursor.meaningful else cursor.usage
    log.usage = usage
    if not sent:
        return
    log.delivered = True
    exchange.usage = usage
    exchange.answered_model = cursor.model or opened.prepared.target.model
    finish = cursor.finishes.get(0)
    exchange.finish = finish.reason if finish is not None else None
    if cursor.parts:
        exchange.called = tuple(dict.fromkeys([part.name for part in cursor.parts if part.name]))


__all__ = ["failure_in", "note", "withheld"]
