"""A request whose head is that of the one before is told from its bytes, and means what the parser would say."""

from __future__ import annotations

import asyncio
import weakref
from itertools import pairwise
from typing import Any, ClassVar

import pytest
from httptools import HttpRequestParser
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.httpkit.server.heads import RequestHead
from flowrouter.httpkit.server.repeats import GUESSES
from flowrouter.httpkit.server.turn import Turn
from tests.unit.httpkit.repeating import FIELDS, POST, Told, asked_by, parts
from tests.unit.httpkit.wire import Wire, length, live, piece, request, settle, start, whole_body


def test_the_second_is_not_parsed_and_means_the_same(parsed: list[bytes]) -> None:
    bodies = (b"one", b"three", b"x" * 12_345, b"four")
    sent = [request(POST, *FIELDS, body=body) for body in bodies]
    together = asked_by(*sent)
    assert parsed == sent[:1]
    assert together == asked_by(*sent, apart=True)
    assert [asked[3] for asked in together] == list(bodies)


@pytest.mark.parametrize(
    "other",
    [
        request(POST, "Authorization: Bearer other", "X-One: 1", body=b"two"),
        request("POST /v1/y HTTP/1.1", *FIELDS, body=b"two"),
        request(POST, *FIELDS, "X-Two: 2", body=b"two"),
        request(POST.replace("POST", "PUT"), *FIELDS, body=b"two"),
        b"\r\n" + request(POST, *FIELDS, body=b"two"),
    ],
    ids=["credential", "path", "one more", "method", "empty line"],
)
def test_any_other_head_is_read(other: bytes) -> None:
    first = request(POST, *FIELDS, body=b"one")
    assert asked_by(first, other, first) == asked_by(first, other, first, apart=True)


@pytest.mark.parametrize("ends", ["\r\n", "\r\n\r\n", "\n"], ids=["one", "two", "bare"])
@pytest.mark.parametrize("begins", [b"GE", b"\r\n\r\n"], ids=["letters", "line ends"])
def test_line_ends_behind_a_body_move_no_bytes_of_it_into_the_head(begins: bytes, ends: str) -> None:
    behind = ends.encode()
    first = request(POST, *FIELDS, body=begins + b"abc") + behind
    body = begins[: len(behind)] + b"xyz"
    asked = asked_by(first, request(POST, *FIELDS, body=body) + behind)
    assert [each[3] for each in asked] == [begins + b"abc", body]


@pytest.mark.parametrize(
    "spoilt",
    [
        b"Content-Length: +3",
        b"Content-Length: 3, 3",
        b"Content-Length: 3x",
        b"Content-Length:",
        b"Content-Length: -3",
    ],
    ids=["plus", "twice", "letter", "none", "minus"],
)
def test_a_length_that_is_none_is_refused_as_ever(spoilt: bytes) -> None:
    async def story() -> None:
        wire = Wire(Told())
        first = request(POST, *FIELDS, body=b"one")
        await wire.says(first, first)
        written = await wire.says(first.replace(b"Content-Length: 3", spoilt))
        assert written.count(b"HTTP/1.1 200") == 2
        assert b"HTTP/1.1 400 " in written
        assert wire.transport.closed

    live(story)


@given(
    cuts=st.lists(st.integers(0, 400), max_size=6), sizes=st.lists(st.integers(0, 60), min_size=2, max_size=5)
)
def test_wherever_reads_end_the_same_is_heard(cuts: list[int], sizes: list[int]) -> None:
    sent = [request(POST, *FIELDS, body=bytes(range(size))) for size in sizes]
    stream = b"".join(sent)
    places = sorted({0, len(stream), *(cut % len(stream) for cut in cuts)})
    pieces = [stream[begin:end] for begin, end in pairwise(places)]
    assert asked_by(*pieces) == asked_by(*sent, apart=True)


def test_one_that_comes_while_another_is_answered_waits_its_turn() -> None:
    order: list[bytes] = []
    go_on = asyncio.Event()

    async def slow(_: Any, receive: Any, send: Any) -> None:
        body = await whole_body(receive)
        assert body is not None
        if body == b"two":
            await go_on.wait()
        order.append(body)
        await send(start(200, length(3)))
        await send(piece(body))

    async def story() -> None:
        wire = Wire(slow)
        await wire.says(*[request(POST, body=body) for body in (b"one", b"two", b"six")])
        go_on.set()
        await settle()
        assert order == [b"one", b"two", b"six"]
        assert not wire.transport.closed

    live(story)


@pytest.mark.parametrize(
    "fields",
    [
        ("Connection: close",),
        ("Expect: 100-continue",),
        ("X-One: 1", "X-One: 2"),
        (f"X-Large: {'x' * 4050}",),
    ],
    ids=["the last", "asks first", "a name twice", "too large"],
)
def test_what_is_not_remembered(fields: tuple[str, ...], parsed: list[bytes]) -> None:
    sent = request(POST, *fields, body=b"one")

    async def story() -> None:
        await Wire(Told()).says(sent, sent)

    live(story)
    assert parsed == ([sent] if "Connection: close" in fields else [sent, sent])


def test_heads_that_all_differ_are_not_remembered_for_ever(parsed: list[bytes]) -> None:
    differing = [request(POST, f"X-Id: {number}", body=b"one") for number in range(GUESSES)]
    alike = request(POST, *FIELDS, body=b"one")
    asked_by(*differing, alike, alike)
    assert parsed[-1] is alike
    assert len(parsed) == GUESSES + 2


class Heads:
    """Notes the heads it is asked with, and the length each request states."""

    def __init__(self) -> None:
        self.heads: list[RequestHead] = []
        self.lengths: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("visits are taken")

    async def serve(self, turn: Turn) -> None:
        self.heads.append(turn.head)
        self.lengths.append(turn.headers["content-length"])
        assert turn.whole(1000) or await whole_body(turn.receive)
        turn.answer(200, b"\r\ncontent-length: 3", b"yes")


@pytest.mark.parametrize("apart", [False, True], ids=["together", "head and body apart"])
def test_what_all_connections_say_is_kept_once_and_no_longer_than_they_last(apart: bool) -> None:
    async def story() -> None:
        app = Heads()
        door = Wire(app).door
        said = ["one", "three", "one"]
        wires = [Wire(app, door=door) for _ in said]
        for wire, text in zip(wires, said, strict=True):
            head, body = parts(text.encode())
            await wire.says(*((head, body) if apart else (head + body,)))
            await wire.says(head + body)
        others = Wire(app, door=door)
        await others.says(request(POST, "Authorization: Bearer other", "X-One: 1", body=b"one"))
        assert app.lengths == ["3", "3", "5", "5", "3", "3", "3"]
        assert len({id(head) for head in app.heads}) == 2
        assert len(door.patterns) == 2
        for wire in (*wires, others):
            wire.lose()
        assert not door.patterns

    live(story)


@pytest.mark.parametrize("apart", [False, True], ids=["together", "head and body apart"])
def test_a_connection_whose_head_is_known_keeps_no_parser(apart: bool) -> None:
    class Weak(HttpRequestParser):
        made: ClassVar[list[weakref.ref[Any]]] = []

        def __init__(self, protocol: Any) -> None:
            super().__init__(protocol)
            self.made.append(weakref.ref(self))

    async def story() -> None:
        wire = Wire(Told())
        head, body = parts(b"one")
        other = request(POST, "X-Two: 2", body=b"two")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("httptools.HttpRequestParser", Weak)
            await wire.says(*((head, body) if apart else (head + body,)))
            assert [alive() for alive in Weak.made] == [None]
            written = await wire.says(
                head + body, other, b"GET / HTTP/1.1\r\nConnection: close\r\nHost: h\r\n\r\n"
            )
        assert written.count(b"HTTP/1.1 200") == 4
        assert len(Weak.made) == 3
        assert wire.transport.closed

    live(story)


def test_an_end_to_the_connection_is_heeded_behind_a_known_head() -> None:
    async def story() -> None:
        wire = Wire(Told())
        sent = request(POST, body=b"one")
        await wire.says(sent, sent)
        wire.connection.shutdown()
        assert wire.transport.closed
        wire.connection.data_received(sent)
        await settle()
        assert wire.written.count(b"HTTP/1.1 200") == 2

    live(story)
