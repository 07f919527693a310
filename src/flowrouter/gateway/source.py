"""One begun reply as decoded steps: held until it is known to be an answer, then as they come.

`peek` reads up to the first meaningful event, so that an error in a 200, a page, an empty stream or one
that only pings is found while another target may still answer. What it read is held and comes first from
`more`; nothing is read twice. The first bytes tell a reply's form more truly than its content type.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event, is_meaningful
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.response import Response
from flowrouter.canonical.usage import Usage, merge
from flowrouter.clock import Clock
from flowrouter.config import Timeouts
from flowrouter.dialects import Codec, codec
from flowrouter.errors import CallerError, UpstreamError
from flowrouter.gateway.attempts import Opened
from flowrouter.gateway.exchange import Exchange, parsed
from flowrouter.gateway.incoming import BLANK, WHOLE_MAX, Incoming, may_think_long
from flowrouter.gateway.options import decode_options, provenance
from flowrouter.gateway.pace import Pace
from flowrouter.wire.json_arrays import as_events
from flowrouter.wire.sse import Frame, SseError, SseParser

Framed = tuple[Frame, Sequence[Event]]
"""A frame with the events in it."""

Step = tuple[Frame | None, Sequence[Event]]
"""The same, or no frame where the end of the stream told the events."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How long one attempt may take.

    `first_token` seconds from sending to the first meaningful event; `deadline` (monotonic) for an answer that
    the client wants whole; a stream slower than `slow_tokens` a second at its beginning is none, 0 for
    any pace.
    """

    first_token: float = math.inf
    deadline: float = math.inf
    slow_tokens: float = 0.0


_LAST = frozenset({e.MessageEnd, e.StreamError})


class Source:
    """One reply, read once: `peek` first, then what it found.

    A reply in one piece is in `body`, and `response` where it is a conversation's; a stream comes from
    `more`. `deadline` is when the client's own time is over.
    """

    __slots__ = (
        "_clock", "_data", "_decoder", "_exchange", "_held", "_incoming", "_meaningful", "_opened", "_over",
        "_pace", "_parser", "_size", "_started", "_streamed", "body", "deadline", "response",
    )  # fmt: skip

    def __init__(
        self,
        opened: Opened,
        exchange: Exchange,
        *,
        clock: Clock,
        timeouts: Timeouts,
        terms: Terms,
    ) -> None:
        head, prepared, started = exchange.head, opened.prepared, opened.log.started
        assert head is not None
        self._opened = opened
        self._exchange = exchange
        self._incoming = Incoming(
            opened.reply,
            clock=clock,
            timeouts=timeouts,
            deadline=min(started + timeouts.total, terms.deadline),
            begin_by=min(started + terms.first_token, terms.deadline),
            streamed=head.stream,
            patient=partial(may_think_long, prepared.preset, prepared.capabilities, exchange.inbound.body),
            waited=partial(_waited, exchange),
        )
        self._clock = clock
        self._streamed = head.stream
        self._pace = Pace(terms.slow_tokens) if terms.slow_tokens and head.stream else None
        self.deadline = terms.deadline
        self._held: list[Step] = []
        self._data = b""
        self._size = 0
        self._started = False
        self._meaningful = False
        self._over = False
        self.body = b""
        self.response: Response | None = None

    async def peek(self) -> Problem | None:
        """Read until the first meaningful event is held, or all of a reply in one piece.

        Returns the failure that the reply turned out to be; raises `UpstreamError`.
        """
        first = await self._incoming.first()
        if self._exchange.inbound.operation != "generate":
            self.body = await self._incoming.rest(first)
            return None
        if first.lstrip(BLANK)[:1] in (b"{", b"[", b"<"):
            return await self._whole(first)
        self._data = first
        return await self._begin()

    async def more(self) -> Sequence[Step]:
        """Return the next steps of a stream as they come, those that were held first; none at its end.

        Raises `UpstreamError`.
        """
        if self._held:
            held, self._held = self._held, []
            return held
        return await self._read()

    async def flow(self, take: Callable[[Sequence[Framed]], bool]) -> None:
        """Give steps to `take` as they come, from where nothing is held, until it returns False.

        `more` returns what comes then, and what tells of an end or a failure.
        """
        if self._held or self._over:
            return

        def taken(data: bytes) -> bool:
            steps = self._steps(data)
            if not self._over:
                return not steps or take(steps)
            self._held += steps
            return False

        try:
            await self._incoming.flow(taken)
        except UpstreamError as error:
            self._held = self._broken(error)

    async def drain(self) -> None:
        """Read the last bytes of a finished stream, so that its connection can be used again."""
        await self._incoming.drain()

    def close(self) -> None:
        """Read no more."""
        self._incoming.close()

    @property
    def usage(self) -> Usage | None:
        """Return what the steps that are held say of usage."""
        found: Usage | None = None
        for _, events in self._held:
            for event in events:
                if isinstance(event, e.UsageUpdate):
                    found = merge(found, event.usage)
        return found

    async def _whole(self, first: bytes) -> Problem | None:
        body = await self._incoming.rest(first)
        upstream = codec(self._opened.prepared.target.dialect)
        try:
            response = self._read_whole(body.lstrip(BLANK), upstream)
        except ValueError:
            head = self._exchange.head
            assert head is not None
            if head.stream and upstream.name == "gemini" and (stream := as_events(body.lstrip(BLANK))):
                # The host streams, but overlooked `alt=sse`: its array holds what the events would.
                self._data = stream
                return await self._begin()
            return upstream.problem_of(self._opened.reply.status, body)
        self.body, self.response = body, response
        return None

    def _read_whole(self, body: bytes, upstream: Codec) -> Response:
        """Return the answer in `body`, without its words where it passes as it is; raises `ValueError`."""
        head = self._exchange.head
        assert head is not None
        passes = self._opened.prepared.lane == "passthrough" and not head.stream
        outlined = upstream.outline(body) if passes else None
        return outlined or upstream.parse_response(body, provenance(self._opened))

    async def _begin(self) -> Problem | None:
        self._parser = SseParser()
        self._decoder = codec(self._opened.prepared.target.dialect).decoder(decode_options(self._opened))
        while steps := await self._next():
            self._held += steps
            events = steps[-1][1]
            if events and type(failed := events[-1]) is e.StreamError:
                return failed.problem
            if self._over or (self._meaningful and self._is_fast(steps)):
                return None
        raise UpstreamError("the provider's stream held no answer", kind="empty")

    async def _next(self) -> Sequence[Step]:
        """Return the next steps of a beginning, while its pace is watched in time."""
        pace = self._pace
        if pace is None:
            return await self._read()
        try:
            return await self._read(pace.by)
        except UpstreamError:
            if self._clock.monotonic() < pace.by:
                raise
            raise pace.too_slow() from None

    def _is_fast(self, steps: Sequence[Step]) -> bool:
        """Return whether the stream has shown that it is no slower than it may be."""
        if self._pace is None:
            return True
        for _, events in steps:
            self._pace.note(events, self._clock.monotonic())
        if self._pace.known:
            self._pace = None
        return self._pace is None

    async def _read(self, by: float = math.inf) -> Sequence[Step]:
        """Return the steps of the next bytes that hold any; none at the end."""
        while not self._over:
            data, self._data = self._data, b""
            if not data:
                try:
                    if self._meaningful and self._streamed and by == math.inf:
                        data = await self._incoming.flowing()
                    else:
                        data = await self._incoming.more(
                            started=self._started, meaningful=self._meaningful, by=by
                        )
                except UpstreamError as error:
                    return self._broken(error)
            steps = self._steps(data) if data else self._end()
            if steps:
                return steps
        return []

    def _steps(self, data: bytes) -> Sequence[Framed]:
        self._size += len(data)
        if self._size > WHOLE_MAX and self._exchange.first_content_at is None:
            raise UpstreamError("the provider's answer is too large", kind="protocol")
        try:
            frames = self._parser.feed(data)
        except SseError as error:
            raise UpstreamError(str(error), kind="protocol") from None
        steps: list[Framed] = []
        feed = self._decoder.feed
        for frame in frames:
            events = feed(frame)
            steps.append((frame, events))
            if not self._meaningful:
                self._look(events)
            if events and type(events[-1]) in _LAST:
                self._over = True
                break
        return steps

    def _end(self) -> list[Step]:
        self._over = True
        steps: list[Step] = []
        for frame in self._parser.close():
            if frame.data:  # without any, some SDKs take what is left of the frame for an event
                raw = frame.raw if frame.raw.endswith(b"\r\r") else frame.raw + b"\n\n"
                ended = Frame(frame.event, frame.data, raw, frame.bare)
                steps.append((ended, self._decoder.feed(ended)))
        steps.append((None, self._decoder.close()))
        for _, events in steps:
            self._look(events)
        return steps

    def _broken(self, error: UpstreamError) -> list[Step]:
        """Return how a stream ends that broke behind its finish; raises `error` for one without."""
        if self._meaningful and (events := self._finished()):
            return [(None, events)]
        raise error

    def _finished(self) -> Sequence[Event]:
        """Return the end of an answer whose finish had come when its connection broke; nothing without one.

        Of several answers some may not have begun; a finish that the host did not say proves nothing.
        """
        self._over = True
        events = self._decoder.close()
        said = all(event.raw is not None for event in events if isinstance(event, e.Finish))
        if not events or type(events[-1]) is not e.MessageEnd or not said:
            return ()
        try:
            single = parsed(self._exchange).sampling.n in (None, 1)
        except CallerError:
            single = False
        return events if single else ()

    def _look(self, events: Sequence[Event]) -> None:
        for event in events:
            if type(event) is e.MessageStart:
                self._started = True
            elif is_meaningful(event):
                self._meaningful = True


def _waited(exchange: Exchange, seconds: float) -> None:
    """Count seconds of waiting for the provider; no method, whose owner the reader would hold in a circle."""
    if exchange.first_content_at is None:
        exchange.upstream_wait += seconds


__all__ = ["Framed", "Source", "Step", "Terms"]
