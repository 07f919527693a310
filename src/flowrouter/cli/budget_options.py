"""The options that say what a gateway key may spend: `--budget 5usd/day --hard`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, get_args

import msgspec
import typer

from flowrouter.errors import ConfigError
from flowrouter.httpkit.keys import KeyPolicy
from flowrouter.settings.budgets import Budget, Metric, Period

Budgets = Annotated[
    list[str] | None,
    typer.Option(
        "--budget",
        metavar="AMOUNT/PERIOD",
        help="What it may use: 5usd/day, 2000000tokens/week, 500requests/month; may be given again. none: no budget.",
    ),
]
Hard = Annotated[
    bool | None,
    typer.Option(
        "--hard/--soft",
        help="Never spend more than the budget, or let answers finish (soft).",
        show_default=False,
    ),
]
Downgrade = Annotated[
    str | None,
    typer.Option("--downgrade", metavar="MODEL", help="What is asked instead once a budget is used up."),
]
Zone = Annotated[
    str | None,
    typer.Option("--zone", metavar="ZONE", help="Where its days begin: Europe/Berlin; UTC by default."),
]
Warn = Annotated[
    float | None, typer.Option("--warn", metavar="SHARE", help="From which part on callers are warned: 0.8.")
]
Unpriced = Annotated[
    bool | None,
    typer.Option(
        "--allow-unpriced/--refuse-unpriced",
        help="Whether models of unknown price may be used under a budget in USD.",
        show_default=False,
    ),
]

_FORM = re.compile(r"\$?(\d+(?:\.\d+)?)\s*(usd|tokens?|requests?)?\s*(?:/|\s+a\s+)\s*([a-z]+)")
METRICS: dict[str, Metric] = {
    "": "usd", "usd": "usd", "token": "tokens", "tokens": "tokens", "request": "requests", "requests": "requests",
}  # fmt: skip
_FIX = "write 5usd/day, 2000000tokens/week or 500requests/month"


def budgets_of(
    texts: Sequence[str] | None,
    before: tuple[Budget, ...],
    *,
    hard: bool | None = None,
    downgrade: str | None = None,
    zone: str | None = None,
    warn: float | None = None,
    unpriced: bool | None = None,
) -> tuple[Budget, ...] | None:
    """Return the budgets that were given, or those there are with what was said of them; None for no change.

    Raises `ConfigError`.
    """
    said: dict[str, Any] = {
        "mode": None if hard is None else ("hard" if hard else "soft"),
        "downgrade": downgrade,
        "zone": zone,
        "warn": warn,
        "unpriced": None if unpriced is None else ("allow" if unpriced else "refuse"),
    }
    said = {name: value for name, value in said.items() if value is not None}
    if texts is None:
        if not said:
            return None
        if not before:
            raise ConfigError("there is no budget to say this of", fix="give one: --budget 5usd/day")
        given = [msgspec.to_builtins(budget) for budget in before]
    elif [text.strip().lower() for text in texts] == ["none"]:
        return ()
    else:
        known = {(budget.metric, budget.period): msgspec.to_builtins(budget) for budget in before}
        read = [_read(text) for text in texts]
        given = [{**known.get((each["metric"], each["period"]), {}), **each} for each in read]
    try:
        return msgspec.convert([{**budget, **said} for budget in given], tuple[Budget, ...])
    except msgspec.ValidationError as error:
        raise ConfigError(f"this is no budget: {error}", fix=_FIX) from None


def with_budgets(policy: KeyPolicy, budgets: tuple[Budget, ...]) -> KeyPolicy:
    """Return `policy` with other budgets; raises `ConfigError`."""
    try:
        return msgspec.convert(
            {**msgspec.to_builtins(policy), "budgets": msgspec.to_builtins(budgets)}, KeyPolicy
        )
    except msgspec.ValidationError as error:
        raise ConfigError(f"these are no budgets for a key: {error}") from None


def _read(text: str) -> dict[str, Any]:
    found = _FORM.fullmatch(text.strip().lower().replace(",", "").replace("_", ""))
    if found is None or found[3] not in get_args(Period):
        raise ConfigError(f"--budget: {text!r} is no budget", fix=_FIX)
    return {"amount": found[1], "metric": METRICS[found[2] or ""], "period": found[3]}


__all__ = [
    "METRICS",
    "Budgets",
    "Downgrade",
    "Hard",
    "Unpriced",
    "Warn",
    "Zone",
    "budgets_of",
    "with_budgets",
]
