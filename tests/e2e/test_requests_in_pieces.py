"""Requests on one connection that come in pieces, at once or slowly, reach the provider as they were sent."""

from __future__ import annotations

import asyncio
import json

from tests.e2e.test_egress import account
from tests.support.gateway import RunningGateway
from tests.support.raw_server import Peer, RawServer

ANSWER = json.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}
        ],
    }
).encode()


async def answer(peer: Peer, _request: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(ANSWER)}\r\n\r\n"
    await peer.say(head.encode() + ANSWER)


async def test_they_reach_the_provider_as_they_were_sent() -> None:
    sent: list[bytes] = []
    async with RawServer(answer).running() as server:
        with RunningGateway([account("a", f"{server.url}/v1")]) as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            for size in (10, 120_000, 250_000, 300_000):
                for pieces, gap in ((1, 0), (2, 0), (2, 0.02), (7, 0.002), (2, 0.1)):
                    words = "".join(f"{number:09d} " for number in range(size // 10))
                    asked = {"model": "m", "messages": [{"role": "user", "content": f"{len(sent)} {words}"}]}
                    body = json.dumps(asked).encode()
                    head = (
                        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\n"
                        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                    ).encode()
                    step = -(-len(head + body) // pieces)
                    for begin in range(0, len(head + body), step):
                        writer.write((head + body)[begin : begin + step])
                        await writer.drain()
                        await asyncio.sleep(gap)
                    said = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
                    assert said.startswith(b"HTTP/1.1 200 ")
                    assert await reader.readexactly(len(ANSWER)) == ANSWER
                    sent.append(body)
            writer.close()
            gateway.assert_no_complaints()
    assert [request.partition(b"\r\n\r\n")[2] for request in server.requests] == sent
