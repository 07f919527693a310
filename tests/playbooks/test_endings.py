"""How answers end: what was cut is never shown as complete, and the books close with the last byte."""

from __future__ import annotations

import gc
from typing import Any

import msgspec
import pytest

from flowrouter.config import Timeouts
from flowrouter.errors import UpstreamError
from flowrouter.gateway.begun import Opened
from flowrouter.gateway.delivery import Delivery
from flowrouter.gateway.source import Source
from flowrouter.plugins import Hooks
from flowrouter.settings.routing import Routing
from tests.playbooks.stage import SSE, Script, account, play
from tests.playbooks.test_passthrough import (
    ANTHROPIC_ASK,
    ANTHROPIC_EVENTS,
    ASK,
    ASK_STREAM,
    DONE,
    FINISH,
    HEL,
    LO,
    ROLE,
    chunk,
)

CHAT = account("chat", "openai_chat")
SECOND = account("second", "openai_chat", priority=2)
CLAUDE = account("claude", "anthropic")
NOBODY_GOES_ON = Routing(completion="error")


def test_the_books_close_with_the_answer_not_with_the_upstreams_connection() -> None:
    steps = [ROLE, HEL, LO, FINISH, 1.0, DONE, 0.2]
    result = play("openai_chat", ASK_STREAM, accounts=[CHAT], scripts=[Script(headers=SSE, steps=steps)])
    assert result.row.duration_ms == 1000


def test_a_shutdown_behind_the_end_does_not_undo_the_answer() -> None:
    steps = [ROLE, HEL, LO, FINISH, 1.0, DONE, 0.2]
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=steps)],
        cancel_after=1.1,
    )
    assert (result.row.outcome, result.row.status) == ("ok", 200)


def test_a_stream_that_broke_leaves_nothing_behind_in_a_circle() -> None:
    """What goes round in one stays until the collector comes, and that comes rarely: with it the request's body."""

    def alive() -> int:
        return sum(type(each) in (Source, Delivery, Opened) for each in gc.get_objects())

    gc.collect()
    gc.disable()
    before = alive()
    try:
        # Made when it is raised: a script that kept it would keep what it went through.
        broken = [ROLE, HEL, 1.0, LO, lambda: UpstreamError("cut off", kind="reset")]
        result = play(
            "openai_chat",
            ASK_STREAM,
            accounts=[CHAT],
            scripts=[Script(headers=SSE, steps=broken)],
            routing=NOBODY_GOES_ON,
        )
        assert result.row.outcome == "partial"
        assert alive() <= before
    finally:
        gc.enable()


@pytest.mark.parametrize("end", [b"event: message_stop\n", b"event: message_stop\ndata:", b"id: 7"])
def test_a_last_frame_without_data_is_not_passed_on(end: bytes) -> None:
    steps = [*ANTHROPIC_EVENTS[:4], end]
    result = play("anthropic", ANTHROPIC_ASK, accounts=[CLAUDE], scripts=[Script(headers=SSE, steps=steps)])
    assert b"message_stop" not in result.body
    assert b"id: 7" not in result.body
    assert b"event: error" in result.body


FLAT = [
    b'data: {"object":"error","message":"out of memory","code":500}\n\n',
    b'data: {"detail":"out of memory"}\n\n',
    b'event: error\ndata: {"message":"out of memory"}\n\n',
]


@pytest.mark.parametrize("frame", FLAT)
def test_a_failure_in_a_form_no_sdk_knows_is_told_in_the_clients(frame: bytes) -> None:
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=[ROLE, HEL, frame])],
        routing=NOBODY_GOES_ON,
    )
    last = result.body.removeprefix(ROLE + HEL).removeprefix(b"data: ").strip()
    assert "out of memory" in msgspec.json.decode(last)["error"]["message"]
    assert result.row.outcome == "partial"


def test_a_failure_without_its_events_name_is_told_by_name() -> None:
    frame = b'data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    result = play(
        "anthropic",
        ANTHROPIC_ASK,
        accounts=[CLAUDE],
        scripts=[Script(headers=SSE, steps=[*ANTHROPIC_EVENTS[:4], frame])],
    )
    assert b"event: error\n" in result.body


def test_a_failure_in_the_vendors_own_form_passes_unchanged() -> None:
    frame = b'data: {"error":{"message":"busy","type":"server_error","metadata":{"zone":1}}}\n\n'
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=[ROLE, HEL, frame])],
        routing=NOBODY_GOES_ON,
    )
    assert result.body == ROLE + HEL + frame


def test_a_terminator_that_leaves_a_choice_unfinished_is_not_passed_on() -> None:
    second = chunk('{"role":"assistant"}').replace(b'"index":0', b'"index":1')
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=[ROLE, HEL, second, FINISH, DONE])],
    )
    assert result.row.outcome == "partial"
    assert b"[DONE]" not in result.body
    assert b'"error"' in result.body


@pytest.mark.parametrize("body", [ASK, ASK_STREAM])
def test_blank_space_for_ever_is_no_answer(body: bytes) -> None:
    drip = Script(steps=[step for _ in range(500) for step in (b"\n", 5.0)])
    result = play(
        "openai_chat", body, accounts=[CHAT], scripts=[drip], timeouts=Timeouts(total=60, first_event=30)
    )
    assert result.row.outcome == "error"
    assert result.row.duration_ms is not None
    assert result.row.duration_ms <= 65_000


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xef", b" \xef\xbb"])
def test_a_whole_answer_is_known_behind_a_byte_order_mark(mark: bytes) -> None:
    from tests.playbooks.test_passthrough import ANSWER

    whole = Script(steps=[mark, (b"\xef\xbb\xbf" + ANSWER).removeprefix(mark.strip())])
    result = play("openai_chat", ASK, accounts=[CHAT], scripts=[whole])
    assert result.status == 200, result.body


def test_an_endless_preamble_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowrouter.gateway.source.WHOLE_MAX", 10_000)
    endless = Script(headers=SSE, steps=[ROLE, *[b": comment\n\n" * 100] * 50])
    good = Script(headers=SSE, steps=[ROLE, HEL, FINISH, DONE])
    result = play("openai_chat", ASK_STREAM, accounts=[CHAT, SECOND], scripts=[endless, endless, good])
    assert result.body == ROLE + HEL + FINISH + DONE


def test_a_collapsed_stream_is_read_to_its_end_so_that_the_connection_lives() -> None:
    steps = [ROLE, HEL, LO, FINISH, DONE, 0.1, b": bye\n\n"]
    result = play("openai_chat", ASK, accounts=[CHAT], scripts=[Script(headers=SSE, steps=steps)])
    assert result.status == 200
    assert result.replies[0].unread == 0


class Broken:
    """A stage with a defect that shows in the middle of an answer."""

    name = "broken"

    def applies(self, head: Any, caller: Any) -> bool:
        return True

    def edit_request(self, request: Any) -> Any:
        return request

    def edit_reply(self) -> Any:
        def edit(event: Any) -> list[Any]:
            if getattr(event, "text", "") == "lo":
                raise ZeroDivisionError
            return [event]

        return edit


def test_a_defect_of_ours_in_the_middle_ends_the_stream_with_an_error() -> None:
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=[ROLE, HEL, LO, FINISH, DONE])],
        hooks=Hooks(stages=(Broken(),)),
    )
    assert b"[DONE]" not in result.body
    assert b'"error"' in result.body
    assert (result.row.outcome, result.row.status) == ("partial", 200)
    assert result.replies[0].closed


def test_a_listener_that_fails_harms_nobody() -> None:
    heard: list[Any] = []

    def broken(_: Any) -> None:
        raise ZeroDivisionError

    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=[ROLE, HEL, LO, FINISH, DONE])],
        hooks=Hooks(listeners=(broken, heard.append)),
    )
    assert result.row.outcome == "ok"
    assert len(heard) == 1


@pytest.mark.parametrize("body", [ASK, ASK_STREAM])
@pytest.mark.parametrize("steps", [[b"\n"], [b" ", b"\r\n"], [b"\xef\xbb\xbf"]])
def test_an_answer_of_blanks_is_an_empty_answer(body: bytes, steps: list[bytes]) -> None:
    blank = Script(steps=steps)
    result = play("openai_chat", body, accounts=[CHAT], scripts=[blank, blank])
    assert result.status == 502
    assert "empty" in (result.row.error_text or "")


def test_blanks_before_an_answer_stay_with_it() -> None:
    from tests.playbooks.test_passthrough import ANSWER

    whole = Script(steps=[b"\n", 1.0, b" \n", 1.0, ANSWER])
    result = play("openai_chat", ASK, accounts=[CHAT], scripts=[whole])
    assert result.body == b"\n \n" + ANSWER
