"""Changing one part of the settings document, for routes that show it as things of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import refusal
from flowrouter.api.admin.ownership import Ownership, ownership
from flowrouter.api.admin.reading import shaped
from flowrouter.errors import CallerError
from flowrouter.gateway.ports import ConflictError, ManagedError, StoredSettings
from flowrouter.gateway.runtime_settings import RuntimeSettings
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.settings.managed import EVERYTHING

_TRIES = 8


def settings_only(call: Call, what: str) -> None:
    """Raise `CallerError` (403) for owners other than the gateway's own; the settings are everybody's."""
    if not call.visitor.owns(LOCAL_OWNER):
        call.operator_only(what)


async def stored_settings(call: Call) -> StoredSettings:
    """Return the document as it is stored."""
    return await call.ask(lambda store: store.settings.get(owner_id=LOCAL_OWNER))


async def edit(call: Call, patch_for: Callable[[dict[str, Any]], dict[str, Any]]) -> StoredSettings:
    """Merge what `patch_for` makes of the present document into it; raises `CallerError`, `StorageError`.

    Others may change other parts meanwhile: then `patch_for` is asked again. It may raise.
    """
    for _ in range(_TRIES):
        stored = await stored_settings(call)
        patch = patch_for(stored.values)
        try:
            return await call.ask(
                lambda store, patch=patch, version=stored.version: store.settings.patch(
                    patch,
                    owner_id=LOCAL_OWNER,
                    if_version=version,
                    validate=lambda values: shaped(values, RuntimeSettings),
                    detach=call.query.detach,
                )
            )
        except ManagedError:
            raise
        except ConflictError:
            continue
    raise refusal("the settings change too often just now", status=409, code="conflict", fix="try again")


def owner_of(stored: StoredSettings, path: tuple[str, ...], call: Call, *, in_file: bool) -> Ownership:
    """Return who owns the member of the document at `path`."""
    if in_file:
        return ownership(None, declared_in=call.deps.present.file or "the environment")
    for member in stored.managed:
        if member.path == path[: len(member.path)]:
            return Ownership(managed_by="file", managed_in=member.file, managed_fields=EVERYTHING)
    return ownership(None)


def part(values: dict[str, Any], *path: str) -> Any:
    """Return the member of a document at `path`, None where there is none."""
    found: Any = values
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def declared(what: str, name: str, call: Call) -> CallerError:
    """Return the refusal of a change of what the configuration file says."""
    where = call.deps.present.file or "the environment"
    return refusal(
        f"the {what} {name!r} is declared by {where} and cannot be changed here",
        status=409,
        code="read_only",
        fix=f"change {where}",
    )


__all__ = ["declared", "edit", "owner_of", "part", "settings_only", "stored_settings"]
