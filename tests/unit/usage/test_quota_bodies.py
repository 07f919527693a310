"""What refusals and providers' own accounts of quotas say: the vendors' words, and what is read in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.usage.quota_bodies import fetched, refused

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z, a Friday


def said(error: dict[str, Any], preset: str = "openai") -> list[tuple[Any, ...]]:
    found = refused(json.dumps({"error": error}).encode(), preset=preset, model="m", now=NOW)
    return [
        (
            w.name,
            w.limit,
            w.remaining,
            None if w.resets_at is None else round(w.resets_at - NOW, 3),
            w.models,
            w.refused,
        )
        for w in found
    ]


def test_openai_tells_the_limit_in_words() -> None:
    message = (
        "Rate limit reached for gpt-4.1 in organization org-x on tokens per min (TPM): Limit 30000, Used 29500, "
        "Requested 1200. Please try again in 1.4s. Visit https://platform.openai.com/account/rate-limits to learn more."
    )
    assert said({"message": message, "type": "tokens"}) == [("tokens/minute", 30000, 500, 1.4, "m", None)]


def test_groq_tells_the_day_in_words() -> None:
    message = (
        "Rate limit reached for model `llama-3.3-70b-versatile` in organization `org_x` service tier `on_demand` on "
        "requests per day (RPD): Limit 1000, Used 1000, Requested 1. Please try again in 1m26.4s."
    )
    assert said({"message": message}, "groq") == [("requests/day", 1000, 0, 86.4, "m", None)]


def test_codex_tells_when_its_plan_begins_anew() -> None:
    error = {
        "type": "usage_limit_reached",
        "plan_type": "plus",
        "resets_at": 1800003600,
        "resets_in_seconds": 3600,
    }
    assert said(error) == [("plan", 100, 0, 3600, "", True)]
    del error["resets_at"]
    assert said(error) == [("plan", 100, 0, 3600, "", True)]


def gemini(quota_id: str, **more: Any) -> dict[str, Any]:
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/x",
        "quotaId": quota_id,
        "quotaValue": "50",
        **more,
    }
    return {
        "code": 429,
        "status": "RESOURCE_EXHAUSTED",
        "message": "You exceeded your current quota",
        "details": [
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"},
        ],
    }


def test_gemini_tells_which_quota() -> None:
    minute = gemini(
        "GenerateContentInputTokensPerModelPerMinute-FreeTier", quotaDimensions={"model": "gemini-2.5-pro"}
    )
    assert said(minute) == [("tokens/minute", 50, 0, 37, "gemini-2.5-pro", None)] or said(minute) == [
        ("input_tokens/minute", 50, 0, 37, "gemini-2.5-pro", None)
    ]
    ((name, limit, left, until, model, _),) = said(
        gemini("GenerateRequestsPerDayPerProjectPerModel-FreeTier")
    )
    assert (name, limit, left, model) == ("requests/day", 50, 0, "m")
    there = datetime.fromtimestamp(NOW + until, UTC).astimezone(ZoneInfo("America/Los_Angeles"))
    assert (there.hour, there.minute, 0 < until <= 86400) == (0, 0, True)


def test_openrouter_repeats_its_headers() -> None:
    headers = {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800057600000"}
    error = {
        "message": "Rate limit exceeded: free-models-per-day",
        "code": 429,
        "metadata": {"headers": headers},
    }
    assert said(error, "openrouter") == [("requests/day", 50, 0, 57600, "", None)]


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", b"[]", b'{"error": "no"}', b'{"error": {"details": [1, {"violations": 3}]}}', b'{"error": {"type": "usage_limit_reached", "resets_at": "soon"}}'],
    ids=["empty", "text", "list", "words", "odd", "no-time"],
)  # fmt: skip
def test_what_is_not_understood_is_left_out(body: bytes) -> None:
    for window in refused(body, preset="openai", model="m", now=NOW):
        assert window.resets_at is None


@given(st.binary(max_size=200))
def test_no_body_fails(body: bytes) -> None:
    refused(body, preset="openai", model="m", now=NOW)
    fetched("openrouter", [body, None], now=NOW)
    fetched("deepseek", [body], now=NOW)


def test_openrouter_tells_the_keys_limit_and_its_credits() -> None:
    key = {"data": {"limit": 10, "limit_remaining": 7.5, "limit_reset": "monthly", "usage": 2.5}}
    credit = {"data": {"total_credits": 25.0, "total_usage": 5.25}}
    limit, balance = fetched("openrouter", [json.dumps(each).encode() for each in (key, credit)], now=NOW)
    assert (limit.name, limit.span, limit.unit, limit.limit, limit.remaining) == (
        "key",
        "month",
        "usd",
        10,
        7.5,
    )
    assert limit.resets_at == datetime(2027, 2, 1, tzinfo=UTC).timestamp()
    assert (balance.name, balance.span, balance.remaining, balance.resets_at) == (
        "credits",
        "balance",
        19.75,
        None,
    )


def test_openrouter_without_a_limit_and_without_a_management_key() -> None:
    assert fetched("openrouter", [b'{"data": {"limit": null, "limit_remaining": null}}', None], now=NOW) == ()


@pytest.mark.parametrize(
    ("reset", "until"),
    [
        ("daily", datetime(2027, 1, 16, tzinfo=UTC)),
        ("weekly", datetime(2027, 1, 18, tzinfo=UTC)),
        (None, None),
    ],
    ids=["daily", "weekly", "never"],
)
def test_openrouter_resets(reset: str | None, until: datetime | None) -> None:
    body = json.dumps({"data": {"limit": 1, "limit_remaining": 0, "limit_reset": reset}}).encode()
    (window,) = fetched("openrouter", [body, None], now=NOW)
    assert window.resets_at == (None if until is None else until.timestamp())


def test_deepseek_tells_its_balances() -> None:
    infos = [
        {
            "currency": "CNY",
            "total_balance": "110.00",
            "granted_balance": "10.00",
            "topped_up_balance": "100.00",
        },
        {"currency": "USD", "total_balance": "0.00", "granted_balance": "0.00", "topped_up_balance": "0.00"},
    ]
    full, empty = fetched(
        "deepseek", [json.dumps({"is_available": True, "balance_infos": infos}).encode()], now=NOW
    )
    assert (full.name, full.unit, full.remaining, full.refused) == ("balance/cny", "cny", 110.0, False)
    assert (empty.name, empty.remaining, empty.refused) == ("balance/usd", 0.0, False)
    (spent,) = fetched(
        "deepseek", [json.dumps({"is_available": False, "balance_infos": infos[1:]}).encode()], now=NOW
    )
    assert spent.refused is True
