"""What is known at the moment one request is routed: look-ups into memory, and what was gathered before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from flowrouter.gateway.admission import Admission
from flowrouter.gateway.health import Health
from flowrouter.gateway.world import World
from flowrouter.routing import turns
from flowrouter.routing.affinity import Pin
from flowrouter.routing.conditions import Circumstances
from flowrouter.routing.signals import Calm, Obstacle
from flowrouter.routing.target import Target

OUTPUT_TOKENS = 600
"""The length of an answer that is expected where none of a target is known."""

_UNASKED = object()


class Bills(Protocol):
    """What a request would cost somewhere, before it is sent."""

    def estimate(
        self, target: Target, *, input_tokens: int, output_tokens: int, cached_tokens: int
    ) -> int | None:
        """Return the bill in pico-USD, None where no price is known; `input_tokens` includes the cached."""
        ...


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Where signals come from; given once. `obstacle` and `bills` None: nothing is known of either."""

    health: Health
    admission: Admission
    obstacle: Callable[[Target], Obstacle | None] | None = None
    bills: Bills | None = None


class Bare(Calm):
    """The `Signals` of a request that has nothing to choose from: only what stands in its target's way."""

    def __init__(self, sources: Sources) -> None:
        self._ask = sources.obstacle

    def obstacle(self, target: Target) -> Obstacle | None:
        """Return why the target is better not asked now."""
        return None if self._ask is None else self._ask(target)


class Moment:
    """The `Signals` of one request; `turns`, `pinned` and the session are filled in by who gathers.

    `seen` is the request, `talks` whether its answer is a text of some length.
    """

    def __init__(
        self, sources: Sources, seen: Circumstances, world: World, *, seed: str, talks: bool
    ) -> None:
        self._sources = sources
        self._seen = seen
        self._world = world
        self._seed = seed
        self._talks = talks
        self._input: int | None = None
        self._bills: dict[str, int | None] = {}
        self.turns: dict[str, int] = {}
        self.pinned: Pin | None = None
        self.held: str | None = None
        self.session_key = ""

    def cursor(self, group: str) -> int:
        """Return the group's turn, 0 where none was taken."""
        return self.turns.get(group, 0)

    def draw(self, group: str, place: int) -> float:
        """Return a random number in [0, 1): the same for one request, group and place."""
        return turns.draw(self._seed, group, str(place))

    def session(self) -> str:
        """Return what tells this session from others; empty where nothing does."""
        return self.session_key

    def latency(self, target: Target) -> float | None:
        """Return the decayed time to the first token in seconds."""
        return self._sources.health.first_token(target)

    def busy(self, target: Target) -> float:
        """Return the requests in flight at the target's account as a share of what it may have."""
        limit = self._world.slots(target.account_id)
        return self._sources.admission.in_flight(target.account_id) / limit

    def bill(self, target: Target) -> int | None:
        """Return what this request would cost there in pico-USD."""
        bills = self._sources.bills
        if bills is None:
            return None
        known = self._bills.get(target.key, _UNASKED)
        if known is _UNASKED:
            known = self._bills[target.key] = self._estimate(bills, target)
        return known  # pyright: ignore[reportReturnType]

    def pin(self) -> str | None:
        """Return the key of the target that holds this session's prompt cache."""
        return None if self.pinned is None else self.pinned.target

    def holder(self) -> str | None:
        """Return the account id whose own sealed state this request carries."""
        return self.held

    def obstacle(self, target: Target) -> Obstacle | None:
        """Return why the target is better not asked now."""
        ask = self._sources.obstacle
        return None if ask is None else ask(target)

    @property
    def input_tokens(self) -> int:
        """Return the request's estimated size, looked at once."""
        if self._input is None:
            self._input = self._seen.tokens
        return self._input

    def output_tokens(self, target: Target) -> int:
        """Return how long an answer of `target` is expected to be: as its last ones, at most what may come."""
        if not self._talks:
            return 0
        usual = self._sources.health.output_mean(target)
        expected = OUTPUT_TOKENS if usual is None else round(usual)
        most = self._seen.max_output
        return expected if most is None else min(expected, most)

    def _estimate(self, bills: Bills, target: Target) -> int | None:
        pin, size = self.pinned, self.input_tokens
        warm = pin is not None and pin.target == target.key
        return bills.estimate(
            target,
            input_tokens=size,
            output_tokens=self.output_tokens(target),
            cached_tokens=min(pin.cached, size) if warm and pin is not None else 0,
        )


__all__ = ["OUTPUT_TOKENS", "Bare", "Bills", "Moment", "Sources"]
