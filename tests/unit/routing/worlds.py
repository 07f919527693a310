"""Accounts, combos and requests that the tests of names are told with."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.canonical.head import Counts
from flowrouter.providers import catalog
from flowrouter.routing import AccountFacts, Facts, Plan
from flowrouter.routing.conditions import Circumstances
from flowrouter.routing.facts import Combo
from flowrouter.routing.names import Asked, draft
from flowrouter.routing.order import order
from flowrouter.routing.signals import Calm
from flowrouter.routing.tree import Draft, Group, Leaf
from flowrouter.settings.routing import ComboConfig, ComboMember
from tests.unit.routing.test_plan import CLAUDE, LISTED, LOCAL, OPENAI, ROUTER, account, found

EVERY = (ROUTER, OPENAI, CLAUDE, LISTED)


def combo(name: str, *members: str | ComboMember, owner_id: str = "local", **fields: Any) -> Combo:
    made = tuple(each if isinstance(each, ComboMember) else ComboMember(model=each) for each in members)
    return Combo(name=name, owner_id=owner_id, config=ComboConfig(members=made, **fields))


def world(*accounts: AccountFacts, **fields: Any) -> Facts:
    presets = {held.id: preset for held in accounts if (preset := catalog.packaged().find(held.preset))}
    return Facts(accounts=accounts, presets=presets, **fields)


def plan(facts: Facts, model: str, **options: Any) -> Plan:
    options.setdefault("dialect", "openai_chat")
    return order(draft(facts, Asked(model=model, **options)), Calm())


def drafted(facts: Facts, model: str, **options: Any) -> Draft:
    return draft(facts, Asked(model=model, dialect="openai_chat", **options))


def request(**fields: Any) -> Circumstances:
    """Return what conditions see of a request; `counts` are changes of an empty one."""
    empty = Counts(turns=1, tools=0, images=0, documents=0, tool_results=0, thinking=False, text_bytes=0)
    counts = msgspec.structs.replace(empty, **fields.pop("counts", {}))
    tokens, minute = fields.pop("tokens", 10), fields.pop("minute", 12 * 60)
    return Circumstances(counts=lambda: counts, tokens=lambda _: tokens, minute=lambda: minute, **fields)


def shape(node: Group | Leaf | None) -> Any:
    """Return a tree as tuples: (name, strategy, members), leaves as account/model."""
    if node is None or isinstance(node, Leaf):
        return node and f"{node.target.account}/{node.target.model}"
    return (node.name, node.strategy, [shape(member) for member in node.members])


__all__ = [
    "EVERY", "LOCAL", "OPENAI", "account", "combo", "drafted", "found", "plan", "request", "shape", "world",
]  # fmt: skip
