"""The bytes of one provider's reply as they come in: each read has its limit, the whole has its size."""

from __future__ import annotations

import math
import re

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.clock import Clock
from flowrouter.config import Timeouts
from flowrouter.errors import UpstreamError
from flowrouter.gateway.attempts import Opened
from flowrouter.gateway.exchange import Exchange
from flowrouter.providers.preset import Preset
from flowrouter.tasks import in_time
from flowrouter.upstream import Reply

WHOLE_MAX = 256 * 1024 * 1024
"""Bytes of a reply that comes in one piece."""

BLANK = b"\xef\xbb\xbf \t\r\n"
"""What hosts drip as signs of life before an answer begins."""

_DRAIN_WAIT = 0.25
UNASKED = frozenset({"budget", "level"})
"""How models are steered that reason, unseen, unless they are told not to: Gemini's."""

_WORDS = (b'"thinking', b'"reasoning')
_ON = re.compile(
    rb'"\w+"\s*:\s*+(?!null|false|0\b|""|"none"|"disabled"|\{\s*\}'
    rb'|\{\s*"(?:type|effort)"\s*:\s*"(?:disabled|none)"|\{\s*"thinkingBudget"\s*:\s*0\b)'
)


class Incoming:
    """Reads one reply; raises `UpstreamError` where it is late, empty, broken or too large.

    `deadline` is when all of it must be there (only if the client wants it whole), `begin_by` when its first
    meaningful event must, both on the monotonic clock. The seconds that reads take ahead of the content commit are
    the provider's.
    """

    __slots__ = (
        "_begin_by", "_begun", "_clock", "_deadline", "_exchange", "_limits", "_prepared", "_reply", "_streamed",
        "_thinks",
    )  # fmt: skip

    def __init__(
        self,
        opened: Opened,
        exchange: Exchange,
        *,
        clock: Clock,
        timeouts: Timeouts,
        deadline: float,
        begin_by: float,
    ) -> None:
        head = exchange.head
        assert head is not None
        self._reply = opened.reply
        self._prepared = opened.prepared
        self._exchange = exchange
        self._clock = clock
        self._limits = timeouts
        self._deadline = deadline
        self._begin_by = begin_by
        self._streamed = head.stream
        self._thinks: bool | None = None
        self._begun = clock.monotonic()

    @property
    def stall(self) -> float:
        """Return how many seconds an answer that is on its way may be silent."""
        return self._limits.stall

    def silent(self) -> UpstreamError:
        """Return the failure of an answer that was silent for longer."""
        return UpstreamError(f"the stream fell silent for {self._limits.stall:g} s", kind="timeout")

    @property
    def _patient(self) -> bool:
        """Return whether the model may think first; found out at need, since it takes a look at the whole request."""
        if self._thinks is None:
            prepared, body = self._prepared, self._exchange.inbound.body
            self._thinks = may_think_long(prepared.preset, prepared.capabilities, body)
        return self._thinks

    @property
    def _patience(self) -> float:
        return self._limits.first_event_reasoning if self._patient else self._limits.first_event

    async def first(self) -> bytes:
        """Return the reply up to the first bytes that tell something."""
        first, began = b"", self._begun
        until = min(began + self._patience if self._streamed else self._deadline, self._begin_by)
        while piece := await self._read(until, "no answer came within", since=began):
            first += piece
            if first.strip(BLANK):
                self._begun = self._clock.monotonic()
                return first
        raise empty()

    async def more(self, *, started: bool, meaningful: bool, by: float = math.inf) -> bytes:
        """Return the next bytes of a stream: `started` if it has said that it begins, `meaningful` if it has.

        They must come `by` then at the latest.
        """
        now = self._clock.monotonic()
        # Any sign of life counts, but before the answer has begun not for ever.
        until, complaint, since = min(now + self._limits.stall, by), "the stream fell silent for", now
        if not meaningful:
            allowed = self._limits.first_event_reasoning if started else self._patience
            begin_by = min(self._begun + allowed, self._begin_by)
            if begin_by < until or self._patient:  # who thinks may be silent for longer than a stall
                until, complaint, since = begin_by, "the stream held no answer within", self._begun
        if not self._streamed and self._deadline < until:
            until, complaint, since = self._deadline, "the answer did not end within", self._begun
        return await self._read(until, complaint, since=since)

    async def flowing(self) -> bytes:
        """Return the next bytes of an answer that is on its way to its client."""
        try:
            return await in_time(self._limits.stall, self._reply.read())
        except TimeoutError:
            raise self.silent() from None

    async def rest(self, first: bytes) -> bytes:
        """Return the whole reply, of which `first` is here."""
        pieces, size = [first], len(first)
        until = min(self._deadline, self._begin_by)
        while piece := await self._read(until, "the answer did not end within", since=self._begun):
            pieces.append(piece)
            size += len(piece)
            if size > WHOLE_MAX:
                raise UpstreamError("the provider's answer is too large", kind="protocol")
        return first if len(pieces) == 1 else b"".join(pieces)

    async def _read(self, until: float, complaint: str, *, since: float) -> bytes:
        """Return the next bytes; raises `UpstreamError` if none came by `until`, counted `since` then."""
        started = self._clock.monotonic()
        try:
            if until <= started:
                raise TimeoutError
            return await in_time(until - started, self._reply.read())
        except TimeoutError:
            raise UpstreamError(f"{complaint} {max(until - since, 0):.3g} s", kind="timeout") from None
        finally:
            exchange = self._exchange
            if exchange.first_content_at is None:
                exchange.upstream_wait += self._clock.monotonic() - started


async def drain(reply: Reply) -> None:
    """Read the last bytes of a finished stream, so that its connection can be used again."""
    try:
        await in_time(_DRAIN_WAIT, _emptied(reply))
    except (TimeoutError, UpstreamError):
        pass


async def _emptied(reply: Reply) -> None:
    while await reply.read():
        pass


def empty() -> UpstreamError:
    """Return the failure of a reply without a word."""
    return UpstreamError("the provider sent an empty answer", kind="empty")


def may_think_long(preset: Preset, capabilities: Capabilities, body: bytes) -> bool:
    """Return whether the model may think before it speaks: unasked, or by a guess on the request's bytes."""
    return preset.local or capabilities.thinking_style in UNASKED or asks_to_reason(body)


def asks_to_reason(body: bytes) -> bool:
    """Return whether a member of the request, in any dialect, switches reasoning on."""
    for word in _WORDS:
        at = body.rfind(word)
        while at >= 0:
            if _ON.match(body, at):
                return True
            at = body.rfind(word, 0, at)
    return False


__all__ = ["BLANK", "UNASKED", "WHOLE_MAX", "Incoming", "asks_to_reason", "drain", "empty", "may_think_long"]
