"""`/api/combos`: named groups of models that answer as one.

Combos of the configuration file are shown and cannot be changed here; a stored one of the same name is
hidden by them. A member that nobody answers yet is told and kept, because lists of models come and go.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, structs

from flowrouter.api.admin.call import Call, missing
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.ownership import ownership
from flowrouter.api.admin.paging import paged
from flowrouter.api.admin.preconditions import expected_version, version_tag
from flowrouter.api.admin.stored import declared
from flowrouter.gateway.ports import StoredCombo
from flowrouter.gateway.world import World
from flowrouter.routing.remarks import remarks
from flowrouter.settings.managed import ManagedBy
from flowrouter.settings.routing import ComboConfig, Completion, Members, Strategy, Wait, check_combo_names
from flowrouter.settings.section import Count, Seconds


class ComboDraft(ComboConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A combo to make: its name, and what `[routing.combos.NAME]` says of it in the configuration file."""

    name: str


class ComboPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A JSON merge patch: what is left out stays, null goes back to the default; `members` are replaced."""

    name: str | UnsetType = UNSET
    members: Members | UnsetType = UNSET
    strategy: Strategy | UnsetType | None = UNSET
    attempts: Count | UnsetType | None = UNSET
    first_token: Seconds | UnsetType | None = UNSET
    wait: Wait | UnsetType | None = UNSET
    completion: Completion | UnsetType | None = UNSET


class ComboShown(ComboConfig, frozen=True, kw_only=True):
    """A combo with what the gateway makes of it.

    `read_only` ones stand in the configuration file. `hidden`: one of the file has the same name and is
    in force instead. `warnings` are sentences: members nobody answers, a model of the same name.
    """

    id: str
    name: str
    owner_id: str
    source: Literal["config", "store"]
    read_only: bool
    hidden: bool
    warnings: tuple[str, ...]
    version: int
    created_at_ms: int
    updated_at_ms: int
    managed_by: ManagedBy
    managed_in: str | None
    managed_fields: tuple[str, ...]


class ComboRemoved(Struct, frozen=True, kw_only=True):
    """The id of the combo that is no more."""

    id: str
    deleted: bool = True


async def list_combos(call: Call) -> Reply:
    """Return the combos by name, those of the configuration file included."""
    world = call.deps.world()
    own = [combo for combo in world.combos.values() if call.visitor.owns(combo.owner_id)]
    return paged(
        [shown(combo, world, file=call.deps.config.file) for combo in own],
        call.query,
        key=lambda row: (row.name.lower(), row.id),
    )


async def get_combo(call: Call) -> Reply:
    """Return one combo, by its id or its name; the ETag is for `If-Match`."""
    combo = _found(call)
    return Reply(
        data=shown(combo, call.deps.world(), file=call.deps.config.file), headers=version_tag(combo.version)
    )


async def create_combo(call: Call) -> Reply:
    """Store a new combo; it can be asked for when this returns."""
    draft: ComboDraft = call.body
    _check_name(draft.name, call)
    made = await call.ask(
        lambda store: store.combos.create(draft.name, config_of(draft), owner_id=call.visitor.home)
    )
    reply = await _published(made, call)
    return structs.replace(reply, headers={**reply.headers, "location": f"/api/combos/{made.id}"})


async def change_combo(call: Call) -> Reply:
    """Apply a merge patch to a stored combo; with `If-Match` only to the version the caller has seen."""
    patch: ComboPatch = call.body
    combo = _stored(call)
    given = {name: value for name in patch.__struct_fields__ if (value := getattr(patch, name)) is not UNSET}
    name = given.pop("name", combo.name)
    if name != combo.name:
        _check_name(name, call, besides=combo.id)
    config = _patched(combo.config, given)
    changed = await call.ask(
        lambda store: store.combos.update(
            combo.id,
            name=name,
            config=config,
            owner_id=call.visitor.owner_id,
            if_version=expected_version(call, "combo"),
            detach=call.query.detach,
        )
    )
    return await _published(changed, call)


async def delete_combo(call: Call) -> Reply:
    """Remove a stored combo; a request for its name is answered as if it had never been there."""
    combo = _stored(call)
    await call.ask(
        lambda store: store.combos.delete(
            combo.id,
            owner_id=call.visitor.owner_id,
            if_version=expected_version(call, "combo"),
            detach=call.query.detach,
        )
    )
    return Reply(notices=await call.publish(), data=ComboRemoved(id=combo.id))


def shown(combo: StoredCombo, world: World, *, file: str | None) -> ComboShown:
    """Return what may be seen of `combo`, with the gateway's own findings."""
    in_file = combo.version == 0
    owner = ownership(combo.managed, declared_in=(file or "config.toml") if in_file else None)
    return ComboShown(
        **structs.asdict(combo.config),
        id=combo.id,
        name=combo.name,
        owner_id=combo.owner_id,
        source="config" if in_file else "store",
        read_only=in_file,
        hidden=combo.id in world.hidden_combos,
        warnings=remarks(world.facts, combo.name, combo.config, owner_id=combo.owner_id),
        version=combo.version,
        created_at_ms=combo.created_at_ms,
        updated_at_ms=combo.updated_at_ms,
        **structs.asdict(owner),
    )


async def _published(combo: StoredCombo, call: Call) -> Reply:
    notices = await call.publish()
    row = shown(combo, call.deps.world(), file=call.deps.config.file)
    return Reply(data=row, notices=(*notices, *row.warnings), headers=version_tag(combo.version))


def config_of(draft: ComboDraft) -> ComboConfig:
    """Return what `draft` says, without its name."""
    return ComboConfig(**{name: getattr(draft, name) for name in ComboConfig.__struct_fields__})


def _patched(config: ComboConfig, given: dict[str, Any]) -> ComboConfig:
    defaults: dict[str, Any] = {"strategy": "priority"}
    stated = {name: defaults.get(name) if value is None else value for name, value in given.items()}
    return structs.replace(config, **stated)


def _found(call: Call) -> StoredCombo:
    """Return the combo the path names by id or name; raises `CallerError` (404)."""
    world, named = call.deps.world(), call.rest.lower()
    own = [combo for combo in world.combos.values() if call.visitor.owns(combo.owner_id)]
    by_id = next((combo for combo in own if combo.id == call.rest), None)
    by_name = (each for each in own if each.name.lower() == named and each.id not in world.hidden_combos)
    combo = by_id or next(by_name, None)
    if combo is None:
        raise missing(f"no combo {call.rest[:100]}", code="combo_not_found")
    return combo


def _stored(call: Call) -> StoredCombo:
    """Return the stored combo of the path; raises `CallerError` (409) for one of the configuration file."""
    combo = _found(call)
    if combo.version == 0:
        raise declared("combo", combo.name, call)
    return combo


def _check_name(name: str, call: Call, *, besides: str = "") -> None:
    """Raise `CallerError` for a name that is none, or that is taken."""
    try:
        check_combo_names([name])
    except ValueError as error:
        raise refusal(str(error).removeprefix("combos: "), param="name") from None
    for combo in call.deps.world().combos.values():
        same = combo.name.lower() == name.lower() and combo.owner_id == call.visitor.home
        if same and combo.version == 0 and combo.id != besides:
            raise declared("combo", combo.name, call)


__all__ = [
    "ComboDraft",
    "ComboPatch",
    "ComboRemoved",
    "ComboShown",
    "change_combo",
    "config_of",
    "create_combo",
    "delete_combo",
    "get_combo",
    "list_combos",
    "shown",
]
