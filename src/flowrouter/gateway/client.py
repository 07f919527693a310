"""The client's side of an exchange: the two commits and the heartbeats between and after them.

Head commit: status and headers leave, at the first meaningful piece or after the grace time.
Content commit: the first meaningful piece leaves; until then another target may still answer.
After the head commit a silent stream gets a heartbeat in the dialect's own form.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from flowrouter import logs
from flowrouter.canonical.events import StreamError
from flowrouter.canonical.problem import Problem
from flowrouter.clock import Clock
from flowrouter.config import Timeouts
from flowrouter.dialects import Codec
from flowrouter.dialects.codec import StreamEncoder
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.notice import error_headers, head_lines
from flowrouter.gateway.options import bare_options
from flowrouter.gateway.sinks import Sink
from flowrouter.httpkit.fields import lines_of
from flowrouter.httpkit.replies import STREAM_HEADERS
from flowrouter.httpkit.visit import AsgiWay, Later, Way
from flowrouter.tasks import Alarm, TaskGroup

_HAIR = 0.002
"""Seconds by which timers may be early."""

_JSON = b"\r\ncontent-type: application/json\r\ncontent-length: %d"
_STREAMS = {framing: lines_of(headers) for framing, headers in STREAM_HEADERS.items()}


class Client(msgspec.Struct, eq=False):
    """Writes one exchange's answer; each method may be called once its predecessors were.

    `work` is the task that answers; it is cancelled, once `given_up`, when there is nobody left to answer.
    """

    way: Way
    codec: Codec
    exchange: Exchange
    clock: Clock
    timeouts: Timeouts
    tasks: TaskGroup
    work: asyncio.Task[Any] | None = None
    sink: Sink | None = None
    head_sent: bool = False
    content_sent: bool = False
    ended: bool = False
    given_up: bool = False
    disarmed: bool = False
    _alarm: Alarm | None = None
    _beating: asyncio.Task[None] | None = None
    _behind: Later = None
    _last_sent: float = 0.0

    __repr__ = object.__repr__

    def overhear(self, hear: Callable[[Any], None]) -> None:
        """Let `hear` know of every message that leaves from now on."""
        send = self.way.send

        async def heard(message: Any) -> None:
            hear(message)
            await send(message)

        self.way = AsgiWay(heard)

    def left(self) -> None:
        """Know that the client is gone: whoever still works for it need not."""
        if not self.ended:
            self._give_up()

    def expect_stream(self) -> None:
        """Start the grace time of a streamed answer."""
        self._arm(self.timeouts.head_grace)

    async def answer(self, status: int, body: bytes) -> None:
        """Send a whole JSON answer."""
        later = self.answer_now(status, body)
        if later is not None:
            await later

    def answer_now(self, status: int, body: bytes) -> Later:
        """Send a whole JSON answer; return what is to be awaited, None if nothing is."""
        if self._alarm is not None or self._beating is not None:
            self.disarm()
        self.content_sent = self.disarmed = True
        return self._whole(status, body)

    async def write(self, piece: bytes) -> None:
        """Send a meaningful piece of a stream, behind the head if that has not left yet."""
        if self._beating is not None:
            await self._beat_done()
        if not self.head_sent:
            await self._open()
        self.content_sent = True
        if not self.push(piece):
            await self.caught_up()

    def push(self, piece: bytes) -> bool:
        """Send a piece behind others without waiting; False if `caught_up` must be awaited before the next."""
        if self._beating is not None:
            self._behind = self.write(piece)
            return False
        self.exchange.bytes_out += len(piece)
        self._last_sent = self.clock.monotonic()
        later = self.way.write(piece)
        if later is None:
            return True
        self._behind = later
        return False

    async def caught_up(self) -> None:
        """Wait until what was pushed has left."""
        behind, self._behind = self._behind, None
        if behind is not None:
            await behind

    async def end(self, piece: bytes = b"") -> None:
        """Send the last piece of a stream."""
        if self._beating is not None:
            await self._beat_done()
        self.disarm()
        if not self.head_sent:
            await self._open()
        self.ended = True
        self.exchange.bytes_out += len(piece)
        later = self.way.end(piece)
        if later is not None:
            await later

    async def refuse(self, problem: Problem, *, raw: bytes | None = None) -> None:
        """Say that there is no answer: as a status, or inside a stream whose head has left.

        `raw` is the provider's own envelope where it may pass unchanged.
        """
        await self._beat_done()
        self.disarm()
        if self.head_sent:
            sink, fresh = self.sink if self.content_sent else None, self._fresh_encoder()
            await self.end(fresh.feed(StreamError(problem)) if sink is None else sink.fail(problem))
            return
        request_id = self.exchange.inbound.request_id
        body = raw if raw is not None else self.codec.render_problem(problem, request_id)
        later = self._whole(self.codec.problem_status(problem), body, more=lines_of(error_headers(problem)))
        if later is not None:
            await later

    def disarm(self) -> None:
        """Stop the heartbeats for good."""
        self.disarmed = True
        if self._alarm is not None:
            self._alarm.end()
            self._alarm = None
        if self._beating is not None:
            self._beating.cancel()

    def _whole(self, status: int, body: bytes, more: bytes = b"") -> Later:
        exchange, size = self.exchange, len(body)
        lines = _JSON % size + head_lines(exchange, self.clock)
        self.head_sent = self.ended = True
        exchange.status = status
        exchange.bytes_out += size
        return self.way.answer(status, lines + more if more else lines, body)

    async def _open(self) -> None:
        exchange = self.exchange
        self.head_sent = True
        exchange.status = 200
        self._arm(self.timeouts.heartbeat)
        later = self.way.open(200, _STREAMS[exchange.inbound.framing] + head_lines(exchange, self.clock))
        if later is not None:
            await later

    def _arm(self, delay: float) -> None:
        if not self.disarmed:
            if self._alarm is None:
                self._alarm = Alarm(self)
            self._alarm.set(delay)

    def missed(self) -> None:
        """Act on the alarm: let the head leave after the grace time, a heartbeat after a silence.

        A heartbeat that cannot leave means that the client reads no more; after the longest silence
        allowed it is given up, so that it does not hold the upstream call for ever.
        """
        silence = self.clock.monotonic() - self._last_sent
        if self._beating is not None and not self._beating.done():
            if silence > self.timeouts.stall and self.work is not None:
                self._give_up()
            else:
                self._arm(self.timeouts.heartbeat)
        elif self.head_sent and silence < self.timeouts.heartbeat - _HAIR:
            self._arm(self.timeouts.heartbeat - silence)
        else:
            logs.about(self.exchange.inbound.request_id)  # alarms ring outside of every request
            self._beating = self.tasks.start("heartbeat", self._beat())

    async def _beat(self) -> None:
        if self.disarmed:
            return
        self._last_sent = self.clock.monotonic()  # the head may be long in leaving
        if self.head_sent:
            self._arm(self.timeouts.heartbeat)
        else:
            await self._open()
        self._last_sent = self.clock.monotonic()
        # What a sink holds back has not left: until the first piece the client's stream has not begun.
        speaks = self._fresh_encoder() if self.sink is None or not self.content_sent else self.sink
        later = self.way.write(speaks.heartbeat())
        if later is not None:
            await later

    async def _beat_done(self) -> None:
        """Let a heartbeat on its way go first: a full connection would wake two senders in any order."""
        while (beating := self._beating) is not None:
            await asyncio.wait([beating])
            if self._beating is beating:
                self._beating = None

    def _fresh_encoder(self) -> StreamEncoder:
        """Return an encoder for a stream of which nothing but heartbeats has left."""
        return self.codec.encoder(bare_options(self.exchange, self.clock.now()))

    def _give_up(self) -> None:
        if self.work is not None:
            self.given_up = True
            self.work.cancel()


__all__ = ["Client"]
