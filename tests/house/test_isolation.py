"""The suite cannot reach beyond the machine, nor see the developer's keys: the conftest's own tests."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

# Documentation addresses and names (RFC 5737, RFC 2606): even if the guard failed, nobody is there.
FAR_ADDRESS = "192.0.2.1"
FAR_NAME = "gateway.example"


def test_no_connection_leaves() -> None:
    with socket.socket() as far, pytest.raises(RuntimeError, match="stays on loopback"):
        far.connect((FAR_ADDRESS, 443))


def test_no_name_is_looked_up() -> None:
    with pytest.raises(RuntimeError, match="stays on loopback"):
        socket.getaddrinfo(FAR_NAME, 443)


async def test_no_connection_leaves_the_event_loop() -> None:
    with pytest.raises(RuntimeError, match="stays on loopback"):
        await asyncio.open_connection(FAR_ADDRESS, 443)


async def test_loopback_works() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("localhost", port, family=socket.AF_INET)
        assert await reader.read() == b"hello"
        writer.close()
        await writer.wait_closed()


def test_no_key_is_inherited() -> None:
    assert not [
        name for name in os.environ if name.endswith("_API_KEY") and name.startswith(("OPENAI", "ANTHROPIC"))
    ]
    assert "flow-router-tests-" in os.environ["XDG_DATA_HOME"]
