"""The way to providers as `[upstream]` sets it: our own client, the library's, and through a proxy."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_egress import account, ask
from tests.support.gateway import RunningGateway
from tests.support.raw_server import Peer, RawServer
from tests.upstreams import ScriptedUpstream


@pytest.mark.parametrize("client", ["http1", "aiohttp"])
def test_either_client_answers(client: str) -> None:
    with (
        ScriptedUpstream(dialect="openai_chat", keys=["k"]) as upstream,
        RunningGateway(
            [account("a", upstream.openai_url)], settings={"upstream": {"client": client}}
        ) as gateway,
    ):
        assert [ask(gateway, "a/m")[0] for _ in range(3)] == [200, 200, 200]
        heads = {name for name, _ in upstream.requests[0].headers}
        assert ("host" in heads) is (client == "http1"), "the library writes `Host`"
        assert len({received.connection_id for received in upstream.requests}) == 1


def test_a_proxy_is_asked_for_the_host_by_its_name() -> None:
    """Nobody here knows the name; the proxy's credential goes to the proxy and to nobody else."""
    with ScriptedUpstream(dialect="openai_chat", keys=["k"]) as upstream, tunnelling(upstream.port) as proxy:
        settings = {"upstream": {"proxy": proxy.url.replace("//", "//me:canary-of-the-proxy@")}}
        with RunningGateway([account("far", "http://llm.example/v1")], settings=settings) as gateway:
            assert ask(gateway, "far/m")[0] == 200
            assert b"CONNECT llm.example:80 " in proxy.requests[0]
            assert b"proxy-authorization: Basic " in proxy.requests[0]
            upstream.assert_never_received("canary-of-the-proxy", "proxy-authorization")
            assert "canary-of-the-proxy" not in gateway.log


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('proxy = "socks5://canary:x@h:1"', "write http://HOST:PORT"),
        ('proxy = "env:NO_SUCH_PROXY"', "NO_SUCH_PROXY"),
        ('client = "aiohttp"\nproxy = "http://canary@h:1"', "http1"),
    ],
    ids=["socks", "variable", "client"],
)
def test_a_proxy_that_cannot_be_is_refused_at_the_start(tmp_path: Path, settings: str, said: str) -> None:
    (tmp_path / "config.toml").write_text(f"[upstream]\n{settings}\n")
    command = [sys.executable, "-m", "flowrouter.cli.main", "serve", "--port", "0", "--data", str(tmp_path)]
    command += ["--config", str(tmp_path / "config.toml")]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=dict(os.environ), check=False
    )
    assert ended.returncode != 0
    assert said in ended.stderr
    assert "canary" not in ended.stderr


@contextlib.contextmanager
def tunnelling(port: int) -> Iterator[RawServer]:
    """Run a proxy, in a thread of its own, that takes every host for the one at `port`."""

    async def script(peer: Peer, _request: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await peer.say(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def pump(source: asyncio.StreamReader, sink: Any) -> None:
            while piece := await source.read(4096):
                sink.write(piece)
            sink.close()

        try:
            await asyncio.gather(pump(peer.reader, writer), pump(reader, peer.writer))
        finally:
            writer.transport.abort()

    server, ready, over = RawServer(script), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with server.running():
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(10)
    yield server
    loop.call_soon_threadsafe(over.set)
    thread.join(10)
    loop.close()
