"""How long a provider asks us to wait, wherever it says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

_MAX = 24 * 3600.0
"""The longest wait that is believed; how long anybody pauses for it is `routing.pause_max`."""

_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d*)?|-?\.\d+", re.ASCII)
_DURATION = re.compile(
    r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d*)?)s)?(?:(\d+(?:\.\d*)?)ms)?", re.ASCII
)
_SCALE = (86400.0, 3600.0, 60.0, 1.0, 0.001)
_EPOCH = 1e9
"""Larger numbers are moments (seconds or milliseconds since 1970), not durations."""

_MEMBER = re.compile(
    rb'"(?:retryDelay|resets_in_seconds|retry_after_ms|retry_after|resets_at)"\s*:\s*"?(\d{4}-[\dT:.Z+-]+|[\d.]+s?)"?'
)
_IN_TEXT = re.compile(
    rb"(?:(?:try again|retry|reset|wait)[^.]{0,40}?\b(?:in|after|for)|\bwait)\s+(?:about\s+)?"
    rb"((?:\d+(?:\.\d+)?(?:ms|[dhms])\s?)+(?![a-z])|\d+(?:\.\d+)?)"
    rb"(?:\s*(milliseconds?|seconds?|secs?|minutes?|mins?|hours?))?",
    re.IGNORECASE,
)
_UNITS = {"mil": 0.001, "sec": 1.0, "min": 60.0, "hou": 3600.0}


class _Limit(NamedTuple):
    """The headers in which a provider tells one of its limits: what is left, when it is full again, how large."""

    left: str
    reset: str
    size: str


_LIMITS = (
    *(
        _Limit(f"x-ratelimit-remaining{which}", f"x-ratelimit-reset{which}", f"x-ratelimit-limit{which}")
        for which in (
            "-requests", "-tokens", "", "-requests-day", "-tokens-minute", "-tokens-day", "-input-tokens",
            "-output-tokens",
        )
    ),
    *(
        _Limit(
            f"anthropic-ratelimit-{which}-remaining",
            f"anthropic-ratelimit-{which}-reset",
            f"anthropic-ratelimit-{which}-limit",
        )
        for which in ("requests", "tokens", "input-tokens", "output-tokens")
    ),
    *(
        _Limit(f"{prefix}-remaining", f"{prefix}-reset", f"{prefix}-limit")
        for prefix in ("ratelimit", "ratelimitbysize", "x-ratelimitbysize")
    ),
)  # fmt: skip


def seconds(headers: Mapping[str, str], body: bytes, *, now: float) -> float | None:
    """Return the seconds to wait after a refusal, at most a day, or None where nothing is said.

    Looks at `retry-after-ms`, `x-ms-retry-after-ms`, `retry-after` (seconds or date), the reset
    headers of used-up limits, members such as Google's `retryDelay` and `resets_at`, and phrases such as
    "try again in 3.2s". `now` is wall time; header names are in lower case.
    """
    found = _from_headers(headers, now)
    if found is None:
        found = _from_body(body[:4096], now)
    return None if found is None else min(max(found, 0.0), _MAX)


def duration(text: str) -> float | None:
    """Return the seconds that `1h2m3.5s`, `120ms` or a bare number mean."""
    text = text.strip()
    if (number := _number(text)) is not None:
        return number
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    return sum(float(part) * scale for part, scale in zip(found.groups(), _SCALE, strict=True) if part)


def used_up(headers: Mapping[str, str], *, now: float) -> float | None:
    """Return for how many seconds a good answer says that nothing more is left, None where it does not.

    Of several limits the one that resets last counts. A limit whose size is 0 is none.
    """
    resets = [
        moment
        for limit in _LIMITS
        if (left := headers.get(limit.left)) is not None
        and (number := _number(left)) is not None
        and number <= 0
        and _number(headers.get(limit.size, "")) != 0
        and (moment := _moment(headers.get(limit.reset, ""), now)) is not None
    ]
    found = max(resets, default=0.0)
    return min(found, _MAX) if found > 0 else None


def _from_headers(headers: Mapping[str, str], now: float) -> float | None:
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if (value := _number(headers.get(name, ""))) is not None:
            return value / 1000
    if (plain := _moment(headers.get("retry-after", ""), now)) is not None:
        return plain
    used, untold = list[float](), list[float]()
    for limit in _LIMITS:
        if (reset := _moment(headers.get(limit.reset, ""), now)) is None:
            continue
        number = _number(headers.get(limit.left, ""))
        if number is None and limit.left not in headers:
            untold.append(reset)
        elif number is not None and number <= 0:
            used.append(reset)
    # Who refuses and tells only when a limit resets, not what is left of it, means that one.
    return max(used or untold, default=None)


def _from_body(body: bytes, now: float) -> float | None:
    if (member := _MEMBER.search(body)) is not None:
        found = _moment(member[1].decode(), now)
        return found / 1000 if found is not None and b"_ms" in member[0] else found
    if (phrase := _IN_TEXT.search(body)) is None:
        return None
    value = duration(phrase[1].decode().replace(" ", "").lower())
    unit = (phrase[2] or b"sec").decode()[:3].lower()
    return None if value is None else value * _UNITS[unit]


def _moment(text: str, now: float) -> float | None:
    """Return the seconds from `now` that `text` means: a duration, a moment since 1970, or a date."""
    value = duration(text)
    if value is None:
        return _until(text, now)
    if value < _EPOCH:
        return value
    return (value / 1000 if value >= _EPOCH * 1000 else value) - now


def _number(text: str) -> float | None:
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def _until(text: str, now: float) -> float | None:
    """Read an HTTP date or an RFC 3339 one; without a zone both mean UTC."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
        except (TypeError, ValueError, OverflowError, IndexError):
            continue
    return None


__all__ = ["duration", "seconds", "used_up"]
