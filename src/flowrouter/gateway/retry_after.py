"""How long a provider asks us to wait, wherever it says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_MAX = 30 * 60.0
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)s)?(?:([\d.]+)ms)?")
_IN_TEXT = re.compile(rb"(?:try again|retry|reset)[^.]{0,40}?\bin\s+(?:about\s+)?([\dhms.]+)", re.IGNORECASE)
_SCALE = (3600.0, 60.0, 1.0, 0.001)


def seconds(headers: Mapping[str, str], body: bytes, *, now: float) -> float | None:
    """Return the seconds to wait, at most 30 minutes, or None where nothing is said.

    Looks at `retry-after-ms`, `x-ms-retry-after-ms`, `retry-after` (seconds or date), the reset
    headers of used-up limits, and phrases such as "try again in 3.2s". `now` is wall time.
    """
    found = _from_headers(headers, now)
    if found is None and (phrase := _IN_TEXT.search(body[:4096])) is not None:
        found = duration(phrase[1].decode().rstrip("."))
    return None if found is None else min(max(found, 0.0), _MAX)


def _from_headers(headers: Mapping[str, str], now: float) -> float | None:
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if (value := _number(headers.get(name))) is not None:
            return value / 1000
    plain = headers.get("retry-after")
    if plain is not None:
        number = _number(plain)
        return number if number is not None else _until(plain, now)
    for kind in ("requests", "tokens"):
        if headers.get(f"x-ratelimit-remaining-{kind}") == "0":
            return duration(headers.get(f"x-ratelimit-reset-{kind}", ""))
    return None


def duration(text: str) -> float | None:
    """Return the seconds that `1h2m3.5s`, `120ms` or a bare number mean."""
    if (number := _number(text)) is not None:
        return number
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    try:
        return sum(float(part) * scale for part, scale in zip(found.groups(), _SCALE, strict=True) if part)
    except ValueError:
        return None


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def _until(text: str, now: float) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() - now
    except (TypeError, ValueError):
        return None


__all__ = ["duration", "seconds"]
