"""What routing knows of the world: accounts, the models they answer for, names and groups, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.providers.preset import Preset
from flowrouter.routing.conditions import is_open
from flowrouter.settings.routing import ComboConfig, Routing

if TYPE_CHECKING:
    from flowrouter.routing.plan import Plan
    from flowrouter.routing.tree import Draft

_T = TypeVar("_T")

NAME_MAX = 200
"""Longer names are neither kept nor compared: where an account takes every name, a caller chooses it."""

_DRAFTS_MAX = 4096


class AccountFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One account as routing sees it.

    `patterns` is the manual list (names and globs; it wins over the live list), `models` the live
    list (None: not known yet), `dialects` those it speaks in order of preference, `hosts` where its
    connections go in each (`api.openai.com:443`). `reserved` marks the embedded model, which answers
    its own names and otherwise only stands in while no other account exists. Lower `priority` is tried
    first; `weight` is its share where accounts take weighted turns, `tags` are what rules choose
    by; `owner_id` whose account it is.
    """

    id: str
    name: str
    preset: str
    owner_id: str
    dialects: tuple[Dialect, ...]
    preset_aliases: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    models: tuple[str, ...] | None = None
    priority: int = 1
    weight: int = 1
    tags: tuple[str, ...] = ()
    hosts: Mapping[Dialect, str] = {}
    enabled: bool = True
    reserved: bool = False
    problem: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return the plain model names this account is known to answer for."""
        if self.patterns:
            return tuple(name for name in self.patterns if not is_glob(name))
        return self.models or ()

    @property
    def takes_any(self) -> bool:
        """Return whether it takes names that nobody lists: its list is `*`, or not known yet."""
        return "*" in self.patterns or (not self.patterns and self.models is None)


class Combo(msgspec.Struct, frozen=True, kw_only=True):
    """A combo under its name; names are told apart without regard to case."""

    name: str
    owner_id: str
    config: ComboConfig


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All accounts in order of priority, and what their owner named, grouped and ruled.

    `aliases` map a name to a model as a client would write it, or to several: a pool. `presets` are by
    account id. What follows from these alone is worked out once: `conditional` says that names may
    mean different things in different requests, `drafts` holds what names came to, `plans` what came of those
    of which the written order decides, while nothing stood in their targets' way.
    """

    accounts: tuple[AccountFacts, ...] = ()
    aliases: Mapping[str, str | tuple[str, ...]] = {}
    combos: tuple[Combo, ...] = ()
    routing: Routing = Routing()
    presets: Mapping[str, Preset] = {}
    conditional: bool = False
    drafts: dict[Any, Draft] = {}
    plans: dict[Any, Plan] = {}
    groups: dict[str, tuple[Combo, ...]] = {}

    def __post_init__(self) -> None:
        groups: dict[str, tuple[Combo, ...]] = {}
        for combo in self.combos:
            key = combo.name.lower()
            groups[key] = (*groups.get(key, ()), combo)
        # A copy with other accounts must not share what was worked out for these.
        msgspec.structs.force_setattr(self, "groups", groups)
        msgspec.structs.force_setattr(self, "drafts", {})
        msgspec.structs.force_setattr(self, "plans", {})
        rules = [rule.when for rule in self.routing.mapping]
        rules += [member.when for combo in self.combos for member in combo.config.members]
        conditional = self.routing.tiers.enabled or not all(is_open(rule) for rule in rules)
        msgspec.structs.force_setattr(self, "conditional", conditional)

    def combo(self, name: str, owners: Sequence[str] = ()) -> Combo | None:
        """Return the combo called `name` of the first of `owners` that has one (none given: anybody's)."""
        found = self.groups.get(name.lower(), ())
        if not owners:
            return found[0] if found else None
        of_owner = {combo.owner_id: combo for combo in reversed(found)}
        return next((of_owner[owner_id] for owner_id in owners if owner_id in of_owner), None)

    def seen_by(self, owners: Sequence[str]) -> Facts:
        """Return the facts without accounts and combos of anybody but `owners`."""
        combos = tuple(combo for combo in self.combos if combo.owner_id in owners)
        accounts = tuple(account for account in self.accounts if account.owner_id in owners)
        if len(combos) == len(self.combos) and len(accounts) == len(self.accounts):
            return self
        return msgspec.structs.replace(self, combos=combos, accounts=accounts)

    def disabling(self, account: AccountFacts, model: str) -> str | None:
        """Return the glob of `routing.disabled_models` by which `model` is not asked at `account`."""
        for glob in self.routing.disabled_models:
            for name in (model, f"{account.name}/{model}", f"{account.preset}/{model}"):
                if matches(name, glob):
                    return glob
        return None

    def keep(self, key: Any, draft: Draft) -> None:
        """Keep `draft` for the next request of its name."""
        _keep(self.drafts, key, draft)

    def keep_plan(self, key: Any, plan: Plan) -> None:
        """Keep `plan` for the next request of its name."""
        _keep(self.plans, key, plan)


def _keep(kept: dict[Any, _T], key: Any, found: _T) -> None:
    if len(kept) >= _DRAFTS_MAX:
        kept.clear()
    kept[key] = found


def is_glob(name: str) -> bool:
    """Return whether `name` is a pattern rather than a model's name."""
    return any(mark in name for mark in "*?[")


def matches(name: str, glob: str) -> bool:
    """Return whether `glob` takes `name`, whatever the case; it also stands for its own letters.

    An id may hold brackets itself.
    """
    name, glob = name.lower(), glob.lower()
    return name == glob or fnmatchcase(name, glob)


__all__ = ["NAME_MAX", "AccountFacts", "Combo", "Facts", "is_glob", "matches"]
