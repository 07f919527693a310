"""What a target's recent requests tell of it: share of successes, waiting times, speed, cost.

Everything decays with one half-life. Instead of shrinking old sums, new samples weigh more: a weight is
two to the power of the half-lives since the object was made, and all sums are scaled down together
before that becomes too large. Ratios of sums are then decayed means, whenever they are asked.

Times to the first token also go into a histogram with steps of a quarter, so that quantiles are
exact to a few per cent without keeping samples.
"""

from __future__ import annotations

import math

HALF_LIFE = 600.0
"""Seconds until a sample counts half."""

STALE = 0.05
"""Samples (decayed) below which a target counts as unknown again: one sample after 43 minutes."""

_FIRST, _STEP, _BUCKETS = 0.02, 1.25, 48
_LOG_STEP = math.log(_STEP)
_RESCALE_AT = 40.0


class Mean:
    """A decayed mean; the weights are the caller's."""

    __slots__ = ("total", "weight")

    def __init__(self) -> None:
        self.total = 0.0
        self.weight = 0.0

    def add(self, value: float, weight: float) -> None:
        """Take one sample."""
        self.total += value * weight
        self.weight += weight

    def scale(self, factor: float) -> None:
        """Shrink what was taken."""
        self.total *= factor
        self.weight *= factor

    def value(self, least: float) -> float | None:
        """Return the mean, None where fewer samples than weigh `least` are in it."""
        return self.total / self.weight if self.weight > 0 and self.weight >= least else None


class Statistics:
    """One target's past; times are seconds on the caller's monotonic clock."""

    __slots__ = ("_cost", "_first", "_histogram", "_origin", "_output", "_pace", "_success")

    def __init__(self, now: float) -> None:
        self._origin = now
        self._success = Mean()
        self._first = Mean()
        self._pace = Mean()
        self._cost = Mean()
        self._output = Mean()
        self._histogram = [0.0] * _BUCKETS

    def attempt(
        self,
        now: float,
        *,
        ok: bool,
        cost: int | None = None,
        tokens: int = 0,
        seconds: float | None = None,
    ) -> None:
        """Take the outcome of one attempt that the target is answerable for, and what it cost in pico-USD.

        `tokens` are those of an answer and `seconds` the time that a stream took behind its first piece.
        """
        age = (now - self._origin) / HALF_LIFE
        weight = 2.0**age if age <= _RESCALE_AT else self._weight(now)
        success, output = self._success, self._output
        success.weight += weight
        if ok:
            success.total += weight
        if cost is not None:
            spent = self._cost
            spent.total += cost * weight
            spent.weight += weight
        if tokens:
            output.total += tokens * weight
            output.weight += weight
            if seconds is not None and tokens > 1 and seconds > 0:
                self._pace.add(seconds / tokens, weight)

    def first_token(self, now: float, seconds: float) -> None:
        """Take the time from an attempt's start to its first meaningful piece."""
        weight = self._weight(now)
        self._first.add(seconds, weight)
        self._histogram[_bucket(seconds)] += weight

    def samples(self, now: float) -> float:
        """Return how many attempts are in the share of successes, each as much as it still counts."""
        return self._success.weight / self._weight(now)

    def first_token_samples(self, now: float) -> float:
        """Return how many times to the first token are known, each as much as it still counts."""
        return self._first.weight / self._weight(now)

    def success(self, now: float) -> float | None:
        """Return the share of attempts that succeeded."""
        return self._success.value(self._least(now))

    def first_token_mean(self, now: float) -> float | None:
        """Return the mean time to the first token in seconds."""
        return self._first.value(self._least(now))

    def first_token_quantile(self, now: float, share: float) -> float | None:
        """Return the time within which `share` of the first tokens came, None where nothing is known.

        Inside a step of the histogram times are taken to lie evenly.
        """
        total = sum(self._histogram)
        if total <= 0 or total < self._least(now):
            return None
        wanted, below = share * total, 0.0
        for place, weight in enumerate(self._histogram):
            if weight and below + weight >= wanted * (1 - 1e-12):
                low = 0.0 if place == 0 else _edge(place - 1)
                return low + (_edge(place) - low) * min(1.0, max(0.0, wanted - below) / weight)
            below += weight
        return _edge(_BUCKETS - 1)

    def seconds_per_token(self, now: float) -> float | None:
        """Return the mean time of one output token behind the first."""
        return self._pace.value(self._least(now))

    def output_mean(self, now: float) -> float | None:
        """Return the mean length of an answer in tokens."""
        return self._output.value(self._least(now))

    def cost_mean(self, now: float) -> float | None:
        """Return the mean cost of an attempt in pico-USD."""
        return self._cost.value(self._least(now))

    def _weight(self, now: float) -> float:
        age = (now - self._origin) / HALF_LIFE
        if age > _RESCALE_AT:
            self._rescale(now, 2.0 ** -min(age, 1000.0))
            age = 0.0
        return 2.0**age

    def _least(self, now: float) -> float:
        return STALE * self._weight(now)

    def _rescale(self, now: float, factor: float) -> None:
        self._origin = now
        for mean in (self._success, self._first, self._pace, self._cost, self._output):
            mean.scale(factor)
        self._histogram = [weight * factor for weight in self._histogram]


def _bucket(seconds: float) -> int:
    if seconds <= _FIRST:
        return 0
    return min(_BUCKETS - 1, math.ceil(math.log(seconds / _FIRST) / _LOG_STEP - 1e-9))


def _edge(place: int) -> float:
    return _FIRST * _STEP**place


__all__ = ["HALF_LIFE", "STALE", "Mean", "Statistics"]
