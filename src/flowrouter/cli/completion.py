"""What the shell offers for names: accounts, keys, presets, models, dialects, as this machine has them.

A shell asks at every press of a key: nothing here writes to the terminal, fails, or makes a data
folder that is not there.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable
from typing import get_args

import typer

from flowrouter.cli.desk import Desk, opened
from flowrouter.gateway.ports import UsageGroup
from flowrouter.settings.routing import Strategy

_MOST = 200
_NOT_CHOSEN = "local"
"""The preset of the embedded model, which is nobody's to add."""


def accounts(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the accounts."""
    return _found(ctx, incomplete, lambda desk: [each.name for each in desk.world.accounts.values()])


def presets(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the ids of the presets."""
    return _found(ctx, incomplete, _preset_ids)


def new_accounts(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return what an account is often called: a preset's id; and those there are, to be changed."""
    return _found(
        ctx,
        incomplete,
        lambda desk: [*(each.name for each in desk.world.accounts.values()), *_preset_ids(desk)],
    )


def keys(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the live gateway keys."""
    return _found(ctx, incomplete, lambda desk: [key.name for key in desk.world.ring])


def models(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the models that can be asked for; with a slash in it, those of one account."""
    return _found(ctx, incomplete, lambda desk: _model_names(desk, prefixed="/" in incomplete))


def combos(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the combos."""
    return _found(ctx, incomplete, lambda desk: [combo.name for combo in desk.world.combos.values()])


def strategies(incomplete: str) -> list[str]:
    """Return how a combo can choose."""
    return [name for name in get_args(Strategy) if name.startswith(incomplete)]


def request_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the ids of the latest requests."""
    from flowrouter.gateway.ports import RequestFilter

    return _found(
        ctx,
        incomplete,
        lambda desk: [row.id for row in desk.management.requests.list(RequestFilter(), limit=20).rows],
    )


def dialects(incomplete: str) -> list[str]:
    """Return the dialects this version speaks."""
    from flowrouter.dialects import available

    return [name for name in available() if name.startswith(incomplete)]


def groups(incomplete: str) -> list[str]:
    """Return what usage can be grouped by."""
    return [name for name in get_args(UsageGroup) if name.startswith(incomplete)]


def kinds(incomplete: str) -> list[str]:
    """Return what can be translated."""
    return [name for name in ("request", "response", "stream") if name.startswith(incomplete)]


def _preset_ids(desk: Desk) -> list[str]:
    return [preset.id for preset in desk.catalog if preset.id != _NOT_CHOSEN]


def _model_names(desk: Desk, *, prefixed: bool) -> Iterable[str]:
    usable = [account for account in desk.world.facts.accounts if account.enabled and not account.problem]
    if prefixed:
        yield from (f"{account.name}/{name}" for account in usable for name in account.names)
    else:
        yield from desk.world.facts.aliases
        yield from (combo.name for combo in desk.world.facts.combos)
    yield from (name for account in usable for name in account.names)


def _found(ctx: typer.Context, incomplete: str, names: Callable[[Desk], Iterable[str]]) -> list[str]:
    """Return what `names` tells of the gateway that is meant, as far as it begins as typed."""
    from flowrouter import config

    file, data = ctx.params.get("config"), ctx.params.get("data")
    with contextlib.suppress(Exception), contextlib.redirect_stderr(io.StringIO()):
        settings = config.load({"config": file, "data": data}, secrets=False)
        if settings.data_dir.is_dir():
            with opened(file, data) as desk:
                fitting = (name for name in names(desk) if name.startswith(incomplete))
                return list(dict.fromkeys(fitting))[:_MOST]
    return []


__all__ = [
    "accounts",
    "combos",
    "dialects",
    "groups",
    "keys",
    "kinds",
    "models",
    "new_accounts",
    "presets",
    "request_ids",
    "strategies",
]
