"""Some thousand requests of forty days, as the gateway's own writer would have stored them.

The same people do the same things every day: coding agents in sessions whose context grows and is read from
the cache, scripts by night, one provider that fails for an hour each week. The newest are seconds old, so
that live views have something to show; those of the last two days have receipts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.fates import Fate
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.receipt import AttemptNote, LeftOut, Receipt, Route
from flowrouter.clock import SystemClock
from flowrouter.gateway.ports import AttemptRow, RequestRow
from flowrouter.storage import RequestWriter, open_store
from tests.dashboard.stand import Stand

DAYS = 40
REQUESTS = 3_000
_DAY_MS = 86_400_000
_RECEIPT_MS = 2 * _DAY_MS
_ENDPOINTS: dict[Dialect, str] = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/{model}:generateContent",
}
_PRICES = {
    "gpt-5.4": (2_500_000, 15_000_000), "gpt-5.4-mini": (750_000, 4_500_000), "gpt-4.1": (2_000_000, 8_000_000),
    "claude-sonnet-4-5": (3_000_000, 15_000_000), "claude-haiku-4-5": (1_000_000, 5_000_000),
    "gemini-2.5-flash": (300_000, 2_500_000), "gemini-2.5-pro": (1_250_000, 10_000_000),
}  # fmt: skip
"""Pico-USD for a token of input and of output; the model that is missing has no known price."""


class _Habit(NamedTuple):
    """What somebody does: with which program and key, how often, and what for."""

    weight: int
    client: str
    key: str
    dialect: Dialect
    asked: str
    account: str
    preset: str
    model: str
    speaks: Dialect
    turns: int = 1


_HABITS = (
    _Habit(9, "claude-cli/2.1.197 (external, cli)", "laptop", "anthropic", "claude-sonnet-4-5", "anthropic-main", "anthropic", "claude-sonnet-4-5", "anthropic", 24),
    _Habit(6, "codex_cli_rs/0.169.0 (Linux; x86_64)", "laptop", "openai_responses", "smart", "openai-main", "openai", "gpt-5.4", "openai_responses", 16),
    _Habit(5, "opencode/1.18.33", "laptop", "openai_chat", "smart", "anthropic-main", "anthropic", "claude-sonnet-4-5", "anthropic", 10),
    _Habit(40, "OpenAI/Python 3.54.0", "ci", "openai_chat", "cheap", "openai-main", "openai", "gpt-5.4-mini", "openai_chat"),
    _Habit(18, "OpenAI/Python 3.54.0", "ci", "openai_chat", "cheap", "deepseek", "deepseek", "deepseek-chat", "openai_chat"),
    _Habit(14, "google-genai-sdk/3.4.0", "notebooks", "gemini", "gemini-2.5-flash", "gemini-team", "gemini", "gemini-2.5-flash", "gemini"),
    _Habit(6, "google-genai-sdk/3.4.0", "notebooks", "gemini", "gemini-2.5-pro", "gemini-team", "gemini", "gemini-2.5-pro", "gemini"),
    _Habit(5, "curl/8.14.1", "notebooks", "openai_chat", "claude-haiku-4-5", "anthropic-main", "anthropic", "claude-haiku-4-5", "anthropic"),
)  # fmt: skip


def seed(stand: Stand, *, count: int = REQUESTS, days: int = DAYS) -> list[RequestRow]:
    """Store about `count` requests of `days` days for a furnished gateway and return them, oldest first."""
    rows = sorted(_Maker(stand, count, days).rows(), key=lambda row: row.ts_ms)
    clock = SystemClock()
    store = open_store(stand.running.data, master_key=None, clock=clock)
    writer = RequestWriter(store.place, store.data, clock=clock, capacity=len(rows) + 1)
    writer.start()
    for row in rows:
        writer.record(row)
    assert writer.drain(60), "the rows could not be stored"
    store.place.close()
    return rows


class _Maker:
    """Makes the rows; the same every time but for the moment they end at."""

    def __init__(self, stand: Stand, count: int, days: int) -> None:
        self._stand = stand
        self._count = count
        self._days = days
        self._draw = Random(11)
        self._now = int(time.time() * 1000)
        self._made = 0

    def rows(self) -> Iterator[RequestRow]:
        """Yield all rows."""
        weights = [habit.weight for habit in _HABITS]
        for number in range(12):  # of the last minutes, so that live views begin with something
            yield self._row(self._draw.choices(_HABITS, weights)[0], self._now - 20_000 - number * 240_000)
        while self._made < self._count:
            habit = self._draw.choices(_HABITS, weights)[0]
            yield from self._run(habit, self._moment())

    def _moment(self) -> int:
        """Return when something begins: more of late, and by day."""
        ago = int(self._days * _DAY_MS * (1 - self._draw.random() ** 0.7))
        moment = self._now - ago
        hour = (moment // 3_600_000) % 24
        return moment if 7 <= hour <= 20 else moment - 8 * 3_600_000

    def _run(self, habit: _Habit, begins: int) -> Iterator[RequestRow]:
        """Yield one request, or a session of an agent with a context that grows."""
        if habit.turns == 1:
            yield self._row(habit, begins)
            return
        session = f"ses-{self._draw.getrandbits(64):016x}"
        context, at = 9_000, begins
        for turn in range(self._draw.randint(3, 2 * habit.turns)):
            if at > self._now - 1_000:
                return
            fresh = self._draw.randint(300, 4_000)
            yield self._row(
                habit, at, session=session, cached=context if turn else 0, fresh=fresh if turn else context
            )
            context += fresh if turn else 0
            at += self._draw.randint(4_000, 50_000)

    def _row(
        self,
        habit: _Habit,
        ts_ms: int,
        *,
        session: str | None = None,
        cached: int = 0,
        fresh: int | None = None,
    ) -> RequestRow:
        draw = self._draw
        self._made += 1
        chance = draw.random()
        storm = habit.preset == "anthropic" and (ts_ms // 3_600_000) % (7 * 24) == 15
        outcome = "error" if chance < (0.5 if storm else 0.02) else "cancelled" if chance > 0.985 else "ok"
        fresh = draw.randint(200, 6_000) if fresh is None else fresh
        out = 0 if outcome == "error" else draw.randint(40, 1_400)
        rates = _PRICES.get(habit.model)
        cost = None if rates is None else int(fresh * rates[0] + cached * rates[0] * 0.1 + out * rates[1])
        duration = draw.randint(300, 900) if outcome == "error" else 600 + out * draw.randint(6, 14)
        lane: Any = "passthrough" if habit.dialect == habit.speaks else "translate"
        facts: dict[str, Any] = {
            "status": {"ok": 200, "error": 503, "cancelled": 499}[outcome],
            "duration_ms": duration,
            "ttft_ms": None if outcome == "error" else min(duration - 100, draw.randint(180, 1_900)),
            "input_tokens": 0 if outcome == "error" else fresh,
            "cache_read_tokens": 0 if outcome == "error" else cached,
            "cache_write_tokens": fresh if session and outcome == "ok" and habit.preset == "anthropic" else 0,
            "output_tokens": out,
            "reasoning_tokens": out // 3 if habit.model in ("gpt-5.4", "gemini-2.5-pro") else 0,
            "cost_pusd": 0 if outcome == "error" else cost,
            "charge_pusd": 0 if outcome == "error" else cost,
        }
        attempts = tuple(self._attempts(habit, outcome, facts))
        losses = (
            (Loss(path="logit_bias", kind="dropped", reason="not spoken there"),)
            if lane == "translate"
            else ()
        )
        row = RequestRow(
            id=f"req_{draw.getrandbits(96):024x}", ts_ms=ts_ms, owner_id="local",
            key_id=self._stand.key_ids.get(habit.key), client=habit.client, client_dialect=habit.dialect,
            endpoint=_ENDPOINTS[habit.dialect].replace("{model}", habit.model), requested_model=habit.asked,
            account_id=attempts[-1].account_id, preset=habit.preset, model=habit.model, dialect=habit.speaks,
            stream=session is not None or draw.random() < 0.4, lane=lane, outcome=outcome,  # type: ignore[arg-type]
            error_type="overloaded_error" if outcome == "error" else None,
            error_text="the provider is overloaded; every account was asked" if outcome == "error" else None,
            attempts=attempts, losses=losses, overhead_us=draw.randint(700, 2_400), session_id=session,
            usage_estimated=outcome == "cancelled", request_bytes=(fresh + cached) * 4, response_bytes=out * 5,
            combo=habit.asked if habit.asked in ("smart", "cheap") else None,
            finish={"ok": "stop", "cancelled": None, "error": None}[outcome],
            tools="Read,Edit" if session and draw.random() < 0.6 else None, **facts,
        )  # fmt: skip
        if ts_ms < self._now - _RECEIPT_MS:
            return row
        return msgspec.structs.replace(row, receipt=msgspec.json.encode(_receipt(row, self._names())))

    def _names(self) -> dict[str, str]:
        return {made: name for name, made in self._stand.accounts.items()}

    def _attempts(self, habit: _Habit, outcome: str, facts: dict[str, Any]) -> Iterator[AttemptRow]:
        """Yield the tries: now and then another account had failed before."""
        ids, at = self._stand.accounts, 0
        detour = habit.account == "openai-main" and self._draw.random() < 0.08
        failed = {"preset": habit.preset, "model": habit.model, "dialect": habit.speaks}
        if detour:
            yield AttemptRow(
                account_id=ids["spare"], outcome="rate_limited", status=429, error="rate limit reached for this model",
                started_ms=2, duration_ms=180, **failed,  # type: ignore[arg-type]
            )  # fmt: skip
            at = 184
        yield AttemptRow(
            account_id=ids[habit.account], outcome="overloaded" if outcome == "error" else "answered",
            status=529 if outcome == "error" else 200, error="Overloaded" if outcome == "error" else None,
            started_ms=at or 2, duration_ms=max(1, facts["duration_ms"] - at), input_tokens=facts["input_tokens"],
            cache_read_tokens=facts["cache_read_tokens"], output_tokens=facts["output_tokens"],
            cost_pusd=facts["cost_pusd"], charge_pusd=facts["charge_pusd"], **failed,  # type: ignore[arg-type]
        )  # fmt: skip


def _receipt(row: RequestRow, names: dict[str, str]) -> Receipt:
    """Return what the gateway would have told of `row`."""
    assert row.client_dialect is not None
    notes = tuple(
        AttemptNote(
            account=names[try_.account_id], preset=try_.preset, model=try_.model, dialect=try_.dialect,
            started_ms=try_.started_ms, duration_ms=try_.duration_ms, status=try_.status, verdict=try_.outcome,
            reason=try_.error,
        )
        for try_ in row.attempts
    )  # fmt: skip
    order = tuple(f"{note.account}/{note.model}" for note in notes)
    return Receipt(
        request_id=row.id, created=row.ts_ms / 1000, dialect=row.client_dialect, endpoint=row.endpoint,
        asked_model=row.requested_model or "", stream=row.stream, lane=row.lane, attempts=notes,
        summary=f"{row.outcome} by {order[-1]}" + (f" after {len(notes) - 1} other" if len(notes) > 1 else ""),
        route=Route(
            step=f"combo:{row.combo}" if row.combo else "model", strategy="priority", order=order,
            reasons=("the members are asked in their order",),
            left_out=(LeftOut(account="spare", model="gpt-5.4", reason="pauses after 429 for 20 s"),) if row.combo else (),
        ),
        fields=(
            Fate(field="model", fate="mapped"), Fate(field="messages", fate="passed"),
            Fate(field="temperature", fate="passed"), Fate(field="logit_bias", fate="dropped"),
        ) if row.losses else (Fate(field="model", fate="passed"), Fate(field="messages", fate="passed")),
        answered_model=row.model, finish=row.finish, outcome=row.outcome,
        usage={"input": row.input_tokens, "cache_read": row.cache_read_tokens, "output": row.output_tokens},
        overhead_ms=(row.overhead_us or 0) / 1000, first_content_ms=row.ttft_ms, duration_ms=row.duration_ms,
        complete=True,
    )  # fmt: skip


__all__ = ["DAYS", "REQUESTS", "seed"]
