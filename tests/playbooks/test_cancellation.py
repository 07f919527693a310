"""A client that leaves at any moment: one settlement, upstream closed, no slot, task or timer left."""

from __future__ import annotations

import asyncio

import pytest

from flowrouter.config import Timeouts
from flowrouter.storage import MemoryStateStore
from tests.playbooks.stage import SSE, House, Performance, Script, VirtualClock, account, live, play, reset
from tests.playbooks.test_passthrough import (
    ANSWER,
    ANTHROPIC_ASK,
    ANTHROPIC_EVENTS,
    ASK,
    ASK_STREAM,
    DONE,
    FINISH,
    HEL,
    LO,
    ROLE,
)

FIRST = account("first", "openai_chat", priority=1)
SECOND = account("second", "openai_chat", priority=2)
QUICK = Timeouts(head_grace=4, heartbeat=2, stall=9, first_event=9)
MOMENTS = [step / 2 for step in range(50)]
BUSY = Script(status=503, before=1.0, steps=[1.0, b'{"error":{"message":"busy"}}'])
STREAM = Script(headers=SSE, before=1.0, steps=[0.5, ROLE, 5.0, HEL, 3.0, LO, 1.0, FINISH, 1.0, DONE, 0.2])
WHOLE = Script(before=1.0, steps=[ANSWER[:60], 2.0, ANSWER[60:], 1.0])
BROKEN = Script(headers=SSE, before=1.0, steps=[ROLE, 6.0, reset()])


def in_order(result: Performance) -> None:
    assert len(result.rows) == 1
    assert all(reply.closed for reply in result.replies)
    assert (result.tasks_left, result.timers_left, result.slots_left) == (0, 0, 0)


@pytest.mark.parametrize("slow", [0.0, 0.5])
@pytest.mark.parametrize("moment", MOMENTS)
def test_leaving_a_stream_that_fell_over_twice(moment: float, slow: float) -> None:
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[FIRST, SECOND],
        scripts=[BUSY, BROKEN, STREAM],
        timeouts=QUICK,
        cancel_after=moment,
        slow_client=slow,
    )
    in_order(result)
    assert result.row.outcome in ("cancelled", "ok")
    assert (result.row.outcome == "ok") == result.ended


@pytest.mark.parametrize("slow", [0.0, 0.5])
@pytest.mark.parametrize("moment", MOMENTS)
def test_leaving_a_whole_answer(moment: float, slow: float) -> None:
    result = play(
        "openai_chat",
        ASK,
        accounts=[FIRST, SECOND],
        scripts=[BUSY, WHOLE],
        timeouts=QUICK,
        cancel_after=moment,
        slow_client=slow,
    )
    in_order(result)


@pytest.mark.parametrize("moment", MOMENTS)
def test_leaving_a_translated_stream(moment: float) -> None:
    steps = [step for event in ANTHROPIC_EVENTS for step in (event, 2.0)]
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[account("claude", "anthropic")],
        scripts=[Script(headers=SSE, steps=steps)],
        timeouts=QUICK,
        cancel_after=moment,
    )
    in_order(result)


@pytest.mark.parametrize("moment", MOMENTS)
def test_leaving_a_stream_that_is_collapsed(moment: float) -> None:
    steps = [step for event in ANTHROPIC_EVENTS for step in (event, 2.0)]
    result = play(
        "anthropic",
        ANTHROPIC_ASK.replace(b"true", b"false"),
        accounts=[account("claude", "anthropic")],
        scripts=[Script(headers=SSE, steps=steps)],
        timeouts=QUICK,
        cancel_after=moment,
    )
    in_order(result)


class SlowToForget(MemoryStateStore):
    """A state store whose deletions take a moment, as those of another machine do."""

    async def delete(self, key: str) -> bool:
        await asyncio.sleep(1.0)
        return await super().delete(key)


@pytest.mark.parametrize("moment", [0.5, 1.5])
def test_leaving_while_what_a_trial_proved_is_noted(moment: float) -> None:
    async def story(house: House) -> Performance:
        assert (await house.ask("openai_chat", ASK)).status == 429
        await asyncio.sleep(10)
        return await house.ask("openai_chat", ASK, cancel_after=moment)

    limited = Script(status=429, headers={"retry-after": "9"}, steps=[b'{"error":{"message":"busy"}}'])
    state = SlowToForget(VirtualClock())
    result = live(story, accounts=[FIRST], scripts=[limited, Script(steps=[ANSWER])], state=state)
    assert result.row.outcome == "cancelled"
