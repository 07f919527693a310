"""How long a provider asks us to wait, wherever it says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_MAX = 30 * 60.0
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d*)?|-?\.\d+", re.ASCII)
_DURATION = re.compile(
    r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d*)?)s)?(?:(\d+(?:\.\d*)?)ms)?", re.ASCII
)
_SCALE = (86400.0, 3600.0, 60.0, 1.0, 0.001)
_EPOCH = 1e9
"""Larger numbers are moments (seconds or milliseconds since 1970), not durations."""

_MEMBER = re.compile(rb'"(?:retryDelay|resets_in_seconds|retry_after|resets_at)"\s*:\s*"?([\d.]+)s?"?')
_IN_TEXT = re.compile(
    rb"(?:try again|retry|reset)[^.]{0,40}?\bin\s+(?:about\s+)?"
    rb"(\d[\dhms.]*)(?:\s*(milliseconds?|seconds?|minutes?|mins?|hours?))?",
    re.IGNORECASE,
)
_UNITS = {"mil": 0.001, "sec": 1.0, "min": 60.0, "hou": 3600.0}

# (what is left, when it is full again) of each limit a provider may report.
_LIMITS = (
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    ("anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
    ("anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"),
)


def seconds(headers: Mapping[str, str], body: bytes, *, now: float) -> float | None:
    """Return the seconds to wait, at most 30 minutes, or None where nothing is said.

    Looks at `retry-after-ms`, `x-ms-retry-after-ms`, `retry-after` (seconds or date), the reset
    headers of used-up limits, members such as Google's `retryDelay`, and phrases such as "try again
    in 3.2s". `now` is wall time; header names are in lower case.
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


def _from_headers(headers: Mapping[str, str], now: float) -> float | None:
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if (value := _number(headers.get(name, ""))) is not None:
            return value / 1000
    if (plain := _moment(headers.get("retry-after", ""), now)) is not None:
        return plain
    resets = [
        _moment(headers.get(reset, ""), now)
        for left, reset in _LIMITS
        if (number := _number(headers.get(left, ""))) is not None and number <= 0
    ]
    return max((reset for reset in resets if reset is not None), default=None)


def _from_body(body: bytes, now: float) -> float | None:
    if (member := _MEMBER.search(body)) is not None:
        return _moment(member[1].decode(), now)
    if (phrase := _IN_TEXT.search(body)) is None:
        return None
    value = duration(phrase[1].decode().rstrip("."))
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


__all__ = ["duration", "seconds"]
