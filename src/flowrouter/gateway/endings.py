"""What the end of an answer comes to: the failure that told it, what was withheld, what the exchange notes of it."""

from __future__ import annotations

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.outline import Outline
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
    if cursor is None:
        opened.log.ended = opened.log.ended or clock.monotonic()
        return
    usage = booked(exchange, cursor, before=before) if sent or cursor.meaningful else cursor.usage
    finish, called = cursor.finishes.get(0), [part.name for part in cursor.parts if part.name]
    reason = finish.reason if finish is not None else None
    outline = Outline(cursor.id, cursor.model, usage, reason, tuple(called))
    note_end(exchange, opened, outline, sent=sent, clock=clock)


def note_end(exchange: Exchange, opened: Opened, outline: Outline, *, sent: bool, clock: Clock) -> None:
    """Write the same of an answer that is known from its end, as those in one piece are."""
    if exchange.settled:
        return
    log, usage = opened.log, outline.usage
    log.ended, log.usage = log.ended or clock.monotonic(), usage
    if not sent:
        return
    log.delivered = True
    exchange.usage = usage
    exchange.answered_model = outline.model or opened.prepared.target.model
    exchange.finish = outline.finish
    if outline.called:
        exchange.called = tuple(dict.fromkeys([name for name in outline.called if name]))


__all__ = ["failure_in", "note", "note_end", "withheld"]
