"""Budgets where requests, answers and providers are odd: what is held covers it, what is not known counts from above."""

from __future__ import annotations

import asyncio
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from flowrouter.canonical.dialect import Dialect
from flowrouter.errors import UpstreamError
from flowrouter.settings.budgets import Budget
from tests.playbooks.budgeted import (
    CHAT,
    IN,
    MODEL,
    OUT,
    Caller,
    chunk,
    request,
    spent,
    story,
    streamed,
    usage,
    usd,
    whole,
)
from tests.playbooks.stage import SSE, Performance, Script, account

HARD = usd("100", mode="hard")


async def once(caller: Caller, body: bytes, dialect: Dialect = "openai_chat", **more: Any) -> Performance:
    result = await caller.ask(body, dialect, **more)
    caller.settle()
    return result


def held(result: Performance) -> int:
    (amount,) = result.receipt["budget"]["held"].values()
    return int(amount)


def ask(
    body: bytes, script: Script, *budgets: Budget, dialect: Dialect = "openai_chat", **more: Any
) -> Performance:
    async def told(caller: Caller) -> Performance:
        return await once(caller, body, dialect, **more)

    result: Performance = story(told, *(budgets or (HARD,)), scripts=[script])
    return result


@pytest.mark.parametrize(
    "body",
    [
        request(max_tokens=50, n=8),
        request(max_tokens=50, metadata={"n": 1}, n=8),
        request(max_tokens=50, n=8).replace(b'"n":8', b'"\\u006e":8'),
        request(max_tokens=50, n=8).replace(b'"n":8', b'"n" : "8"'),
    ],
    ids=["plain", "another first", "disguised", "text"],
)
def test_every_copy_of_an_answer_is_held(body: bytes) -> None:
    result = ask(body, Script(steps=[whole(400)]))
    assert result.status == 200
    assert held(result) >= 8 * 50 * OUT
    assert result.row.charge_pusd == 10 * IN + 400 * OUT


def test_what_tools_were_called_with_is_no_number_of_copies() -> None:
    schema = {"type": "object", "examples": [{"n": 100}]}
    tool = {"type": "function", "function": {"name": "draw", "parameters": schema}}
    result = ask(request(max_tokens=50, tools=[tool]), Script(steps=[whole(20)]))
    assert held(result) < 3 * 50 * OUT


@pytest.mark.parametrize(
    "dialect, body",
    [
        (
            "openai_chat",
            request(
                max_tokens=5,
                messages=[{"role": "user", "content": [{"type": "file", "file": {"file_id": "f-1"}}]}],
            ),
        ),
        (
            "gemini",
            (
                b'{"contents":[{"parts":[{"fileData":{"mimeType":"video/mp4","fileUri":"https://v.example/w"}}]}],'
                b'"generationConfig":{"maxOutputTokens":5}}'
            ),
        ),
        (
            "anthropic",
            (
                b'{"model":"m","max_tokens":5,"messages":[{"role":"user","content":[{"type":"document","source":'
                b'{"type":"url","url":"https://v.example/book.pdf"}}]}]}'
            ),
        ),
    ],
    ids=["file id", "video", "document"],
)
def test_a_file_that_only_its_host_can_see_may_fill_the_window(dialect: Dialect, body: bytes) -> None:
    """The answer says that it did: 190,000 tokens. Their price was held."""

    async def told(caller: Caller) -> Performance:
        address = {"model": MODEL, "stream": False} if dialect == "gemini" else {}
        return await once(caller, body, dialect, **address)

    answers: dict[Dialect, dict[str, Any]] = {
        "openai_chat": msgspec.json.decode(whole(5, 190_000)),
        "gemini": {
            "candidates": [{"content": {"parts": [{"text": "hi"}], "role": "model"}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 190_000, "candidatesTokenCount": 5, "totalTokenCount": 190_005},
        },
        "anthropic": {
            "id": "m", "type": "message", "role": "assistant", "model": MODEL, "stop_sequence": None,
            "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn",
            "usage": {"input_tokens": 190_000, "output_tokens": 5},
        },
    }  # fmt: skip
    script = Script(steps=[msgspec.json.encode(answers[dialect])])
    result = story(told, HARD, scripts=[script], accounts=(account("host", dialect),))
    assert result.status == 200, result.body
    (line,) = result.row.budgets
    assert line.amount == result.row.cost_pusd == 190_000 * IN + 5 * OUT


NONSENSE = [10**30, 1e30, -5, "many", [], 2**63]


@pytest.mark.parametrize("count", NONSENSE, ids=repr)
def test_counts_that_no_request_has_are_no_counts(count: Any) -> None:
    body = whole(20).replace(b'"prompt_tokens":10', b'"prompt_tokens":' + msgspec.json.encode(count))
    result = ask(request(max_tokens=50), Script(steps=[body]))
    assert result.status == 200
    assert (result.row.input_tokens or 0) < 10**9
    (line,) = result.row.budgets
    assert 20 * OUT <= line.amount <= held(result)


@pytest.mark.parametrize(
    "cost", ["NaN", "-1", "1e30", '"Infinity"', "-0.5", "true", "[]", "9000000", '"' + "9" * 5_000 + '"']
)  # fmt: skip
def test_a_bill_that_cannot_be_is_reckoned_by_us(cost: str) -> None:
    if cost == "NaN":
        cost = '"NaN"'
    body = whole(20).replace(b'"prompt_tokens":10', b'"cost":' + cost.encode() + b',"prompt_tokens":10')
    result = ask(request(max_tokens=50), Script(steps=[body]))
    assert result.row.charge_pusd == 10 * IN + 20 * OUT


def test_more_cached_than_read_is_nothing_negative() -> None:
    told = {**usage(20), "prompt_tokens_details": {"cached_tokens": 50}}
    body = msgspec.json.encode({**msgspec.json.decode(whole(20)), "usage": told})
    result = ask(request(max_tokens=50), Script(steps=[body]))
    assert (result.row.input_tokens, result.row.cache_read_tokens) == (0, 50)
    assert result.row.charge_pusd == 50 * IN + 20 * OUT


@pytest.mark.parametrize("mode", ["hard", "soft"], ids=str)
def test_who_leaves_before_an_answer_has_used_the_provider_all_the_same(mode: Any) -> None:
    """Else a key could have any number of answers written for nothing."""

    async def told(caller: Caller) -> tuple[list[Performance], Performance]:
        left = [await caller.ask(request(max_tokens=900), cancel_after=3) for _ in range(12)]
        caller.settle()
        return left, await caller.ask(request(max_tokens=900))

    (first, *_), last = story(
        told, usd("0.1", mode=mode), scripts={"chat": Script(before=5, steps=[whole(900)])}
    )
    assert first.row.outcome == "cancelled"
    assert first.row.attempts[0].estimated
    assert first.row.cost_pusd == first.row.charge_pusd > 0
    (line,) = first.row.budgets
    if mode == "hard":
        assert line.amount >= 900 * OUT
        assert last.status == 402
    else:
        assert line.amount == first.row.charge_pusd


def test_who_leaves_at_once_pays_for_what_can_have_been_written() -> None:
    async def told(caller: Caller) -> Performance:
        return await caller.ask(request(max_tokens=60_000), cancel_after=0.1)

    result = story(told, HARD, scripts=[Script(before=5, steps=[whole(900)])])
    (line,) = result.row.budgets
    assert line.amount < 4_000 * OUT


def test_who_never_reached_a_provider_pays_nothing() -> None:
    async def told(caller: Caller) -> Performance:
        busy = asyncio.create_task(caller.ask(request(max_tokens=50)))
        await asyncio.sleep(1)
        result = await caller.ask(request(max_tokens=50), cancel_after=1)
        await busy
        return result

    one = msgspec.structs.replace(CHAT, max_concurrency=1)
    result = story(told, HARD, scripts=[Script(before=5, steps=[whole(5)])], accounts=(one,))
    assert result.row.outcome == "cancelled"
    assert (result.row.attempts, result.row.budgets, result.row.cost_pusd) == ((), (), 0)


def test_tokens_of_both_who_wrote_an_answer_count() -> None:
    second = account("second", "openai_chat", priority=2)
    broken = Script(
        headers=SSE,
        steps=[chunk({"role": "assistant", "content": "abc " * 100}), UpstreamError("reset", kind="reset")],
    )

    def scripts(sent: Any) -> Script:
        return broken if "chat" in str(sent.url) else streamed(300)

    async def told(caller: Caller) -> Performance:
        return await once(caller, request(stream=True, max_tokens=2_000))

    tokens = Budget(amount=Decimal(50_000), metric="tokens", period="day")
    result = story(
        told, tokens, scripts={"chat": broken, "second": streamed(300)}, accounts=(CHAT, second)
    )  # fmt: skip
    delivered = [each for each in result.row.attempts if each.charge_pusd]
    (line,) = result.row.budgets
    counted = sum((each.input_tokens or 0) + (each.output_tokens or 0) for each in delivered)
    assert len(delivered) >= 1
    assert line.amount == counted


def test_a_stream_over_midnight_counts_for_the_day_on_which_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Berlin, on the day on which clocks are put back: it has 25 hours."""
    zone = ZoneInfo("Europe/Berlin")
    today, tomorrow = (datetime(2026, 10, day, tzinfo=zone).timestamp() for day in (25, 26))
    assert tomorrow - today == 25 * 3600
    monkeypatch.setattr("tests.playbooks.virtual.EPOCH", tomorrow - 10)

    async def told(caller: Caller) -> list[Performance]:
        late = asyncio.create_task(caller.ask(request(stream=True, max_tokens=3_000)))
        await asyncio.sleep(60)
        after = await caller.ask(request(max_tokens=3_000))
        return [await late, after]

    budget = usd("0.04", mode="hard", zone="Europe/Berlin")
    late, after = story(told, budget, scripts=[streamed(2_900, pause=4.0), Script(steps=[whole(2_900)])])
    assert (late.status, after.status) == (200, 200)
    (one,), (two,) = late.row.budgets, after.row.budgets
    assert (one.start_ms, two.start_ms) == (today * 1000, tomorrow * 1000)
    assert one.amount == late.row.charge_pusd
    assert spent([late.row, after.row]) == one.amount + two.amount


def test_a_clock_that_is_put_back_finds_the_day_before_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    midnight = datetime(2026, 10, 26, tzinfo=ZoneInfo("UTC")).timestamp()
    monkeypatch.setattr("tests.playbooks.virtual.EPOCH", midnight - 5)

    async def told(caller: Caller) -> list[int]:
        statuses = [(await once(caller, request(max_tokens=900))).status]
        monkeypatch.setattr("tests.playbooks.virtual.EPOCH", midnight + 5)
        statuses += [(await once(caller, request(max_tokens=900))).status for _ in range(2)]
        await asyncio.sleep(10)
        monkeypatch.setattr("tests.playbooks.virtual.EPOCH", midnight - 60)
        return [*statuses, (await once(caller, request(max_tokens=900))).status]

    scripts = {"chat": Script(steps=[whole(900)])}
    assert story(told, usd("0.01", mode="hard"), scripts=scripts) == [200, 200, 402, 402]


def test_a_budget_that_is_lowered_and_taken_away_while_it_is_held() -> None:
    async def told(caller: Caller) -> list[int]:
        house = caller.house
        running = asyncio.create_task(caller.ask(request(stream=True, max_tokens=2_000)))
        await asyncio.sleep(2)
        (key,) = house.present.ring
        lowered = msgspec.structs.replace(
            key, policy=msgspec.structs.replace(key.policy, budgets=(usd("0.001", mode="hard"),))
        )
        house.present = msgspec.structs.replace(house.present, ring=type(house.present.ring)([lowered]))
        refused = await caller.ask(request(max_tokens=100))
        free = msgspec.structs.replace(key, policy=msgspec.structs.replace(key.policy, budgets=()))
        house.present = msgspec.structs.replace(house.present, ring=type(house.present.ring)([free]))
        passed = await caller.ask(request(max_tokens=100))
        house.present = msgspec.structs.replace(house.present, ring=type(house.present.ring)([]))
        return [(await running).status, refused.status, passed.status]

    statuses = story(
        told, usd("1", mode="hard"), scripts=[streamed(1_000, pause=1.0), Script(steps=[whole(5)])]
    )
    assert statuses == [200, 402, 200]


def test_another_model_that_is_no_cheaper_is_asked_once_only() -> None:
    async def told(caller: Caller) -> list[Performance]:
        first = await once(caller, request(max_tokens=900))
        return [first, await once(caller, request(max_tokens=900))]

    first, after = story(
        told,
        usd("0.01", mode="hard", downgrade=MODEL),
        scripts={"chat": Script(steps=[whole(900)])},
    )
    assert (first.status, after.status) == (200, 402)
    assert after.row.error_type == "budget_exceeded"
    assert not after.row.attempts


def test_a_budget_without_prices_counts_what_it_can() -> None:
    async def told(caller: Caller) -> list[Performance]:
        first = await once(caller, request(model="who-knows", max_tokens=100))
        return [first, await once(caller, request(max_tokens=100))]

    unknown, known = story(
        told, usd("0.01", mode="hard", unpriced="allow"), scripts=[Script(steps=[whole(20)])] * 2
    )
    assert unknown.row.charge_pusd is None
    assert unknown.row.budgets == ()
    assert known.row.charge_pusd == 10 * IN + 20 * OUT
