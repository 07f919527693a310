"""`/api/settings`: the settings that may change while the gateway runs.

They stand beside `config.toml`, under the same names. An alias written in the file cannot be changed
here; `reply_model` of this document wins over the file's, and so does each member of `routing`. Combos
have routes of their own.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.reading import shaped
from flowrouter.errors import CallerError
from flowrouter.gateway.ports import ConflictError, StoredSettings
from flowrouter.gateway.runtime_settings import RuntimeSettings, StoredDiscovery, StoredModels
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.settings.prices import ModelPrice

_TAG = re.compile(r'"(\d{1,18})"')


class SettingsShown(msgspec.Struct, frozen=True, kw_only=True):
    """`values` is the stored document that a PATCH merges into, `in_force` what the gateway goes by."""

    values: dict[str, Any]
    in_force: RuntimeSettings
    version: int


async def get_settings(call: Call) -> Reply:
    """Return the settings; the ETag is for `If-Match` and `If-None-Match`."""
    _operators_only(call)
    stored = await call.ask(lambda store: store.settings.get(owner_id=LOCAL_OWNER))
    if _tag(stored) in [tag.strip() for tag in call.headers.get("if-none-match", "").split(",")]:
        return Reply(status=304, headers={"etag": _tag(stored)})
    return _shown(stored, call)


async def change_settings(call: Call) -> Reply:
    """Apply a JSON merge patch; with `If-Match` only to the version the caller has seen."""
    _operators_only(call)
    patch: dict[str, Any] = call.body
    _refuse_declared_aliases(patch, call)
    _refuse_combos(patch)
    version = _expected_version(call)
    try:
        stored = await call.ask(
            lambda store: store.settings.patch(
                patch,
                owner_id=LOCAL_OWNER,
                if_version=version,
                validate=lambda values: shaped(values, RuntimeSettings),
            )
        )
    except ConflictError as error:
        raise _changed_meanwhile(error.message) from None
    notices = await call.publish()
    return msgspec.structs.replace(_shown(stored, call), notices=notices)


def _shown(stored: StoredSettings, call: Call) -> Reply:
    world = call.deps.world()
    present = RuntimeSettings(
        reply_model="asked" if world.reply_model == "asked" else "answered",
        models=StoredModels(aliases=dict(world.facts.aliases)),
        discovery=_discovery(stored),
        prices={**_stored_prices(stored), **call.deps.config.prices},
        routing=world.routing,
    )
    data = SettingsShown(values=stored.values, in_force=present, version=stored.version)
    return Reply(data=data, headers={"etag": _tag(stored)})


def _discovery(stored: StoredSettings) -> StoredDiscovery:
    try:
        return msgspec.convert(stored.values, RuntimeSettings).discovery
    except msgspec.ValidationError:  # of another version; then none of it is in force
        return StoredDiscovery()


def _stored_prices(stored: StoredSettings) -> dict[str, ModelPrice]:
    try:
        return msgspec.convert(stored.values, RuntimeSettings).prices
    except msgspec.ValidationError:
        return {}


def _tag(stored: StoredSettings) -> str:
    return f'"{stored.version}"'


def _expected_version(call: Call) -> int | None:
    given = call.headers.get("if-match", "*").strip()
    if given == "*":
        return None
    tag = _TAG.fullmatch(given)
    if tag is None:
        raise _changed_meanwhile(f"`If-Match: {given[:40]}` is no version of the settings")
    return int(tag[1])


def _changed_meanwhile(message: str) -> CallerError:
    return refusal(
        message, status=412, code="precondition_failed", fix="read the settings again and send their ETag"
    )


def _refuse_declared_aliases(patch: dict[str, Any], call: Call) -> None:
    models = patch.get("models")
    aliases = models.get("aliases") if isinstance(models, dict) else None
    for name in aliases if isinstance(aliases, dict) else ():
        if name in call.deps.config.models.aliases:
            where = call.deps.config.file or "the environment"
            raise refusal(
                f"the alias {name!r} is declared by {where} and cannot be changed here",
                status=409,
                code="read_only",
                param=f"models.aliases.{name}",
                fix=f"change {where}",
            )


def _refuse_combos(patch: dict[str, Any]) -> None:
    routing = patch.get("routing")
    if isinstance(routing, dict) and "combos" in routing:
        raise refusal("combos are kept apart", param="routing.combos", fix="use /api/combos")


def _operators_only(call: Call) -> None:
    """Refuse owners other than the gateway's own; the settings are everybody's."""
    if not call.visitor.owns(LOCAL_OWNER):
        call.operator_only("see and change the settings")


__all__ = ["RuntimeSettings", "SettingsShown", "StoredModels", "change_settings", "get_settings"]
