"""Budgets of keys: what may be spent is held before it is, topped up while it runs, let go exactly once."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest

from flowrouter.canonical.dialect import Dialect
from flowrouter.errors import StorageError, UpstreamError
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.limit import gateway_limit
from flowrouter.gateway.receipt_rows import receipt_of
from flowrouter.settings.budgets import Budget
from flowrouter.storage import MemoryStateStore
from flowrouter.wire.http import HttpRequest
from tests.playbooks.budgeted import (
    CHAT,
    IN,
    MODEL,
    OUT,
    PRICES,
    Caller,
    request,
    sent_limit,
    spent,
    story,
    streamed,
    usd,
    whole,
)  # fmt: skip
from tests.playbooks.stage import SSE, House, Performance, Script, account, live
from tests.playbooks.virtual import VirtualClock
from tests.support.crowd import CROWD


def test_a_hard_budget_sends_the_limit_it_buys_and_tells_the_receipt() -> None:
    async def told(caller: Caller) -> Performance:
        return await caller.ask(request())

    result = story(told, usd("0.01", mode="hard"), scripts=[Script(steps=[whole(20)])])
    limit = sent_limit(result.requests[0])
    assert result.status == 200
    assert 0 < limit <= 10**10 // OUT
    assert result.receipt["budget"]["output_cap"] == limit
    body = result.requests[0].body or b""
    assert body.replace(b'"max_tokens":%d,' % limit, b"") == request()
    (line,) = result.row.budgets
    assert line.amount == result.row.charge_pusd == 10 * IN + 20 * OUT


def test_the_clients_own_limit_stays() -> None:
    async def told(caller: Caller) -> Performance:
        return await caller.ask(request(max_tokens=50))

    result = story(told, usd("1", mode="hard"), scripts=[Script(steps=[whole(20)])])
    assert result.requests[0].body == request(max_tokens=50)
    assert result.receipt["budget"]["output_cap"] is None


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("openai_chat", b'{"model":"m","messages":[],"max_tokens":60000,"max_tokens":5}'),
        ("openai_chat", b'{"model":"m","messages":[],"n":100,"max_tokens":5,"n":1}'),
        ("gemini", b'{"contents":[],"generationConfig":{"maxOutputTokens":60000,"maxOutputTokens":5}}'),
        ("gemini", b'{"contents":[],"generationConfig":{"maxOutputTokens":60000},"generationConfig":{"maxOutputTokens":5}}'),
    ],
    ids=["limit", "copies", "deeper", "settings"],
)  # fmt: skip
def test_what_is_held_is_what_the_provider_reads(dialect: Dialect, body: bytes) -> None:
    async def told(caller: Caller) -> Performance:
        return await caller.ask(
            body, dialect, **({"model": MODEL, "stream": False} if dialect == "gemini" else {})
        )

    result = story(
        told, usd("1", mode="hard"), scripts=[Script(steps=[whole(5)])], accounts=(account("one", dialect),)
    )
    sent = result.requests[0].body or b""
    assert json.loads(sent, object_pairs_hook=lambda pairs: dict(reversed(pairs))) == msgspec.json.decode(
        body
    )


def test_a_soft_budget_changes_nothing_of_a_request() -> None:
    async def told(caller: Caller) -> Performance:
        return await caller.ask(request())

    result = story(told, usd("1"), scripts=[Script(steps=[whole(20)])])
    assert result.requests[0].body == request()


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses", "anthropic", "gemini"], ids=str)
def test_a_used_up_budget_is_402_in_every_dialect(dialect: Dialect) -> None:
    bodies: dict[str, bytes] = {
        "openai_chat": request(max_tokens=100),
        "openai_responses": b'{"model":"m","input":"hi","max_output_tokens":100}',
        "anthropic": b'{"model":"m","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}',
        "gemini": b'{"contents":[{"parts":[{"text":"hi"}]}],"generationConfig":{"maxOutputTokens":100}}',
    }

    async def told(caller: Caller) -> Performance:
        address = {"model": MODEL, "stream": False} if dialect == "gemini" else {}
        return await caller.ask(bodies[dialect], dialect, **address)

    result = story(told, usd("0.0001", mode="hard"), scripts=[])
    assert result.status == 402
    assert result.headers["x-should-retry"] == "false"
    error = msgspec.json.decode(result.body)["error"]
    assert "it begins anew at 20" in error["message"]
    assert "'ci'" in error["message"]
    assert result.row.error_type == "budget_exceeded"
    assert result.row.charge_pusd == 0


def test_what_is_held_by_others_is_no_refusal_for_good() -> None:
    async def told(caller: Caller) -> list[Performance]:
        first = asyncio.create_task(caller.ask(request(max_tokens=600)))
        await asyncio.sleep(1)
        return [await caller.ask(request(max_tokens=600)), await first]

    late, first = story(
        told, usd("0.01", mode="hard"), scripts=[Script(before=5, steps=[whole(20)])], accounts=(CHAT,)
    )
    assert (first.status, late.status) == (200, 429)
    assert late.headers["retry-after"] == "1"
    assert late.row.error_type == "budget_held"


@pytest.mark.parametrize("mode", ["hard", "soft"], ids=str)
def test_a_crowd_at_once_with_answers_three_times_the_mean(mode: Any) -> None:
    """With cuts: clients that leave, providers that fail, providers that break off."""
    crowd = max(500, CROWD)
    chance, limit = Random(5), 5 * 10**8 * crowd
    mean = 300

    def answer(sent: HttpRequest) -> Script:
        wanted = msgspec.json.decode(sent.body or b"")
        most = wanted.get("max_tokens") or wanted.get("max_completion_tokens") or 10**9
        words = min(most, chance.randrange(2 * mean, 4 * mean))
        kind = chance.random()
        if kind < 0.1:
            return Script(status=500, steps=[b'{"error":{"message":"no"}}'])
        if kind < 0.15:
            return Script(error=UpstreamError("reset", kind="reset"))
        if not wanted["stream"]:
            return Script(before=chance.random() * 3, steps=[whole(words)])
        script = streamed(words, pause=chance.random() / 3)
        if kind < 0.25:
            steps = list(script.steps)[: chance.randrange(1, len(script.steps))]
            return Script(headers=SSE, steps=[*steps, UpstreamError("reset", kind="reset")])
        return script

    async def patient(caller: Caller, body: bytes, **more: Any) -> Performance:
        """Ask as SDKs do: again after a while, where the answer says so."""
        for _ in range(8):
            result = await caller.ask(body, **more)
            if result.status != 429:
                break
            await asyncio.sleep(4 + 2 * chance.random())
        return result

    async def told(caller: Caller) -> tuple[list[Performance], Any, int]:
        asked = []
        for number in range(crowd):
            body = request(stream=number % 3 > 0, **({"max_tokens": 3 * mean} if number % 2 else {}))
            leaves = chance.random() * 2 if number % 11 == 0 else None
            asked.append(patient(caller, body, cancel_after=leaves))
        done = await asyncio.gather(*asked)
        caller.settle()
        (purse,) = caller.house.budgets.purses.present()
        return list(done), caller.house.log.rows, purse.held

    done, rows, held = story(
        told,
        usd(str(Decimal(limit) / 10**12), mode=mode),
        scripts=answer,
        accounts=(msgspec.structs.replace(CHAT, max_concurrency=2_000),),
    )
    assert held == 0
    assert len(rows) >= len(done) == crowd
    assert sum(result.status == 200 for result in done) > crowd // 25, "all was refused before it could spend"
    used = sum(line.amount for row in rows for line in row.budgets)
    assert used > 0.8 * limit, "the budget was not used"
    if mode == "hard":
        assert spent(rows) <= used <= limit
    else:
        assert used == spent(rows)
        over = sum(max(0, line.amount - row_hold(row)) for row in rows for line in row.budgets)
        assert used - limit <= over


def row_hold(row: Any) -> int:
    """Return what was held for an exchange in the end, as its receipt tells."""
    (held,) = msgspec.json.decode(receipt_of(row) or b"")["budget"]["held"].values()
    return held


def test_a_provider_that_ignores_the_limit_is_stopped_at_it() -> None:
    async def told(caller: Caller) -> Performance:
        return await caller.ask(request(stream=True, stream_options={"include_usage": True}))

    result = story(told, usd("0.01", mode="hard"), scripts=[streamed(5_000)])
    text = result.body.decode()
    assert '"finish_reason":"length"' in text
    assert text.rstrip().endswith("data: [DONE]")
    assert result.row.charge_pusd <= 10**10
    assert result.receipt["finish"] == "length"
    assert result.receipt["budget"]["stopped"]
    assert result.replies[0].closed
    assert result.replies[0].unread > 0


def test_a_soft_budget_lets_an_answer_finish() -> None:
    async def told(caller: Caller) -> list[Performance]:
        first = await caller.ask(request(stream=True))
        caller.settle()
        return [first, await caller.ask(request())]

    first, after = story(told, usd("0.05"), scripts=[streamed(9_000)])
    assert b'"finish_reason":"stop"' in first.body
    assert first.row.charge_pusd == 10 * IN + 9_000 * OUT
    assert after.status == 402


def test_what_was_not_used_comes_back() -> None:
    failing = Script(status=400, steps=[b'{"error":{"message":"no"}}'])

    async def told(caller: Caller) -> list[int]:
        return [(await caller.ask(request(max_tokens=900))).status for _ in range(20)]

    assert story(told, usd("0.01", mode="hard"), scripts={"chat": failing}) == [400] * 20


def test_a_client_that_leaves_pays_for_what_it_got() -> None:
    async def told(caller: Caller) -> Performance:
        result = await caller.ask(request(stream=True), cancel_after=5)
        caller.settle()
        return result

    result = story(told, usd("1", mode="hard"), scripts=[streamed(2_000, pause=1.0)])
    assert result.row.outcome == "cancelled"
    (line,) = result.row.budgets
    assert 0 < result.row.charge_pusd < 1_000 * OUT
    assert result.row.charge_pusd <= line.amount < 1_000 * OUT, "what nobody counted, counts from above"


def test_a_price_nobody_knows() -> None:
    async def told(caller: Caller) -> Performance:
        return await caller.ask(request(model="who-knows"))

    refused = story(told, usd("1"), scripts=[])
    assert (refused.status, refused.row.error_type) == (402, "model_unpriced")
    allowed = story(told, usd("1", unpriced="allow"), scripts=[Script(steps=[whole(5)])])
    assert allowed.status == 200


@pytest.mark.parametrize("mode", ["hard", "soft"], ids=str)
def test_another_model_is_asked_once_it_is_used_up(mode: Any) -> None:
    async def told(caller: Caller) -> list[Performance]:
        first = await caller.ask(request(max_tokens=900))
        caller.settle()
        return [first, await caller.ask(request(max_tokens=900))]

    first, after = story(
        told, usd("0.01", mode=mode, downgrade="free-one"), scripts={"chat": Script(steps=[whole(900)])}
    )
    assert (first.status, after.status) == (200, 200)
    asked = [msgspec.json.decode(sent.body)["model"] for sent in (first.requests[0], after.requests[0])]
    assert asked == ["m", "free-one"]
    assert "free-one" in after.receipt["route"]["reasons"][0]
    assert after.row.requested_model == "m"


def test_tokens_and_requests_are_counted_too() -> None:
    async def told(caller: Caller) -> list[int]:
        return [(await caller.ask(request(max_tokens=100))).status for _ in range(4)]

    requests = Budget(amount=Decimal(3), metric="requests", period="day", mode="hard")
    assert story(told, requests, scripts={"chat": Script(steps=[whole(5)])}) == [200, 200, 200, 402]
    tokens = Budget(amount=Decimal(1_500), metric="tokens", period="day", mode="hard")
    assert story(told, tokens, scripts={"chat": Script(steps=[whole(400, 300)])}) == [200, 200, 402, 402]


def test_all_budgets_bind_and_a_failure_holds_nothing() -> None:
    async def told(caller: Caller) -> int:
        status = (await caller.ask(request(max_tokens=900))).status
        assert all(purse.held == 0 for purse in caller.house.budgets.purses.present())
        return status

    large = Budget(amount=Decimal(100), period="month", mode="hard")
    assert story(told, large, usd("0.001", mode="hard"), scripts=[]) == 402


def test_a_budget_of_the_gateway_binds_callers_without_a_key() -> None:
    async def perform(house: House) -> Performance:
        house.present = msgspec.structs.replace(
            house.present, budgets=(gateway_limit("house", usd("0.0001", mode="hard")),)
        )
        return await house.ask("openai_chat", request(max_tokens=900))

    result = live(perform, accounts=[CHAT], scripts=[], prices=PRICES)
    assert result.status == 402
    assert "this gateway ('house')" in msgspec.json.decode(result.body)["error"]["message"]


def test_callers_are_warned() -> None:
    async def told(caller: Caller) -> list[Performance]:
        first = await caller.ask(request(max_tokens=500))
        caller.settle()
        return [first, await caller.ask(request(max_tokens=100))]

    first, after = story(
        told, usd("0.01", mode="hard", warn=0.4), scripts={"chat": Script(steps=[whole(500)])}
    )
    assert "x-flowrouter-budget" not in first.headers
    assert after.headers["x-flowrouter-budget"].startswith("50% of $0.01/day; resets 20")


class _Away(MemoryStateStore):
    """A state that several workers share, and that is away for those who may not do without."""

    async def put(self, key: str, value: bytes, *, ttl: float | None) -> None:
        if key.startswith("hold:"):
            raise StorageError("redis is away")
        await super().put(key, value, ttl=ttl)


@pytest.mark.parametrize("mode, status", [("hard", 503), ("soft", 200)], ids=str)
def test_while_shared_state_is_away_hard_budgets_let_nothing_pass(mode: Any, status: int) -> None:
    async def told(caller: Caller) -> Performance:
        return await caller.ask(request(max_tokens=100))

    result = story(told, usd("1", mode=mode), scripts=[Script(steps=[whole(5)])], state=_Away(VirtualClock()))
    assert result.status == status
    if status == 503:
        assert result.row.error_type == "budget_unavailable"


def test_a_translated_request_is_limited_as_well() -> None:
    async def told(caller: Caller) -> Performance:
        body = b'{"contents":[{"parts":[{"text":"hi"}]}]}'
        return await caller.ask(body, "gemini", model=MODEL, stream=False)

    result = story(told, usd("0.01", mode="hard"), scripts=[Script(steps=[whole(5)])])
    assert result.status == 200
    assert 0 < sent_limit(result.requests[0]) <= 1_000


def test_google_is_told_in_its_own_field() -> None:
    google = account("google", "gemini")
    answer = {
        "candidates": [{"content": {"parts": [{"text": "hi"}], "role": "model"}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 5, "totalTokenCount": 10},
    }

    async def told(caller: Caller) -> Performance:
        body = b'{"contents":[{"parts":[{"text":"hi"}]}],"generation_config":{"temperature":0.5}}'
        return await caller.ask(body, "gemini", model=MODEL, stream=False)

    script = Script(steps=[msgspec.json.encode(answer)])
    result = story(told, usd("0.01", mode="hard"), scripts=[script], accounts=(google,))
    assert result.status == 200
    config = msgspec.json.decode(result.requests[0].body)["generation_config"]
    assert config["temperature"] == 0.5
    assert 0 < config["maxOutputTokens"] <= 1_000


def test_a_request_sent_ahead_finds_what_the_one_before_it_no_longer_needs() -> None:
    """Its task begins as the answer before it leaves, and so before the books are entered at the loop's turn."""

    async def told(caller: Caller) -> list[Performance]:
        soon, ahead = asyncio.get_running_loop().call_soon, list[asyncio.Task[Performance]]()
        books = caller.house.pipeline._books  # pyright: ignore[reportPrivateUsage] - deferred, as a gateway's are
        books._soon = lambda enter: soon(soon, enter)  # pyright: ignore[reportPrivateUsage] - `ask` takes a turn, too
        settle = books.settle

        def settled(exchange: Exchange) -> None:
            if not ahead:
                ahead.append(asyncio.create_task(caller.ask(request(max_tokens=500))))
            settle(exchange)

        books.settle = settled
        return [await caller.ask(request(max_tokens=500)), await ahead[0]]

    both = story(told, usd("0.006", mode="hard"), scripts=[Script(steps=[whole(20)])] * 2)
    assert [each.status for each in both] == [200, 200]
