"""What becomes of an answer whose application fails, or says what cannot be sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowrouter import logs
from flowrouter.clock import SystemClock
from flowrouter.httpkit.server import turn
from tests.unit.httpkit.wire import DATE, OK, Wire, echo, length, live, piece, request, start


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return what is logged as an error, as it happens."""
    lines: list[dict[str, Any]] = []

    class Sink(logs.Sink):
        def put(self, level: Any, logger: str, message: str, *, fields: dict[str, Any]) -> None:
            lines.append({"level": level, "logger": logger, "message": message, **fields})

    monkeypatch.setattr(turn, "_log", logs.Logger("server", Sink(SystemClock())))
    return lines


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"x", b"a\r\nset-cookie: b"), (b"x", b"a\n"), (b"x", b"\r"), (b"x", b"\x00"), (b"x", b"\x1f"), (b"x", b"\x7f"),
        (b"x y", b"a"), (b"x:", b"a"), (b"x\r\ny", b"a"), (b"(x)", b"a"), (b"\xc3\n", b"a"),
    ],
    ids=["a header more", "line feed", "return", "zero", "control", "delete", "blank", "colon", "two lines", "brackets", "feed"],
)  # fmt: skip
def test_no_header_is_more_than_one(name: bytes, value: bytes, log: list[dict[str, Any]]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start(200, length(0), (name, value)))
        await send(piece(b""))

    async def story() -> None:
        written = await Wire(app).says(request())
        assert written.startswith(b"HTTP/1.1 500 ")
        assert b"cookie" not in written
        assert "Invalid HTTP header" in log[0]["error"]

    live(story)


async def _raises(scope: Any, receive: Any, send: Any) -> None:
    raise ValueError("broken")


async def _raises_late(scope: Any, receive: Any, send: Any) -> None:
    await send(start(200, length(5)))
    raise ValueError("broken")


async def _too_long(scope: Any, receive: Any, send: Any) -> None:
    await send(start(200, length(1)))
    await send(piece(b"two"))


async def _silent(scope: Any, receive: Any, send: Any) -> None:
    return


async def _headless(scope: Any, receive: Any, send: Any) -> None:
    await send(piece(b"x"))


@pytest.mark.parametrize(
    ("app", "words"),
    [
        (_raises, "Exception in ASGI application"),
        (_raises_late, "Exception in ASGI application"),
        (_too_long, "Exception in ASGI application"),
        (_headless, "Exception in ASGI application"),
        (_silent, "ASGI callable returned without starting response."),
    ],
    ids=["before the head", "before the head left", "too long", "no head", "no answer"],
)
def test_an_application_that_fails_before_anything_left_is_answered_for(
    app: Any, words: str, log: list[dict[str, Any]]
) -> None:
    async def story() -> None:
        wire = Wire(app)
        written = await wire.says(request())
        assert written == (
            b"HTTP/1.1 500 Internal Server Error" + DATE + b"\r\ncontent-type: text/plain; charset=utf-8"
            b"\r\ncontent-length: 21\r\nconnection: close\r\n\r\nInternal Server Error"
        )
        assert wire.transport.closed

    live(story)
    assert [(line["level"], line["message"]) for line in log] == [("error", words)]
    assert json.dumps(log)


async def _breaks_off(scope: Any, receive: Any, send: Any) -> None:
    await send(start(200))
    await send(piece(b"x", more=True))
    raise ValueError("broken")


async def _too_short(scope: Any, receive: Any, send: Any) -> None:
    await send(start(200, length(5)))
    await send(piece(b"two"))


async def _unended(scope: Any, receive: Any, send: Any) -> None:
    await send(start(200))
    await send(piece(b"x", more=True))


@pytest.mark.parametrize("app", [_breaks_off, _too_short, _unended], ids=["error", "too short", "no end"])
def test_an_answer_that_cannot_be_whole_is_cut_off(app: Any, log: list[dict[str, Any]]) -> None:
    async def story() -> None:
        wire = Wire(app)
        written = await wire.says(request())
        assert written.startswith(OK)
        assert not written.endswith(b"0\r\n\r\n")
        assert wire.transport.closed

    live(story)
    assert len(log) == 1


def test_what_is_said_behind_the_end_is_an_error(log: list[dict[str, Any]]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await echo(scope, receive, send)
        await send(piece(b"more"))

    async def story() -> None:
        wire = Wire(app)
        assert (await wire.says(request())).endswith(b"GET / ")
        assert not wire.transport.closed

    live(story)
    assert len(log) == 1
