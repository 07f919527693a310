"""An account's windows at its provider: what they hold, whether they are closed, how long they will last.

A window is what somebody said about one limit at one moment. Amounts are in the window's own unit: US dollars
and yuan as they are, shares in percent. Times are wall seconds, `now` is an argument.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Literal

import msgspec

from flowrouter.settings.quotas import Reserve

Unit = Literal["requests", "tokens", "input_tokens", "output_tokens", "percent", "usd", "cny", "credits"]
Source = Literal["header", "body", "fetched", "derived"]
"""Told by an answer's headers, by a refusal's body, by the provider when asked; or counted by us."""

HOUR = 3600.0
_SECONDS = {
    "second": 1.0,
    "minute": 60.0,
    "hour": HOUR,
    "day": 86400.0,
    "week": 7 * 86400.0,
    "month": 30 * 86400.0,
}
_LENGTH = re.compile(r"(\d+)([mhd])")
_UNITS = {"m": 60.0, "h": HOUR, "d": 86400.0}
_PAST_MAX = 12
_SURE = 60.0
"""Seconds of history below which a pace says nothing."""


class Window(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One limit as last heard of; None is unknown.

    `span`: `minute`, `day`, `5h`, …, `balance` for what does not come back by itself, empty where nobody says.
    `models`: the one model it holds for, a glob of them, or empty for the account. `refused` is the provider's own
    word: True closed, False open whatever the numbers say. `began_at`: when nothing of it was used. `past`: earlier
    readings, as time and use, for the pace.
    """

    name: str
    unit: Unit
    source: Source
    as_of: float
    span: str = ""
    limit: float | None = None
    used: float | None = None
    remaining: float | None = None
    resets_at: float | None = None
    models: str = ""
    refused: bool | None = None
    began_at: float | None = None
    past: tuple[tuple[float, float], ...] = ()

    @property
    def key(self) -> str:
        """Return what tells it from the account's other windows."""
        return f"{self.name}\0{self.models}"

    @property
    def seconds(self) -> float | None:
        """Return how long it lasts, as far as its span says."""
        return span_seconds(self.span)

    def over(self, now: float) -> bool:
        """Return whether its reset is past: what it said holds no more."""
        return self.resets_at is not None and now >= self.resets_at

    def concerns(self, model: str) -> bool:
        """Return whether it holds for `model`."""
        if self.models in ("", model):
            return True
        return "*" in self.models and fnmatchcase(model.lower(), self.models)


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """Why an account is not asked until then; `kept`: not used up, but the rest is kept back."""

    reason: str
    until: float
    kept: bool
    models: str = ""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a window at its present pace; `lasts` None where it has no reset to last until."""

    runs_out_at: float | None
    lasts: bool | None


def span_seconds(span: str) -> float | None:
    """Return how long a span lasts; None for a balance and for what is unknown."""
    if (known := _SECONDS.get(span)) is not None:
        return known
    found = _LENGTH.fullmatch(span)
    return None if found is None else int(found[1]) * _UNITS[found[2]]


def span_named(seconds: float) -> str:
    """Return what a window of so many seconds is called."""
    named = next((name for name, length in _SECONDS.items() if abs(length - seconds) < 0.02 * length), None)
    if named is not None:
        return named
    for unit, length in (("d", 86400), ("h", 3600)):
        if seconds >= length and seconds % length == 0:
            return f"{round(seconds / length)}{unit}"
    return f"{max(1, round(seconds / 60))}m"


def filled(window: Window) -> Window:
    """Return `window` with what follows from its other numbers."""
    limit, used, left = window.limit, window.used, window.remaining
    if limit is not None and left is None and used is not None:
        return msgspec.structs.replace(window, remaining=max(0.0, limit - used))
    if limit is not None and used is None and left is not None:
        return msgspec.structs.replace(window, used=max(0.0, limit - left))
    return window


def merged(before: Window | None, new: Window) -> Window:
    """Return `new` with the readings that came before it, as long as they are of the same window."""
    if before is None or before.over(new.as_of):
        return new
    if new.limit is None and before.limit is not None and new.unit == before.unit:
        # A refusal may tell the reset only; the size was told before.
        new = filled(msgspec.structs.replace(new, limit=before.limit))
    then, use = _use(before), _use(new)
    if then is None or use is None:
        return new
    later = (new.resets_at or 0.0) - (before.resets_at or new.resets_at or 0.0)
    began_anew = use < then or later > 0.02 * (new.seconds or HOUR)
    if began_anew:
        return new
    past = before.past
    spacing = max(30.0, (new.seconds or 20 * HOUR) / 100)
    if not past or before.as_of >= past[-1][0] + spacing:
        past = (*past, (before.as_of, then))[-_PAST_MAX:]
    return msgspec.structs.replace(new, past=past, began_at=new.began_at or before.began_at)


def kept_back(window: Window, reserves: Iterable[Reserve]) -> float:
    """Return how much of `window` is kept back, in its unit.

    A reserve without a window holds for those of an hour or more: what comes back within the minute needs none.
    """
    kept, short = 0.0, (window.seconds or HOUR) < HOUR
    for reserve in reserves:
        if reserve.window not in ("", window.span, window.name) or (not reserve.window and short):
            continue
        if reserve.unit == "percent" and window.limit is not None:
            kept = max(kept, window.limit * reserve.amount / 100)
        elif reserve.unit == window.unit:
            kept = max(kept, reserve.amount)
    return kept


def closed(window: Window, reserves: Iterable[Reserve], *, now: float) -> Closed | None:
    """Return why nothing of `window` may be used now; None where something may."""
    until = believed_until(window)
    if now >= until or window.limit == 0:
        return None
    what = told(window)
    left = window.remaining
    if window.refused or (window.refused is None and left is not None and left <= 0):
        return Closed(reason=f"quota: {what} is used up", until=until, kept=False, models=window.models)
    kept = kept_back(window, reserves)
    if left is not None and kept > 0 and left <= kept:
        reason = (
            f"quota: of {what} {amount(left, window.unit)} is left, {amount(kept, window.unit)} is kept back"
        )
        return Closed(reason=reason, until=until, kept=True, models=window.models)
    return None


def believed_until(window: Window) -> float:
    """Return until when what `window` says counts: its reset, or a while where it names none."""
    if window.resets_at is not None:
        return window.resets_at
    return window.as_of + min(window.seconds or HOUR, HOUR)


def forecast(window: Window, *, now: float) -> Forecast | None:
    """Return when `window` runs out at its present pace; None for short ones and where no pace is known."""
    left, use = window.remaining, _use(window)
    if left is None or use is None or (window.seconds or HOUR) < HOUR or window.over(now):
        return None
    then, before = window.past[0] if window.past else (window.began_at, 0.0)
    if then is None or now - then < _SURE:
        return None
    pace = (use - before) / (now - then)
    if pace <= 0:
        return Forecast(runs_out_at=None, lasts=True)
    ends = now + left / pace
    return Forecast(runs_out_at=ends, lasts=None if window.resets_at is None else ends >= window.resets_at)


def told(window: Window) -> str:
    """Return what people call a window: `the day's requests`, `the week's limit`, `the balance`."""
    what = "limit" if window.unit in ("percent", "credits") else window.unit.replace("_", " ")
    if window.unit in ("usd", "cny"):
        what = "money"
    if window.span == "balance":
        return "the balance"
    whose = f"the {window.span}'s {what}" if window.span else f"the limit of {what}"
    return f"{whose} for {window.models}" if window.models else whose


def amount(value: float, unit: Unit) -> str:
    """Return an amount with its unit."""
    match unit:
        case "percent":
            return f"{value:.3g}%"
        case "usd":
            return f"${value:,.2f}"
        case "cny":
            return f"{value:,.2f} CNY"
        case _:
            return f"{value:,.0f} {unit.replace('_', ' ')}"


def _use(window: Window) -> float | None:
    """Return what grows while the window is used."""
    if window.used is not None:
        return window.used
    return None if window.remaining is None else -window.remaining


__all__ = [
    "HOUR", "Closed", "Forecast", "Source", "Unit", "Window", "amount", "believed_until", "closed", "filled", "forecast",
    "kept_back", "merged", "span_named", "span_seconds", "told",
]  # fmt: skip
