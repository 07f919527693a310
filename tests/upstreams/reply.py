"""A reply as the wire will see it: status, headers, steps, an ending; and how it is delivered."""

import gzip
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from tests.upstreams.wire import Connection, PeerGone

Ending = Literal["clean", "cut", "reset", "hang"]
Framing = Literal["length", "chunked", "close"]
Cuts = int | str | Sequence[int] | None
"""None: as the steps stand; n: every n bytes; "random:SEED"; offsets into the joined body."""

SSE = "text/event-stream; charset=utf-8"
JSON = "application/json"


@dataclass(frozen=True)
class Pause:
    """Silence for some seconds (None: until the peer goes away)."""

    seconds: float | None


Step = bytes | Pause


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One reply.

    `lead` is waited for before the status line; `head=False` sends none; `declared` is a content-length that is
    not the body's; `ending="hang"` never ends by itself; `gap` is a pause in seconds after each piece.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    steps: tuple[Step, ...] = ()
    framing: Framing = "length"
    declared: int | None = None
    ending: Ending = "clean"
    head: bool = True
    lead: tuple[Pause, ...] = ()
    cuts: Cuts = None
    gap: float = 0.0

    @classmethod
    def json(cls, value: Any, *, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> "Reply":
        """A JSON body with its length."""
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(status=status, headers=(("content-type", JSON), *headers), steps=(body,))

    @classmethod
    def sse(cls, frames: Iterable[bytes], *, headers: Iterable[tuple[str, str]] = ()) -> "Reply":
        """An event stream of frames as given (each with its blank line), in chunked framing."""
        fixed = (("content-type", SSE), ("cache-control", "no-cache"))
        return cls(headers=(*fixed, *headers), steps=tuple(frames), framing="chunked")

    @classmethod
    def html(cls, status: int = 502, title: str = "Bad gateway") -> "Reply":
        """An error page such as a proxy in front of the vendor sends."""
        page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
        return cls(
            status=status, headers=(("content-type", "text/html; charset=UTF-8"),), steps=(page.encode(),)
        )

    @property
    def frames(self) -> tuple[bytes, ...]:
        """The byte steps without the pauses."""
        return tuple(step for step in self.steps if isinstance(step, bytes))

    def with_headers(self, *headers: tuple[str, str]) -> "Reply":
        """Add headers; a header of the same name is replaced."""
        names = {name.lower() for name, _ in headers}
        kept = tuple(pair for pair in self.headers if pair[0].lower() not in names)
        return replace(self, headers=(*kept, *headers))

    def gzipped(self, *, labelled: bool = True) -> "Reply":
        """Compress the body as one piece; `labelled=False` leaves out the Content-Encoding header."""
        packed = replace(self, steps=(gzip.compress(b"".join(self.frames), mtime=0),))
        return packed.with_headers(("content-encoding", "gzip")) if labelled else packed

    def pieces(self) -> list[Step]:
        """The steps after cutting; offsets count over the whole body, pauses stay where they were."""
        if self.cuts is None:
            return [step for step in self.steps if step != b""]
        pieces: list[Step] = []
        offsets = _offsets(self.cuts, sum(len(frame) for frame in self.frames))
        position = 0
        buffered = b""
        for step in (*self.steps, Pause(0)):
            if isinstance(step, bytes):
                buffered += step
                continue
            pieces.extend(_split(buffered, position, offsets))
            position += len(buffered)
            buffered = b""
            pieces.append(step)
        return pieces[:-1]


def _offsets(cuts: int | str | Sequence[int], total: int) -> list[int]:
    if isinstance(cuts, int):
        return list(range(cuts, total, cuts))
    if isinstance(cuts, str):
        chance = random.Random(cuts)
        return (
            sorted(chance.sample(range(1, total), min(total - 1, max(1, total // 16)))) if total > 1 else []
        )
    return sorted(cuts)


def _split(data: bytes, start: int, offsets: Sequence[int]) -> list[bytes]:
    inner = [offset - start for offset in offsets if start < offset < start + len(data)]
    edges = [0, *inner, len(data)]
    return [data[low:high] for low, high in pairwise(edges) if high > low]


REASONS = {
    200: "OK",
    307: "Temporary Redirect",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Payload Too Large",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    529: "Overloaded",
}


@dataclass
class Delivery:
    """Counts what of one reply was really written."""

    pieces: int = 0
    size: int = 0


async def deliver(reply: Reply, connection: Connection, progress: Delivery) -> bool:
    """Write the reply; True if the connection may serve another request. Raises PeerGone."""
    for pause in reply.lead:
        await connection.pause(pause.seconds)
    if reply.head:
        await connection.send(_head(reply))
    for step in reply.pieces():
        if isinstance(step, Pause):
            await connection.pause(step.seconds)
            continue
        framed = b"%x\r\n%s\r\n" % (len(step), step) if reply.framing == "chunked" else step
        await connection.send(framed)
        progress.pieces += 1
        progress.size += len(step)
        await connection.pause(reply.gap)
    return await _end(reply, connection)


async def _end(reply: Reply, connection: Connection) -> bool:
    match reply.ending:
        case "clean":
            if reply.framing == "chunked":
                await connection.send(b"0\r\n\r\n")
            if reply.framing != "close":
                return True
            connection.close()
        case "cut":
            connection.close()
        case "reset":
            connection.reset()
        case "hang":
            await connection.pause(None)
            raise PeerGone
    return False


def _head(reply: Reply) -> bytes:
    headers = list(reply.headers)
    match reply.framing:
        case "chunked":
            headers.append(("transfer-encoding", "chunked"))
        case "length":
            length = sum(len(frame) for frame in reply.frames) if reply.declared is None else reply.declared
            headers.append(("content-length", str(length)))
        case "close":
            headers.append(("connection", "close"))
    lines = [f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
