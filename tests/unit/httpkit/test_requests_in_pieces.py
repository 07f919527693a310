"""A request with a known head that comes in several reads is held for a moment, and taken as if it had come in one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from flowrouter.httpkit.server.repeats import BODY_MAX, GUESSES, HELD_SECONDS
from tests.unit.httpkit.repeating import FIELDS, POST, Told, asked_by, cut, parts
from tests.unit.httpkit.wire import LIMITS, Wire, length, live, piece, request, settle, start, whole_body


def test_a_head_and_its_body_that_come_apart_are_one_request(parsed: list[bytes]) -> None:
    bodies = (b"one", b"three", b"x" * 12_345, b"four")
    sent = [parts(body) for body in bodies]
    together = asked_by(*[each for pair in sent for each in pair])
    assert parsed == list(sent[0])
    assert together == asked_by(*[head + body for head, body in sent], apart=True)


@pytest.mark.parametrize("places", [(1,), (-1,), (0, 1), (0, 5, 9), (7, 8)], ids=str)
def test_what_comes_in_pieces_is_not_parsed_and_means_the_same(
    places: Sequence[int], parsed: list[bytes]
) -> None:
    first, others = request(POST, *FIELDS, body=b"one"), [b"abcdefghijkl", b"mnopqrstuvwxyz"]
    pieces = [each for body in others for each in cut(*parts(body), places)]
    asked = asked_by(first, *pieces)
    assert parsed == [first]
    assert [each[3] for each in asked] == [b"one", *others]
    assert asked == asked_by(first, *(b"".join(parts(body)) for body in others), apart=True)


def test_a_head_that_came_with_some_of_its_body_is_known(parsed: list[bytes]) -> None:
    begin, end = cut(*parts(b"abc"), (1,))
    whole = begin + end
    assert [asked[3] for asked in asked_by(begin, end, whole, begin, end)] == [b"abc"] * 3
    assert parsed == [begin, end]


def test_pieces_are_held_for_a_moment_only_however_many_come(parsed: list[bytes]) -> None:
    async def story() -> None:
        wire = Wire(Told())
        pieces = cut(*parts(b"abcdefgh"), range(1, 8))
        await wire.says(b"".join(pieces))
        for each in pieces[:-1]:
            await wire.says(each)
            await asyncio.sleep(HELD_SECONDS * 0.4)
        assert parsed[1:] == [b"".join(pieces[:3]), *pieces[3:-1]]
        written = await wire.says(pieces[-1])
        assert written.count(b"HTTP/1.1 200 ") == 2

    live(story)


def test_more_than_is_missing_is_the_next_request(parsed: list[bytes]) -> None:
    first, second = (request(POST, *FIELDS, body=body) for body in (b"one", b"two"))
    asked = asked_by(first, second[:-1], second[-1:] + first)
    assert [each[3] for each in asked] == [b"one", b"two", b"one"]
    assert parsed[1:] == [second[:-1], second[-1:] + first]


def test_a_body_too_large_to_be_held_leaves_the_head_known(parsed: list[bytes]) -> None:
    small, large = request(POST, *FIELDS, body=b"one"), request(POST, *FIELDS, body=b"x" * (BODY_MAX + 1))
    pieces = [large[:1000], large[1000:]] * (GUESSES + 1)
    asked = asked_by(small, *pieces, small)
    assert len(asked) == GUESSES + 3
    assert parsed == [small, *pieces]


def test_what_stands_behind_a_body_that_came_apart_is_the_next_request() -> None:
    (first, one), (second, two) = parts(b"one"), parts(b"two")
    asked = asked_by(first, one, second, two + first, one, second, two)
    assert [each[3] for each in asked] == [b"one", b"two", b"one", b"two"]


@pytest.mark.parametrize("size", [60, 300_000], ids=["small", "large"])
def test_a_request_refused_by_its_head_need_not_send_its_body(size: int) -> None:
    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        if dict(scope["headers"])[b"content-length"] != b"3":
            await send(start(413, length(0)))
            await send(piece(b""))
        else:
            await Told()(scope, receive, send)

    async def story() -> None:
        wire = Wire(refusing)
        head, body = parts(b"x" * size)
        await wire.says(*parts(b"one"), head)
        assert (b"HTTP/1.1 413 " in wire.written) is (size > BODY_MAX)
        await asyncio.sleep(HELD_SECONDS)
        await settle()
        assert wire.written.count(b"HTTP/1.1 413 ") == 1
        await wire.says(body, *parts(b"two"))
        assert wire.written.count(b"HTTP/1.1 200 ") == 2
        assert not wire.transport.closed

    live(story)


def test_a_body_that_never_comes_is_cut_in_its_time() -> None:
    async def story() -> None:
        told = Told()
        wire = Wire(told)
        await wire.says(*parts(b"one"), parts(b"two")[0])
        await asyncio.sleep(LIMITS.body_timeout - HELD_SECONDS)
        assert not wire.transport.closed
        await asyncio.sleep(HELD_SECONDS * 3)
        assert b"HTTP/1.1 408 " in wire.written
        assert wire.transport.closed
        assert len(told.asked) == 1

    live(story)


def test_a_client_that_goes_before_its_body_is_heard_of_once() -> None:
    heard: list[bytes | None] = []

    async def noting(_: Any, receive: Any, send: Any) -> None:
        heard.append(await whole_body(receive))
        await send(start(200, length(3)))
        await send(piece(b"yes"))

    async def story() -> None:
        wire = Wire(noting)
        await wire.says(*parts(b"one"), parts(b"two")[0])
        wire.lose()
        await asyncio.sleep(HELD_SECONDS * 2)
        assert heard == [b"one", None]
        assert wire.written.count(b"HTTP/1.1 200 ") == 1
        assert not wire.door.tasks
        assert not wire.door.connections

    live(story)


def test_a_head_that_came_before_the_end_is_answered() -> None:
    async def story() -> None:
        wire = Wire(Told())
        head, body = parts(b"two")
        await wire.says(*parts(b"one"), head)
        wire.connection.shutdown()
        assert not wire.transport.closed
        await wire.says(body)
        assert wire.written.endswith(b"connection: close\r\n\r\nyes")
        assert wire.transport.closed

    live(story)


def test_heads_whose_bodies_keep_one_waiting_are_not_held_for_ever(parsed: list[bytes]) -> None:
    async def story() -> None:
        wire = Wire(Told())
        head, body = parts(b"one")
        for _ in range(GUESSES + 1):
            await wire.says(head)
            await asyncio.sleep(HELD_SECONDS)
            await wire.says(body)
        seen = len(parsed)
        await wire.says(head)
        assert len(parsed) == seen + 1
        await wire.says(body)
        assert wire.written.count(b"HTTP/1.1 200 ") == GUESSES + 2

    live(story)


def test_a_client_whose_bodies_are_slow_stays_known(parsed: list[bytes]) -> None:
    async def story() -> None:
        wire = Wire(Told())
        begin, end = cut(*parts(b"one"), (1,))
        await wire.says(begin + end)
        for _ in range(GUESSES + 2):
            await wire.says(begin)
            await asyncio.sleep(HELD_SECONDS * 2)
            await wire.says(end)
        seen = len(parsed)
        await wire.says(begin)
        assert len(parsed) == seen + 1, "not held any more"
        await wire.says(end, begin + end, begin, end)
        assert len(parsed) == seen + 2, "and still known"
        assert wire.written.count(b"HTTP/1.1 200 ") == GUESSES + 6

    live(story)
