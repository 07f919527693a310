"""`/api/usage/series`, `latency` and `summary`: the log over time, and one stretch beside the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.request_log import LogQuery, filter_of, names_of
from flowrouter.clock import DAY_MS
from flowrouter.gateway.cache_saved import cache_saved, prices_in
from flowrouter.gateway.ports import RequestFilter, UsageLine
from flowrouter.gateway.traffic import SeriesLine, SeriesSpan, SeriesSplit, Timing
from flowrouter.usage.pricing import usd

POINTS_MAX = 750
SAMPLE = 200
"""The newest requests of a point that its percentiles are made of."""

SAMPLED_MAX = 20_000
"""How many are looked at for a whole chart."""

_HOUR_MS = 3_600_000
_LENGTHS: Mapping[SeriesSpan, int] = {"hour": _HOUR_MS, "day": DAY_MS}
_POINTS: Mapping[SeriesSpan, int] = {"hour": 48, "day": 30}
_SUMMED = (
    "requests", "errors", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens",
    "reasoning_tokens", "cost_pusd", "cost_unknown", "charge_pusd", "charge_unknown",
)  # fmt: skip


class ChartQuery(LogQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests, hour by hour or day by day; without `since` the last 48 hours or 30 days."""

    span: SeriesSpan = "day"
    utc_offset_minutes: Annotated[
        int, msgspec.Meta(ge=-840, le=840, description="where days begin; east is positive")
    ] = 0


class SeriesQuery(ChartQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests, over time, and by what; groups beyond the `top` are one."""

    split: SeriesSplit = "none"
    top: Annotated[int, msgspec.Meta(ge=1, le=50)] = 8


class SeriesOfGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of one group, one for each point; `rest`: of all groups beyond the top ones."""

    group: str | None
    name: str | None
    rest: bool
    requests: list[int]
    errors: list[int]
    input_tokens: list[int]
    cache_read_tokens: list[int]
    cache_write_tokens: list[int]
    output_tokens: list[int]
    reasoning_tokens: list[int]
    cost_pusd: list[int]
    cost_unknown: list[int]
    charge_pusd: list[int]
    charge_unknown: list[int]


class UsageSeries(msgspec.Struct, frozen=True, kw_only=True):
    """Lines over time; `points` are the beginnings of its hours or days, each `span` long."""

    span: SeriesSpan
    utc_offset_minutes: int
    points: list[int]
    series: list[SeriesOfGroup]


class Percentiles(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds, one for each point; null where nothing was measured."""

    p50: list[int | None]
    p95: list[int | None]
    p99: list[int | None]


class UsageLatency(msgspec.Struct, frozen=True, kw_only=True):
    """How long requests took, over time, by a sample of the newest of each point."""

    span: SeriesSpan
    points: list[int]
    sampled: int
    ttft_ms: Percentiles
    duration_ms: Percentiles


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """What some requests took; amounts are of those whose price is known, `*_unknown` counts the others."""

    requests: int
    errors: int
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_pusd: int
    cost_usd: str
    cost_unknown: int
    charge_pusd: int
    charge_usd: str
    charge_unknown: int


class UsageSums(Sums, frozen=True, kw_only=True):
    """Sums of one stretch of time; `cache_saved_*` null where no price is known."""

    cache_saved_pusd: int | None
    cache_saved_usd: str | None


class UsageSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The sums from `since_ms` to `until_ms`, and those of the equally long time `before`."""

    since_ms: int
    until_ms: int
    now: UsageSums
    before: UsageSums


async def get_usage_series(call: Call) -> Reply:
    """Return sums over time, a line for each group."""
    query: SeriesQuery = call.query
    which, until = _stretch(query, call)
    found = await call.ask(
        lambda store: store.traffic.series(
            which,
            split=query.split,
            span=query.span,
            offset_minutes=query.utc_offset_minutes,
            top=query.top,
        )
    )
    points = _points(which, until, query.span, offset_minutes=found.offset_minutes)
    names = {} if query.split == "none" else await names_of(query.split, call)
    lines = [_series(line, points, names) for line in found.lines]
    return Reply(
        data=UsageSeries(
            span=query.span, utc_offset_minutes=found.offset_minutes, points=points, series=lines
        )
    )


async def get_usage_latency(call: Call) -> Reply:
    """Return percentiles of the time to the first token and of the whole, over time."""
    query: ChartQuery = call.query
    which, until = _stretch(query, call)
    points = _points(which, until, query.span, offset_minutes=query.utc_offset_minutes)
    edges = [*points, points[-1] + _LENGTHS[query.span]]
    count = min(SAMPLE, SAMPLED_MAX // len(points))
    samples = await call.ask(lambda store: store.traffic.timings(which, edges=edges, count=count))
    every = query.outcome is not None
    first = [[each.ttft_ms for each in sample if each.ttft_ms is not None] for sample in samples]
    whole = [_durations(sample, every=every) for sample in samples]
    return Reply(
        data=UsageLatency(
            span=query.span,
            points=points,
            sampled=sum(map(len, samples)),
            ttft_ms=_percentiles(first),
            duration_ms=_percentiles(whole),
        )
    )


async def get_usage_summary(call: Call) -> Reply:
    """Return the sums of a stretch of time and of the one before it."""
    which = filter_of(call.query, call)
    now_ms = int(call.deps.clock.now() * 1000)
    until = now_ms if which.until_ms is None else which.until_ms
    since = until - DAY_MS if which.since_ms is None else which.since_ms
    if since >= until:
        raise _backwards()
    now = msgspec.structs.replace(which, since_ms=since)
    before = msgspec.structs.replace(which, since_ms=since - (until - since), until_ms=since)
    return Reply(
        data=UsageSummary(
            since_ms=since, until_ms=until, now=await _sums(call, now), before=await _sums(call, before)
        )
    )


def _stretch(query: ChartQuery, call: Call) -> tuple[RequestFilter, int]:
    """Return which requests a chart is of, and where it ends; raises `CallerError`.

    Where the caller names no end the requests have none: sums of whole days can be taken as they are.
    """
    which, length = filter_of(query, call), _LENGTHS[query.span]
    offset = query.utc_offset_minutes * 60_000
    until = which.until_ms
    if until is None:
        now_ms = int(call.deps.clock.now() * 1000)
        until = now_ms - (now_ms + offset) % length + length
    since = which.since_ms
    if since is None:
        since = until - 1 - (until - 1 + offset) % length - (_POINTS[query.span] - 1) * length
    if since >= until:
        raise _backwards()
    if -(-(until - since + (since + offset) % length) // length) > POINTS_MAX:
        raise refusal(
            f"that is more than {POINTS_MAX} points",
            code="too_many_points",
            param="since",
            fix="ask for less time, or for `span=day`",
        )
    return msgspec.structs.replace(which, since_ms=since), until


def _backwards() -> Exception:
    return refusal("`since` is not before `until`", code="no_time", param="since")


def _points(which: RequestFilter, until: int, span: SeriesSpan, *, offset_minutes: int) -> list[int]:
    """Return where the hours or days begin that a stretch touches."""
    length, since = _LENGTHS[span], which.since_ms or 0
    return list(range(since - (since + offset_minutes * 60_000) % length, until, length))


def _series(line: SeriesLine, points: Sequence[int], names: Mapping[str, str]) -> SeriesOfGroup:
    sums = {
        name: [getattr(line.points[at], name) if at in line.points else 0 for at in points]
        for name in _SUMMED
    }
    return SeriesOfGroup(group=line.group, name=names.get(line.group or ""), rest=line.rest, **sums)


def _durations(sample: Sequence[Timing], *, every: bool) -> list[int]:
    """Return how long it took, without what failed, which is often quick, unless that was asked for."""
    return [each.duration_ms for each in sample if each.duration_ms is not None and (every or each.ok)]


def _percentiles(samples: Sequence[list[int]]) -> Percentiles:
    ranked = [sorted(sample) for sample in samples]
    return Percentiles(
        p50=[_at(sample, 50) for sample in ranked],
        p95=[_at(sample, 95) for sample in ranked],
        p99=[_at(sample, 99) for sample in ranked],
    )


def _at(ranked: Sequence[int], percent: int) -> int | None:
    """Return the least value that so many percent do not exceed."""
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)] if ranked else None


async def _sums(call: Call, which: RequestFilter) -> UsageSums:
    lines, served = await call.ask(
        lambda store: (store.requests.usage(which, group_by="model"), store.traffic.served(which))
    )
    prices = prices_in(call.deps.world(), call.deps.catalog)
    saved = cache_saved(lines, served, prices, now=call.deps.clock.now())
    sums = {name: _total(lines, name) for name in _SUMMED}
    return UsageSums(
        **sums,
        cost_usd=usd(sums["cost_pusd"]) or "0",
        charge_usd=usd(sums["charge_pusd"]) or "0",
        cache_saved_pusd=saved,
        cache_saved_usd=usd(saved),
    )


def _total(lines: Sequence[UsageLine], name: str) -> int:
    return sum(getattr(line, name) for line in lines)


__all__ = [
    "ChartQuery",
    "Percentiles",
    "SeriesOfGroup",
    "SeriesQuery",
    "Sums",
    "UsageLatency",
    "UsageSeries",
    "UsageSummary",
    "UsageSums",
    "get_usage_latency",
    "get_usage_series",
    "get_usage_summary",
]
