"""Cost and charge: every attempt in the books, the caller charged for what reached them, unknown never zero."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import msgspec

from flowrouter.canonical.usage import Usage
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.costs import cost_of, costs_of
from flowrouter.gateway.exchange import Exchange, Inbound
from flowrouter.routing import Target
from flowrouter.settings.prices import ModelPrice
from flowrouter.usage import Prices
from tests.playbooks.stage import EPOCH, SSE, House, Performance, Script, account, live, play, reset

MODEL = "gpt-5.5"
CHAT = account("chat", "openai_chat", priority=1)
SECOND = account("second", "openai_chat", priority=2)
ASK = msgspec.json.encode({"model": MODEL, "messages": [{"role": "user", "content": "hi"}]})
ASK_STREAM = msgspec.json.encode(
    {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
)
USED = {"prompt_tokens": 1_000, "completion_tokens": 200, "total_tokens": 1_200}
DEAR = Prices({MODEL: ModelPrice(input=10, output=100, cache_read=1)})
DEAR_BILL = (1_000 * 10 + 200 * 100) * 10**6


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    body = {
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more,
    }  # fmt: skip
    return b"data: " + msgspec.json.encode(body) + b"\n\n"


def whole(usage: dict[str, Any] | None = None) -> bytes:
    return msgspec.json.encode(
        {
            "id": "c", "object": "chat.completion", "created": 1, "model": MODEL,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
            **({} if usage is None else {"usage": usage}),
        }
    )  # fmt: skip


def told(result: Performance) -> tuple[int | None, int | None]:
    return result.row.cost_pusd, result.row.charge_pusd


def test_an_answer_costs_what_its_usage_does() -> None:
    result = play("openai_chat", ASK, accounts=[CHAT], scripts=[Script(steps=[whole(USED)])], prices=DEAR)
    assert told(result) == (DEAR_BILL, DEAR_BILL)
    (attempt,) = result.row.attempts
    assert (attempt.input_tokens, attempt.output_tokens, attempt.cost_pusd) == (1_000, 200, DEAR_BILL)
    assert (result.receipt["cost_usd"], result.receipt["charge_usd"]) == ("0.03", "0.03")
    assert result.receipt["attempts"][0]["cost_usd"] == "0.03"
    assert result.receipt["attempts"][0]["usage"]["input"] == 1_000


def test_the_list_price_where_nothing_else_is_written() -> None:
    result = play("openai_chat", ASK, accounts=[CHAT], scripts=[Script(steps=[whole(USED)])])
    assert told(result) == ((1_000 * 5 + 200 * 30) * 10**6,) * 2


def test_a_stream_is_booked_though_the_client_did_not_ask_for_its_usage() -> None:
    steps = [chunk({"role": "assistant", "content": "Hello"}), chunk({}, "stop")]
    steps += [
        chunk({}, usage=USED).replace(
            b'"choices":[{"index":0,"delta":{},"finish_reason":null}]', b'"choices":[]'
        )
    ]
    steps += [b"data: [DONE]\n\n"]
    result = play(
        "openai_chat", ASK_STREAM, accounts=[CHAT], scripts=[Script(headers=SSE, steps=steps)], prices=DEAR
    )
    assert b"usage" not in result.body.replace(b'"usage":null', b"")
    assert told(result) == (DEAR_BILL, DEAR_BILL)


def test_unknown_stays_unknown() -> None:
    body = ASK.replace(MODEL.encode(), b"nobody-knows")
    result = play("openai_chat", body, accounts=[CHAT], scripts=[Script(steps=[whole(USED)])])
    assert told(result) == (None, None)
    assert result.receipt["cost_usd"] is None
    assert result.receipt["usage"]["input"] == 1_000


def test_what_the_provider_says_it_charged_wins() -> None:
    stated = whole({**USED, "cost": 0.00042})
    result = play("openai_chat", ASK, accounts=[CHAT], scripts=[Script(steps=[stated])], prices=DEAR)
    assert told(result) == (420_000_000, 420_000_000)
    unknown = ASK.replace(MODEL.encode(), b"nobody-knows")
    assert told(play("openai_chat", unknown, accounts=[CHAT], scripts=[Script(steps=[stated])])) == (
        420_000_000,
        420_000_000,
    )


def test_refusals_and_broken_connections_cost_nothing() -> None:
    refused = Script(status=429, steps=[b'{"error":{"message":"slow down","type":"rate_limit_exceeded"}}'])
    result = play(
        "openai_chat",
        ASK,
        accounts=[CHAT, SECOND],
        scripts={"chat": refused, "second": Script(steps=[whole(USED)])},
        prices=DEAR,
    )
    assert told(result) == (DEAR_BILL, DEAR_BILL)
    assert [attempt.cost_pusd for attempt in result.row.attempts] == [0, DEAR_BILL]
    lost = play("openai_chat", ASK, accounts=[CHAT], scripts=lambda _: Script(error=reset()), prices=DEAR)
    assert told(lost) == (0, 0)


def test_a_request_that_nobody_was_asked_costs_nothing() -> None:
    result = play("openai_chat", b'{"model":', accounts=[CHAT], scripts=[], prices=DEAR)
    assert told(result) == (0, 0)


def test_usage_before_the_content_is_cost_and_no_charge() -> None:
    start = {
        "type": "message_start",
        "message": {
            "id": "m", "type": "message", "role": "assistant", "model": "x", "content": [], "stop_reason": None,
            "stop_sequence": None, "usage": {"input_tokens": 700, "output_tokens": 1},
        },
    }  # fmt: skip
    failed = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    steps = [
        f"event: {event['type']}\ndata: ".encode() + msgspec.json.encode(event) + b"\n\n"
        for event in (start, failed)
    ]
    claude = account("claude", "anthropic", priority=1)
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[claude, SECOND],
        scripts={
            "claude": Script(headers=SSE, steps=steps),
            "second": Script(steps=[whole(USED)]),
        },
        prices=DEAR,
    )
    early = (700 * 10 + 1 * 100) * 10**6
    assert [(each.cost_pusd, each.charge_pusd) for each in result.row.attempts] == [
        (early, 0),
        (DEAR_BILL, DEAR_BILL),
    ]
    assert told(result) == (early + DEAR_BILL, DEAR_BILL)


def test_what_was_cut_short_is_charged_as_estimated() -> None:
    steps = [chunk({"role": "assistant", "content": "Hello, this is "}), reset()]
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=lambda _: Script(headers=SSE, steps=steps),
        prices=DEAR,
    )
    first = result.row.attempts[0]
    assert result.row.outcome == "partial"
    assert first.estimated
    assert result.row.cost_pusd
    assert first.charge_pusd == first.cost_pusd
    assert result.receipt["attempts"][0]["estimated"]


def test_a_server_of_ones_own_costs_nothing() -> None:
    local = msgspec.structs.replace(CHAT, preset="ollama")
    for script in (Script(steps=[whole(USED)]), Script(steps=[whole()])):
        assert told(play("openai_chat", ASK, accounts=[local], scripts=[script])) == (0, 0)


def test_who_lost_a_hedge_has_read_the_prompt() -> None:
    async def story(house: House) -> None:
        await house.ask("openai_chat", ASK)
        exchange = Exchange(cast("Inbound", None))
        target = Target(
            account_id="chat", account="chat", preset="custom-openai", model=MODEL, dialect="openai_chat"
        )
        lost, won = AttemptLog(target, EPOCH), AttemptLog(target, EPOCH)
        lost.verdict = "hedged"
        won.usage, won.delivered = Usage(input=400, cache_read=600, output=200), True
        exchange.attempts, exchange.usage = [lost, won], won.usage
        costs = costs_of([cost_of(log, exchange, house.bills) for log in exchange.attempts])
        assert [(each.cost, each.charge) for each in costs.attempts] == [
            (1_000 * 10 * 10**6, 0),
            ((400 * 10 + 600 + 200 * 100) * 10**6,) * 2,
        ]
        stopped = costs.attempts[0].usage
        assert stopped is not None
        assert stopped.estimated
        assert costs.cost == sum(each.cost or 0 for each in costs.attempts)
        assert costs.charge == costs.attempts[1].cost

    live(story, accounts=[CHAT], scripts=[Script(steps=[whole(USED)])], prices=DEAR)


def test_sums_are_exact() -> None:
    price = Prices({MODEL: ModelPrice(input=0.0000015, output=0)})
    usage = {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1}
    result = play("openai_chat", ASK, accounts=[CHAT], scripts=[Script(steps=[whole(usage)])], prices=price)
    assert told(result) == (2, 2), "1.5 pico-USD, half to even"
    assert Decimal(result.receipt["cost_usd"]) == Decimal("2E-12")
