"""The client's side of an exchange: the two commits and the heartbeats between and after them.

Head commit: status and headers leave, at the first meaningful piece or after the grace time.
Content commit: the first meaningful piece leaves; until then another target may still answer.
After the head commit a silent stream gets a heartbeat in the dialect's own form.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from flowrouter.canonical.events import StreamError
from flowrouter.canonical.problem import Problem
from flowrouter.clock import Clock
from flowrouter.config import Timeouts
from flowrouter.dialects import Codec
from flowrouter.dialects.codec import StreamEncoder
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.notice import error_headers, head_headers
from flowrouter.gateway.options import bare_options
from flowrouter.httpkit import replies
from flowrouter.httpkit.replies import Send
from flowrouter.tasks import TaskGroup, at_once

_HAIR = 0.002
"""Seconds by which timers may be early."""


class Client:
    """Writes one exchange's answer; each method may be called once its predecessors were."""

    def __init__(
        self,
        send: Send,
        codec: Codec,
        exchange: Exchange,
        *,
        clock: Clock,
        timeouts: Timeouts,
        tasks: TaskGroup,
    ) -> None:
        self._send = send
        self._codec = codec
        self._exchange = exchange
        self._clock = clock
        self._timeouts = timeouts
        self._tasks = tasks
        self._timer: asyncio.TimerHandle | None = None
        self._beating: asyncio.Task[None] | None = None
        self._behind: Awaitable[None] | None = None
        self._disarmed = False
        self._last_sent = 0.0
        self.head_sent = False
        self.content_sent = False
        self.ended = False
        self.heartbeat: Callable[[], bytes] | None = None
        self.failing: Callable[[Problem], bytes] | None = None
        self.on_stuck: Callable[[], object] | None = None

    def overhear(self, hear: Callable[[Any], None]) -> None:
        """Let `hear` know of every message that leaves from now on."""
        send = self._send

        async def heard(message: Any) -> None:
            hear(message)
            await send(message)

        self._send = heard

    def expect_stream(self) -> None:
        """Start the grace time of a streamed answer."""
        self._arm(self._timeouts.head_grace)

    async def answer(self, status: int, body: bytes) -> None:
        """Send a whole JSON answer."""
        self.disarm()
        self.head_sent = self.content_sent = self.ended = True
        self._note_status(status)
        self._note_bytes(body)
        await replies.send_json(self._send, status, body, extra=head_headers(self._exchange, self._clock))

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
        self._exchange.bytes_out += len(piece)
        self._last_sent = self._clock.monotonic()
        self._behind = at_once(replies.send_piece(self._send, piece))
        return self._behind is None

    async def caught_up(self) -> None:
        """Wait until what was pushed has left."""
        behind, self._behind = self._behind, None
        if behind is not None:
            await behind

    async def end(self, piece: bytes = b"") -> None:
        """Send the last piece of a stream."""
        await self._beat_done()
        self.disarm()
        if not self.head_sent:
            await self._open()
        self.ended = True
        self._note_bytes(piece)
        await replies.send_last(self._send, piece)

    async def refuse(self, problem: Problem, *, raw: bytes | None = None) -> None:
        """Say that there is no answer: as a status, or inside a stream whose head has left.

        `raw` is the provider's own envelope where it may pass unchanged.
        """
        await self._beat_done()
        self.disarm()
        if self.head_sent:
            failing = self.failing if self.content_sent else None
            fresh = self._fresh_encoder()
            await self.end(failing(problem) if failing is not None else fresh.feed(StreamError(problem)))
            return
        request_id = self._exchange.inbound.request_id
        body = raw if raw is not None else self._codec.render_problem(problem, request_id)
        self.head_sent = self.ended = True
        status = self._codec.problem_status(problem)
        self._note_status(status)
        self._note_bytes(body)
        headers = [*head_headers(self._exchange, self._clock), *error_headers(problem)]
        await replies.send_json(self._send, status, body, extra=headers)

    def disarm(self) -> None:
        """Stop the heartbeats for good."""
        self._disarmed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._beating is not None:
            self._beating.cancel()

    async def _open(self) -> None:
        self.head_sent = True
        self._note_status(200)
        self._arm(self._timeouts.heartbeat)
        form = replies.STREAM_HEADERS[self._exchange.inbound.framing]
        headers = [*form, *head_headers(self._exchange, self._clock)]
        await replies.send_head(self._send, 200, headers)

    def _arm(self, delay: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._disarmed:
            self._timer = asyncio.get_running_loop().call_later(delay, self._pulse)

    def _pulse(self) -> None:
        """Act on the timer: leave the head after the grace time, a heartbeat after a silence.

        A heartbeat that cannot leave means that the client reads no more; after the longest silence
        allowed it is given up, so that it does not hold the upstream call for ever.
        """
        silence = self._clock.monotonic() - self._last_sent
        if self._beating is not None and not self._beating.done():
            if silence > self._timeouts.stall and self.on_stuck is not None:
                self.on_stuck()
            else:
                self._arm(self._timeouts.heartbeat)
        elif self.head_sent and silence < self._timeouts.heartbeat - _HAIR:
            self._arm(self._timeouts.heartbeat - silence)
        else:
            self._beating = self._tasks.start("heartbeat", self._beat())

    async def _beat(self) -> None:
        if self._disarmed:
            return
        if self.head_sent:
            self._arm(self._timeouts.heartbeat)
        else:
            await self._open()
        self._last_sent = self._clock.monotonic()
        # What a sink holds back has not left: until the first piece the client's stream has not begun.
        beat = self.heartbeat if self.content_sent else None
        piece = beat() if beat is not None else self._fresh_encoder().heartbeat()
        await replies.send_piece(self._send, piece)

    async def _beat_done(self) -> None:
        """Let a heartbeat on its way go first: a full connection would wake two senders in any order."""
        while (beating := self._beating) is not None:
            await asyncio.wait([beating])
            if self._beating is beating:
                self._beating = None

    def _fresh_encoder(self) -> StreamEncoder:
        """Return an encoder for a stream of which nothing but heartbeats has left."""
        return self._codec.encoder(bare_options(self._exchange, self._clock.now()))

    def _note_status(self, status: int) -> None:
        self._exchange.status = status

    def _note_bytes(self, piece: bytes) -> None:
        self._exchange.bytes_out += len(piece)


__all__ = ["Client"]
