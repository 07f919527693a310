"""What people ask of the request log, each as it comes through `/api` and the commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import combinations
from random import Random
from typing import Any, NamedTuple

import msgspec

from flowrouter.gateway.ports import RequestFilter, UsageGroup
from flowrouter.gateway.traffic import SeriesSplit
from flowrouter.storage.database import Database
from flowrouter.storage.requests import StoredRequests
from flowrouter.storage.traffic import StoredTraffic
from tests.scale.rows import DAY_MS, MODELS, PRESETS, Maker

Values = Callable[[Random], Any]
EVERYTHING = RequestFilter()


class Log:
    """The request log of one store, as rows and sums, and as charts."""

    def __init__(self, database: Database) -> None:
        self.requests = StoredRequests(database)
        self.traffic = StoredTraffic(database)


class Question(NamedTuple):
    """One kind of question; `ask` asks it once, with values of its own choice."""

    name: str
    ask: Callable[[Log, Random], Any]


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
    yield Question("list, first page", lambda log, _: log.requests.list(EVERYTHING))
    yield Question("list, first page of 500", lambda log, _: log.requests.list(EVERYTHING, limit=500))
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
    yield from _charts(maker, ways, end_ms)


def _charts(maker: Maker, ways: dict[str, Values], end_ms: int) -> Iterator[Question]:
    """Yield what the pages with charts ask: days that begin an hour before UTC's, moments in mid-hour."""
    midnight = end_ms - (end_ms + 3_600_000) % DAY_MS + DAY_MS
    end = RequestFilter(until_ms=end_ms)
    splits: tuple[SeriesSplit, ...] = (
        "none",
        "preset",
        "account",
        "model",
        "key",
        "client",
        "combo",
        "outcome",
    )
    for split in splits:
        for days in (30, 90):
            which = RequestFilter(since_ms=midnight - days * DAY_MS)
            yield Question(f"series by {split}, {days} days", partial(_series, which, {}, split))
        since_ms = midnight + 3_600_000 - maker.days * DAY_MS
        long = partial(_series, RequestFilter(since_ms=since_ms), {}, split, offset_minutes=0)
        yield Question(f"series by {split}, {maker.days} days in UTC", long)
        hours = RequestFilter(since_ms=midnight - 2 * DAY_MS)
        yield Question(f"series by {split}, 48 hours", partial(_series, hours, {}, split, hours=True))
    month = RequestFilter(since_ms=midnight - 30 * DAY_MS)
    for name in ("key_id", "preset"):
        chosen = {name: ways[name]}
        yield Question(
            f"series by model, 30 days, one {_short(name)}", partial(_series, month, chosen, "model")
        )
        yield Question(f"latency, 30 days, one {_short(name)}", partial(_latency, month, chosen))
    yield Question("latency, 30 days", partial(_latency, month, {}))
    for days in (1, 30):
        yield Question(f"summary, {days} days", partial(_summary, end, {}, days=days))
        one = {"key_id": ways["key_id"]}
        yield Question(f"summary, {days} days, one key", partial(_summary, end, one, days=days))
    recent = RequestFilter(since_ms=end_ms - 3_600_000)
    yield Question("flow, one hour", lambda log, _: log.traffic.passages(recent, limit=5_001))
    today = RequestFilter(since_ms=end_ms - DAY_MS)
    yield Question("flow, one day", lambda log, _: log.traffic.passages(today, limit=5_001))
    yield Question("sessions", lambda log, _: log.traffic.sessions(EVERYTHING))
    yield Question("sessions, deep page", partial(_deep_sessions, maker, end_ms))
    for name in ("owner_id", "key_id", "preset"):
        yield Question(f"sessions of one {_short(name)}", partial(_sessions, {name: ways[name]}))


def _short(name: str) -> str:
    return {"client_dialect": "dialect", "since_ms": "since", "until_ms": "until"}.get(
        name, name.removesuffix("_id")
    )


def _filled(ways: dict[str, Values], draw: Random, which: RequestFilter = EVERYTHING) -> RequestFilter:
    return msgspec.structs.replace(which, **{name: way(draw) for name, way in ways.items()})


def _listed(ways: dict[str, Values], log: Log, draw: Random) -> Any:
    return log.requests.list(_filled(ways, draw))


def _deep(maker: Maker, end_ms: int, log: Log, draw: Random) -> Any:
    moment = end_ms - draw.randrange(maker.days * DAY_MS)
    return log.requests.list(EVERYTHING, cursor=f"{moment}.req_8")


def _usage(ways: dict[str, Values], group: UsageGroup, log: Log, draw: Random) -> Any:
    return log.requests.usage(_filled(ways, draw), group_by=group)


def _series(
    which: RequestFilter,
    ways: dict[str, Values],
    split: SeriesSplit,
    log: Log,
    draw: Random,
    *,
    hours: bool = False,
    offset_minutes: int = 60,
) -> Any:
    span = "hour" if hours else "day"
    asked = _filled(ways, draw, which)
    return log.traffic.series(asked, split=split, span=span, offset_minutes=offset_minutes)


def _latency(which: RequestFilter, ways: dict[str, Values], log: Log, draw: Random) -> Any:
    edges = [(which.since_ms or 0) + day * DAY_MS for day in range(31)]
    return log.traffic.timings(_filled(ways, draw, which), edges=edges, count=200)


def _summary(which: RequestFilter, ways: dict[str, Values], log: Log, draw: Random, *, days: int) -> Any:
    """Ask what a summary asks of its two stretches."""
    length, end = days * DAY_MS, which.until_ms or 0
    now = _filled(ways, draw, RequestFilter(since_ms=end - length))
    before = msgspec.structs.replace(now, since_ms=end - 2 * length, until_ms=end - length)
    for each in (now, before):
        log.requests.usage(each, group_by="model")
        log.traffic.served(each)


def _deep_sessions(maker: Maker, end_ms: int, log: Log, draw: Random) -> Any:
    moment = end_ms - draw.randrange(maker.days * DAY_MS)
    return log.traffic.sessions(EVERYTHING, cursor=f"{moment}.req_8")


def _sessions(ways: dict[str, Values], log: Log, draw: Random) -> Any:
    return log.traffic.sessions(_filled(ways, draw))


__all__ = ["Log", "Question", "filters", "questions"]
