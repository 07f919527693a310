"""A provider's answer that grows without end on our side comes in steps, however it is compressed."""

from __future__ import annotations

import asyncio
import functools
import zlib

import brotli
import pytest

from flowrouter.upstream.aiohttp_client import AiohttpTransport
from flowrouter.upstream.http1 import Http1Transport
from flowrouter.upstream.inflate import STEP
from flowrouter.wire.http import HttpRequest

SIZE = 64 * 1024 * 1024


@functools.cache
def gzipped() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return packer.compress(bytes(SIZE)) + packer.flush()


@functools.cache
def brotlied() -> bytes:
    return brotli.compress(bytes(SIZE), quality=1)


CASES = {
    "declared": (gzipped, "content-encoding: gzip\r\n"),
    "undeclared": (gzipped, ""),
    "brotli": (brotlied, "content-encoding: br\r\n"),
}


@pytest.mark.parametrize("client", [AiohttpTransport, Http1Transport])
@pytest.mark.parametrize("case", CASES)
async def test_a_bomb_goes_off_in_steps(case: str, client: type[AiohttpTransport | Http1Transport]) -> None:
    packed, encoding = CASES[case]
    body = packed()
    assert len(body) < SIZE / 100

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{encoding}content-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    transport = client(connect_timeout=5)
    try:
        port = server.sockets[0].getsockname()[1]
        reply = await transport.send(
            HttpRequest(method="GET", url=f"http://127.0.0.1:{port}/", headers=(), body=b"")
        )
        sizes = []
        while piece := await reply.read():
            sizes.append(len(piece))
        reply.close()
    finally:
        await transport.close()
        server.close()
    assert sum(sizes) == SIZE, "nothing of it is lost either"
    assert max(sizes) <= 2 * STEP
