"""How long a provider asks us to wait, wherever it says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from flowrouter.wire.moments import duration
from flowrouter.wire.moments import moment as _moment
from flowrouter.wire.moments import number as _number

_MAX = 24 * 3600.0
"""The longest wait that is believed; how long anybody pauses for it is `routing.pause_max`."""

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

_LEFT = frozenset(limit.left for limit in _LIMITS)


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


says_nothing = _LEFT.isdisjoint
"""Tells of the headers of a good answer whether `used_up` has nothing to read there, as of nearly all."""


def used_up(headers: Mapping[str, str], *, now: float) -> float | None:
    """Return for how many seconds a good answer says that nothing more is left, None where it does not.

    Of several limits the one that resets last counts. A limit whose size is 0 is none.
    """
    if says_nothing(headers):
        return None
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


__all__ = ["duration", "says_nothing", "seconds", "used_up"]
