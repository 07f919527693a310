"""One answer on its way to the client.

Both sides may stream or not, so there are four ways; they share the source, the edits and the fold.

Where a stream breaks behind the content commit, `Completion.go_on` may carry it on: it feeds what another
target says to `continue_with`, which brings it behind what has left (`Sink.resume`, from `sink.cursor` on)
until the answer ends. Returns it False, the client is told of the failure in its own dialect.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor, at_end, whole
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import Fold, replay
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.response import Response
from flowrouter.canonical.think_tags import split_response
from flowrouter.clock import Clock
from flowrouter.dialects import Codec, codec
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.errors import UpstreamError
from flowrouter.gateway.attempts import Opened
from flowrouter.gateway.begun import Begun
from flowrouter.gateway.blame import from_upstream_error
from flowrouter.gateway.carrying_on import Completion
from flowrouter.gateway.client import Client
from flowrouter.gateway.embeddings import told
from flowrouter.gateway.endings import failure_in, note, withheld
from flowrouter.gateway.exchange import Exchange, parsed
from flowrouter.gateway.incoming import BLANK
from flowrouter.gateway.missing_usage import booked
from flowrouter.gateway.options import encode_options
from flowrouter.gateway.recall import Recall
from flowrouter.gateway.secrecy import may_pass, redacted
from flowrouter.gateway.sinks import (
    GatherSink,
    PassthroughSink,
    Sink,
    Step,
    TranslateSink,
    edited,
    put_through,
)
from flowrouter.gateway.source import Source
from flowrouter.gateway.stopping import covered, is_stopped, may_go_on, must_stop, stopping
from flowrouter.gateway.stored_responses import StoredResponses
from flowrouter.gateway.untouched import untouched

NAMED = "openai_responses"
"""The dialect in which later requests may name an answer."""


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What every delivery needs: the clock, where an answer leaves what later requests ask for, who completes it."""

    clock: Clock
    recall: Recall
    stored: StoredResponses
    completion: Completion | None


class Delivery(msgspec.Struct, eq=False):
    """One answer on its way; `settle` hears that the client has it."""

    _begun: Begun
    _opened: Opened
    _source: Source
    _exchange: Exchange
    _client: Client
    _means: Means
    _settle: Callable[[Exchange], None]
    _cursor: Cursor | None = None
    _joined: bool = False
    _before: int = 0

    __repr__ = object.__repr__

    @property
    def _own(self) -> Codec:
        return codec(self._exchange.inbound.dialect)

    def run(self) -> Coroutine[Any, Any, Problem | None]:
        """Bring the answer to the client, once awaited.

        Where nothing meaningful has left, a problem comes of that, or `UpstreamError` is raised.
        """
        exchange, source = self._exchange, self._source
        if exchange.inbound.operation != "generate":
            return self._measured()
        if source.outline is not None:
            return self._pass(at_end(source.outline, self._begun.target.dialect))
        if source.response is not None:
            return self._whole(source.response)
        head = exchange.head
        assert head is not None
        return self._stream() if head.stream else self._gather()

    def note(self) -> None:
        """Write into the exchange what the reply came to, unless its books are closed."""
        sent, clock = self._client.content_sent, self._means.clock
        note(self._exchange, self._opened, self._cursor, sent=sent, clock=clock, before=self._before)

    async def _pass(self, cursor: Cursor) -> None:
        """Send an answer in one piece as it is, which budgets may have to cover first, and later requests may name."""
        self._cursor = cursor
        if self._exchange.hold is not None:
            await covered(self._exchange, cursor)
        await self._keep(self._source.body)
        await self._client.answer(200, self._source.body)
        self._answered()

    def _whole(self, response: Response) -> Coroutine[Any, Any, None]:
        """Send an answer that came in one piece in the form that its client asked for."""
        prepared, body = self._opened.prepared, self._source.body
        if prepared.capabilities.think_tags:
            response = split_response(response)
        head = self._exchange.head
        assert head is not None
        if not head.stream:
            # An array is no answer to who asked for none, even where the host speaks the client's dialect.
            if prepared.lane == "passthrough" and body.lstrip(BLANK)[:1] != b"[":
                return self._pass(whole(response))
            return self._answer_with(self._edited(response), self._options())
        return self._told(response)

    async def _told(self, response: Response) -> None:
        """Send a whole answer to a client that asked for a stream."""
        sink = TranslateSink(self._own, self._options(), self._opened.prepared.edits(self._exchange))
        self._use(sink)
        piece = sink.close(replay(response))
        await self._remember()
        await self._keep(piece)
        await self._write(piece)
        await self._client.end()
        self._answered(sink)

    def _options(self) -> EncodeOptions:
        return encode_options(self._exchange, self._means.clock.now(), target=self._begun.target)

    async def _measured(self) -> Problem | None:
        """Pass on vectors; only their model and usage are looked at, unless they must be translated."""
        body, target = self._source.body, self._begun.target
        try:
            answer = told(self._exchange, target, body, model=self._options().model or target.model)
        except ValueError:
            return codec(target.dialect).problem_of(self._opened.reply.status, body)
        self._cursor = Cursor(model=answer.model, usage=answer.usage)
        await self._client.answer(200, answer.body)
        self._answered()
        return None

    def _edited(self, response: Response) -> Response:
        """Return a whole answer as its client gets it."""
        prepared = self._opened.prepared
        if untouched(response, self._exchange, prepared) is not None:
            self._cursor = whole(response)
            return response
        self._cursor, gathered = Cursor(), Fold()
        for event in edited(replay(response), prepared.edits(self._exchange)):
            self._cursor.apply(event)
            gathered.feed(event)
        return gathered.response()

    async def _answer_with(self, response: Response, options: EncodeOptions) -> None:
        exchange, own = self._exchange, self._own
        if exchange.hold is not None:
            await covered(exchange, self._cursor)
        sealer = self._opened.prepared.sealer
        if sealer is not None and sealer.envelopes:
            await self._remember()
        rendered = own.render_response(response, options)
        exchange.reply_losses, body = rendered.losses, rendered.body
        if exchange.inbound.dialect == NAMED:
            await self._keep(body)
        later = self._client.answer_now(200, body)
        if later is not None:
            await later
        self._answered()

    async def _gather(self) -> Problem | None:
        """Collapse a stream for a client that wants the answer whole."""
        sink, options = GatherSink(self._opened.prepared.edits(self._exchange)), self._options()
        self._use(sink)
        while steps := await self._source.more():
            for frame, events in steps:
                if frame is None:
                    sink.close(events)
                else:
                    self._fed(sink, (frame, events))
            if await must_stop(self._exchange, sink.cursor):
                sink.close(stopping(self._exchange, sink.cursor))
                break
        if sink.cursor.problem is not None:
            return sink.cursor.problem
        await self._answer_with(sink.fold.response(), options)
        self._close_books()
        if not is_stopped(self._exchange):
            await self._source.drain()
        return None

    async def _stream(self) -> Problem | None:
        prepared, options = self._opened.prepared, self._options()
        sink: Sink = (
            PassthroughSink(self._own, options)
            if prepared.lane == "passthrough"
            else TranslateSink(self._own, options, prepared.edits(self._exchange))
        )
        self._use(sink)
        del prepared, options
        try:
            last = await self._pump(sink)
        except UpstreamError as error:
            if not self._client.content_sent:
                raise
            last = (None, [e.StreamError(from_upstream_error(error))])
        if last is not None:
            if not self._client.content_sent:
                return failure_in(last)
            await self._break(sink, last)
        elif not self._client.content_sent and not sink.cursor.ended:
            raise UpstreamError("the provider's stream held no answer", kind="empty")
        await self._client.end()
        self._answered(sink)
        await covered(self._exchange, self._cursor)
        self._close_books()
        if last is None and not is_stopped(self._exchange):
            await self._source.drain()
        return None

    async def _pump(self, sink: Sink) -> Step | None:
        """Move the stream through the sink until it ends; nothing leaves before it means something.

        Returns the step that told of a failure, which has not gone through. What only goes through the sink does so
        as it comes, once content has left.
        """
        exchange, client, source, cursor = self._exchange, self._client, self._source, sink.cursor
        held: list[bytes] = []
        while not is_stopped(exchange):
            if client.content_sent and exchange.hold is None:
                await source.flow(sink, client.push)
                await client.caught_up()
            steps = await source.more()
            if not steps:
                break
            broken = put_through(sink, steps, held)
            del steps  # most of a stream's time is spent in the next line, and nothing else needs them
            if broken is None and exchange.hold is not None and await must_stop(exchange, cursor):
                held.append(sink.resume(stopping(exchange, cursor)))
            if cursor.ended:
                await self._remember()
                await self._keep(b"".join(held))
            if held and cursor.meaningful and (broken is None or client.content_sent):
                await self._write(held[0] if len(held) == 1 else b"".join(held))
                held.clear()
            if broken is not None:
                return broken
        return None

    def _fed(self, sink: Sink, step: Step) -> bytes:
        """Return what a step puts on the client's wire.

        A frame that ends the answer with a failure passes as it is only if the client's SDK takes it for
        one, and no secret of ours is in it.
        """
        frame, events = step
        if frame is None:
            return sink.close(events)
        failed = failure_in(step)
        if failed is None:
            return sink.feed(frame, events)
        prepared = self._opened.prepared
        if codec(prepared.target.dialect).is_error_frame(frame) and may_pass(
            frame.data or b"", prepared.account
        ):
            return sink.feed(frame, events)
        return sink.close([*events[:-1], e.StreamError(redacted(failed, prepared.account))])

    async def _break(self, sink: Sink, last: Step) -> None:
        """Carry on a stream that broke behind the content commit, or tell its client that it did."""
        problem = failure_in(last)
        if self._means.completion is not None and problem is not None and await may_go_on(self._exchange):
            problem = redacted(problem, self._opened.prepared.account)
            told = (None, [e.StreamError(problem)])
            said = [event for event in last[1][:-1] if not isinstance(event, e.PartEnd)]
            if said:
                # What came with the failure is content; that its parts end was only concluded from it.
                last = told
                await self._continue_with(sink, said)

            async def continue_with(events: Sequence[Event], begun: Begun) -> None:
                if begun is not self._begun:
                    self._take_over(sink, begun)
                await self._continue_with(sink, events)

            self._begun.close()
            if await self._means.completion.go_on(
                self._exchange,
                self._begun,
                sink=sink,
                problem=problem,
                continue_with=continue_with,
            ):
                return
            last = told if self._joined else last
        if piece := self._fed(sink, last):
            await self._write(piece)

    def _take_over(self, sink: Sink, begun: Begun) -> None:
        """Close the entry of the attempt that broke, all of whose text has left; `begun` answers from here."""
        log = self._opened.log
        log.usage, log.delivered = booked(self._exchange, sink.cursor, before=self._before), True
        # Who was asked to go on says only what is new, who was asked anew says all of it.
        self._before = 0 if self._exchange.amend is None else sink.cursor.characters
        sink.turn_over()
        self._begun, self._opened = begun, begun.opened
        self._joined = True

    async def _continue_with(self, sink: Sink, events: Sequence[Event]) -> None:
        piece = sink.resume(events)
        if sink.cursor.ended:
            await self._remember()
            await self._keep(piece)
        if piece:
            await self._write(piece)

    async def _remember(self) -> None:
        """Keep sealed reasoning before the answer's end leaves: the client may ask on at once."""
        sealer, cursor, exchange = self._opened.prepared.sealer, self._cursor, self._exchange
        if not (sealer and sealer.envelopes and cursor and any(one.name is not None for one in cursor.parts)):
            return
        request, owner = parsed(exchange), exchange.caller.owner_id
        await self._means.recall.keep(request, cursor, sealer.envelopes, owner_id=owner)

    async def _keep(self, answer: bytes) -> None:
        """Keep an answer that later requests may name, before its client can."""
        if self._exchange.inbound.dialect == NAMED:
            # Nobody but the gateway holds an answer that several wrote.
            given = "" if self._cursor is None or self._joined else self._cursor.id
            await self._means.stored.keep(self._exchange, answer, target=self._begun.target, given=given)

    async def _write(self, piece: bytes) -> None:
        if self._exchange.first_content_at is None:
            self._exchange.first_content_at = self._means.clock.monotonic()
            self._exchange.spare()
            self._opened.prepared.spare()
        await self._client.write(piece)

    def _close_books(self) -> None:
        """Settle the exchange ahead of the last bytes of a finished stream, which may take a moment to come."""
        self.note()
        self._settle(self._exchange)

    def _use(self, sink: Sink) -> None:
        self._cursor = sink.cursor
        self._client.sink = sink

    def _answered(self, sink: Sink | None = None) -> None:
        exchange, cursor, log = self._exchange, self._cursor, self._opened.log
        assert cursor is not None
        if sink is not None:
            exchange.reply_losses = sink.losses
        if cursor.frame_errors:
            exchange.reply_losses += withheld(cursor.frame_errors)
        problem = exchange.problem = cursor.problem
        if problem is None:
            exchange.outcome, log.verdict = "ok", "answered"
        else:
            exchange.outcome, log.verdict, log.error = "partial", "cut", problem.message[:300]


__all__ = ["NAMED", "Delivery", "Means"]
