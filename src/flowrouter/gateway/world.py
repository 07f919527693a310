"""The configuration as the hot path wants it: immutable, compiled once per change."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from flowrouter.accounts.account import Account, declared_id, merge
from flowrouter.accounts.tags import tags_of
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.dialects import available
from flowrouter.errors import ConfigError
from flowrouter.gateway.limit import Limit, gateway_limit
from flowrouter.gateway.ports import Snapshot, StoredCombo
from flowrouter.httpkit.keys import LOCAL_OWNER, KeyRing
from flowrouter.providers import adapter
from flowrouter.providers.capabilities import capabilities
from flowrouter.providers.catalog import Catalog
from flowrouter.providers.listing import ListedModel
from flowrouter.providers.preset import Preset
from flowrouter.routing import AccountFacts, Facts, Target
from flowrouter.routing.course import Limits
from flowrouter.routing.facts import NAME_MAX, Combo
from flowrouter.routing.names import circles
from flowrouter.routing.rules import Rules
from flowrouter.settings.budgets import Budget
from flowrouter.settings.recording import Recording
from flowrouter.settings.routing import ComboConfig, Routing
from flowrouter.usage import Prices
from flowrouter.wire.http import HttpRequest


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """How a target is reached: its account, that account's preset, what the target takes by both.

    `slots` is how many requests may be in flight at the account.
    """

    account: Account
    preset: Preset
    capabilities: Capabilities
    slots: int


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a request needs to know, in memory.

    `accounts` by id, `presets` by account id. `protected` says that a key is required even though
    none exists (a bind beyond loopback). `reply_model`: `answered` or `asked`. `combos` by id, those of
    the store that one of the configuration file hides are in `hidden_combos`. `known_requests` are those whose
    address and headers several of an account's share, without a body, by account, dialect, operation, whether it
    streams, and the headers that its client and its translation add.

    What follows from the rest is worked out once: `limits` is what one request may do, `decided` says that something
    goes by what stands in requests, `watched` that something is done with every request before it is planned, `settled`
    that nothing but its name and its caller decides what a model means.
    """

    version: int = 0
    accounts: Mapping[str, Account] = {}
    presets: Mapping[str, Preset] = {}
    facts: Facts = Facts()
    listed: Mapping[str, tuple[ListedModel, ...]] = {}
    ring: KeyRing = msgspec.field(default_factory=lambda: KeyRing(()))
    protected: bool = False
    reply_model: str = "answered"
    routing: Routing = Routing()
    combos: Mapping[str, StoredCombo] = {}
    hidden_combos: frozenset[str] = frozenset()
    rules: Rules = msgspec.field(default_factory=Rules)
    prices: Prices = msgspec.field(default_factory=Prices)
    budgets: tuple[Limit, ...] = ()
    recording: Recording = Recording()
    problems: tuple[str, ...] = ()
    known_capabilities: dict[tuple[str, str, Dialect], Capabilities] = {}
    known_destinations: dict[tuple[str, str, Dialect], Destination] = {}
    limits: Limits = Limits()
    decided: bool = False
    watched: bool = False
    settled: bool = True
    named: bool = False
    known_requests: dict[
        tuple[str, Dialect, adapter.Operation, bool, adapter.Headers, adapter.Headers],
        tuple[Account, HttpRequest],
    ] = {}

    def __post_init__(self) -> None:
        # A copy with other accounts must not share what was worked out for these.
        msgspec.structs.force_setattr(self, "known_destinations", {})
        routing = self.routing
        limits = Limits(
            attempts=routing.attempts,
            wait=routing.wait,
            past_content_filter=routing.failover_on_content_filter,
        )
        msgspec.structs.force_setattr(self, "limits", limits)
        decided = bool(self.budgets or routing.intents or routing.tiers.enabled)
        msgspec.structs.force_setattr(self, "decided", decided)
        watched = decided or self.recording.mode != "off" or routing.bypass.enabled
        msgspec.structs.force_setattr(self, "watched", watched)
        settled = not (self.facts.conditional or routing.intents)
        msgspec.structs.force_setattr(self, "settled", settled)
        msgspec.structs.force_setattr(self, "named", self.reply_model == "asked")

    def capabilities(self, preset: Preset, model: str, dialect: Dialect) -> Capabilities:
        """Return what `model` can take at `preset` in `dialect`; kept for the next request."""
        key = (preset.id, model, dialect)
        found = self.known_capabilities.get(key)
        if found is None:
            found = capabilities(preset, model, dialect)
            if len(self.known_capabilities) >= _KNOWN_MAX:
                self.known_capabilities.clear()
            if len(model) <= NAME_MAX:
                self.known_capabilities[key] = found
        return found

    def destination(self, target: Target) -> Destination:
        """Return how `target` is reached; kept for the next request."""
        # Not by the target's own key: two accounts' must never be one here, whatever features call theirs.
        key = (target.account_id, target.model, target.dialect)
        found = self.known_destinations.get(key)
        if found is None:
            account, preset = self.accounts[target.account_id], self.presets[target.account_id]
            taken = self.capabilities(preset, target.model, target.dialect)
            if account.unsupported is not None:
                taken = msgspec.structs.replace(taken, unsupported=account.unsupported)
            slots = self.slots(target.account_id)
            found = Destination(account=account, preset=preset, capabilities=taken, slots=slots)
            if len(self.known_destinations) >= _KNOWN_MAX:
                self.known_destinations.clear()
            if len(target.model) <= NAME_MAX:
                self.known_destinations[key] = found
        return found

    def slots(self, account_id: str) -> int:
        """Return how many requests may be in flight at an account."""
        return self.accounts[account_id].max_concurrency or self.presets[account_id].max_concurrency

    def window(self, target: Target) -> int | None:
        """Return the tokens `target` can read, as its provider or its profile says."""
        for listed in self.listed.get(target.account_id, ()):
            if listed.id == target.model and listed.context_window:
                return listed.context_window
        preset = self.presets.get(target.account_id)
        if preset is None:
            return None
        return self.capabilities(preset, target.model, target.dialect).context_window


_KNOWN_MAX = 4096

_NO_ROUTING = Routing()
_NO_RECORDING = Recording()


def compile_world(
    snapshot: Snapshot,
    *,
    declared: tuple[Account, ...],
    catalog: Catalog,
    listed: Mapping[str, tuple[ListedModel, ...]] | None = None,
    aliases: Mapping[str, str | tuple[str, ...]] | None = None,
    protected: bool = False,
    reply_model: str = "answered",
    routing: Routing = _NO_ROUTING,
    combos: Mapping[str, ComboConfig] | None = None,
    prices: Prices | None = None,
    budgets: Mapping[str, Budget] | None = None,
    recording: Recording = _NO_RECORDING,
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
    known, hidden = _combos(routing.combos if combos is None else combos, snapshot.combos)
    made = Facts(
        accounts=tuple(facts),
        aliases=dict(aliases or {}),
        combos=tuple(
            Combo(name=combo.name, owner_id=combo.owner_id, config=combo.config)
            for combo in known
            if combo.id not in hidden
        ),
        routing=routing,
        presets=presets,
    )
    return World(
        version=snapshot.version,
        accounts={account.id: account for account in accounts},
        presets=presets,
        facts=made,
        listed=lists,
        ring=snapshot.keys,
        protected=protected,
        reply_model=reply_model,
        routing=routing,
        combos={combo.id: combo for combo in known},
        hidden_combos=hidden,
        rules=Rules(routing.rules),
        prices=prices or Prices(),
        budgets=tuple(gateway_limit(name, budget) for name, budget in (budgets or {}).items()),
        recording=recording,
        problems=(*snapshot.problems, *problems, *circles(made)),
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
        weight=account.weight,
        tags=tags_of(account, preset),
        hosts=hosts_of(preset, account.base_url) if preset is not None else {},
        enabled=account.enabled,
        reserved=preset is not None and preset.id == "local",
        problem=account.problem or (None if preset is not None else f"no preset {account.preset!r}"),
    )


def _combos(
    declared: Mapping[str, ComboConfig], stored: tuple[StoredCombo, ...]
) -> tuple[list[StoredCombo], frozenset[str]]:
    """Return all combos by name, and the ids of stored ones that a declared one of their name hides."""
    written = [
        StoredCombo(id=declared_id(name), name=name, owner_id=LOCAL_OWNER, config=config, version=0)
        for name, config in declared.items()
    ]
    names = {combo.name.lower() for combo in written}
    hidden = {combo.id for combo in stored if combo.owner_id == LOCAL_OWNER and combo.name.lower() in names}
    known = sorted([*written, *stored], key=lambda combo: (combo.name.lower(), combo.id))
    return known, frozenset(hidden)


def hosts_of(preset: Preset, base_url: str | None) -> dict[Dialect, str]:
    """Return where connections of each dialect go, as host and port."""
    found: dict[Dialect, str] = {}
    for dialect in preset.served_dialects:
        try:
            address = urlsplit(adapter.resolve_base_url(preset, dialect, override=base_url))
            port = address.port or (443 if address.scheme == "https" else 80)
        except (ConfigError, ValueError):
            continue
        found[dialect] = f"{address.hostname}:{port}"
    return found


def _stored_lists(snapshot: Snapshot) -> dict[str, tuple[ListedModel, ...]]:
    lists: dict[str, tuple[ListedModel, ...]] = {}
    for stored in snapshot.model_lists:
        try:
            lists[stored.account_id] = msgspec.json.decode(stored.body, type=tuple[ListedModel, ...])
        except msgspec.DecodeError:
            continue
    return lists


__all__ = ["Destination", "World", "compile_world", "hosts_of"]
