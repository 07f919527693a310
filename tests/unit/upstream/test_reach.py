"""How far a connection gets, told step by step."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from pathlib import Path

import pytest

from flowrouter.upstream.reach import reach
from tests.support.gateway import free_port
from tests.support.tls import certificate

HERE = ip_address("127.0.0.1")


async def heard(url: str) -> tuple[str | None, list[str], list[str]]:
    """Return the step that failed, and the steps that were told with their words."""
    names: list[str] = []
    texts: list[str] = []

    async def hear(step: str, text: str) -> None:
        names.append(step)
        texts.append(text)

    found = await reach(url, limit=10, hear=hear)
    return found.failed, names, texts


async def test_every_step_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, trusted = certificate(tmp_path, names=["localhost"], addresses=[HERE])
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    server = await asyncio.start_server(_close, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with server:
        failed, names, texts = await heard(f"https://localhost:{port}/v1")
        assert (failed, names) == (None, ["name", "connect", "tls"])
        assert texts[0].startswith("localhost is ")
        assert str(port) in texts[1]
        assert texts[2].startswith("TLSv1.")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.key"))
        assert (await heard(f"https://localhost:{port}/v1"))[:2] == ("tls", ["name", "connect"])


async def test_the_step_that_fails_is_not_told_as_made() -> None:
    failed, names, _ = await heard(f"http://127.0.0.1:{free_port()}")
    assert (failed, names) == ("connect", ["name"])


async def _close(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
