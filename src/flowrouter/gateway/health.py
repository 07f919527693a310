"""How accounts and models did lately: fed by every settled exchange, asked by routing and by people.

Nothing here calls a provider. What is kept is bounded: the targets used longest ago are forgotten
first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

import msgspec

from flowrouter.clock import Clock
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.records import RequestRow
from flowrouter.routing.facts import NAME_MAX
from flowrouter.routing.statistics import Statistics
from flowrouter.routing.target import Target

TARGETS_MAX = 2000
"""Targets that are remembered; where an account takes every name, callers choose what is asked."""

_NOT_ITS_FAULT = frozenset(
    {"open", "cancelled", "request_fault", "param_unsupported", "field_refused", "context_overflow",
     "content_filter", "busy", "hedged", "token_refused"}
)  # fmt: skip
"""Verdicts that say nothing about how the target does."""


class TargetHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one target, for people; None where nothing is known yet.

    `samples` are recent attempts, each as much as it still counts; times in seconds.
    """

    target: Target
    samples: float
    success: float | None
    first_token_p50: float | None
    first_token_p95: float | None
    tokens_per_second: float | None
    cost_mean_pusd: float | None
    last_error: str | None
    last_error_at: float | None
    last_used_at: float


class _Past:
    __slots__ = ("error", "error_at", "statistics", "target", "used_at")

    def __init__(self, target: Target, now: float) -> None:
        self.target = target
        self.statistics = Statistics(now)
        self.error: str | None = None
        self.error_at: float | None = None
        self.used_at = 0.0


class Health:
    """The recent past of all targets."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._past: OrderedDict[str, _Past] = OrderedDict()

    def settled(self, exchange: Exchange, row: RequestRow) -> None:
        """Take every attempt of a finished exchange that says something of its target."""
        now, known, attempts = self._clock.monotonic(), self._past, exchange.attempts
        for number, log in enumerate(attempts):
            verdict, key = log.verdict, log.target.key
            if verdict in _NOT_ITS_FAULT:
                continue
            past = known.get(key)
            if past is not None:
                known.move_to_end(key)
            elif (past := self._begun(log.target, now)) is None:
                continue
            past.used_at = self._clock.now()
            ok, tokens, took = verdict == "answered", 0, None
            if not ok:
                past.error, past.error_at = verdict, past.used_at
            if (ok or verdict == "cut") and (log is attempts[-1] or log is exchange.answering):
                # It reached the client: the last of those did.
                if ok and log.usage is not None:
                    tokens = log.usage.total_output
                if exchange.head is not None and exchange.head.stream:
                    took = _first_token(past.statistics, log, exchange, now=now)
            cost = row.attempts[number].cost_pusd
            past.statistics.attempt(now, ok=ok, cost=cost, tokens=tokens, seconds=took)

    def first_token(self, target: Target) -> float | None:
        """Return the mean time to the first token in seconds, None where nothing recent is known."""
        past = self._past.get(target.key)
        return None if past is None else past.statistics.first_token_mean(self._clock.monotonic())

    def first_token_quantile(self, target: Target, share: float) -> float | None:
        """Return the time within which `share` of the target's first tokens came, in seconds."""
        past = self._past.get(target.key)
        if past is None:
            return None
        return past.statistics.first_token_quantile(self._clock.monotonic(), share)

    def samples(self, target: Target) -> float:
        """Return how many times to the first token are known, each as much as it still counts."""
        past = self._past.get(target.key)
        return 0.0 if past is None else past.statistics.first_token_samples(self._clock.monotonic())

    def output_mean(self, target: Target) -> float | None:
        """Return the mean length of the target's answers in tokens."""
        past = self._past.get(target.key)
        return None if past is None else past.statistics.output_mean(self._clock.monotonic())

    def known(self) -> Iterator[TargetHealth]:
        """Yield what is known of each target, the latest used first."""
        now = self._clock.monotonic()
        for past in reversed(self._past.values()):
            statistics = past.statistics
            pace = statistics.seconds_per_token(now)
            yield TargetHealth(
                target=past.target,
                samples=round(statistics.samples(now), 2),
                success=statistics.success(now),
                first_token_p50=statistics.first_token_quantile(now, 0.5),
                first_token_p95=statistics.first_token_quantile(now, 0.95),
                tokens_per_second=None if not pace else 1 / pace,
                cost_mean_pusd=statistics.cost_mean(now),
                last_error=past.error,
                last_error_at=past.error_at,
                last_used_at=past.used_at,
            )

    def _begun(self, target: Target, now: float) -> _Past | None:
        """Return the past of a target that has none yet, None where its name is too long to be kept."""
        if len(target.model) > NAME_MAX:
            return None
        past = self._past[target.key] = _Past(target, now)
        if len(self._past) > TARGETS_MAX:
            self._past.popitem(last=False)
        return past


def _first_token(statistics: Statistics, log: AttemptLog, exchange: Exchange, *, now: float) -> float | None:
    """Take when a stream of `log` began, which nothing else tells; return the seconds it took from then on."""
    first = exchange.first_content_at
    if first is None or first < log.started:
        return None
    statistics.first_token(now, first - log.started)
    return None if log.ended is None else log.ended - first


__all__ = ["TARGETS_MAX", "Health", "TargetHealth"]
