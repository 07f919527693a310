"""What a pile of requests took goes back to the system when it is over."""

from __future__ import annotations

import asyncio
import json
import os
import time

import psutil
import pytest

from flowrouter.app.heap import LOOK_SECONDS
from tests.support.gateway import RunningGateway
from tests.support.raw_server import Peer, RawServer

PILE = 300
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "so it goes. " * 8000}]}).encode()
SAID = b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Yes."},"finish_reason":"stop"}]}'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(SAID),
    SAID,
)


def _is_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError, OSError):
        return False


pytestmark = pytest.mark.skipif(
    not _is_glibc(), reason="NOT GLIBC: other C libraries give memory back unasked"
)


async def ask(gateway: RunningGateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n"
    writer.write(f"{head}content-length: {len(BODY)}\r\n\r\n".encode() + BODY)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:500]


async def test_a_pile_leaves_no_memory_behind() -> None:
    gathered, go = 0, asyncio.Event()

    async def script(peer: Peer, _: bytes) -> None:
        nonlocal gathered
        gathered += 1
        await go.wait()
        await peer.say(ANSWER)

    async with RawServer(script).running() as server:
        account = {"name": "a", "preset": "custom-openai", "base_url": f"{server.url}/v1", "api_key": "k-secret-1", "models": ["m"]}  # fmt: skip
        with RunningGateway([{**account, "max_concurrency": 2 * PILE}]) as gateway:
            process = psutil.Process(gateway.pid)
            go.set()
            for _ in range(20):
                await ask(gateway)
            before, gathered = process.memory_info().rss, 0
            go.clear()
            asked = [asyncio.create_task(ask(gateway)) for _ in range(PILE)]
            while gathered < PILE and not any(task.done() for task in asked):
                await asyncio.sleep(0.05)
            taken = process.memory_info().rss - before
            go.set()
            await asyncio.gather(*asked)
            assert taken > PILE * len(BODY) / 2, "a pile that takes no memory shows nothing"
            deadline = time.monotonic() + 6 * LOOK_SECONDS
            while (kept := process.memory_info().rss - before) > taken / 2 and time.monotonic() < deadline:
                await asyncio.sleep(0.5)
            assert kept <= taken / 2, f"{kept / 1e6:.1f} MB of {taken / 1e6:.1f} stayed"
