"""What is no answer is found before anything of it has left, in every form it takes, and another is asked."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from flowrouter.canonical.dialect import Dialect
from tests.playbooks.stage import SSE, Script, account, play, reset
from tests.playbooks.test_lanes import ASKS, STREAMS
from tests.playbooks.test_passthrough import ANSWER, ASK, ASK_STREAM, DONE, FINISH, HEL, LO, ROLE, chunk

FIRST = account("first", "openai_chat", priority=1)
SECOND = account("second", "openai_chat", priority=2)
GOOD_STREAM = Script(headers=SSE, steps=[ROLE, HEL, LO, FINISH, DONE])
BUSY = b'{"error":{"message":"busy","type":"server_error","code":503}}'
HTML = {"content-type": "text/html"}
NO_ANSWER: dict[str, Script] = {
    "error in the first frame": Script(headers=SSE, steps=[b"data: " + BUSY + b"\n\n"]),
    "error after the preamble": Script(headers=SSE, steps=[ROLE, 1.0, b"data: " + BUSY + b"\n\n"]),
    "error after pings": Script(headers=SSE, steps=[b": hi\n\n", 1.0, b"data: " + BUSY + b"\n\n"]),
    "error with the first words": Script(headers=SSE, steps=[ROLE + HEL + b"data: " + BUSY + b"\n\n"]),
    "bare error": Script(headers=SSE, steps=[b"\n" + BUSY + b"\n\n"]),
    "JSON error": Script(steps=[BUSY]),
    "JSON error in pieces": Script(steps=[BUSY[:20], 1.0, BUSY[20:]]),
    "empty": Script(headers=SSE, steps=[]),
    "blank": Script(headers=SSE, steps=[b"\n\n", b"\n"]),
    "only pings": Script(headers=SSE, steps=[b": hi\n\n", b": hi\n\n"]),
    "only the role": Script(headers=SSE, steps=[ROLE]),
    "only the end": Script(headers=SSE, steps=[DONE]),
    "cut in the first frame": Script(headers=SSE, steps=[ROLE, HEL[:20]]),
    "reset after the head": Script(headers=SSE, steps=[reset()]),
    "reset after the role": Script(headers=SSE, steps=[ROLE, reset()]),
    "page": Script(headers=HTML, steps=[b"<html>502</html>"]),
    "page under SSE": Script(headers=SSE, steps=[b"<!doctype html>"]),
    "no JSON": Script(steps=[b"{oops"]),
    "array of nothing": Script(steps=[b"[]"]),
    "not even that": Script(headers=SSE, steps=[b"service unavailable"]),
}


@pytest.mark.parametrize("bad", NO_ANSWER.values(), ids=list(NO_ANSWER))
@pytest.mark.parametrize("body", [ASK_STREAM, ASK], ids=["streamed", "whole"])
def test_what_is_no_answer_gives_way(bad: Script, body: bytes) -> None:
    good = GOOD_STREAM if body is ASK_STREAM else Script(steps=[ANSWER])

    def rule(request: Any) -> Script:
        return bad if "first" in request.url else good

    result = play("openai_chat", body, accounts=[FIRST, SECOND], scripts=rule)
    assert (result.status, result.row.outcome) == (200, "ok")
    assert set(result.asked[:-1]) == {"first"}
    assert result.asked[-1] == "second"
    assert result.body == b"".join(good.steps)
    assert all(reply.closed for reply in result.replies)
    assert (result.tasks_left, result.timers_left, result.slots_left) == (0, 0, 0)


PINGS: dict[Dialect, bytes] = {
    "openai_chat": b": ping\n\n",
    "anthropic": b'event: ping\ndata: {"type": "ping"}\n\n',
    "openai_responses": b'event: keepalive\ndata: {"type":"keepalive","sequence_number":1}\n\n',
    "gemini": b"\n\n",
}


@pytest.mark.parametrize("vendor", PINGS)
def test_signs_of_life_are_no_content_in_any_dialect(vendor: Dialect) -> None:
    first, second = account("first", vendor), account("second", vendor, priority=2)
    body = ASKS[vendor]
    alive = Script(headers=SSE, steps=[step for _ in range(60) for step in (PINGS[vendor], 1.0)])

    def rule(request: Any) -> Script:
        return alive if "first" in request.url else Script(headers=SSE, steps=STREAMS[vendor])

    result = _asked(vendor, body, rule, [first, second])
    assert result.row.outcome == "ok"
    assert result.asked[-1] == "second"
    # Gemini's models think unasked and are waited for, so that our own signs of life go ahead.
    assert result.body.lstrip(b"\n") == b"".join(STREAMS[vendor])


def _asked(vendor: Dialect, body: Any, rule: Any, accounts: list[Any]) -> Any:
    import msgspec

    address = {"model": "m", "stream": True} if vendor == "gemini" else {}
    return play(vendor, msgspec.json.encode(body), accounts=accounts, scripts=rule, address=address)


@pytest.mark.parametrize("size", [1, 7, 100], ids=["1 byte", "7 bytes", "100 bytes"])
def test_held_bytes_come_first_and_once(size: int) -> None:
    wire = b"".join([b": hi\n\n", ROLE, HEL, LO, FINISH, DONE])
    pieces = [wire[place : place + size] for place in range(0, len(wire), size)]
    result = play("openai_chat", ASK_STREAM, accounts=[FIRST], scripts=[Script(headers=SSE, steps=pieces)])
    assert result.body == wire


def test_each_piece_behind_the_first_leaves_as_it_comes() -> None:
    steps = [ROLE, 1.0, HEL, 1.0, LO, 1.0, FINISH, 1.0, DONE]
    result = play("openai_chat", ASK_STREAM, accounts=[FIRST], scripts=[Script(headers=SSE, steps=steps)])
    assert result.sent == [(1.0, ROLE + HEL), (2.0, LO), (3.0, FINISH), (4.0, DONE)]


def test_an_upstream_that_ignores_stream_is_expanded() -> None:
    result = play("openai_chat", ASK_STREAM, accounts=[FIRST], scripts=[Script(steps=[ANSWER])])
    assert result.row.outcome == "ok"
    assert b"Hello" in result.body
    assert result.body.endswith(DONE)


def test_an_upstream_that_streams_unasked_is_collapsed() -> None:
    result = play("openai_chat", ASK, accounts=[FIRST], scripts=[GOOD_STREAM])
    assert b'"content":"Hello"' in result.body


def test_a_call_that_begins_is_content() -> None:
    call = chunk(
        '{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{"}}]}'
    )
    steps = [ROLE, call, 30.0, chunk("{}", '"tool_calls"'), DONE]
    result = play(
        "openai_chat", ASK_STREAM, accounts=[FIRST, SECOND], scripts=[Script(headers=SSE, steps=steps)]
    )
    assert (result.asked, result.row.outcome) == (["first"], "ok")


def test_a_compressed_answer_is_no_page() -> None:
    """The transport inflates; what it could not would be found here, not passed on."""
    packed = Script(headers=SSE, steps=[gzip.compress(ROLE + HEL + FINISH + DONE)])

    def rule(request: Any) -> Script:
        return packed if "first" in request.url else GOOD_STREAM

    result = play("openai_chat", ASK_STREAM, accounts=[FIRST, SECOND], scripts=rule)
    assert (result.row.outcome, result.body) == ("ok", b"".join(GOOD_STREAM.steps))
