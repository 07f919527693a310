"""What is over is gone at once: nothing waits in a circle for the collector, which comes rarely."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from flowrouter.errors import UpstreamError
from flowrouter.upstream.http1.client import Http1Transport
from flowrouter.upstream.http1.connection import Connection, Http1Reply
from flowrouter.wire.http import HttpRequest
from tests.support.raw_server import Peer, RawServer

WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
CUT = b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nok"


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive() -> int:
    return sum(type(found) in (Connection, Http1Reply) for found in gc.get_objects())


async def asked(transport: Http1Transport, url: str) -> bytes:
    reply = await transport.send(HttpRequest(method="POST", url=url, headers=(), body=b"{}"))
    said = b""
    while piece := await reply.read():
        said += piece
    return said


@pytest.mark.parametrize(
    "answer", [WHOLE, CUT, b"", b"nonsense\r\n\r\n"], ids=["whole", "cut", "none", "bad"]
)
async def test_an_ended_connection_leaves_nothing_behind(answer: bytes) -> None:
    async def script(peer: Peer, _: bytes) -> None:
        await peer.say(answer)
        peer.close()

    before = alive()
    transport = Http1Transport(connect_timeout=5.0)
    async with RawServer(script).running() as server:
        for _ in range(3):
            try:
                assert await asked(transport, server.url) == b"ok"
                assert answer is WHOLE
            except UpstreamError:
                assert answer is not WHOLE
        await transport.close()
    assert alive() <= before
