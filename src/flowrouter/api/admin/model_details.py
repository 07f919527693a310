"""`/api/models`: every model there is, what it can do and costs at each account, and hiding it.

A model that is hidden is in no list and never asked. What is hidden here is a name in
`routing.disabled_models` of the settings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec

from flowrouter.api.admin.call import Call, missing
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.paging import PageQuery, paged
from flowrouter.api.admin.preconditions import refuse_other, tag_of
from flowrouter.api.admin.stored import edit, part, settings_only
from flowrouter.api.models import ModelEntry, entries
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.gateway.world import World
from flowrouter.providers.listing import ListedModel
from flowrouter.providers.profiles import Row, packaged_matches
from flowrouter.routing.facts import AccountFacts
from flowrouter.usage import Price

_NAME_MAX = 300
_KINDS = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning")


class ModelsQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which models: with `search` in the name, of one `account` (its name); `hidden` shows those instead."""

    search: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    account: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    hidden: bool = False


class ModelPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a model."""

    hidden: bool


class PriceAt(msgspec.Struct, frozen=True, kw_only=True):
    """USD per million tokens as decimal text; null is unknown. `source` is the list, or one's own `prices.NAME`."""

    source: str
    input: str | None
    output: str | None
    cache_read: str | None
    cache_write: str | None
    cache_write_1h: str | None
    reasoning: str | None


class ModelRow(ModelEntry, frozen=True, kw_only=True):
    """A name with what it can do and costs at the first account that would be asked (null: unknown).

    `kind` `alias` and `combo` are names of one's own. `aliases` and `combos` lead to it. `images`, `pdf` and
    `audio` are what it reads, `efforts` how much it can be told to reason.
    """

    kind: Literal["model", "alias", "combo"]
    hidden: bool = False
    aliases: tuple[str, ...] = ()
    combos: tuple[str, ...] = ()
    images: bool | None = None
    pdf: bool | None = None
    audio: bool | None = None
    tools: bool | None = None
    json_schema: bool | None = None
    reasoning: bool | None = None
    efforts: tuple[str, ...] = ()
    price: PriceAt | None = None


class FactsFrom(msgspec.Struct, frozen=True, kw_only=True):
    """Where facts about a model were read, and when (a date)."""

    source: str
    date: str
    note: str


class ModelAt(msgspec.Struct, frozen=True, kw_only=True):
    """A model at one account: what it can do and costs there (null: unknown).

    `listed` says that the provider's own list has it. `facts` are the records about it, none for a model that
    is not known: it is then taken to be able to do what its provider can.
    """

    account_id: str
    account: str
    preset: str
    dialects: tuple[Dialect, ...]
    usable: bool
    listed: bool
    facts: tuple[FactsFrom, ...]
    capabilities: Capabilities | None
    price: PriceAt | None


class ModelShown(msgspec.Struct, frozen=True, kw_only=True):
    """A model with all that is known of it; `aliases` and `combos` are names that lead to it.

    `hidden_by` is the glob of `routing.disabled_models` that hides it.
    """

    id: str
    hidden: bool
    hidden_by: str | None
    accounts: tuple[ModelAt, ...]
    aliases: tuple[str, ...]
    combos: tuple[str, ...]


async def list_models(call: Call) -> Reply:
    """Return every name that can be asked for, or every model that is hidden."""
    query: ModelsQuery = call.query
    found = _hidden(call.world) if query.hidden else entries(call.world)
    search = (query.search or "").casefold()
    rows = [
        entry
        for entry in found
        if search in entry.id.casefold() and (query.account is None or query.account in entry.accounts)
    ]
    shown = paged(rows, query, key=lambda entry: (entry.id,))
    row_of = _rows(call, hidden=query.hidden)
    return msgspec.structs.replace(shown, data=[row_of(entry) for entry in shown.data])


async def get_model(call: Call) -> Reply:
    """Return what is known of a model; the ETag is for `If-Match`."""
    row = _found(call)
    return Reply(data=row, headers=_tagged(row.hidden, call))


async def change_model(call: Call) -> Reply:
    """Hide a model, or show it again."""
    settings_only(call, "hide models")
    patch: ModelPatch = call.body
    name = _found(call).id

    def changed(values: dict[str, Any]) -> dict[str, Any]:
        stored = part(values, "routing", "disabled_models")
        globs = list(call.deps.present.routing.disabled_models if stored is None else stored)
        refuse_other(call, _tagged(_found(call).hidden, call)["etag"], "model")
        others = [glob for glob in globs if glob != name]
        return {"routing": {"disabled_models": [*others, name] if patch.hidden else others}}

    await edit(call, changed)
    notices = await call.publish()
    row = _found(call)
    if row.hidden != patch.hidden:
        raise refusal(
            f"{name[:100]} is hidden by {row.hidden_by!r} of `routing.disabled_models`",
            status=409,
            code="read_only",
            fix="change the settings: PATCH /api/settings",
        )
    return Reply(data=row, notices=notices, headers=_tagged(row.hidden, call))


def _hidden(world: World) -> list[ModelEntry]:
    """Return the models that accounts have and nobody may ask for."""
    found: dict[str, ModelEntry] = {}
    for account in world.facts.accounts:
        for name in account.names:
            if world.facts.disabling(account, name) is None:
                continue
            before = found.get(name)
            accounts = (*before.accounts, account.name) if before is not None else (account.name,)
            found[name] = ModelEntry(id=name, owned_by=account.preset, display_name=name, accounts=accounts)
    return list(found.values())


def _rows(call: Call, *, hidden: bool) -> Callable[[ModelEntry], ModelRow]:
    """Return what makes a row of an entry of the list."""
    world = call.world
    aliases, combos = _leading(world)
    accounts = {account.name: account for account in reversed(world.facts.accounts)}

    def row_of(entry: ModelEntry) -> ModelRow:
        told = {
            **msgspec.structs.asdict(entry),
            "hidden": hidden,
            "aliases": aliases.get(entry.id, ()),
            "combos": combos.get(entry.id, ()),
        }
        if not entry.accounts:
            return ModelRow(**told, kind="combo" if entry.owned_by == "combo" else "alias")
        at = _at(accounts[entry.accounts[0]], entry.id, call)
        return ModelRow(**{**told, **_abilities(entry, at)}, kind="model", price=at.price)

    return row_of


def _abilities(entry: ModelEntry, at: ModelAt) -> dict[str, Any]:
    """Return what is known of the model; what is merely let pass is not."""
    able = at.capabilities
    if able is None:
        return {}
    limits = {
        "context_window": entry.context_window or able.context_window,
        "max_output": entry.max_output or able.max_output,
    }
    if not at.facts:
        return limits
    return {
        **limits,
        "images": able.vision,
        "pdf": able.pdf,
        "audio": able.audio_in,
        "tools": able.tools,
        "json_schema": able.json_schema,
        "reasoning": None if able.thinking_style is None else able.thinking_style != "none",
        "efforts": able.efforts,
    }


def _leading(world: World) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Return the aliases and the combos that name a model, by the model."""
    aliases: dict[str, tuple[str, ...]] = {}
    combos: dict[str, tuple[str, ...]] = {}
    for alias, models in world.facts.aliases.items():
        for model in (models,) if isinstance(models, str) else models:
            aliases[model] = (*aliases.get(model, ()), alias)
    for combo in world.facts.combos:
        for member in dict.fromkeys(member.model for member in combo.config.members):
            combos[member] = (*combos.get(member, ()), combo.name)
    return aliases, combos


def _found(call: Call) -> ModelShown:
    world, name = call.world, call.rest
    having = [account for account in world.facts.accounts if name in account.names]
    if not having or len(name) > _NAME_MAX:
        raise missing(f"no account has a model {name[:100]}", code="model_not_found")
    globs = [world.facts.disabling(account, name) for account in having]
    aliases, combos = _leading(world)
    return ModelShown(
        id=name,
        hidden=all(globs),
        hidden_by=next(iter(globs)) if all(globs) else None,
        accounts=tuple(
            _at(account, name, call, listed=world.listed.get(account.id, ())) for account in having
        ),
        aliases=aliases.get(name, ()),
        combos=combos.get(name, ()),
    )


def _at(account: AccountFacts, name: str, call: Call, *, listed: tuple[ListedModel, ...] = ()) -> ModelAt:
    world = call.deps.world()
    preset = world.presets.get(account.id)
    dialect = next(iter(account.dialects), None)
    able = price = None
    rows: tuple[Row, ...] = ()
    if preset is not None and dialect is not None:
        rows = packaged_matches(preset.id, name, dialect=dialect)
        able = world.capabilities(preset, name, dialect)
        price = world.prices.of(preset, name, host=account.hosts.get(dialect, ""))
    return ModelAt(
        account_id=account.id,
        account=account.name,
        preset=account.preset,
        dialects=account.dialects,
        usable=account.enabled and not account.problem,
        listed=any(model.id == name for model in listed),
        facts=tuple(FactsFrom(source=row.source, date=row.date.isoformat(), note=row.note) for row in rows),
        capabilities=able,
        price=None if price is None else _price(price, now=call.deps.clock.now()),
    )


def _price(price: Price, *, now: float) -> PriceAt:
    amounts = {kind: price.per_million(kind, now=now) for kind in _KINDS}
    shown = {kind: None if amount is None else f"{amount.normalize():f}" for kind, amount in amounts.items()}
    return PriceAt(source=price.source, **shown)


def _tagged(hidden: bool, call: Call) -> dict[str, str]:
    return {"etag": tag_of((call.rest, hidden), secret=call.deps.secret)}


__all__ = [
    "FactsFrom",
    "ModelAt",
    "ModelPatch",
    "ModelRow",
    "ModelShown",
    "ModelsQuery",
    "PriceAt",
    "change_model",
    "get_model",
    "list_models",
]
