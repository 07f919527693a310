"""Brings a begun answer to the client: any form the upstream chose, in the form the client asked for.

`delivery` does it for one answer. Until the content commit a failure here is returned and another target
may answer; after it, the client's stream goes on from another target where that is possible
(`carrying_on.Completion`), else it ends with its own dialect's error, never with a clean terminator.
"""

from __future__ import annotations

from collections.abc import Callable

from flowrouter.clock import Clock
from flowrouter.errors import UpstreamError
from flowrouter.gateway.attempts import Attempts
from flowrouter.gateway.begun import Begun, out_of_time
from flowrouter.gateway.blame import Failure
from flowrouter.gateway.carrying_on import Completion
from flowrouter.gateway.client import Client
from flowrouter.gateway.delivery import Delivery, Means
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.recall import Recall
from flowrouter.gateway.stored_responses import StoredResponses


class Relay:
    """Delivers answers; what it needs is given once."""

    def __init__(
        self,
        attempts: Attempts,
        *,
        recall: Recall,
        stored: StoredResponses,
        clock: Clock,
        completion: Completion | None = None,
    ) -> None:
        self._attempts = attempts
        self._means = Means(clock=clock, recall=recall, stored=stored, completion=completion)

    async def deliver(
        self, begun: Begun, exchange: Exchange, client: Client, *, settle: Callable[[Exchange], None]
    ) -> Failure | None:
        """Answer the client from `begun`, and close it; a failure means that nothing meaningful has left.

        `settle` is called once the client has its answer, before the rest of the reply is read.
        """
        delivery = Delivery(begun, begun.opened, begun.source, exchange, client, self._means, settle)
        try:
            running = delivery.run()
            problem = None if running is None else await running
        except UpstreamError as error:
            if error.kind == "timeout" and begun.overdue(self._means.clock.monotonic()):
                return out_of_time(begun.target, begun.opened.log)
            return self._attempts.broken(begun.opened.log, begun.target, error)
        finally:
            begun.close()
            delivery.note()
        return None if problem is None else self._attempts.refused(begun.opened, problem)


__all__ = ["Relay"]
