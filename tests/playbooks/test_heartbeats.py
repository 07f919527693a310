"""Heartbeats: in their place, never among the pieces, never behind the end."""

from __future__ import annotations

import pytest

from flowrouter.config import Timeouts
from tests.playbooks.stage import SSE, Script, account, play
from tests.playbooks.test_passthrough import (
    ANTHROPIC_ASK,
    ANTHROPIC_EVENTS,
    ASK_STREAM,
    DONE,
    FINISH,
    HEL,
    LO,
    ROLE,
)

CHAT = account("chat", "openai_chat")
SECOND = account("second", "openai_chat", priority=2)
CLAUDE = account("claude", "anthropic")
QUICK = Timeouts(head_grace=4, heartbeat=2, stall=60)


def test_before_the_message_has_left_a_heartbeat_is_a_comment_though_the_message_has_begun() -> None:
    result = play(
        "anthropic",
        ANTHROPIC_ASK,
        accounts=[CLAUDE],
        scripts=[Script(headers=SSE, steps=[ANTHROPIC_EVENTS[0], 9.0, *ANTHROPIC_EVENTS[1:]])],
        timeouts=QUICK,
    )
    assert [at for at, piece in result.sent if piece.startswith(b":")] == [4.0, 6.0, 8.0]
    assert b"event: ping" not in result.body.partition(b"message_start")[0]


def test_behind_the_message_start_a_heartbeat_is_a_ping() -> None:
    result = play(
        "anthropic",
        ANTHROPIC_ASK,
        accounts=[CLAUDE],
        scripts=[Script(headers=SSE, steps=[b"".join(ANTHROPIC_EVENTS[:4]), 5.0, *ANTHROPIC_EVENTS[4:]])],
        timeouts=QUICK,
    )
    assert [at for at, piece in result.sent if piece.startswith(b"event: ping")] == [2.0, 4.0]


@pytest.mark.parametrize("slow", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("moment", [3.5, 3.75, 4.0, 4.25, 4.5, 5.0, 5.75, 6.0, 6.25, 8.0])
def test_a_piece_that_comes_while_a_heartbeat_is_on_its_way_comes_behind_it(
    moment: float, slow: float
) -> None:
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=[moment, ROLE + HEL, LO, FINISH, DONE])],
        timeouts=QUICK,
        slow_client=slow,
    )
    pieces = [piece for _, piece in result.sent if not piece.startswith(b":")]
    assert b"".join(pieces) == b"".join([ROLE, HEL, LO, FINISH, DONE])
    assert result.ended
    assert (result.tasks_left, result.timers_left) == (0, 0)


@pytest.mark.parametrize("slow", [0.0, 0.5])
def test_a_refusal_that_comes_with_the_grace_time_is_sent_once(slow: float) -> None:
    script = Script(status=400, before=4.0, steps=[b'{"error":{"message":"no"}}'])
    result = play(
        "openai_chat", ASK_STREAM, accounts=[CHAT], scripts=[script], timeouts=QUICK, slow_client=slow
    )
    assert result.ended
    assert result.body.count(b'"message"') == 1
    assert (result.tasks_left, result.timers_left) == (0, 0)


def test_one_exchange_has_one_rhythm() -> None:
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=[4.0, ROLE + HEL, 9.0, LO, FINISH, DONE])],
        timeouts=QUICK,
    )
    beats = [at for at, piece in result.sent if piece.startswith(b":") and at > 4.0]
    assert beats == [6.0, 8.0, 10.0, 12.0]
