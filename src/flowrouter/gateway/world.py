"""The configuration as the hot path wants it: immutable, compiled once per change."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from flowrouter.accounts.account import Account, merge
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.dialects import available
from flowrouter.gateway.ports import Snapshot
from flowrouter.httpkit.keys import KeyRing
from flowrouter.providers.capabilities import capabilities
from flowrouter.providers.catalog import Catalog
from flowrouter.providers.listing import ListedModel
from flowrouter.providers.preset import Preset
from flowrouter.routing import AccountFacts, Facts


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a request needs to know, in memory.

    `accounts` by id, `presets` by account id. `protected` says that a key is required even though
    none exists (a bind beyond loopback). `reply_model`: `answered` or `asked`.
    """

    version: int = 0
    accounts: Mapping[str, Account] = {}
    presets: Mapping[str, Preset] = {}
    facts: Facts = Facts()
    listed: Mapping[str, tuple[ListedModel, ...]] = {}
    ring: KeyRing = msgspec.field(default_factory=lambda: KeyRing(()))
    protected: bool = False
    reply_model: str = "answered"
    problems: tuple[str, ...] = ()
    known_capabilities: dict[tuple[str, str, Dialect], Capabilities] = {}

    def capabilities(self, preset: Preset, model: str, dialect: Dialect) -> Capabilities:
        """Return what `model` can take at `preset` in `dialect`; kept for the next request."""
        key = (preset.id, model, dialect)
        found = self.known_capabilities.get(key)
        if found is None:
            found = capabilities(preset, model, dialect)
            if len(self.known_capabilities) >= _KNOWN_MAX:
                self.known_capabilities.clear()
            if len(model) <= _NAME_MAX:
                self.known_capabilities[key] = found
        return found


_KNOWN_MAX = 4096
_NAME_MAX = 200
"""Longer names are not kept: where an account takes every name, a caller chooses what is remembered."""


def compile_world(
    snapshot: Snapshot,
    *,
    declared: tuple[Account, ...],
    catalog: Catalog,
    listed: Mapping[str, tuple[ListedModel, ...]] | None = None,
    aliases: Mapping[str, str] | None = None,
    protected: bool = False,
    reply_model: str = "answered",
    problems: tuple[str, ...] = (),
) -> World:
    """Return the world that `snapshot` and the declared accounts make.

    `listed` holds live model lists fetched since; those of the snapshot stand in for the rest.
    """
    accounts = merge(declared, snapshot.accounts)
    lists = {**_stored_lists(snapshot), **(listed or {})}
    presets: dict[str, Preset] = {}
    facts: list[AccountFacts] = []
    for account in accounts:
        preset = catalog.find(account.preset)
        if preset is not None:
            presets[account.id] = preset
        facts.append(_facts(account, preset, lists.get(account.id)))
    return World(
        version=snapshot.version,
        accounts={account.id: account for account in accounts},
        presets=presets,
        facts=Facts(accounts=tuple(facts), aliases=dict(aliases or {})),
        listed=lists,
        ring=snapshot.keys,
        protected=protected,
        reply_model=reply_model,
        problems=(*snapshot.problems, *problems),
    )


def _facts(account: Account, preset: Preset | None, listed: tuple[ListedModel, ...] | None) -> AccountFacts:
    spoken = available()
    served = account.dialects or (preset.preferred_dialects if preset is not None else ())
    static = preset.models.static if preset is not None else ()
    models = tuple(model.id for model in listed) if listed is not None else (static or None)
    return AccountFacts(
        id=account.id,
        name=account.name,
        preset=account.preset,
        preset_aliases=preset.aliases if preset is not None else (),
        owner_id=account.owner_id,
        dialects=tuple(dialect for dialect in served if dialect in spoken),
        patterns=account.models,
        models=models,
        priority=account.priority,
        enabled=account.enabled,
        reserved=preset is not None and preset.id == "local",
        problem=account.problem or (None if preset is not None else f"no preset {account.preset!r}"),
    )


def _stored_lists(snapshot: Snapshot) -> dict[str, tuple[ListedModel, ...]]:
    lists: dict[str, tuple[ListedModel, ...]] = {}
    for stored in snapshot.model_lists:
        try:
            lists[stored.account_id] = msgspec.json.decode(stored.body, type=tuple[ListedModel, ...])
        except msgspec.DecodeError:
            continue
    return lists


__all__ = ["World", "compile_world"]
