"""`flow-router providers adopt`: take up what was found on this machine, or see what there is."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from flowrouter.accounts.account import Account
from flowrouter.cli import output
from flowrouter.cli.desk import Desk, closest, opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder
from flowrouter.errors import ConfigError
from flowrouter.features.discovery.finder import FEATURE, Finder
from flowrouter.gateway.adoption import draft_of
from flowrouter.httpkit.keys import LOCAL_OWNER


def adopt(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="What to take up; without it: list.")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Take up everything that was found.")] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Take up keys of the environment and model servers of this machine as accounts, or list them."""
    with opened(config, data) as desk:
        found = _found(desk)
        if not names and not every:
            _list(found, as_json=as_json)
            return
        shown = [account for account in desk.world.accounts.values() if account.source == "found"]
        chosen = shown if every else [_named(name, found, desk) for name in names or ()]
        made = [_take_up(account, desk) for account in chosen]
    if as_json:
        output.as_json(made)
    elif not made:
        output.note("Nothing was found that is not in use already.")


def _found(desk: Desk) -> dict[str, Account]:
    """Return what can be taken up now by name: dismissed finds too, since they are asked for."""
    finder: Finder | None = desk.application.features.get(FEATURE)
    if finder is None:
        raise ConfigError(
            "looking for keys and servers is switched off", fix="set `discovery.enabled = true`"
        )
    asyncio.run(finder.look())
    written = [account for account in desk.world.accounts.values() if account.source in ("config", "store")]
    return {account.name: account for account in finder.candidates(written)}


def _named(name: str, found: dict[str, Account], desk: Desk) -> Account:
    if name in found:
        return found[name]
    if any(account.name == name and account.source != "found" for account in desk.world.accounts.values()):
        raise ConfigError(f"{name!r} is in use already", fix="see: flow-router providers list")
    fix = closest(name, found) or f"add it: flow-router providers add {name}"
    raise ConfigError(f"nothing called {name!r} was found here", fix=fix)


def _take_up(found: Account, desk: Desk) -> dict[str, Any]:
    preset = desk.catalog.get(found.preset)
    made = desk.management.accounts.create(draft_of(found, preset), owner_id=LOCAL_OWNER)
    output.note(f"Adopted {made.name!r} ({preset.name}), found in {found.found_in}.")
    return {"name": made.name, "preset": made.preset, "found_in": found.found_in}


def _list(found: dict[str, Account], *, as_json: bool) -> None:
    rows = [
        {"name": account.name, "preset": account.preset, "found_in": account.found_in}
        for account in found.values()
    ]
    if as_json:
        output.as_json(rows)
    elif rows:
        output.table(("Name", "Preset", "Found in"), [tuple(row.values()) for row in rows])
        output.note("Take one up: flow-router providers adopt NAME")
    else:
        output.note("Nothing was found that is not in use already.")


__all__ = ["adopt"]
