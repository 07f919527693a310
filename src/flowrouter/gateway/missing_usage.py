"""Numbers where a provider gives none: estimates, always marked as such.

The books get one for every exchange. A client gets one only where its dialect requires numbers
(`Codec.needs_usage`); where usage is optional it is left out rather than invented.
"""

from __future__ import annotations

import msgspec

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.estimate import input_tokens, text_tokens
from flowrouter.canonical.events import Event
from flowrouter.canonical.usage import Usage
from flowrouter.errors import CallerError
from flowrouter.gateway.exchange import Exchange, parsed


def booked(exchange: Exchange, cursor: Cursor) -> Usage | None:
    """Return the usage to put on record: as reported, completed by estimates where it is not whole.

    An answer that was cut short has no final report, so its output is at least what was sent.
    """
    reported, sent = cursor.usage, text_tokens(cursor.characters)
    if reported is None:
        return _estimate(exchange, sent)
    if cursor.ended or reported.total_output >= sent:
        return reported
    return msgspec.structs.replace(reported, output=sent - (reported.reasoning or 0), estimated=True)


class UsageGap:
    """An editor of reply events that states an estimate before the finish if no usage came."""

    __slots__ = ("_characters", "_exchange", "_known")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._characters = 0
        self._known = False

    def edit(self, event: Event) -> list[Event]:
        """Return `event`, behind an estimate where it is the finish of an uncounted answer."""
        match event:
            case e.PartDelta(text=text):
                self._characters += len(text)
            case e.UsageUpdate():
                self._known = True
            case e.Finish() if not self._known:
                self._known = True
                usage = _estimate(self._exchange, text_tokens(self._characters))
                return [e.UsageUpdate(usage), event] if usage is not None else [event]
            case _:
                pass
        return [event]


def _estimate(exchange: Exchange, output: int) -> Usage | None:
    """Return an estimate for the whole exchange; None where nothing was generated."""
    if exchange.inbound.operation != "generate":
        return None
    try:
        request = parsed(exchange)
    except CallerError:
        return None
    return Usage(input=input_tokens(request), output=output, estimated=True)


__all__ = ["UsageGap", "booked"]
