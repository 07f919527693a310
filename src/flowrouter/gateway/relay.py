"""Brings a begun reply to the client: any form the upstream chose, in the form the client asked for.

Both sides may stream or not, so there are four ways; they share the decoder, the edits and the fold.
Until the content commit a failure here is returned and another target may answer; after it, the
client's stream ends with its own dialect's error, never with a clean terminator.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor, whole
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import Fold, replay
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.response import Response
from flowrouter.canonical.think_tags import split_response
from flowrouter.clock import Clock
from flowrouter.config import Timeouts
from flowrouter.dialects import Codec, codec
from flowrouter.errors import UpstreamError
from flowrouter.gateway.attempts import Attempts, Opened
from flowrouter.gateway.blame import Failure, from_upstream_error
from flowrouter.gateway.client import Client
from flowrouter.gateway.embeddings import told
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.incoming import BLANK, WHOLE_MAX, Incoming, may_think_long
from flowrouter.gateway.missing_usage import booked
from flowrouter.gateway.options import decode_options, encode_options, provenance
from flowrouter.gateway.recall import Recall
from flowrouter.gateway.secrecy import may_pass, redacted
from flowrouter.gateway.sinks import GatherSink, PassthroughSink, Sink, TranslateSink, edited
from flowrouter.gateway.stored_responses import StoredResponses
from flowrouter.routing import judge
from flowrouter.wire.json_arrays import as_events
from flowrouter.wire.sse import Frame, SseError, SseParser


class Relay:
    """Delivers replies; what it needs is given once."""

    def __init__(
        self,
        attempts: Attempts,
        *,
        recall: Recall,
        stored: StoredResponses,
        clock: Clock,
        timeouts: Timeouts,
    ) -> None:
        self._attempts = attempts
        self.stored = stored
        self._clock = clock
        self._timeouts = timeouts
        self.recall = recall

    async def deliver(
        self, opened: Opened, exchange: Exchange, client: Client, *, settle: Callable[[Exchange], None]
    ) -> Failure | None:
        """Answer the client from `opened`; a failure means that nothing meaningful has left.

        `settle` is called once the client has its answer, before the rest of the reply is read.
        """
        delivery = _Delivery(self, opened, exchange=exchange, client=client, settle=settle)
        try:
            return await delivery.run()
        except UpstreamError as error:
            return self._attempts.broken(opened.log, opened.prepared.target, error)
        finally:
            opened.reply.close()
            delivery.note()

    @property
    def clock(self) -> Clock:
        """Return the clock."""
        return self._clock

    @property
    def timeouts(self) -> Timeouts:
        """Return the limits."""
        return self._timeouts

    def refused(self, opened: Opened, problem: Problem) -> Failure:
        """Return the failure of a reply that turned out to be an error."""
        problem = redacted(problem, opened.prepared.account)
        if problem.status < 400:
            problem = msgspec.structs.replace(problem, status=502)
        return self._attempts.failed(
            opened.log, opened.prepared.target, problem=problem, verdict=judge(problem)
        )


class _Delivery:
    """One reply on its way."""

    def __init__(
        self,
        relay: Relay,
        opened: Opened,
        *,
        exchange: Exchange,
        client: Client,
        settle: Callable[[Exchange], None],
    ) -> None:
        self._relay = relay
        self._opened = opened
        self._exchange = exchange
        self._client = client
        self._settle = settle
        self._upstream: Codec = codec(opened.prepared.target.dialect)
        self._own: Codec = codec(exchange.inbound.dialect)
        self._options = encode_options(exchange, relay.clock.now())
        self._cursor: Cursor | None = None
        self._incoming = Incoming(
            opened.reply,
            clock=relay.clock,
            timeouts=relay.timeouts,
            deadline=opened.log.started + relay.timeouts.total,
            patient=may_think_long(opened.prepared, exchange.inbound.body),
            waited=self._wait,
        )

    async def run(self) -> Failure | None:
        """Look at the first bytes, which tell the reply's form more truly than its content type."""
        head = self._exchange.head
        assert head is not None
        first = await self._incoming.first(streamed=head.stream)
        if self._exchange.inbound.operation != "generate":
            return await self._measured(first)
        if first.lstrip(BLANK)[:1] in (b"{", b"[", b"<"):
            return await self._whole(first)
        return await (self._stream(first) if head.stream else self._gather(first))

    def note(self) -> None:
        """Write into the exchange what the reply came to, unless its books are closed."""
        if self._exchange.settled:
            return
        cursor, log = self._cursor, self._opened.log
        log.ended = log.ended or self._relay.clock.monotonic()
        if cursor is not None:
            log.usage = cursor.usage
            if self._client.content_sent:
                _note_answer(self._exchange, cursor, fallback=self._opened.prepared.target.model)
                log.usage = self._exchange.usage

    async def _whole(self, first: bytes) -> Failure | None:
        body = await self._incoming.rest(first)
        try:
            response = self._upstream.parse_response(body.lstrip(BLANK), provenance(self._opened))
        except ValueError:
            head = self._exchange.head
            assert head is not None
            if head.stream and self._upstream.name == "gemini" and (stream := as_events(body.lstrip(BLANK))):
                # The host streams, but overlooked `alt=sse`: its array holds what the events would.
                return await self._stream(stream)
            problem = self._upstream.problem_of(self._opened.reply.status, body)
            return self._relay.refused(self._opened, problem)
        if self._opened.prepared.capabilities.think_tags:
            response = split_response(response)
        head = self._exchange.head
        assert head is not None
        # An array is no answer to who asked for none, even where the host speaks the client's dialect.
        array = body.lstrip(BLANK)[:1] == b"["
        if self._opened.prepared.lane == "passthrough" and not head.stream and not array:
            self._cursor = whole(response)
            await self._keep(body)
            await self._client.answer(200, body)
            return self._answered(None)
        events = replay(response)
        if head.stream:
            sink = TranslateSink(self._own, self._options, self._opened.prepared.edits)
            self._use(sink)
            piece = sink.close(events)
            await self._remember()
            await self._keep(piece)
            await self._write(piece)
            await self._client.end()
            return self._answered(sink)
        return await self._fold_and_answer(events)

    async def _measured(self, first: bytes) -> Failure | None:
        """Pass on vectors; only their model and usage are looked at, unless they must be translated."""
        body, target = await self._incoming.rest(first), self._opened.prepared.target
        try:
            answer = told(self._exchange, target, body, model=self._options.model or target.model)
        except ValueError:
            return self._relay.refused(
                self._opened, self._upstream.problem_of(self._opened.reply.status, body)
            )
        self._cursor = Cursor()
        self._cursor.model, self._cursor.usage = answer.model, answer.usage
        await self._client.answer(200, answer.body)
        return self._answered(None)

    async def _fold_and_answer(self, events: Sequence[Event]) -> Failure | None:
        self._cursor, gathered = Cursor(), Fold()
        for event in edited(events, self._opened.prepared.edits):
            self._cursor.apply(event)
            gathered.feed(event)
        return await self._answer_with(gathered.response())

    async def _answer_with(self, response: Response) -> Failure | None:
        await self._remember()
        rendered = self._own.render_response(response, self._options)
        self._exchange.reply_losses = rendered.losses
        await self._keep(rendered.body)
        await self._client.answer(200, rendered.body)
        return self._answered(None)

    async def _gather(self, first: bytes) -> Failure | None:
        """Collapse a stream for a client that wants the answer whole."""
        sink = GatherSink(self._opened.prepared.edits)
        self._use(sink)
        try:
            async with asyncio.timeout(self._incoming.left):
                await self._pump(sink, first, write=False)
        except TimeoutError:
            raise UpstreamError("the answer did not end in time", kind="timeout") from None
        if sink.cursor.problem is not None:
            return self._relay.refused(self._opened, sink.cursor.problem)
        await self._answer_with(sink.fold.response())
        await self._drain()
        return None

    async def _stream(self, first: bytes) -> Failure | None:
        sink: Sink
        if self._opened.prepared.lane == "passthrough":
            sink = PassthroughSink(self._own, self._options)
        else:
            sink = TranslateSink(self._own, self._options, self._opened.prepared.edits)
        self._use(sink)
        try:
            await self._pump(sink, first, write=True)
        except UpstreamError as error:
            if not self._client.content_sent:
                raise
            await self._client.end(sink.close([e.StreamError(from_upstream_error(error))]))
            return self._answered(sink)
        if sink.cursor.problem is not None and not self._client.content_sent:
            return self._relay.refused(self._opened, sink.cursor.problem)
        if not self._client.content_sent and not sink.cursor.ended:
            raise UpstreamError("the provider's stream held no answer", kind="empty")
        await self._client.end()
        self._answered(sink)
        await self._drain()
        return None

    async def _pump(self, sink: Sink, first: bytes, *, write: bool) -> None:
        """Move the stream through the sink until it ends; nothing leaves before it means something."""
        parser, decoder = SseParser(), self._upstream.decoder(decode_options(self._opened))
        cursor, held, data, size = sink.cursor, bytearray(), first, 0
        begun = self._relay.clock.monotonic()
        while data:
            size += len(data)
            if size > WHOLE_MAX and not self._client.content_sent:
                raise UpstreamError("the provider's answer is too large", kind="protocol")
            for frame in _frames(parser, data):
                held += self._fed(sink, frame, decoder.feed(frame))
                if cursor.ended or cursor.problem is not None:
                    break
            if cursor.ended or cursor.problem is not None:
                break
            if write and held and cursor.meaningful:
                await self._write(bytes(held))
                held = bytearray()
            data = await self._incoming.more(cursor, begun)
        else:
            for frame in parser.close():
                if frame.data:  # without any, some SDKs take what is left of the frame for an event
                    raw = frame.raw if frame.raw.endswith(b"\r\r") else frame.raw + b"\n\n"
                    ended = Frame(frame.event, frame.data, raw, frame.bare)
                    held += self._fed(sink, ended, decoder.feed(ended))
            held += sink.close(decoder.close())
        if write and cursor.ended:
            await self._remember()
            await self._keep(bytes(held))
        failed_early = cursor.problem is not None and not self._client.content_sent
        if write and held and cursor.meaningful and not failed_early:
            await self._write(bytes(held))

    def _fed(self, sink: Sink, frame: Frame, events: list[Event]) -> bytes:
        """Return what a frame puts on the client's wire.

        One that ends the answer with a failure passes as it is only if the client's SDK takes it for one,
        and no secret of ours is in it.
        """
        if not events or type(failed := events[-1]) is not e.StreamError:
            return sink.feed(frame, events)
        account = self._opened.prepared.account
        if self._upstream.is_error_frame(frame) and may_pass(frame.data or b"", account):
            return sink.feed(frame, events)
        return sink.close([*events[:-1], e.StreamError(redacted(failed.problem, account))])

    async def _remember(self) -> None:
        """Keep sealed reasoning before the answer's end leaves: the client may ask on at once."""
        sealer, request = self._opened.prepared.sealer, self._exchange.request
        if sealer is None or not sealer.envelopes or request is None or self._cursor is None:
            return
        owner_id = self._exchange.caller.owner_id
        await self._relay.recall.keep(request, self._cursor, sealer.envelopes, owner_id=owner_id)

    async def _keep(self, answer: bytes) -> None:
        """Keep an answer that later requests may name, before its client can."""
        if self._exchange.inbound.dialect == "openai_responses":
            given = "" if self._cursor is None else self._cursor.id
            target = self._opened.prepared.target
            await self._relay.stored.keep(self._exchange, answer, target=target, given=given)

    async def _write(self, piece: bytes) -> None:
        if self._exchange.first_content_at is None:
            self._exchange.first_content_at = self._relay.clock.monotonic()
        await self._client.write(piece)

    async def _drain(self) -> None:
        """Close the books, then read the last bytes of a finished stream."""
        self.note()
        self._settle(self._exchange)
        await self._incoming.drain()

    def _wait(self, seconds: float) -> None:
        if not self._client.content_sent:
            self._exchange.upstream_wait += seconds

    def _use(self, sink: Sink) -> None:
        self._cursor = sink.cursor
        self._client.heartbeat, self._client.failing = sink.heartbeat, sink.fail

    def _answered(self, sink: Sink | None) -> None:
        exchange, cursor = self._exchange, self._cursor
        assert cursor is not None
        if sink is not None:
            exchange.reply_losses = sink.losses
        exchange.reply_losses += _withheld(cursor.frame_errors)
        exchange.problem = cursor.problem
        exchange.outcome = "ok" if cursor.problem is None else "partial"
        self._opened.log.verdict = "answered" if cursor.problem is None else "cut"
        if cursor.problem is not None:
            self._opened.log.error = cursor.problem.message[:300]


def _frames(parser: SseParser, data: bytes) -> list[Frame]:
    try:
        return parser.feed(data)
    except SseError as error:
        raise UpstreamError(str(error), kind="protocol") from None


def _withheld(frames: int) -> tuple[Loss, ...]:
    """Return the loss that `frames` events nobody could read amount to."""
    if not frames:
        return ()
    reason = f"{frames} event{'' if frames == 1 else 's'} of the provider could not be read"
    return (Loss(path="stream", kind="dropped", reason=reason),)


def _note_answer(exchange: Exchange, cursor: Cursor, *, fallback: str) -> None:
    exchange.usage = booked(exchange, cursor)
    exchange.answered_model = cursor.model or fallback
    finish = cursor.finishes.get(0)
    exchange.finish = finish.reason if finish is not None else None


__all__ = ["Relay"]
