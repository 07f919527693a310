"""Bodies of requests on their way to the application: at once, in pieces, held back, asked for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.unit.httpkit.wire import OK, Wire, echo, length, live, piece, request, settle, start, whole_body


def test_a_body_that_is_there_is_handed_over_at_once() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asking = receive()
        with pytest.raises(StopIteration) as told:
            asking.send(None)
        seen.append(told.value.value)
        await send(start(200, length(0)))
        await send(piece(b""))

    async def story() -> None:
        await Wire(app).says(request("POST / HTTP/1.1", body=b"whole"))

    live(story)
    assert seen == [{"type": "http.request", "body": b"whole", "more_body": False}]


def test_a_body_in_pieces_is_waited_for() -> None:
    async def story() -> None:
        wire = Wire(echo)
        whole = request("POST / HTTP/1.1", body=b"0123456789")
        for at in range(1, len(whole)):
            assert b"200" not in await wire.says(whole[at - 1 : at])
        assert (await wire.says(whole[-1:])).endswith(b"POST / 0123456789")

    live(story)


def test_chunks_are_joined_and_trailers_dropped() -> None:
    async def story() -> None:
        wire = Wire(echo)
        sent = request("POST / HTTP/1.1", "Transfer-Encoding: chunked")
        written = await wire.says(sent + b"3\r\nabc\r\n", b"2;x=y\r\nde\r\n0\r\nHost: evil\r\n\r\n")
        assert written.endswith(b"POST / abcde")
        assert (await wire.says(request("GET /next HTTP/1.1"))).endswith(b"GET /next ")

    live(story)


def test_a_body_that_nobody_takes_stops_the_socket() -> None:
    go_on = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await go_on.wait()
        await echo(scope, receive, send)

    async def story() -> None:
        wire = Wire(app)
        await wire.says(request("POST / HTTP/1.1", "Content-Length: 200000"), b"x" * 60_000)
        assert wire.transport.reading
        await wire.says(b"x" * 10_000)
        assert not wire.transport.reading
        go_on.set()
        await settle()
        assert wire.transport.reading, "what came was taken"
        await wire.says(b"x" * 65_000, b"x" * 65_000)
        assert wire.transport.reading
        assert wire.written.endswith(b"x" * 200_000)

    live(story)


def test_a_whole_body_never_stops_the_socket() -> None:
    async def story() -> None:
        wire = Wire(echo)
        wire.connection.data_received(request("POST / HTTP/1.1", body=b"x" * 200_000))
        assert wire.transport.reading
        await settle()
        assert wire.written.endswith(b"xxx")

    live(story)


def test_who_expects_a_word_gets_it_when_its_body_is_asked_for() -> None:
    async def story() -> None:
        wire = Wire(echo)
        head = request("POST / HTTP/1.1", "Expect: 100-Continue", "Content-Length: 2")
        assert await wire.says(head) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await wire.says(b"hi")).endswith(b"POST / hi")
        assert wire.written.count(b"100 Continue") == 1

    live(story)


def test_who_expects_a_word_may_be_refused_instead() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start(401, length(0)))
        await send(piece(b""))

    async def story() -> None:
        wire = Wire(app)
        written = await wire.says(request("POST / HTTP/1.1", "Expect: 100-continue", "Content-Length: 2"))
        assert written.startswith(b"HTTP/1.1 401 ")
        assert b"100 Continue" not in written

    live(story)


def test_several_may_wait_for_the_end_and_one_may_give_up() -> None:
    heard: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await whole_body(receive)

        async def watch() -> None:
            heard.append((await receive())["type"])

        watching = [asyncio.ensure_future(watch()) for _ in range(3)]
        await asyncio.sleep(1)
        watching[0].cancel()
        await asyncio.sleep(1)
        assert heard == []
        await send(start(200, length(0)))
        await send(piece(b""))
        await asyncio.gather(*watching, return_exceptions=True)

    async def story() -> None:
        wire = Wire(app)
        await wire.says(request())
        await asyncio.sleep(5)
        assert wire.written.startswith(OK)

    live(story)
    assert heard == ["http.disconnect"] * 2
