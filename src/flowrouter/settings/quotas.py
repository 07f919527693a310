"""What the owner says of an account's limits at its provider, and how much of them is kept back.

`quota` of an account is a list of `QuotaLimit`; `reserve` a line such as `10%, week:20%, 5usd`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Literal

import msgspec

from flowrouter.settings.section import Count, Section

CALENDAR = ("minute", "hour", "day", "week", "month")
"""Windows that begin by the calendar; all others begin with the first request after the last one ended."""

_SPAN = re.compile(r"([1-9]\d{0,3})(m|h|d)")
_SECONDS = {"m": 60, "h": 3600, "d": 86400}
_RESERVE = re.compile(
    r"(?:([a-z][a-z0-9_/-]*|\d+[mhd])\s*:\s*)?(\d+(?:\.\d+)?)\s*(%|usd|cny|requests?|tokens?)"
)
_FIX = "write `10%`, `week:20%`, `5usd`, `100requests`, with commas"

ReserveUnit = Literal["percent", "usd", "cny", "requests", "tokens"]
_UNITS: dict[str, ReserveUnit] = {
    "%": "percent", "usd": "usd", "cny": "cny", "request": "requests", "requests": "requests",
    "token": "tokens", "tokens": "tokens",
}  # fmt: skip


class QuotaLimit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What an account may use in one window, counted by the gateway's own books.

    `window`: `minute`, `hour`, `day`, `week`, `month` by the calendar of `zone`, or a length such as `5h`, `90m`,
    `7d`, which begins with the first request. At least one of `requests`, `tokens` and `usd` is given.
    """

    window: str
    requests: Count | None = None
    tokens: Count | None = None
    usd: Decimal | None = None
    zone: Annotated[str, msgspec.Meta(max_length=60)] = "UTC"

    def __post_init__(self) -> None:
        if self.window not in CALENDAR and _SPAN.fullmatch(self.window) is None:
            known = ", ".join(CALENDAR)
            raise ValueError(f"{self.window!r} is no window; write {known}, or a length such as 5h, 90m, 7d")
        if self.requests is None and self.tokens is None and self.usd is None:
            raise ValueError("a quota needs `requests`, `tokens` or `usd`")
        if self.usd is not None and not (self.usd.is_finite() and 0 < self.usd < 1_000_000):
            raise ValueError("`usd` of a quota is more than 0 and less than a million")
        if self.zone != "UTC":
            _check_zone(self.zone)

    @property
    def length(self) -> float | None:
        """Return the seconds a window lasts, None where the calendar says it."""
        found = _SPAN.fullmatch(self.window)
        return None if found is None else float(int(found[1]) * _SECONDS[found[2]])


class Reserve(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept back of a window: `window` is its span or name, empty for every one of an hour or more."""

    amount: float
    unit: ReserveUnit
    window: str = ""


class Quotas(Section, frozen=True):
    """How often providers are asked what is left, in minutes, while their accounts are in use; 0: never unasked."""

    refresh_minutes: Annotated[float, msgspec.Meta(ge=0)] = 60.0


@lru_cache(maxsize=256)
def reserves(text: str) -> tuple[Reserve, ...]:
    """Return what a line such as `10%, week:20%, 5usd` keeps back; raises `ValueError`."""
    found: list[Reserve] = []
    for part in text.lower().split(","):
        if not part.strip():
            continue
        match = _RESERVE.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"reserve: {part.strip()!r} is not understood; {_FIX}")
        amount, unit = float(match[2]), _UNITS[match[3]]
        if unit == "percent" and amount > 100:
            raise ValueError(f"reserve: nobody can keep back {match[2]}%")
        found.append(Reserve(window=(match[1] or "").strip(), amount=amount, unit=unit))
    return tuple(found)


def _check_zone(zone: str) -> None:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(zone)
    except (OSError, ValueError, KeyError):
        raise ValueError(f"{zone!r} is no time zone; write one as `Europe/Berlin`") from None


__all__ = ["CALENDAR", "QuotaLimit", "Quotas", "Reserve", "ReserveUnit", "reserves"]
