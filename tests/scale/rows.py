"""Rows of a busy gateway: made by the million, with the distributions that make queries hard.

Keys, models and accounts are used very unevenly, traffic grows over the days and follows the hours, sessions
come in runs, one request in thirty fails. The same seed makes the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from flowrouter.storage.postings import SUMS
from flowrouter.storage.request_rows import COLUMNS

DAY_MS = 86_400_000
POOL = 20_000
TURNS = 25
RECEIPT_DAYS = 30

_HOURS = (1, 1, 1, 1, 1, 2, 3, 5, 8, 10, 10, 9, 8, 9, 10, 10, 9, 7, 5, 4, 3, 3, 2, 1)
_DIALECTS = ("openai_chat", "anthropic", "openai_responses", "gemini")
_OUTCOMES = ("ok",) * 193 + ("error",) * 4 + ("cancelled",) * 2 + ("partial",)
_NUMBERS = (
    "ts_ms", "ttft_ms", "duration_ms", "overhead_us", "input_tokens", "cache_read_tokens", "cache_write_tokens",
    "cache_write_1h_tokens", "output_tokens", "reasoning_tokens", "cost_pusd", "charge_pusd", "session_id",
    "request_bytes", "response_bytes", "id",
)  # fmt: skip
_PLACE = {name: place for place, name in enumerate(COLUMNS)}
_FILLED = [_PLACE[name] for name in _NUMBERS]
MODELS = (
    "gpt-5.5", "claude-opus-4-8", "gpt-5.5-mini", "claude-sonnet-4-8", "gemini-3-pro", "deepseek-chat",
    "gpt-5.5-nano", "claude-haiku-4-8", "gemini-3-flash", "qwen3-coder", "llama-4-maverick", "mistral-large",
    "grok-5", "kimi-k2", "glm-4.6", "command-a", "gpt-4.1", "o4-mini", "phi-4", "nova-pro",
)  # fmt: skip
PRESETS = ("openai", "anthropic", "openrouter", "gemini", "deepseek", "groq", "ollama", "azure")


class Batch(NamedTuple):
    """What a stretch of time adds, as parameters of the tables' inserts."""

    requests: list[tuple[Any, ...]]
    ledger: list[tuple[Any, ...]]
    receipts: list[tuple[Any, ...]]


class Maker:
    """Makes `count` rows over `days` that end at `end_ms`; `rollups` are the sums by day of all that was made."""

    def __init__(self, count: int, *, end_ms: int, days: int = 400, seed: int = 7) -> None:
        self.random = Random(seed)
        self.count = count
        self.days = days
        self.first_day_ms = end_ms - end_ms % DAY_MS - (days - 1) * DAY_MS
        self.receipts_from_ms = end_ms - RECEIPT_DAYS * DAY_MS
        self.accounts = [f"acc_{number:02}" for number in range(24)]
        self.keys = [f"key_{number:02}" for number in range(60)]
        self.owners = ["local" if number < 50 else f"own_{number % 2}" for number in range(60)]
        self.rollups: dict[tuple[object, ...], list[int]] = {}
        self._pool = self._profiles()
        self._session: dict[Any, tuple[str, int]] = {}

    def batches(self, size: int = 50_000) -> Iterator[Batch]:
        """Yield all rows in the order of their time."""
        batch = Batch([], [], [])
        made = 0
        for day in range(self.days):
            # The last day is three times as busy as the first.
            share = (self.days + 2 * day) / (2 * self.days * self.days)
            last = day == self.days - 1
            wanted = self.count - made if last else min(self.count - made, round(self.count * share))
            made += wanted
            for ts_ms in self._moments(self.first_day_ms + day * DAY_MS, wanted):
                self._add(batch, ts_ms)
                if len(batch.requests) >= size:
                    yield batch
                    batch = Batch([], [], [])
        if batch.requests:
            yield batch

    def rollup_rows(self) -> Iterator[tuple[object, ...]]:
        """Yield the sums by day, in the order of their table."""
        for key, sums in self.rollups.items():
            yield (*key, *sums)

    def _moments(self, day_ms: int, wanted: int) -> list[int]:
        hours = self.random.choices(range(24), _HOURS, k=wanted)
        draw = self.random.random
        return sorted(day_ms + hour * 3_600_000 + int(draw() * 3_600_000) for hour in hours)

    def _profiles(self) -> list[list[Any]]:
        """Return rows without their numbers, as often as they are to be drawn."""
        draw = self.random
        weights = [1 / (rank + 1) for rank in range(len(self.keys))]
        uses: dict[int, list[tuple[str, str, str]]] = {}
        for key in range(len(self.keys)):
            uses[key] = []
            for _ in range(2 + key % 4):
                model = draw.choices(MODELS, [1 / (rank + 1) for rank in range(len(MODELS))])[0]
                account = draw.randrange(len(self.accounts))
                uses[key].append((model, self.accounts[account], PRESETS[account % len(PRESETS)]))
        pool: list[list[Any]] = []
        for key in draw.choices(range(len(self.keys)), weights, k=POOL):
            model, account, preset = draw.choices(uses[key], [1 / (n + 1) for n in range(len(uses[key]))])[0]
            pool.append(self._profile(key, model, account, preset))
        return pool

    def _profile(self, key: int, model: str, account: str, preset: str) -> list[Any]:
        draw = self.random
        dialect = _DIALECTS[key % 4 if draw.random() < 0.9 else draw.randrange(4)]
        outcome = draw.choice(_OUTCOMES)
        failed = outcome == "error"
        attempt = (
            f'{{"account_id":"{account}","preset":"{preset}","model":"{model}","dialect":"{dialect}",'
            f'"outcome":"{"overloaded" if failed else "answered"}","status":{529 if failed else 200},'
            '"started_ms":1,"duration_ms":2345,"input_tokens":1200,"output_tokens":310,"cost_pusd":8100000}'
        )
        values = dict.fromkeys(COLUMNS)
        values |= {
            "owner_id": self.owners[key],
            "key_id": None if key == 7 else self.keys[key],
            "client": f"client-{key % 17}/1.{key % 5}.0 (Linux; x86_64) python/3.12",
            "client_dialect": dialect,
            "endpoint": "/v1/chat/completions" if dialect == "openai_chat" else "/v1/messages",
            "requested_model": "smart" if key % 5 == 0 else model,
            "account_id": account,
            "preset": preset,
            "model": model,
            "dialect": dialect,
            "stream": draw.random() < 0.8,
            "lane": "passthrough" if draw.random() < 0.7 else "translate",
            "status": {"ok": 200, "error": 503, "cancelled": 499, "partial": 200}[outcome],
            "outcome": outcome,
            "error_type": "overloaded_error" if failed else None,
            "error_text": "the provider is overloaded; every account was asked" if failed else None,
            "attempts": f"[{attempt}{',' + attempt if failed else ''}]",
            "losses": '[{"path":"logit_bias","kind":"dropped","reason":"not spoken there"}]'
            if draw.random() < 0.05
            else None,
            "usage_estimated": draw.random() < 0.02,
            "combo": "smart" if key % 5 == 0 else None,
            "finish": "stop" if outcome == "ok" else None,
            "tools": "Read,Edit" if draw.random() < 0.2 else None,
        }
        return [values[name] for name in COLUMNS]

    def _add(self, batch: Batch, ts_ms: int) -> None:
        draw = self.random.random
        values = self._pool[int(draw() * POOL)].copy()
        made_of = values[_PLACE["key_id"]]
        request_id = f"req_{self.random.getrandbits(96):024x}"
        size, speed = draw(), draw()
        tokens = int(200 + 20_000 * size * size)
        cached = int(tokens * speed) if speed > 0.5 else 0
        out = int(20 + 1500 * speed * speed)
        cost = None if size < 0.01 else tokens * 3_000_000 + out * 15_000_000
        duration = int(400 + 20_000 * speed)
        fresh = tokens - cached
        numbers = (
            ts_ms, duration // 3, duration, int(900 + 900 * size), fresh, cached, 0, 0, out, out // 4, cost, cost,
            self._session_of(made_of, draw()), tokens * 4, out * 5, request_id,
        )  # fmt: skip
        for place, value in zip(_FILLED, numbers, strict=True):
            values[place] = value
        batch.requests.append(tuple(values))
        owner, account, preset, model = (
            values[_PLACE[n]] for n in ("owner_id", "account_id", "preset", "model")
        )
        named = (ts_ms, owner, made_of, account, preset, model)
        errors = int(values[_PLACE["outcome"]] != "ok")
        estimated = values[_PLACE["usage_estimated"]]
        batch.ledger.append(
            (request_id, 0, "charge", *named, cost, estimated, errors, fresh, cached, 0, out, out // 4)
        )
        minus = None if cost is None else -cost
        batch.ledger.append((request_id, 1, "cost", *named, minus, estimated, 0, 0, 0, 0, 0, 0))
        if ts_ms >= self.receipts_from_ms:
            batch.receipts.append((request_id, owner, ts_ms, _RECEIPT))
        self._sum(
            (ts_ms - ts_ms % DAY_MS, owner, made_of or "", account, preset, model),
            (
                1,
                errors,
                fresh,
                cached,
                0,
                out,
                out // 4,
                cost or 0,
                int(cost is None),
                cost or 0,
                int(cost is None),
            ),
        )

    def _session_of(self, key: Any, chance: float) -> str | None:
        """Return the session a key is in, for three keys of four; it ends after some turns."""
        if key is None or int(key[-2:]) % 4 == 0:
            return None
        session, left = self._session.get(key, ("", 0))
        if not left:
            session, left = f"ses_{self.random.getrandbits(64):016x}", 1 + int(chance * 2 * TURNS)
        self._session[key] = session, left - 1
        return session

    def _sum(self, key: tuple[object, ...], amounts: tuple[int, ...]) -> None:
        sums = self.rollups.get(key)
        if sums is None:
            self.rollups[key] = list(amounts)
            return
        for place in range(len(SUMS)):
            sums[place] += amounts[place]


_RECEIPT = (
    '[123456.0,4567.0,"gpt-5.4",["model","priority",[],["openai-main/gpt-5.4"],[]],'
    '[["openai-main",12.0,123400.0,3456.0,false,null]],{"fields":['
    + ",".join(f'{{"field":"field_{number}","fate":"passed","rules":[]}}' for number in range(16))
    + "]}]"
)

__all__ = ["DAY_MS", "MODELS", "PRESETS", "Batch", "Maker"]
