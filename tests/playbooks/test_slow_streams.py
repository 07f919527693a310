"""A stream that drips is noticed before any of it has left, where the setting asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.settings.routing import Routing
from tests.playbooks.stage import SSE, Performance, Script, account, play, reset
from tests.playbooks.test_passthrough import ASK, ASK_STREAM, DONE, FINISH, HEL, LO, ROLE, chunk

FIRST = account("first", "openai_chat", priority=1)
SECOND = account("second", "openai_chat", priority=2)
WORD = chunk('{"content":"four "}')
GOOD = Script(headers=SSE, steps=[ROLE, HEL, LO, FINISH, DONE])
GUARD = Routing(slow_tokens=5)


def dripping(every: float, words: int = 60) -> Script:
    steps = [step for _ in range(words) for step in (WORD, every)]
    return Script(headers=SSE, steps=[ROLE, *steps, FINISH, DONE])


def ask(*scripts: Script, accounts: tuple[Any, ...] = (FIRST, SECOND), **more: Any) -> Performance:
    return play("openai_chat", ASK_STREAM, accounts=accounts, scripts=scripts, **more)


def test_a_drip_gives_way_and_nothing_of_it_leaves() -> None:
    result = ask(dripping(1.0), GOOD, routing=GUARD)
    assert result.asked == ["first", "second"]
    assert result.body == b"".join(GOOD.steps)
    assert [attempt.outcome for attempt in result.row.attempts] == ["timeout", "answered"]
    assert "slower than 5 a second" in (result.row.attempts[0].error or "")
    assert result.row.ttft_ms == pytest.approx(4_000, abs=50)
    assert result.replies[0].closed


def test_silence_behind_the_first_word_gives_way_too() -> None:
    result = ask(Script(headers=SSE, steps=[ROLE, WORD, 60.0]), GOOD, routing=GUARD)
    assert result.asked == ["first", "second"]
    assert result.row.ttft_ms == pytest.approx(4_000, abs=50)


def test_a_healthy_stream_leaves_as_soon_as_its_pace_is_known() -> None:
    result = ask(dripping(0.02), routing=GUARD)
    assert result.asked == ["first"]
    assert result.row.outcome == "ok"
    assert result.row.ttft_ms is not None
    assert result.row.ttft_ms < 400


def test_off_by_default_every_word_leaves_at_once() -> None:
    result = ask(dripping(1.0, words=5))
    assert (result.asked, result.row.ttft_ms) == (["first"], 0)


def test_without_a_fallback_a_slow_answer_is_better_than_none() -> None:
    result = ask(dripping(1.0, words=5), accounts=(FIRST,), routing=GUARD)
    assert (result.asked, result.row.outcome, result.row.ttft_ms) == (["first"], "ok", 0)


def test_a_short_answer_is_not_slow() -> None:
    result = ask(GOOD, routing=GUARD)
    assert (result.asked, result.row.outcome) == (["first"], "ok")


def test_a_stream_that_breaks_while_it_is_watched_fails_over() -> None:
    result = ask(
        Script(headers=SSE, steps=[ROLE, WORD, 1.0, reset()]),
        Script(headers=SSE, steps=[ROLE, WORD, 1.0, reset()]),
        GOOD,
        routing=GUARD,
    )
    assert result.body == b"".join(GOOD.steps)


@pytest.mark.parametrize("moment", [step / 2 for step in range(14)])
def test_leaving_while_it_is_watched(moment: float) -> None:
    result = ask(dripping(1.0), dripping(0.5), routing=GUARD, cancel_after=moment)
    assert (result.tasks_left, result.timers_left, result.slots_left) == (0, 0, 0)
    assert all(reply.closed for reply in result.replies)


def test_a_whole_answer_is_not_watched() -> None:
    result = play(
        "openai_chat",
        ASK[:-1] + b', "max_tokens": 800}',
        accounts=[FIRST, SECOND],
        scripts=[dripping(1.0, words=5)],
        routing=GUARD,
    )
    assert (result.asked, result.row.outcome) == (["first"], "ok")
