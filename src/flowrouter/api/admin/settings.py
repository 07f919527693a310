"""`/api/settings`: the settings that may change while the gateway runs.

They stand beside `config.toml`, under the same names. An alias written in the file cannot be changed
here; `reply_model` of this document wins over the file's, and so does each member of `routing` and `recording`. Combos
have routes of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from flowrouter.api.admin.call import Call
from flowrouter.api.admin.declaration.units import compact, units
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.file_settings import FileSettings, file_settings
from flowrouter.api.admin.preconditions import expected_version, version_tag
from flowrouter.api.admin.reading import shaped
from flowrouter.api.admin.stored import settings_only, stored_settings
from flowrouter.gateway.ports import StoredSettings
from flowrouter.gateway.runtime_settings import RuntimeSettings, StoredModels
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.settings.managed import ManagedSetting


class SettingsShown(msgspec.Struct, frozen=True, kw_only=True):
    """`values` is the stored document that a PATCH merges into, `in_force` what the gateway goes by.

    `managed` are the members that a file owns: the configuration file or one that was applied. `process` is what
    only the configuration file sets, for whoever sees the whole gateway.
    """

    values: dict[str, Any]
    in_force: RuntimeSettings
    version: int
    managed: tuple[ManagedSetting, ...]
    process: FileSettings | None


async def get_settings(call: Call) -> Reply:
    """Return the settings; the ETag is for `If-Match` and `If-None-Match`."""
    settings_only(call, "see and change the settings")
    stored = await stored_settings(call)
    return _shown(stored, call)


async def change_settings(call: Call) -> Reply:
    """Apply a JSON merge patch; with `If-Match` only to the version the caller has seen."""
    settings_only(call, "see and change the settings")
    patch: dict[str, Any] = call.body
    _refuse_declared_aliases(patch, call)
    _refuse_combos(patch)
    version = expected_version(call, "settings")
    stored = await call.ask(
        lambda store: store.settings.patch(
            patch,
            owner_id=LOCAL_OWNER,
            if_version=version,
            validate=lambda values: shaped(values, RuntimeSettings),
            detach=call.query.detach,
        )
    )
    notices = await call.publish()
    return msgspec.structs.replace(_shown(stored, call), notices=notices)


def _shown(stored: StoredSettings, call: Call) -> Reply:
    world = call.deps.world()
    understood = _understood(stored)
    present = RuntimeSettings(
        reply_model="asked" if world.reply_model == "asked" else "answered",
        models=StoredModels(aliases=dict(world.facts.aliases)),
        discovery=understood.discovery,
        prices={**understood.prices, **call.deps.present.prices},
        budgets={**understood.budgets, **call.deps.present.budgets},
        routing=world.routing,
        recording=world.recording,
    )
    managed = (*stored.managed, *_declared(stored, call))
    data = SettingsShown(
        values=stored.values,
        in_force=present,
        version=stored.version,
        managed=managed,
        process=file_settings(call) if call.visitor.is_operator else None,
    )
    return Reply(data=data, headers=version_tag(stored.version))


def _declared(stored: StoredSettings, call: Call) -> Iterator[ManagedSetting]:
    """Yield what the configuration file sets and nothing stored goes before."""
    config = call.deps.present
    file = config.file or "the environment"
    routing = msgspec.structs.replace(config.routing, combos={})
    document: dict[str, Any] = {
        "models": {"aliases": config.models.aliases},
        "prices": config.prices,
        "budgets": config.budgets,
        "routing": compact(routing),
        "recording": compact(config.recording),
    }
    if config.reply_model != "answered":
        document["reply_model"] = config.reply_model
    overlaid = units(stored.values)
    for path in units(document):
        if path not in overlaid or path[0] in ("models", "prices", "budgets"):
            yield ManagedSetting(path=path, file=file)


def _understood(stored: StoredSettings) -> RuntimeSettings:
    """Return what is stored; of a document of another version nothing is in force."""
    try:
        return msgspec.convert(stored.values, RuntimeSettings)
    except msgspec.ValidationError:
        return RuntimeSettings()


def _refuse_declared_aliases(patch: dict[str, Any], call: Call) -> None:
    models = patch.get("models")
    aliases = models.get("aliases") if isinstance(models, dict) else None
    for name in aliases if isinstance(aliases, dict) else ():
        if name in call.deps.present.models.aliases:
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


__all__ = ["RuntimeSettings", "SettingsShown", "StoredModels", "change_settings", "get_settings"]
