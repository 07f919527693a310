"""Whose turn it is: fair sequences and draws over weighted members, as functions of a number.

`smooth` is the smooth weighted round robin that nginx made known: every member's credit grows by its
weight, the richest is asked and pays the sum of all. Over one round each member is asked exactly as
often as its weight says, and its turns lie as far apart as they can.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache, reduce
from hashlib import blake2b

ROUND_MAX = 1000
"""Turns of one round. Weights whose sum is larger are brought down to it, to a thousandth at worst."""


def smooth(weights: Sequence[int], turn: int) -> int:
    """Return the index of the member whose turn it is; `weights` are at least 1."""
    order = _round(tuple(weights))
    return order[turn % len(order)]


def raced(weights: Sequence[int], draws: Sequence[float]) -> list[int]:
    """Return the indexes in the order of a weighted draw without replacement; `draws` lie in [0, 1).

    Every member runs a race whose length is drawn; heavier ones run faster (Efraimidis and Spirakis,
    2006). The chance to come first is the member's share of all weights.
    """
    times = [-math.log(1.0 - draw) / weight for weight, draw in zip(weights, draws, strict=True)]
    return sorted(range(len(times)), key=times.__getitem__)


def draw(*seeds: str) -> float:
    """Return a number in [0, 1) that depends on nothing but `seeds`."""
    digest = blake2b("\0".join(seeds).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / (1 << 53)


@lru_cache(maxsize=256)
def _round(weights: tuple[int, ...]) -> tuple[int, ...]:
    weights = _small(weights)
    total, credit, order = sum(weights), [0] * len(weights), list[int]()
    for _ in range(total):
        credit = [have + weight for have, weight in zip(credit, weights, strict=True)]
        richest = max(range(len(credit)), key=credit.__getitem__)
        credit[richest] -= total
        order.append(richest)
    return tuple(order)


def _small(weights: tuple[int, ...]) -> tuple[int, ...]:
    common = reduce(math.gcd, weights)
    weights = tuple(weight // common for weight in weights)
    total = sum(weights)
    if total <= ROUND_MAX:
        return weights
    return tuple(max(1, round(weight * ROUND_MAX / total)) for weight in weights)


__all__ = ["ROUND_MAX", "draw", "raced", "smooth"]
