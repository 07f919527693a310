"""`flow-router providers`: the presets there are, and the accounts at them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Annotated, Any, cast

import msgspec
import typer

from flowrouter import config as configuration
from flowrouter.accounts.account import Account, view
from flowrouter.accounts.oauth import RefreshError
from flowrouter.canonical.dialect import DIALECTS, Dialect
from flowrouter.cli import access, adopt, completion, output
from flowrouter.cli.codes import FAILED
from flowrouter.cli.desk import Desk, closest, opened, owner_of
from flowrouter.cli.options import (
    AccountName,
    ApiKey,
    AsJson,
    BaseUrl,
    Concurrency,
    ConfigFile,
    DataFolder,
    Detach,
    DialectNames,
    Enabled,
    ModelNames,
    PresetName,
    Priority,
    Tags,
    Unsupported,
    Weight,
    policy,
    words,
)
from flowrouter.cli.quota_options import Quota, Reserve, limits
from flowrouter.cli.resume import let_in, resume
from flowrouter.errors import ConfigError
from flowrouter.gateway.adoption import dismiss
from flowrouter.gateway.ports import AccountChange, AccountDraft
from flowrouter.gateway.trial import Outcome, Trial
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.providers.adapter import resolve_base_url
from flowrouter.providers.preset import Preset

_EMBEDDED = "local"
_ORIGINS = {"config": "config file", "store": "store", "embedded": "built in", "found": "found"}

app = typer.Typer(help="Providers and your accounts there.", no_args_is_help=True)


@app.command()
def presets(
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """List the providers that are known, to be named with `providers add --preset`."""
    with opened(config, data) as desk:
        found = [preset for preset in desk.catalog if preset.id != _EMBEDDED]
    if as_json:
        output.as_json([_preset_row(preset) for preset in found])
        return
    rows = [
        (
            preset.id,
            preset.name,
            preset.served_dialects,
            preset.auth.env_names or ("needed" if preset.auth.required else "none needed"),
            "needs --base-url" if preset.needs_url else preset.auth.key_url,
        )
        for preset in found
    ]
    output.table(("Preset", "Provider", "Dialects", "Key", "Where"), rows)


@app.command()
def add(  # noqa: PLR0917 - typer reads the options from here
    name: Annotated[
        str | None,
        typer.Argument(
            help="What to call the account; a preset's name implies it.",
            show_default=False,
            autocompletion=completion.new_accounts,
        ),
    ] = None,
    preset: PresetName = None,
    api_key: ApiKey = None,
    base_url: BaseUrl = None,
    models: ModelNames = None,
    priority: Priority = None,
    dialects: DialectNames = None,
    max_concurrency: Concurrency = None,
    unsupported: Unsupported = None,
    tags: Tags = None,
    weight: Weight = None,
    quota: Quota = None,
    reserve: Reserve = None,
    oauth_token_url: access.TokenUrl = None,
    oauth_client_id: access.ClientId = None,
    oauth_client_secret: access.ClientSecret = None,
    oauth_refresh_token: access.RefreshToken = None,
    oauth_scope: access.Scope = None,
    *,
    enabled: Enabled = None,
    replace: Annotated[bool, typer.Option("--replace", help="Change the account if it exists.")] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Add an account. The key is asked for unless it is given or stands in the preset's usual variable."""
    with opened(config, data) as desk:
        name = name or _ask("Account or preset", fix="see: flow-router providers presets")
        existing = _existing(desk, name, replace=replace)
        row = _preset(desk, preset or (existing.preset if existing else name))
        oauth = access.terms(
            oauth_token_url,
            oauth_client_id,
            secrets=(oauth_client_secret, oauth_refresh_token),
            scope=oauth_scope,
        )
        given: dict[str, Any] = {
            "name": name,
            "preset": row.id,
            "base_url": _base_url(row, base_url, existing),
            "api_key": None if oauth else _key(row, api_key, known=_has_credential(existing)),
            "oauth": oauth,
            "models": words(models),
            "priority": priority,
            "max_concurrency": max_concurrency,
            "unsupported": policy(unsupported),
            "tags": words(tags),
            "weight": weight,
            **limits(quota, reserve),
            "enabled": enabled,
            "dialects": _dialects(dialects, row),
        }
        _stored(desk, existing, given)
    _tell(name, row, existing)


@app.command("list")
def list_accounts(
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """List the accounts in the order they are asked."""
    with opened(config, data) as desk:
        views = [view(account) for account in desk.world.accounts.values()]
        owners = {account.id: owner_of(account, desk) for account in desk.world.accounts.values()}
    if as_json:
        rows = [msgspec.structs.asdict(row) | msgspec.structs.asdict(owners[row.id]) for row in views]
        output.as_json(rows)
        return
    if not views:
        output.note("No account yet. Add one: flow-router providers add")
        return
    if any(account.source == "found" for account in views):
        output.note("What was found is not in use; take it up: flow-router providers adopt NAME")
    rows = [
        (
            account.name,
            account.preset,
            account.priority,
            f"…{account.key_tail}" if account.key_tail else ("yes" if account.has_key else ""),
            account.models or "the provider's list",
            account.problem or ("on" if account.enabled else "off"),
            owners[account.id].managed_in
            or (_ORIGINS[account.source] if account.found_in is None else f"found in {account.found_in}"),
        )
        for account in views
    ]
    output.table(
        ("Account", "Preset", "Priority", "Key", "Models", "State", "From"), rows, right=("Priority",)
    )


@app.command("test")
def try_out(
    name: AccountName,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", help="The model to ask; default: a small one.", autocompletion=completion.models
        ),
    ] = None,
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Make one real, tiny call through an account: list its models, then ask one of them."""
    with opened(config, data) as desk:
        account = desk.account(name)
        if account.source == "found":
            raise ConfigError(
                f"{name!r} was found and is not in use yet", fix=f"flow-router providers adopt {name}"
            )
        outcome = asyncio.run(_try(desk, account, model, quiet=as_json))
    if as_json:
        output.as_json(outcome)
    elif not outcome.ok:
        output.note(f"failed:   {outcome.error}")
        if outcome.advice:
            output.note(f"          {outcome.advice.replace('NAME', name)}")
    if not outcome.ok:
        raise typer.Exit(FAILED)


@app.command()
def remove(
    name: AccountName,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    detach: Detach = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Remove an account and its key; what was logged of its use stays."""
    with opened(config, data, detach=detach) as desk:
        account = desk.account(name)
        if account.source == "found":
            dismiss(account, desk.management.settings)
            print(f"{name!r} is not shown again.")
            return
        _check_stored(account, desk)
        if not yes and sys.stdin.isatty() and not typer.confirm(f"Remove the account {name!r} and its key?"):
            raise typer.Exit(FAILED)
        desk.management.accounts.delete(account.id)
    print(f"Removed {name!r}.")


app.command("adopt")(adopt.adopt)
app.command("resume")(resume)


async def _try(desk: Desk, account: Account, model: str | None, *, quiet: bool) -> Outcome:
    if account.problem:
        return Outcome(ok=False, account=account.name, error=account.problem)
    application = desk.application
    try:
        account = await application.credentials.ready(account)
    except RefreshError as error:
        await application.transport.close()
        return Outcome(ok=False, account=account.name, error=error.message)
    trial = Trial(
        account,
        desk.catalog.get(account.preset),
        world=desk.world,
        transport=application.transport,
        lister=application.lister,
        clock=desk.clock,
        limit=desk.settings.timeouts.first_byte_plain,
        say=_nothing if quiet else print,
    )
    try:
        outcome = await trial.run(model)
        if outcome.ok:
            await let_in(desk, account.id)
        return outcome
    finally:
        await application.transport.close()


def _preset(desk: Desk, name: str) -> Preset:
    """Return the preset that an account may be made of; raises `ConfigError`."""
    row = desk.catalog.get(name)
    if row.id == _EMBEDDED:
        raise ConfigError("the embedded model needs no account", fix="flow-router local pull")
    return row


def _stored(desk: Desk, existing: Account | None, given: dict[str, Any]) -> Account:
    """Make an account of what is given (None: the default), or change the one there is; one credential stays."""
    stated = {key: value for key, value in given.items() if value is not None}
    if existing is None:
        return desk.management.accounts.create(AccountDraft(**stated), owner_id=LOCAL_OWNER)
    if "oauth" in stated:
        stated["api_key"] = None
    elif "api_key" in stated:
        stated["oauth"] = None
    return desk.management.accounts.update(existing.id, AccountChange(**stated))


def _has_credential(account: Account | None) -> bool:
    return account is not None and (account.api_key is not None or account.oauth is not None)


def _nothing(_: str) -> None:
    """Stand in for `print` where only the outcome is wanted."""


def _check_stored(account: Account, desk: Desk) -> None:
    """Raise `ConfigError` unless `account` is in the store, where commands change it."""
    if account.source == "config":
        where = desk.settings.file or "the configuration"
        raise ConfigError(f"{account.name!r} is declared by {where}", fix="change it there")
    if account.source == "embedded":
        fix = "flow-router local remove, or `local.mode` in config.toml"
        raise ConfigError(f"{account.name!r} is the embedded model's own account", fix=fix)


def _tell(name: str, row: Preset, existing: Account | None) -> None:
    print(f"{'Changed' if existing else 'Added'} {name!r} ({row.name}).")
    output.note(f"Try it: flow-router providers test {name}")


def _existing(desk: Desk, name: str, *, replace: bool) -> Account | None:
    """Return the account of this name, None where there is none; raises `ConfigError` where it may not be changed."""
    known = desk.world.accounts.values()
    existing = next((each for each in known if each.name == name and each.source != "found"), None)
    _check_replaceable(existing, name, replace=replace, desk=desk)
    return existing


def _check_replaceable(existing: Account | None, name: str, *, replace: bool, desk: Desk) -> None:
    if existing is None:
        return
    _check_stored(existing, desk)
    if not replace:
        raise ConfigError(f"there is already an account {name!r}", fix="add --replace to change it")


def _base_url(preset: Preset, given: str | None, existing: Account | None) -> str | None:
    """Return the base URL to store, checked; asks for it where the preset has none."""
    if given is None and existing is None and preset.needs_url:
        given = _ask(f"Base URL of {preset.name}, with its version segment", fix="--base-url URL")
    if given is not None:
        resolve_base_url(preset, preset.served_dialects[0], override=given)
    return given


def _key(preset: Preset, given: str | None, *, known: bool) -> str | None:
    """Return the key to store: as given, from stdin, a variable or a hidden prompt; None for none."""
    if given == "-":
        at_terminal = sys.stdin.isatty()
        given = (
            _ask(f"API key of {preset.name}", fix="", hidden=True) if at_terminal else sys.stdin.readline()
        )
    elif given is not None and given.startswith("env:"):
        name = given.removeprefix("env:")
        given = configuration.environment([name]).get(name)
        if given is None:
            raise ConfigError(f"the environment variable {name} is not set", fix=f"export {name}=...")
    if given is not None:
        return given.strip() or None
    if known or preset.auth.type == "none":
        return None
    for name, value in configuration.environment(preset.auth.env_names).items():
        output.note(f"Taking the key from {name}.")
        return value.strip()
    if not preset.auth.required:
        return None
    if preset.auth.key_url:
        output.note(f"Keys are made at {preset.auth.key_url}")
    fix = "give it with --api-key, or --api-key - to read it from stdin"
    return _ask(f"API key of {preset.name}", fix=fix, hidden=True)


def _ask(question: str, *, fix: str, hidden: bool = False) -> str:
    """Return what the user types; raises `ConfigError` where nobody sits at a terminal."""
    if not sys.stdin.isatty():
        raise ConfigError(f"needed: {question}", fix=fix)
    return str(typer.prompt(question, hide_input=hidden)).strip()


def _dialects(text: str | None, preset: Preset) -> tuple[Dialect, ...] | None:
    wanted = words(text)
    for word in wanted or ():
        if word not in DIALECTS:
            raise ConfigError(f"{word!r} is no dialect", fix=closest(word, DIALECTS) or ", ".join(DIALECTS))
        if preset.base_url(word) is None:
            spoken = ", ".join(preset.served_dialects)
            raise ConfigError(f"{preset.name} does not speak {word}", fix=f"it speaks {spoken}")
    return cast("tuple[Dialect, ...] | None", wanted)


def _preset_row(preset: Preset) -> dict[str, Any]:
    dialects: Sequence[Dialect] = preset.served_dialects
    return {
        "id": preset.id,
        "name": preset.name,
        "aliases": preset.aliases,
        "dialects": {dialect: preset.base_url(dialect) or None for dialect in dialects},
        "key_required": preset.auth.required and preset.auth.type != "none",
        "env_names": preset.auth.env_names,
        "key_url": preset.auth.key_url,
        "needs_base_url": preset.needs_url,
        "local": preset.local,
        "notes": preset.notes,
    }


__all__ = ["app"]
