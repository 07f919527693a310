"""What people ask of the request log, each as it comes through `/api` and the commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import combinations
from random import Random
from typing import Any, NamedTuple

import msgspec

from flowrouter.gateway.ports import RequestFilter, UsageGroup
from flowrouter.storage.requests import StoredRequests
from tests.scale.rows import DAY_MS, MODELS, PRESETS, Maker

Values = Callable[[Random], Any]


class Question(NamedTuple):
    """One kind of question; `ask` asks it once, with values of its own choice."""

    name: str
    ask: Callable[[StoredRequests, Random], Any]


def filters(maker: Maker, sessions: Sequence[str], end_ms: int) -> dict[str, Values]:
    """Return how each filter is filled in: mostly what is used much, now and then what is used never."""

    def of(known: Sequence[str]) -> Values:
        return lambda draw: draw.choice([*known[:6], draw.choice(known), "never-used"])

    return {
        "owner_id": of(["local", "own_0", "own_1"]),
        "key_id": of(maker.keys),
        "account_id": of(maker.accounts),
        "preset": of(PRESETS),
        "model": of(MODELS),
        "client_dialect": lambda draw: draw.choice(
            ["openai_chat", "anthropic", "openai_responses", "gemini"]
        ),
        "outcome": lambda draw: draw.choice(["ok", "error", "cancelled", "partial"]),
        "session_id": of(sessions),
        "since_ms": lambda draw: end_ms - draw.randrange(maker.days * DAY_MS),
        "until_ms": lambda draw: end_ms - draw.randrange(maker.days * DAY_MS),
    }


def questions(maker: Maker, sessions: Sequence[str], end_ms: int) -> Iterator[Question]:
    """Yield every question there is."""
    ways = filters(maker, sessions, end_ms)
    everything = RequestFilter()
    yield Question("list, first page", lambda log, _: log.list(everything))
    yield Question("list, first page of 500", lambda log, _: log.list(everything, limit=500))
    yield Question("list, deep page", partial(_deep, maker, end_ms))
    for name in ways:
        yield Question(f"list by {_short(name)}", partial(_listed, {name: ways[name]}))
    for one, other in combinations(ways, 2):
        name = f"list by {_short(one)} and {_short(other)}"
        yield Question(name, partial(_listed, {one: ways[one], other: ways[other]}))
    for days in (1, 30, maker.days):
        span = {"since_ms": lambda _draw, days=days: end_ms - days * DAY_MS}
        groups: tuple[UsageGroup, ...] = (
            "day",
            "model",
            "preset",
            "account",
            "key",
            "client",
            "combo",
            "total",
        )
        for group in groups:
            yield Question(f"usage by {group}, {days} days", partial(_usage, span, group))
        for name in ("owner_id", "key_id", "account_id", "model"):
            chosen = {**span, name: ways[name]}
            yield Question(f"usage by day, {days} days, one {_short(name)}", partial(_usage, chosen, "day"))
    recent = {"since_ms": lambda _draw: end_ms - DAY_MS}
    others: tuple[UsageGroup, ...] = ("hour", "dialect", "outcome")
    for group in others:
        yield Question(f"usage by {group}, 1 day", partial(_usage, recent, group))
    yield Question(
        "usage of a session, by model", partial(_usage, {"session_id": ways["session_id"]}, "model")
    )


def _short(name: str) -> str:
    return {"client_dialect": "dialect", "since_ms": "since", "until_ms": "until"}.get(
        name, name.removesuffix("_id")
    )


def _listed(ways: dict[str, Values], log: StoredRequests, draw: Random) -> Any:
    which = msgspec.structs.replace(RequestFilter(), **{name: way(draw) for name, way in ways.items()})
    return log.list(which)


def _deep(maker: Maker, end_ms: int, log: StoredRequests, draw: Random) -> Any:
    moment = end_ms - draw.randrange(maker.days * DAY_MS)
    return log.list(RequestFilter(), cursor=f"{moment}.req_8")


def _usage(ways: dict[str, Values], group: UsageGroup, log: StoredRequests, draw: Random) -> Any:
    which = msgspec.structs.replace(RequestFilter(), **{name: way(draw) for name, way in ways.items()})
    return log.usage(which, group_by=group)


__all__ = ["Question", "filters", "questions"]
