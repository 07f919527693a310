"""Each value of an exchange stands under its own name in the row and in the receipt, which are made by place."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from flowrouter import logs
from flowrouter.canonical.head import Head
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.receipt import BudgetNote, Receipt, Seam
from flowrouter.canonical.usage import Usage
from flowrouter.gateway.amounts import Costs
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.exchange import Exchange, Inbound
from flowrouter.gateway.receipt_rows import receipt_of
from flowrouter.gateway.records import AttemptRow, BudgetLine, RequestRow
from flowrouter.gateway.settle import Books, Settlement
from flowrouter.httpkit.caller import Caller
from flowrouter.plugins import Hooks
from flowrouter.routing import Plan, Target
from tests.contracts.fakes import START, FakeClock

USAGE = Usage(
    input=11, cache_read=12, cache_write=13, cache_write_1h=9, output=14, reasoning=15, estimated=True
)
LINE = BudgetLine(budget_id="b", start_ms=1, holder="h", amount=2)
TARGET = Target(
    account_id="acc_2",
    account="work",
    preset="anthropic",
    model="claude-5",
    dialect="anthropic",
    host="h:443",
)


class _Bills:
    def settle(self, target: Target, usage: Usage) -> int:
        assert (target, usage) == (TARGET, USAGE)
        return 3_000_000


class _Hold:
    """What a hard budget does: less is charged than it cost."""

    def close(self, costs: Costs, used: Any) -> tuple[Costs, list[BudgetLine]]:
        assert used.counts
        return msgspec.structs.replace(costs, charge=2_000_000), [LINE]

    def note(self) -> BudgetNote:
        return BudgetNote(output_cap=77, held={"b": 5})


def told() -> Exchange:
    """Return an exchange of which no two things are alike."""
    made = Exchange(
        Inbound(
            request_id="req_1",
            dialect="openai_chat",
            operation="generate",
            endpoint="/v1/chat/completions",
            headers={"user-agent": "sdk/1", "session-id": "s-1"},
            body=b'{"model":"smart","stream_options":{"include_usage":true}}',
            wall=START + 0.25,
            started=START,
        )
    )
    made.caller = Caller(owner_id="owner", key_id="key_1")
    made.head = Head(model="smart", stream=True, length=1)
    made.plan = Plan(
        asked="smart", step="combo smart", strategy="priority", targets=(TARGET,), reasons=("why",)
    )
    made.step = made.plan.step
    log = AttemptLog(TARGET, START + 0.5)
    log.verdict, log.status, log.error, log.delivered, log.trial = "cut", 299, "it broke", True, True
    log.head_at, log.ended, log.paused, log.usage = START + 1.0, START + 3.5, 20.0, USAGE
    made.attempts = [log]
    made.lane, made.status, made.outcome, made.finish = "translate", 200, "partial", "length"
    made.problem = Problem(status=502, message="too bad", code="upstream_broken")
    made.answered_model, made.called, made.usage = "claude-5-1", ("Read", "Edit"), USAGE
    made.request_losses = (Loss(path="seed", kind="dropped", reason="no such field"),)
    made.reply_losses = (Loss(path="logprobs", kind="changed", reason="rounded"),)
    made.first_content_at, made.upstream_wait, made.waited, made.bytes_out = START + 2.0, 1.5, 0.125, 4321
    made.seams = [Seam(at=3, way="restart", account="work", model="claude-5", reason="cut")]
    made.not_completed = "no other target"
    made.hold = _Hold()  # type: ignore[assignment]
    return made


ROW: dict[str, Any] = {
    "id": "req_1",
    "ts_ms": int((START + 0.25) * 1000),
    "owner_id": "owner",
    "key_id": "key_1",
    "client": "sdk/1",
    "client_dialect": "openai_chat",
    "endpoint": "/v1/chat/completions",
    "requested_model": "smart",
    "account_id": "acc_2",
    "preset": "anthropic",
    "model": "claude-5-1",
    "dialect": "anthropic",
    "stream": True,
    "lane": "translate",
    "status": 200,
    "outcome": "partial",
    "error_type": "upstream_broken",
    "error_text": "too bad",
    "ttft_ms": 2000,
    "duration_ms": 4000,
    "overhead_us": 500_000,
    "input_tokens": 11,
    "cache_read_tokens": 12,
    "cache_write_tokens": 13,
    "cache_write_1h_tokens": 9,
    "output_tokens": 14,
    "reasoning_tokens": 15,
    "usage_estimated": True,
    "cost_pusd": 3_000_000,
    "charge_pusd": 2_000_000,
    "session_id": "s-1",
    "response_bytes": 4321,
    "combo": "smart",
    "finish": "length",
    "tools": "Read,Edit",
    "budgets": (LINE,),
}
ATTEMPTS = (
    AttemptRow(
        account_id="acc_2",
        preset="anthropic",
        model="claude-5",
        dialect="anthropic",
        outcome="cut",
        status=299,
        error="it broke",
        started_ms=500,
        duration_ms=3000,
        input_tokens=11,
        cache_read_tokens=12,
        cache_write_tokens=13,
        output_tokens=14,
        reasoning_tokens=15,
        estimated=True,
        cost_pusd=3_000_000,
        charge_pusd=3_000_000,
    ),
)


def _books(rows: list[RequestRow], *, clock: FakeClock, **given: Any) -> Books:
    class _Log:
        record = staticmethod(rows.append)

    hooks = Hooks(listeners=given.pop("listeners", ()))
    return Books(_Log(), clock=clock, hooks=hooks, bills=_Bills(), **given)  # type: ignore[arg-type]


def test_each_value_stands_under_its_name() -> None:
    clock, rows, heard = FakeClock(), list[RequestRow](), list[Settlement]()

    books = _books(rows, clock=clock, listeners=(heard.append,))
    clock.advance(4.0)
    exchange = told()
    books.settle(exchange)
    books.settle(exchange)
    ((row,), (settlement,)) = rows, heard
    named = {
        name: getattr(row, name) for name in row.__struct_fields__ if name not in ("attempts", "receipt")
    }
    losses = exchange.request_losses + exchange.reply_losses
    assert named == {**ROW, "losses": losses, "request_bytes": len(exchange.inbound.body)}
    assert row.attempts == ATTEMPTS
    assert settlement.row is row
    assert json.loads(receipt_of(row) or b"") == RECEIPT
    assert list(RECEIPT) == list(Receipt.__struct_fields__)


COUNTS = {"input": 11, "cache_read": 12, "cache_write": 13, "output": 14, "reasoning": 15}
RECEIPT: dict[str, Any] = {
    "request_id": "req_1",
    "created": START + 0.25,
    "dialect": "openai_chat",
    "endpoint": "/v1/chat/completions",
    "asked_model": "smart",
    "stream": True,
    "summary": "the answer was cut off by the provider and ended with an error",
    "lane": "translate",
    "route": {
        "step": "combo smart",
        "strategy": "priority",
        "reasons": ["why"],
        "order": ["work/claude-5"],
        "left_out": [],
    },
    "attempts": [
        {
            "account": "work",
            "preset": "anthropic",
            "model": "claude-5",
            "dialect": "anthropic",
            "started_ms": 500.0,
            "head_ms": 1000.0,
            "duration_ms": 3000.0,
            "status": 299,
            "verdict": "cut",
            "reason": "it broke",
            "usage": COUNTS,
            "estimated": True,
            "cost_usd": "0.000003",
            "charge_usd": "0.000003",
            "trial": True,
            "paused_ms": 20_000.0,
        }
    ],
    "fields": [
        {"field": "model", "fate": "passed", "rules": []},
        {"field": "stream_options.include_usage", "fate": "mapped", "rules": []},
        {"field": "seed", "fate": "dropped", "rules": ["openai_chat>anthropic:seed:dropped"]},
    ],
    "request_losses": [
        {
            "path": "seed",
            "kind": "dropped",
            "reason": "no such field",
            "rule": "openai_chat>anthropic:seed:dropped",
        }
    ],
    "reply_losses": [
        {
            "path": "logprobs",
            "kind": "changed",
            "reason": "rounded",
            "rule": "anthropic>openai_chat:logprobs:changed",
        }
    ],
    "answered_model": "claude-5-1",
    "finish": "length",
    "seams": [{"at": 3, "way": "restart", "account": "work", "model": "claude-5", "reason": "cut"}],
    "not_completed": "no other target",
    "outcome": "partial",
    "usage": COUNTS,
    "usage_estimated": True,
    "cost_usd": "0.000003",
    "charge_usd": "0.000002",
    "overhead_ms": 500.0,
    "first_content_ms": 2000.0,
    "duration_ms": 4000.0,
    "waited_ms": 125.0,
    "budget": {"output_cap": 77, "stopped": False, "held": {"b": 5}},
    "complete": True,
}


def test_what_a_provider_said_stands_in_no_text_of_an_attempt() -> None:
    log = AttemptLog(TARGET, 0.0, said={"set-cookie": "sk-canary"}, refusal=b"wrong key: sk-canary")
    assert "canary" not in repr(log)


def test_what_ends_in_one_turn_of_the_loop_is_entered_together_and_each_at_its_own_time() -> None:
    clock, rows, asked = FakeClock(), list[RequestRow](), list[Callable[[], None]]()
    books = _books(rows, clock=clock, soon=asked.append)
    first, second = told(), told()
    second.inbound = msgspec.structs.replace(second.inbound, request_id="req_2")
    clock.advance(4.0)
    books.settle(first)
    clock.advance(1.0)
    books.settle(second)
    books.settle(first)
    assert not rows
    (enter,) = asked
    clock.advance(10.0)
    enter()
    assert [(row.id, row.duration_ms) for row in rows] == [("req_1", 4000), ("req_2", 5000)]
    books.enter()
    assert len(rows) == 2
    books.settle(told())
    assert len(asked) == 2, "the next turn has a call of its own"


def test_an_exchange_that_cannot_be_entered_leaves_the_books_of_the_others_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told_of: list[str] = []

    class _Log:
        def error(self, _message: str, **said: Any) -> None:
            told_of.append(said["request_id"])

    monkeypatch.setattr("flowrouter.gateway.settle._log", _Log())
    clock, rows, asked = FakeClock(), list[RequestRow](), list[Callable[[], None]]()
    books = _books(rows, clock=clock, soon=asked.append)
    broken, sound = told(), told()
    sound.inbound = msgspec.structs.replace(sound.inbound, request_id="req_2")
    broken.attempts[0].usage = Usage(input=1)  # the bills of this test know one usage
    for exchange in (broken, sound):
        books.settle(exchange)
    asked[0]()
    assert [row.id for row in rows] == ["req_2"]
    assert told_of == ["req_1"]


def test_a_line_written_while_an_exchange_is_entered_carries_its_own_id() -> None:
    clock, asked, heard = FakeClock(), list[Callable[[], None]](), list[str | None]()
    placed = logs._placed  # pyright: ignore[reportPrivateUsage] - what a line would carry
    books = _books(
        [], clock=clock, soon=asked.append, listeners=(lambda _: heard.append(placed({}).get("request_id")),)
    )
    first, second = told(), told()
    second.inbound = msgspec.structs.replace(second.inbound, request_id="req_2")
    for exchange in (first, second):
        books.settle(exchange)
    asked[0]()
    assert heard == ["req_1", "req_2"]
    assert "request_id" not in placed({}), "who had them entered writes on as before"
