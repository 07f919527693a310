"""Hedging: a second attempt where the first is late; one answers, the other is cut off and shown as cost."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flowrouter.settings.routing import Hedging, Routing
from tests.playbooks.scripts import Scripts
from tests.playbooks.stage import SSE, House, Performance, Script, account, live, reset
from tests.playbooks.test_passthrough import ANSWER, ASK, ASK_STREAM, DONE, FINISH, HEL, LO, ROLE

FIRST = account("first", "openai_chat", priority=1)
SECOND = account("second", "openai_chat", priority=2)
CLAUDE = account("claude", "anthropic", priority=2)
GENEROUS = Routing(hedging=Hedging(enabled=True, spend_share=1.0))
STREAM = [ROLE, HEL, LO, FINISH, DONE]


def late(seconds: float) -> Script:
    return Script(before=seconds, headers=SSE, steps=STREAM)


def whole(seconds: float) -> Script:
    return Script(before=seconds, steps=[ANSWER])


def ask(
    scripts: Scripts, *, body: bytes = ASK_STREAM, routing: Routing = GENEROUS, warm: int = 5, **more: Any
) -> Performance:
    """Ask once behind `warm` requests of the hour, which hedges may cost a share of."""

    async def story(house: House) -> Performance:
        for _ in range(warm):
            house.hedges.settled(None, _ROW)  # type: ignore[arg-type]
        return await house.ask("openai_chat", body, **more)

    accounts = more.pop("accounts", [FIRST, SECOND])
    return live(story, accounts=accounts, scripts=scripts, routing=routing)


def _row() -> Any:
    from tests.unit.gateway.test_hedge_spending import ROW

    return ROW


_ROW = _row()


def test_a_late_first_word_starts_a_second_attempt_and_the_first_to_speak_answers() -> None:
    result = ask({"first": late(9.0), "second": late(1.0)})
    assert result.asked == ["first", "second"]
    assert (result.status, result.row.outcome) == (200, "ok")
    assert result.row.ttft_ms == 3_000
    assert result.headers["x-flowrouter-target"] == "second/m"
    assert result.body == b"".join(STREAM)


def test_the_loser_stands_in_row_and_receipt_with_what_it_may_have_cost() -> None:
    result = ask({"first": late(9.0), "second": late(1.0)})
    assert [(attempt.account_id, attempt.outcome) for attempt in result.row.attempts] == [
        ("first", "hedged"),
        ("second", "answered"),
    ]
    lost, won = result.exchange.attempts
    assert lost.usage.estimated
    assert lost.usage.input > 0
    assert lost.ended == pytest.approx(3.0, abs=0.01)
    assert won.usage is not None
    notes = result.receipt["attempts"]
    assert notes[0]["verdict"] == "hedged"
    assert "second began to answer first" in notes[0]["reason"]
    assert result.row.account_id == "second"


def test_the_first_may_win_after_all_and_then_stands_last() -> None:
    result = ask({"first": late(3.0), "second": late(5.0)})
    assert result.asked == ["first", "second"]
    assert result.headers["x-flowrouter-target"] == "first/m"
    assert [(attempt.account_id, attempt.outcome) for attempt in result.row.attempts] == [
        ("second", "hedged"),
        ("first", "answered"),
    ]
    assert result.row.ttft_ms == 3_000


def test_who_speaks_in_time_is_not_hedged() -> None:
    result = ask({"first": late(1.9), "second": late(0.0)})
    assert result.asked == ["first"]


def test_both_at_once_is_the_first() -> None:
    result = ask({"first": late(3.0), "second": late(1.0)})
    assert result.headers["x-flowrouter-target"] == "first/m"
    assert result.body == b"".join(STREAM)
    assert all(reply.closed for reply in result.replies)


def test_the_loser_is_cut_off_at_once() -> None:
    drip = Script(headers=SSE, steps=[step for _ in range(60) for step in (b": hi\n\n", 1.0)])
    slow = Script(headers=SSE, steps=[ROLE, HEL, 20.0, LO, FINISH, DONE])
    closed: list[bool] = []

    async def story(house: House) -> None:
        for _ in range(5):
            house.hedges.settled(None, _ROW)  # type: ignore[arg-type]
        house.tasks.start("look", _look(house))
        await house.ask("openai_chat", ASK_STREAM)

    async def _look(house: House) -> None:
        import asyncio

        await asyncio.sleep(2.1)
        closed.extend(reply.closed for reply in house.transport.replies)

    live(story, accounts=[FIRST, SECOND], scripts={"first": drip, "second": slow}, routing=GENEROUS)
    assert closed == [True, False]


def test_off_by_default() -> None:
    result = ask({"first": late(9.0), "second": late(0.0)}, routing=Routing())
    assert result.asked == ["first"]


def test_a_whole_answer_is_hedged_too() -> None:
    result = ask({"first": whole(30.0), "second": whole(1.0)}, body=ASK)
    assert result.asked == ["first", "second"]
    assert (result.body, result.head_at) == (ANSWER, 3.0)


def test_another_dialect_may_win() -> None:
    from tests.playbooks.test_passthrough import ANTHROPIC_EVENTS

    claude = Script(headers=SSE, steps=ANTHROPIC_EVENTS)
    result = ask({"first": late(9.0), "claude": claude}, accounts=[FIRST, CLAUDE])
    assert (result.row.outcome, result.row.lane) == ("ok", "translate")
    assert result.body.endswith(DONE)


def test_the_lane_is_the_winners() -> None:
    from tests.playbooks.test_passthrough import ANTHROPIC_EVENTS

    claude = Script(before=9.0, headers=SSE, steps=ANTHROPIC_EVENTS)
    result = ask({"first": late(3.0), "claude": claude}, accounts=[FIRST, CLAUDE])
    assert (result.row.lane, result.row.dialect) == ("passthrough", "openai_chat")
    assert result.body == b"".join(STREAM)


def test_a_hedge_that_fails_leaves_the_answer_to_the_first() -> None:
    busy = Script(status=503, steps=[b'{"error":{"message":"busy"}}'])
    result = ask({"first": late(5.0), "second": busy})
    assert (result.row.outcome, result.row.ttft_ms) == ("ok", 5_000)
    assert [(attempt.account_id, attempt.outcome) for attempt in result.row.attempts] == [
        ("second", "overloaded"),
        ("first", "answered"),
    ]


def test_a_first_that_fails_leaves_the_answer_to_the_hedge() -> None:
    broken = Script(headers=SSE, steps=[3.0, reset()])
    result = ask({"first": broken, "second": late(4.0)})
    assert (result.row.outcome, result.row.ttft_ms) == ("ok", 6_000)
    assert result.asked == ["first", "second"]


def test_a_first_that_fails_before_its_time_is_not_hedged() -> None:
    scripts = {"first": Script(status=503, steps=[b"{}"]), "second": late(0.0)}
    result = ask(scripts)
    assert [attempt.outcome for attempt in result.row.attempts] == ["overloaded", "answered"]


def test_where_both_fail_the_search_goes_on() -> None:
    busy = Script(status=503, before=3.0, steps=[b'{"error":{"message":"busy"}}'])
    third = account("third", "openai_chat", priority=3)
    result = ask({"first": busy, "second": busy, "third": late(0.0)}, accounts=[FIRST, SECOND, third])
    assert result.asked == ["first", "second", "third"]
    assert result.row.outcome == "ok"


def test_nothing_is_spent_beyond_the_share() -> None:
    thrifty = Routing(hedging=Hedging(enabled=True, spend_share=0.05))
    assert ask({"first": late(9.0), "second": late(1.0)}, routing=thrifty, warm=19).asked == ["first"]
    assert ask({"first": late(9.0), "second": late(1.0)}, routing=thrifty, warm=20).asked == [
        "first",
        "second",
    ]


def test_a_storm_of_late_answers_spends_no_more() -> None:
    import asyncio

    thrifty = Routing(hedging=Hedging(enabled=True, spend_share=0.05))

    async def story(house: House) -> list[Performance]:
        for _ in range(100):
            house.hedges.settled(None, _ROW)  # type: ignore[arg-type]
        return list(await asyncio.gather(*(house.ask("openai_chat", ASK_STREAM) for _ in range(50))))

    scripts = {"first": late(9.0), "second": late(1.0)}
    told = live(story, accounts=[FIRST, SECOND], scripts=scripts, routing=thrifty)
    assert {result.row.outcome for result in told} == {"ok"}
    assert sum(len(result.row.attempts) - 1 for result in told) == 5


def test_what_was_learned_sets_the_time() -> None:
    async def story(house: House) -> Performance:
        for _ in range(30):
            await house.ask("openai_chat", ASK_STREAM)
        asked.append(9.0)
        return await house.ask("openai_chat", ASK_STREAM)

    asked = [4.0]

    def rule(request: Any) -> Script:
        return late(0.0 if "second" in request.url else asked[-1])

    patient = Routing(hedging=Hedging(enabled=True, spend_share=1.0, min_wait=5.0))
    result = live(story, accounts=[FIRST, SECOND], scripts=rule, routing=patient)
    assert result.asked == ["first", "second"]
    assert result.row.ttft_ms is not None
    assert 5_000 <= result.row.ttft_ms < 7_000


def test_an_account_is_not_hedged_with_itself() -> None:
    assert ask({"first": late(9.0)}, accounts=[FIRST]).asked == ["first"]


def test_a_full_rival_harms_nobody() -> None:
    full = msgspec.structs.replace(SECOND, max_concurrency=1)

    async def story(house: House) -> Performance:
        for _ in range(5):
            house.hedges.settled(None, _ROW)  # type: ignore[arg-type]
        slot = await house.admission.take("second", 1, wait=0.0)
        result = await house.ask("openai_chat", ASK_STREAM)
        slot.release()
        return result

    result = live(
        story, accounts=[FIRST, full], scripts={"first": late(5.0), "second": late(0.0)}, routing=GENEROUS
    )
    assert (result.asked, result.row.ttft_ms) == (["first"], 5_000)
    assert [attempt.outcome for attempt in result.row.attempts] == ["answered"]


@pytest.mark.parametrize("form", ["streamed", "whole"])
@pytest.mark.parametrize("moment", [step / 4 for step in range(48)])
def test_a_client_that_leaves_tears_both_down(form: str, moment: float) -> None:
    steps = [ROLE, 1.0, HEL, 1.0, LO, FINISH, 1.0, DONE]
    scripts = {
        "first": Script(before=1.0, headers=SSE, steps=[3.0, *steps]),
        "second": Script(before=1.0, headers=SSE, steps=[2.0, *steps]),
    }
    body = ASK_STREAM if form == "streamed" else ASK
    result = ask(scripts, body=body, cancel_after=moment)
    assert len(result.rows) == 1
    assert result.row.outcome in ("cancelled", "ok")


def test_the_time_of_two_waits_is_counted_once() -> None:
    result = ask({"first": late(9.0), "second": late(1.0)})
    assert result.row.overhead_us is not None
    assert result.exchange.upstream_wait == pytest.approx(3.0, abs=0.01)


def test_a_defect_of_ours_in_one_attempt_answers_and_leaves_nothing() -> None:
    def rule(request: Any) -> Script:
        if "second" in request.url:
            raise ZeroDivisionError
        return late(9.0)

    async def story(house: House) -> Performance:
        for _ in range(5):
            house.hedges.settled(None, _ROW)  # type: ignore[arg-type]
        result = await house.ask("openai_chat", ASK_STREAM)
        house.failures.clear()
        return result

    result = live(story, accounts=[FIRST, SECOND], scripts=rule, routing=GENEROUS)
    assert (result.status, result.row.outcome) == (500, "error")
