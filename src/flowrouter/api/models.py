"""The models a caller may name, in the shape its dialect lists them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.clock import iso
from flowrouter.errors import CallerError
from flowrouter.gateway.world import World
from flowrouter.routing.facts import is_glob
from flowrouter.routing.plan import CATCH_ALL, build_plan, leads_somewhere

_PAGE = 20
_PAGE_MAX = 1000


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One name a caller may use; `created` in seconds since the epoch (0: unknown), sizes in tokens."""

    id: str
    owned_by: str
    display_name: str
    created: int = 0
    context_window: int | None = None
    max_output: int | None = None
    accounts: tuple[str, ...] = ()


def entries(world: World) -> list[ModelEntry]:
    """Return every plain name that leads somewhere, sorted by name; patterns are never shown."""
    found: dict[str, ModelEntry] = {}
    for account in world.facts.accounts:
        if not account.enabled or account.problem or not account.dialects:
            continue
        listed = {model.id: model for model in world.listed.get(account.id, ())}
        for name in account.names:
            known, detail = found.get(name), listed.get(name)
            if known is not None:
                found[name] = msgspec.structs.replace(known, accounts=(*known.accounts, account.name))
                continue
            found[name] = ModelEntry(
                id=name,
                owned_by=account.preset,
                display_name=(detail.display_name if detail else None) or name,
                created=(detail.created if detail else None) or 0,
                context_window=detail.context_window if detail else None,
                max_output=detail.max_output if detail else None,
                accounts=(account.name,),
            )
    for alias, model in world.facts.aliases.items():
        if alias not in found and leads_somewhere(world.facts, alias):
            found[alias] = ModelEntry(id=alias, owned_by="alias", display_name=f"{alias} → {model}")
    return [found[name] for name in sorted(found)]


def listing(world: World, dialect: Dialect, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the list in `dialect`'s envelope; raises `CallerError` for a bad page request."""
    known = entries(world)
    if dialect == "anthropic":
        return _anthropic_page(known, query)
    return {"object": "list", "data": [_openai(entry) for entry in known]}


def single(world: World, dialect: Dialect, name: str) -> dict[str, Any]:
    """Return one model, listed or reachable under a longer name (`account/model`); raises `CallerError` (404)."""
    for entry in entries(world):
        if entry.id == name:
            return _anthropic(entry) if dialect == "anthropic" else _openai(entry)
    plan = build_plan(world.facts, name, dialect=dialect)
    if plan.targets and plan.step != CATCH_ALL and not is_glob(name):
        entry = ModelEntry(id=name, owned_by=plan.targets[0].preset, display_name=name)
        return _anthropic(entry) if dialect == "anthropic" else _openai(entry)
    raise CallerError(
        f"there is no model {name[:200]!r} here", status=404, param="model", code="model_not_found"
    )


def _openai(entry: ModelEntry) -> dict[str, Any]:
    return {"id": entry.id, "object": "model", "created": entry.created, "owned_by": entry.owned_by}


def _anthropic(entry: ModelEntry) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "type": "model",
        "id": entry.id,
        "display_name": entry.display_name,
        "created_at": iso(entry.created),
        # Required by the vendor's newest client (2.12); all we know is that the name can be used.
        "lifecycle": "active",
    }
    if entry.context_window is not None:
        shown["max_input_tokens"] = entry.context_window
    if entry.max_output is not None:
        shown["max_tokens"] = entry.max_output
    return shown


def _anthropic_page(known: Sequence[ModelEntry], query: Mapping[str, str]) -> dict[str, Any]:
    limit = _limit(query.get("limit"))
    ids = [entry.id for entry in known]
    after, before = query.get("after_id"), query.get("before_id")
    start, end = 0, len(known)
    if after is not None:
        start = _position(ids, after, "after_id") + 1
    if before is not None:
        end = _position(ids, before, "before_id")
        start = max(start, end - limit)
    page = known[start : min(end, start + limit)]
    more = start > 0 if before is not None else start + limit < end
    return {
        "data": [_anthropic(entry) for entry in page],
        "has_more": more,
        "first_id": page[0].id if page else None,
        "last_id": page[-1].id if page else None,
    }


def _limit(text: str | None) -> int:
    if text is None:
        return _PAGE
    limit = int(text) if re.fullmatch("[0-9]{1,6}", text) else 0
    if not 1 <= limit <= _PAGE_MAX:
        raise CallerError(f"`limit` must be a number from 1 to {_PAGE_MAX}", param="limit")
    return limit


def _position(ids: list[str], wanted: str, param: str) -> int:
    try:
        return ids.index(wanted)
    except ValueError:
        raise CallerError(f"`{param}` names no model of this list", param=param) from None


__all__ = ["ModelEntry", "entries", "listing", "single"]
