"""The accounts that have a model, as a tree: priority before priority, and turns among equals.

With rotation `fill_first` everywhere this is the written order. Cursors belong to a set of accounts, not
to a model, so that shared state does not grow with the names that clients think of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from itertools import groupby

import msgspec

from flowrouter.routing.tree import Group, Leaf
from flowrouter.settings.routing import Rotation, Routing, Strategy

Ranked = tuple[int, Leaf]
"""A leaf, its weight the account's, and the account's priority; lower is asked first."""

STRATEGIES: Mapping[Rotation, Strategy] = {
    "fill_first": "priority",
    "round_robin": "round_robin",
    "weighted": "weighted",
}
"""What a rotation setting makes of equals."""

_NAME_MAX = 100


def tiered(leaves: Sequence[Ranked], routing: Routing) -> Group | Leaf:
    """Return the tree of `leaves`, at least one, which stand in the order of their priority."""
    if len(leaves) == 1:
        return leaves[0][1]
    tiers = [
        _tier([leaf for _, leaf in equals], routing) for _, equals in groupby(leaves, lambda pair: pair[0])
    ]
    if len(tiers) == 1:
        return tiers[0]
    members: list[Group | Leaf] = []
    for tier in tiers:
        members += tier.members if isinstance(tier, Group) and tier.strategy == "priority" else (tier,)
    return Group(name=_named(_leaves(members)), strategy="priority", members=tuple(members))


def weighted(node: Group | Leaf, weight: int) -> Group | Leaf:
    """Return `node` with the weight it has in the group around it."""
    return node if node.weight == weight else msgspec.structs.replace(node, weight=weight)


def _tier(leaves: Sequence[Leaf], routing: Routing) -> Group | Leaf:
    """Return the node of accounts that are equals; presets with a rotation of their own stand together."""
    members: dict[str, list[Leaf]] = {}
    for place, leaf in enumerate(leaves):
        preset = leaf.target.preset
        members.setdefault(preset if preset in routing.rotations else f"\0{place}", []).append(leaf)
    nodes = [
        _group(equals, routing.rotations[key]) if key in routing.rotations else equals[0]
        for key, equals in members.items()
    ]
    return _group(nodes, routing.rotation)


def _group(nodes: Sequence[Group | Leaf], rotation: Rotation) -> Group | Leaf:
    if len(nodes) == 1:
        return nodes[0]
    return Group(
        name=_named(_leaves(nodes)),
        strategy=STRATEGIES[rotation],
        members=tuple(nodes),
        weight=sum(node.weight for node in nodes),
    )


def _leaves(nodes: Sequence[Group | Leaf]) -> list[Leaf]:
    return [leaf for node in nodes for leaf in ([node] if isinstance(node, Leaf) else node.leaves())]


def _named(leaves: Sequence[Leaf]) -> str:
    """Return a name that is the same for the same accounts, short enough to be a key."""
    name = "accounts:" + "+".join(dict.fromkeys(leaf.target.account for leaf in leaves))
    if len(name) <= _NAME_MAX:
        return name
    digest = blake2b(name.encode(), digest_size=6).hexdigest()
    return f"{name[: _NAME_MAX - 16]}…{digest}"


__all__ = ["STRATEGIES", "Ranked", "tiered", "weighted"]
