"""Hedges at their edges: who leaves in the middle, who is last, whose decision holds, who pauses."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from flowrouter.gateway.begun import Begun
from flowrouter.gateway.hedging import Contest
from flowrouter.settings.routing import Hedging, Routing
from tests.playbooks.stage import House, Performance, Script, VirtualClock, account, live
from tests.playbooks.test_hedging import FIRST, GENEROUS, SECOND, late
from tests.playbooks.test_passthrough import ASK_STREAM
from tests.unit.gateway.test_hedge_spending import ROW

THIRD = account("third", "openai_chat", priority=3)
BUSY = b'{"error":{"message":"busy"}}'


def hedged(scripts: Any, *, accounts: Any = (FIRST, SECOND), routing: Routing = GENEROUS, **more: Any) -> Any:
    """Ask once where hedges may be afforded; return the performance and who pauses then."""

    async def story(house: House) -> tuple[Performance, list[str]]:
        for _ in range(5):
            house.hedges.settled(None, ROW)  # type: ignore[arg-type]
        result = await house.ask("openai_chat", ASK_STREAM, **more)
        await asyncio.sleep(0.1)
        return result, sorted(pause.account for pause in house.cooldowns.pauses().values())

    return live(story, accounts=list(accounts), scripts=scripts, routing=routing)


def test_the_last_of_all_has_all_the_time_there_is_as_a_hedge_too() -> None:
    result, _ = hedged({"first": late(400.0), "second": late(20.0)})
    assert (result.row.outcome, result.asked) == ("ok", ["first", "second"])
    assert result.row.ttft_ms == 22_000


def test_a_hedge_gives_way_where_somebody_else_is_left() -> None:
    scripts = {"first": late(400.0), "second": late(400.0), "third": late(1.0)}
    result, _ = hedged(scripts, accounts=(FIRST, SECOND, THIRD))
    assert (result.row.outcome, result.asked) == ("ok", ["first", "second", "third"])
    assert result.row.ttft_ms < 20_000


def test_a_decision_of_the_provider_ends_the_hedge_as_well() -> None:
    refusal = b'{"error":{"message":"flagged","code":"content_policy_violation"}}'
    scripts = {"first": Script(status=400, before=4.0, steps=[refusal]), "second": late(5.0)}
    result, paused = hedged(scripts)
    assert (result.status, result.row.outcome) == (400, "error")
    assert b"flagged" in result.body
    assert [attempt.outcome for attempt in result.row.attempts] == ["hedged", "content_filter"]
    assert not paused


def test_a_decision_that_may_be_gone_around_leaves_the_answer_to_the_hedge() -> None:
    refusal = b'{"error":{"message":"flagged","code":"content_policy_violation"}}'
    scripts = {"first": Script(status=400, before=4.0, steps=[refusal]), "second": late(5.0)}
    lenient = msgspec.structs.replace(GENEROUS, failover_on_content_filter=True)
    result, _ = hedged(scripts, routing=lenient)
    assert (result.status, result.row.outcome, result.row.account_id) == (200, "ok", "second")


def test_what_a_hedge_refuses_is_no_word_on_the_first() -> None:
    refusal = b'{"error":{"message":"unknown field zeta","type":"invalid_request_error"}}'
    scripts = {"first": late(5.0), "second": Script(status=400, steps=[refusal])}
    result, paused = hedged(scripts)
    assert (result.row.outcome, result.row.account_id) == ("ok", "first")
    assert not paused


@pytest.mark.parametrize("status", [500, 503])
def test_who_fails_while_the_other_answers_pauses(status: int) -> None:
    scripts = {"first": Script(status=status, before=3.0, steps=[BUSY]), "second": late(4.0)}
    result, paused = hedged(scripts)
    assert (result.row.outcome, result.row.account_id) == ("ok", "second")
    assert paused == ["first"]


class _Slot:
    def __init__(self) -> None:
        self.open = True

    def release(self) -> None:
        self.open = False


class _Reply:
    closed = False

    def close(self) -> None:
        self.closed = True


def test_a_client_that_leaves_while_the_loser_is_torn_down_leaves_nothing_open() -> None:
    """The winner has begun, the loser takes a moment to end: who leaves just then must not leak the winner."""

    class Opened:
        reply = _Reply()
        log: Any = None

    async def story(house: House) -> tuple[bool, bool, bool]:
        slot, hedges = _Slot(), house.hedges
        begun = Begun(Opened(), _Reply(), slot)  # type: ignore[arg-type]

        async def stubborn() -> Begun:
            try:
                await asyncio.sleep(1e6)
            finally:
                await asyncio.sleep(5.0)
            raise AssertionError

        async def quick() -> Begun:
            await asyncio.sleep(1.0)
            return begun

        class Told:
            upstream_wait = 0.0
            attempts: list[Any] = [None]

        for _ in range(5):
            hedges.settled(None, ROW)  # type: ignore[arg-type]
        contest = Contest(Told(), _target(house), first=stubborn, rival=quick, lost=None, final=bool)  # type: ignore[arg-type]
        work = asyncio.create_task(hedges.run(contest, Hedging(enabled=True, spend_share=1.0)))
        asyncio.get_running_loop().call_later(4.0, work.cancel)
        await asyncio.wait([work])
        return work.cancelled(), slot.open, hedges._spending.take(0.2, VirtualClock().monotonic())

    assert live(story, accounts=[FIRST, SECOND], scripts=[]) == (True, False, True)


def _target(house: House) -> Any:
    from flowrouter.routing import Target

    del house
    return Target(
        account_id="first", account="first", preset="p", model="m", dialect="openai_chat", host="first.test"
    )
