"""Interim answers that have a body, which none may: no part of the answer, but a sign of life."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from flowrouter.errors import UpstreamError
from flowrouter.upstream.http1 import Http1Transport
from tests.contracts.transport import TEN, request, says, whole
from tests.support.raw_server import Peer, RawServer


@pytest.fixture
async def transport() -> AsyncIterator[Http1Transport]:
    made = Http1Transport(connect_timeout=5)
    yield made
    await made.close()


INTERIM_BODIES = {
    "length": b"HTTP/1.1 110 Unheard Of\r\nContent-Length: 5\r\n\r\nhello",
    "chunks": b"HTTP/1.1 000 Nothing\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("interim", INTERIM_BODIES)
async def test_what_was_heard_is_not_sent_again_whatever_came_of_it(
    transport: Http1Transport, interim: str
) -> None:
    async def script(peer: Peer, _request: bytes) -> None:
        if peer.turn == 1:
            await peer.say(TEN + b"0123456789")
        else:
            await peer.say(INTERIM_BODIES[interim])
            peer.close()

    async with RawServer(script).running() as server:
        assert await whole(transport, request(server.url)) == (200, b"0123456789")
        with pytest.raises(UpstreamError) as caught:
            await transport.send(request(server.url))
        assert caught.value.kind == "reset"
        assert len(server.requests) == 2


@pytest.mark.parametrize("interim", INTERIM_BODIES)
async def test_the_body_of_an_interim_answer_is_none_of_the_answer(
    transport: Http1Transport, interim: str
) -> None:
    async with says(INTERIM_BODIES[interim] + TEN + b"0123456789").running() as server:
        assert await whole(transport, request(server.url)) == (200, b"0123456789")
