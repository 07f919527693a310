"""Offers to speak another protocol: ignored, but for the one that clients insist on."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.unit.httpkit.wire import Wire, echo, live, request, settle

WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket")


def test_an_offer_to_upgrade_is_ignored_body_and_all() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["headers"])
        await echo(scope, receive, send)

    async def story() -> None:
        wire = Wire(app)
        offer = ("Connection: Upgrade, X, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEA", "X: y")
        sent = request("POST / HTTP/1.1", *offer, body=b"body") + request("GET /next HTTP/1.1")
        await wire.says(sent)
        assert re.findall(rb"(?:POST|GET) .*?(?=HTTP/1|$)", wire.written) == [b"POST / body", b"GET /next "]

    live(story)
    assert seen[0] == [(b"host", b"h"), (b"connection", b"X"), (b"x", b"y"), (b"content-length", b"4")]


def test_offers_by_the_hundred_are_ignored_one_by_one() -> None:
    async def story() -> None:
        wire = Wire(echo)
        await wire.says(request("GET / HTTP/1.1", "Connection: Upgrade", "Upgrade: h2c") * 600)
        while wire.door.tasks:
            await settle()
        assert wire.written.count(b"HTTP/1.1 200 OK") == 600
        assert not wire.transport.closed

    live(story)


def test_an_offer_makes_no_newer_http_of_an_old_one() -> None:
    async def story() -> None:
        wire = Wire(echo)
        await wire.says(b"GET / HTTP/1.0\r\nConnection: Upgrade, Keep-Alive\r\nUpgrade: h2c\r\n\r\n")
        assert wire.written.endswith(b"\r\nconnection: close\r\n\r\nGET / ")
        assert wire.transport.closed

    live(story)


def test_who_asks_for_a_websocket_is_answered_and_that_is_all() -> None:
    async def story() -> None:
        wire = Wire(echo)
        await wire.says(request("GET /ws HTTP/1.1", *WEBSOCKET) + b"\x81\x05hello", b"\x81\x05hello")
        assert wire.written.startswith(b"HTTP/1.1 200 OK")
        assert wire.written.endswith(b"\r\nconnection: close\r\n\r\nGET /ws ")
        assert wire.transport.closed

    live(story)


@pytest.mark.parametrize("address", ["/", "h:80", "http://h/"], ids=["path", "tunnel", "address"])
def test_no_tunnels_are_opened(address: str) -> None:
    async def story() -> None:
        wire = Wire(echo)
        await wire.says(request(f"CONNECT {address} HTTP/1.1") + b"through")
        assert wire.written.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert wire.transport.closed
        assert not wire.door.tasks

    live(story)
