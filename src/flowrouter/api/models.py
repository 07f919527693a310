"""The models a caller may name, in the shape its client lists them.

Four shapes: OpenAI's, Anthropic's and Google's by dialect, and the one Codex asks for with `client_version`.
Claude Code leaves out every id that does not begin with `claude` or `anthropic`; for it alone the others
bear a prefix, with which they can be asked for.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from flowrouter.api.codex_models import codex_model
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.clock import iso
from flowrouter.errors import CallerError
from flowrouter.gateway.key_scope import may_list, may_name, may_plan
from flowrouter.gateway.world import World
from flowrouter.httpkit.key_policy import NO_POLICY, KeyPolicy
from flowrouter.routing import build_plan
from flowrouter.routing.facts import is_glob
from flowrouter.routing.names import CATCH_ALL, CLAUDE_CODE, leads_somewhere
from flowrouter.wire import json

_PAGE = 20
_GEMINI_PAGE = 50
_PAGE_MAX = 1000


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One name a caller may use; `created` in seconds since the epoch (0: unknown), sizes in tokens.

    `generates` is false for a model that is known to make embeddings only.
    """

    id: str
    owned_by: str
    display_name: str
    created: int = 0
    context_window: int | None = None
    max_output: int | None = None
    generates: bool = True
    accounts: tuple[str, ...] = ()


def answer(
    world: World,
    dialect: Dialect,
    query: Mapping[str, str],
    *,
    agent: str = "",
    policy: KeyPolicy = NO_POLICY,
) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Return the list's body and the headers that go with it; raises `CallerError` for a bad page request.

    `agent` is the client's own name for itself; only what a key of `policy` may use is listed.
    """
    if dialect == "anthropic" and agent.startswith(CLAUDE_CODE):
        shown = (_for_claude_code(entry) for entry in entries(world, policy) if entry.generates)
        known = sorted(shown, key=lambda entry: entry.id)
        return json.dumps(_anthropic_page(known, query)), []
    if "client_version" not in query:
        return json.dumps(listing(world, dialect, query, policy=policy)), []
    body = json.dumps({"models": _codex_rows(world, policy)})
    return body, [(b"etag", b'"%b"' % hashlib.sha256(body).hexdigest()[:32].encode())]


def _for_claude_code(entry: ModelEntry) -> ModelEntry:
    if entry.id.lower().startswith(("claude", "anthropic")):
        return entry
    return msgspec.structs.replace(entry, id=CLAUDE_CODE + entry.id)


def described(world: World, policy: KeyPolicy = NO_POLICY) -> dict[str, Any]:
    """Return the list joined with what is known of each model; null is unknown."""
    rows = [_described(entry, _able(world, entry)) for entry in entries(world, policy)]
    return {"object": "list", "data": rows}


def entries(world: World, policy: KeyPolicy = NO_POLICY) -> list[ModelEntry]:
    """Return every plain name that leads somewhere, sorted by name; patterns are never shown.

    Left out is what a key of `policy` may not use.
    """
    found: dict[str, ModelEntry] = {}
    for account in world.facts.accounts:
        if not account.enabled or account.problem or not account.dialects:
            continue
        listed = {model.id: model for model in world.listed.get(account.id, ())}
        for name in account.names:
            if world.facts.disabling(account, name) is not None or not may_list(policy, account, name):
                continue
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
                generates=detail.generates if detail else True,
                accounts=(account.name,),
            )
    for entry in _own_names(world):
        leads = leads_somewhere(world.facts, entry.id) and may_name(policy, entry.id, world)
        if entry.id not in found and leads:
            found[entry.id] = entry
    return [found[name] for name in sorted(found)]


def _own_names(world: World) -> Iterator[ModelEntry]:
    """Yield what people named themselves: aliases, pools and combos."""
    for alias, models in world.facts.aliases.items():
        told = models if isinstance(models, str) else ", ".join(models)
        yield ModelEntry(id=alias, owned_by="alias", display_name=f"{alias} → {told}")
    for combo in world.facts.combos:
        members = ", ".join(member.model for member in combo.config.members)
        shown = f"{combo.name} → {combo.config.strategy}: {members}"
        yield ModelEntry(id=combo.name, owned_by="combo", display_name=shown[:_DISPLAY_MAX])


_DISPLAY_MAX = 200


def listing(
    world: World, dialect: Dialect, query: Mapping[str, str], *, policy: KeyPolicy = NO_POLICY
) -> dict[str, Any]:
    """Return the list in `dialect`'s envelope; raises `CallerError` for a bad page request."""
    known = entries(world, policy)
    if dialect == "anthropic":
        return _anthropic_page(known, query)
    if dialect == "gemini":
        return _gemini_page(known, query)
    return {"object": "list", "data": [_openai(entry) for entry in known]}


def single(world: World, dialect: Dialect, name: str, *, policy: KeyPolicy = NO_POLICY) -> dict[str, Any]:
    """Return one model, listed or reachable under a longer name (`account/model`); raises `CallerError` (404)."""
    shape = _SHAPES.get(dialect, _openai)
    for entry in entries(world, policy):
        if entry.id == name:
            return shape(entry)
    plan = may_plan(policy, build_plan(world.facts, name, dialect=dialect))
    if plan.targets and plan.step != CATCH_ALL and not is_glob(name):
        entry = ModelEntry(id=name, owned_by=plan.targets[0].preset, display_name=name)
        return shape(entry)
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


def _gemini(entry: ModelEntry) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": f"models/{entry.id}",
        "version": "",
        "displayName": entry.display_name,
        "description": f"through the gateway: {entry.owned_by}",
    }
    if entry.context_window is not None:
        shown["inputTokenLimit"] = entry.context_window
    if entry.max_output is not None:
        shown["outputTokenLimit"] = entry.max_output
    generating = ["generateContent", "streamGenerateContent", "countTokens"]
    embedding = ["embedContent", "batchEmbedContents"]
    return {**shown, "supportedGenerationMethods": generating if entry.generates else embedding}


_SHAPES: Mapping[Dialect, Callable[[ModelEntry], dict[str, Any]]] = {
    "anthropic": _anthropic,
    "gemini": _gemini,
}


def _codex_rows(world: World, policy: KeyPolicy) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for place, entry in enumerate(entry for entry in entries(world, policy) if entry.generates):
        able = _able(world, entry)
        row = codex_model(entry.id, entry.display_name, place=place, able=able)
        window = entry.context_window or (able.context_window if able is not None else None)
        rows.append(row if window is None else {**row, "context_window": window})
    return rows


def _described(entry: ModelEntry, able: Capabilities | None) -> dict[str, Any]:
    row = {**_openai(entry), "display_name": entry.display_name}
    row["context_window"] = entry.context_window or (able.context_window if able is not None else None)
    row["max_output"] = entry.max_output or (able.max_output if able is not None else None)
    if able is None:
        return {**row, "capabilities": None}
    row["capabilities"] = {
        "images": able.vision,
        "pdf": able.pdf,
        "audio": able.audio_in,
        "tools": able.tools,
        "parallel_tools": able.parallel_tools,
        "json_schema": able.json_schema,
        "reasoning": None if able.thinking_style is None else able.thinking_style != "none",
        "efforts": list(able.efforts),
    }
    return row


def _able(world: World, entry: ModelEntry) -> Capabilities | None:
    """Return what the model can at the first of its accounts."""
    plan = build_plan(world.facts, entry.id, dialect="openai_responses")
    if not plan.targets:
        return None
    target = plan.targets[0]
    preset = world.presets.get(target.account_id)
    return None if preset is None else world.capabilities(preset, target.model, target.dialect)


def _gemini_page(known: Sequence[ModelEntry], query: Mapping[str, str]) -> dict[str, Any]:
    """Return a page as Google cuts it: a size beyond the largest is the largest, a token is opaque."""
    size, token = query.get("pageSize", ""), query.get("pageToken")
    if size and not re.fullmatch("[0-9]{1,9}", size):
        raise CallerError("`pageSize` must be a number", param="pageSize")
    limit = min(int(size or 0) or _GEMINI_PAGE, _PAGE_MAX)
    start = 0
    if token:
        start = _position([entry.id for entry in known], _named(token), "pageToken") + 1
    page = known[start : start + limit]
    shown: dict[str, Any] = {"models": [_gemini(entry) for entry in page]}
    if start + limit < len(known):
        shown["nextPageToken"] = urlsafe_b64encode(page[-1].id.encode()).decode()
    return shown


def _named(token: str) -> str:
    try:
        return urlsafe_b64decode(token.encode()).decode()
    except ValueError:
        raise CallerError("`pageToken` is none of ours", param="pageToken") from None


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


__all__ = ["ModelEntry", "answer", "described", "entries", "listing", "single"]
