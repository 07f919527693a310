"""`flow-router keys`: make, change, switch off, list and revoke the keys that callers of the gateway show."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
import typer

from flowrouter.api.admin.ownership import ownership
from flowrouter.cli import budget_options, completion, key_options, output
from flowrouter.cli.desk import opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder, Detach, Unsupported
from flowrouter.errors import ConfigError
from flowrouter.gateway.budgets import told
from flowrouter.gateway.ports import KeyChange
from flowrouter.httpkit.keys import LOCAL_OWNER, NO_POLICY, GatewayKey, KeyLimits
from flowrouter.settings.budgets import Budget

app = typer.Typer(help="Keys that callers of the gateway show.", no_args_is_help=True)

_SPAN = re.compile(r"(\d+)([hdwy])")
_HOURS = {"h": 1, "d": 24, "w": 24 * 7, "y": 24 * 365}
_NEVER = "never"

KeyName = Annotated[str, typer.Argument(help="Name or id of the key.", autocompletion=completion.keys)]
Expires = Annotated[
    str | None, typer.Option("--expires", metavar="SPAN", help="When it ends: 12h, 30d, 8w, 1y, or never.")
]


@app.command()
def create(  # noqa: PLR0917 - typer reads the options from here
    name: Annotated[str, typer.Argument(help="What to call it, e.g. the machine or program that uses it.")],
    expires: Expires = None,
    models: key_options.Models = None,
    accounts: key_options.Accounts = None,
    dialects: key_options.Dialects = None,
    requests_per_minute: key_options.RequestsPerMinute = None,
    requests_per_day: key_options.RequestsPerDay = None,
    tokens_per_minute: key_options.TokensPerMinute = None,
    tokens_per_day: key_options.TokensPerDay = None,
    concurrent: key_options.Concurrent = None,
    budget: budget_options.Budgets = None,
    unsupported: Unsupported = None,
    tags: key_options.KeyTags = None,
    owner: Annotated[
        str, typer.Option("--owner", metavar="NAME", help="Whose kept answers and receipts it sees.")
    ] = LOCAL_OWNER,
    *,
    hard: budget_options.Hard = None,
    scopes: key_options.Scopes = None,
    store: key_options.Stored = None,
    recording: key_options.Recorded = None,
    broken: key_options.Broken = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Make a key and show it, once. From the first key on, every call to the gateway needs one."""
    policy = key_options.edited(
        NO_POLICY,
        models=models,
        accounts=accounts,
        dialects=dialects,
        tags=tags,
        unsupported=unsupported,
        store=store,
        recording=recording,
        broken=broken,
        budgets=budget,
        hard=hard,
        limits={
            "requests_per_minute": requests_per_minute,
            "requests_per_day": requests_per_day,
            "tokens_per_minute": tokens_per_minute,
            "tokens_per_day": tokens_per_day,
            "concurrent": concurrent,
        },
    )
    with opened(config, data) as desk:
        ends = _end(expires, desk.clock.now())
        key, minted = desk.management.keys.create(
            name, owner_id=owner, scopes=key_options.scopes(scopes), expires_at_ms=ends, policy=policy
        )
    if as_json:
        output.as_json({**_public(key), "key": minted.token})
        return
    output.note(f"Key {name!r} — store it now, it is not shown again:")
    print(minted.token)
    output.note("Callers send it as `Authorization: Bearer …` or `x-api-key: …`.")


@app.command()
def edit(  # noqa: PLR0917 - typer reads the options from here
    name: KeyName,
    rename: Annotated[str | None, typer.Option("--rename", metavar="NAME", help="Its new name.")] = None,
    expires: Expires = None,
    models: key_options.Models = None,
    accounts: key_options.Accounts = None,
    dialects: key_options.Dialects = None,
    requests_per_minute: key_options.RequestsPerMinute = None,
    requests_per_day: key_options.RequestsPerDay = None,
    tokens_per_minute: key_options.TokensPerMinute = None,
    tokens_per_day: key_options.TokensPerDay = None,
    concurrent: key_options.Concurrent = None,
    unsupported: Unsupported = None,
    tags: key_options.KeyTags = None,
    *,
    store: key_options.Stored = None,
    recording: key_options.Recorded = None,
    broken: key_options.Broken = None,
    detach: Detach = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Change a key; what is not given stays, an empty list or 0 takes a bound away. Its secret stays the same."""
    limits = {
        "requests_per_minute": requests_per_minute,
        "requests_per_day": requests_per_day,
        "tokens_per_minute": tokens_per_minute,
        "tokens_per_day": tokens_per_day,
        "concurrent": concurrent,
    }
    with opened(config, data, detach=detach) as desk:
        key = desk.key(name)
        policy = key_options.edited(
            key.policy,
            limits=limits,
            models=models,
            accounts=accounts,
            dialects=dialects,
            tags=tags,
            unsupported=unsupported,
            store=store,
            recording=recording,
            broken=broken,
        )
        change = KeyChange(
            name=rename or msgspec.UNSET,
            policy=policy,
            expires_at_ms=msgspec.UNSET if expires is None else _end(expires, desk.clock.now()),
        )
        key = desk.management.keys.update(key.id, change, if_version=key.version)
    print(f"Changed {key.name!r}.")


@app.command()
def show(
    name: KeyName,
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Show what a key may use, how much, and how its requests are treated."""
    with opened(config, data) as desk:
        key = desk.key(name)
        now_ms = int(desk.clock.now() * 1000)
    if as_json:
        output.as_json({**_public(key), "state": key.state(now_ms)})
        return
    policy = key.policy
    rows = [
        ("Token", key.shown),
        ("State", key.state(now_ms)),
        ("Owner", key.owner_id),
        ("Models", policy.models or "all"),
        ("Accounts", policy.accounts or "all"),
        ("Dialects", policy.dialects or "all"),
        ("Limits", _limits(policy.limits) or "none"),
        ("Budgets", _budgets(policy.budgets) or "none"),
        ("Tags", policy.tags),
        ("Unsupported values", policy.unsupported),
        ("Answers kept", _said(policy.responses_store)),
        ("Bodies recorded", _said(policy.recording)),
        ("Broken streams", policy.completion),
        ("Created", output.moment(key.created_at_ms)),
        ("Expires", output.moment(key.expires_at_ms)),
        ("Last used", output.moment(key.last_used_at_ms)),
    ]
    output.table(("Key", key.name), [*rows, *([("Problem", key.problem)] if key.problem else [])])


@app.command("list")
def list_keys(
    *,
    as_json: AsJson = False,
    every: Annotated[bool, typer.Option("--all", help="Show revoked and expired keys too.")] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """List the keys; their secrets are not kept and cannot be shown."""
    with opened(config, data) as desk:
        now_ms = int(desk.clock.now() * 1000)
        keys = desk.management.keys.list()
    found = [key for key in keys if every or key.state(now_ms) not in ("revoked", "expired")]
    if as_json:
        output.as_json([{**_public(key), "state": key.state(now_ms)} for key in found])
        return
    if not found:
        output.note(
            "No key exists: calls from this machine need none. Make one: flow-router keys create NAME"
        )
        return
    rows = [
        (
            key.name,
            key.shown,
            key.state(now_ms),
            _bounds(key),
            output.moment(key.created_at_ms),
            output.moment(key.expires_at_ms),
            output.moment(key.last_used_at_ms),
            ownership(key.managed).managed_in or "console",
        )
        for key in found
    ]
    output.table(("Name", "Key", "State", "Bounds", "Created", "Expires", "Last used", "From"), rows)


@app.command()
def disable(
    name: KeyName, *, detach: Detach = False, config: ConfigFile = None, data: DataFolder = None
) -> None:
    """Switch a key off; a running gateway refuses it within a second. `enable` switches it on again."""
    with opened(config, data, detach=detach) as desk:
        key = desk.management.keys.update(desk.key(name).id, KeyChange(enabled=False))
    print(f"Disabled {key.name!r}.")


@app.command()
def enable(
    name: KeyName, *, detach: Detach = False, config: ConfigFile = None, data: DataFolder = None
) -> None:
    """Switch a key on that was switched off."""
    with opened(config, data, detach=detach) as desk:
        key = desk.management.keys.update(desk.key(name).id, KeyChange(enabled=True))
    print(f"Enabled {key.name!r}.")


@app.command()
def revoke(
    name: KeyName,
    *,
    detach: Detach = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Make a key useless for good; a running gateway refuses it within a second."""
    with opened(config, data, detach=detach) as desk:
        key = desk.management.keys.revoke(desk.key(name).id)
        left = sum(other.revoked_at_ms is None for other in desk.management.keys.list())
    print(f"Revoked {key.name!r}.")
    if not left:
        output.note("No key is left: calls from this machine need none again.")


def _public(key: GatewayKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "owner_id": key.owner_id,
        "shown": key.shown,
        "scopes": key.scopes,
        "created_at_ms": key.created_at_ms,
        "expires_at_ms": key.expires_at_ms,
        "disabled_at_ms": key.disabled_at_ms,
        "revoked_at_ms": key.revoked_at_ms,
        "last_used_at_ms": key.last_used_at_ms,
        "policy": key.policy,
        "version": key.version,
        **msgspec.structs.asdict(ownership(key.managed)),
    }


def _bounds(key: GatewayKey) -> tuple[str, ...]:
    """Return what a key may use and how much, in few words; nothing where that is everything."""
    policy = key.policy
    return (
        *policy.models,
        *(f"at {name}" for name in policy.accounts),
        *policy.dialects,
        *_limits(policy.limits),
        *_budgets(policy.budgets),
    )


def _limits(limits: KeyLimits) -> tuple[str, ...]:
    given = (
        (limits.requests_per_minute, "requests/min"),
        (limits.requests_per_day, "requests/day"),
        (limits.tokens_per_minute, "tokens/min"),
        (limits.tokens_per_day, "tokens/day"),
        (limits.concurrent, "at a time"),
    )
    return tuple(f"{limit:,} {what}" for limit, what in given if limit is not None)


def _budgets(budgets: tuple[Budget, ...]) -> tuple[str, ...]:
    return tuple(f"{told(each, each.limit)}/{each.period} ({each.mode})" for each in budgets)


def _said(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def _end(expires: str | None, now: float) -> int | None:
    """Return when a key ends, in milliseconds since the epoch, None for never."""
    if expires is None or expires == _NEVER:
        return None
    found = _SPAN.fullmatch(expires.strip().lower())
    if found is None or not int(found[1]):
        raise ConfigError(f"{expires!r} is no span of time", fix="write 12h, 30d, 8w, 1y or never")
    return int(now * 1000) + int(found[1]) * _HOURS[found[2]] * 3_600_000


__all__ = ["KeyName", "app"]
