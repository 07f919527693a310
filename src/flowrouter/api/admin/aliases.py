"""`/api/aliases`: names of one's own for a model, or for several (a pool).

They are a part of the settings (`models.aliases`), shown as things of their own. One of the configuration file
is shown and changed there; a stored one of the same name is hidden by it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from flowrouter.api.admin.call import Call, missing
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.paging import paged
from flowrouter.api.admin.preconditions import refuse_other, tag_of
from flowrouter.api.admin.stored import declared, edit, owner_of, part, settings_only, stored_settings
from flowrouter.gateway.ports import StoredSettings
from flowrouter.gateway.runtime_settings import Name
from flowrouter.routing.names import leads_somewhere
from flowrouter.settings.managed import ManagedBy

Models = Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=100)]


class AliasDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a name stands for: models as a client would write them, the first that can answer is asked."""

    models: Models


class AliasShown(msgspec.Struct, frozen=True, kw_only=True):
    """A name and what it stands for.

    `read_only` ones stand in the configuration file. `hidden`: the file has the same name and is in force
    instead. `warnings` are sentences. `managed_by` a file is what an applied one says of it.
    """

    id: str
    models: tuple[str, ...]
    source: Literal["config", "store"]
    read_only: bool
    hidden: bool
    warnings: tuple[str, ...]
    managed_by: ManagedBy
    managed_in: str | None
    managed_fields: tuple[str, ...]


class AliasRemoved(msgspec.Struct, frozen=True, kw_only=True):
    """The name that is no more."""

    id: str
    deleted: bool = True


async def list_aliases(call: Call) -> Reply:
    """Return the aliases by name."""
    settings_only(call, "see the aliases")
    return paged((await _known(call)).values(), call.query, key=lambda row: (row.id, row.hidden))


async def get_alias(call: Call) -> Reply:
    """Return one alias; the ETag is for `If-Match`."""
    settings_only(call, "see the aliases")
    row = await _found(call)
    return Reply(data=row, headers=_tagged(row.models, call))


async def put_alias(call: Call) -> Reply:
    """Make or replace an alias; it can be asked for when this returns."""
    settings_only(call, "change aliases")
    _refuse_declared(call)
    try:
        name = msgspec.convert(call.rest, Name)
    except msgspec.ValidationError:
        raise refusal("this is no name: 1 to 200 characters, no blanks at its ends", param="id") from None
    draft: AliasDraft = call.body
    stands_for = draft.models[0] if len(draft.models) == 1 else list(draft.models)

    def patch(values: dict[str, Any]) -> dict[str, Any]:
        _refuse_other(_models(part(values, "models", "aliases", name)), call)
        return {"models": {"aliases": {name: stands_for}}}

    stored = await edit(call, patch)
    notices = await call.publish()
    row = _shown(name, draft.models, call, stored=stored, in_file=False)
    return Reply(data=row, notices=(*notices, *row.warnings), headers=_tagged(row.models, call))


async def delete_alias(call: Call) -> Reply:
    """Remove an alias; what it stood for stays."""
    settings_only(call, "change aliases")
    _refuse_declared(call)
    name = call.rest

    def patch(values: dict[str, Any]) -> dict[str, Any]:
        present = _models(part(values, "models", "aliases", name))
        if present is None:
            raise _missing(name)
        _refuse_other(present, call)
        return {"models": {"aliases": {name: None}}}

    await edit(call, patch)
    return Reply(data=AliasRemoved(id=name), notices=await call.publish())


async def _known(call: Call) -> dict[tuple[str, str], AliasShown]:
    """Return all aliases by source and name."""
    stored = await stored_settings(call)
    rows: list[AliasShown] = []
    sources = (
        (part(stored.values, "models", "aliases") or {}, False),
        (call.deps.present.models.aliases, True),
    )
    for aliases, in_file in sources:
        rows += [
            _shown(name, _models(models) or (), call, stored=stored, in_file=in_file)
            for name, models in aliases.items()
        ]
    return {(row.source, row.id): row for row in rows}


async def _found(call: Call) -> AliasShown:
    known = await _known(call)
    found = known.get(("config", call.rest)) or known.get(("store", call.rest))
    if found is None:
        raise _missing(call.rest)
    return found


def _shown(
    name: str, models: tuple[str, ...], call: Call, *, stored: StoredSettings, in_file: bool
) -> AliasShown:
    facts = call.deps.world().facts
    owner = owner_of(stored, ("models", "aliases", name), call, in_file=in_file)
    warnings: list[str] = []
    if name in facts.aliases and not leads_somewhere(facts, name):
        warnings.append(f"no account answers {name!r} yet")
    if facts.combo(name) is not None:
        warnings.append(f"there is a combo {name!r}, too")
    return AliasShown(
        id=name,
        models=models,
        source="config" if in_file else "store",
        read_only=in_file,
        hidden=not in_file and name in call.deps.present.models.aliases,
        warnings=tuple(warnings),
        **msgspec.structs.asdict(owner),
    )


def _models(stands_for: Any) -> tuple[str, ...] | None:
    """Return what a stored or declared alias stands for; None is no alias."""
    if stands_for is None:
        return None
    return (stands_for,) if isinstance(stands_for, str) else tuple(stands_for)


def _refuse_declared(call: Call) -> None:
    if call.rest in call.deps.present.models.aliases:
        raise declared("alias", call.rest, call)


def _refuse_other(models: tuple[str, ...] | None, call: Call) -> None:
    refuse_other(call, None if models is None else _tagged(models, call)["etag"], "alias")


def _tagged(models: tuple[str, ...], call: Call) -> dict[str, str]:
    return {"etag": tag_of(models, secret=call.deps.secret)}


def _missing(name: str) -> Exception:
    return missing(f"no alias {name[:100]}", code="alias_not_found")


__all__ = [
    "AliasDraft",
    "AliasRemoved",
    "AliasShown",
    "delete_alias",
    "get_alias",
    "list_aliases",
    "put_alias",
]
