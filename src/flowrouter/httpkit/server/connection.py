"""One client connection at the byte level: what is not exactly HTTP/1.1 is refused, what dawdles is cut.

llhttp refuses two lengths, length beside chunks, folded lines and bare line feeds. On top: one `Host`,
`chunked` alone and only in HTTP/1.1, no trailer taken for a header, an address that agrees with its `Host`,
limits on the size, number and time of headers, and a pace for bodies. A refusal ends the connection, so that
nothing behind it can be taken for a request. Requests sent ahead wait their turn, and the socket with them.

An offer to upgrade (Java's client makes one by default) is ignored as RFC 9110, 7.8 allows, body and all;
who asks for a WebSocket is answered, and that is the end of the connection.
"""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn, cast

import httptools

from flowrouter.httpkit.bodies import declared_length
from flowrouter.httpkit.fields import headers_of
from flowrouter.httpkit.server.door import LINGER_SECONDS, PACE_BYTES, Door, address_of
from flowrouter.httpkit.server.heads import head_of, parser_for, refusal_of, says, weighed, without_offers
from flowrouter.httpkit.server.repeats import BODY_MAX, HELD_SECONDS, KnownHead
from flowrouter.httpkit.server.turn import Turn
from flowrouter.outbox import outbox_of
from flowrouter.tasks import NEVER, Alarm

_UNTAKEN = 64 * 1024
"""Bytes of a body that may wait for the application before the socket is stopped."""

_URL_BYTES = 16 * 1024
_TOO_MUCH = (431, "the headers are too many or too large")
_BETWEEN, _HEAD, _BODY = 0, 1, 2
_LATER: Any = object()  # a parser that is made once it is needed: who says the same again needs none


class Connection(asyncio.Protocol):
    """Reads requests and has them answered one by one, in their order."""

    __slots__ = (
        "_active", "_ahead", "_deadline", "_fed", "_fields", "_first", "_known", "_message", "_most",
        "_noted", "_paced", "_parser", "_part", "_pending", "_refusal", "_set_aside", "_turn", "_unsent", "_url", "client",
        "door", "outbox", "paused", "room", "server", "transport",
    )  # fmt: skip

    def __init__(self, door: Door) -> None:
        self.door = door
        self.outbox = outbox_of(asyncio.get_running_loop())
        self.outbox.crowd = door.tasks
        self._deadline = Alarm(self)
        self._parser: Any = None
        self._part = _BETWEEN
        self._first = True
        self._set_aside = self.paused = False
        self._message = self._fed = self._pending = self._most = self._noted = self._paced = self._unsent = 0
        self._url = b""
        self._fields: list[bytes] = []
        self._refusal: tuple[int, str] | None = None
        self._known = KnownHead(door.patterns)  # that of the last request
        self._turn: Turn | None = None  # whose request arrives, or arrived last
        self._active: Turn | None = None  # who is being answered
        self._ahead: list[Turn] = []  # short, and hardly ever used: a deque takes most of a kilobyte
        self.room: asyncio.Event | None = None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give the client its time for a first request."""
        self.transport = cast("asyncio.Transport", transport)
        self.server = address_of(transport.get_extra_info("sockname"))
        self.client = address_of(transport.get_extra_info("peername"))
        self._parser = _LATER
        self.door.connections.add(self)
        self._deadline.set(self.door.limits.header_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever answers that there is nobody left."""
        del exc
        self._let_go()
        self.door.connections.discard(self)
        self._deadline.end()
        self._forsake()
        self.resume_writing()

    def eof_received(self) -> None:
        """Let what is answered already leave: the loop closes behind this."""
        self.outbox.flush()

    def pause_writing(self) -> None:
        """Let `send` wait until the client has taken what is on its way."""
        if self.room is None:
            self.room = asyncio.Event()

    def resume_writing(self) -> None:
        """Let `send` go on."""
        if self.room is not None:
            self.room.set()
            self.room = None

    def data_received(self, data: bytes) -> None:
        """Take what arrived, or refuse it and close."""
        if not self._part and self._active is None:
            told = self._known.told_by(data)
            if told is not None:
                head, headers, body = told
                if body is None:
                    if len(self._known.held) == 1:
                        self._deadline.set(HELD_SECONDS)
                    return
                self._deadline.at = NEVER
                self._turn = turn = Turn(
                    self, head, headers, True, [body], size := len(body), head.plain, size, True
                )
                self._begin(turn)
                return
            self._let_go()
        self._parse(data)

    def _let_go(self) -> bool:
        """Have the parser take what waits for the rest of a request, as if it came now; return whether anything did."""
        if held := self._known.let_go():
            self._parse(held)
        return bool(held)

    def _parse(self, data: bytes) -> None:
        rest: bytes | memoryview = data
        while rest and self._parser is not None:
            before, message = self._part, self._message
            self._fed = len(rest)
            if self._parser is _LATER:
                self._parser = parser_for(self)
            try:
                self._parser.feed_data(rest)
            except httptools.HttpParserUpgrade as upgrade:
                self._go_on_without_offer()
                rest = memoryview(rest)[upgrade.args[0] :]
                continue
            except httptools.HttpParserError:
                too_much = _TOO_MUCH if self._part == _HEAD and self._is_overweight() else None
                self._refuse(*(self._refusal or too_much or (400, "this is not valid HTTP/1.1")))
            else:
                if self._part:
                    self._watch(before if message == self._message else _BETWEEN)
                if before == _BETWEEN and self._message == message + 1 and rest is data:
                    self._remember(data)
                if self._known and not self._part and (self._turn is None or self._turn.keep_alive):
                    self._parser = _LATER
            return

    def _remember(self, data: bytes) -> None:
        """Know the next request by its bytes, if it begins as the one whose head came in `data`, and what came of it."""
        turn = self._turn
        if turn is None or not turn.keep_alive or self._part == _HEAD or (turn.declared or 0) > BODY_MAX:
            return
        raw = data[: len(data) - turn.arrived]
        turn.head, turn.headers = self._known.remember(turn.head, raw, most=self.door.limits.header_bytes)

    def shutdown(self) -> None:
        """End, behind the requests that came already."""
        self._let_go()
        if self._active is None or self._turn is None:
            self.close()
        else:
            self._turn.keep_alive = False

    # httptools

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._part = _HEAD
        self._message += 1
        self._url = b""
        self._pending = self._most = self._noted = 0
        if self._first:
            self._first = False
        else:
            self._deadline.at = NEVER

    def on_url(self, url: bytes) -> None:
        """Take a piece of the address."""
        self._url += url
        if len(self._url) > _URL_BYTES:
            self._object(414, "the address is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those behind a body (trailers) are no headers of the request."""
        if self._part == _HEAD:
            self._fields += (name, value)

    def on_headers_complete(self) -> None:
        """Check the head, then begin to answer."""
        self._part = _BODY
        self._pending = 0
        self._deadline.at = NEVER
        parser, fields, url = self._parser, self._fields, self._url
        if self._is_overweight():
            self._object(*_TOO_MUCH)
        version: str = parser.get_http_version()
        method: bytes = parser.get_method()
        headers = headers_of(fields[::2], fields[1::2])
        if objection := weighed(version, method, url, headers=headers, fields=fields):
            self._object(400, objection)
        keep_alive = version == "1.1" and parser.should_keep_alive()
        if parser.should_upgrade():
            if not says(fields, b"upgrade", b"websocket"):
                self._set_aside = True
                return
            keep_alive = False
        self._fields = []  # the next one's; a request in the making keeps what it needs
        head = head_of(version, method, url, headers=headers, fields=fields)
        declared = declared_length(headers)
        intact = head.plain and declared is not None
        self._turn = turn = Turn(self, head, headers, keep_alive, [], declared, intact)
        turn.expects = head.expects
        if self._active is None:
            self._begin(turn)
        else:
            self._ahead.append(turn)
            self._stop_reading()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body; nobody wants that of a request that is answered."""
        turn = self._turn
        assert turn is not None
        turn.arrived += len(body)
        if not turn.complete:
            turn.pieces.append(body)
            if turn.awaited is not None:
                turn.awaited.set()

    def on_message_complete(self) -> None:
        """End a request."""
        self._part = _BETWEEN
        self._deadline.at = NEVER
        turn = self._turn
        if self._set_aside or turn is None:
            return
        if not self._parser.should_keep_alive():  # a trailer may say so too, and the parser goes by it
            turn.keep_alive = False
        if turn.complete:
            self.answered(turn)
        else:
            turn.over = True
            if turn.awaited is not None:
                turn.awaited.set()

    # the turn's way back

    def take_on(self) -> None:
        """Read on, unless requests were sent ahead."""
        if self.paused and not self._ahead and not self.transport.is_closing():
            self.paused = False
            self.transport.resume_reading()

    def answered(self, turn: Turn) -> None:
        """Go on to the next request, or let the client finish what it is sending, for a while."""
        self._active = None
        if not turn.keep_alive:
            self.close()
        elif self._ahead:
            self._begin(self._ahead.pop(0))
        elif not self._part:
            self._turn = None
            self._deadline.set(self.door.limits.keep_alive)
        elif self._part == _BODY:
            self._deadline.set(LINGER_SECONDS)
        if self.paused:
            self.take_on()

    def close(self) -> None:
        """Take nothing more, and end once what was written has left, or the client takes no more of it."""
        self._parser = None
        self._known.forget()
        self.outbox.flush()
        self._unsent = self.transport.get_write_buffer_size()
        if self._unsent:
            self._deadline.set(self.door.limits.body_timeout)
        else:
            self._deadline.end()
        self.transport.close()

    def _begin(self, turn: Turn) -> None:
        self._active = turn
        turn.task = task = self.outbox.loop.create_task(turn.run(), name="request")
        self.door.tasks.add(task)

    def _stop_reading(self) -> None:
        if not self.paused:
            self.paused = True
            self.transport.pause_reading()

    def _go_on_without_offer(self) -> None:
        """Read a head again as if it offered no upgrade; behind one for a WebSocket nothing is read."""
        if not self._set_aside:
            self._parser = None
            return
        self._set_aside = False
        head = without_offers(self._parser, self._url, fields=self._fields)
        self._fields, self._parser = [], _LATER
        self._parse(head)

    # what is refused, and what is cut

    def _watch(self, before: int) -> None:
        """Bound what is incomplete, in bytes and in time; `before` is the part of the same request it was added to.

        What ended an earlier request in the same read is not counted against this one.
        """
        deadline, limits = self._deadline, self.door.limits
        if self._part == _HEAD:
            if self._is_overweight():
                self._refuse(*_TOO_MUCH)
                return
            self._most += self._fed
            if before == _HEAD:
                # The parser keeps a header until it is whole; one that never ends would grow here unseen.
                self._pending += self._fed
                if self._pending > limits.header_bytes:
                    self._refuse(431, "the headers are too large")
                    return
            if deadline.at == NEVER:
                deadline.set(limits.header_timeout)
            return
        turn = self._turn
        if turn is None or turn.complete:
            return
        if turn.arrived > self._noted or before != _BODY:
            self._noted, self._pending = turn.arrived, 0
        else:  # as with headers: a trailer that never ends would grow unseen
            self._pending += self._fed
            if self._pending > limits.header_bytes:
                self._refuse(431, "the trailers are too large")
                return
        if turn.arrived - turn.taken > _UNTAKEN:
            self._stop_reading()
        if deadline.at == NEVER:
            self._paced = 0
            deadline.set(limits.body_timeout)

    def _is_overweight(self) -> bool:
        fields, limits = self._fields, self.door.limits
        came, most = self._most + self._fed, limits.header_bytes  # since the head began
        return len(fields) > limits.headers * 2 or (came > most and sum(map(len, fields)) > most)

    def _object(self, status: int, text: str) -> NoReturn:
        """End the parser's work; `data_received` says what is wrong."""
        self._refusal = (status, text)
        raise ValueError(text)

    def _refuse(self, status: int, text: str) -> None:
        """Say what is wrong, unless an answer is under way, and close."""
        if self._active is None or not self._active.started:
            self.outbox.put(self.transport, refusal_of(status, text))
        self._forsake()
        self.close()

    def _forsake(self) -> None:
        """Let nobody write or wait any more."""
        self._parser = None
        self._known.forget()
        if self._active is not None:
            self._active.leave()
        for turn in self._ahead:
            turn.leave()
        self._ahead = []
        self._active = self._turn = None

    def missed(self) -> None:
        """Act on whatever was waited for too long."""
        turn = self._turn
        if self._let_go():
            return
        if self._parser is None:
            self._end()
        elif self._part == _HEAD:
            if self.paused:  # as with a body: we do not read at the moment
                self._deadline.set(self.door.limits.header_timeout)
            else:
                self._refuse(408, "the headers took too long")
        elif self._part == _BETWEEN or turn is None or turn.complete:
            self.close()
        # A body that we ourselves do not take at the moment is not the client's fault.
        elif self.paused or turn.arrived - self._paced >= PACE_BYTES:
            self._paced = turn.arrived
            self._deadline.set(self.door.limits.body_timeout)
        else:
            self._refuse(408, "the body came too slowly")

    def _end(self) -> None:
        """Cut a connection whose client has taken nothing for a while of what was left to send at its close."""
        before, self._unsent = self._unsent, self.transport.get_write_buffer_size()
        if self._unsent < before:
            self._deadline.set(self.door.limits.body_timeout)
        else:
            self.transport.abort()


__all__ = ["Connection"]
