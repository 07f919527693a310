"""What became of exchanges, counted as they are settled: plain integers, a dozen additions each.

Everything about one account and model stands in one object, found by one look-up. There are at most
`SERIES_MAX` of them; what comes later is counted under `other`, and that it was is counted too.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator

from flowrouter.features.metrics.families import PREFIX, Family, Sample, counter, single
from flowrouter.features.metrics.labels import OTHER, Labels
from flowrouter.gateway.costs import HEDGED
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.probes import ENDPOINT as PROBE
from flowrouter.gateway.records import AttemptRow
from flowrouter.gateway.settle import Settlement
from flowrouter.gateway.world import World
from flowrouter.routing import Target
from flowrouter.routing.facts import NAME_MAX

SERIES_MAX = 500
"""Pairs of account and model with labels of their own: about thirty lines of a scrape each."""

FOUND_MAX = 1_000
"""Names that are remembered with what is counted of them: clients may choose any, without end."""

DURATIONS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 600.0)
FIRST_TOKENS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0, 60.0, 120.0)
OVERHEADS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)

KINDS = ("input", "cache_read", "cache_write", "output", "reasoning")
_TARGET = ("account", "preset", "model")
_NOBODY = ("", "", "")
_NOT_FAILED = frozenset({"answered", "cut", "cancelled", "open", HEDGED, "token_refused", "field_refused"})
_PICO = 1e12


class Histogram:
    """Observations by bucket; the last bucket is above every bound."""

    __slots__ = ("_bounds", "buckets", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.buckets = [0] * (len(bounds) + 1)
        self.total = 0.0

    def take(self, value: float) -> None:
        """Count one observation."""
        self.buckets[bisect_left(self._bounds, value)] += 1
        self.total += value

    def sample(self, labels: tuple[str, ...]) -> Sample:
        """Return what was observed under `labels`."""
        return Sample(labels, self.total, tuple(self.buckets))


_Kind = tuple[str, str, bool, str, int]
"""Operation, dialect, whether it was streamed, outcome, and the hundreds of the status."""


class _Form:
    """One kind of exchange with one target: what `requests` says of it, and the times of all that are like it in less."""

    __slots__ = ("duration", "labels", "number", "overhead")

    def __init__(self, labels: tuple[str, str, str, str], duration: Histogram, overhead: Histogram) -> None:
        self.labels = labels
        self.number = 0
        self.duration = duration
        self.overhead = overhead


class _Tokens:
    """Tokens by kind."""

    __slots__ = KINDS

    def __init__(self) -> None:
        self.input = self.cache_read = self.cache_write = self.output = self.reasoning = 0


class _Target:
    """What is counted of one account and model; money in pico-USD."""

    __slots__ = ("attempts", "charge", "cost", "estimated", "first", "requests", "tokens", "unpriced")

    def __init__(self) -> None:
        self.requests: dict[_Kind, _Form] = {}
        self.attempts: defaultdict[str, int] = defaultdict(int)
        self.tokens, self.estimated = _Tokens(), _Tokens()
        self.cost = self.charge = self.unpriced = 0
        self.first: Histogram | None = None

    def asked(self) -> dict[tuple[str, str, str, str], int]:
        """Return how many requests there were, by operation, dialect, outcome and status."""
        told: dict[tuple[str, str, str, str], int] = {}
        for form in self.requests.values():
            told[form.labels] = told.get(form.labels, 0) + form.number
        return told

    def take(self, attempt: AttemptRow) -> None:
        """Count one try."""
        self.attempts[attempt.outcome] += 1
        if attempt.charge_pusd:
            self.charge += attempt.charge_pusd
        if attempt.cost_pusd is None:
            self.unpriced += 1
        else:
            self.cost += attempt.cost_pusd
        read, written = attempt.input_tokens, attempt.output_tokens
        if read is None and written is None:
            return
        tokens = self.estimated if attempt.estimated else self.tokens
        if read:
            tokens.input += read
        if attempt.cache_read_tokens:
            tokens.cache_read += attempt.cache_read_tokens
        if attempt.cache_write_tokens:
            tokens.cache_write += attempt.cache_write_tokens
        if written:
            tokens.output += written
        if attempt.reasoning_tokens:
            tokens.reasoning += attempt.reasoning_tokens

    def streamed(self, exchange: Exchange) -> None:
        """Take how long a stream's client waited for its first piece, if there was one."""
        if exchange.first_content_at is not None:
            if self.first is None:
                self.first = Histogram(FIRST_TOKENS)
            self.first.take(exchange.first_content_at - exchange.inbound.started)


class Counts:
    """Counts the settlements of this worker; `world` says which names are known."""

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world
        self._labels = Labels(world())
        self._targets: dict[tuple[str, str, str], _Target] = {}
        # By what rows name, so that labels are looked up once for each account and known model, or all others.
        self._found: dict[tuple[str, str, str], _Target] = {}
        self._durations: dict[tuple[str, str, str, str], Histogram] = {}
        self._overheads: dict[tuple[str, str], Histogram] = {}
        self._seams: defaultdict[str, int] = defaultdict(int)
        self._not_completed = self._fallbacks = self._overflow = 0

    def settled(self, settlement: Settlement) -> None:
        """Count one exchange."""
        if self._labels.world is not (world := self._world()):
            self._labels = Labels(world)
            self._found.clear()
        row, exchange = settlement.row, settlement.exchange
        target: _Target | None = None
        for attempt in row.attempts:
            # Nearly all are of models that are known, and stand under the very name.
            target = self._found.get((attempt.account_id, attempt.preset, attempt.model))
            if target is None:
                target = self._target(attempt)
            target.take(attempt)
        if target is None:
            target = self._series(_NOBODY)
        elif self._overflow or len(row.attempts) > 1:  # what overflows is counted each time
            target = self._answered(exchange, target)
        # The gateway's own calls are no client's conversations.
        operation = PROBE if row.endpoint == PROBE else exchange.inbound.operation
        kind = (operation, row.client_dialect, row.stream, row.outcome, row.status // 100)
        form = target.requests.get(kind)
        if form is None:
            form = target.requests[kind] = self._form(kind)
        form.number += 1
        taken, seconds = form.duration, (row.duration_ms or 0) / 1000
        taken.buckets[bisect_left(DURATIONS, seconds)] += 1
        taken.total += seconds
        taken, own = form.overhead, (row.overhead_us or 0) / 1e6
        taken.buckets[bisect_left(OVERHEADS, own)] += 1
        taken.total += own
        if row.stream and row.attempts:
            target.streamed(exchange)
        for seam in exchange.seams:
            self._seams[seam.way] += 1
        if exchange.not_completed is not None:
            self._not_completed += 1

    def _answered(self, exchange: Exchange, last: _Target) -> _Target:
        """Return who answered an exchange of which `last` was asked last, and count it if that was a fallback."""
        log = exchange.answering
        if len(exchange.attempts) > 1:
            self._fallbacks += _fell_back(exchange)
        if log is None or (not self._overflow and log is exchange.attempts[-1]):
            return last
        return self._target(log.target)

    def _form(self, kind: _Kind) -> _Form:
        operation, dialect, stream, outcome, hundreds = kind
        told = (operation, dialect, "true" if stream else "false", outcome)
        return _Form(
            (operation, dialect, outcome, f"{hundreds}xx" if hundreds else "none"),
            self._durations.setdefault(told, Histogram(DURATIONS)),
            self._overheads.setdefault((operation, dialect), Histogram(OVERHEADS)),
        )

    def _target(self, asked: AttemptRow | Target) -> _Target:
        # A name that the configuration does not know may be a client's, and those are without end.
        model = asked.model if asked.model in self._labels.models else OTHER
        named = (asked.account_id, asked.preset, model)
        found = self._found.get(named)
        if found is None:
            shown = (self._labels.account(asked.account_id), asked.preset, model)
            found = self._series(shown)
            if model != OTHER or shown in self._targets:  # what overflows is counted each time
                self._found[named] = found
        if model == OTHER and named in self._found and len(asked.model) <= NAME_MAX:
            if len(self._found) >= FOUND_MAX:
                self._found.clear()
            self._found[(asked.account_id, asked.preset, asked.model)] = found
        return found

    def _series(self, named: tuple[str, str, str]) -> _Target:
        found = self._targets.get(named)
        if found is None:
            if len(self._targets) >= SERIES_MAX:
                self._overflow += 1
                named = (OTHER, OTHER, OTHER)
            found = self._targets.setdefault(named, _Target())
        return found

    def families(self) -> list[Family]:
        """Return everything that was counted."""
        return [*self._target_families(), *self._form_families(), *self._events()]

    def _target_families(self) -> Iterator[Family]:
        targets = list(self._targets.items())
        yield counter(
            "requests",
            "Finished requests, by who answered or was asked last.",
            labels=("operation", "dialect", "outcome", "status", *_TARGET),
            samples=(
                Sample((*asked, *labels), number)
                for labels, target in targets
                for asked, number in target.asked().items()
            ),
        )
        yield counter(
            "attempts",
            "Tries at a target, by what came of them.",
            labels=(*_TARGET, "verdict"),
            samples=(
                Sample((*labels, verdict), number)
                for labels, target in targets
                for verdict, number in target.attempts.items()
            ),
        )
        yield counter(
            "tokens",
            "Tokens of all attempts; the kinds are disjoint. `estimated` marks the gateway's own counts.",
            labels=(*_TARGET, "kind", "estimated"),
            samples=(
                Sample((*labels, kind, marked), number)
                for labels, target in targets
                for marked, counts in (("false", target.tokens), ("true", target.estimated))
                for kind in KINDS
                if (number := getattr(counts, kind))
            ),
        )
        yield from _money(targets)
        yield Family(
            name=f"{PREFIX}first_token_seconds",
            kind="histogram",
            help="From a streamed request's arrival to the first meaningful piece of its answer.",
            labels=_TARGET,
            bounds=FIRST_TOKENS,
            samples=tuple(
                target.first.sample(labels) for labels, target in targets if target.first is not None
            ),
        )

    def _form_families(self) -> Iterator[Family]:
        yield Family(
            name=f"{PREFIX}request_duration_seconds",
            kind="histogram",
            help="From a request's arrival to the end of its answer.",
            labels=("operation", "dialect", "stream", "outcome"),
            bounds=DURATIONS,
            samples=tuple(taken.sample(labels) for labels, taken in self._durations.items()),
        )
        yield Family(
            name=f"{PREFIX}overhead_seconds",
            kind="histogram",
            help="What the gateway itself took of a request, waiting for providers apart.",
            labels=("operation", "dialect"),
            bounds=OVERHEADS,
            samples=tuple(taken.sample(labels) for labels, taken in self._overheads.items()),
        )

    def _events(self) -> Iterator[Family]:
        yield single(
            "fallbacks",
            "Requests that another target answered after the one before it had failed.",
            self._fallbacks,
            kind="counter",
        )
        yield single(
            "hedges",
            "Attempts cut off because another one began first.",
            sum(target.attempts.get(HEDGED, 0) for target in self._targets.values()),
            kind="counter",
        )
        yield counter(
            "completions",
            "Answers that broke off and went on from another target, by how the join was found.",
            labels=("way",),
            samples=(Sample((way,), number) for way, number in self._seams.items()),
        )
        yield single(
            "completions_failed",
            "Answers that broke off and that nobody went on with.",
            self._not_completed,
            kind="counter",
        )
        yield single(
            "metrics_overflow",
            f"Look-ups counted under `other` because {SERIES_MAX} pairs of account and model have labels.",
            self._overflow,
            kind="counter",
        )


def _money(targets: list[tuple[tuple[str, str, str], _Target]]) -> Iterator[Family]:
    yield counter(
        "cost_usd",
        "What attempts are believed to have cost, where their price is known.",
        labels=_TARGET,
        samples=(Sample(labels, target.cost / _PICO) for labels, target in targets if labels != _NOBODY),
    )
    yield counter(
        "charge_usd",
        "What of the cost counts against callers.",
        labels=_TARGET,
        samples=(Sample(labels, target.charge / _PICO) for labels, target in targets if labels != _NOBODY),
    )
    yield counter(
        "cost_unknown",
        "Attempts whose cost nobody knows.",
        labels=_TARGET,
        samples=(Sample(labels, target.unpriced) for labels, target in targets if target.unpriced),
    )


def _fell_back(exchange: Exchange) -> bool:
    """Return whether the answer came from another target than one that failed before."""
    answering = exchange.answering
    return (
        answering is not None
        and answering.verdict in ("answered", "cut")
        and any(
            log.verdict not in _NOT_FAILED and log.target.key != answering.target.key
            for log in exchange.attempts
        )
    )


__all__ = ["DURATIONS", "FIRST_TOKENS", "KINDS", "OVERHEADS", "SERIES_MAX", "Counts", "Histogram"]
