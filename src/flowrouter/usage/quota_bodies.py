"""What refusals and providers' own accounts of quotas say in their bodies.

`refused` reads the body of a 429 (or another refusal), `fetched` the answers of a preset's quota addresses.
Whatever is not understood is left out. Sources, read in 2026-11: platform.openai.com/docs/guides/rate-limits,
console.groq.com/docs/rate-limits, ai.google.dev/gemini-api/docs/rate-limits, openrouter.ai/docs/api-reference/limits,
openrouter.ai/docs/api-reference/credits, api-docs.deepseek.com/api/get-user-balance; Codex's as recorded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec

from flowrouter.providers.preset import QuotaShape
from flowrouter.usage import quota_headers
from flowrouter.usage.quota import Unit, Window, filled
from flowrouter.wire import json
from flowrouter.wire.moments import duration

BODY_MAX = 16 * 1024

_TOLD = re.compile(
    r"on (?P<what>input tokens|output tokens|tokens|requests) per (?P<span>min|minute|hour|day|month)\b[^:]{0,40}: "
    r"Limit:? (?P<limit>[\d,]+),? (?:Used:? (?P<used>[\d,]+),? )?"
)
_AGAIN = re.compile(r"try again in ((?:\d+(?:\.\d+)?(?:ms|[dhms]))+)")
_GOOGLE = re.compile(r"(Requests|InputTokens|Tokens)[A-Za-z]*?Per(Minute|Day)")
_GOOGLE_UNITS: dict[str, Unit] = {"Requests": "requests", "InputTokens": "input_tokens", "Tokens": "tokens"}


def refused(body: bytes, *, preset: str, model: str, now: float) -> tuple[Window, ...]:
    """Return what the body of a refusal says of limits."""
    if len(body) > BODY_MAX:
        return ()
    error = _error(body)
    if error is None:
        return ()
    found = [
        *_usage_limit(error, now),
        *_google(error, model, now),
        *_passed_on(error, preset=preset, model=model, now=now),
    ]
    if not found and isinstance(message := error.get("message"), str):
        found = list(_in_words(message, model, now))
    return tuple(found)


def fetched(shape: QuotaShape, answers: Sequence[bytes | None], *, now: float) -> tuple[Window, ...]:
    """Return what a provider says of its account; `answers` as its addresses gave them, None where one refused."""
    read = {"openrouter": _openrouter, "deepseek": _deepseek}[shape]
    found = [_mapping(_loaded(answer)) for answer in (*answers, None, None)]
    return tuple(read(found, now))


def _usage_limit(error: Mapping[str, Any], now: float) -> Iterator[Window]:
    """Yield the window of a plan that is used up, as Codex tells it."""
    if error.get("type") != "usage_limit_reached":
        return
    at, after = _amount(error.get("resets_at")), _amount(error.get("resets_in_seconds"))
    yield Window(
        name="plan",
        unit="percent",
        source="body",
        as_of=now,
        limit=100.0,
        used=100.0,
        remaining=0.0,
        resets_at=at if at is not None else None if after is None else now + after,
        refused=True,
    )


def _google(error: Mapping[str, Any], model: str, now: float) -> Iterator[Window]:
    details = [_mapping(each) for each in _list(error.get("details"))]
    delay = next((duration(str(each["retryDelay"])) for each in details if "retryDelay" in each), None)
    for violation in (_mapping(v) for each in details for v in _list(each.get("violations"))):
        found = _GOOGLE.search(str(violation.get("quotaId", "")))
        limit = _amount(violation.get("quotaValue"))
        if found is None:
            continue
        unit, daily = _GOOGLE_UNITS[found[1]], found[2] == "Day"
        of = _mapping(violation.get("quotaDimensions")).get("model")
        yield Window(
            name=f"{unit}/{found[2].lower()}",
            unit=unit,
            source="body",
            as_of=now,
            span=found[2].lower(),
            limit=limit,
            used=limit,
            remaining=0.0,
            resets_at=_pacific_midnight(now) if daily else now + (60.0 if delay is None else delay),
            models=of if isinstance(of, str) else model,
        )


def _passed_on(error: Mapping[str, Any], *, preset: str, model: str, now: float) -> Iterator[Window]:
    """Yield what stands in headers that a body repeats, as OpenRouter's does."""
    headers = _mapping(_mapping(error.get("metadata")).get("headers"))
    lower = {str(name).lower(): str(value) for name, value in headers.items()}
    message = str(error.get("message", ""))
    span = next((word for word in ("minute", "day") if f"per-{word[:3]}" in message), "")
    for window in quota_headers.read(lower, preset=preset, model=model, now=now):
        yield msgspec.structs.replace(
            window,
            source="body",
            span=window.span or span,
            name=f"{window.name}/{span}" if span and not window.span else window.name,
        )


def _in_words(message: str, model: str, now: float) -> Iterator[Window]:
    """Yield the limit of OpenAI's and Groq's sentence: `on tokens per day (TPD): Limit 100000, Used 99500, …`."""
    found = _TOLD.search(message)
    if found is None:
        return
    unit = cast(Unit, found["what"].replace(" ", "_"))
    span = "minute" if found["span"] == "min" else found["span"]
    again = _AGAIN.search(message)
    limit, used = _amount(found["limit"]), _amount(found["used"])
    yield filled(
        Window(
            name=f"{unit}/{span}",
            unit=unit,
            source="body",
            as_of=now,
            span=span,
            limit=limit,
            used=used,
            resets_at=None if again is None else now + (duration(again[1]) or 0.0),
            models=model,
        )
    )


def _openrouter(answers: Sequence[Mapping[str, Any]], now: float) -> Iterator[Window]:
    """Yield the key's own limit, and the credits of its account where the key may see them."""
    key = _mapping(answers[0].get("data"))
    limit, left = _amount(key.get("limit")), _amount(key.get("limit_remaining"))
    reset = str(key.get("limit_reset") or "")
    if limit is not None:
        span = {"daily": "day", "weekly": "week", "monthly": "month"}.get(reset, "balance")
        yield filled(
            Window(
                name="key",
                unit="usd",
                source="fetched",
                as_of=now,
                span=span,
                limit=limit,
                remaining=left,
                resets_at=_next_start(span, now),
            )
        )
    credit = _mapping(answers[1].get("data"))
    total, used = _amount(credit.get("total_credits")), _amount(credit.get("total_usage"))
    if total is not None and used is not None:
        yield filled(
            Window(
                name="credits", unit="usd", source="fetched", as_of=now, span="balance", limit=total, used=used
            )
        )  # fmt: skip


def _deepseek(answers: Sequence[Mapping[str, Any]], now: float) -> Iterator[Window]:
    said = answers[0]
    for info in map(_mapping, _list(said.get("balance_infos"))):
        currency, left = str(info.get("currency", "")).lower(), _amount(info.get("total_balance"))
        if currency in ("usd", "cny") and left is not None:
            yield Window(
                name=f"balance/{currency}",
                unit=cast(Unit, currency),
                source="fetched",
                as_of=now,
                span="balance",
                remaining=left,
                # Of two purses the empty one closes nothing: the provider says whether calls are paid for.
                refused=False if said.get("is_available") is True else left <= 0,
            )


def _next_start(span: str, now: float) -> float | None:
    """Return when the next day, week or month begins (UTC, weeks on Monday); None for other spans."""
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    match span:
        case "day":
            after = day + timedelta(days=1)
        case "week":
            after = day + timedelta(days=7 - day.weekday())
        case "month":
            after = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        case _:
            return None
    return after.timestamp()


def _pacific_midnight(now: float) -> float:
    """Return the next midnight of the zone in which Google counts days."""
    from zoneinfo import ZoneInfo

    try:
        zone = ZoneInfo("America/Los_Angeles")
    except (OSError, KeyError):  # a machine without time zones: an hour early or late half the year
        return (now + 8 * 3600) // 86400 * 86400 + 86400 - 8 * 3600
    there = datetime.fromtimestamp(now, zone)
    return datetime(there.year, there.month, there.day, tzinfo=zone).timestamp() + 86400.0


def _error(body: bytes) -> Mapping[str, Any] | None:
    loaded = _loaded(body)
    if isinstance(loaded, list) and loaded:  # Gemini's array form
        loaded = cast("list[Any]", loaded)[0]
    error = _mapping(loaded).get("error")
    return cast("Mapping[str, Any]", error) if isinstance(error, dict) else None


def _loaded(body: bytes | None) -> Any:
    try:
        return None if body is None else json.loads(body)
    except json.JsonError:
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _amount(value: Any) -> float | None:
    """Return a number that may be written as a text."""
    if isinstance(value, bool):
        return None
    try:
        found = float(value.replace(",", "") if isinstance(value, str) else value)
    except (TypeError, ValueError):
        return None
    return found if abs(found) < 1e18 else None  # which no NaN is


__all__ = ["BODY_MAX", "fetched", "refused"]
