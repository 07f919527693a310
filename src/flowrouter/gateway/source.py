"""One begun reply as decoded steps: held until it is known to be an answer, then as they come.

`peek` reads up to the first meaningful event, so that an error in a 200, a page, an empty stream or one
that only pings is found while another target may still answer. What it read is held and comes first from
`more`; nothing is read twice. The first bytes tell a reply's form more truly than its content type.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event, is_meaningful
from flowrouter.canonical.outline import Outline
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.response import Response
from flowrouter.canonical.usage import Usage, merge
from flowrouter.clock import Clock
from flowrouter.config import Timeouts
from flowrouter.dialects import codec
from flowrouter.dialects.codec import StreamDecoder
from flowrouter.dialects.mould import Fit, apart
from flowrouter.errors import CallerError, UpstreamError
from flowrouter.gateway.attempts import Opened
from flowrouter.gateway.exchange import Exchange, parsed
from flowrouter.gateway.incoming import BLANK, WHOLE_MAX, Incoming, drain, empty
from flowrouter.gateway.options import decode_options, provenance
from flowrouter.gateway.pace import Pace
from flowrouter.gateway.sinks import Saying, Step, Through
from flowrouter.tasks import Deadline
from flowrouter.wire.json_arrays import as_events
from flowrouter.wire.sse import Frame, SseError, SseParser, frame_of

Framed = tuple[Frame, Sequence[Event]]
"""A frame with the events in it."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How long one attempt may take.

    `first_token` seconds from sending to the first meaningful event; `deadline` (monotonic) for an answer that
    the client wants whole; a stream slower than `slow_tokens` a second at its beginning is none, 0 for
    any pace.
    """

    first_token: float = math.inf
    deadline: float = math.inf
    slow_tokens: float = 0.0


_UNBEGUN: Any = None
"""Stands for what is there as soon as a stream begins, or flows."""

_OPENINGS = (b"{", b"[", b"<")
_LAST = frozenset({e.MessageEnd, e.StreamError})


class Source(msgspec.Struct, eq=False):
    """One reply, read once: `peek` first, then what it found.

    A reply in one piece is in `body`, and of a conversation's either the `outline`, where it passes as it is
    and its words need not be read, or the `response`. A stream comes from `more`.
    """

    _opened: Opened
    _exchange: Exchange
    _clock: Clock
    _timeouts: Timeouts
    _terms: Terms
    body: bytes = b""
    outline: Outline | None = None
    response: Response | None = None

    # Of a stream alone.
    _incoming: Incoming | None = None
    _held: Sequence[Step] = ()
    _parser: SseParser = _UNBEGUN
    _decoder: StreamDecoder = _UNBEGUN
    _data: bytes = b""
    _size: int = 0
    _pace: Pace | None = None
    _streamed: bool = False
    _started: bool = False
    _meaningful: bool = False
    _over: bool = False
    _through: Through = _UNBEGUN
    _push: Callable[[bytes], bool] = _UNBEGUN
    _learned: int = 0
    _mould: Fit | None = None
    _fit: Fit | None = None
    _say: Saying = _UNBEGUN
    _index: int = 0
    _stall: float = 0.0
    _silence: Deadline = _UNBEGUN
    _now: Callable[[], float] = _UNBEGUN

    __repr__ = object.__repr__

    @property
    def deadline(self) -> float:
        """Return when the client's own time is over, by the monotonic clock."""
        return self._terms.deadline

    def peek(self) -> Coroutine[Any, Any, Problem | None] | Problem | None:
        """Read until the first meaningful event is held, or all of a reply in one piece.

        Returns the failure that the reply turned out to be, or what is to be awaited for it: an answer that is all
        there needs no waiting. Raises `UpstreamError`, as does what is awaited.
        """
        data = self._opened.reply.entire()
        if data is None:
            return self._listened()
        text = data.lstrip(BLANK)
        if text[:1] not in _OPENINGS and self._is_stream(text):
            return self._begin(data)
        return self._understand(data, text)

    async def _listened(self) -> Problem | None:
        incoming = self._listen()
        data = await incoming.first()
        if self._is_stream(data.lstrip(BLANK)):
            return await self._begin(data)
        data = await incoming.rest(data)
        found = self._understand(data, data.lstrip(BLANK))
        return found if found is None or isinstance(found, Problem) else await found

    def _is_stream(self, text: bytes) -> bool:
        """Return whether a reply that begins with `text` is one; raises `UpstreamError` for nothing at all."""
        if not text:
            raise empty()
        return text[:1] not in _OPENINGS and self._exchange.inbound.operation == "generate"

    async def more(self) -> Sequence[Step]:
        """Return the next steps of a stream as they come, those that were held first; none at its end.

        Raises `UpstreamError`.
        """
        if self._held:
            held, self._held = self._held, ()
            return held
        return await self._read()

    async def flow(self, through: Through, push: Callable[[bytes], bool]) -> None:
        """Put what comes `through`, and `push` what that makes of it, until that returns False.

        From where nothing is held; `more` returns what comes then, and what tells of an end or a failure.
        """
        incoming = self._incoming
        if self._held or self._over or incoming is None:
            return
        self._through, self._push, self._stall = through, push, incoming.stall
        self._learned, self._mould = 0, None
        self._tune()
        silence = self._silence = Deadline(self._stall)
        self._now = asyncio.get_running_loop().time
        try:
            await self._opened.reply.flow(self._take)
        except BaseException as error:
            was_silent = silence.ended() and isinstance(error, asyncio.CancelledError)
            if not was_silent and not isinstance(error, UpstreamError):
                raise
            if not (held := self._broken()):
                if was_silent:
                    raise incoming.silent() from error
                raise
            self._held = held
        else:
            silence.ended()

    def drain(self) -> Coroutine[Any, Any, None]:
        """Read the last bytes of a finished stream, once awaited, so that its connection can be used again."""
        return drain(self._opened.reply)

    @property
    def usage(self) -> Usage | None:
        """Return what the steps that are held say of usage."""
        found: Usage | None = None
        for _, events in self._held:
            for event in events:
                if isinstance(event, e.UsageUpdate):
                    found = merge(found, event.usage)
        return found

    def _listen(self) -> Incoming:
        started, timeouts, terms = self._opened.log.started, self._timeouts, self._terms
        incoming = self._incoming = Incoming(
            self._opened,
            self._exchange,
            clock=self._clock,
            timeouts=timeouts,
            deadline=min(started + timeouts.total, terms.deadline),
            begin_by=min(started + terms.first_token, terms.deadline),
        )
        return incoming

    def _understand(self, data: bytes, text: bytes) -> Coroutine[Any, Any, Problem | None] | Problem | None:
        """Read a reply in one piece, whose `text` it is; of what passes as it is, nothing but what the books need."""
        prepared, exchange = self._opened.prepared, self._exchange
        head = exchange.head
        assert head is not None
        self.body = data
        if exchange.inbound.operation != "generate":
            return None
        upstream = codec(prepared.target.dialect)
        try:
            if prepared.lane == "passthrough" and not head.stream:
                self.outline = upstream.outline(text)
            if self.outline is None:
                self.response = upstream.parse_response(text, provenance(self._opened))
        except ValueError:
            problem = upstream.problem_of(self._opened.reply.status, data)
            stream = self._misframed(text)
            return self._begin(stream) if stream else problem
        return None

    def _misframed(self, text: bytes) -> bytes | None:
        """Return the events that an array holds where a host streams, but overlooked `alt=sse`."""
        head = self._exchange.head
        streams = head is not None and head.stream and self._opened.prepared.target.dialect == "gemini"
        return as_events(text) if streams else None

    async def _begin(self, data: bytes) -> Problem | None:
        head, slowest = self._exchange.head, self._terms.slow_tokens
        assert head is not None
        self.body, self._data = b"", data
        self._streamed = head.stream
        self._pace = Pace(slowest) if slowest and head.stream else None
        self._parser = SseParser()
        self._decoder = codec(self._opened.prepared.target.dialect).decoder(decode_options(self._opened))
        held: list[Step] = []
        self._held = held
        while steps := await self._next():
            held += steps
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
                incoming = self._incoming or self._listen()
                try:
                    if self._meaningful and self._streamed and by == math.inf:
                        data = await incoming.flowing()
                    else:
                        data = await incoming.more(started=self._started, meaningful=self._meaningful, by=by)
                except UpstreamError:
                    if not (steps := self._broken()):
                        raise
                    return steps
            self._size += len(data)
            if self._size > WHOLE_MAX and self._exchange.first_content_at is None:
                raise UpstreamError("the provider's answer is too large", kind="protocol")
            steps = self._steps(data) if data else self._end()
            if steps:
                return steps
        return ()

    def _take(self, data: bytes) -> bool:
        """Let what has come go through at once; False if nothing more can for now."""
        # By local names: of `self._now()` the interpreter looks for a method first, which takes as long as the call.
        now, fit, push = self._now, self._fit, self._push
        self._silence.at = now() + self._stall
        if fit is not None and (text := fit(data)):
            say = self._say
            piece = say(text)
            if piece is None:
                return push(data)
        elif (piece := self._several(data)) is None:
            return False
        return not piece or push(piece)

    def _several(self, data: bytes) -> bytes | None:
        """Return what any bytes put on the client's wire; None if they hold the end, which is told by `more`."""
        fitting, rest, fit = (), data, self._fit
        if fit is not None and 1 < data.find(b"\n\n") + 2 < len(data):
            fitting, rest = apart(data, fit)
        steps = self._steps(rest) if rest else ()
        if self._over:
            index = self._index
            self._held = [*((frame_of(raw), [e.PartDelta(index, text)]) for raw, text in fitting), *steps]
            return None
        said = self._said(fitting) if fitting else b""
        if not rest:
            return said
        feed = self._through.feed
        piece = b"".join([feed(frame, events) for frame, events in steps])
        self._tune()
        return said + piece if said else piece

    def _said(self, fitting: Sequence[tuple[bytes, str]]) -> bytes:
        say = self._say
        return b"".join([raw if (piece := say(text)) is None else piece for raw, text in fitting])

    def _tune(self) -> None:
        """Find out what is the same for all frames that fit the mould: what reads them, and what takes their texts."""
        mould, self._fit = self._decoder.mould, None
        if mould is None or self._parser.pending:
            return
        if mould.learned != self._learned:
            self._learned, self._index, self._mould = mould.learned, mould.index, None
            if (fit := mould.fit) is not None and (say := self._through.saying(mould.index)) is not None:
                self._mould, self._say = fit, say
        self._fit = self._mould

    def _steps(self, data: bytes) -> Sequence[Framed]:
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

    def _broken(self) -> list[Step]:
        """Return how a stream ends that broke behind its finish; nothing for one without."""
        return [(None, events)] if self._meaningful and (events := self._finished()) else []

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


__all__ = ["Framed", "Source", "Terms"]
