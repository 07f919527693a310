"""The options that say what a gateway key may use, how much, and how its requests are treated.

`create` and `edit` share them; what is not given is left alone, an empty list or 0 takes a bound away.
"""

from __future__ import annotations

from typing import Annotated, Any, cast, get_args

import msgspec
import typer

from flowrouter.canonical.dialect import Dialect
from flowrouter.cli.budget_options import budgets_of
from flowrouter.cli.options import policy, words
from flowrouter.errors import ConfigError
from flowrouter.httpkit.keys import KeyLimits, KeyPolicy
from flowrouter.settings.routing import Completion

Models = Annotated[
    str | None,
    typer.Option("--models", metavar="LIST", help="Models it may use: names and globs, with commas."),
]
Accounts = Annotated[
    str | None,
    typer.Option(
        "--accounts", metavar="LIST", help="Accounts or providers it may use: names and globs, with commas."
    ),
]
Dialects = Annotated[
    str | None,
    typer.Option("--dialects", metavar="LIST", help="Dialects it may speak, with commas: anthropic,gemini."),
]
RequestsPerMinute = Annotated[
    int | None, typer.Option("--requests-per-minute", min=0, help="0 is no limit.", show_default=False)
]
RequestsPerDay = Annotated[
    int | None, typer.Option("--requests-per-day", min=0, help="0 is no limit.", show_default=False)
]
TokensPerMinute = Annotated[
    int | None, typer.Option("--tokens-per-minute", min=0, help="0 is no limit.", show_default=False)
]
TokensPerDay = Annotated[
    int | None, typer.Option("--tokens-per-day", min=0, help="0 is no limit.", show_default=False)
]
Concurrent = Annotated[
    int | None,
    typer.Option("--concurrent", min=0, help="Requests in flight at a time; 0 is no limit."),
]
KeyTags = Annotated[
    str | None, typer.Option("--tags", metavar="LIST", help="What routing conditions choose by, with commas.")
]
Scopes = Annotated[
    str | None,
    typer.Option("--scopes", metavar="LIST", help="Rights beyond models: admin (/api), metrics (/metrics)."),
]
Stored = Annotated[
    bool | None,
    typer.Option("--store/--no-store", help="Whether answers of /v1/responses are kept.", show_default=False),
]
Recorded = Annotated[
    bool | None,
    typer.Option(
        "--recording/--no-recording",
        help="Whether bodies of its requests may be recorded.",
        show_default=False,
    ),
]
Broken = Annotated[
    str | None,
    typer.Option(
        "--completion",
        metavar="POLICY",
        help="What becomes of answers that break off: complete, best_effort or error.",
    ),
]


def scopes(text: str | None) -> tuple[str, ...]:
    """Return the scopes named in a list; raises `ConfigError`."""
    named = words(text) or ()
    for name in named:
        if name not in _SCOPES:
            raise ConfigError(f"--scopes: {name!r} is no scope", fix=f"use {' or '.join(_SCOPES)}")
    return named


_SCOPES = ("admin", "metrics")


def edited(
    before: KeyPolicy,
    *,
    limits: dict[str, int | None],
    models: str | None = None,
    accounts: str | None = None,
    dialects: str | None = None,
    tags: str | None = None,
    unsupported: str | None = None,
    store: bool | None = None,
    recording: bool | None = None,
    broken: str | None = None,
    budgets: list[str] | None = None,
    hard: bool | None = None,
) -> KeyPolicy:
    """Return `before` with what was given on the command line; raises `ConfigError`."""
    given: dict[str, Any] = {
        "models": words(models),
        "accounts": words(accounts),
        "dialects": _dialects(dialects),
        "tags": words(tags),
        "unsupported": policy(unsupported),
        "responses_store": store,
        "recording": recording,
        "completion": _completion(broken),
        "limits": _limits(before.limits, limits),
        "budgets": budgets_of(budgets, before.budgets, hard=hard),
    }
    made = msgspec.structs.replace(
        before, **{name: value for name, value in given.items() if value is not None}
    )
    try:
        return msgspec.convert(msgspec.to_builtins(made), KeyPolicy)
    except msgspec.ValidationError as error:
        raise ConfigError(f"this is no policy for a key: {error}") from None


def _limits(before: KeyLimits, given: dict[str, int | None]) -> KeyLimits:
    said = {name: value or None for name, value in given.items() if value is not None}
    return msgspec.structs.replace(before, **said)


def _dialects(text: str | None) -> tuple[Dialect, ...] | None:
    known = get_args(Dialect)
    names = words(text)
    for name in names or ():
        if name not in known:
            raise ConfigError(f"{name!r} is no dialect", fix=f"write {', '.join(known)}")
    return cast("tuple[Dialect, ...] | None", names)


def _completion(text: str | None) -> Completion | None:
    if text is None or text in get_args(Completion):
        return cast("Completion | None", text)
    raise ConfigError(f"{text!r} is no policy", fix="write complete, best_effort or error")


__all__ = [
    "Accounts",
    "Broken",
    "Concurrent",
    "Dialects",
    "KeyTags",
    "Models",
    "Recorded",
    "RequestsPerDay",
    "RequestsPerMinute",
    "Scopes",
    "Stored",
    "TokensPerDay",
    "TokensPerMinute",
    "edited",
    "scopes",
]
