"""Recording: what a client said and got, and what was said to providers for it, kept where its owner asked.

While an exchange runs a `Tape` only remembers pieces of bytes and when they came; that is all the cost there is
on its way. At its end the tape goes to the `Shelf` (a port), which writes on a thread of its own and may
refuse: a full or slow disk loses recordings, never requests. `gateway.recorded` makes of a tape what is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from flowrouter.clock import Clock
from flowrouter.settings.recording import Recording
from flowrouter.wire.http import HttpRequest

if TYPE_CHECKING:
    from flowrouter.gateway.attempt_log import AttemptLog
    from flowrouter.gateway.client import Client
    from flowrouter.gateway.exchange import Exchange
    from flowrouter.upstream import Reply, Take

HEADER = "x-flowrouter-recording"
"""By which a caller asks not to be recorded; it cannot ask for the reverse."""

ROOM = 64 * 1024 * 1024
"""Bytes that recordings may hold in memory together, until they are on disk."""

_YES = frozenset({"on", "true", "yes", "1"})


class Shelf(Protocol):
    """Where recordings are kept."""

    def put(self, tape: Tape) -> bool:
        """Take a finished tape, or return False; never blocks, never raises."""
        ...

    def missed(self) -> None:
        """Hear of a recording that could not begin for want of memory."""
        ...


class Room:
    """The memory that recordings may take; tapes take of it on the event loop, and give back on any thread."""

    __slots__ = ("_given", "_size", "_taken")

    def __init__(self, size: int = ROOM) -> None:
        self._size = size
        # Each is written by one thread only, so that neither needs a lock.
        self._taken = 0
        self._given = 0

    def take(self, count: int) -> bool:
        """Take `count` bytes if there are as many."""
        if self._taken - self._given + count > self._size:
            return False
        self._taken += count
        return True

    @property
    def is_short(self) -> bool:
        """Return whether so little is left that nothing new should begin."""
        return self._taken - self._given > self._size * 3 // 4

    def untake(self, count: int) -> None:
        """Give back what the event loop took and needs no more."""
        self._taken -= count

    def give_back(self, count: int) -> None:
        """Give back what the shelf's thread is done with."""
        self._given += count


class Roll:
    """One body: the pieces of its beginning and when they came, and how long it is in all."""

    __slots__ = ("cut", "kept", "pieces", "size")

    def __init__(self) -> None:
        self.pieces: list[tuple[float, bytes]] = []
        self.size = 0
        self.kept = 0
        self.cut = False


class AttemptTape:
    """One attempt: what was sent to a provider and what came back; `request` holds no credential when kept."""

    __slots__ = ("log", "reply", "reply_headers", "request", "same", "secrets", "sent", "status")

    def __init__(self, log: AttemptLog, request: HttpRequest, secrets: tuple[str, ...]) -> None:
        self.log = log
        self.request = request
        self.secrets = secrets
        self.same = False
        self.sent = Roll()
        self.status: int | None = None
        self.reply_headers: Mapping[str, str] = {}
        self.reply = Roll()


class Tape:
    """One exchange as it happens; times are seconds on the monotonic clock."""

    __slots__ = (
        "_clock", "_limit", "_room", "answer", "answer_headers", "attempts", "days", "ended", "exchange_id",
        "failures_only", "held", "inbound", "owner_id", "request", "status",
    )  # fmt: skip

    def __init__(self, exchange: Exchange, recording: Recording, *, room: Room, clock: Clock) -> None:
        self._clock = clock
        self._limit = recording.max_bytes
        self.days = recording.days
        self.failures_only = recording.mode == "errors"
        self._room = room
        self.inbound = exchange.inbound
        self.owner_id = exchange.caller.owner_id
        self.exchange_id = exchange.inbound.request_id
        self.request = Roll()
        self.attempts: list[AttemptTape] = []
        self.status = 0
        self.answer_headers: list[tuple[bytes, bytes]] = []
        self.answer = Roll()
        self.held = 0
        self.ended = False
        self._add(self.request, exchange.inbound.body, exchange.inbound.started)

    @property
    def started(self) -> float:
        """Return when the request came."""
        return self.inbound.started

    def hear(self, message: Any) -> None:
        """Note one ASGI message on its way to the client."""
        if self.ended:
            return
        if message["type"] == "http.response.start":
            self.status, self.answer_headers = message["status"], list(message["headers"])
        elif message["type"] == "http.response.body" and message.get("body"):
            self._add(self.answer, message["body"])

    def ask(self, log: AttemptLog, request: HttpRequest, secrets: Iterable[str]) -> AttemptTape:
        """Note that `request` is sent; `secrets` are those of its account."""
        asked = AttemptTape(log, request, tuple(secrets))
        if not self.ended:
            self.attempts.append(asked)
            asked.same = request.body == self.inbound.body
            if not asked.same:
                self._add(asked.sent, request.body)
        return asked

    def listen(self, asked: AttemptTape, reply: Reply) -> Reply:
        """Return `reply` as one whose pieces are noted as they are read."""
        asked.status, asked.reply_headers = reply.status, reply.headers
        return _Heard(reply, lambda piece: self._add(asked.reply, piece))

    def drop(self) -> None:
        """Let go of what was noted, on the event loop; nothing is kept of it."""
        self.ended = True
        self._room.untake(self.held)
        self.held = 0

    def release(self) -> None:
        """Give back the memory, on the shelf's thread."""
        self._room.give_back(self.held)
        self.held = 0

    def _add(self, roll: Roll, piece: bytes, at: float | None = None) -> None:
        if self.ended:
            return
        roll.size += len(piece)
        if roll.cut or not piece:
            return
        count = min(len(piece), self._limit - roll.kept)
        if count < len(piece):
            roll.cut = True
        if not self._room.take(count):
            roll.cut, count = True, 0
        if count:
            self.held += count
            roll.kept += count
            moment = self._clock.monotonic() if at is None else at
            roll.pieces.append((moment, piece if count == len(piece) else piece[:count]))


class _Heard:
    """A provider's reply that somebody listens to."""

    __slots__ = ("_hear", "_reply", "headers", "status")

    def __init__(self, reply: Reply, hear: Callable[[bytes], None]) -> None:
        self._reply = reply
        self._hear = hear
        self.status = reply.status
        self.headers = reply.headers

    def entire(self) -> bytes | None:
        """Return the whole body where all of it is here."""
        body = self._reply.entire()
        if body is not None:
            self._hear(body)
        return body

    async def read(self) -> bytes:
        """Return the next piece."""
        piece = await self._reply.read()
        self._hear(piece)
        return piece

    async def flow(self, take: Take) -> None:
        """Give pieces to `take` as they come."""
        hear = self._hear

        def heard(piece: bytes) -> bool:
            hear(piece)
            return take(piece)

        await self._reply.flow(heard)

    def close(self) -> None:
        """Let go."""
        self._reply.close()


class RecordingCounts(msgspec.Struct):
    """What became of recordings since the start: `dropped` for want of room, `failed` at the store."""

    kept: int = 0
    dropped: int = 0
    failed: int = 0


class Recorder:
    """Begins and ends tapes; what it needs is given once."""

    def __init__(self, shelf: Shelf, *, clock: Clock, room: Room | None = None) -> None:
        self._shelf = shelf
        self._clock = clock
        self._room = room or Room()

    def begin(self, exchange: Exchange, client: Client, recording: Recording) -> None:
        """Record an exchange whose caller is known from here on, if that is wanted."""
        if not wanted(exchange, recording):
            return
        if self._room.is_short:
            self._shelf.missed()
            return
        tape = exchange.tape = Tape(exchange, recording, room=self._room, clock=self._clock)
        client.overhear(tape.hear)

    def end(self, exchange: Exchange) -> None:
        """Put the tape of a settled exchange where it is kept, or let go of it; never raises."""
        tape = exchange.tape
        if not isinstance(tape, Tape) or tape.ended:
            return
        tape.ended = True
        if (tape.failures_only and exchange.outcome == "ok") or not self._shelf.put(tape):
            tape.drop()


class Recordings(Protocol):
    """What was recorded, for people; all methods block."""

    def get(self, request_id: str, *, owner_id: str | None = None) -> bytes:
        """Return a `RecordedExchange` as JSON; raises `NotFoundError`."""
        ...

    def is_kept(self, request_id: str, *, owner_id: str | None = None) -> bool:
        """Return whether bodies of a request are kept."""
        ...

    def delete(self, request_id: str, *, owner_id: str | None = None) -> None:
        """Remove what was recorded of a request; raises `NotFoundError`."""
        ...


def wanted(exchange: Exchange, recording: Recording) -> bool:
    """Return whether `exchange` may be recorded: the mode, its key's policy and its caller all say so."""
    allowed = exchange.caller.policy.recording
    if recording.mode == "off" or allowed is False or (recording.mode == "keys" and not allowed):
        return False
    said = exchange.inbound.headers.get(HEADER)
    return said is None or said.strip().lower() in _YES


__all__ = [
    "HEADER",
    "ROOM",
    "AttemptTape",
    "Recorder",
    "RecordingCounts",
    "Recordings",
    "Roll",
    "Room",
    "Shelf",
    "Tape",
    "wanted",
]
