"""Clients that read slowly, or go away, while a provider streams as fast as it can, through a started gateway."""

from __future__ import annotations

import asyncio
import json
import socket

import psutil
import pytest

from tests.e2e.test_egress import account
from tests.support.gateway import RunningGateway
from tests.support.raw_server import Peer, RawServer

SIZE = 48 * 1024 * 1024
"""Bytes of the stream: more than all sockets on the way hold together."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
WORDS = "x" * 2_000


def chunk(number: int) -> bytes:
    """Return one event of a stream, as a chunk."""
    delta = {"content": f"~{number:06d}~{WORDS}"}
    event = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
             "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}  # fmt: skip
    data = b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


class Fountain:
    """A provider that streams until nobody takes any more of it."""

    def __init__(self) -> None:
        self.events = 0
        self.halted = asyncio.Event()
        self.left = asyncio.Event()

    async def script(self, peer: Peer, _request: bytes) -> None:
        peer.writer.write(HEAD)
        try:
            while self.events * len(WORDS) < SIZE:
                peer.writer.write(chunk(self.events))
                self.events += 1
                try:
                    await asyncio.wait_for(peer.writer.drain(), 1.0)
                except TimeoutError:
                    self.halted.set()
                    await peer.writer.drain()
        except ConnectionError:
            self.left.set()
            raise
        await peer.say(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"], ids=["passed on", "translated"])
async def test_a_client_that_pauses_stops_the_provider_and_loses_nothing(path: str) -> None:
    fountain = Fountain()
    async with RawServer(fountain.script).running() as server:
        with RunningGateway([account("a", f"{server.url}/v1")]) as gateway:
            before = psutil.Process(gateway.pid).memory_info().rss
            reader, writer = await asked(gateway, path)
            assert b"~000000~" in await reader.readuntil(b"~000000~")
            await asyncio.wait_for(fountain.halted.wait(), 30)
            assert fountain.events * len(WORDS) < SIZE // 2
            assert psutil.Process(gateway.pid).memory_info().rss - before < SIZE // 2
            for number in range(1, fountain.events + 200):
                await asyncio.wait_for(reader.readuntil(b"~%06d~" % number), 30)
            writer.transport.abort()
            await asyncio.wait_for(fountain.left.wait(), 10)
            gateway.assert_no_complaints()


async def asked(gateway: RunningGateway, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return the connection of a client that has asked for a stream, and reads no more than it must."""
    reached = socket.socket()
    reached.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    reached.setblocking(False)
    await asyncio.get_running_loop().sock_connect(reached, ("127.0.0.1", gateway.port))
    reader, writer = await asyncio.open_connection(sock=reached, limit=64 * 1024)
    ask = {"model": "a/m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "stream": True}
    body = json.dumps(ask).encode()
    writer.write(
        b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        % (path.encode(), len(body), body)
    )
    return reader, writer
