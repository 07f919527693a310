"""What a connection refuses and cuts, byte by byte and in virtual time."""

from __future__ import annotations

import asyncio
import re
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowrouter.httpkit.server import LINGER_SECONDS, PACE_BYTES
from tests.e2e.test_hostile_bytes import NEXT, SMUGGLED
from tests.unit.httpkit.wire import (
    LIMITS,
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


def refusal(status: str, text: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
    return f"{head}content-length: {len(text)}\r\n\r\n{text}".encode()


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    at = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    return [data[begin:end] for begin, end in pairwise(at)]


async def deaf(scope: Any, receive: Any, send: Any) -> None:
    """Answer without a look at the body."""
    await send(start(413, length(0)))
    await send(piece(b""))


# What is no HTTP


@pytest.mark.parametrize("case", SMUGGLED)
def test_what_can_be_read_two_ways_is_refused_however_it_arrives(case: str) -> None:
    @settings(max_examples=15)
    @given(st.lists(st.integers(min_value=1), max_size=8))
    def check(cuts: list[int]) -> None:
        asked: list[str] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            asked.append(scope["path"])
            if await whole_body(receive) is not None:
                await deaf(scope, receive, send)

        async def story() -> None:
            wire = Wire(app)
            await wire.says(*in_pieces(SMUGGLED[case] + NEXT, cuts))
            assert len(re.findall(rb"HTTP/1\.1 \d", wire.written)) == 1
            assert wire.written.startswith(b"HTTP/1.1 400 Bad Request\r\n")
            assert wire.transport.closed

        live(story)
        assert "/healthz" not in asked[1:], "what stood behind it was taken for a request"

    check()


@given(st.lists(st.integers(min_value=1), max_size=12))
def test_requests_mean_the_same_however_they_arrive(cuts: list[int]) -> None:
    sent = (
        request("POST /a?b HTTP/1.1", "X: y", body=b"one")
        + request("POST /b HTTP/1.1", "Transfer-Encoding: chunked")
        + b"3\r\ntwo\r\n2\r\n..\r\n0\r\nTrailer: t\r\n\r\n"
        + request("POST /c HTTP/1.1", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", body=b"three")
        + b"\r\n"
        + request("GET /d HTTP/1.1", "Connection: close")
    )

    async def story() -> None:
        wire = Wire(echo)
        await wire.says(*in_pieces(sent, cuts))
        for _ in range(4):
            await settle()
        assert re.findall(rb"(?:POST|GET) .*?(?=HTTP/1|$)", wire.written) == [
            b"POST /a one", b"POST /b two..", b"POST /c three", b"GET /d ",
        ]  # fmt: skip
        assert wire.transport.closed

    live(story)


def test_a_refusal_says_why_and_ends_the_connection() -> None:
    async def story() -> None:
        wire = Wire(echo)
        assert await wire.says(b"nonsense\r\n\r\n") == refusal(
            "400 Bad Request", "this is not valid HTTP/1.1"
        )
        assert wire.transport.closed
        wire = Wire(echo)
        assert await wire.says(b"GET / HTTP/1.1\r\n\r\n") == refusal(
            "400 Bad Request", "a request has one Host"
        )

    live(story)


def test_a_request_behind_which_nonsense_came_is_given_up() -> None:
    heard: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(1)
        heard.append((await receive())["type"])
        await send(start(200, length(0)))
        await send(piece(b""))

    async def story() -> None:
        wire = Wire(app)
        await wire.says(request(), b"nonsense\r\n\r\n")
        await asyncio.sleep(2)
        assert wire.written == refusal("400 Bad Request", "this is not valid HTTP/1.1")

    live(story)
    assert heard == ["http.disconnect"]


def test_nothing_is_written_into_an_answer_under_way() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start(200))
        await send(piece(b"half", more=True))
        await whole_body(receive)
        await asyncio.sleep(1)
        await send(piece(b"rest"))

    async def story() -> None:
        wire = Wire(app)
        await wire.says(request() + request(), b"nonsense\r\n\r\n")
        await asyncio.sleep(2)
        assert wire.written.endswith(b"4\r\nhalf\r\n")
        assert wire.transport.closed

    live(story)


# Limits of heads


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([request("GET / HTTP/1.1", "X: " + "a" * 5000)], "the headers are too many or too large"),
        ([request("GET / HTTP/1.1", *["X: " + "a" * 500] * 10)], "the headers are too many or too large"),
        ([request("GET / HTTP/1.1", *["X: a"] * 20)], "the headers are too many or too large"),
        ([b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 30], "the headers are too many or too large"),
        ([b"GET / HTTP/1.1\r\nX: " + b"a" * 3000, b"a" * 3000], ""),
        ([b"GET / HTTP/1.1\r\nX: " + b"a" * 3000, b"a" * 3000, b"a" * 3000], "the headers are too large"),
        ([b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 3000, b"a" * 2000 + b"\r\n\r\n"], "the headers are too many or too large"),
        ([request("GET / HTTP/1.1", "Connection: Upgrade", "Upgrade: h2c", *["X: a"] * 20)], "the headers are too many or too large"),
    ],
    ids=["one", "several", "many", "many, no end", "one, no end yet", "one, no end", "in two reads", "with an offer"],
)  # fmt: skip
def test_heads_have_limits(pieces: list[bytes], said: str) -> None:
    async def story() -> None:
        wire = Wire(echo)
        written = await wire.says(*pieces)
        assert written == (refusal("431 Request Header Fields Too Large", said) if said else b"")

    live(story)


def test_what_is_allowed_counts_headers_alone() -> None:
    async def story() -> None:
        wire = Wire(echo)
        head = request("POST / HTTP/1.1", "X: " + "a" * 3900, "Content-Length: 9000")
        assert b"200 OK" in await wire.says(head + b"x" * 9000)
        assert b"200 OK" in await wire.says(head[:3000], head[3000:] + b"x" * 4000, b"x" * 5000)
        address = "/" + "a" * 16_383
        assert b"200 OK" in await wire.says(request(f"GET {address} HTTP/1.1"))
        assert b"HTTP/1.1 414 " in await wire.says(request(f"GET {address}a HTTP/1.1"))

    live(story)


def test_trailers_have_a_limit_too() -> None:
    async def story() -> None:
        wire = Wire(echo)
        head = request("POST / HTTP/1.1", "Transfer-Encoding: chunked")
        await wire.says(head + b"1\r\nx\r\n", *[b"1\r\nx\r\n"] * 10, b"0\r\nX: ", b"a" * 4000)
        assert wire.written == b""
        written = await wire.says(b"a" * 4000)
        assert written == refusal("431 Request Header Fields Too Large", "the trailers are too large")

    live(story)


# Time


def test_silence_ends_without_a_word_and_half_a_head_with_one() -> None:
    async def story() -> None:
        silent, blank, half = Wire(echo), Wire(echo), Wire(echo)
        await blank.says(b"\r\n\r\n")
        await asyncio.sleep(3)
        await half.says(b"G")
        await asyncio.sleep(1.9)
        assert (silent.transport.closed, half.transport.closed) == (False, False)
        await asyncio.sleep(0.2)
        assert (silent.transport.closed, silent.written) == (True, b"")
        assert (blank.transport.closed, blank.written) == (True, b"")
        assert half.written == refusal("408 Request Timeout", "the headers took too long")

    live(story)


def test_a_head_that_trickles_gets_no_more_time() -> None:
    async def story() -> None:
        wire = Wire(echo)
        await wire.says(request())
        await asyncio.sleep(70)
        for byte in b"GET / HTTP/1.1\r\nX: ":
            await wire.says(bytes([byte]))
            await asyncio.sleep(0.3)
        assert wire.written.endswith(refusal("408 Request Timeout", "the headers took too long"))

    live(story)


def test_an_idle_connection_is_kept_for_its_time() -> None:
    async def story() -> None:
        wire = Wire(echo)
        for _ in range(3):
            await wire.says(request())
            await asyncio.sleep(74)
            assert not wire.transport.closed
        await asyncio.sleep(1.1)
        assert wire.transport.closed
        assert wire.written.count(b"200 OK") == 3

    live(story)


def test_an_answer_may_take_its_time() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(600)
        await echo(scope, receive, send)

    async def story() -> None:
        wire = Wire(app)
        await wire.says(request())
        await asyncio.sleep(601)
        assert wire.written.endswith(b"GET / ")

    live(story)


def test_requests_cost_no_timers() -> None:
    made: list[float] = []

    async def story() -> None:
        loop = asyncio.get_running_loop()
        plain = loop.call_later

        def counted(delay: float, *rest: Any, **named: Any) -> asyncio.TimerHandle:
            made.append(delay)
            return plain(delay, *rest, **named)

        loop.call_later = counted  # type: ignore[method-assign]
        wire = Wire(echo)
        for _ in range(1000):
            await wire.says(request("POST / HTTP/1.1", body=b"x"))

    live(story)
    assert made == [LIMITS.header_timeout]


def test_a_body_keeps_a_pace() -> None:
    async def story() -> None:
        wire, quick = Wire(echo), Wire(echo)
        for each in (wire, quick):
            await each.says(request("POST / HTTP/1.1", "Content-Length: 100000"))
        for _ in range(2):
            await asyncio.sleep(9)
            await wire.says(b"x" * 1000)
            await quick.says(b"x" * PACE_BYTES)
        assert wire.written == refusal("408 Request Timeout", "the body came too slowly")
        await quick.says(b"x" * (100_000 - 2 * PACE_BYTES))
        assert quick.written.endswith(b"x" * 100_000)

    live(story)


def test_a_body_that_we_do_not_take_is_not_the_clients_fault() -> None:
    go_on = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await go_on.wait()
        await echo(scope, receive, send)

    async def story() -> None:
        wire = Wire(app)
        await wire.says(request("POST / HTTP/1.1", "Content-Length: 80000"), b"x" * 70_000)
        assert not wire.transport.reading
        await asyncio.sleep(100)
        assert wire.written == b""
        go_on.set()
        await settle()
        await wire.says(b"x" * 10_000)
        assert wire.written.endswith(b"x" * 80_000)

    live(story)


def test_a_head_that_we_do_not_take_is_not_the_clients_fault() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(100)
        await echo(scope, receive, send)

    async def story() -> None:
        wire = Wire(app)
        await wire.says(request("GET /1 HTTP/1.1") + request("GET /2 HTTP/1.1") + b"GET /3 HTTP/1.1\r\nHo")
        assert not wire.transport.reading
        await asyncio.sleep(101)
        assert wire.written.endswith(b"GET /1 ")
        assert wire.transport.reading
        await wire.says(b"st: h\r\n\r\n")
        await asyncio.sleep(200)
        assert wire.written.endswith(b"GET /3 ")

    live(story)


def test_the_body_of_an_answered_request_may_go_on_for_a_while() -> None:
    async def story() -> None:
        patient, endless = Wire(deaf), Wire(deaf)
        for wire in (patient, endless):
            await wire.says(request("POST / HTTP/1.1", "Content-Length: 300000"), b"x" * 100_000)
            assert wire.written.startswith(b"HTTP/1.1 413 ")
            assert wire.transport.reading
        await asyncio.sleep(LINGER_SECONDS - 1)
        await patient.says(b"x" * 200_000)
        await endless.says(b"x")
        await asyncio.sleep(1.1)
        assert endless.transport.closed
        assert not patient.transport.closed
        await patient.says(request())
        assert patient.written.count(b"HTTP/1.1 413 ") == 2

    live(story)


def test_limits_come_from_the_settings() -> None:
    from flowrouter.httpkit.server import limits_of
    from flowrouter.settings import Server

    server = Server(header_limit_kib=2, header_count=3, header_timeout=4.0, body_timeout=5.0)
    assert msgspec.structs.asdict(limits_of(server, keep_alive=6.0)) == {
        "header_bytes": 2048, "headers": 3, "header_timeout": 4.0, "body_timeout": 5.0, "keep_alive": 6.0,
    }  # fmt: skip
