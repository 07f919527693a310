"""`/api/presets`: the providers an account can be made of."""

from __future__ import annotations

import msgspec

from flowrouter.api.admin.account_rules import EMBEDDED
from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.paging import paged
from flowrouter.api.admin.reading import closest
from flowrouter.canonical.dialect import Dialect
from flowrouter.providers.preset import Kind, Preset


class PresetShown(msgspec.Struct, frozen=True, kw_only=True):
    """A provider as data.

    `dialects` maps each dialect it speaks to its base URL (null: the account brings it). `env_names`
    are variables that usually hold a key, `static_models` names known without asking.
    """

    id: str
    name: str
    vendor: str
    aliases: tuple[str, ...]
    class_: str = msgspec.field(name="class")
    kinds: tuple[Kind, ...]
    tag: str | None
    dialects: dict[Dialect, str | None]
    needs_base_url: bool
    key_required: bool
    env_names: tuple[str, ...]
    key_url: str | None
    lists_models: bool
    static_models: tuple[str, ...]
    local: bool
    max_concurrency: int
    notes: str


async def list_presets(call: Call) -> Reply:
    """Return the presets by id."""
    rows = [_shown(preset) for preset in call.deps.catalog if preset.id != EMBEDDED]
    return paged(rows, call.query, key=lambda row: (row.id,))


async def get_preset(call: Call) -> Reply:
    """Return one preset by id or alias."""
    preset = call.deps.catalog.find(call.rest)
    if preset is None:
        raise refusal(
            f"there is no preset {call.rest[:100]!r}",
            status=404,
            code="preset_not_found",
            fix=closest(call.rest, call.deps.catalog.ids),
        )
    return Reply(data=_shown(preset))


def _shown(preset: Preset) -> PresetShown:
    return PresetShown(
        id=preset.id,
        name=preset.name,
        vendor=preset.vendor,
        aliases=preset.aliases,
        class_=preset.class_,
        kinds=preset.kinds,
        tag=preset.tag,
        dialects={dialect: preset.base_url(dialect) or None for dialect in preset.served_dialects},
        needs_base_url=preset.needs_url,
        key_required=preset.auth.required and preset.auth.type != "none",
        env_names=preset.auth.env_names,
        key_url=preset.auth.key_url,
        lists_models=preset.models.shape != "none",
        static_models=preset.models.static,
        local=preset.local,
        max_concurrency=preset.max_concurrency,
        notes=preset.notes,
    )


__all__ = ["PresetShown", "get_preset", "list_presets"]
