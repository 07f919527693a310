"""A reply that flows: pieces are taken where they are read, and nothing that happens meanwhile is lost."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextvars import ContextVar

import pytest

from flowrouter.errors import UpstreamError
from flowrouter.upstream.http1 import Http1Transport
from tests.contracts.transport import request
from tests.support.raw_server import Peer, RawServer


@pytest.fixture
async def transport() -> AsyncIterator[Http1Transport]:
    made = Http1Transport(connect_timeout=5)
    yield made
    await made.close()


def streaming(*pieces: bytes) -> RawServer:
    """Return a server that sends each piece as a chunk, a moment behind the one before, and does not end."""

    async def script(peer: Peer, _request: bytes) -> None:
        await peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            await peer.say(b"%x\r\n%b\r\n" % (len(piece), piece))
            await asyncio.sleep(0.01)
        await peer.reader.read()

    return RawServer(script)


def saying(*pieces: bytes) -> RawServer:
    """Return a server that sends each piece by itself, the second a moment behind the first."""

    async def script(peer: Peer, _request: bytes) -> None:
        for piece in pieces:
            await peer.say(piece)
            await asyncio.sleep(0.02)

    return RawServer(script)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


async def test_an_answer_that_came_with_its_head_is_had_at_once(transport: Http1Transport) -> None:
    async with saying(HEAD % 2 + b"{}").running() as server:
        for _ in range(2):
            reply = await transport.send(request(server.url))
            assert reply.entire() == b"{}"
            assert reply.entire() is None
            assert await reply.read() == b""
        assert server.connections == 1


@pytest.mark.parametrize(
    ("pieces", "body"),
    [
        ((HEAD % 4 + b"{ ", b" }"), b"{  }"),
        ((HEAD % 22 + gzip.compress(b"{}", mtime=0),), b"{}"),
        ((HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n") % 22 + gzip.compress(b"{}", mtime=0),), b"{}"),
    ],
    ids=["to-come", "packed-untold", "packed"],
)  # fmt: skip
async def test_any_other_must_be_read(
    transport: Http1Transport, pieces: tuple[bytes, ...], body: bytes
) -> None:
    async with saying(*pieces).running() as server:
        reply = await transport.send(request(server.url))
        assert reply.entire() is None
        found = b""
        while piece := await reply.read():
            found += piece
        assert found == body
        assert reply.entire() is None
        reply.close()


async def test_a_flow_wakes_no_task(transport: Http1Transport) -> None:
    """Each piece is taken in the turn of the loop that read it, in the context of who asked for it."""
    whose: ContextVar[str] = ContextVar("whose", default="nobody")
    seen: list[tuple[bytes, object, str]] = []

    def take(piece: bytes) -> bool:
        seen.append((piece, asyncio.current_task(), whose.get()))
        return piece != b"three"

    async with streaming(b"one", b"two", b"three", b"four").running() as server:
        reply = await transport.send(request(server.url))
        assert await reply.read() == b"one"
        whose.set("mine")
        await reply.flow(take)
        assert seen == [(b"two", None, "mine"), (b"three", None, "mine")]
        assert await reply.read() == b"four"
        reply.close()


async def test_what_goes_wrong_in_a_flow_is_told_to_who_waits(transport: Http1Transport) -> None:
    def take(piece: bytes) -> bool:
        raise KeyError(piece)

    async with streaming(b"one", b"two", b"three").running() as server:
        reply = await transport.send(request(server.url))
        assert await reply.read() == b"one"
        with pytest.raises(KeyError, match="two"):
            await reply.flow(take)
        assert await reply.read() == b"three"
        reply.close()


async def test_who_leaves_a_flow_is_given_nothing_more(transport: Http1Transport) -> None:
    taken: list[bytes] = []

    def take(piece: bytes) -> bool:
        taken.append(piece)
        return True

    async with streaming(b"one", b"two", b"three").running() as server:
        reply = await transport.send(request(server.url))
        assert await reply.read() == b"one"
        flow = asyncio.ensure_future(reply.flow(take))
        while not taken:
            await asyncio.sleep(0)
        flow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await flow
        assert taken == [b"two"]
        assert await reply.read() == b"three"
        reply.close()
        await asyncio.wait_for(reply.flow(take), 5)


async def test_bytes_and_damage_that_come_at_once(transport: Http1Transport) -> None:
    """What stands before the damage is an answer's; the damage is told behind it, not forgotten."""
    taken: list[bytes] = []

    def take(piece: bytes) -> bool:
        taken.append(piece)
        return True

    async def script(peer: Peer, _request: bytes) -> None:
        await peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        await asyncio.sleep(0.01)
        await peer.say(b"3\r\ntwo\r\nzz\r\n")

    async with RawServer(script).running() as server:
        reply = await transport.send(request(server.url))
        assert await reply.read() == b"one"
        await asyncio.wait_for(reply.flow(take), 5)
        assert taken == [b"two"]
        with pytest.raises(UpstreamError) as caught:
            await reply.read()
        assert caught.value.kind == "protocol"
