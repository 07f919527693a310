"""What carries on a stream that broke, as a delivery sees it; `completion` is what does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from flowrouter.canonical.events import Event
from flowrouter.canonical.problem import Problem
from flowrouter.gateway.begun import Begun
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.sinks import Sink

ContinueWith = Callable[[Sequence[Event], Begun], Awaitable[None]]
"""Brings events of another attempt to the client, behind what has left: it takes over."""


class Completion(Protocol):
    """What may carry on a stream that broke."""

    async def go_on(
        self,
        exchange: Exchange,
        begun: Begun,
        *,
        sink: Sink,
        problem: Problem,
        continue_with: ContinueWith,
    ) -> bool:
        """Carry the answer on behind `sink.cursor`; False if it has no end, and nothing false has left.

        `begun` may be closed already by then: `Begun.close` may be called any number of times.
        """
        ...


__all__ = ["Completion", "ContinueWith"]
