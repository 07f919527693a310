"""A forwarder on the gateway's own server and HTTP client with nothing between them: what both cost by themselves.

`python bench/bare.py PORT UPSTREAM_PORT`. It checks no key, chooses no account, reads no body and keeps no books, so
what the gateway takes more is what it does for its users. The only program here that imports the gateway's code.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvloop

from flowrouter.httpkit.server import Connection, Door, limits_of
from flowrouter.settings import Server
from flowrouter.upstream.http1 import Http1Transport
from flowrouter.wire.http import HttpRequest

BODY_MAX = 16 * 1024 * 1024
HEADERS = (
    ("content-type", "application/json"),
    ("accept", "*/*"),
    ("user-agent", "flow-router-bench"),
    ("authorization", "Bearer sk-bench-0000000000000000"),
    ("anthropic-version", "2023-06-01"),
)


class Forwarder:
    """Sends each request to the upstream as it came, and its answer back."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._transport = Http1Transport(connect_timeout=5.0)

    async def serve(self, turn: Any) -> None:
        """Answer one request."""
        if turn.method == "GET":
            turn.answer(200, b"\r\ncontent-length: 0", b"")
            return
        body = turn.whole(BODY_MAX)
        while body is None or len(body) < int(turn.headers.get("content-length", 0)):
            body = (body or b"") + (await turn.receive())["body"]
        request = HttpRequest(method="POST", url=self._upstream + turn.path, headers=HEADERS, body=body)
        reply = await self._transport.send(request)
        kind = b"\r\ncontent-type: " + reply.headers["content-type"].encode()
        whole = reply.entire()
        if whole is not None:
            turn.answer(reply.status, b"%b\r\ncontent-length: %d" % (kind, len(whole)), whole)
            return
        turn.open(reply.status, kind)
        while piece := await reply.read():
            if later := turn.write(piece):
                await later
            await reply.flow(lambda more: turn.write(more) is None)
        turn.end(b"")


async def main(port: int, upstream_port: int) -> None:
    """Listen until killed."""

    async def unused(*_: Any) -> None: ...

    limits = limits_of(Server(), keep_alive=60.0)
    door = Door(unused, limits, connections=set(), tasks=set())
    door.serve = Forwarder(f"http://127.0.0.1:{upstream_port}").serve
    server = await asyncio.get_running_loop().create_server(lambda: Connection(door), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
