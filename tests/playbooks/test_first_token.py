"""A late first word: another target is asked in time, but never where there is none to ask."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.config import Timeouts
from tests.playbooks.stage import SSE, House, Performance, Script, account, live, play
from tests.playbooks.test_passthrough import ANSWER, ASK, ASK_STREAM, DONE, FINISH, HEL, LO, ROLE

FIRST = account("first", "openai_chat", priority=1)
SECOND = account("second", "openai_chat", priority=2)
GOOD_STREAM = Script(headers=SSE, steps=[ROLE, HEL, LO, FINISH, DONE])
GOOD = Script(steps=[ANSWER])
CAPPED = ASK[:-1] + b', "max_tokens": 80}'
PING = b": ping\n\n"
LATE: dict[str, Script] = {
    "accepts and is silent": Script(before=120.0, headers=SSE, steps=[ROLE, HEL, DONE]),
    "head and nothing": Script(headers=SSE, steps=[20.0, ROLE, HEL, LO, FINISH, DONE]),
    "role and nothing": Script(headers=SSE, steps=[ROLE, 20.0, HEL, LO, FINISH, DONE]),
    "only pings": Script(headers=SSE, steps=[step for _ in range(100) for step in (PING, 1.0)]),
    "half of the time each": Script(before=7.0, headers=SSE, steps=[7.0, ROLE, HEL, DONE]),
    "a line that does not end": Script(headers=SSE, steps=[b"data: {", *([1.0, b" "] * 100)]),
    "ignores `stream`": Script(before=20.0, steps=[ANSWER]),
}


def ask(
    body: bytes, *scripts: Script, accounts: tuple[Any, ...] = (FIRST, SECOND), **more: Any
) -> Performance:
    return play("openai_chat", body, accounts=accounts, scripts=scripts, **more)


@pytest.mark.parametrize("late", LATE.values(), ids=list(LATE))
def test_a_late_first_word_gives_way_within_fifteen_seconds(late: Script) -> None:
    result = ask(ASK_STREAM, late, GOOD_STREAM)
    assert result.asked == ["first", "second"]
    assert (result.status, result.row.outcome) == (200, "ok")
    assert result.row.ttft_ms is not None
    assert result.row.ttft_ms < 13_000
    assert [attempt.outcome for attempt in result.row.attempts] == ["timeout", "answered"]
    assert (result.tasks_left, result.timers_left, result.slots_left) == (0, 0, 0)
    assert all(reply.closed for reply in result.replies)


@pytest.mark.parametrize(
    "late", [LATE[name] for name in ("head and nothing", "role and nothing", "half of the time each")],
    ids=["head", "role", "half"],
)  # fmt: skip
def test_without_a_fallback_a_late_answer_is_better_than_none(late: Script) -> None:
    result = ask(ASK_STREAM, late, accounts=(FIRST,))
    assert (result.status, result.asked) == (200, ["first"])


def test_the_last_of_two_has_all_the_time_there_is() -> None:
    result = ask(ASK_STREAM, LATE["head and nothing"], LATE["head and nothing"])
    assert (result.status, result.asked) == (200, ["first", "second"])
    assert result.row.ttft_ms == pytest.approx(32_000, abs=200)


def test_only_pings_are_no_answer_even_without_a_fallback() -> None:
    pings = Script(headers=SSE, steps=[step for _ in range(1000) for step in (PING, 1.0)])
    result = ask(ASK_STREAM, pings, accounts=(FIRST,), timeouts=Timeouts(first_event=30))
    assert result.row.outcome == "error"
    assert result.row.duration_ms == pytest.approx(30_000, abs=100)
    assert "held no answer within 30 s" in (result.row.error_text or "")


def test_who_reasons_is_waited_for() -> None:
    body = ASK_STREAM[:-1] + b',"reasoning_effort":"high"}'
    late = Script(headers=SSE, steps=[ROLE, 250.0, HEL, LO, FINISH, DONE])
    result = ask(body, late)
    assert (result.status, result.asked) == (200, ["first"])


def test_a_long_prompt_is_waited_for() -> None:
    body = ASK_STREAM.replace(b'"hi"', b'"%b"' % (b"word " * 15_000))
    result = ask(body, LATE["head and nothing"])
    assert (result.status, result.asked) == (200, ["first"])


def test_a_whole_answer_of_limited_length_gives_way_too() -> None:
    late = Script(before=21.0, steps=[ANSWER])
    slow = Script(steps=[ANSWER[:50], 21.0, ANSWER[50:]])
    for script in (late, slow):
        result = ask(CAPPED, script, GOOD)
        assert (result.status, result.asked) == (200, ["first", "second"])
        assert result.head_at == pytest.approx(20.0, abs=0.1)


def test_a_whole_answer_within_its_time_is_taken() -> None:
    result = ask(CAPPED, Script(before=19.0, steps=[ANSWER]))
    assert (result.status, result.asked) == (200, ["first"])


def test_a_whole_answer_of_any_length_has_the_configured_time() -> None:
    result = ask(ASK, Script(before=300.0, steps=[ANSWER]))
    assert (result.status, result.asked) == (200, ["first"])


def test_a_target_known_to_be_slow_is_given_three_times_what_it_takes() -> None:
    async def story(house: House) -> list[str]:
        for _ in range(30):
            assert (await house.ask("openai_chat", ASK_STREAM)).status == 200
        slow[0] = 24.0
        last = await house.ask("openai_chat", ASK_STREAM)
        assert last.status == 200
        return house.asked

    slow = [10.0]

    def rule(_: Any) -> Script:
        return Script(headers=SSE, steps=[slow[0], ROLE, HEL, LO, FINISH, DONE])

    assert set(live(story, accounts=[FIRST, SECOND], scripts=rule)) == {"first"}


def test_the_time_a_client_gives_is_not_exceeded() -> None:
    result = ask(ASK_STREAM, LATE["head and nothing"], address={"headers": {"x-flowrouter-timeout": "5"}})
    assert (result.status, result.head_at) == (504, pytest.approx(5.0, abs=0.01))
    assert result.headers["x-should-retry"] == "false"
    assert result.row.error_type == "client_timeout"
    assert [attempt.outcome for attempt in result.row.attempts] == ["request_fault"]


def test_the_time_a_client_gives_holds_over_all_targets() -> None:
    result = ask(
        ASK_STREAM,
        LATE["head and nothing"],
        Script(before=10.0, headers=SSE, steps=[]),
        address={"headers": {"x-flowrouter-timeout": "15"}},
    )
    assert (result.status, result.head_at) == (504, pytest.approx(15.0, abs=0.01))
    assert result.asked == ["first", "second"]


def test_a_stream_that_has_begun_in_the_clients_time_goes_on() -> None:
    steps = [ROLE, HEL, 8.0, LO, FINISH, DONE]
    result = ask(
        ASK_STREAM, Script(headers=SSE, steps=steps), address={"headers": {"x-flowrouter-timeout": "5"}}
    )
    assert (result.status, result.row.outcome) == (200, "ok")


@pytest.mark.parametrize("form", ["whole", "collapsed"])
def test_a_whole_answer_must_be_there_in_the_clients_time(form: str) -> None:
    whole = Script(steps=[ANSWER[:40], 8.0, ANSWER[40:]])
    stream = Script(headers=SSE, steps=[ROLE, HEL, 8.0, LO, FINISH, DONE])
    result = ask(
        ASK, whole if form == "whole" else stream, address={"headers": {"x-flowrouter-timeout": "5"}}
    )
    assert (result.status, result.head_at) == (504, pytest.approx(5.0, abs=0.01))


@pytest.mark.parametrize("said", ["soon", "-1", "0", "nan", "inf", "", "1e999"])
def test_a_time_that_is_none_changes_nothing(said: str) -> None:
    result = ask(ASK_STREAM, GOOD_STREAM, address={"headers": {"x-flowrouter-timeout": said}})
    assert result.status == 200
