"""The composition root: which hosts it answers for, and an end that always closes the books."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flowrouter.app import Application, guard_for
from flowrouter.config import Config, Server
from flowrouter.gateway.exchange import Exchange, Inbound
from tests.contracts.fakes import request_row


@pytest.mark.parametrize(
    ("listening", "asked", "served"),
    [
        ("127.0.0.1", "127.0.0.1:2402", True),
        ("192.168.1.5", "192.168.1.5:2402", True),
        ("192.168.1.5", "192.168.1.6:2402", False),
        ("fd00::1", "[fd00::1]:2402", True),
        ("fd00::1", "[fd00::2]:2402", False),
        ("::", "[fd00::1]:2402", False),
        ("::1", "[::1]:2402", True),
    ],
)
def test_the_address_listened_on_is_served(listening: str, asked: str, served: bool) -> None:
    guard = guard_for(Config(data="unused", server=Server(host=listening)))
    assert (guard.objection("GET", {"host": asked}) is None) == served


class Heard:
    """The server's side of the lifespan protocol."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def receive(self) -> dict[str, Any]:
        return {"type": "lifespan"}

    async def send(self, message: Any) -> None:
        self.said.append(message["type"])


async def test_the_books_are_closed_even_if_a_feature_fails_at_the_end(tmp_path: Path) -> None:
    @asynccontextmanager
    async def failing(_: Any) -> Any:
        yield
        raise ZeroDivisionError

    application = Application(Config(data=str(tmp_path)))
    application.hooks = msgspec.structs.replace(application.hooks, lifespans=(failing,))
    await application.start()
    application.writer.record(request_row(id="req_last"))
    inbound = Inbound(
        request_id="req_settled",
        dialect="openai_chat",
        operation="generate",
        endpoint="/v1/chat/completions",
        headers={},
        body=b"{}",
        wall=1e9,
        started=1.0,
    )
    application.books.settle(Exchange(inbound))  # to be entered with the loop's next turn
    with pytest.raises(ZeroDivisionError):
        await application.stop()
    assert application.writer.health().queued == 0
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"req_last" in stored
    assert b"req_settled" in stored


async def test_a_start_that_fails_ends_what_had_begun(tmp_path: Path) -> None:
    from flowrouter.errors import ConfigError

    ended: list[str] = []

    @asynccontextmanager
    async def first(_: Any) -> Any:
        yield
        ended.append("first")

    @asynccontextmanager
    async def second(_: Any) -> Any:
        raise ConfigError("no such thing")
        yield

    application = Application(Config(data=str(tmp_path)))
    application.hooks = msgspec.structs.replace(application.hooks, lifespans=(first, second))
    heard = Heard()
    await application({"type": "lifespan"}, heard.receive, heard.send)
    assert heard.said == ["lifespan.startup.failed"]
    assert ended == ["first"]
