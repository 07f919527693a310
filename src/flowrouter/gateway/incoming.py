"""The bytes of one provider's reply as they come in: each read has its limit, the whole has its size."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from flowrouter.canonical.cursor import Cursor
from flowrouter.clock import Clock
from flowrouter.config import Timeouts
from flowrouter.errors import UpstreamError
from flowrouter.gateway.prepare import Prepared
from flowrouter.upstream import Reply

WHOLE_MAX = 256 * 1024 * 1024
"""Bytes of a reply that comes in one piece."""

BLANK = b"\xef\xbb\xbf \t\r\n"
"""What hosts drip as signs of life before an answer begins."""

_DRAIN_WAIT = 0.25
_UNASKED = frozenset({"budget", "level"})
"""How models are steered that reason, unseen, unless they are told not to: Gemini's."""


class Incoming:
    """Reads one reply; raises `UpstreamError` where it is late, empty, broken or too large.

    `deadline` is when all of it must be there, on the monotonic clock; `patient` says that the first
    event may take as long as a reasoning model's. `waited` hears of the seconds each read took.
    """

    __slots__ = ("_clock", "_deadline", "_limits", "_patience", "_reply", "_waited")

    def __init__(
        self,
        reply: Reply,
        *,
        clock: Clock,
        timeouts: Timeouts,
        deadline: float,
        patient: bool,
        waited: Callable[[float], None],
    ) -> None:
        self._reply = reply
        self._clock = clock
        self._limits = timeouts
        self._deadline = deadline
        self._patience = timeouts.first_event_reasoning if patient else timeouts.first_event
        self._waited = waited

    @property
    def left(self) -> float:
        """Return the seconds until all of the reply must be there."""
        return self._deadline - self._clock.monotonic()

    async def first(self, *, streamed: bool) -> bytes:
        """Return the reply up to the first bytes that tell something."""
        first, now = b"", self._clock.monotonic()
        deadline = now + self._patience if streamed else self._deadline
        while piece := await self._read(max(deadline - now, 0.001), "no answer came"):
            first += piece
            if first.strip(BLANK):
                return first
            now = self._clock.monotonic()
        raise UpstreamError("the provider sent an empty answer", kind="empty")

    async def more(self, cursor: Cursor, begun: float) -> bytes:
        """Return the next bytes of a stream that began at `begun` and has come as far as `cursor`."""
        return await self._read(self._limit(cursor, begun), "the stream fell silent")

    async def rest(self, first: bytes) -> bytes:
        """Return the whole reply, of which `first` is here."""
        pieces, size = [first], len(first)
        while piece := await self._read(max(self.left, 0.001), "the answer did not end"):
            pieces.append(piece)
            size += len(piece)
            if size > WHOLE_MAX:
                raise UpstreamError("the provider's answer is too large", kind="protocol")
        return first if len(pieces) == 1 else b"".join(pieces)

    async def drain(self) -> None:
        """Read the last bytes of a finished stream, so that its connection can be used again."""
        try:
            async with asyncio.timeout(_DRAIN_WAIT):
                while await self._reply.read():
                    pass
        except (TimeoutError, UpstreamError):
            pass

    def _limit(self, cursor: Cursor, begun: float) -> float:
        """Return how long the next bytes may take: any sign of life counts, but not for ever."""
        if cursor.meaningful:
            return self._limits.stall
        allowed = self._limits.first_event_reasoning if cursor.started else self._patience
        return max(min(begun + allowed - self._clock.monotonic(), self._limits.stall), 0.001)

    async def _read(self, limit: float, complaint: str) -> bytes:
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(limit):
                return await self._reply.read()
        except TimeoutError:
            raise UpstreamError(f"{complaint} for {limit:g} s", kind="timeout") from None
        finally:
            self._waited(self._clock.monotonic() - started)


def may_think_long(prepared: Prepared, body: bytes) -> bool:
    """Return whether the model may think before it speaks: unasked, or by a guess on the request's bytes."""
    unasked = prepared.preset.local or prepared.capabilities.thinking_style in _UNASKED
    return unasked or b'"thinking' in body or b'"reasoning' in body


__all__ = ["BLANK", "WHOLE_MAX", "Incoming", "may_think_long"]
