"""Requests and their answers through the protocol, byte by byte: framing, pace on both sides, order, ends."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest

from flowrouter.httpkit.server.heads import answer_lines
from tests.unit.httpkit.wire import (
    DATE,
    OK,
    Wire,
    echo,
    length,
    live,
    piece,
    request,
    settle,
    start,
    whole_body,
)

# The head of the answer


def test_a_plain_answer_leaves_in_one_piece() -> None:
    async def story() -> None:
        wire = Wire(echo)
        await wire.says(request("POST /a HTTP/1.1", body=b"body"))
        assert wire.transport.writes == [OK + b"\r\ncontent-length: 12\r\n\r\nPOST /a body"]
        await wire.says(request("GET /b HTTP/1.1"))
        assert len(wire.transport.writes) == 2
        assert not wire.transport.closed
        assert not wire.door.tasks

    live(story)


def test_what_the_application_is_told() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        await echo(scope, receive, send)

    async def story() -> None:
        await Wire(app).says(request("PATCH /a%20b/c?d=e%20&f HTTP/1.1", "X-Two: 1", "x-two: 2"))
        await Wire(app).says(b"GET http://h/x#y HTTP/1.1\r\nHost: h\r\n\r\n")
        await Wire(app).says(b"OPTIONS * HTTP/1.0\r\n\r\n")

    live(story)
    assert seen[0] == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "PATCH",
        "scheme": "http",
        "path": "/a b/c",
        "raw_path": b"/a%20b/c",
        "query_string": b"d=e%20&f",
        "root_path": "",
        "headers": [(b"host", b"h"), (b"x-two", b"1"), (b"x-two", b"2")],
        "server": ("127.0.0.1", 2402),
        "client": ("127.0.0.1", 50000),
    }
    assert (seen[1]["path"], seen[1]["query_string"]) == ("/x", b"")
    assert (seen[2]["path"], seen[2]["http_version"], seen[2]["headers"]) == ("*", "1.0", [])


def test_a_stream_begins_at_once_and_each_piece_leaves_by_itself() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start(200, (b"Content-Type", b"text/event-stream")))
        begun.set()
        await go_on.wait()
        await send(piece(b"one", more=True))
        await send(piece(b"", more=True))
        await send(piece(memoryview(b"x" * 20), more=True))
        await send(piece(b"end"))

    async def story() -> None:
        wire = Wire(app)
        await wire.says(request())
        head = OK + b"\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        assert wire.transport.writes == [head], "nobody knows how long the first piece will take"
        go_on.set()
        await settle()
        rest = [b"3\r\none\r\n", b"14\r\n" + b"x" * 20 + b"\r\n", b"3\r\nend\r\n0\r\n\r\n"]
        assert wire.transport.writes[1:] == rest

    live(story)


def test_a_stated_length_in_pieces_and_a_large_body() -> None:
    large = b"x" * 100_000

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/large":
            await send(start(200, length(len(large))))
            await send(piece(large))
        else:
            await send(start(200, length(6)))
            await send(piece(b"abc", more=True))
            await send(piece(b"def"))

    async def story() -> None:
        wire = Wire(app)
        await wire.says(request())
        assert wire.transport.writes == [OK + b"\r\ncontent-length: 6\r\n\r\nabc", b"def"]
        await wire.says(request("GET /large HTTP/1.1"))
        assert wire.transport.writes[3] == large, "it is not copied to be put behind the head"

    live(story)


@pytest.mark.parametrize(
    ("line", "status", "headers", "head"),
    [
        ("HEAD / HTTP/1.1", 200, [length(5)], b"\r\ncontent-length: 5"),
        ("HEAD / HTTP/1.1", 200, [], b""),
        ("GET / HTTP/1.1", 204, [], b""),
        ("GET / HTTP/1.1", 304, [(b"etag", b"x")], b"\r\netag: x"),
    ],
    ids=["HEAD", "HEAD of a stream", "204", "304"],
)
def test_some_answers_have_no_body(line: str, status: int, headers: list[Any], head: bytes) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start(status, *headers))
        await send(piece(b"hello" if scope["method"] == "HEAD" else b""))

    async def story() -> None:
        wire = Wire(app)
        written = await wire.says(request(line))
        assert written.startswith(b"HTTP/1.1 %d " % status)
        assert written.endswith(DATE + head + b"\r\n\r\n")
        assert not wire.transport.closed

    live(story)


@pytest.mark.parametrize(
    ("line", "fields", "headers"),
    [
        ("GET / HTTP/1.1", ["Connection: close"], []),
        ("GET / HTTP/1.0", [], []),
        ("GET / HTTP/1.0", ["Connection: keep-alive"], []),
        ("GET / HTTP/1.1", [], [(b"Connection", b"x, Close")]),
    ],
    ids=["asked for", "1.0", "1.0 that would stay", "the application's wish"],
)
def test_the_last_answer_of_a_connection_says_so(line: str, fields: list[str], headers: list[Any]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start(200, length(0), *headers))
        await send(piece(b""))

    async def story() -> None:
        wire = Wire(app)
        written = await wire.says(request(line, *fields) + request("GET /second HTTP/1.1"))
        assert written.lower().count(b"\r\nconnection: ") == 1
        assert b"close" in written.lower()
        assert written.count(b"HTTP/1.1 ") == 1, "what stood behind it is not answered"
        assert wire.transport.closed

    live(story)


def test_names_of_headers_are_remembered_in_bounds() -> None:
    for number in range(2000):
        lines, *_ = answer_lines([(b"X-Odd-%d" % number, b"a\tb\xe9")])
        assert lines == b"\r\nx-odd-%d: a\tb\xe9" % number
    assert answer_lines([(b"Content-Length", b"3"), (b"content-length", b"4")])[1] == 3


# Clients that go, and clients that do not keep up


def test_a_client_that_goes_is_told_of_and_written_to_no_more() -> None:
    heard: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await whole_body(receive)
        await send(start(200))
        await send(piece(b"a", more=True))
        heard.append((await receive())["type"])
        await send(piece(b"b", more=True))
        await send(piece(b"c"))
        heard.append("finished")

    async def story() -> None:
        wire = Wire(app)
        await wire.says(request())
        before = wire.written
        wire.transport.closed = True
        wire.lose()
        await settle()
        assert wire.written == before
        assert not wire.door.connections
        assert not wire.door.tasks

    live(story)
    assert heard == ["http.disconnect", "finished"]


def test_a_body_that_breaks_off_is_a_client_that_went() -> None:
    heard: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        heard.append(await whole_body(receive))

    async def story() -> None:
        wire = Wire(app)
        await wire.says(request("POST / HTTP/1.1", "Content-Length: 9"), b"half")
        wire.lose()
        await settle()

    live(story)
    assert heard == [None]


def test_a_slow_client_holds_the_writer_up() -> None:
    sent: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start(200))
        for number in range(5):
            await send(piece(b"x", more=True))
            sent.append(number)
        await send(piece(b""))

    async def story() -> None:
        wire = Wire(app)
        wire.connection.pause_writing()
        await wire.says(request())
        assert wire.written == b""
        wire.connection.resume_writing()
        wire.connection.pause_writing()  # full again before anybody has gone on
        await settle()
        assert wire.written == b""
        wire.connection.resume_writing()
        await settle()
        assert sent == [0, 1, 2, 3, 4]
        assert wire.written.endswith(b"0\r\n\r\n")

    live(story)


def test_a_writer_that_waits_for_a_client_that_goes_is_let_go() -> None:
    done = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start(200))
        await send(piece(b"x"))
        done.set()

    async def story() -> None:
        wire = Wire(app)
        wire.connection.pause_writing()
        await wire.says(request())
        wire.lose()
        await settle()
        assert done.is_set()
        assert wire.written == b""

    live(story)


# Several requests


def test_requests_sent_ahead_wait_their_turn_and_the_socket_with_them() -> None:
    gates = [asyncio.Event() for _ in range(3)]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await gates[int(scope["path"][1:])].wait()
        await echo(scope, receive, send)

    async def story() -> None:
        wire = Wire(app)
        ahead = [request(f"POST /{number} HTTP/1.1", body=b"%d" % number) for number in range(3)]
        await wire.says(b"".join(ahead))
        assert not wire.transport.reading
        gates[2].set()
        gates[1].set()
        await settle()
        assert wire.written == b""
        gates[0].set()
        for _ in range(3):
            await settle()
        assert [line[-1:] for line in wire.written.split(b"HTTP/1.1 200 OK")[1:]] == [b"0", b"1", b"2"]
        assert wire.transport.reading

    live(story)


def test_who_watches_for_the_end_does_not_let_requests_pile_up() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await whole_body(receive)
        assert (await receive())["type"] == "http.disconnect"

    async def story() -> None:
        wire = Wire(app)
        await wire.says(request() * 2)
        assert not wire.transport.reading
        assert len(wire.door.tasks) == 1
        wire.lose()
        await settle()
        assert not wire.door.tasks

    live(story)


def test_shutting_down_ends_idle_connections_and_lets_answers_finish() -> None:
    gate = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start(200))
        await gate.wait()
        await send(piece(b"end"))

    async def story() -> None:
        idle, busy, half = Wire(echo), Wire(app), Wire(echo)
        await idle.says(request())
        await busy.says(request())
        await half.says(b"GET / HT")
        for wire in (idle, busy, half):
            wire.connection.shutdown()
        assert (idle.transport.closed, busy.transport.closed, half.transport.closed) == (True, False, True)
        gate.set()
        await settle()
        assert busy.written.endswith(b"3\r\nend\r\n0\r\n\r\n")
        assert busy.transport.closed

    live(story)


def test_a_connection_that_ended_is_gone_without_the_collector() -> None:
    async def story() -> None:
        wire = Wire(echo)
        await wire.says(
            request("POST / HTTP/1.1", body=b"x"), request("POST / HTTP/1.1", "Content-Length: 3")
        )
        gone = weakref.ref(wire.transport)
        wire.transport.closed = True
        wire.lose()
        await settle()
        del wire
        assert gone() is None

    gc.collect()
    gc.disable()
    try:
        live(story)
    finally:
        gc.enable()
