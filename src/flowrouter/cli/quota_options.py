"""The options that say what an account may use at its provider, and what is kept back: `--quota 500requests/5h`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import typer

from flowrouter.cli.budget_options import METRICS
from flowrouter.errors import ConfigError
from flowrouter.settings.quotas import QuotaLimit, reserves

Quota = Annotated[
    list[str] | None,
    typer.Option(
        "--quota",
        metavar="AMOUNT/WINDOW",
        help="What it may use: 500requests/5h, 2000000tokens/week, 20usd/month; may be given again. none: no limit.",
    ),
]
Reserve = Annotated[
    str | None,
    typer.Option(
        "--reserve",
        metavar="LIST",
        help="How much of its windows is kept back: 10%, week:20%, 5usd; with commas. none: nothing.",
    ),
]

_FORM = re.compile(r"\$?(\d+(?:\.\d+)?)\s*(usd|tokens?|requests?)?\s*/\s*([a-z0-9]+)")
_FIX = "write 500requests/5h, 2000000tokens/week or 20usd/month"


def limits(quota: Sequence[str] | None, reserve: str | None) -> dict[str, Any]:
    """Return both as members of an account, None where an option was not given; raises `ConfigError`."""
    return {"quota": quota_of(quota), "reserve": reserve_of(reserve)}


def quota_of(texts: Sequence[str] | None) -> tuple[QuotaLimit, ...] | None:
    """Return the limits that were given; None where the option was not; raises `ConfigError`."""
    if texts is None:
        return None
    if [text.strip().lower() for text in texts] == ["none"]:
        return ()
    given: dict[str, dict[str, Any]] = {}
    for text in texts:
        found = _FORM.fullmatch(text.strip().lower().replace(",", "").replace("_", ""))
        if found is None:
            raise ConfigError(f"--quota: {text!r} is no limit", fix=_FIX)
        metric = METRICS[found[2] or ""]
        value = found[1] if metric == "usd" else _whole(found[1], text)
        given.setdefault(found[3], {"window": found[3]})[metric] = value
    try:
        return msgspec.convert(list(given.values()), tuple[QuotaLimit, ...])
    except msgspec.ValidationError as error:
        raise ConfigError(f"--quota: {error}", fix=_FIX) from None


def reserve_of(text: str | None) -> str | None:
    """Return what is kept back, checked; None where the option was not given; raises `ConfigError`."""
    if text is None:
        return None
    if text.strip().lower() == "none":
        return ""
    try:
        reserves(text)
    except ValueError as error:
        raise ConfigError(f"--{error}") from None
    return text.strip()


def _whole(text: str, given: str) -> int:
    if "." in text:
        raise ConfigError(f"--quota: {given!r}: requests and tokens are whole numbers", fix=_FIX)
    return int(text)


__all__ = ["Quota", "Reserve", "limits", "quota_of", "reserve_of"]
