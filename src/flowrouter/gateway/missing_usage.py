"""Numbers where a provider gives none: estimates, always marked as such.

The books get one for every exchange. A client gets one only where its dialect requires numbers
(`Codec.needs_usage`); where usage is optional it is left out rather than invented.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.estimate import input_tokens, text_tokens
from flowrouter.canonical.events import Event
from flowrouter.canonical.usage import Usage
from flowrouter.errors import CallerError
from flowrouter.gateway.editors import SparingEditor
from flowrouter.gateway.exchange import Exchange, parsed


def booked(exchange: Exchange, cursor: Cursor, *, before: int = 0) -> Usage | None:
    """Return the usage to put on record: as reported, completed by estimates where it is not whole.

    An answer that was cut short has no final report, so its output is at least what was sent, but for the
    characters `before` it, which another attempt said.
    """
    if cursor.ended and cursor.usage is not None:
        return cursor.usage
    return at_least(exchange, cursor.usage, cursor.characters - before)


def at_least(exchange: Exchange, reported: Usage | None, characters: int) -> Usage | None:
    """Return the usage of an attempt that said so many characters and may have been cut before it counted them."""
    said = text_tokens(characters)
    if reported is None:
        return estimated(exchange, said)
    if reported.total_output >= said:
        return reported
    return msgspec.structs.replace(reported, output=said - (reported.reasoning or 0), estimated=True)


class UsageGap(SparingEditor):
    """States estimates of what was not counted, at the start and before the finish.

    Clients show the size of their context from the first event on; what is counted later replaces it.
    """

    __slots__ = ("_characters", "_exchange", "_input", "_output")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._characters = 0
        self._input = False
        self._output = False

    def spares(self, index: int) -> bool:
        """Return True: deltas stay as they are."""
        del index
        return True

    def hearer(self) -> Callable[[str], None]:
        """Return who counts what deltas say that are spared."""
        return self._hear

    def _hear(self, text: str) -> None:
        self._characters += len(text)

    def __call__(self, event: Event) -> list[Event]:
        """Return `event`, behind an estimate where it is the finish of an answer not counted in full."""
        match event:
            case e.MessageStart(usage=None):
                return [msgspec.structs.replace(event, usage=estimated(self._exchange, 0))]
            case e.PartDelta(text=text):
                self._characters += len(text)
            case e.UsageUpdate(usage=usage):
                self._input = self._input or usage.input is not None
                self._output = self._output or usage.output is not None
            case e.Finish() if not (self._input and self._output):
                usage = estimated(self._exchange, text_tokens(self._characters))
                if usage is None:
                    return [event]
                missing = msgspec.structs.replace(
                    usage,
                    input=None if self._input else usage.input,
                    output=None if self._output else usage.output,
                )
                self._input = self._output = True
                return [e.UsageUpdate(missing), event]
            case _:
                pass
        return [event]


def estimated(exchange: Exchange, output: int) -> Usage | None:
    """Return an estimate for the whole exchange, of `output` tokens; None where nothing was generated."""
    if exchange.inbound.operation != "generate":
        return None
    try:
        request = parsed(exchange)
    except CallerError:
        return None
    return Usage(input=input_tokens(request), output=output, estimated=True)


__all__ = ["UsageGap", "at_least", "booked", "estimated"]
