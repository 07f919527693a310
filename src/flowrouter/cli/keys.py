"""`flow-router keys`: make, list and revoke the keys that callers of the gateway show."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from flowrouter.cli import completion, output
from flowrouter.cli.desk import opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder, Unsupported, policy
from flowrouter.errors import ConfigError
from flowrouter.httpkit.keys import LOCAL_OWNER, GatewayKey, KeyPolicy

app = typer.Typer(help="Keys that callers of the gateway show.", no_args_is_help=True)

_SPAN = re.compile(r"(\d+)([hdwy])")
_HOURS = {"h": 1, "d": 24, "w": 24 * 7, "y": 24 * 365}


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What to call it, e.g. the machine or program that uses it.")],
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="SPAN", help="When it ends: 12h, 30d, 8w, 1y.")
    ] = None,
    unsupported: Unsupported = None,
    *,
    store: Annotated[
        bool | None,
        typer.Option(
            "--store/--no-store", help="Whether answers of /v1/responses are kept.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Make a key and show it, once. From the first key on, every call to the gateway needs one."""
    with opened(config, data) as desk:
        ends = None if expires is None else int(desk.clock.now() * 1000) + _milliseconds(expires)
        key, minted = desk.management.keys.create(
            name,
            owner_id=LOCAL_OWNER,
            expires_at_ms=ends,
            policy=KeyPolicy(unsupported=policy(unsupported), responses_store=store),
        )
    if as_json:
        output.as_json({**_public(key), "key": minted.token})
        return
    output.note(f"Key {name!r} — store it now, it is not shown again:")
    print(minted.token)
    output.note("Callers send it as `Authorization: Bearer …` or `x-api-key: …`.")


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
        found = [key for key in desk.management.keys.list() if every or _state(key, now_ms) == "live"]
    if as_json:
        output.as_json([{**_public(key), "state": _state(key, now_ms)} for key in found])
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
            _state(key, now_ms),
            output.moment(key.created_at_ms),
            output.moment(key.expires_at_ms),
            output.moment(key.last_used_at_ms),
        )
        for key in found
    ]
    output.table(("Name", "Key", "State", "Created", "Expires", "Last used"), rows)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="Name or id of the key.", autocompletion=completion.keys)],
    *,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Make a key useless for good; a running gateway refuses it within a second."""
    with opened(config, data) as desk:
        key = desk.management.keys.revoke(desk.key(name).id)
        left = sum(other.revoked_at_ms is None for other in desk.management.keys.list())
    print(f"Revoked {key.name!r}.")
    if not left:
        output.note("No key is left: calls from this machine need none again.")


def _public(key: GatewayKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "shown": key.shown,
        "scopes": key.scopes,
        "created_at_ms": key.created_at_ms,
        "expires_at_ms": key.expires_at_ms,
        "revoked_at_ms": key.revoked_at_ms,
        "last_used_at_ms": key.last_used_at_ms,
        "policy": key.policy,
    }


def _state(key: GatewayKey, now_ms: int) -> str:
    if key.revoked_at_ms is not None:
        return "revoked"
    return "expired" if key.expires_at_ms is not None and key.expires_at_ms <= now_ms else "live"


def _milliseconds(span: str) -> int:
    found = _SPAN.fullmatch(span.strip().lower())
    if found is None or not int(found[1]):
        raise ConfigError(f"{span!r} is no span of time", fix="write 12h, 30d, 8w or 1y")
    return int(found[1]) * _HOURS[found[2]] * 3_600_000


__all__ = ["app"]
